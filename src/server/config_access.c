/* config_access.c: the access rules of the configuration. */
#include <string.h>

#include "base/utf8.h"
#include "server/access.h"
#include "server/config_reader.h"

/* { who = "alice"; mounts = ( "entity", "attribute" ); roles = "read"; }; no mounts: all. */
struct rule {
    config_setting_t *who; /* NULL: the rule is invalid */
    unsigned roles[MOUNT_COUNT];
};

static unsigned read_roles(struct reader *r, config_setting_t *s, const char *path) {
    unsigned roles = 0;

    for (int i = 0; i < config_count(s); i++) {
        const char *text = config_text(r, config_item(s, i), path);
        unsigned role = text != NULL ? access_role(text) : 0;

        if (text != NULL && role == 0)
            config_problem(r, config_item(s, i), path,
                           "\"%s\" is none of the roles read, write, allocate, admin", text);
        roles |= role;
    }
    return roles;
}

static void read_mounts(struct reader *r, config_setting_t *s, const char *path, struct rule *rule,
                        unsigned roles) {
    for (int i = 0; i < config_count(s); i++) {
        const char *text = config_text(r, config_item(s, i), path);

        if (text != NULL && !access_grant(rule->roles, text, roles))
            config_problem(r, config_item(s, i), path, "\"%s\" is none of " MOUNT_PARTS, text);
    }
}

static void read_rule(struct reader *r, config_setting_t *s, const char *path, void *item) {
    static const char *const known[] = {"who", "mounts", "roles", NULL};
    struct rule *rule = item;
    config_setting_t *roles, *mounts;

    if (!config_members_known(r, s, path, known))
        return;
    rule->who = config_member(r, s, path, "who");
    roles = config_member(r, s, path, "roles");
    mounts = config_setting_get_member(s, "mounts");
    if (roles != NULL && mounts != NULL)
        read_mounts(r, mounts, path, rule, read_roles(r, roles, path));
    else if (roles != NULL)
        (void)access_grant(rule->roles, NULL, read_roles(r, roles, path));
}

/* A row for each name. */
static void add_rows(struct reader *r, const struct rule *rule, size_t n, struct access *rows) {
    const char *path = arena_printf(r->config->arena, "access[%zu]", n);
    size_t *count = &r->config->settings.access_count;

    for (int i = 0; rule->who != NULL && i < config_count(rule->who); i++) {
        const char *text = config_text(r, config_item(rule->who, i), path);

        if (text == NULL)
            continue;
        if (text[0] == '\0' || !utf8_valid(text, strlen(text)) || utf8_has_control(text))
            config_problem(r, config_item(rule->who, i), path, "\"who\" has an invalid name");
        memcpy(rows[*count].roles, rule->roles, sizeof(rule->roles));
        rows[(*count)++].who = arena_strdup(r->config->arena, text);
    }
}

void config_read_access(struct reader *r, config_setting_t *s) {
    size_t count, names = 0;
    const struct rule *rules = config_list(r, s, "access", sizeof(struct rule), read_rule, &count);
    struct access *rows;

    for (size_t i = 0; i < count; i++)
        names += rules[i].who != NULL ? (size_t)config_count(rules[i].who) : 0;
    rows = arena_array(r->config->arena, names + 1, sizeof(*rows));
    r->config->settings.access = rows;
    r->config->settings.access_count = 0;
    for (size_t i = 0; i < count; i++)
        add_rows(r, &rules[i], i, rows);
}
