/* waiter_question.h: what clients wait for: the same request from any number of them is one
 * question. */
#ifndef MUSTER_SERVER_WAITER_QUESTION_H
#define MUSTER_SERVER_WAITER_QUESTION_H

#include "api/changes_event.h"
#include "http/response.h"
#include "server/waiter_client.h"

struct waiter_questions;

struct waiter_question {
    struct waiter_question *next;      /* of the same hash */
    size_t users;                      /* clients */
    struct handover_strings variables; /* of the request (parking.c) */
    const char *user;                  /* whose preferences; NULL: changes of the inventory, */
    struct changes_wanted *asked;      /* and which of them, */
    struct arena *compiled;            /* where its q is; NULL: it has none */
    size_t limit;                      /* at most so many in a response */
    /* of waiter_answer.c: the answer from what was read last */
    uint64_t page;
    enum rc rc;
    struct waiter_text *body;
    struct response response;
    struct feed_cursor at;
};

struct waiter_questions *waiter_questions_new(void);
void waiter_questions_free(struct waiter_questions **questions);

/* A variable of the request, or NULL. `strings` is a struct handover_strings. */
const char *waiter_question_variable(void *strings, const char *name);

/* One that is there, with one user more; NULL: it is not. */
struct waiter_question *waiter_questions_find(struct waiter_questions *questions,
                                              const struct handover_strings *variables);

/* Makes it, with one user. `asked` is copied, but for what is in `compiled`, which is the
 * question's own from now on; NULL: about preferences. NULL: no memory. */
struct waiter_question *waiter_questions_add(struct waiter_questions *questions,
                                             const struct handover_strings *variables,
                                             const struct changes_wanted *asked,
                                             struct arena *compiled, size_t limit);

/* Frees the answers from what was read last: those to whom they are sent have them. */
void waiter_questions_forget_answers(struct waiter_questions *questions);

/* With the last user the question goes. */
void waiter_questions_drop(struct waiter_questions *questions, struct waiter_question **question);

#endif
