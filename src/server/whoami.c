/* whoami.c: who the client is, and what it may do. */
#include "server/whoami.h"

#include "api/reply.h"
#include "server/access.h"

static void show_roles(struct context *c, unsigned roles) {
    static const enum role all[] = {ROLE_READ, ROLE_WRITE, ROLE_ALLOCATE, ROLE_ADMIN};

    json_array_open(c->json);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (access_allows(roles, all[i]))
            json_string(c->json, access_role_name(all[i]));
    json_array_close(c->json);
}

/* A second path of a part has the roles of the first. */
static bool is_shown(const struct context *c, int mount) {
    return c->options->mounts[mount] != NULL && mount != MOUNT_RESOURCE;
}

int whoami_show(struct context *c) {
    const char *identity = c->request->identity;
    struct json_writer *w = reply_json(c, 200);

    json_object_open(w);
    json_key_string(w, "name", identity);
    json_key(w, "by");
    json_string(w, !identity ? "nobody" : c->has_token ? "token" : "front");
    json_key(w, "roles");
    json_object_open(w);
    for (int m = 0; m < MOUNT_COUNT; m++) {
        if (is_shown(c, m)) {
            json_key(w, mount_rows[m].part);
            show_roles(c, c->roles[m]);
        }
    }
    json_object_close(w);
    json_key(w, "version");
    json_string(w, c->options->version);
    json_object_close(w);
    return reply_end(c);
}
