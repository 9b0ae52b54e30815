/* config_reader.c: what the readers of the settings share: problems, kinds of values, walks. */
#include "server/config_reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One line, whatever it quotes from the file. */
void config_tell(struct reader *r, char *line) {
    for (char *p = line; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
    r->report(line);
    r->problems++;
}

void config_problem(struct reader *r, const config_setting_t *at, const char *name,
                    const char *format, ...) {
    char message[512], line[1024];
    const char *file = at != NULL ? config_setting_source_file(at) : NULL;
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (file != NULL)
        snprintf(line, sizeof(line), "%s:%u: setting \"%s\": %s", file,
                 (unsigned)config_setting_source_line(at), name, message);
    else
        snprintf(line, sizeof(line), "setting \"%s\": %s", name, message);
    config_tell(r, line);
}

const char *config_kind(const config_setting_t *s) {
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64: return "an integer";
    case CONFIG_TYPE_FLOAT: return "a number with a fraction";
    case CONFIG_TYPE_STRING: return "a string";
    case CONFIG_TYPE_BOOL: return "true or false";
    case CONFIG_TYPE_GROUP: return "a group";
    case CONFIG_TYPE_ARRAY: return "an array";
    case CONFIG_TYPE_LIST: return "a list";
    default: return "nothing";
    }
}

bool config_is_int(const config_setting_t *s) {
    return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

/* What stands in the file after the name; `number` where that is not its low half. */
static long long number_in_file(FILE *file, const config_setting_t *s, int number) {
    static const char blanks[] = " \t\r\n";
    const char *name = config_setting_name(s);
    char text[4096];
    unsigned line = config_setting_source_line(s);

    for (int c = 0; line > 1 && c != EOF; line -= c == '\n')
        c = fgetc(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
        const char *value = at + strlen(name);
        long long found;

        value += strspn(value, blanks);
        value += strspn(value, "=:");
        value += strspn(value, blanks);
        found = strtoll(value, NULL, strncasecmp(value, "0x", 2) == 0 ? 16 : 10);
        if ((int)found == number)
            return found;
    }
    return number;
}

/* libconfig keeps the low 32 bits of an integer that has no L. */
long long config_integer(const config_setting_t *s) {
    const char *path = config_setting_source_file(s);
    long long number = config_setting_get_int64(s);
    FILE *file = path != NULL && config_setting_name(s) != NULL ? fopen(path, "re") : NULL;

    if (file == NULL)
        return number;
    if (config_setting_type(s) == CONFIG_TYPE_INT)
        number = number_in_file(file, s, (int)number);
    fclose(file);
    return number;
}

bool config_is_listing(const config_setting_t *s) {
    return config_setting_is_list(s) || config_setting_is_array(s);
}

const config_setting_t *config_where(const struct reader *r, const char *name) {
    size_t count;

    return r->where[settings_find(name) - settings_table(&count)];
}

int config_count(const config_setting_t *s) {
    return config_is_listing(s) ? config_setting_length(s) : 1;
}

config_setting_t *config_item(config_setting_t *s, int i) {
    return config_is_listing(s) ? config_setting_get_elem(s, (unsigned)i) : s;
}

const char *config_text(struct reader *r, const config_setting_t *s, const char *path) {
    const char *text = config_setting_get_string(s);

    if (text == NULL)
        config_problem(r, s, path, "must be a string, not %s", config_kind(s));
    return text;
}

config_setting_t *config_member(struct reader *r, config_setting_t *s, const char *path,
                                const char *name) {
    config_setting_t *member = config_setting_get_member(s, name);

    if (member == NULL)
        config_problem(r, s, path, "\"%s\" is missing", name);
    return member;
}

void *config_list(struct reader *r, config_setting_t *s, const char *path, size_t size,
                  config_take *take, size_t *count) {
    struct arena *arena = r->config->arena;
    char *items;

    *count = 0;
    if (s == NULL)
        return NULL;
    if (!config_is_listing(s)) {
        config_problem(r, s, path, "must be a list ( { ... }, ... ), not %s", config_kind(s));
        return NULL;
    }
    items = arena_array(arena, (size_t)config_setting_length(s) + 1, size);
    for (; *count < (size_t)config_setting_length(s); (*count)++)
        take(r, config_item(s, (int)*count), arena_printf(arena, "%s[%zu]", path, *count),
             items + *count * size);
    return items;
}

bool config_members_known(struct reader *r, config_setting_t *s, const char *path,
                          const char *const *known) {
    if (!config_setting_is_group(s)) {
        config_problem(r, s, path, "each must be a group { }, not %s", config_kind(s));
        return false;
    }
    for (int i = 0; i < config_setting_length(s); i++) {
        config_setting_t *member = config_setting_get_elem(s, (unsigned)i);
        size_t k = 0;

        while (known[k] != NULL && strcmp(known[k], config_setting_name(member)) != 0)
            k++;
        if (known[k] == NULL)
            config_problem(r, member, path, "unknown name \"%s\"", config_setting_name(member));
    }
    return true;
}
