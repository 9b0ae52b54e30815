/* shard.h: preferences in several databases: which users are this server's (contract/scale.md 3.3).
 * Users are divided by their names exactly as nginx's split_clients does it. */
#ifndef MUSTER_SERVER_SHARD_H
#define MUSTER_SERVER_SHARD_H

#include <stdint.h>

#include "base/arena.h"

enum { SHARD_MAX_PARTS = 100 };

struct shard {
    unsigned number;                /* of this server's part, from 0 */
    unsigned count;                 /* of all parts */
    uint32_t ends[SHARD_MAX_PARTS]; /* hashes below it, and not below the one before, are in the
                                       part; the last part has all others */
};

/* Reads "NUMBER/COUNT" (that many equal parts) or "NUMBER/PART PART ... *" (parts as in percent
 * "12.5%", and the rest). Returns NULL, or what is wrong with the text, in the arena or a literal.
 */
const char *shard_parse(struct arena *arena, const char *text, struct shard *shard);

/* The number of the part that a user is in. */
unsigned shard_of(const struct shard *shard, const char *user);

#endif
