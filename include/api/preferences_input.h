/* preferences_input.h: what a request asks of the preferences, read and checked. A status or NULL
 * says that a 4xx was sent; 0: go on. */
#ifndef MUSTER_API_PREFERENCES_INPUT_H
#define MUSTER_API_PREFERENCES_INPUT_H

#include "api/context.h"
#include "rules/prefs_change.h"
#include "json/reader.h"

/* The tag of what this request is shown of the document (or list) with this one: indented and in
 * one line are different bytes. In the arena. */
const char *preferences_shown_tag(struct context *c, const char *tag);

/* Reads If-Match and If-None-Match into the change (RFC 9110 section 13.1). A tag that a front
 * server has changed by compressing counts as its own; in If-Match and for writes those of both
 * forms count as the document's, else as preferences_shown_tag() gives them. */
int preferences_conditions(struct context *c, struct prefs_change *change);

/* The checks that all methods on a container share: fills *change with the limits, the container,
 * the location in it and the conditions. What it points to is the request's. */
int preferences_begin(struct context *c, struct prefs_change *change);

/* A JSON text of `n` bytes, nested at most `depth` levels / the request's body, as a tree in the
 * request's arena. */
struct json_node *preferences_read_json(struct context *c, const char *bytes, size_t n,
                                        size_t depth);
struct json_node *preferences_read_body(struct context *c, size_t depth);

#endif
