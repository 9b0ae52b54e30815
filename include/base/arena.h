/* arena.h: memory that lives as long as one request, released in one go. */
#ifndef MUSTER_BASE_ARENA_H
#define MUSTER_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new, empty arena. Never NULL. The caller frees it with arena_free(). */
struct arena *arena_new(void);

/* Runs the hooks, last registered first, and forgets every allocation; the arena can be used again.
 * One block stays allocated so that a small request does not call malloc. */
void arena_reset(struct arena *a);

/* Resets and frees *a, and sets it to NULL; does nothing if *a is NULL. */
void arena_free(struct arena **a);

/* `size` bytes, zeroed, aligned for any type. Never NULL: sizes are bounded by the limits on input,
 * so running out of memory is logged and ends the process (the supervisor starts another). Valid
 * until the reset. */
void *arena_alloc(struct arena *a, size_t size);

/* `count` elements of `size` bytes, zeroed; an overflow of the product ends the process like
 * running out. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* The array `items` of `count` elements of `size` bytes, with room for one more: if it is full
 * (*capacity, 0 at first), a copy that has room for twice as many. The old one stays until the
 * reset. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t *capacity, size_t size);

/* A copy of the NUL-terminated `s`; NULL gives NULL. */
char *arena_strdup(struct arena *a, const char *s);

/* A NUL-terminated copy of the `n` bytes at `s`. */
char *arena_strndup(struct arena *a, const char *s, size_t n);

/* The concatenated texts, of a list that ends with NULL. For where speed matters: printf takes ten
 * times as long. */
char *arena_join(struct arena *a, const char *const *texts);

/* The formatted text. */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Calls release(object) at the next reset (a PQclear, a close). */
void arena_on_reset(struct arena *a, void (*release)(void *object), void *object);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *a);

#endif
