/* reply.h: how a handler responds: JSON documents, strings, errors, page headers. */
#ifndef MUSTER_API_REPLY_H
#define MUSTER_API_REPLY_H

#include "api/context.h"
#include "http/page.h"

/* Responds with a JSON string: return reply_fail(c, 404, "Object \"%s\" not found ...", name).
 * Replaces what was written; after the header has been sent it truncates the response instead.
 * Returns the response's status. */
int reply_fail(struct context *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Responds with a refusal: 400, 404, 409, 412, 413 or 507 and its reason. A failure of the store
 * has no reason: 503 with Retry-After if the database is unreachable or busy, 507 if it is full,
 * 500 for a bug; the context remembers it, so that dispatch can run the request again. Returns 0
 * for RC_OK, without a response; else its status: if (reply_rc(c, store_...) || find_...) return
 * c->response->status; */
int reply_verdict(struct context *c, struct verdict verdict);
int reply_rc(struct context *c, enum rc rc);

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

/* The response shows this entity (or this user's documents) and may be cached until it changes. */
void reply_depends_on(struct context *c, int64_t key);

/* Link (RFC 8288): this request again as the next one, but for the parameters `without` (ends with
 * NULL), with the query `with`. */
void reply_link_next(struct context *c, const char *const *without, const char *with);

/* Clusto-Page, Clusto-Per-Page and Clusto-Pages; after a cursor Clusto-Per-Page, Clusto-Next and
 * Link, with `next` 0 for the last page. Nothing where no page was asked for. */
void reply_page_headers(struct context *c, const struct page *page, int64_t total, int32_t next);

#endif
