/* reply.c: responding: JSON documents, strings, failures, lists and their pages. */
#include "api/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/list_tag.h"
#include "base/log.h"
#include "base/utf8.h"
#include "json/reader.h"

/* Bytes of Clusto-Minify. */
enum { MAX_MINIFY = 128 };

/* What a header of every answer says of the request's; nonsense is not handed back. */
static const char *minify_header(const char *value) {
    size_t n = value ? strlen(value) : 0;

    return value && n <= MAX_MINIFY && utf8_valid(value, n) ? value : "False";
}

bool reply_is_minified(const struct context *c) {
    return strcasecmp(minify_header(request_header(c->request, "Clusto-Minify")), "true") == 0;
}

struct json_writer *reply_json(struct context *c, int status) {
    const char *minify = minify_header(request_header(c->request, "Clusto-Minify"));

    c->response->status = status;
    response_header(c->response, "Content-Type", "application/json");
    response_header(c->response, "Clusto-Minify", minify);
    json_begin(c->json, strcasecmp(minify, "true") == 0, response_write, c->response);
    c->json_open = true;
    return c->json;
}

int reply_end(struct context *c) {
    assert(c->json_open);
    c->json_open = false;
    if (!json_end(c->json) && !c->response->failed && !c->response->head_only) {
        log_error("the JSON writer failed on %s", c->request->target);
        return reply_fail(c, 500, "The answer could not be written.");
    }
    return c->response->status;
}

int reply_string(struct context *c, int status, const char *text) {
    struct json_writer *w = reply_json(c, status);

    json_string(w, text);
    return reply_end(c);
}

int reply_empty(struct context *c, int status) {
    c->response->status = status;
    response_header(c->response, "Content-Type", NULL);
    return status;
}

/* Whatever the handler began is worthless now; true if it can still be taken back. */
static bool take_back(struct context *c) {
    c->json_open = false;
    if (!c->response->started) {
        response_reset(c->response);
        return true;
    }
    response_break(c->response);
    return false;
}

int reply_fail(struct context *c, int status, const char *format, ...) {
    char message[4096];
    size_t n;
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (!take_back(c))
        return c->response->status;
    n = strlen(message);
    if (n == sizeof message - 1) { /* a character cut in its middle would be no UTF-8 */
        while (n > 0 && ((unsigned char)message[n - 1] & 0xC0u) == 0x80u)
            n--;
        message[n > 0 ? n - 1 : 0] = '\0';
    }
    return reply_string(c, status, message);
}

int reply_busy(struct context *c, const char *message) {
    reply_fail(c, 503, "%s", message);
    response_header(c->response, "Retry-After", "1");
    return c->response->status;
}

static int reply_gone(struct context *c) {
    if (response_enough(c->response)) { /* a HEAD is a success, not a client that left */
        c->rc = RC_OK;
        c->json_open = false;
        return c->response->status;
    }
    take_back(c);
    response_break(c->response);
    return 499; /* for the log only */
}

/* The one table of how results become responses. The message is for those that bring none. */
static const struct {
    int status;
    const char *message;
} responses[] = {
    [RC_NOTFOUND] = {404, "An object of this request is gone."},
    [RC_EXISTS] = {409, "The request conflicts with the state of the inventory."},
    [RC_CONFLICT] = {409, "The request conflicts with the state of the inventory."},
    [RC_INVALID] = {400, "The database refused a value of this request."},
    [RC_RANGE] = {409, "The next number would be larger than the largest, 2147483647."},
    [RC_ENCODING] = {400, "The database can't hold a text of this request: its encoding lacks a "
                          "character of it, or the text is too long there."},
    [RC_PRECONDITION] = {412, "A precondition of this request failed."},
    [RC_TOO_LARGE] = {413, "The request is too large."},
    [RC_QUOTA] = {507, "The quota is used up."},
    [RC_RETRY] = {503, "Too many writers at once. Please try again."},
    [RC_BROKEN] = {503, "The database is not available. Please try again."},
    [RC_BUSY] = {503, "The database is too busy. Please try again."},
    [RC_READONLY] = {503, "The database takes no writes at the moment."},
    [RC_UNREADY] = {503, "The database schema is missing or too old. Run muster --init-db."},
    [RC_FULL] = {507, "The database has no space left."},
    [RC_UNKNOWN] = {503, "The database did not confirm that the request was committed: whether it "
                         "took effect is unknown."},
    [RC_BUG] = {500, "The request could not be served; the reason is in the server's log."},
};

int reply_forbid(struct context *c, const char *reason) {
    bool known = c->request->identity != NULL;

    reply_fail(c, known ? 403 : 401, "%s", reason);
    if (!known && !c->response->started)
        response_header(c->response, "WWW-Authenticate", c->options->auth_challenge);
    return c->response->status;
}

int reply_verdict(struct context *c, struct verdict verdict) {
    int status = responses[verdict.rc].status;
    const char *message = verdict.message ? verdict.message : responses[verdict.rc].message;

    if (verdict.rc == RC_OK)
        return 0;
    if (!verdict.message)
        c->rc = verdict.rc;
    if (verdict.rc == RC_GONE)
        return reply_gone(c);
    if (verdict.rc == RC_BUG)
        log_error("%s failed with %s: %s", c->request->target, rc_name(verdict.rc),
                  store_error(c->store));
    reply_fail(c, status, "%s", message);
    if (status == 503 && !c->response->started)
        response_header(c->response, "Retry-After", "1");
    if (verdict.rc == RC_UNKNOWN && !c->response->started)
        response_header(c->response, "Clusto-Outcome", "unknown");
    return c->response->status;
}

int reply_rc(struct context *c, enum rc rc) {
    return reply_verdict(c, verdict_of(rc));
}

const struct json_node *reply_held(const struct context *c) {
    static const struct json_limits wide = {.depth = 10000};
    const struct buf *held = &c->response->held;
    struct json_error error;

    if (held->len == 0)
        return NULL;
    return json_read(c->arena, arena_strndup(c->arena, held->data, held->len), held->len, &wide,
                     &error);
}

void reply_depends_on(struct context *c, int64_t key) {
    assert(c->dependencies.count < CONTEXT_DEPENDENCIES);
    c->dependencies.keys[c->dependencies.count++] = key;
}

static void set_number(struct context *c, const char *name, int64_t number) {
    response_header(c->response, name, arena_printf(c->arena, "%lld", (long long)number));
}

static void add_encoded(struct buf *b, const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_addc(b, *text);
        else
            buf_printf(b, "%%%02X", (unsigned char)*text);
    }
}

static void add_segments(struct buf *b, const char *const *segments, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buf_addc(b, '/');
        add_encoded(b, segments[i]);
    }
}

static bool is_among(const char *name, const char *const *names) {
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* Of the path what was understood, not what was sent: that may be "//another.example/..", and this
 * response may be cached. */
void reply_link_next(struct context *c, const char *const *without, const char *with) {
    const struct request *r = c->request;
    struct buf b;

    buf_init(&b, 8192);
    buf_addc(&b, '<');
    add_segments(&b, r->path.front, r->path.front_count);
    add_segments(&b, r->path.segments, r->path.count);
    buf_addc(&b, '?');
    for (size_t i = 0; i < r->params.count; i++) {
        const struct param *param = &r->params.items[i];

        if (is_among(param->name, without))
            continue;
        add_encoded(&b, param->name);
        buf_addc(&b, '=');
        add_encoded(&b, param->value);
        buf_addc(&b, '&');
    }
    buf_printf(&b, "%s>; rel=\"next\"", with);
    if (!b.failed) /* a front server takes no header of any length */
        response_header(c->response, "Link", buf_cstr(&b));
    buf_release(&b);
}

static void set_link(struct context *c, const struct page *page, int32_t next) {
    static const char *const own[] = {"clusto_after", "clusto_per_page", NULL};

    reply_link_next(c, own,
                    arena_printf(c->arena, "clusto_per_page=%lld&clusto_after=%d",
                                 (long long)page->per_page, (int)next));
}

static void set_page_headers(struct context *c, const struct page *page, int64_t total,
                             int32_t next) {
    if (page->keyset) {
        set_number(c, "Clusto-Per-Page", page->per_page);
        if (next == 0)
            return;
        set_number(c, "Clusto-Next", next);
        set_link(c, page, next);
        return;
    }
    if (page->number == 0)
        return;
    set_number(c, "Clusto-Page", page->number);
    set_number(c, "Clusto-Per-Page", page->per_page);
    set_number(c, "Clusto-Pages", page_count(page, total));
}

/* --- lists --- */

struct list_page reply_list_page(const struct page *page) {
    if (page->number > 0)
        return (struct list_page){.limit = page->per_page,
                                  .offset = (page->number - 1) * page->per_page};
    if (page->keyset)
        return (struct list_page){.limit = page->per_page, .keyset = true, .after = page->after};
    return (struct list_page){.limit = 0};
}

/* What was read in two snapshots is of neither. */
static const char *snapshot_of(const struct reply_list *list) {
    const char *snapshot = list->extent.snapshot, *before = list->found_at;

    return before && snapshot && strcmp(before, snapshot) != 0 ? NULL : snapshot;
}

bool reply_list_headers(struct reply_list *list) {
    if (list->begun)
        return false;
    list->begun = true;
    list_tag_set(list->context, snapshot_of(list));
    set_page_headers(list->context, list->page, list->extent.total, list->extent.next);
    return true;
}

void reply_list_begin(struct reply_list *list) {
    if (!reply_list_headers(list))
        return;
    reply_json(list->context, 200);
    json_array_open(list->context->json);
}

int reply_list_end(struct reply_list *list) {
    reply_list_begin(list);
    json_array_close(list->context->json);
    return reply_end(list->context);
}

bool reply_list_is_wanted(const struct context *c) {
    return !c->response->failed && !response_enough(c->response);
}

void reply_line_begin(struct context *c) {
    json_begin(c->json, true, response_write, c->response);
}

bool reply_line_end(struct context *c) {
    return json_end(c->json) && response_write(c->response, "\n", 1) && reply_list_is_wanted(c);
}
