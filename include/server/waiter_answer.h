/* waiter_answer.h: what clients wait for, and how a response to them is made. */
#ifndef MUSTER_SERVER_WAITER_ANSWER_H
#define MUSTER_SERVER_WAITER_ANSWER_H

#include "server/waiter_client.h"
#include "server/worker_state.h"

/* What clients wait for: the same request from any number of them is one question. */
struct waiter_answers;
struct waiter_question;

/* The worker's state (its store and its settings) is borrowed. */
struct waiter_answers *waiter_answers_new(struct worker_state *w);
void waiter_answers_free(struct waiter_answers **answers);

/* NULL: the request makes no sense here, or the database that has to say what it means can't be
 * reached; then waiter_answers_refusal says so, and waiter_answers_close must follow. To be dropped
 * once for each time it was taken. */
struct waiter_question *waiter_question_take(struct waiter_answers *answers,
                                             const struct handover_strings *strings);
void waiter_question_drop(struct waiter_answers *answers, struct waiter_question **question);

/* It has a query (`q`), whose cost nobody knows before. */
bool waiter_question_is_query(const struct waiter_question *question);

/* --- what there is after a cursor: read once for all questions */

/* This question will be asked of what is opened next. */
void waiter_answers_want(struct waiter_answers *answers, const struct waiter_question *question);

/* Reads what follows the cursor; `status` has the latest point. To be closed, whatever the rc. */
enum rc waiter_answers_open(struct waiter_answers *answers, const struct feed_cursor *from,
                            const struct feed_status *status);
void waiter_answers_close(struct waiter_answers *answers);

/* A response, or what is sent next in a stream. Borrowed until waiter_answers_close, or the next
 * waiter_answers_empty. */
struct waiter_answer {
    struct waiter_text *body;
    const struct response *response; /* its header */
    struct feed_cursor next;         /* then the client knows everything up to here */
};

/* The answer to a question. RC_NOTFOUND: nothing passes its filter up to `next`, which alone is
 * set; RC_GONE: it can't be told any more, the client has to ask again; else as reading failed. */
enum rc waiter_answers_find(struct waiter_answers *answers, struct waiter_question *question,
                            struct waiter_answer *out);

/* The latest point, and when it was made. */
void waiter_answers_note(struct waiter_answers *answers, const struct feed_status *status);

/* The answer that there is nothing, for a client that knows everything up to `at`. False: it can't
 * be made. */
bool waiter_answers_empty(struct waiter_answers *answers, struct waiter_question *question,
                          const struct feed_cursor *at, struct waiter_answer *out);

/* The answer to a request of which waiter_question_take has just made no question. False: there is
 * none. */
bool waiter_answers_refusal(struct waiter_answers *answers, struct waiter_answer *out);

/* The header of the response to one client. */
void waiter_answers_head(const struct waiter_answer *answer, const struct handover *request,
                         struct buf *out);

#endif
