/* transaction.c: POST /transaction: operations in one transaction. */
#include "server/transaction.h"

#include <string.h>
#include <strings.h>

#include "api/reply.h"
#include "api/show.h"
#include "base/clock.h"
#include "server/transaction_input.h"
#include "server/transaction_locks.h"
#include "server/transaction_step.h"
#include "json/writer.h"

enum { MAX_DESCRIPTION = 1000 };

/* What an operation was answered with. */
struct result {
    int status;
    const struct response_header *headers;
    size_t length; /* of its body */
};

struct transaction {
    struct transaction_operations operations;
    struct transaction_step *step;
    struct transaction_locks locks;
    struct result *results;
    const struct json_node **bodies;
    size_t room;    /* bytes of responses that are left */
    size_t filling; /* bytes that references may still be filled with */
};

/* --- failures --- */

/* RFC 9110: what of the response's headers is about the whole. */
static void copy_headers(struct exchange *x, const struct response *response) {
    for (const struct response_header *h = response->headers; h != NULL; h = h->next)
        if (strcasecmp(h->name, "Content-Type") != 0)
            response_header(&x->response, h->name, h->value);
}

static int fail_full(struct exchange *x, size_t number) {
    return transaction_input_fail(
        x, number, 413,
        arena_printf(x->arena, "The responses of all operations have more than %d bytes.",
                     x->w->settings->transaction_response));
}

/* The operation has failed, and so has the whole. What another attempt may mend is tried again
 * (dispatch.c); when that does not help either, it is a conflict with other writers. */
static int fail(struct exchange *x, size_t number, int status) {
    const struct exchange *step = transaction_step_exchange(x->transaction->step);

    x->c.rc = step->c.rc;
    if (step->response.full) {
        x->c.rc = RC_OK;
        return fail_full(x, number);
    }
    if (step->c.rc == RC_GONE)
        return reply_rc(&x->c, RC_GONE);
    if (step->c.rc == RC_RETRY)
        status = 409;
    transaction_input_fail_with(x, number, status, reply_held(&step->c));
    copy_headers(x, &step->response);
    return status;
}

/* --- before anything is done --- */

/* Each operation as far as it is known. */
static int check_all(struct exchange *x) {
    struct transaction *t = x->transaction;
    const struct exchange *step = transaction_step_exchange(t->step);

    t->locks.arena = x->arena;
    for (size_t i = 0; i < t->operations.count; i++) {
        const struct transaction_operation *operation = &t->operations.items[i];
        const struct reference_answers unknown = {.count = i};
        int status = transaction_step_prepare(t->step, operation, &unknown);

        if (status != 0)
            return fail(x, i, status);
        transaction_locks_add(&t->locks, step, operation);
        if (step->write_only) /* what it changes is not shown, as by a request of its own */
            x->wants_diff = false;
    }
    return 0;
}

int transaction_read(struct exchange *x) {
    struct transaction *t = arena_alloc(x->arena, sizeof *t);
    int status = transaction_input_read(x, &t->operations);

    if (status != 0)
        return status;
    t->step = transaction_step_new(x);
    t->results = arena_array(x->arena, t->operations.count, sizeof *t->results);
    t->bodies = arena_array(x->arena, t->operations.count, sizeof *t->bodies);
    x->transaction = t;
    return check_all(x);
}

const char *transaction_description(const struct exchange *x) {
    const struct transaction_operations *all = &x->transaction->operations;
    const char *text = NULL;

    for (size_t i = 0; i < all->count && (text == NULL || strlen(text) < MAX_DESCRIPTION); i++) {
        const char *next = all->items[i].description;

        if (next == NULL || *next == '\0')
            continue;
        text = text == NULL ? next : arena_join(x->arena, (const char *[]){text, "; ", next, NULL});
    }
    return text;
}

/* --- ahead of the transaction --- */

/* What was missed by an attempt before this one, of which each of so many may need one. */
static int ask_again(struct exchange *x, size_t count) {
    enum rc rc;

    store_suspend_transaction(x->c.store, true);
    rc = store_reserve_missed(x->c.store, count);
    store_suspend_transaction(x->c.store, false);
    return reply_rc(&x->c, rc);
}

int transaction_ask(struct exchange *x) {
    struct transaction *t = x->transaction;
    struct exchange *step = transaction_step_exchange(t->step);
    size_t asked = 0;

    for (size_t i = 0; i < t->operations.count; i++) {
        const struct transaction_operation *operation = &t->operations.items[i];
        const struct reference_answers unknown = {.count = i};
        int status = transaction_step_prepare(t->step, operation, &unknown);

        if (status == 0 && (step->match.route->flags & ROUTE_WRITE) &&
            step->match.route->ask != NULL) {
            step->c.allocations_before = asked;
            status = transaction_step_ask(t->step, operation);
            asked += step->c.allocations;
        }
        if (status != 0)
            return fail(x, i, status);
    }
    return asked > 0 ? ask_again(x, asked) : 0;
}

/* --- the transaction --- */

static int run_one(struct exchange *x, size_t number) {
    struct transaction *t = x->transaction;
    struct exchange *step = transaction_step_exchange(t->step);
    const struct reference_answers answers = {t->bodies, number, &t->filling};
    int status;

    if (t->room == 0)
        return fail_full(x, number);
    status = transaction_step_run(t->step, &t->operations.items[number], &answers, t->room);
    if (step->response.full || step->c.rc != RC_OK || status >= 400)
        return fail(x, number, status);
    t->results[number] = (struct result){status, step->response.headers, step->response.held.len};
    t->bodies[number] = reply_held(&step->c);
    t->room -= step->response.held.len;
    return 0;
}

/* Each statement has its own time as well. */
static bool is_late(const struct exchange *x) {
    int64_t most = x->w->settings->transaction_timeout;

    return most > 0 && clock_us() - x->began > most * 1000;
}

static int fail_late(struct exchange *x, size_t number) {
    int status = transaction_input_fail(
        x, number, 503,
        arena_printf(x->arena, "The transaction took more than %d milliseconds.",
                     x->w->settings->transaction_timeout));

    response_header(&x->response, "Retry-After", "1");
    return status;
}

/* About the form of a body, which stands in another one here. */
static bool is_shown(const struct response_header *h) {
    return strcasecmp(h->name, "Content-Type") != 0 && strcasecmp(h->name, "Clusto-Minify") != 0 &&
           strcasecmp(h->name, "Vary") != 0;
}

static void show_result(struct context *c, const struct result *result,
                        const struct json_node *body) {
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "body");
    if (body != NULL)
        show_tree(c, body, result->length);
    else
        json_null(w);
    json_key(w, "headers");
    json_object_open(w);
    for (const struct response_header *h = result->headers; h != NULL; h = h->next)
        if (is_shown(h))
            json_key_string(w, h->name, h->value);
    json_object_close(w);
    json_key(w, "status");
    json_int(w, result->status);
    json_object_close(w);
}

static int respond(struct exchange *x) {
    const struct transaction *t = x->transaction;
    struct json_writer *w = reply_json(&x->c, 200);

    json_array_open(w);
    for (size_t i = 0; i < t->operations.count; i++)
        show_result(&x->c, &t->results[i], t->bodies[i]);
    json_array_close(w);
    return reply_end(&x->c);
}

int transaction_run(struct exchange *x) {
    struct transaction *t = x->transaction;

    t->room = (size_t)x->w->settings->transaction_response;
    t->filling = (size_t)x->w->settings->body_limit;
    if (reply_rc(&x->c, store_lock_ahead(x->c.store, x->arena, t->locks.items, t->locks.count)))
        return x->response.status;
    for (size_t i = 0; i < t->operations.count; i++) {
        int status = is_late(x) ? fail_late(x, i) : run_one(x, i);

        if (status != 0)
            return status;
    }
    return respond(x);
}
