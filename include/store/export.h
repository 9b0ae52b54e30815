/* export.h: whole objects, containers before what they contain (contract/transactions.md, "Bulk").
 */
#ifndef MUSTER_STORE_EXPORT_H
#define MUSTER_STORE_EXPORT_H

#include "store/store.h"

/* Of what an export is. */
struct export_head {
    int32_t version;   /* the newest that it shows; as of a version: that one; 0: there is none */
    const char *taken; /* when the snapshot was taken, as of a version: when that was made; ISO in
                          UTC; NULL: not known */
};

/* A membership. */
struct export_place {
    const char *container; /* its name */
    const char *subkey;    /* NULL: none */
    bool has_number;
    int32_t number;
};

/* attrs: hidden ones too, but no "_contains"; by key, number, subkey, datatype and value. places:
 * by container, number and subkey. Texts are compared by bytes, what is missing comes first, and no
 * id has a say: a copy in another database has the same order. */
struct export_object {
    struct ref ref;
    struct attr *attrs;
    size_t attr_count;
    struct export_place *places;
    size_t place_count;
};

/* Which objects: each that is there is no filter. */
struct export_selection {
    const char *const *drivers; /* of one of these */
    size_t driver_count;
    const struct query_node *question; /* that this finds; NULL: all */
};

/* Where it goes: the head, then object by object, which live during the call. False: stop (the call
 * then returns RC_GONE). */
struct export_sink {
    bool (*head)(void *context, const struct export_head *head);
    bool (*object)(void *context, const struct export_object *object);
    void *context;
};

/* All in one snapshot, its own unless there is one. Objects come by how deep they are in containers
 * (the longest way counts), then by name; containers that are in a circle, or below one, come after
 * all others. Memory grows by names and memberships (store/export_order.h), not by attributes. Each
 * of its statements has the time of one. */
enum rc store_export(struct store *store, struct arena *arena,
                     const struct export_selection *selection, const struct export_sink *sink);

#endif
