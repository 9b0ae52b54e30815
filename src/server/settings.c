/* settings.c: the table of settings, and what a text must look like to be one. */
#include "server/settings.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/network.h"
#include "base/num.h"
#include "model/names.h"
#include "server/shard.h"

#define HEADER_TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What clients of this interface send. */
#define CORS_HEADERS                                                                               \
    "(\"Authorization\",\"Clusto-After\",\"Clusto-As-Of\",\"Clusto-Contents\","                    \
    "\"Clusto-Description\",\"Clusto-Diff\",\"Clusto-Dry-Run\",\"Clusto-Inherit\","                \
    "\"Clusto-Min-Version\",\"Clusto-Minify\",\"Clusto-Mode\",\"Clusto-Page\","                    \
    "\"Clusto-Per-Page\",\"Clusto-Units\",\"Clusto-Wait\",\"Content-Type\",\"Idempotency-Key\","   \
    "\"If-Match\",\"If-None-Match\","                                                              \
    "\"Last-Event-ID\",\"X-Request-Id\",\"X-User-Id\",\"traceparent\")"

enum { HOUR = 3600 * 1000, TEXT_MAX = 4096, MEBI = 1024 * 1024 };

static const char *check_port(struct arena *arena, const char *text, const char *colon) {
    int64_t port;
    int n = (int)(colon - text);

    if (n == 0)
        return arena_printf(arena, "\"%s\" names no host", text);
    if (memchr(text, ':', (size_t)n) != NULL && (text[0] != '[' || colon[-1] != ']'))
        return arena_printf(arena, "\"%.*s\" must be in brackets, as in \"[%.*s]%s\"", n, text, n,
                            text, colon);
    if (num_parse_range(colon + 1, 1, 65535, &port) != NUM_OK || !isdigit((unsigned char)colon[1]))
        return arena_printf(arena, "\"%s\" is not a port", colon + 1);
    return NULL;
}

static const char *check_listen(struct arena *arena, const char *text) {
    const char *colon = strrchr(text, ':');

    if (strcmp(text, "systemd") == 0 || strcmp(text, "fd:0") == 0)
        return NULL;
    if (strncmp(text, "unix:", 5) == 0) {
        if (text[5] != '/')
            return "the path of a Unix socket begins with a slash";
        if (strlen(text + 5) >= sizeof(((struct sockaddr_un *)0)->sun_path))
            return "the path is too long for a Unix socket";
        return NULL;
    }
    if (colon == NULL)
        return "is none of \"unix:/path\", \"host:port\", \"fd:0\", \"systemd\"";
    return check_port(arena, text, colon);
}

static const char *check_user(struct arena *arena, const char *text) {
    return text[0] == '\0' || getpwnam(text) != NULL
               ? NULL
               : arena_printf(arena, "there is no user \"%s\"", text);
}

static const char *check_group(struct arena *arena, const char *text) {
    return text[0] == '\0' || getgrnam(text) != NULL
               ? NULL
               : arena_printf(arena, "there is no group \"%s\"", text);
}

static const char *check_owner(struct arena *arena, const char *text) {
    const char *colon = strchr(text, ':'), *wrong;

    if (colon == NULL)
        return check_user(arena, text);
    if (colon == text || colon[1] == '\0' || strchr(colon + 1, ':') != NULL)
        return arena_printf(arena, "\"%s\" is neither \"user\" nor \"user:group\"", text);
    wrong = check_user(arena, arena_strndup(arena, text, (size_t)(colon - text)));
    return wrong != NULL ? wrong : check_group(arena, colon + 1);
}

static const char *check_statements(struct arena *arena, const char *text) {
    if (strcmp(text, "named") == 0 || strcmp(text, "unnamed") == 0 || strcmp(text, "auto") == 0)
        return NULL;
    return arena_printf(arena, "\"%s\" is none of named, unnamed, auto", text);
}

static const char *check_log_level(struct arena *arena, const char *text) {
    enum log_level level;

    if (log_level_parse(text, &level))
        return NULL;
    return arena_printf(arena, "\"%s\" is none of " LOG_LEVEL_NAMES, text);
}

static const char *check_log_destination(struct arena *arena, const char *text) {
    if (strcmp(text, "stderr") == 0 || strcmp(text, "syslog") == 0 || text[0] == '/')
        return NULL;
    return arena_printf(arena, "\"%s\" is neither stderr, syslog nor an absolute path", text);
}

static const char *check_path(struct arena *arena, const char *text) {
    if (text[0] == '\0' || text[0] == '/')
        return NULL;
    return arena_printf(arena, "\"%s\" is not an absolute path", text);
}

static const char *check_directory(struct arena *arena, const char *text) {
    struct stat info;

    if (text[0] == '\0' || (text[0] == '/' && stat(text, &info) == 0 && S_ISDIR(info.st_mode)))
        return NULL;
    return arena_printf(arena, "\"%s\" is not %s", text,
                        text[0] == '/' ? "a directory" : "an absolute path");
}

/* CGI variables: what a front server can hand over. */
static const char *check_param(struct arena *arena, const char *text) {
    for (const char *p = text; *p != '\0'; p++)
        if (!isupper((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
            return arena_printf(arena, "\"%s\" is not a name of capitals, digits and _", text);
    return NULL;
}

static const char *check_network(struct arena *arena, const char *text) {
    struct network network;

    if (network_parse(text, &network))
        return NULL;
    return arena_printf(arena,
                        "\"%s\" is no address, no network \"address/length\" without bits after "
                        "its length, and neither \"unix\" nor \"*\"",
                        text);
}

/* A header's value. */
static const char *check_value(struct arena *arena, const char *text) {
    (void)arena;
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            return "may have printable ASCII characters only";
    return NULL;
}

/* As browsers write it (RFC 6454, section 6.2); any page can be "null". */
static const char *check_origin(struct arena *arena, const char *text) {
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    const char *host = text + scheme + 3;

    if (strcmp(text, "*") == 0)
        return NULL;
    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0 || *host == '\0' ||
        host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]")] != '\0')
        return arena_printf(arena, "\"%s\" is no origin: \"https://example.org\", without a path",
                            text);
    return NULL;
}

static const char *check_header_name(struct arena *arena, const char *text) {
    if (text[strspn(text, HEADER_TOKEN)] == '\0')
        return NULL;
    return arena_printf(arena, "\"%s\" is not the name of a header", text);
}

static const char *check_token_key(struct arena *arena, const char *text) {
    (void)arena;
    if (text[0] == '\0' || strlen(text) >= 32)
        return NULL;
    return "is too short to be a secret: 32 characters at least (muster token key makes one)";
}

static const char *check_shard(struct arena *arena, const char *text) {
    struct shard shard;

    return text[0] == '\0' ? NULL : shard_parse(arena, text, &shard);
}

static bool mount_char(char c) {
    return isalnum((unsigned char)c) || strchr("._~-/", c) != NULL;
}

static const char *check_mount(struct arena *arena, const char *text) {
    size_t n = strlen(text);

    if (n == 0 || strcmp(text, "/") == 0)
        return NULL;
    if (text[0] != '/' || text[n - 1] == '/' || strstr(text, "//") != NULL)
        return arena_printf(arena, "\"%s\" must begin with a slash and not end with one", text);
    for (const char *p = text; *p != '\0'; p++)
        if (!mount_char(*p))
            return arena_printf(arena, "\"%s\" may hold letters, digits and ._~- only", text);
    return NULL;
}

#define ROW(kind, name_, field, default_, min, max, check_, ...)                                   \
    {                                                                                              \
        .name = (name_), .type = SETTING_##kind, .default_text = (default_), .minimum = (min),     \
        .maximum = (max), .offset = offsetof(struct settings, field), .check = (check_),           \
        .help = __VA_ARGS__                                                                        \
    }

/* The field is called like the setting, and so are those of a lower room's options (x_OF). After
 * the help text, `true` says that a restart is needed. */
#define STRING(name, default_, min, max, check, ...)                                               \
    ROW(STRING, #name, name, default_, min, max, check, __VA_ARGS__)
#define STRING_OF(room, name, default_, min, max, check, help)                                     \
    ROW(STRING, #name, room.name, default_, min, max, check, help)
#define STRINGS(name, default_, min, max, check, help)                                             \
    ROW(STRINGS, #name, name, default_, min, max, check, help)
#define INT(name, default_, min, max, ...)                                                         \
    ROW(INT, #name, name, #default_, min, max, NULL, __VA_ARGS__)
#define INT_OF(room, name, default_, min, max, help)                                               \
    ROW(INT, #name, room.name, #default_, min, max, NULL, help)
#define BOOL(name, default_, help)          ROW(BOOL, #name, name, #default_, 0, 0, NULL, help)
#define BOOL_OF(room, name, default_, help) ROW(BOOL, #name, room.name, #default_, 0, 0, NULL, help)
#define GROUP(name, default_, help)         ROW(GROUP, #name, listen, default_, 0, 0, NULL, help)
#define MOUNT(id, name, path, part, application, help)                                             \
    ROW(STRING, "mounts." name, api.mounts[MOUNT_##id], path, 0, 256, check_mount, help),

/* Sorted by name, so that settings_find can search and the sample can be compared. */
static const struct setting table[] = {
    GROUP(access, "({who=\"anonymous\";roles=\"admin\";})",
          "authorization: a list of { who, mounts, roles }"),
    STRING_OF(api, auth_challenge, "Bearer", 1, 256, check_value, "WWW-Authenticate of a 401"),
    INT(body_limit, 1048576, 1, 1024 * MEBI, "largest request body in bytes; over it 413"),
    INT(body_timeout, 30000, 10, HOUR, "milliseconds within which the whole body must arrive"),
    INT(cache_size, 64, 0, 65536, "size of the response cache in MiB; 0: no cache"),
    INT_OF(store, connect_timeout, 0, 0, HOUR,
           "milliseconds to wait for a connection to each server of the database; 0: 3000, or 1000 "
           "where there are several"),
    BOOL(cors_credentials, false,
         "pages of cors_origins may send cookies and passwords that the browser keeps"),
    STRINGS(cors_headers, CORS_HEADERS, 1, 64, check_header_name,
            "request headers that pages of cors_origins may send"),
    INT(cors_max_age, 600000, 0, 24 * HOUR,
        "milliseconds that a browser may remember what it was told"),
    STRINGS(cors_origins, "()", 1, 300, check_origin,
            "origins whose pages may use the interface, or \"*\""),
    STRING_OF(store, database, "dbname=muster", 0, TEXT_MAX, store_check_conninfo,
              "libpq connection string"),
    STRING(database_read, "", 0, TEXT_MAX, store_check_conninfo,
           "libpq connection string of standbys that serve reads; empty: the primary does"),
    STRING_OF(api, doc_dir, "", 0, TEXT_MAX, check_directory,
              "where the documentation texts are; empty: where they were installed"),
    INT(drain_timeout, 30000, 0, HOUR,
        "milliseconds that requests in flight may take after TERM or HUP"),
    GROUP(drivers, "()", "additional drivers"),
    BOOL_OF(api, expanded_type, false, "expanded objects carry their type"),
    INT(feed_keep, 604800, 0, 2147483647,
        "seconds for which changes can be followed; 0: only as long as the response cache needs "
        "them"),
    INT(feed_waiters, 10000, 0, 1000000,
        "clients that may wait for changes at once; over it 429; 0: nobody waits"),
    BOOL(foreign_writes, false, "pages of other sites than those of cors_origins may send writes"),
    STRING(group, "", 0, 64, check_group, "group to drop to when started as root", true),
    STRING_OF(store, history_time_zone, "UTC", 1, 64, check_value,
              "time zone of versions that were made before --init-db"),
    INT(idempotency_keep, 86400000, 60000, 2147483647,
        "milliseconds that responses are kept for an Idempotency-Key"),
    STRING(identity_param, "REMOTE_USER", 1, 64, check_param,
           "FastCGI parameter with the name of the user"),
    INT(import_limit, 1073741824, 1, 2147483647, "largest import in bytes; over it 413"),
    INT_OF(api, json_depth, 64, 1, 100, "containers inside each other in a JSON body"),
    INT_OF(api, json_exponent, 308, 1, 1000,
           "exponent of a number in a JSON text, in either direction"),
    INT_OF(api, json_key_bytes, 1024, 16, MEBI, "longest key in a JSON text in bytes"),
    INT_OF(api, json_number_characters, 400, 20, 4000, "characters of a number in a JSON text"),
    INT_OF(api, json_values, 1000000, 1, 100000000, "values in a JSON body"),
    BOOL_OF(store, keep_history, true,
            "--init-db keeps what others change in place or erase, if versioning is on"),
    STRING(listen, "unix:/run/muster/muster.sock", 1, 512, check_listen,
           "where the front server finds us", true),
    INT(listen_backlog, 1024, 1, 65535, "connections that may wait to be accepted", true),
    ROW(MODE, "listen_mode", listen_mode, "0660", 0, 0777, NULL, "permissions of the Unix socket",
        true),
    STRING(listen_owner, "", 0, 128, check_owner,
           "owner of the Unix socket, \"user\" or \"user:group\"", true),
    INT_OF(store, lock_timeout, 10000, 0, HOUR,
           "milliseconds a statement may wait for a lock; 0: forever"),
    STRING(log_destination, "stderr", 1, TEXT_MAX, check_log_destination,
           "stderr, syslog or a file"),
    STRING(log_level, "info", 1, 16, check_log_level, "debug, info, warning or error"),
    INT_OF(api, max_key_characters, 256, 1, NAMES_MAX_KEY,
           "longest key or subkey of an attribute in characters"),
    INT_OF(api, max_name_characters, 128, 1, NAMES_MAX_NAME,
           "longest name of an object in characters"),
    INT(max_param_bytes, 1048576, 1, 1024 * MEBI, "longest value of a parameter in bytes"),
    INT(max_param_name_bytes, 1024, 16, MEBI, "longest name of a parameter in bytes"),
    INT(max_params, 10000, 1, 1000000, "parameters in one request"),
    INT(max_path_bytes, 8192, 16, MEBI, "longest path in bytes"),
    INT(max_path_segments, 72, 4, 10000, "segments in a path"),
    INT_OF(api, max_per_page, 0, 0, 2147483647,
           "objects on a page that a client may ask for; 0: any number"),
    INT_OF(api, max_repeated_rows, 10000, 0, 2147483647,
           "attributes and relations of objects that a request names again"),
    INT(max_requests, 0, 0, 1000000000, "a worker is replaced after so many requests; 0: never"),
    STRINGS(monitor_networks, "(\"127.0.0.0/8\",\"::1\",\"unix\")", 1, 64, check_network,
            "networks that may read /__live__, /__ready__ and /__metrics__"),
    MOUNTS(MOUNT) /* "mounts.attribute" and the others */
    INT_OF(api, per_page, 50, 1, 1000000, "objects on a page if the client does not say"),
    STRING(pid_file, "", 0, TEXT_MAX, check_path,
           "where to write the supervisor's process id; empty: nowhere", true),
    INT_OF(api, preferences_document_bytes, 4194304, 1024, 128 * MEBI,
           "largest preferences document in bytes of JSON; over it 413"),
    STRING(preferences_identity_param, "HTTP_X_USER_ID", 1, 64, check_param,
           "FastCGI parameter that says whose preferences they are"),
    INT_OF(api, preferences_max_bytes, 0, 0, 2147483647,
           "bytes of JSON that one user's preferences may have; over it 507; 0: any number"),
    INT_OF(api, preferences_max_containers, 0, 0, 2147483647,
           "containers that one user may have; over it 507; 0: any number"),
    INT_OF(api, preferences_path_segments, 64, 1, 1000,
           "segments of a place in a document, the container included"),
    INT_OF(api, query_bytes, 4096, 16, 65536, "longest question of /query in bytes"),
    INT_OF(api, query_depth, 32, 1, 100, "parentheses and \"not\" inside each other in a question"),
    INT_OF(api, query_devices, 10000, 1, 1000000, "objects that devices_from may find"),
    INT_OF(api, query_tests, 64, 1, 1000, "tests in a question"),
    INT_OF(api, query_values, 1000, 1, 10000, "values of one \"in\" of a question"),
    INT(read_wait, 50, 1, 10000,
        "milliseconds that a read waits for a standby that is behind; then the primary serves it"),
    STRINGS(require_conditions, "()", 1, 255, NULL,
            "who must send If-Match with changes of objects: users, \"*\" or \"anonymous\""),
    GROUP(response_headers, "()", "headers of every response"),
    INT(restart_limit, 60, 1, 100000,
        "deaths of workers in a minute after which new ones are started slowly"),
    BOOL_OF(store, search_index, true,
            "--init-db makes indexes for GET /search, which cost time at each write"),
    INT(send_timeout, 60000, 10, HOUR,
        "milliseconds the front server may take to accept a part of a response"),
    STRING(shard, "", 0, TEXT_MAX, check_shard,
           "which part of the users has its preferences here; another's get 421; empty: all"),
    INT(stale_reads, 0, 0, HOUR,
        "milliseconds by which a read from a standby may be old while the primary is unreachable"),
    INT_OF(store, statement_timeout, 30000, 0, HOUR,
           "milliseconds a statement may take; 0: forever"),
    STRING_OF(store, statements, "auto", 1, 16, check_statements,
              "named, unnamed (through a pooler) or auto: as found out"),
    BOOL_OF(store, tag_reads, false, "every read tells the database the id of its request"),
    STRING(token_key, "", 0, 256, check_token_key,
           "secret that tokens are hashed with; empty: no tokens are taken"),
    INT(transaction_operations, 1000, 1, 100000, "operations in one POST /transaction"),
    INT(transaction_response, 4194304, 1024, 1024 * MEBI,
        "bytes that the responses of all operations of a transaction may have"),
    INT(transaction_timeout, 60000, 0, HOUR,
        "milliseconds in which all operations of a transaction must begin; 0: forever"),
    STRINGS(trusted_networks, "(\"*\")", 1, 64, check_network,
            "networks whose HTTP_ parameters may name the user"),
    STRING(user, "", 0, 64, check_user, "user to drop to when started as root", true),
    BOOL_OF(store, versioning, true, "keep what was deleted and number every write"),
    INT(workers, 0, 0, 1024, "worker processes; 0: two for each core, from 4 to 16"),
    INT(write_workers, 0, 0, 1024,
        "workers that may be in a write at once; 0: all but one, of eight and more all but two"),
};

const struct setting *settings_table(size_t *count) {
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

static int by_name(const void *name, const void *row) {
    return strcmp(name, ((const struct setting *)row)->name);
}

const struct setting *settings_find(const char *name) {
    return bsearch(name, table, sizeof(table) / sizeof(table[0]), sizeof(table[0]), by_name);
}
