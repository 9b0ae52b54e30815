/* export_names.h: what objects are called that others refer to, while an export goes on. Few are
 * referred to by many, so that hardly any chunk has to ask for more than a few. */
#ifndef MUSTER_STORE_EXPORT_NAMES_H
#define MUSTER_STORE_EXPORT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct export_name {
    int32_t id;
    const char *name, *driver; /* NULL: there is no such object, or it was not filled in yet */
};

struct export_names;

/* Never NULL; freed by export_names_free(). */
struct export_names *export_names_new(void);
void export_names_free(struct export_names **names);

/* Where there are many, forgets those that were got before this call. They stay valid until the
 * next call but one, so memory is bounded by what is got between two calls. */
void export_names_turn(struct export_names *names);

/* The one of this id. *is_new: it has to be filled in. */
struct export_name *export_names_get(struct export_names *names, int32_t id, bool *is_new);

/* What it is called, if it was got and is not known yet; the texts are copied. */
void export_names_fill(struct export_names *names, int32_t id, const char *name,
                       const char *driver);

#endif
