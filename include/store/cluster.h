/* cluster.h: what the workers of one server know together about the servers of their database:
 * which of them took their connection last, which is the primary that was heard of last, and
 * whether an attempt to connect may be made now. */
#ifndef MUSTER_STORE_CLUSTER_H
#define MUSTER_STORE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster;

/* In memory that is shared with processes forked afterwards. Never NULL. */
struct cluster *cluster_new(void);
void cluster_free(struct cluster **cluster);

/* What a server says of itself. */
struct cluster_server {
    int64_t system;    /* the same for a primary and its standbys */
    int32_t timeline;  /* of a primary, raised with each promotion; 0: this is a standby */
    uint64_t instance; /* differs from that of any other server, and after a restart; 0: unknown */
};

/* A number that is raised whenever another primary was heard of: connections made under another one
 * may be to a server that is the primary no more. */
const _Atomic uint64_t *cluster_number(const struct cluster *cluster);

/* From what PostgreSQL says of its start. */
uint64_t cluster_instance(const char *incarnation);

/* After connecting: raises the number if this is a newer primary than the newest so far, and gives
 * it. False: an older one, which a promotion has replaced. For a standby nothing changes. */
bool cluster_note(struct cluster *cluster, const struct cluster_server *server, uint64_t *number);

/* An older one has to serve, which is logged once, until there is another newest primary. */
void cluster_use_older(struct cluster *cluster, const struct cluster_server *server);

/* That of the primary that was connected to last; 0: none was. */
int32_t cluster_timeline(const struct cluster *cluster);

/* Did the server at this place of the list, to which connections are open, take another one? One
 * that is silent twice in a row is given up: the number is raised. */
void cluster_heard(struct cluster *cluster, size_t place, bool silent);

/* With which server of the list to begin: the last that took a connection, or the one after it if
 * that was silent. */
size_t cluster_preferred(const struct cluster *cluster);
void cluster_prefer(struct cluster *cluster, size_t place);

/* May this process try to connect now? Always, as long as that works; after a failed attempt nobody
 * may for a tenth of a second, and then one process alone; the pause doubles with each, up to a
 * second. While one tries the others wait for that, for a moment. `limit`: milliseconds that the
 * attempt takes at most. */
bool cluster_may_connect(struct cluster *cluster, int64_t limit);

/* How it ended. `began`: clock_ms() at its beginning. The number of failures that are to be logged,
 * every ten seconds; 0: none now. */
void cluster_connected(struct cluster *cluster);
uint64_t cluster_failed(struct cluster *cluster, int64_t began);

/* Up to which version all are settled for who asks this server from now on (versions.h): what was
 * noted last; 0: nothing was, or of another server. */
int32_t cluster_settled(const struct cluster *cluster, uint64_t instance);

/* Raises it; `latest`: there are versions up to this one. Fewer than are settled: the database was
 * made anew, and nothing is known of this one. */
void cluster_note_settled(struct cluster *cluster, uint64_t instance, int32_t version,
                          int32_t latest);

/* All failed attempts so far. */
uint64_t cluster_failures(const struct cluster *cluster);

/* True for one process in each period of so many milliseconds. */
bool cluster_may_look(struct cluster *cluster, int64_t period);

#endif
