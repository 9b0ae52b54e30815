/* query.h: the query language: a question as a tree (contract/query.md). What it means in SQL is
 * known to store/query_sql.c. */
#ifndef MUSTER_QUERY_QUERY_H
#define MUSTER_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/verdict.h"

enum query_kind { QUERY_OR, QUERY_AND, QUERY_NOT, QUERY_ALL, QUERY_TEST };

enum query_field {
    QUERY_NAME,
    QUERY_DRIVER,
    QUERY_TYPE,
    QUERY_IP,
    QUERY_CONTAINER, /* a container of the type `name` */
    QUERY_ATTR,      /* `name` is the key */
    QUERY_IS,        /* of the driver `name`, or one below it */
    QUERY_WITHIN,
    QUERY_HAS,
    QUERY_REFERS
};

enum query_operator {
    QUERY_EXISTS, /* also that of is, within, has and refers */
    QUERY_EQUAL,
    QUERY_UNEQUAL,
    QUERY_LESS,
    QUERY_LESS_EQUAL,
    QUERY_GREATER,
    QUERY_GREATER_EQUAL,
    QUERY_BEGINS,
    QUERY_CONTAINS,
    QUERY_LIKE,
    QUERY_IN,        /* one of the values */
    QUERY_IN_NETWORK /* of an address: in one of the networks */
};

/* Less, greater and the like. */
static inline bool query_is_order(enum query_operator op) {
    return op >= QUERY_LESS && op <= QUERY_GREATER_EQUAL;
}

/* A value as it was written, and what else it can be: a number (not if it was quoted), a date. */
struct query_value {
    const char *text;
    bool is_number;
    bool is_size;  /* "32G": a number that is no number's text */
    bool is_large; /* a number beyond 64 bits, which only its text says */
    int64_t number;
    const char *date; /* ISO, NULL: it is none */
};

/* From its first address to its last. */
struct query_network {
    uint32_t first, last;
};

struct query_node {
    enum query_kind kind;
    const struct query_node *left, *right; /* QUERY_NOT: left only */
    enum query_field field;
    enum query_operator op;
    const char *name;
    const char *subkey; /* QUERY_ATTR; NULL: any */
    bool has_number;    /* QUERY_ATTR; else any */
    int32_t number;
    bool inherited; /* QUERY_ATTR: of the nearest of the object and its containers */
    bool directly;  /* QUERY_WITHIN */
    const struct query_value *values; /* one, of QUERY_IN one or more, of QUERY_EXISTS none */
    size_t value_count;
    const struct query_network *networks; /* QUERY_IN_NETWORK */
    size_t network_count;
};

/* 0: no limit. */
struct query_limits {
    int bytes;
    int tests;
    int depth;  /* of parentheses and "not" */
    int values; /* of one "in" */
};

/* Reads a question, which is UTF-8, into the arena. RC_INVALID: the message names line, column,
 * what was found there and what could stand there, or the limit. */
struct verdict query_parse(struct arena *arena, const char *text, const struct query_limits *limits,
                           const struct query_node **out);

#endif
