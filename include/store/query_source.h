/* query_source.h: where the objects come from that a question is asked of: not from all there are,
 * if it has a test that an index answers. */
#ifndef MUSTER_STORE_QUERY_SOURCE_H
#define MUSTER_STORE_QUERY_SOURCE_H

#include "store/query_text.h"

/* Writes the streams and their seeds (store/query_parts.h), and names the test that is fulfilled by
 * them alone (query_text.sure). Nothing is written if only all objects will do. It needs the
 * indexes of --init-db, and reads what there is now. */
void query_source_write(struct query_text *c, const struct query_node *question);

#endif
