/* link_plan.c: what a session has prepared by and by. */
#include "store/link_plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void forget(struct link_plan *plan) {
    free(plan->text);
    free(plan->letters);
    *plan = (struct link_plan){.text = NULL};
}

struct link_plan *link_plan_find(struct link_plans *plans, const char *text, const char *letters,
                                 bool idle) {
    for (size_t i = 0; i < LINK_PLANS; i++) {
        struct link_plan *plan = &plans->items[i];

        if (plan->text == NULL || strcmp(plan->text, text) != 0 ||
            strcmp(plan->letters, letters) != 0)
            continue;
        if (idle && !plan->prepared) {
            forget(plan);
            return NULL;
        }
        plan->used = ++plans->used;
        return plan;
    }
    return NULL;
}

static char *copy(const char *text) {
    char *made = strdup(text);

    if (made == NULL)
        log_fatal("out of memory");
    return made;
}

struct link_plan *link_plan_add(struct link_plans *plans, const char *text, const char *letters,
                                char old[24]) {
    struct link_plan *plan = &plans->items[0];

    for (size_t i = 1; i < LINK_PLANS && plan->text != NULL; i++)
        if (plans->items[i].text == NULL || plans->items[i].used < plan->used)
            plan = &plans->items[i];
    memcpy(old, plan->prepared ? plan->name : "", plan->prepared ? sizeof plan->name : 1);
    forget(plan);
    plan->text = copy(text);
    plan->letters = copy(letters);
    plan->used = ++plans->used;
    snprintf(plan->name, sizeof plan->name, "query%llu", (unsigned long long)++plans->named);
    return plan;
}

struct link_late *link_plan_late(struct link_plans *plans, const struct stmt_row *row, bool idle,
                                 bool *missing) {
    struct link_late *late = plans->late;

    while (late->row != NULL && late->row != row)
        late++;
    assert(late < plans->late + LINK_LATE - 1); /* one stays free: the end */
    *missing = late->row == NULL || (idle && !late->prepared);
    late->row = row;
    return late;
}

void link_plan_clear(struct link_plans *plans) {
    memset(plans->late, 0, sizeof plans->late);
    for (size_t i = 0; i < LINK_PLANS; i++)
        forget(&plans->items[i]);
}
