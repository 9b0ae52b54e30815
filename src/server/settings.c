/* settings.c: the table of settings, and what a text must look like to be one. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/network.h"
#include "base/num.h"
#include "model/names.h"
#include "server/config.h"

#define AT(field) offsetof(struct settings, field)
#define MOUNT(m)  (offsetof(struct settings, api.mounts) + (m) * sizeof(const char *))

#define HEADER_TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What clients of this interface send. */
#define CORS_HEADERS                                                                               \
    "(\"Authorization\",\"Clusto-After\",\"Clusto-Description\",\"Clusto-Minify\",\"Clusto-"       \
    "Mode\","                                                                                      \
    "\"Clusto-Page\",\"Clusto-Per-Page\",\"Content-Type\",\"If-Match\",\"If-None-Match\","         \
    "\"X-Request-Id\",\"X-User-Id\",\"traceparent\")"

enum { HOUR = 3600 * 1000, TEXT_MAX = 4096, MEBI = 1024 * 1024 };

static const char *check_port(struct arena *arena, const char *text, const char *colon) {
    int64_t port;

    if (colon == text)
        return arena_printf(arena, "\"%s\" names no host", text);
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

static const char *check_owner(struct arena *arena, const char *text) {
    const char *colon = strchr(text, ':');

    if (colon != NULL && (colon == text || colon[1] == '\0' || strchr(colon + 1, ':') != NULL))
        return arena_printf(arena, "\"%s\" is neither \"user\" nor \"user:group\"", text);
    return NULL;
}

static const char *check_log_level(struct arena *arena, const char *text) {
    static const char *const levels[] = {"debug", "info", "warning", "error"};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(text, levels[i]) == 0)
            return NULL;
    return arena_printf(arena, "\"%s\" is none of debug, info, warning, error", text);
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
                        "\"%s\" is no address, no network \"address/length\" without bits behind "
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

/* As browsers write it (RFC 6454, section 6.2); "null" is what everybody can be. */
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

/* Sorted by name, so that config_find can search and the sample can be compared. */
static const struct setting table[] = {
    {"access", SETTING_GROUP, "({who=\"anonymous\";roles=\"admin\";})", 0, 0, false, 0, NULL,
     "who may do what: a list of { who, mounts, roles }"},
    {"auth_challenge", SETTING_STRING, "Bearer", 1, 256, false, AT(api.auth_challenge), check_value,
     "what WWW-Authenticate says when nobody is known"},
    {"body_limit", SETTING_INT, "1048576", 1, 1024 * MEBI, false, AT(body_limit), NULL,
     "largest request body in bytes; over it 413"},
    {"body_timeout", SETTING_INT, "30000", 10, HOUR, false, AT(body_timeout), NULL,
     "milliseconds within which the whole body must arrive"},
    {"cache_size", SETTING_INT, "64", 0, 65536, false, AT(cache_size), NULL,
     "MiB of answers that the workers keep together; 0: none"},
    {"connect_timeout", SETTING_INT, "3000", 10, HOUR, false, AT(store.connect_timeout), NULL,
     "milliseconds to wait for a connection to the database"},
    {"cors_credentials", SETTING_BOOL, "false", 0, 0, false, AT(cors_credentials), NULL,
     "pages of cors_origins may send cookies and passwords that the browser keeps"},
    {"cors_headers", SETTING_STRINGS, CORS_HEADERS, 1, 64, false, AT(cors_headers),
     check_header_name, "request headers that pages of cors_origins may send"},
    {"cors_max_age", SETTING_INT, "600000", 0, 24 * HOUR, false, AT(cors_max_age), NULL,
     "milliseconds that a browser may remember what it was told"},
    {"cors_origins", SETTING_STRINGS, "()", 1, 300, false, AT(cors_origins), check_origin,
     "origins whose pages may use the interface, or \"*\""},
    {"database", SETTING_STRING, "dbname=muster", 0, TEXT_MAX, false, AT(store.database), NULL,
     "libpq connection string"},
    {"doc_dir", SETTING_STRING, "", 0, TEXT_MAX, false, AT(api.doc_dir), check_path,
     "where the documentation texts are; empty: where they were installed"},
    {"drain_timeout", SETTING_INT, "30000", 0, HOUR, false, AT(drain_timeout), NULL,
     "milliseconds that requests in flight may take after TERM or HUP"},
    {"drivers", SETTING_GROUP, "()", 0, 0, false, 0, NULL, "additional drivers"},
    {"expanded_type", SETTING_BOOL, "false", 0, 0, false, AT(api.expanded_type), NULL,
     "expanded objects carry their type"},
    {"group", SETTING_STRING, "", 0, 64, true, AT(group), NULL,
     "group to drop to when started as root"},
    {"identity_param", SETTING_STRING, "REMOTE_USER", 1, 64, false, AT(identity_param), check_param,
     "FastCGI parameter that says who is asking"},
    {"json_depth", SETTING_INT, "64", 1, 100, false, AT(api.json_depth), NULL,
     "containers inside each other in a JSON body"},
    {"json_exponent", SETTING_INT, "308", 1, 1000, false, AT(api.json_exponent), NULL,
     "exponent of a number in a JSON text, in either direction"},
    {"json_key_bytes", SETTING_INT, "1024", 16, MEBI, false, AT(api.json_key_bytes), NULL,
     "longest key in a JSON text in bytes"},
    {"json_number_characters", SETTING_INT, "400", 20, 4000, false, AT(api.json_number_characters),
     NULL, "characters of a number in a JSON text"},
    {"json_values", SETTING_INT, "1000000", 1, 100000000, false, AT(api.json_values), NULL,
     "values in a JSON body"},
    {"listen", SETTING_STRING, "unix:/run/muster/muster.sock", 1, 512, true, AT(listen),
     check_listen, "where the front server finds us"},
    {"listen_backlog", SETTING_INT, "1024", 1, 65535, true, AT(listen_backlog), NULL,
     "connections that may wait to be accepted"},
    {"listen_mode", SETTING_MODE, "0660", 0, 0777, true, AT(listen_mode), NULL,
     "permissions of the Unix socket"},
    {"listen_owner", SETTING_STRING, "", 0, 128, true, AT(listen_owner), check_owner,
     "owner of the Unix socket, \"user\" or \"user:group\""},
    {"lock_timeout", SETTING_INT, "10000", 0, HOUR, false, AT(store.lock_timeout), NULL,
     "milliseconds a statement may wait for a lock; 0: for ever"},
    {"log_destination", SETTING_STRING, "stderr", 1, TEXT_MAX, false, AT(log_destination),
     check_log_destination, "stderr, syslog or a file"},
    {"log_level", SETTING_STRING, "info", 1, 16, false, AT(log_level), check_log_level,
     "debug, info, warning or error"},
    {"max_key_characters", SETTING_INT, "256", 1, NAMES_MAX_KEY, false, AT(api.max_key_characters),
     NULL, "longest key or subkey of an attribute in characters"},
    {"max_name_characters", SETTING_INT, "128", 1, NAMES_MAX_NAME, false,
     AT(api.max_name_characters), NULL, "longest name of an object in characters"},
    {"max_param_bytes", SETTING_INT, "1048576", 1, 1024 * MEBI, false, AT(max_param_bytes), NULL,
     "longest value of a parameter in bytes"},
    {"max_param_name_bytes", SETTING_INT, "1024", 16, MEBI, false, AT(max_param_name_bytes), NULL,
     "longest name of a parameter in bytes"},
    {"max_params", SETTING_INT, "10000", 1, 1000000, false, AT(max_params), NULL,
     "parameters in one request"},
    {"max_path_bytes", SETTING_INT, "8192", 16, MEBI, false, AT(max_path_bytes), NULL,
     "longest path in bytes"},
    {"max_path_segments", SETTING_INT, "72", 4, 10000, false, AT(max_path_segments), NULL,
     "segments in a path"},
    {"max_per_page", SETTING_INT, "0", 0, 2147483647, false, AT(api.max_per_page), NULL,
     "objects on a page that a client may ask for; 0: any number"},
    {"max_requests", SETTING_INT, "0", 0, 1000000000, false, AT(max_requests), NULL,
     "a worker is replaced after so many requests; 0: never"},
    {"monitor_networks", SETTING_STRINGS, "(\"127.0.0.0/8\",\"::1\",\"unix\")", 1, 64, false,
     AT(monitor_networks), check_network,
     "from where /__live__, /__ready__ and /__metrics__ may be read by anybody"},
    {"mounts.attribute", SETTING_STRING, "/attribute", 0, 256, false, MOUNT(MOUNT_ATTRIBUTE),
     check_mount, "path of the attributes; empty: not mounted"},
    {"mounts.entity", SETTING_STRING, "/entity", 0, 256, false, MOUNT(MOUNT_ENTITY), check_mount,
     "path of the objects; empty: not mounted"},
    {"mounts.preferences", SETTING_STRING, "/preferences", 0, 256, false, MOUNT(MOUNT_PREFERENCES),
     check_mount, "path of the preferences; empty: not mounted; \"/\": nothing else is"},
    {"mounts.resource", SETTING_STRING, "/resource", 0, 256, false, MOUNT(MOUNT_RESOURCE),
     check_mount, "a second path of the resource managers; empty: none"},
    {"mounts.resourcemanager", SETTING_STRING, "/resourcemanager", 0, 256, false,
     MOUNT(MOUNT_RESOURCEMANAGER), check_mount,
     "path of the resource managers; empty: not mounted"},
    {"name_reads", SETTING_BOOL, "false", 0, 0, false, AT(store.name_reads), NULL,
     "every read tells the database the id of its request"},
    {"per_page", SETTING_INT, "50", 1, 1000000, false, AT(api.per_page), NULL,
     "objects on a page where the client does not say"},
    {"pid_file", SETTING_STRING, "", 0, TEXT_MAX, true, AT(pid_file), check_path,
     "where to write the supervisor's process id; empty: nowhere"},
    {"preferences_document_bytes", SETTING_INT, "4194304", 1024, 128 * MEBI, false,
     AT(api.preferences_document_bytes), NULL,
     "largest preferences document in bytes of JSON; over it 413"},
    {"preferences_identity_param", SETTING_STRING, "HTTP_X_USER_ID", 1, 64, false,
     AT(preferences_identity_param), check_param,
     "FastCGI parameter that says whose preferences they are"},
    {"preferences_max_bytes", SETTING_INT, "0", 0, 2147483647, false, AT(api.preferences_max_bytes),
     NULL, "bytes of JSON that one user's preferences may have; over it 507; 0: any number"},
    {"preferences_max_containers", SETTING_INT, "0", 0, 2147483647, false,
     AT(api.preferences_max_containers), NULL,
     "containers that one user may have; over it 507; 0: any number"},
    {"preferences_path_segments", SETTING_INT, "64", 1, 1000, false,
     AT(api.preferences_path_segments), NULL,
     "segments of a place in a document, the container included"},
    {"response_headers", SETTING_GROUP, "()", 0, 0, false, 0, NULL,
     "headers that every answer carries"},
    {"restart_limit", SETTING_INT, "60", 1, 100000, false, AT(restart_limit), NULL,
     "deaths of workers in a minute after which new ones are started slowly"},
    {"send_timeout", SETTING_INT, "60000", 10, HOUR, false, AT(send_timeout), NULL,
     "milliseconds the front server may take for a piece of an answer"},
    {"statement_timeout", SETTING_INT, "30000", 0, HOUR, false, AT(store.statement_timeout), NULL,
     "milliseconds a statement may take; 0: for ever"},
    {"token_key", SETTING_STRING, "", 0, 256, false, AT(token_key), check_token_key,
     "secret that tokens are hashed with; empty: no tokens are taken"},
    {"trusted_networks", SETTING_STRINGS, "(\"*\")", 1, 64, false, AT(trusted_networks),
     check_network, "whose HTTP_ parameters are believed when they say who is asking"},
    {"user", SETTING_STRING, "", 0, 64, true, AT(user), NULL,
     "user to drop to when started as root"},
    {"versioning", SETTING_BOOL, "true", 0, 0, false, AT(store.versioning), NULL,
     "keep what was deleted and number every write"},
    {"workers", SETTING_INT, "0", 0, 1024, false, AT(workers), NULL,
     "processes that answer; 0: two for each core, from 4 to 16"},
};

const struct setting *config_table(size_t *count) {
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

static int by_name(const void *name, const void *row) {
    return strcmp(name, ((const struct setting *)row)->name);
}

const struct setting *config_find(const char *name) {
    return bsearch(name, table, sizeof(table) / sizeof(table[0]), sizeof(table[0]), by_name);
}
