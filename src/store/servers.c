/* servers.c: the configured connection string with our own options on top, one server at a time.
 *
 * Through the asynchronous calls libpq goes to the next host only if one refuses, and has no
 * timeout for a silent one: so each gets an attempt of its own. */
#include "store/servers.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

/* Milliseconds: of one server, and of each of several. */
#define TIMEOUT      3000
#define TIMEOUT_EACH 1000

static const char *option_of(const struct servers *s, const char *name) {
    for (size_t i = 0; i < s->option_count; i++)
        if (strcmp(s->names[i], name) == 0)
            return s->values[i];
    return NULL;
}

static void set_option(struct servers *s, const char *name, const char *value) {
    for (size_t i = 0; i < s->option_count; i++) {
        if (strcmp(s->names[i], name) == 0) {
            s->values[i] = value;
            return;
        }
    }
    if (s->option_count < SERVERS_OPTIONS - 1) {
        s->names[s->option_count] = name;
        s->values[s->option_count++] = value;
    }
}

static void default_option(struct servers *s, const char *name, const char *value) {
    if (!option_of(s, name))
        set_option(s, name, value);
}

/* The configured options, our own on top. */
static void set_options(struct servers *s, struct arena *arena, const PQconninfoOption *parsed) {
    for (const PQconninfoOption *p = parsed; p->keyword; p++)
        if (p->val)
            set_option(s, arena_strdup(arena, p->keyword), arena_strdup(arena, p->val));
    s->user_options = option_of(s, "options");
    if (!s->user_options)
        s->user_options = getenv("PGOPTIONS");
    set_option(s, "client_encoding", "UTF8");
    default_option(s, "application_name", "muster");
    default_option(s, "keepalives", "1");
    default_option(s, "keepalives_idle", "30");
    default_option(s, "keepalives_interval", "10");
    default_option(s, "keepalives_count", "3");
}

/* --- the list --- */

static size_t elements(const char *list) {
    size_t n = 1;

    for (; list && *list; list++)
        n += *list == ',';
    return n;
}

/* NULL for an empty one. A list of one port is for all. */
static const char *element(struct arena *arena, const char *list, size_t place) {
    size_t n;

    if (!list)
        return NULL;
    for (; place > 0 && strchr(list, ','); place--)
        list = strchr(list, ',') + 1;
    n = strcspn(list, ",");
    return n > 0 ? arena_strndup(arena, list, n) : NULL;
}

static void add_server(struct servers *s, struct server server) {
    if (s->count < SERVERS_MAX)
        s->items[s->count++] = server;
}

/* One for each address; what can't be looked up is left to libpq, which says why. */
static void add_name(struct servers *s, struct arena *arena, struct server server) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    size_t before = s->count;

    if (getaddrinfo(server.host, NULL, &hints, &found) != 0)
        found = NULL;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        char address[NI_MAXHOST];

        if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        server.hostaddr = arena_strdup(arena, address);
        add_server(s, server);
    }
    if (found)
        freeaddrinfo(found);
    server.hostaddr = NULL;
    if (s->count == before)
        add_server(s, server);
}

static void set_servers(struct servers *s, struct arena *arena) {
    const char *host = option_of(s, "host"), *hostaddr = option_of(s, "hostaddr");
    const char *port = option_of(s, "port");

    s->named = elements(hostaddr ? hostaddr : host);
    for (size_t i = 0; i < s->named; i++) {
        struct server server = {element(arena, host, i), element(arena, hostaddr, i),
                                element(arena, port, i)};

        if (server.host && !server.hostaddr && !strchr("/@", server.host[0]))
            add_name(s, arena, server);
        else
            add_server(s, server);
    }
}

bool servers_read(struct servers *servers, const struct store_options *options, struct arena *arena,
                  const char **error) {
    char *message = NULL;
    PQconninfoOption *parsed =
        PQconninfoParse(options->database ? options->database : "", &message);

    *servers = (struct servers){0};
    *error = parsed ? NULL : arena_strdup(arena, message ? message : "out of memory");
    PQfreemem(message);
    if (!parsed)
        return false;
    set_options(servers, arena, parsed);
    PQconninfoFree(parsed);
    set_servers(servers, arena);
    servers->attributes = option_of(servers, "target_session_attrs");
    if (!servers->attributes)
        servers->attributes = getenv("PGTARGETSESSIONATTRS");
    if (!servers->attributes)
        servers->attributes = servers->named > 1 ? "read-write" : "any";
    return true;
}

void servers_set_session(struct servers *servers, const char *session) {
    set_option(servers, "options", session ? session : servers->user_options);
}

void servers_select(struct servers *servers, size_t place, const char *attributes) {
    const struct server *server = &servers->items[place];

    set_option(servers, "target_session_attrs", attributes);
    if (server->host || servers->named > 1)
        set_option(servers, "host", server->host);
    if (server->hostaddr || servers->named > 1)
        set_option(servers, "hostaddr", server->hostaddr);
    if (server->port || servers->named > 1)
        set_option(servers, "port", server->port);
}

int servers_timeout(const struct servers *servers, const struct store_options *options) {
    if (options->connect_timeout > 0)
        return options->connect_timeout;
    return servers->named > 1 ? TIMEOUT_EACH : TIMEOUT;
}

void store_log_servers(const struct store_options *options) {
    struct arena *arena = arena_new();
    struct servers servers;
    const char *error;

    if (servers_read(&servers, options, arena, &error) && servers.named > 1)
        log_info("database: %zu hosts, %s%s", servers.named, servers.attributes,
                 option_of(&servers, "target_session_attrs")
                     ? ""
                     : " (as target_session_attrs is not given)");
    arena_free(&arena);
}
