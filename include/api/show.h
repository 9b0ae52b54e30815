/* show.h: structs to JSON: compact paths, expanded objects, attributes, lists. */
#ifndef MUSTER_API_SHOW_H
#define MUSTER_API_SHOW_H

#include "api/context.h"
#include "http/page.h"
#include "store/history.h"

/* "/driver/name", or null for a ref without id. */
void show_ref(struct context *c, const struct ref *ref);

/* The whole object (contract/inventory.md "Representations"). */
void show_object(struct context *c, const struct object *object);

struct show_units;

/* The same with the units of a device; `units` NULL: without. */
void show_racked(struct context *c, const struct object *object, const struct show_units *units);

/* The value alone: a string, a number, a path, null, or what is stored as JSON. */
void show_value(struct context *c, const struct value *value);

/* A tree whose text has `length` bytes: indented like all else, unless it is so deep that nearly
 * all of it would be blanks. */
void show_tree(struct context *c, const struct json_node *node, size_t length);

/* {datatype, key, number, subkey, value} */
void show_attr(struct context *c, const struct attr *attr);

/* The same with "from": the object that has it (NULL: left out). */
void show_attr_from(struct context *c, const struct attr *attr, const struct ref *from);

/* Is this one of the addresses of an object, as it is shown? */
bool show_is_ip(const struct attr *attr);

/* A JSON array of attributes; keys that begin with '_' only with `hidden`. */
void show_attrs(struct context *c, const struct attr *attrs, size_t count, bool hidden);

/* What was changed of an object (contract/history.md A4): {attrs, change, id, object, was}, the
 * last one of a renamed object only. attrs: {after, before, key, number, subkey}; after and before
 * are {datatype, value}, or null where there was nothing. */
void show_change(struct context *c, const struct history_object *object);

/* A JSON array of them: "changes" or "objects" of a response. What a write has changed so far,
 * which history_of_transaction (store/history.h) reads before the commit, or what it was shown of
 * others. */
void show_changes(struct context *c, const struct history_object *objects, size_t count);

/* Answers with one object, whole or as its path. Returns the status. */
int show_one(struct context *c, int status, enum context_mode mode, const struct object *object);

/* Answers a list of the store, streamed: limits it to `page`, sets the page headers, writes compact
 * paths or whole objects. Returns the status. */
int show_list(struct context *c, struct listing *listing, enum context_mode mode,
              const struct page *page);

/* Answers an empty list, page headers included. Returns 200. */
int show_empty_list(struct context *c, const struct page *page);

#endif
