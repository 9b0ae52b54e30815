/* members.c: finding the members of a large object by key. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "json/members.h"
#include "json/reader.h"

/* Open addressing, linear probing; the number of slots is a power of two, at most three quarters of
 * them taken. A removed node leaves `gone` behind, so that those behind it are still found. */
struct slot {
    uint64_t hash;
    struct json_node *node;
};

struct json_members {
    struct arena *arena;
    struct slot *slots;
    size_t capacity;
    size_t taken; /* nodes and `gone` */
    size_t live;
};

enum { SMALLEST = 16 };

static struct json_node gone;

static uint64_t rotate(uint64_t x, int bits) {
    return (x << bits) | (x >> (64 - bits));
}

static void mix(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static const uint64_t *secret(void) {
    static uint64_t key[2];
    static bool made;

    if (!made) {
        if (getrandom(key, sizeof(key), GRND_NONBLOCK) != (ssize_t)sizeof(key)) {
            /* Too early after boot: what is hard to guess will do. */
            key[0] = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)&key;
            key[1] = (uint64_t)clock();
        }
        made = true;
    }
    return key;
}

/* SipHash with one and three rounds (Aumasson and Bernstein, 2012). */
static uint64_t hash_of(const char *bytes, size_t n) {
    const uint64_t *key = secret();
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    size_t left = n;
    uint64_t word;

    for (; left >= 8; left -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        v[3] ^= word;
        mix(v);
        v[0] ^= word;
    }
    word = 0;
    if (left > 0) {
        memcpy(&word, bytes, left);
    }
    word |= (uint64_t)n << 56;
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    mix(v);
    mix(v);
    mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void set_capacity(struct json_members *m, size_t nodes) {
    for (m->capacity = SMALLEST; m->capacity / 2 < nodes; m->capacity *= 2) {
    }
    m->slots = arena_array(m->arena, m->capacity, sizeof(*m->slots));
    m->taken = m->live = 0;
}

struct json_members *json_members_new(struct arena *arena, size_t expected) {
    struct json_members *m = arena_alloc(arena, sizeof(*m));

    m->arena = arena;
    set_capacity(m, expected);
    return m;
}

struct json_members *json_members_of(struct arena *arena, const struct json_node *object) {
    struct json_members *m;
    struct json_node *child;

    assert(object != NULL && object->type == JSON_OBJECT);
    m = json_members_new(arena, object->count);
    for (child = object->children; child != NULL; child = child->next) {
        json_members_put(m, child);
    }
    return m;
}

/* The slot of the key, or the empty one that ends the search for it. */
static struct slot *find(const struct json_members *m, const char *key, size_t length,
                         uint64_t hash) {
    size_t i;

    for (i = (size_t)hash & (m->capacity - 1);; i = (i + 1) & (m->capacity - 1)) {
        struct slot *s = &m->slots[i];

        if (s->node == NULL) {
            return s;
        }
        if (s->node != &gone && s->hash == hash && s->node->key_length == length &&
            memcmp(s->node->key, key, length) == 0) {
            return s;
        }
    }
}

struct json_node *json_members_get(const struct json_members *m, const char *key, size_t length) {
    assert(m != NULL && key != NULL);
    return find(m, key, length, hash_of(key, length))->node;
}

static void rebuild(struct json_members *m) {
    struct slot *slots = m->slots;
    size_t capacity = m->capacity;
    size_t i;

    set_capacity(m, m->live * 2);
    for (i = 0; i < capacity; i++) {
        if (slots[i].node != NULL && slots[i].node != &gone) {
            *find(m, slots[i].node->key, slots[i].node->key_length, slots[i].hash) = slots[i];
            m->taken++;
            m->live++;
        }
    }
}

void json_members_put(struct json_members *m, struct json_node *node) {
    uint64_t hash;
    struct slot *s;

    assert(m != NULL && node != NULL && node->key != NULL);
    if ((m->taken + 1) * 4 > m->capacity * 3) {
        rebuild(m);
    }
    hash = hash_of(node->key, node->key_length);
    s = find(m, node->key, node->key_length, hash);
    if (s->node == NULL) {
        m->taken++;
        m->live++;
    }
    s->hash = hash;
    s->node = node;
}

void json_members_remove(struct json_members *m, const char *key, size_t length) {
    struct slot *s;

    assert(m != NULL && key != NULL);
    s = find(m, key, length, hash_of(key, length));
    if (s->node != NULL) {
        s->node = &gone;
        m->live--;
    }
}
