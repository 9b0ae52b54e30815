/* query_walk.h: walks through containers, each a table of the statement: "walkN", with the columns
 * container and at (0: the containers to look into), or of what contains an object only id. */
#ifndef MUSTER_STORE_QUERY_WALK_H
#define MUSTER_STORE_QUERY_WALK_H

#include "store/query_text.h"

/* The number N of the walk of this test (within, has, a type of containers), which is written when
 * it is first asked for. `c->out` stays what it is. */
size_t query_walk_of(struct query_text *c, const struct query_node *test);

/* The same test (within, a type of containers) as a condition on the object e: a walk up from it.
 */
void query_walk_from(struct query_text *c, const struct query_node *test);

#endif
