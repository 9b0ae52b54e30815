/* arena.c: bump allocation in blocks, released in one go. */
#include "config.h"

#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { FIRST_BLOCK = 16 * 1024, MAX_BLOCK = 256 * 1024 };

/* A sanitizer notices an overrun only if each piece of memory was allocated by malloc. */
#ifdef MUSTER_SANITIZED
static const bool each_alone = true;
#else
static const bool each_alone = false;
#endif

struct block {
    struct block *older;
    size_t size; /* bytes at `bytes` */
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

struct hook {
    struct hook *older;
    void (*release)(void *object);
    void *object;
};

/* `first` survives a reset; `current` is where small requests are cut from. Blocks made for one
 * large request are linked after `current`, so that the rest of it stays in use. */
struct arena {
    struct block *current;
    struct block *first;
    struct hook *hooks;
    size_t handed_out;
};

static void *allocate(size_t size) {
    void *p = malloc(size);

    if (p == NULL)
        log_fatal("out of memory: %zu bytes wanted", size);
    return p;
}

static struct block *block_new(size_t size) {
    struct block *b;

    if (size > SIZE_MAX - sizeof(*b))
        log_fatal("out of memory: %zu bytes wanted", size);
    b = allocate(sizeof(*b) + size);
    b->older = NULL;
    b->size = size;
    b->used = 0;
    return b;
}

struct arena *arena_new(void) {
    struct arena *a = allocate(sizeof(*a));

    a->first = a->current = block_new(FIRST_BLOCK);
    a->hooks = NULL;
    a->handed_out = 0;
    return a;
}

static void run_hooks(struct arena *a) {
    /* A hook may register another one, which runs too. Hooks are stored in the arena's blocks. */
    while (a->hooks != NULL) {
        struct hook *h = a->hooks;

        a->hooks = h->older;
        h->release(h->object);
    }
}

void arena_reset(struct arena *a) {
    struct block *b;
    struct block *older;

    assert(a != NULL);
    run_hooks(a);
    for (b = a->current; b != NULL; b = older) {
        older = b->older;
        if (b != a->first)
            free(b);
    }
    a->current = a->first;
    a->first->older = NULL;
    a->first->used = 0;
    a->handed_out = 0;
}

void arena_free(struct arena **a) {
    assert(a != NULL);
    if (*a == NULL)
        return;
    arena_reset(*a);
    free((*a)->first);
    free(*a);
    *a = NULL;
}

/* A block with room for `size` bytes: blocks double up to a limit, larger requests get their own.
 */
static struct block *block_for(struct arena *a, size_t size) {
    size_t next = a->current->size >= MAX_BLOCK / 2 ? MAX_BLOCK : a->current->size * 2;
    struct block *b;

    if (each_alone || size > next / 4) {
        b = block_new(size);
        b->older = a->current->older;
        a->current->older = b;
        return b;
    }
    b = block_new(next);
    b->older = a->current;
    a->current = b;
    return b;
}

/* Not zeroed. */
static void *cut(struct arena *a, size_t size) {
    const size_t align = _Alignof(max_align_t);
    struct block *b;
    size_t rounded;
    void *p;

    assert(a != NULL);
    if (size > SIZE_MAX - align)
        log_fatal("out of memory: %zu bytes wanted", size);
    /* Zero bytes get an address of their own, too. */
    rounded = size == 0 ? align : (size + align - 1) / align * align;
    if (each_alone && size > 0)
        rounded = size;
    b = a->current;
    if (each_alone || b->size - b->used < rounded)
        b = block_for(a, rounded);
    p = b->bytes + b->used;
    b->used += rounded;
    a->handed_out += rounded;
    return p;
}

void *arena_alloc(struct arena *a, size_t size) {
    return memset(cut(a, size), 0, size);
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size)
        log_fatal("out of memory: %zu elements of %zu bytes wanted", count, size);
    return arena_alloc(a, count * size);
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *capacity, size_t size) {
    void *moved;

    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? 2 * *capacity : 16;
    moved = arena_array(a, *capacity, size);
    if (count > 0)
        memcpy(moved, items, count * size);
    return moved;
}

char *arena_strdup(struct arena *a, const char *s) {
    return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    char *copy;

    assert(s != NULL || n == 0);
    if (n == SIZE_MAX)
        log_fatal("out of memory: %zu bytes wanted", n);
    copy = cut(a, n + 1);
    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *arena_join(struct arena *a, const char *const *texts) {
    const char *const *text;
    size_t n = 1;
    char *joined, *end;

    for (text = texts; *text != NULL; text++)
        n += strlen(*text);
    joined = end = cut(a, n);
    for (text = texts; *text != NULL; text++)
        end = stpcpy(end, *text);
    *end = '\0';
    return joined;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args) {
    char small[256];
    va_list again;
    char *text;
    int n;

    va_copy(again, args);
    n = vsnprintf(small, sizeof(small), format, args);
    if (n < 0)
        log_fatal("can't format a text by \"%s\"", format);
    if ((size_t)n < sizeof(small)) {
        text = arena_strndup(a, small, (size_t)n);
    } else {
        text = arena_alloc(a, (size_t)n + 1);
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    }
    va_end(again);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

void arena_on_reset(struct arena *a, void (*release)(void *object), void *object) {
    struct hook *h;

    assert(release != NULL);
    h = arena_alloc(a, sizeof(*h));
    h->release = release;
    h->object = object;
    h->older = a->hooks;
    a->hooks = h;
}

size_t arena_used(const struct arena *a) {
    assert(a != NULL);
    return a->handed_out;
}
