/* bulk_row.h: what a line of an import says, for the files that read one. */
#ifndef MUSTER_RULES_BULK_ROW_H
#define MUSTER_RULES_BULK_ROW_H

#include "base/buf.h"
#include "rules/bulk.h"

/* Lines of an import: their numbers are integers of 32 bits, in the database as well. */
#define BULK_MAX_LINES (INT32_MAX - 1)

/* An object that is being read; in the arena of its line. */
struct bulk_row {
    const char *name, *driver;
    bool all_attrs, all_in;
    struct import_attr *attrs;
    size_t attr_count, attr_capacity;
    struct import_membership *in;
    size_t in_count, in_capacity;
};

struct bulk_csv;

struct bulk {
    struct store_import *to;
    struct bulk_options options;
    struct arena *arena; /* of one line */
    struct arena *texts; /* of the errors */
    struct buf rest;     /* a line whose end has not come yet */
    int32_t line;        /* the one that is read, from 1 to BULK_MAX_LINES */
    int32_t next_line;
    int64_t objects;
    bool quoted;   /* CSV: inside a quoted field, which a quote opens at its beginning only */
    char last;     /* CSV: the byte before */
    bool exact;    /* an export: nothing is added to what it says */
    bool complete; /* its last line has come */
    bool stopped;  /* the rest is not read */
    struct bulk_csv *csv; /* the columns; NULL: not read yet */
    struct import_error errors[IMPORT_MAX_ERRORS];
    size_t error_count;
    int64_t all_errors;
};

/* Attributes and memberships that follow the others; the row is zeroed first. */
struct import_attr *bulk_row_attr(struct bulk *bulk, struct bulk_row *row);
struct import_membership *bulk_row_membership(struct bulk *bulk, struct bulk_row *row);

/* Checks the row and hands it on. */
struct verdict bulk_row_add(struct bulk *bulk, struct bulk_row *row);

/* One line of NDJSON (rules/bulk_line.c), one record of CSV (rules/bulk_csv.c). */
struct verdict bulk_line_read(struct bulk *bulk, const char *text, size_t n);
struct verdict bulk_csv_read(struct bulk *bulk, const char *text, size_t n);

#endif
