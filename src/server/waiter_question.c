/* waiter_question.c: what clients wait for. */
#include "server/waiter_question.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"

enum { LISTS = 1024 };

struct waiter_questions {
    struct waiter_question *lists[LISTS];
};

struct waiter_questions *waiter_questions_new(void) {
    struct waiter_questions *questions = calloc(1, sizeof(*questions));

    if (questions == NULL)
        log_fatal("out of memory");
    return questions;
}

const char *waiter_question_variable(void *strings, const char *name) {
    const struct handover_strings *pairs = strings;
    const char *at = pairs->bytes, *end = pairs->bytes + pairs->length;

    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

static struct waiter_question **list_of(struct waiter_questions *questions,
                                        const struct handover_strings *variables) {
    uint64_t hash = hash_add_bytes(HASH_START, variables->bytes, variables->length);

    return &questions->lists[hash % LISTS];
}

struct waiter_question *waiter_questions_find(struct waiter_questions *questions,
                                              const struct handover_strings *variables) {
    struct waiter_question *q = *list_of(questions, variables);

    while (q != NULL && (q->variables.length != variables->length ||
                         memcmp(q->variables.bytes, variables->bytes, variables->length) != 0))
        q = q->next;
    if (q != NULL)
        q->users++;
    return q;
}

/* --- a copy in one piece of memory, pointers first */

static size_t size_of_texts(const char *const *texts, size_t count) {
    size_t size = count * sizeof(char *);

    for (size_t i = 0; i < count; i++)
        size += strlen(texts[i]) + 1;
    return size;
}

struct copy {
    char *pointers; /* where the next pointer goes, */
    char *bytes;    /* and the next text */
};

static void copy_texts(struct copy *to, const char *const **texts, size_t count) {
    const char **list = (const char **)(void *)to->pointers;

    for (size_t i = 0; i < count; i++) {
        size_t n = strlen((*texts)[i]) + 1;

        list[i] = memcpy(to->bytes, (*texts)[i], n);
        to->bytes += n;
    }
    to->pointers += count * sizeof(char *);
    *texts = list;
}

static struct changes_wanted *copy_question(const struct changes_wanted *asked) {
    const struct feed_filter *f = &asked->filter;
    size_t pointers = (f->driver_count + f->object_count + f->key_count) * sizeof(char *);
    size_t pools = f->pool_count * sizeof(*f->pools);
    struct changes_wanted *copy =
        malloc(sizeof(*copy) + pools + size_of_texts(f->drivers, f->driver_count) +
               size_of_texts(f->objects, f->object_count) + size_of_texts(f->keys, f->key_count));
    struct copy to;
    int32_t *ids;

    if (copy == NULL)
        return NULL;
    *copy = *asked;
    to.pointers = (char *)(copy + 1);
    ids = (int32_t *)(void *)(to.pointers + pointers);
    to.bytes = to.pointers + pointers + pools;
    copy_texts(&to, &copy->filter.drivers, f->driver_count);
    copy_texts(&to, &copy->filter.objects, f->object_count);
    copy_texts(&to, &copy->filter.keys, f->key_count);
    if (pools > 0)
        memcpy(ids, f->pools, pools);
    copy->filter.pools = ids;
    return copy;
}

/* --- life --- */

static void free_question(struct waiter_question *q) {
    waiter_text_free(&q->body);
    arena_free(&q->compiled);
    free(q->asked);
    free((char *)(uintptr_t)q->variables.bytes);
    free(q);
}

static bool fill(struct waiter_question *q, const struct handover_strings *variables,
                 const struct changes_wanted *asked) {
    char *bytes = malloc(variables->length + 1);

    q->users = 1;
    q->variables = (struct handover_strings){bytes, variables->length};
    if (bytes == NULL)
        return false;
    memcpy(bytes, variables->bytes, variables->length);
    if (asked == NULL)
        q->user = waiter_question_variable(&q->variables, "MUSTER_USER");
    else
        q->asked = copy_question(asked);
    return q->asked != NULL || q->user != NULL;
}

struct waiter_question *waiter_questions_add(struct waiter_questions *questions,
                                             const struct handover_strings *variables,
                                             const struct changes_wanted *asked,
                                             struct arena *compiled, size_t limit) {
    struct waiter_question **list = list_of(questions, variables);
    struct waiter_question *q = calloc(1, sizeof(*q));

    if (q == NULL) {
        arena_free(&compiled);
        return NULL;
    }
    q->compiled = compiled;
    if (!fill(q, variables, asked)) {
        free_question(q);
        return NULL;
    }
    q->limit = limit;
    q->next = *list;
    *list = q;
    return q;
}

void waiter_questions_forget_answers(struct waiter_questions *questions) {
    for (size_t i = 0; i < LISTS; i++)
        for (struct waiter_question *q = questions->lists[i]; q != NULL; q = q->next)
            waiter_text_free(&q->body);
}

void waiter_questions_drop(struct waiter_questions *questions, struct waiter_question **question) {
    struct waiter_question *q = *question, **link;

    *question = NULL;
    if (q == NULL || --q->users > 0)
        return;
    link = list_of(questions, &q->variables);
    while (*link != q)
        link = &(*link)->next;
    *link = q->next;
    free_question(q);
}

void waiter_questions_free(struct waiter_questions **questions) {
    for (size_t i = 0; *questions != NULL && i < LISTS; i++) {
        while ((*questions)->lists[i] != NULL) {
            struct waiter_question *q = (*questions)->lists[i];

            (*questions)->lists[i] = q->next;
            free_question(q);
        }
    }
    free(*questions);
    *questions = NULL;
}
