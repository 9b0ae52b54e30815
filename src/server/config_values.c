/* config_values.c: one setting from its place in a file, and the defaults. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "server/config_reader.h"

static void *field(const struct reader *r, const struct setting *row) {
    return (char *)&r->config->settings + row->offset;
}

/* A copy of the text; NULL: it has the wrong length or form, which was reported. */
static const char *take_string(struct reader *r, const struct setting *row,
                               const config_setting_t *s, const char *text) {
    const char *wrong = NULL;
    size_t n = strlen(text);

    if ((long)n < row->minimum || (long)n > row->maximum)
        wrong = arena_printf(r->config->arena, "must have %ld to %ld characters, not %zu",
                             row->minimum, row->maximum, n);
    else if (row->check != NULL)
        wrong = row->check(r->config->arena, text);
    if (wrong == NULL)
        return arena_strdup(r->config->arena, text);
    config_problem(r, s, row->name, "%s", wrong);
    return NULL;
}

static void read_string(struct reader *r, const struct setting *row, config_setting_t *s) {
    const char *taken = take_string(r, row, s, config_setting_get_string(s));

    if (taken != NULL)
        *(const char **)field(r, row) = taken;
}

static void read_int(struct reader *r, const struct setting *row, config_setting_t *s) {
    long long number = config_integer(s);

    if (number < row->minimum || number > row->maximum)
        config_problem(r, s, row->name, "must be from %ld to %ld, not %lld", row->minimum,
                       row->maximum, number);
    else
        *(int *)field(r, row) = (int)number;
}

static void read_mode(struct reader *r, const struct setting *row, config_setting_t *s) {
    const char *text = config_setting_get_string(s);
    char *end;
    unsigned long mode = strtoul(text, &end, 8);

    if (text[0] < '0' || text[0] > '7' || *end != '\0' || mode > (unsigned long)row->maximum)
        config_problem(r, s, row->name, "must be octal permissions as \"0660\", not \"%s\"", text);
    else
        *(int *)field(r, row) = (int)mode;
}

static void read_strings(struct reader *r, const struct setting *row, config_setting_t *s) {
    int n = config_count(s);
    const char **items = arena_array(r->config->arena, (size_t)n + 1, sizeof(*items));
    size_t count = 0;

    for (int i = 0; i < n; i++) {
        const char *text = config_text(r, config_item(s, i), row->name);

        if (text != NULL)
            text = take_string(r, row, config_item(s, i), text);
        if (text != NULL)
            items[count++] = text;
    }
    *(struct strings *)field(r, row) = (struct strings){.items = items, .count = count};
}

static void read_group(struct reader *r, const struct setting *row, config_setting_t *s) {
    if (strcmp(row->name, "drivers") == 0)
        config_read_drivers(r, s);
    else if (strcmp(row->name, "access") == 0)
        config_read_access(r, s);
    else
        config_read_headers(r, s);
}

static bool is_string(const config_setting_t *s) {
    return config_setting_type(s) == CONFIG_TYPE_STRING;
}

static bool is_bool(const config_setting_t *s) {
    return config_setting_type(s) == CONFIG_TYPE_BOOL;
}

static void read_bool(struct reader *r, const struct setting *row, config_setting_t *s) {
    *(bool *)field(r, row) = config_setting_get_bool(s) != 0;
}

static const struct {
    const char *wanted;
    bool (*fits)(const config_setting_t *s);
    void (*read)(struct reader *r, const struct setting *row, config_setting_t *s);
} types[] = {
    [SETTING_STRING] = {"a string", is_string, read_string},
    [SETTING_INT] = {"an integer", config_is_int, read_int},
    [SETTING_BOOL] = {"true or false", is_bool, read_bool},
    [SETTING_MODE] = {"a string as \"0660\"", is_string, read_mode},
    [SETTING_STRINGS] = {"a list of strings", config_is_listing, read_strings},
    [SETTING_GROUP] = {NULL, NULL, read_group},
};

void config_read_value(struct reader *r, const struct setting *row, config_setting_t *s) {
    if (types[row->type].fits != NULL && !types[row->type].fits(s))
        config_problem(r, s, row->name, "must be %s, not %s", types[row->type].wanted,
                       config_kind(s));
    else
        types[row->type].read(r, row, s);
}

/* Read as if they stood in a file. */
void config_set_defaults(struct reader *r) {
    size_t count;
    const struct setting *table = settings_table(&count);
    struct buf text;
    config_t file;

    buf_init(&text, 65536);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, types[table[i].type].fits == is_string ? "x%zu = \"%s\";" : "x%zu = %s;",
                   i, table[i].default_text);
    config_init(&file);
    if (config_read_string(&file, buf_cstr(&text)) != CONFIG_TRUE)
        abort();
    for (size_t i = 0; i < count; i++)
        config_read_value(r, &table[i],
                          config_setting_get_elem(config_root_setting(&file), (unsigned)i));
    config_destroy(&file);
    buf_release(&text);
}
