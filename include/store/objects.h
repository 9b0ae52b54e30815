/* objects.h: rows to objects, for the files of store/. */
#ifndef MUSTER_STORE_OBJECTS_H
#define MUSTER_STORE_OBJECTS_H

#include "store/pg.h"

/* The columns of every statement made by OBJECT() and ATTRS() in stmts.c, and what name, driver and
 * type are those of. The rows of one owner come together, owners by id. */
enum object_column {
    COLUMN_OWNER,
    COLUMN_TAG,
    COLUMN_ATTR,
    COLUMN_KEY,
    COLUMN_SUBKEY,
    COLUMN_NUMBER,
    COLUMN_DATATYPE,
    COLUMN_INT, /* TAG_ENTITY: how much it allocated */
    COLUMN_STRING,
    COLUMN_DATETIME,
    COLUMN_RELATION,
    COLUMN_NAME,
    COLUMN_DRIVER,
    COLUMN_TYPE
};

enum object_tag {
    TAG_ENTITY,   /* the owner itself: one row, first */
    TAG_ATTR,     /* what the attribute refers to; null: nothing that lives */
    TAG_CONTAINER /* a container, the attribute is its membership */
};

/* An object while its rows come in. */
struct assembly {
    struct arena *arena;
    bool copy; /* texts don't outlive their row */
    struct object object;
    struct parent *parents;
    size_t attr_room, content_room, parent_room, unit_room;
};

/* An empty one. `rows`: about how many are to come. */
void objects_start(struct assembly *a, struct arena *arena, bool copy, size_t rows);
/* True if the row belongs to another owner than those before. */
bool objects_ends(const struct assembly *a, const PGresult *result, size_t row);
void objects_add(struct assembly *a, const PGresult *result, size_t row);
/* Everything in the order that store.h promises. Valid as long as the arena (and, without `copy`,
 * the result). */
const struct object *objects_finish(struct assembly *a);

/* The attribute of a row with these columns, its texts copied into the arena. */
struct attr objects_read_attr(struct arena *arena, const PGresult *result, size_t row);

/* The value alone, of columns that are in the order of the above from `first`, the datatype, to the
 * relation; of what it refers to the id. Its text is in the result, where it stays. */
struct value objects_borrow_value(struct arena *arena, const PGresult *result, size_t row,
                                  int first);

/* All objects in the result, by entity id; a first row without an owner is left out. `result` is
 * kept by the arena from here on. */
struct object *objects_of(struct arena *arena, PGresult *result, size_t *count);

/* A hash of all rows of this owner in the result, in whatever order they come (state.c). False, and
 * an empty text: libcrypto or the memory failed. */
bool objects_state(const PGresult *result, int32_t owner, char state[STORE_STATE_SIZE]);

/* out[i]: the object called names[i], of several the one with the lowest id; id 0: none. The
 * columns are id, name, driver, type; a first row without an id is left out. `result` is kept by
 * the arena from here on. */
void objects_take_refs(struct arena *arena, PGresult *result, const char *const *names,
                       size_t count, struct ref *out);

/* Deletes the attributes whose ids the statement finds (store/attr.c); *found: how many. They are
 * looked for before the number of the version is taken, so that nothing ends before it was made. */
enum rc store_delete_found(struct store *store, const struct stmt_row *row,
                           const struct pg_arg *args, size_t count, size_t *found);

/* $1 and $2 of these statements, in the arena: drivers of managers and their resource keys. */
void objects_managers(struct arena *arena, struct pg_arg *drivers, struct pg_arg *keys);

/* Drivers and which rule (enum driver_insert_rule) each has for its members, as two parameters. */
void objects_rules(struct arena *arena, struct pg_arg args[2]);

#endif
