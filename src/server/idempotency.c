/* idempotency.c: Idempotency-Key: a write that is sent again has the same response, and is done
 * once. */
#include "server/idempotency.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/digest.h"
#include "server/write_limit.h"
#include "store/idempotency.h"

enum { MAX_KEY = 255, MAX_BODY = 1 << 20, PRUNE_MS = 60000 };

/* --- the key --- */

static bool is_key(const char *text) {
    size_t n = strlen(text);

    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            return false;
    return n >= 1 && n <= MAX_KEY;
}

int idempotency_check(struct exchange *x) {
    const struct request *r = &x->request;
    const char *text = request_header(r, "Idempotency-Key");

    if (text == NULL || exchange_is_read(x))
        return 0;
    if (!(x->match.route->flags & ROUTE_WRITE))
        return reply_fail(&x->c, 400, "Idempotency-Key is for writes of the inventory.");
    if (r->stream)
        return reply_fail(&x->c, 400, "Idempotency-Key can't be obeyed: an import has none.");
    if (input_check_once(&x->c, "Idempotency-Key", "HTTP_IDEMPOTENCY_KEY"))
        return x->response.status;
    if (!is_key(text))
        return reply_fail(&x->c, 400, "Idempotency-Key must be 1 to %d printable characters.",
                          MAX_KEY);
    if (!x->c.dry_run) /* which leaves nothing to be kept with */
        x->idempotency_key = text;
    return 0;
}

static void add_text(const char *text, size_t n) {
    unsigned char length[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                              (unsigned char)(n >> 8), (unsigned char)n};

    digest_add(length, sizeof length);
    digest_add(text, n);
}

/* Method, path, parameters and body, as they were sent. NULL: libcrypto failed. */
static const char *digest_request(struct exchange *x) {
    const struct request *r = &x->request;
    unsigned char hash[DIGEST_BYTES];
    char *text = arena_alloc(x->arena, DIGEST_HEX_SIZE);

    digest_begin();
    add_text(r->method_text, strlen(r->method_text));
    for (size_t i = 0; i < r->path.count; i++)
        add_text(r->path.segments[i], strlen(r->path.segments[i]));
    add_text(r->query, strlen(r->query));
    add_text(r->body_length > 0 ? r->body : "", r->body_length);
    if (!digest_end(hash))
        return NULL;
    digest_hex(hash, sizeof hash, text);
    return text;
}

static struct idempotency_key key_of(struct exchange *x) {
    const char *who = x->request.identity;

    return (struct idempotency_key){who != NULL ? who : "", x->idempotency_key, digest_request(x)};
}

/* --- given again --- */

static const char *next_line(struct arena *arena, const char **at) {
    size_t n = strcspn(*at, "\n");
    const char *line = arena_strndup(arena, *at, n);

    *at += n + ((*at)[n] == '\n');
    return line;
}

static int replay(struct exchange *x, const struct idempotency_response *kept) {
    x->replayed = true;
    if (!kept->same)
        return reply_fail(&x->c, 422, "The Idempotency-Key was used with another request.");
    x->response.status = kept->status;
    for (const char *at = kept->headers; *at != '\0';) {
        const char *name = next_line(x->arena, &at);

        response_header(&x->response, name, next_line(x->arena, &at));
    }
    response_header(&x->response, "Idempotency-Replayed", "true");
    response_write(&x->response, kept->body, strlen(kept->body));
    return kept->status;
}

int idempotency_begin(struct exchange *x) {
    struct idempotency_response kept;
    struct idempotency_key key;
    bool found = false;

    if (x->idempotency_key == NULL)
        return 0;
    key = key_of(x);
    if (key.request == NULL)
        return reply_rc(&x->c, RC_BUG);
    if (reply_rc(&x->c, idempotency_claim(x->c.store, x->arena, &key, &found, &kept)))
        return x->response.status;
    return found ? replay(x, &kept) : 0;
}

/* --- kept --- */

static const char *list_headers(struct exchange *x) {
    const char *list = "";

    for (const struct response_header *h = x->response.headers; h != NULL; h = h->next)
        list = arena_join(x->arena, (const char *[]){list, h->name, "\n", h->value, "\n", NULL});
    return list;
}

int idempotency_end(struct exchange *x, int status) {
    const struct buf *held = &x->response.held;
    struct idempotency_response kept = {.status = status};
    struct idempotency_key key;
    enum rc rc;

    if (x->idempotency_key == NULL)
        return status;
    if (held->len > MAX_BODY)
        return reply_fail(&x->c, 413,
                          "The response has more than %d bytes, which can't be kept for the "
                          "Idempotency-Key: send Clusto-Mode: compact.",
                          MAX_BODY);
    rc = store_check(x->c.store);
    if (rc == RC_OK && store_version(x->c.store) > 0)
        response_header(&x->response, "Clusto-Version",
                        arena_printf(x->arena, "%d", (int)store_version(x->c.store)));
    key = key_of(x);
    kept.headers = list_headers(x);
    kept.body = arena_strndup(x->arena, held->len > 0 ? held->data : "", held->len);
    if (rc == RC_OK)
        rc = idempotency_keep(x->c.store, &key, &kept);
    x->w->keys_used = true;
    return reply_rc(&x->c, rc) ? x->response.status : status;
}

void idempotency_forget(struct worker_state *w) {
    int64_t now;

    if (!w->keys_used || (now = clock_ms()) < w->keys_at)
        return;
    if (!store_is_standby(w->store) && write_limit_try(w->settings)) {
        (void)idempotency_prune(w->store, w->settings->idempotency_keep);
        write_limit_end();
    }
    w->keys_used = false;
    w->keys_at = now + PRUNE_MS;
}
