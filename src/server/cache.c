/* cache.c: rendered responses in memory that all workers share. */
#include "server/cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mutex.h"

#define STRIPES  64
#define BUCKETS  1024 /* of a stripe, for one entry each */
#define MARKS    65536
#define MAX_PART 8 /* an entry takes no more than an eighth of its stripe */

/* An entry in a stripe's ring: this header, the key, the response. */
struct entry {
    size_t size; /* with padding; 0: the rest of the ring is not used */
    uint64_t hash;
    uint64_t seq;
    struct context_dependencies dependencies;
    size_t key_length;
    size_t length;
};

/* Oldest first from `tail`, the next one goes to `head`. A worker may be killed at any time: the
 * mutex is robust, and a stripe whose owner died is emptied. */
struct stripe {
    pthread_mutex_t mutex;
    size_t head, tail, used;
    uint64_t hashes[BUCKETS];
    size_t offsets[BUCKETS]; /* + 1; 0: none */
};

struct cache {
    size_t mapped;
    size_t ring; /* bytes of a stripe's ring */
    struct shared_check check;
    pthread_mutex_t mutex; /* of the state */
    struct cache_state state;
    _Atomic uint64_t everything; /* seq of the last change of unknown extent */
    _Atomic uint64_t anything;   /* seq of the last change of any kind */
    _Atomic uint64_t marks[MARKS];
    struct stripe stripes[STRIPES];
    _Alignas(64) unsigned char rings[];
};

/* --- life --- */

struct cache *cache_new(size_t bytes) {
    size_t ring = bytes / STRIPES & ~(size_t)63;
    size_t mapped = sizeof(struct cache) + ring * STRIPES;
    struct cache *cache =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (cache == MAP_FAILED) {
        log_warning("no memory for the response cache: %s", strerror(errno));
        return NULL;
    }
    cache->mapped = mapped;
    cache->ring = ring;
    mutex_init(&cache->mutex);
    shared_check_init(&cache->check);
    for (size_t i = 0; i < STRIPES; i++)
        mutex_init(&cache->stripes[i].mutex);
    return cache;
}

void cache_free(struct cache **cache) {
    if (*cache)
        munmap(*cache, (*cache)->mapped);
    *cache = NULL;
}

struct shared_check *cache_check(struct cache *cache) {
    return &cache->check;
}

/* --- changes --- */

static size_t mark_of(int64_t key) {
    uint64_t x = (uint64_t)key * 0x9E3779B97F4A7C15u;

    return x >> 48;
}

static void forget_state(struct cache *cache) {
    cache->state.snapshot[0] = '\0';
    cache->state.instance = 0;
    cache->state.unchanged = false;
    cache->state.seq++;
    atomic_store(&cache->everything, cache->state.seq);
    atomic_store(&cache->anything, cache->state.seq);
}

/* After a worker died in here, the state may be half written. */
static void lock_state(struct cache *cache) {
    if (mutex_lock(&cache->mutex) == MUTEX_RECOVERED)
        forget_state(cache);
}

void cache_get_state(struct cache *cache, struct cache_state *out) {
    lock_state(cache);
    *out = cache->state;
    pthread_mutex_unlock(&cache->mutex);
}

uint64_t cache_seq(struct cache *cache, uint64_t *instance) {
    uint64_t seq;

    lock_state(cache);
    seq = cache->state.seq;
    if (instance)
        *instance = cache->state.instance;
    pthread_mutex_unlock(&cache->mutex);
    return seq;
}

void cache_leave_server(struct cache *cache, uint64_t instance) {
    lock_state(cache);
    if (cache->state.instance == instance)
        forget_state(cache);
    pthread_mutex_unlock(&cache->mutex);
}

void cache_apply(struct cache *cache, const struct cache_state *from, const char *snapshot,
                 uint64_t instance, const int64_t *changed, size_t count, bool everything) {
    size_t length = strlen(snapshot);
    bool first;

    lock_state(cache);
    first = cache->state.seq == from->seq;
    cache->state.unchanged = first && length > 0 && strcmp(cache->state.snapshot, snapshot) == 0;
    if (everything || count > 0) {
        uint64_t seq = ++cache->state.seq;

        for (size_t i = 0; i < count; i++)
            atomic_store(&cache->marks[mark_of(changed[i])], seq);
        if (everything)
            atomic_store(&cache->everything, seq);
        atomic_store(&cache->anything, seq);
    }
    /* Only a check that began from this state may advance it, or changes in between would be
     * missed.
     */
    if (first)
        cache->state.instance = instance;
    if (first && length < CACHE_SNAPSHOT)
        memcpy(cache->state.snapshot, snapshot, length + 1);
    else if (first)
        cache->state.snapshot[0] = '\0';
    pthread_mutex_unlock(&cache->mutex);
}

static bool is_valid(struct cache *cache, uint64_t seq, const struct context_dependencies *d) {
    if (atomic_load(&cache->everything) > seq)
        return false;
    if (d->anything && atomic_load(&cache->anything) > seq)
        return false;
    for (size_t i = 0; i < d->count; i++)
        if (atomic_load(&cache->marks[mark_of(d->keys[i])]) > seq)
            return false;
    return true;
}

/* --- entries --- */

static struct stripe *stripe_of(struct cache *cache, uint64_t hash) {
    return &cache->stripes[hash % STRIPES];
}

static unsigned char *ring_of(struct cache *cache, const struct stripe *stripe) {
    return cache->rings + (size_t)(stripe - cache->stripes) * cache->ring;
}

static size_t bucket_of(uint64_t hash) {
    return hash / STRIPES % BUCKETS;
}

static void empty(struct stripe *stripe) {
    stripe->head = stripe->tail = stripe->used = 0;
    memset(stripe->offsets, 0, sizeof stripe->offsets);
}

static void lock_stripe(struct stripe *stripe) {
    if (mutex_lock(&stripe->mutex) == MUTEX_RECOVERED)
        empty(stripe);
}

static struct entry *entry_at(unsigned char *ring, size_t offset) {
    return (struct entry *)(void *)(ring + offset);
}

static struct entry *find_entry(struct stripe *stripe, unsigned char *ring, uint64_t hash,
                                const char *key, size_t n) {
    size_t bucket = bucket_of(hash);
    struct entry *entry;

    if (stripe->offsets[bucket] == 0 || stripe->hashes[bucket] != hash)
        return NULL;
    entry = entry_at(ring, stripe->offsets[bucket] - 1);
    if (entry->key_length != n || memcmp(entry + 1, key, n) != 0)
        return NULL;
    return entry;
}

bool cache_find(struct cache *cache, const char *key, size_t key_length, struct buf *out) {
    uint64_t hash = hash_add_bytes(HASH_START, key, key_length);
    struct stripe *stripe = stripe_of(cache, hash);
    struct entry *entry;
    bool valid;

    lock_stripe(stripe);
    entry = find_entry(stripe, ring_of(cache, stripe), hash, key, key_length);
    valid = entry && is_valid(cache, entry->seq, &entry->dependencies);
    if (valid && out)
        buf_add(out, (const char *)(entry + 1) + key_length, entry->length);
    pthread_mutex_unlock(&stripe->mutex);
    return valid;
}

/* Drops the oldest entry. */
static void drop_tail(struct stripe *stripe, unsigned char *ring, size_t ring_size) {
    struct entry *entry = entry_at(ring, stripe->tail);
    size_t bucket;

    if (ring_size - stripe->tail < sizeof *entry ||
        entry->size == 0) { /* the unused end of the ring */
        stripe->used -= ring_size - stripe->tail;
        stripe->tail = 0;
        return;
    }
    bucket = bucket_of(entry->hash);
    if (stripe->offsets[bucket] == stripe->tail + 1)
        stripe->offsets[bucket] = 0;
    stripe->used -= entry->size;
    stripe->tail += entry->size;
    if (stripe->tail == ring_size)
        stripe->tail = 0;
}

/* Room for `size` bytes in one piece at head; size is at most a part of the ring. */
static struct entry *make_room(struct stripe *stripe, unsigned char *ring, size_t ring_size,
                               size_t size) {
    size_t rest = ring_size - stripe->head;

    if (rest < size) { /* begin again at 0 */
        while (ring_size - stripe->used < rest)
            drop_tail(stripe, ring, ring_size);
        if (rest >= sizeof(struct entry))
            entry_at(ring, stripe->head)->size = 0;
        stripe->used += rest;
        stripe->head = 0;
    }
    while (ring_size - stripe->used < size)
        drop_tail(stripe, ring, ring_size);
    stripe->used += size;
    return entry_at(ring, stripe->head);
}

void cache_store(struct cache *cache, const char *key, size_t key_length, uint64_t seq,
                 const struct context_dependencies *dependencies, const char *response,
                 size_t length) {
    uint64_t hash = hash_add_bytes(HASH_START, key, key_length);
    struct stripe *stripe = stripe_of(cache, hash);
    unsigned char *ring = ring_of(cache, stripe);
    size_t size = (sizeof(struct entry) + key_length + length + 63) & ~(size_t)63;
    struct entry *entry;

    assert(dependencies->count <= CONTEXT_DEPENDENCIES);
    if (size > cache->ring / MAX_PART || !is_valid(cache, seq, dependencies))
        return;
    lock_stripe(stripe);
    entry = make_room(stripe, ring, cache->ring, size);
    *entry = (struct entry){.size = size,
                            .hash = hash,
                            .seq = seq,
                            .dependencies = *dependencies,
                            .key_length = key_length,
                            .length = length};
    memcpy(entry + 1, key, key_length);
    memcpy((char *)(entry + 1) + key_length, response, length);
    stripe->hashes[bucket_of(hash)] = hash;
    stripe->offsets[bucket_of(hash)] = stripe->head + 1;
    stripe->head += size;
    if (stripe->head == cache->ring)
        stripe->head = 0;
    pthread_mutex_unlock(&stripe->mutex);
}
