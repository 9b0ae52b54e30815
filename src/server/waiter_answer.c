/* waiter_answer.c: what there is after a cursor, and how a response is made of it: by the functions
 * of the handler that would have responded, had it found something. */
#include "server/waiter_answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/changes_answer.h"
#include "api/input.h"
#include "api/preferences_changes.h"
#include "base/log.h"
#include "server/exchange.h"
#include "server/parameters.h"
#include "server/waiter_question.h"

enum { MAX_HEADERS = 64 };

struct waiter_answers {
    struct worker_state *w;
    struct exchange *x; /* in which responses are made; its arena lasts until close */
    struct waiter_questions *questions;
    struct waiter_text *empty;      /* the body of the last response without changes, */
    struct response empty_response; /* and its header */
    /* what is read, and what for */
    bool is_open;
    bool wants_events, wants_users;
    struct feed_wanted wanted;
    uint64_t page; /* its number */
    struct feed_cursor latest;
    struct feed_cursor made_at;                    /* the latest point that was seen, */
    char made[sizeof("2026-11-26T15:07:43.120Z")]; /* and when it was made */
    struct feed_events events;
    const char *const *users; /* whose preferences were changed, sorted */
    size_t user_count;
};

/* --- the request, made again --- */

static long no_body(void *context, char *bytes, size_t n) {
    (void)context;
    (void)bytes;
    (void)n;
    return 0;
}

/* The response is held back, and taken from there. */
static bool no_output(void *context, const char *bytes, size_t n) {
    (void)context;
    (void)bytes;
    (void)n;
    return false;
}

/* False: there is nothing at its path any more. */
static bool begin_request(struct waiter_answers *a, const struct handover_strings *variables) {
    struct exchange *x = a->x;
    const struct transport transport = {.variable = waiter_question_variable,
                                        .read = no_body,
                                        .out = {.write = no_output},
                                        .client_fd = -1,
                                        .context = (void *)(uintptr_t)variables};
    struct request *request = &x->request;

    exchange_begin(x, &transport);
    log_set_request(NULL);
    x->response.hold = true;
    request->user = waiter_question_variable(transport.context, "MUSTER_USER");
    if (intake_path(x->w->settings, request) != PATH_OK)
        return false;
    x->match = route_find(x->w->settings, &request->path, request->method);
    return x->match.route != NULL && parameters_read(x) == 0;
}

/* What the response is made of lasts until the next close. */
static void take_response(struct waiter_answers *a, struct waiter_text **body,
                          struct response *response) {
    struct exchange *x = a->x;

    waiter_text_free(body);
    *body = waiter_text_new(x->response.held.data, x->response.held.len);
    *response = x->response;
    response->head = response->held = (struct buf){.data = NULL};
}

/* --- questions --- */

static struct waiter_question *make_question(struct waiter_answers *a,
                                             const struct handover_strings *variables) {
    struct context *c = &a->x->c;
    struct changes_wanted asked;
    struct arena *compiled;
    int64_t limit = FEED_MAX_PAGE;

    if (!begin_request(a, variables) || input_number(c, "limit", 1, FEED_MAX_PAGE, &limit) != 0)
        return NULL;
    if (a->x->match.mount == MOUNT_PREFERENCES)
        return waiter_questions_add(a->questions, variables, NULL, NULL, (size_t)limit);
    compiled = params_last(&c->request->params, "q") != NULL ? arena_new() : NULL;
    if (changes_event_read(c, compiled, &asked) != 0) {
        arena_free(&compiled);
        return NULL;
    }
    return waiter_questions_add(a->questions, variables, &asked, compiled, (size_t)limit);
}

struct waiter_question *waiter_question_take(struct waiter_answers *a,
                                             const struct handover_strings *strings) {
    struct waiter_question *q = waiter_questions_find(a->questions, strings);

    assert(!a->is_open);
    if (q != NULL)
        return q;
    q = make_question(a, strings);
    if (q != NULL)
        waiter_answers_close(a);
    return q;
}

void waiter_question_drop(struct waiter_answers *a, struct waiter_question **question) {
    waiter_questions_drop(a->questions, question);
}

bool waiter_question_is_query(const struct waiter_question *question) {
    return question->asked != NULL && question->asked->filter.query != NULL;
}

/* --- reading --- */

void waiter_answers_want(struct waiter_answers *a, const struct waiter_question *q) {
    if (q->asked == NULL) {
        a->wants_users = true;
        return;
    }
    a->wants_events = true;
    a->wanted.attrs =
        a->wanted.attrs || q->asked->attrs || feed_filter_needs_attrs(&q->asked->filter);
    a->wanted.containers = a->wanted.containers || feed_filter_needs_containers(&q->asked->filter);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum rc read_users(struct waiter_answers *a) {
    const char *const *users;
    const char **sorted;
    enum rc rc = store_feed_users(a->w->store, a->x->arena, &a->wanted.from, &a->latest, &users,
                                  &a->user_count);

    if (rc != RC_OK)
        return rc;
    sorted = arena_array(a->x->arena, a->user_count + 1, sizeof(*sorted));
    for (size_t i = 0; i < a->user_count; i++)
        sorted[i] = users[i];
    qsort(sorted, a->user_count, sizeof(*sorted), by_text);
    a->users = sorted;
    return RC_OK;
}

enum rc waiter_answers_open(struct waiter_answers *a, const struct feed_cursor *from,
                            const struct feed_status *status) {
    enum rc rc = RC_OK;

    a->is_open = true;
    a->page++;
    a->latest = status->latest;
    a->wanted.from = *from;
    a->wanted.limit = FEED_MAX_PAGE;
    store_begin_snapshot(a->w->store);
    if (a->wants_events)
        rc = store_feed_read(a->w->store, a->x->arena, &a->wanted, &a->events);
    if (rc == RC_OK && a->wants_users && from->to == 0)
        rc = read_users(a);
    return rc;
}

void waiter_answers_close(struct waiter_answers *a) {
    store_rollback(a->w->store); /* it was only read */
    arena_reset(a->x->arena);
    if (a->is_open)
        waiter_questions_forget_answers(a->questions);
    a->is_open = a->wants_events = a->wants_users = false;
    a->wanted = (struct feed_wanted){.limit = 0};
    a->users = NULL;
    a->user_count = 0;
}

void waiter_answers_note(struct waiter_answers *a, const struct feed_status *status) {
    a->made_at = status->latest;
    (void)snprintf(a->made, sizeof(a->made), "%s", status->made != NULL ? status->made : "");
}

/* When the point that a client has come to was made; NULL: not known, or it is inside a batch. */
static const char *made_at(const struct waiter_answers *a, const struct feed_cursor *at) {
    bool same = at->point == a->made_at.point && at->nonce == a->made_at.nonce && at->to == 0;

    return same && a->made[0] != '\0' ? a->made : NULL;
}

/* --- answers --- */

/* RC_OK: the response was made. */
static enum rc answer_events(struct waiter_answers *a, struct waiter_question *q) {
    struct changes_answer answer = changes_answer_new(a->x->arena, q->limit);
    enum rc rc;

    if (a->events.page.state == FEED_LOST)
        return RC_GONE;
    rc = store_feed_fit(a->w->store, a->x->arena, &q->asked->filter, &a->events);
    if (rc != RC_OK)
        return rc;
    changes_answer_add(&answer, q->asked, &a->wanted.from, &a->events);
    q->at = answer.page.next;
    if (answer.count == 0)
        return RC_NOTFOUND;
    if (!begin_request(a, &q->variables))
        return RC_GONE;
    return changes_answer_send(&a->x->c, q->asked, &answer) == 200 ? RC_OK : RC_GONE;
}

static bool was_changed(const struct waiter_answers *a, const char *user) {
    return a->wanted.from.to != 0 ||
           (a->user_count > 0 &&
            bsearch(&user, a->users, a->user_count, sizeof(*a->users), by_text) != NULL);
}

static enum rc answer_preferences(struct waiter_answers *a, struct waiter_question *q) {
    struct feed_preferences changed;
    enum rc rc;

    q->at = a->latest;
    if (!was_changed(a, q->user))
        return RC_NOTFOUND;
    rc = store_feed_preferences(a->w->store, a->x->arena, q->user, &a->wanted.from, q->limit,
                                &changed);
    if (rc != RC_OK)
        return rc;
    q->at = changed.page.next;
    if (changed.page.state == FEED_LOST)
        return RC_GONE;
    if (changed.count == 0)
        return RC_NOTFOUND;
    if (!begin_request(a, &q->variables))
        return RC_GONE;
    return preferences_changes_send(&a->x->c, &a->wanted.from, &changed) == 200 ? RC_OK : RC_GONE;
}

enum rc waiter_answers_find(struct waiter_answers *a, struct waiter_question *q,
                            struct waiter_answer *out) {
    if (q->page != a->page) {
        q->page = a->page;
        q->rc = q->asked != NULL ? answer_events(a, q) : answer_preferences(a, q);
        if (q->rc == RC_OK)
            take_response(a, &q->body, &q->response);
    }
    *out = (struct waiter_answer){.body = q->body, .response = &q->response, .next = q->at};
    return q->rc;
}

bool waiter_answers_empty(struct waiter_answers *a, struct waiter_question *q,
                          const struct feed_cursor *at, struct waiter_answer *out) {
    const struct feed_page page = {.next = *at, .made = made_at(a, at)};
    int status;

    if (!a->is_open)
        arena_reset(a->x->arena);
    if (!begin_request(a, &q->variables))
        return false;
    if (q->asked != NULL)
        status = changes_answer_send(&a->x->c, q->asked,
                                     &(struct changes_answer){.from = *at, .page = page});
    else
        status = preferences_changes_send(&a->x->c, at, &(struct feed_preferences){.page = page});
    if (status != 200)
        return false;
    take_response(a, &a->empty, &a->empty_response);
    *out = (struct waiter_answer){.body = a->empty, .response = &a->empty_response, .next = *at};
    return true;
}

bool waiter_answers_refusal(struct waiter_answers *a, struct waiter_answer *out) {
    if (a->x->response.status < 400)
        return false;
    take_response(a, &a->empty, &a->empty_response);
    *out = (struct waiter_answer){.body = a->empty, .response = &a->empty_response};
    return true;
}

/* Those that every response has are the client's own. */
void waiter_answers_head(const struct waiter_answer *answer, const struct handover *request,
                         struct buf *out) {
    const char *at = request->headers.bytes, *end = at + request->headers.length;
    struct response response = *answer->response;
    struct header headers[MAX_HEADERS];
    size_t count = 0;

    while (at < end && count < MAX_HEADERS) {
        const char *value = at + strlen(at) + 1;

        headers[count++] = (struct header){at, value};
        at = value + strlen(value) + 1;
    }
    response_set_fixed(&response, headers, count);
    response_head(&response, answer->body->length, out);
}

/* --- life --- */

struct waiter_answers *waiter_answers_new(struct worker_state *w) {
    struct waiter_answers *a = calloc(1, sizeof(*a));

    if (a == NULL)
        log_fatal("out of memory");
    a->w = w;
    a->x = exchange_new(w);
    a->questions = waiter_questions_new();
    return a;
}

void waiter_answers_free(struct waiter_answers **answers) {
    if (*answers == NULL)
        return;
    waiter_text_free(&(*answers)->empty);
    waiter_questions_free(&(*answers)->questions);
    exchange_free(&(*answers)->x);
    free(*answers);
    *answers = NULL;
}
