/* query_text.h: a statement of /query while it is written: fixed texts, and parameters for all that
 * the client sent. */
#ifndef MUSTER_STORE_QUERY_TEXT_H
#define MUSTER_STORE_QUERY_TEXT_H

#include "base/buf.h"
#include "query/query.h"
#include "store/pg_arg.h"

struct query_text {
    struct arena *arena;
    struct buf condition, walks, seeds, streams;
    struct buf too_many; /* containers for the quick form; empty: never */
    struct buf large;    /* streams, so that all objects are the seed; empty: never */
    struct buf *out;     /* one of them */
    struct buf letters;
    struct pg_arg *args;
    size_t count, capacity;
    const struct query_node **walked; /* the test of each walk (store/query_walk.h) */
    size_t walk_count, walk_capacity;
    bool by_steps; /* the indexes for it are there */
    bool is_quick; /* leaves out what large containers need */
    bool of_few;   /* objects that are known: not all that there are is looked through */
    const struct query_node *sure; /* is fulfilled by what the streams give */
    int stream_count;
    bool several; /* more than one seed is possible */
};

void query_text_add(struct query_text *c, const char *fixed);

/* Adds "$N", and the parameter with its type's letter (store/stmts.h). */
void query_text_parameter(struct query_text *c, char letter, struct pg_arg arg);

/* The value between two fixed texts. */
void query_text_around(struct query_text *c, const char *before, const char *value,
                       const char *after);

/* Narrows the attributes a down to those with this subkey, if any, and this number. */
void query_text_narrow(struct query_text *c, const char *subkey, bool has_number, int32_t number);

/* The values of a test as one parameter, in the arena. */
struct pg_arg query_text_array(struct arena *arena, const struct query_node *n);

/* The driver and those below it; one that is not configured is itself. In the arena. */
const char **query_text_drivers(struct arena *arena, const char *name, size_t *count);

#endif
