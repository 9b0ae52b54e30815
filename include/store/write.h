/* write.h: the store's writes. All of them belong to the open write transaction
 * (store_begin_write): they lock first and decide after, so that what was decided on still holds
 * when the change is made. Results besides those named: RC_RETRY, RC_BROKEN, RC_BUSY, RC_READONLY,
 * RC_FULL, RC_BUG. */
#ifndef MUSTER_STORE_WRITE_H
#define MUSTER_STORE_WRITE_H

#include "model/driver.h"
#include "store/store.h"

enum lock {
    LOCK_REFER,  /* it stays alive (FOR KEY SHARE): for the target of a relation */
    LOCK_CHANGE, /* no other session changes its attributes or memberships (FOR NO KEY UPDATE) */
    LOCK_DELETE, /* no one refers to it either (FOR UPDATE), nor creates one of this name */
    LOCK_NAME    /* no one creates one of this name: of store_lock_ahead only */
};

/* --- objects (store/entity.c)
 * ------------------------------------------------------------------------- */

/* Locks the live entities of these names in the order of their ids; out[i] belongs to names[i], id
 * 0: unknown. RC_OK even if all are unknown. */
enum rc store_lock(struct store *store, struct arena *arena, const char *const *names, size_t count,
                   enum lock lock, struct ref *out);

/* One name: RC_NOTFOUND if unknown. */
enum rc store_lock_one(struct store *store, struct arena *arena, const char *name, enum lock lock,
                       struct ref *out);

/* What a transaction of several writes will lock. */
struct lock_ahead {
    const char *name;
    enum lock lock;
};

/* Ahead of them, in the order in which each write locks: names, then live entities by id, each as
 * strongly as any of the items says. So two that will lock the same don't wait for each other. */
enum rc store_lock_ahead(struct store *store, struct arena *arena, const struct lock_ahead *items,
                         size_t count);

struct creation {
    const struct driver *driver;
    const char *const *names;
    size_t count;
    struct attrs attrs; /* of each of them */
};

/* Creates those of the names that do not exist (each once, even when many clients ask at the same
 * time). out[i]: the entity of names[i], new or old; created[i] tells which. A constant number of
 * statements. */
enum rc store_create(struct store *store, struct arena *arena, const struct creation *creation,
                     struct ref *out, bool *created);

/* Deletes a locked entity (LOCK_DELETE), its attributes, all that refer to it, its counters; with a
 * resource_key also everything that it allocated on other objects under that key. */
enum rc store_delete_entity(struct store *store, int32_t id, const char *resource_key);

/* Gives a locked entity (LOCK_DELETE, with the new name) a name, driver and type; what refers to it
 * goes along. RC_EXISTS: a writer beside us took the name. */
enum rc store_convert(struct store *store, int32_t id, const struct ref *to);

/* --- attributes (store/attr.c)
 * ------------------------------------------------------------------------- */

/* The range of the int_value column: 32 or 64 bits. */
enum rc store_int_range(struct store *store, int64_t *minimum, int64_t *maximum);

/* Locks a live entity (LOCK_CHANGE) and reads its identity and the attributes that match the filter
 * (NULL: all but members) as they are after that, in one go. RC_NOTFOUND if the name is unknown. */
enum rc store_lock_attrs(struct store *store, struct arena *arena, const char *name,
                         const struct attr_filter *filter, struct object *out);

/* These two wait for nothing: they leave with what is asked for next, or at the end, and that is
 * what fails if they do. */

/* Adds attributes to an entity, in the order given, with one statement. Relations by related_id. */
void store_add_attrs(struct store *store, int32_t entity, const struct attr *attrs, size_t count);

/* Ends some attributes of an entity and adds others. The entity is locked (LOCK_CHANGE). Queued, as
 * store_add_attrs(). */
void store_replace_attrs(struct store *store, int32_t entity, const struct attr *const *gone,
                         size_t gone_count, const struct attr *added, size_t added_count);

/* Sets the _lastip of an ip manager, in place where there is one: bookkeeping has no history. */
enum rc store_set_last(struct store *store, int32_t manager, int64_t last);

/* The same where there is one; whoever replaces it at this moment is not waited for. Queued, as
 * store_add_attrs(). */
void store_move_last(struct store *store, int32_t manager, int64_t last);

/* What a manager gives an object, both locked (LOCK_CHANGE): */
struct giving {
    int32_t manager, object;
    bool moves_last; /* of an ip manager that has _lastip: it becomes `last` */
    int64_t last;
};

/* Adds the rows of an allocation, which have a key and a number in common and, where
 * they refer to something, refer to the manager. Queued, as store_add_attrs(). */
void store_give(struct store *store, const struct giving *giving, const struct attr *rows,
                size_t count);

/* The next `count` numbers of the object's attributes `key`, the first in *first: after the highest
 * of the counter of that name, as Python clusto has it, and of its attributes. RC_RETRY: another
 * has just made the counter. */
enum rc store_next_numbers(struct store *store, int32_t entity, const char *key, int32_t count,
                           int32_t *first);

/* Deletes attributes by id. */
void store_delete_attrs(struct store *store, const int32_t *ids, size_t count);

/* --- memberships (store/tree.c)
 * ------------------------------------------------------------------------ */

struct membership {
    struct ref container;
    int32_t member;
    bool is_racked; /* subkey "ru" */
    bool has_unit;
    int32_t unit;
};

struct memberships {
    struct membership *items;
    size_t count;
};

/* All memberships of these members. */
enum rc store_memberships(struct store *store, struct arena *arena, const int32_t *members,
                          size_t count, struct memberships *out);

/* All memberships in this container. */
enum rc store_contained(struct store *store, struct arena *arena, int32_t container,
                        struct memberships *out);

/* *inside: the first of `members` that contains `container`, directly or through others; 0: none
 * does. Excludes any other transaction that makes something with contents a member of something. */
enum rc store_find_ancestor(struct store *store, int32_t container, const int32_t *members,
                            size_t count, int32_t *inside);

/* Puts the members into the container, numbered by its counter `_contains`. */
enum rc store_insert(struct store *store, int32_t container, const int32_t *members, size_t count);

/* Waits for whoever is putting something into units of the rack, also beside muster. */
enum rc store_lock_rack(struct store *store, int32_t rack);

/* Claims a device's port, of the attributes `key` with this number, before looking whether it is
 * free; waits for whoever is connecting it, also beside muster, or with `wait` false not: *busy. */
enum rc store_claim_port(struct store *store, int32_t device, const char *key, int32_t number,
                         bool wait, bool *busy);

/* Puts one member into a rack: a membership for each unit. */
enum rc store_insert_racked(struct store *store, int32_t rack, int32_t member, const int32_t *units,
                            size_t count);

/* Takes the members out, however often they are in. */
enum rc store_remove(struct store *store, int32_t container, const int32_t *members, size_t count);

/* --- allocation (store/alloc.c)
 * ------------------------------------------------------------------------ */

/* Before the transaction: takes the next numbers of the counter `key` on clustometa, so that there
 * are `count`, and keeps each until a transaction has used it, so that two managers never wait for
 * each other. Where they are soon used up it takes some more, up to 16. */
enum rc store_reserve_numbers(struct store *store, const char *key, size_t count);

/* The same for each key of which there was none when a transaction last wanted one. */
enum rc store_reserve_missed(struct store *store, size_t count);

/* Within the transaction: the next one. False: there is none, or the connection was lost since: it
 * was committed without waiting for the disk, and a server that crashed may give it again. */
bool store_reserved_number(struct store *store, const char *key, int32_t *number);
void store_number_used(const char *key);

/* Addresses in stored form; `without`: the gateway, which is not given (INT64_MIN: none). */
struct ip_range {
    int64_t from, last, without;
};

/* Claims the first address of the range that no live attribute ip holds, and for it the reserved
 * number under the manager's key, as store_claim_number() does. RC_NOTFOUND: none; RC_RETRY: none
 * but those that other transactions are giving now, or the number is taken. Takes the time of an
 * index look-up, however full the range. */
enum rc store_claim_ip(struct store *store, const struct ip_range *range, const char *key,
                       int32_t number, int64_t *out);

/* The live attribute `key` without subkey with this value, on any object. */
struct resource {
    const char *key;
    struct value value;
    int32_t manager; /* only what it gave counts; 0: all */
};

enum claim_state {
    CLAIM_OURS, /* free, and no other session can allocate it before this transaction ends */
    CLAIM_BUSY, /* another transaction is giving it out now (only without `wait`) */
    CLAIM_HELD  /* `holder` has it */
};

struct claim {
    enum claim_state state;
    int32_t holder;
};

/* Claims a resource. Sees what was committed after the claim was granted. */
enum rc store_claim(struct store *store, const struct resource *resource, bool wait,
                    struct claim *out);

/* Claims the reserved number for a claimed resource, which a writer beside muster may have taken as
 * well: another has to be reserved if *taken. Waits for nothing: the last thing before the rows are
 * added. */
enum rc store_claim_number(struct store *store, const struct resource *resource, int32_t number,
                           bool *taken);

/* Names of one base with a number, padded with zeros to `digits` (0: not padded). */
struct name_series {
    const char *base;
    int digits;
    int64_t from, last;
};

/* The smallest number of the series whose name is neither a live entity's nor an attribute `key` of
 * one (NULL: only entities count); RC_NOTFOUND: none. */
enum rc store_next_name(struct store *store, const struct name_series *series, const char *key,
                        int64_t *out);

/* The first number from `from` to `last` that this manager has not given under the key;
 * RC_NOTFOUND: none. */
enum rc store_next_number(struct store *store, const struct resource *resource, int64_t from,
                          int64_t last, int64_t *out);

/* The counter of an entity: its value, or RC_NOTFOUND. */
enum rc store_counter(struct store *store, int32_t entity, const char *key, int64_t *value);
enum rc store_set_counter(struct store *store, int32_t entity, const char *key, int64_t value);

/* A key other than `key` (NULL: any) under which this manager has given something; NULL: none. */
enum rc store_other_key(struct store *store, struct arena *arena, int32_t manager, const char *key,
                        const char **other);

/* Locks objects as store_lock(LOCK_CHANGE), of which the first is a manager, and reads its
 * attributes but members and references, hidden ones included. */
enum rc store_lock_manager(struct store *store, struct arena *arena, const char *const *names,
                           size_t count, struct ref *refs, struct object *manager);

/* Takes back what `manager` gave `entity` under `key`: all rows of the numbers that its KEY/manager
 * rows carry; with `value` only that resource. *taken: was there any? */
enum rc store_release(struct store *store, int32_t manager, int32_t entity, const char *key,
                      const struct value *value, bool *taken);

/* The ranges of addresses in stored form from first to last that nobody holds, without the gateway:
 * streamed, each from its first to its last. False: stop. (store/free_ranges.c) */
typedef bool (*store_range_row)(void *context, int64_t first, int64_t last);
enum rc store_free_ranges(struct store *store, int64_t first, int64_t last, int64_t gateway,
                          store_range_row row, void *context);

#endif
