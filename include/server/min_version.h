/* min_version.h: Clusto-Min-Version, for readers of a Muster on a standby that has no way to the
 * primary: a client says which version it has made or seen, and what it reads has that
 * (contract/scale.md, 3.2). A row of clustoversioning is committed with its version, so whoever sees
 * it sees all that the version did, also after a failover. */
#ifndef MUSTER_SERVER_MIN_VERSION_H
#define MUSTER_SERVER_MIN_VERSION_H

struct exchange;

/* Reads the header. 0, or the status of the refusal: 400. */
int min_version_check(struct exchange *x);

/* Ahead of the read: waits up to read_wait until the database has the version, and keeps to the
 * connection that has it. 0, or the status of the refusal: 503. */
int min_version_begin(struct exchange *x);

/* After the read. */
void min_version_end(struct exchange *x);

#endif
