/* watch.c: looks at the servers while an answer is waited for. A server that hangs closes nothing,
 * so that it would be waited for to the end, and should it go on, its answer may be an old one. */
#include "store/watch.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "store/connect.h"
#include "store/servers.h"

#define LOOK_EVERY 1000 /* milliseconds between two looks, whichever worker has it */
#define LOOK_LIMIT 1000 /* the same for one server to answer */

/* True if it is silent. */
static bool look_at(struct connection *c, struct servers *servers, size_t place) {
    struct link link;
    struct cluster_server server;
    uint64_t number;
    int64_t began = clock_ms();
    int limit = servers_timeout(servers, c->options);
    bool ok;

    limit = limit < LOOK_LIMIT ? limit : LOOK_LIMIT;
    link_init(&link, (struct link_limits){.connect = limit, .answer = limit});
    ok = connect_to(&link, servers, place, "any") && connect_pipeline(&link) &&
         connect_identify(&link, &server) == RC_OK;
    if (ok)
        (void)cluster_note(c->cluster, &server, &number);
    link_release(&link);
    return !ok && clock_ms() - began >= limit;
}

/* One that is reached by a socket is no other than it was, and is here. */
static bool is_remote(const struct server *server) {
    return server->hostaddr != NULL || (server->host != NULL && server->host[0] != '/');
}

static void look_at_all(struct connection *c, struct servers *servers) {
    const struct link_watch *watch = &c->link.watch;
    size_t own = c->place % servers->count;

    for (size_t i = 0; i < servers->count && atomic_load(watch->number) == watch->expected; i++)
        if (i != own)
            (void)look_at(c, servers, i);
    if (is_remote(&servers->items[own]) && atomic_load(watch->number) == watch->expected)
        cluster_heard(c->cluster, own, look_at(c, servers, own));
}

void watch_look(void *context) {
    struct connection *c = context;
    struct arena *arena;
    struct servers servers;
    const char *error;

    if (!cluster_may_look(c->cluster, LOOK_EVERY))
        return;
    arena = arena_new();
    if (servers_read(&servers, c->options, arena, &error))
        look_at_all(c, &servers);
    arena_free(&arena);
}
