/* bulk.h: the text of an import, in pieces as it comes: NDJSON or CSV to the rows of
 * store/import.h, each line checked by itself (contract/transactions.md, Bulk). Memory is that of
 * one line. */
#ifndef MUSTER_RULES_BULK_H
#define MUSTER_RULES_BULK_H

#include "base/verdict.h"
#include "store/import.h"
#include "json/reader.h"

enum bulk_mode {
    BULK_CREATE,  /* what is there already is an error */
    BULK_UPDATE,  /* what is missing is created; attributes that are sent replace those there */
    BULK_REPLACE, /* the objects are exactly what was sent */
    BULK_MODE_COUNT
};

/* False: there is none of that name. */
bool bulk_mode_parse(const char *name, enum bulk_mode *out);

struct bulk_options {
    enum bulk_mode mode;
    bool is_csv;
    bool may_manage;          /* resource managers may be among the objects */
    size_t max_name, max_key; /* characters */
    size_t max_line;          /* bytes */
    struct json_limits limits;
};

struct bulk;

/* The rows go to `to`, which is borrowed; NULL: the text is only checked. Never NULL. */
struct bulk *bulk_new(struct store_import *to, const struct bulk_options *options);
void bulk_free(struct bulk **bulk);

/* The next `n` bytes. Not RC_OK: a failure of the store. */
enum rc bulk_add(struct bulk *bulk, const char *bytes, size_t n);

/* After the last byte: the rest is read, and all of it checked and applied. RC_OK with
 * result->error_count > 0: nothing was applied; *malformed: as the text itself is wrong. The
 * errors' texts are in the arena or live as long as `bulk`. */
enum rc bulk_end(struct bulk *bulk, struct arena *arena, struct import_result *result,
                 bool *malformed);

/* Objects so far. */
int64_t bulk_objects(const struct bulk *bulk);

#endif
