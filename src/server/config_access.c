/* config_access.c: the access rules of the configuration. */
#include <string.h>

#include "base/utf8.h"
#include "server/access.h"
#include "server/config_reader.h"

static void take_role(struct reader *r, const char *path, config_setting_t *s, const char *text,
                      void *to) {
    unsigned role = access_role(text);

    if (role == 0)
        config_problem(r, s, path, "\"%s\" is none of the roles read, write, allocate, admin",
                       text);
    *(unsigned *)to |= role;
}

struct grant {
    unsigned bits;
    unsigned *roles;
};

static void take_mount(struct reader *r, const char *path, config_setting_t *s, const char *text,
                       void *to) {
    const struct grant *grant = to;

    if (!access_grant(grant->roles, text, grant->bits))
        config_problem(r, s, path, "\"%s\" is none of " MOUNT_PARTS, text);
}

struct people {
    struct access *rows; /* one for each name */
    size_t count;
    const struct access *like;
};

static void take_person(struct reader *r, const char *path, config_setting_t *s, const char *text,
                        void *to) {
    struct people *people = to;

    if (text[0] == '\0' || !utf8_valid(text, strlen(text)) || utf8_has_control(text))
        config_problem(r, s, path, "\"who\" has an invalid name");
    people->rows[people->count] = *people->like;
    people->rows[people->count++].who = arena_strdup(r->config->arena, text);
}

static config_setting_t *required(struct reader *r, config_setting_t *s, const char *path,
                                  const char *name) {
    config_setting_t *member = config_setting_get_member(s, name);

    if (member == NULL)
        config_problem(r, s, path, "\"%s\" is missing", name);
    return member;
}

/* { who = "alice"; mounts = ( "entity", "attribute" ); roles = "read"; }; no mounts: all. */
static void read_rule(struct reader *r, config_setting_t *s, const char *path,
                      struct people *people) {
    static const char *const known[] = {"who", "mounts", "roles", NULL};
    struct access like = {.who = NULL};
    struct grant grant = {.roles = like.roles};
    config_setting_t *who, *roles, *mounts;

    if (!config_members_known(r, s, path, known))
        return;
    who = required(r, s, path, "who");
    roles = required(r, s, path, "roles");
    mounts = config_setting_get_member(s, "mounts");
    if (who == NULL || roles == NULL)
        return;
    config_each_string(r, path, roles, take_role, &grant.bits);
    if (mounts != NULL)
        config_each_string(r, path, mounts, take_mount, &grant);
    else
        (void)access_grant(like.roles, NULL, grant.bits);
    people->like = &like;
    config_each_string(r, path, who, take_person, people);
}

static size_t count_names(config_setting_t *rule) {
    config_setting_t *who =
        config_setting_is_group(rule) ? config_setting_get_member(rule, "who") : NULL;

    return who != NULL && config_is_listing(who) ? (size_t)config_setting_length(who) : 1;
}

void config_read_access(struct reader *r, config_setting_t *s) {
    struct arena *arena = r->config->arena;
    struct people people = {.count = 0};
    size_t room = 0;

    if (!config_is_listing(s)) {
        config_problem(r, s, "access", "must be a list ( { ... }, ... ), not %s", config_kind(s));
        return;
    }
    for (int i = 0; i < config_setting_length(s); i++)
        room += count_names(config_setting_get_elem(s, (unsigned)i));
    people.rows = arena_array(arena, room + 1, sizeof(*people.rows));
    for (int i = 0; i < config_setting_length(s); i++)
        read_rule(r, config_setting_get_elem(s, (unsigned)i), arena_printf(arena, "access[%d]", i),
                  &people);
    r->config->settings.access = people.rows;
    r->config->settings.access_count = people.count;
}
