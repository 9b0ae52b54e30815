/* writer.h: JSON text in Python's layout, streamed (contract/inventory.md section 1). */
#ifndef MUSTER_JSON_WRITER_H
#define MUSTER_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

struct json_node;
struct json_writer;

/* Spaces for each level. */
enum { JSON_INDENT = 4 };

/* Takes `n` bytes of the document; false: they could not be taken, the writer stops. */
typedef bool (*json_sink)(void *context, const char *bytes, size_t n);

/* A sink that adds them to a struct buf. */
bool json_to_buf(void *buf, const char *bytes, size_t n);

/* A writer that can be used for one document after the other. Never NULL; freed by
 * json_writer_free(). */
struct json_writer *json_writer_new(void);
void json_writer_free(struct json_writer **w);

/* Starts a document that goes to `sink`, piece by piece. With `minify` one line with ", " and ": ",
 * else members on lines of their own, four spaces a level; "[]" and "{}" when empty; nothing after
 * the end. */
void json_begin(struct json_writer *w, bool minify, json_sink sink, void *context);

/* The members, in the order in which they are to appear: sorting keys is the caller's. Strings are
 * UTF-8, NUL-terminated (the ones with _n: `n` bytes); a NULL string is written as null.
 * json_number takes the text of a JSON number and writes it unchanged; any other text makes the
 * document fail. Bytes that are not UTF-8 go out as U+FFFD, so that what goes out is always JSON.
 * At most 127 containers inside each other. */
void json_array_open(struct json_writer *w);
void json_array_close(struct json_writer *w);
void json_object_open(struct json_writer *w);
void json_object_close(struct json_writer *w);
void json_key_n(struct json_writer *w, const char *key, size_t n);
void json_string(struct json_writer *w, const char *text);
void json_string_n(struct json_writer *w, const char *text, size_t n);
void json_int(struct json_writer *w, int64_t number);
void json_number(struct json_writer *w, const char *text);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);

/* Here, so that of a key in the program's text the length is known. */
static inline void json_key(struct json_writer *w, const char *key) {
    json_key_n(w, key, strlen(key));
}

static inline void json_key_string(struct json_writer *w, const char *key, const char *text) {
    json_key(w, key);
    json_string(w, text);
}

static inline void json_int_or_null(struct json_writer *w, bool there, int64_t number) {
    if (there)
        json_int(w, number);
    else
        json_null(w);
}

/* Writes a whole tree. */
void json_tree(struct json_writer *w, const struct json_node *node);

/* The same in one line, whatever json_begin said: the value of a key whose indentation would be out
 * of proportion. */
void json_tree_flat(struct json_writer *w, const struct json_node *node);

/* Minify from here on? Returns what it was; only where a value is due after a key. */
bool json_set_minify(struct json_writer *w, bool minify);

/* About as many bytes as the tree has with indentation, at this level; blanks count exactly,
 * escapes not at all. */
size_t json_indentation(const struct json_node *node, size_t level);

/* A tree as one line of text in the arena; NULL: it is nested too deeply for a writer. */
const char *json_text(struct arena *arena, const struct json_node *node);

/* True if the document is lost already (the sink refused, a misuse): a long list need not go on. */
bool json_failed(const struct json_writer *w);

/* Ends the document. False if anything failed since json_begin (sink, or an unbalanced document).
 */
bool json_end(struct json_writer *w);

#endif
