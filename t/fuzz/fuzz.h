/* fuzz.h: what the fuzz targets share: input in parts, promises that must hold, small oracles. */
#ifndef MUSTER_T_FUZZ_H
#define MUSTER_T_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/* What a target is given: bytes, cut into parts by NUL where it wants several. The arena is empty
 * and is reset after the target. */
struct input {
    struct arena *arena;
    const char *at;
    size_t left;
};

/* Ends the process with a word on what did not hold. */
void broken(const char *promise, const char *file, int line) __attribute__((noreturn));
#define PROMISE(condition) ((condition) ? (void)0 : broken(#condition, __FILE__, __LINE__))

/* The next part, NUL-terminated, in memory of its own size. */
const char *take_text(struct input *in);

/* The same, but NULL for a part that is "-" alone: something that was not sent. */
const char *take_optional(struct input *in);

/* The next byte, 0 at the end. */
unsigned char take_byte(struct input *in);

/* All that is left, as it is in the input (no NUL after it). */
const char *take_rest(struct input *in, size_t *n);

/* A message that a client is to see: there, UTF-8, not empty. */
void promise_message(const char *message);

/* Independent of src/: is this UTF-8 without NUL (RFC 3629), and how many characters; SIZE_MAX: no.
 */
size_t count_characters(const char *bytes, size_t n);

/* Independent of src/: is "." or ".." between slashes, or all there is? */
bool has_dot_segment(struct arena *arena, const char *text);

/* Independent of src/: is this one JSON text (RFC 8259)? */
bool is_json(const char *bytes, size_t n);

struct json_node;

/* A sink that appends to a struct buf. */
bool take_output(void *buf, const char *bytes, size_t n);

/* The tree as text, in the arena; the writer must not fail. */
const char *print_json(struct arena *arena, const struct json_node *node, bool minify);

/* The targets. */
void fuzz_access(struct input *in);
void fuzz_address(struct input *in);
void fuzz_bulk(struct input *in);
void fuzz_config(struct input *in);
void fuzz_etag(struct input *in);
void fuzz_json(struct input *in);
void fuzz_merge(struct input *in);
void fuzz_multipart(struct input *in);
void fuzz_name(struct input *in);
void fuzz_page(struct input *in);
void fuzz_params(struct input *in);
void fuzz_patch(struct input *in);
void fuzz_path(struct input *in);
void fuzz_place(struct input *in);
void fuzz_pointer(struct input *in);
void fuzz_query(struct input *in);
void fuzz_reference(struct input *in);
void fuzz_request(struct input *in);
void fuzz_strptime(struct input *in);
void fuzz_text(struct input *in);
void fuzz_value(struct input *in);

#endif
