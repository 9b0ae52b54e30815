/* store.h: the database as the rest of the program sees it: plain structs in, plain structs out. */
#ifndef MUSTER_STORE_STORE_H
#define MUSTER_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "model/value.h"

struct store;

/* What a store is told about its database. Times are in milliseconds, 0: forever. */
/* The warnings that were logged. */
struct store_warned {
    atomic_flag superuser, encoding;
};

struct store_options {
    const char *database; /* libpq connection string */
    int connect_timeout;  /* for each server; 0: by their number */
    int statement_timeout;
    int lock_timeout;
    bool versioning;   /* rows are ended rather than deleted, and every write has a number */
    bool keep_history; /* with versioning: --init-db also keeps what others change or erase */
    const char
        *history_time_zone; /* of times that others wrote before --init-db; NULL: as it was */
    bool search_index;      /* --init-db makes indexes for searches, where it may */
    bool whole_tables;      /* for statements that read all there is: the planner is left alone */
    bool tag_reads;         /* single reads say in application_name for which request they are */
    const char *statements; /* "named": prepared once in each session; "unnamed": for a pooler that
                               changes sessions between transactions; "auto": as found out; NULL:
                               named */
    struct store_warned *warned; /* shared by all processes that have these options; NULL: each
                                    process logs these warnings */
};

/* An entity's identity. Texts are in the arena of the call. id 0: none. */
struct ref {
    int32_t id;
    const char *name;
    const char *driver;
    const char *type;
};

struct attr {
    int32_t id;
    const char *key;
    const char *subkey; /* NULL: none */
    bool has_number;
    int32_t number;
    struct value value;
};

struct attrs {
    struct attr *items;
    size_t count;
};

/* A unit of a rack that an object takes. */
struct rack_unit {
    struct ref rack;
    int32_t unit;
};

/* 16 digits of base64url: 96 bits of the SHA-256 of what the rows of an object say: its own, those
 * of its live attributes with their ids and the names of what they refer to, those of its
 * memberships in containers (contract/transactions.md). The same whoever wrote them, and when. */
#define STORE_STATE_SIZE 17

/* Everything that a representation needs. attrs: by key in code point order, then row order, hidden
 * ones included. contents: by entity id, each once. parents: in order of insertion, each once.
 * units: in no order. */
struct object {
    struct ref ref;
    struct attr *attrs;
    size_t attr_count;
    struct ref *contents;
    size_t content_count;
    bool no_contents; /* they were not asked for */
    struct ref *parents;
    size_t parent_count;
    struct rack_unit *units;
    size_t unit_count;
    int32_t version;              /* of a list with versions: the newest that touched it */
    int64_t allocated;            /* managers: attributes KEY/manager that refer to it */
    char state[STORE_STATE_SIZE]; /* of an object that was read alone; "": not known */
};

/* --- life (store/pg.c)
 * ------------------------------------------------------------------------------- */

/* What is wrong with a connection string, in the arena (store/conninfo.c); NULL: nothing. */
const char *store_check_conninfo(struct arena *arena, const char *text);

/* Logs which of several servers are used (store/servers.c). */
void store_log_servers(const struct store_options *options);

struct cluster;

/* A store for one process; connects lazily. `cluster`: what is known of the servers, with other
 * processes (store/cluster.h), or NULL. Both are borrowed. Never NULL. */
struct store *store_new(const struct store_options *options, struct cluster *cluster);
void store_free(struct store **store);

/* Connects if need be and prepares every statement. RC_OK, RC_BROKEN or RC_BUSY (logged). */
enum rc store_connect(struct store *store);

/* True while a connection that was good at last use is there. */
bool store_connected(const struct store *store);

/* Asks the database how it is. */
struct store_status {
    bool writable;
    int64_t timeline; /* raised when a standby becomes the primary */
};
enum rc store_status(struct store *store, struct store_status *status);

/* True if the connection is to a server that takes no writes, as far as is known without asking. */
bool store_is_standby(const struct store *store);

/* What the workers have seen of the database's servers, without asking any. */
struct store_servers {
    int32_t timeline;  /* of the primary that was connected to last; 0: none */
    uint64_t switches; /* to another primary, the first one counted */
    uint64_t failures; /* attempts to connect */
};
struct store_servers store_servers(const struct store *store);

/* Differs from that of any other connection; 0: there is none. */
uint64_t store_connection(const struct store *store);

/* Which server the connection is or was to: see struct cluster_server. */
uint64_t store_instance(const struct store *store);

/* A word about the last failure for logs, never for answers. */
const char *store_error(const struct store *store);

/* Called every 50 ms while this process waits for the database or connects to it, after the first
 * tenth of a second, and after 5 ms where it says true: there is more to do. NULL: nothing is. It
 * may use no store that is in use. */
void store_set_idle(bool (*idle)(void *context), void *context);

/* Asked while waiting for the database whether the client is still there; NULL: don't ask. When it
 * says false the statement is cancelled and RC_GONE returned. `fd` is polled beside the database.
 */
void store_set_client(struct store *store, int fd);

/* The id of the request that transactions and writes from now on are for, and with tag_reads
 * single reads: the connection's application_name says it while they run (of more than 56
 * characters the last 56), so that the database's log and pg_stat_activity can be matched with
 * ours. It travels with the first statement. Borrowed; NULL: none. */
void store_set_request(struct store *store, const char *id);

/* --- transactions (dispatch calls these; handlers never do)
 * -------------------------------------------- */

/* READ: nothing is sent for a single statement; store_begin_snapshot makes one snapshot for
 * several. */
void store_begin_snapshot(struct store *store);

/* True between the beginning of any transaction and its end: of a read, a snapshot as of a version.
 */
bool store_in_transaction(const struct store *store);

/* Until the end of the snapshot, which has been used, its reads are as of this version. `renamed`:
 * an object was given another name, driver or type since (version_found). */
void store_read_as_of(struct store *store, int32_t version, bool renamed);

/* WRITE: BEGIN is sent together with the first statement, the clustoversioning row with the first
 * one that makes or ends rows: after the locks. */
void store_begin_write(struct store *store, const char *user, const char *description);

/* The same without a version: for what is not part of the inventory (store/prefs.c opens its own).
 */
void store_begin_plain(struct store *store);

/* Between true and false statements run each by itself, ahead of the write transaction that was
 * begun: only as long as nothing of it was sent. For what must not wait for it, nor be undone with
 * it. */
void store_suspend_transaction(struct store *store, bool suspend);

/* The version that the write transaction made, to be asked after store_commit said RC_OK; 0: it
 * changed nothing. */
int32_t store_version(const struct store *store);

/* Waits until all that was sent in the transaction is done: RC_OK, or what failed. */
enum rc store_check(struct store *store);

/* Ends the transaction. store_commit: RC_UNKNOWN if the answer never came. Rollback never fails; a
 * lost connection is as good. Both are fine without a transaction. */
enum rc store_commit(struct store *store);
void store_rollback(struct store *store);

/* --- reads in two steps (store/read.c, store/prefs.c): made by store_ask_..., which sends nothing,
 * and taken by store_take_..., which does what store_..._by_name does. In between the worker may
 * send several of them in one packet (store/prefetch.c); one that did not go is run when taken.
 *
 * A read is in the arena of its making, as is what is taken; its texts are borrowed until then. */
struct store_read;

/* At most so many in a packet: the first request waits for all of them. */
#define STORE_PREFETCH 8

struct store_prefetch {
    struct store_read *read; /* to be taken afterwards, always */
    const char *request;     /* its request's id, for the log */
};

/* Sends these reads and waits for the results, no longer than for those of one statement; outside a
 * transaction. A read that ran out of time fails with RC_BUSY when it is taken, and so do others
 * after it that would wait for the same lock; everything else without a result is run again then.
 * Clients are not watched meanwhile: reads are quick, and have their timeouts. False: nothing was
 * sent (there is no connection, or tag_reads demands a packet for each). */
bool store_prefetch(struct store *store, const struct store_prefetch *items, size_t count);

/* True after that if its result is there. */
bool store_read_is_done(const struct store_read *read);

/* Those that failed are to be run again, perhaps by another store. */
void store_repeat_failed(const struct store_prefetch *items, size_t count);

struct store_read *store_ask_ref(struct arena *arena, const char *name);
enum rc store_take_ref(struct store *store, struct store_read *read, struct ref *out);

/* Without `contents` no more than STORE_FEW_MEMBERS of its members, which may be very many, are
 * read; where there are more its state is not known. */
#define STORE_FEW_MEMBERS 100
struct store_read *store_ask_object(struct arena *arena, const char *name, bool contents);
enum rc store_take_object(struct store *store, struct store_read *read, struct object *out);

/* The same of the attributes only those that match; their members only where these are asked for.
 */
struct attr_filter;
struct store_read *store_ask_attrs(struct arena *arena, const char *name,
                                   const struct attr_filter *filter);
enum rc store_take_attrs(struct store *store, struct store_read *read,
                         const struct attr_filter *filter, struct object *out);

/* --- reading (store/read.c, store/list.c): one statement, one round trip, one snapshot each
 * -------------- */

/* RC_NOTFOUND when there is no live entity of that name; the lowest id where an old installation
 * has several. */
enum rc store_ref_by_name(struct store *store, struct arena *arena, const char *name,
                          struct ref *out);
enum rc store_object_by_name(struct store *store, struct arena *arena, const char *name,
                             struct object *out);

/* out[i] belongs to names[i]; out[i].id 0: unknown. RC_OK even if all are. One statement.
 * `snapshot` as in struct list_extent; NULL: it is not wanted. */
enum rc store_refs_by_names(struct store *store, struct arena *arena, const char *const *names,
                            size_t count, struct ref *out, const char **snapshot);
enum rc store_objects_by_names(struct store *store, struct arena *arena, const char *const *names,
                               size_t count, struct object *out, const char **snapshot);

/* Which attributes: NULL or false: any. */
struct attr_filter {
    const char *key;
    const char *subkey;
    bool has_number;
    int32_t number;
    bool members; /* of any key: also a container's members, which may be very many */
};

/* Of the object its identity and the matching attributes (NULL: all but members), hidden ones
 * included. */
enum rc store_attrs_by_name(struct store *store, struct arena *arena, const char *name,
                            const struct attr_filter *filter, struct object *out);

/* The state of a live object as it is now: in a write transaction that holds it, until that ends.
 * RC_NOTFOUND: there is none. */
enum rc store_state(struct store *store, struct arena *arena, int32_t id,
                    char state[STORE_STATE_SIZE]);

/* Which part of a list. limit 0: everything. keyset: what comes after a row's id, flat whatever the
 * depth; needs a limit of at most LIST_KEYSET_LIMIT. */
#define LIST_KEYSET_LIMIT 10000

struct list_page {
    int64_t limit;
    int64_t offset;
    bool keyset;
    int32_t after;
};

/* What a list is made of. Exactly one of the kinds. */
enum listing_kind { LIST_ENTITIES, LIST_BY_ATTR, LIST_FROM_POOLS, LIST_CONTAINERS, LIST_QUERY };

struct listing {
    enum listing_kind kind;
    /* But for LIST_BY_ATTR: exact names; an empty list is no filter. Several are "or".
     * (LIST_CONTAINERS has no names.) */
    const char *const *names;
    size_t name_count;
    const char *const *types;
    size_t type_count;
    const char *const *drivers;
    size_t driver_count;
    /* LIST_BY_ATTR: subkey, value NULL: any */
    const char *key;
    const char *subkey;
    const char *value;
    /* LIST_FROM_POOLS: ids of the pools; children: search recursively */
    const int32_t *pools;
    size_t pool_count;
    const char *found_at; /* the snapshot in which these were looked up, or NULL */
    bool children;
    /* LIST_CONTAINERS: what contains this object; ancestors: and what contains those */
    int32_t member;
    bool ancestors;
    /* LIST_QUERY: what the objects must fulfil (query/query.h) */
    const struct query_node *question;
    bool versions;         /* whole objects have their versions */
    struct list_page page; /* by entity id */
};

/* Takes the next row; false: stop (the client is gone): the call then returns RC_GONE. The texts
 * live during the call only. */
typedef bool (*store_ref_row)(void *context, const struct ref *ref);
typedef bool (*store_object_row)(void *context, const struct object *object);

/* Filled before the first row. */
struct list_extent {
    int64_t total; /* with a limit and no keyset: the number of objects without limit and offset */
    int32_t next;  /* with a keyset: after which id the list continues; 0: it ends here */
    const char
        *snapshot; /* of which it is (store/snapshot.h), in the arena, if not as of a version */
};

/* Streams a list by entity id in flat memory. */
enum rc store_list_refs(struct store *store, struct arena *arena, const struct listing *listing,
                        struct list_extent *extent, store_ref_row row, void *context);

/* The same, whole objects, in chunks: the next is asked for before this one's rows are given out.
 */
enum rc store_list_objects(struct store *store, struct arena *arena, const struct listing *listing,
                           struct list_extent *extent, store_object_row row, void *context);

/* How many of the objects that a query finds have this value in that column, the most frequent
 * value first, then by value. False: stop. The text lives during the call only. */
struct query_column;
typedef bool (*store_count_row)(void *context, const char *value, int64_t count);

/* One statement, streamed (store/query_count.c). Of the extent there is the snapshot alone. */
enum rc store_count_query(struct store *store, struct arena *arena,
                          const struct query_node *question, const struct query_column *column,
                          struct list_extent *extent, store_count_row row, void *context);

/* An attribute that refers to an object, and whose it is. */
struct reference {
    struct ref owner;
    const char *key;
    const char *subkey; /* NULL: none */
    bool has_number;
    int32_t number;
};

/* Which of them: all but those whose keys begin with "_", or those of a key; subkey NULL: any. */
struct references {
    int32_t object;
    const char *key;
    const char *subkey;
    struct list_page page; /* by the attribute's id */
};

/* Takes the next one; as store_ref_row. */
typedef bool (*store_reference_row)(void *context, const struct reference *reference);

/* Streams what refers to an object, in row order (store/references.c). */
enum rc store_list_references(struct store *store, const struct references *wanted,
                              struct list_extent *extent, store_reference_row row, void *context);

#endif
