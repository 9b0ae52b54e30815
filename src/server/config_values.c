/* config_values.c: one setting from its place in a file, or its default. */
#include <stdlib.h>
#include <string.h>

#include "server/config_reader.h"

/* The text, kept; NULL: it has the wrong length or form, which was reported. */
static const char *take_string(struct reader *r, const struct setting *row,
                               const config_setting_t *s, const char *text) {
    const char *wrong = NULL;
    size_t n = strlen(text);

    if ((long)n < row->minimum || (long)n > row->maximum) {
        reader_problem(r, s, row->name, "must have %ld to %ld characters, not %zu", row->minimum,
                       row->maximum, n);
        return NULL;
    }
    if (row->check != NULL)
        wrong = row->check(r->config->arena, text);
    if (wrong == NULL)
        return arena_strdup(r->config->arena, text);
    reader_problem(r, s, row->name, "%s", wrong);
    return NULL;
}

static void set_string(struct reader *r, const struct setting *row, const config_setting_t *s,
                       const char *text) {
    const char *taken = take_string(r, row, s, text);

    if (taken != NULL)
        *(const char **)((char *)&r->config->settings + row->offset) = taken;
}

static void set_int(struct reader *r, const struct setting *row, const config_setting_t *s,
                    long long number) {
    if (number < row->minimum || number > row->maximum)
        reader_problem(r, s, row->name, "must be from %ld to %ld, not %lld", row->minimum,
                       row->maximum, number);
    else
        *(int *)((char *)&r->config->settings + row->offset) = (int)number;
}

static void set_mode(struct reader *r, const struct setting *row, const config_setting_t *s,
                     const char *text) {
    char *end;
    unsigned long mode = strtoul(text, &end, 8);

    if (text[0] < '0' || text[0] > '7' || *end != '\0' || mode > (unsigned long)row->maximum)
        reader_problem(r, s, row->name, "must be octal permissions as \"0660\", not \"%s\"", text);
    else
        *(int *)((char *)&r->config->settings + row->offset) = (int)mode;
}

struct strings_to {
    const struct setting *row;
    const char **items;
    size_t count;
};

static void add_string(struct reader *r, const char *path, config_setting_t *s, const char *text,
                       void *to) {
    struct strings_to *out = to;
    const char *taken = take_string(r, out->row, s, text);

    (void)path;
    if (taken != NULL)
        out->items[out->count++] = taken;
}

static void read_strings(struct reader *r, const struct setting *row, config_setting_t *s) {
    size_t room = reader_is_listing(s) ? (size_t)config_setting_length(s) : 0;
    struct strings_to to = {.row = row,
                            .items = arena_array(r->config->arena, room + 1, sizeof(char *))};

    if (!reader_is_listing(s)) {
        reader_problem(r, s, row->name, "must be a list of strings, not %s", reader_kind(s));
        return;
    }
    reader_each_string(r, row->name, s, add_string, &to);
    *(struct strings *)((char *)&r->config->settings + row->offset) =
        (struct strings){.items = to.items, .count = to.count};
}

static void read_special(struct reader *r, const struct setting *row, config_setting_t *s) {
    if (strcmp(row->name, "drivers") == 0)
        reader_drivers(r, s);
    else if (strcmp(row->name, "access") == 0)
        reader_access(r, s);
    else
        reader_headers(r, s);
}

void reader_value(struct reader *r, const struct setting *row, config_setting_t *s) {
    const char *text = config_setting_get_string(s);

    switch (row->type) {
    case SETTING_STRING:
        if (text == NULL)
            reader_problem(r, s, row->name, "must be a string, not %s", reader_kind(s));
        else
            set_string(r, row, s, text);
        break;
    case SETTING_MODE:
        if (text == NULL)
            reader_problem(r, s, row->name, "must be a string as \"0660\", not %s", reader_kind(s));
        else
            set_mode(r, row, s, text);
        break;
    case SETTING_INT:
        if (!reader_is_int(s))
            reader_problem(r, s, row->name, "must be an integer, not %s", reader_kind(s));
        else
            set_int(r, row, s, config_setting_get_int64(s));
        break;
    case SETTING_BOOL:
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
            reader_problem(r, s, row->name, "must be true or false, not %s", reader_kind(s));
        else
            *(bool *)((char *)&r->config->settings + row->offset) = config_setting_get_bool(s) != 0;
        break;
    case SETTING_STRINGS: read_strings(r, row, s); break;
    case SETTING_GROUP: read_special(r, row, s); break;
    }
}

/* A default is read as if it stood in a file. */
static void set_default_list(struct reader *r, const struct setting *row) {
    const char *text = arena_printf(r->config->arena, "x = %s;", row->default_text);
    config_t file;

    config_init(&file);
    if (config_read_string(&file, text) != CONFIG_TRUE)
        abort();
    reader_value(r, row, config_lookup(&file, "x"));
    config_destroy(&file);
}

void reader_default(struct reader *r, const struct setting *row) {
    switch (row->type) {
    case SETTING_STRING: set_string(r, row, NULL, row->default_text); break;
    case SETTING_INT: set_int(r, row, NULL, strtoll(row->default_text, NULL, 10)); break;
    case SETTING_MODE: set_mode(r, row, NULL, row->default_text); break;
    case SETTING_BOOL:
        *(bool *)((char *)&r->config->settings + row->offset) = row->default_text[0] == 't';
        break;
    case SETTING_STRINGS:
    case SETTING_GROUP: set_default_list(r, row); break;
    }
}
