/* reply.h: how a handler responds: JSON documents, strings, errors, lists and their pages. */
#ifndef MUSTER_API_REPLY_H
#define MUSTER_API_REPLY_H

#include "api/context.h"
#include "http/page.h"
#include "json/tree.h"

/* Responds with a JSON string: return reply_fail(c, 404, "Object \"%s\" not found ...", name).
 * Replaces what was written; after the header has been sent it truncates the response instead.
 * Returns the response's status. */
int reply_fail(struct context *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Before anything was sent: 503 with this message, and Retry-After: a second. */
int reply_busy(struct context *c, const char *message);

/* Responds with a refusal: 400, 404, 409, 412, 413 or 507 and its reason. A failure of the store
 * has no reason: 503 with Retry-After if the database is unreachable or busy, 507 if it is full,
 * 500 for a bug; the context remembers it, so that dispatch can run the request again. Returns 0
 * for RC_OK, without a response; else its status: if (reply_rc(c, store_...) || find_...) return
 * c->response->status; */
int reply_verdict(struct context *c, struct verdict verdict);
int reply_rc(struct context *c, enum rc rc);

/* 403, or of somebody unknown 401 with the challenge (RFC 9110 section 11.6.1): a role that the
 * route alone does not take is lacking. */
int reply_forbid(struct context *c, const char *reason);

/* Starts a JSON response of that status: Content-Type, Clusto-Minify; the writer is ready. */
struct json_writer *reply_json(struct context *c, int status);

/* True if that is in one line: Clusto-Minify says so. */
bool reply_is_minified(const struct context *c);

/* Ends it; returns the status. Every reply_json needs one. */
int reply_end(struct context *c);

/* The whole response is this string. */
int reply_string(struct context *c, int status, const char *text);

/* No body and no Content-Type (204, a bare 404). */
int reply_empty(struct context *c, int status);

/* The JSON body of a response of which nothing was sent, to stand inside another; NULL: there is
 * none, or it can't be read. In the arena. */
const struct json_node *reply_held(const struct context *c);

/* The response shows this entity (or this user's documents) and may be cached until it changes. */
void reply_depends_on(struct context *c, int64_t key);

/* Link (RFC 8288): this request again as the next one, but for the parameters `without` (ends with
 * NULL), with the query `with`. */
void reply_link_next(struct context *c, const char *const *without, const char *with);

/* What the store is asked for by a page, number or cursor. */
struct list_page reply_list_page(const struct page *page);

/* A list that is being sent. The store fills `extent` before the first row. */
struct reply_list {
    struct context *context;
    const struct page *page;
    struct list_extent extent;
    const char *found_at; /* the snapshot of what was read before, if it depends on that; or NULL */
    bool begun;
};

/* Before each row, and once for a list without rows. The first time it sets the page headers and is
 * true, and the caller begins the body: Clusto-Page, Clusto-Per-Page and Clusto-Pages; after a
 * cursor Clusto-Per-Page, Clusto-Next and Link, without a next page only the first; none where no
 * page was asked for. They need the total, which is known when the first row comes. */
bool reply_list_headers(struct reply_list *list);

/* The same for a JSON array, begun with status 200. */
void reply_list_begin(struct reply_list *list);

/* Ends the array, with or without rows. Returns the status. */
int reply_list_end(struct reply_list *list);

/* False once the client takes no more: the store then stops asking the database. */
bool reply_list_is_wanted(const struct context *c);

/* An NDJSON line: what is written between the two is one, whatever Clusto-Minify says. False: the
 * client takes no more. */
void reply_line_begin(struct context *c);
bool reply_line_end(struct context *c);

#endif
