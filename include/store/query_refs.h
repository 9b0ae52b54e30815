/* query_refs.h: what a question finds, for a request that does something with all of it. */
#ifndef MUSTER_STORE_QUERY_REFS_H
#define MUSTER_STORE_QUERY_REFS_H

#include "query/query.h"
#include "store/store.h"

/* The objects in the order of their ids, in the arena. RC_TOO_LARGE: there are more than `most`. */
enum rc store_query_refs(struct store *store, struct arena *arena,
                         const struct query_node *question, size_t most, struct ref **out,
                         size_t *count);

#endif
