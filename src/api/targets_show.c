/* targets_show.c: an object as a target of Prometheus. */
#include "api/targets_show.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"

/* The first attribute with this key, and subkey unless that is NULL. */
static const struct attr *find_attr(const struct object *object, const char *key,
                                    const char *subkey) {
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *a = &object->attrs[i];

        if (a->key && strcmp(a->key, key) == 0 &&
            (!subkey || (a->subkey && strcmp(a->subkey, subkey) == 0)))
            return a;
    }
    return NULL;
}

static const char *text_of(struct arena *arena, const struct object *object, const char *key,
                           const char *subkey) {
    const struct attr *attr = find_attr(object, key, subkey);

    return attr ? value_text(arena, &attr->value) : "";
}

/* --- the address --- */

/* An IPv6 address has two colons or more, and needs brackets in front of a port. */
static bool needs_brackets(const char *host) {
    const char *colon = strchr(host, ':');

    return *host != '[' && colon && strchr(colon + 1, ':');
}

const char *targets_address(struct arena *arena, const struct targets_options *options,
                            const struct object *object) {
    const char *host =
        options->key ? text_of(arena, object, options->key, options->subkey) : object->ref.name;
    int64_t port = options->port;

    if (!*host)
        return NULL;
    (void)num_parse_range(text_of(arena, object, "prometheus", "port"), 1, 65535, &port);
    return arena_printf(arena, needs_brackets(host) ? "[%s]:%d" : "%s:%d", host, (int)port);
}

/* --- labels --- */

#define ATTR "__meta_muster_attr_"

struct label {
    const char *name;
    const struct attr *attr;
};

/* Each character that no name of a label can have becomes "_". */
static const char *label_name(struct arena *arena, const struct attr *attr) {
    bool with_subkey = attr->subkey && *attr->subkey;
    char *name = arena_join(arena, (const char *[]){ATTR, attr->key, with_subkey ? "_" : "",
                                                    with_subkey ? attr->subkey : "", NULL});
    char *to = name + strlen(ATTR);

    for (const char *from = to; *from != '\0'; from++) {
        if (isalnum((unsigned char)*from))
            *to++ = *from;
        else if (((unsigned char)*from & 0xc0) != 0x80) /* the rest of a character of UTF-8 */
            *to++ = '_';
    }
    *to = '\0';
    return name;
}

static int by_name(const void *left, const void *right) {
    const struct label *a = left, *b = right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : (a->attr > b->attr) - (a->attr < b->attr);
}

static size_t find_labels(struct arena *arena, const struct object *object, struct label *labels) {
    size_t count = 0;

    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->key && attr->key[0] != '_')
            labels[count++] = (struct label){label_name(arena, attr), attr};
    }
    if (count > 1)
        qsort(labels, count, sizeof *labels, by_name);
    return count;
}

/* Several values of one label are joined by commas. */
static void show_attrs(struct json_writer *w, struct arena *arena, const struct object *object) {
    struct label *labels = arena_array(arena, object->attr_count, sizeof *labels);
    size_t count = find_labels(arena, object, labels);
    struct buf value;

    buf_init(&value, 0);
    for (size_t i = 0; i < count; i++) {
        buf_adds(&value, value_text(arena, &labels[i].attr->value));
        if (i + 1 < count && strcmp(labels[i].name, labels[i + 1].name) == 0) {
            buf_addc(&value, ',');
        } else {
            json_key_string(w, labels[i].name, buf_cstr(&value));
            buf_clear(&value);
        }
    }
    buf_release(&value);
}

static int by_text(const void *left, const void *right) {
    const char *const *a = left, *const *b = right;

    return strcmp(*a, *b);
}

/* Sorted, with a comma at both ends, so that one of them can be matched as ",NAME,". */
static void show_containers(struct json_writer *w, struct arena *arena,
                            const struct object *object) {
    const char **names = arena_array(arena, object->parent_count, sizeof *names);
    struct buf in;

    for (size_t i = 0; i < object->parent_count; i++)
        names[i] = object->parents[i].name;
    if (object->parent_count > 1)
        qsort(names, object->parent_count, sizeof *names, by_text);
    buf_init(&in, 0);
    for (size_t i = 0; i < object->parent_count; i++) {
        buf_addc(&in, ',');
        buf_adds(&in, names[i]);
    }
    if (object->parent_count > 0)
        buf_addc(&in, ',');
    json_key_string(w, "__meta_muster_in", buf_cstr(&in));
    buf_release(&in);
}

/* Where the object itself says it; Prometheus would take no target with another text. */
static void show_scrape(struct json_writer *w, struct arena *arena, const struct object *object) {
    const char *path = text_of(arena, object, "prometheus", "path"),
               *scheme = text_of(arena, object, "prometheus", "scheme");

    if (*path == '/')
        json_key_string(w, "__metrics_path__", path);
    if (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)
        json_key_string(w, "__scheme__", scheme);
}

void targets_show(struct json_writer *w, struct arena *arena, const char *address,
                  const struct object *object) {
    json_object_open(w);
    json_key(w, "targets");
    json_array_open(w);
    json_string(w, address);
    json_array_close(w);
    json_key(w, "labels");
    json_object_open(w);
    json_key_string(w, "__meta_muster_name", object->ref.name);
    json_key_string(w, "__meta_muster_driver", object->ref.driver);
    json_key_string(w, "__meta_muster_type", object->ref.type);
    show_containers(w, arena, object);
    show_attrs(w, arena, object);
    show_scrape(w, arena, object);
    json_object_close(w);
    json_object_close(w);
}
