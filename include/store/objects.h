/* objects.h: rows to objects, for the files of store/. */
#ifndef MUSTER_STORE_OBJECTS_H
#define MUSTER_STORE_OBJECTS_H

#include "store/pg.h"

/* The columns of every statement made by OBJECT() and ATTRS() in stmts.c. Tag 0: the owner, and one
 * of its attributes with what that refers to. Tag 1: one of the owner's containers as the related
 * one; all that is left of the attribute is its id, which orders them. */
enum object_column {
    COLUMN_TAG,
    COLUMN_OWNER,
    COLUMN_NAME,
    COLUMN_DRIVER,
    COLUMN_TYPE,
    COLUMN_ALLOCATED,
    COLUMN_ATTR,
    COLUMN_KEY,
    COLUMN_SUBKEY,
    COLUMN_NUMBER,
    COLUMN_DATATYPE,
    COLUMN_INT,
    COLUMN_STRING,
    COLUMN_DATETIME,
    COLUMN_RELATION,
    COLUMN_RELATED,
    COLUMN_RELATED_NAME,
    COLUMN_RELATED_DRIVER,
    COLUMN_RELATED_TYPE
};

/* The objects in the result, in whatever order its rows are, by entity id. Texts stay in `result`,
 * which is kept by the arena from here on. NULL when there is none. */
struct object *objects_assemble(struct arena *arena, PGresult *result, size_t *count);

/* $1 and $2 of these statements, in the arena: drivers of managers and their resource keys. */
void objects_managers(struct arena *arena, struct pg_arg *drivers, struct pg_arg *keys);

#endif
