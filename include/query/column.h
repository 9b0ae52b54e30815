/* column.h: the columns of what a query finds (contract/query.md). */
#ifndef MUSTER_QUERY_COLUMN_H
#define MUSTER_QUERY_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

enum query_column_kind {
    QUERY_COLUMN_NAME,
    QUERY_COLUMN_DRIVER,
    QUERY_COLUMN_TYPE,
    QUERY_COLUMN_PATH,
    QUERY_COLUMN_IPS,
    QUERY_COLUMN_PARENTS,
    QUERY_COLUMN_CONTENTS,
    QUERY_COLUMN_ATTR,
    QUERY_COLUMN_VERSION /* the newest version that touched the object */
};

struct query_column {
    enum query_column_kind kind;
    const char *title;  /* as it was asked for */
    const char *key;    /* QUERY_COLUMN_ATTR */
    const char *subkey; /* QUERY_COLUMN_ATTR; NULL: any */
    bool has_number;    /* QUERY_COLUMN_ATTR; else any */
    int32_t number;
};

#endif
