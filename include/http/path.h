/* path.h: a request's path as decoded segments. */
#ifndef MUSTER_HTTP_PATH_H
#define MUSTER_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* The decoded, NUL-terminated segments, in the arena. `front`: those that the front server took off
 * before them; for clients they come first. */
struct path {
    const char **segments;
    size_t count;
    const char **front;
    size_t front_count;
    bool dots; /* the client's path has "." or ".." between slashes, in any spelling */
};

/* What the front server says (each may be NULL), and the limits. */
struct path_input {
    const char *path_info;   /* decoded by the front server */
    const char *request_uri; /* raw */
    const char *script_name;
    size_t max_segments;
    size_t max_bytes;
};

enum path_result {
    PATH_OK,
    PATH_EMPTY,    /* an empty segment after another one; a slash at the end is none */
    PATH_DOTS,     /* for callers: `dots` are not allowed here */
    PATH_ENCODING, /* not UTF-8, a NUL, a broken escape; or dots beside encoded slashes, see below
                    */
    PATH_LIMIT     /* more than `max_segments` or `max_bytes` */
};

/* Makes the path of a request. `path_info` chooses the route; where `request_uri` names the same
 * path once front servers have decoded it, merged its slashes and resolved its dots, its segments
 * are taken instead, split first and percent-decoded after, so that %2F stays inside a segment
 * (contract/front.md). What `script_name` took off the front of it does not matter then; without a
 * `path_info` it is taken off here. A URI that says something else was rewritten in front:
 * path_info counts.
 *
 * Dots beside encoded slashes may make path_info begin with another segment than the client's path
 * does (/container/..%2F..%2F arrives as "/"): PATH_ENCODING. */
enum path_result path_parse(struct arena *arena, const struct path_input *in, struct path *out);

/* True if "." or ".." is between slashes in a decoded path. */
bool path_has_dots(const char *text);

#endif
