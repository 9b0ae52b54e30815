/* unit_past.c: every statement that reads the inventory has one that reads it as of a version. */
#include "tap.h"

#include <stdio.h>
#include <string.h>

#include "store/past.h"

/* Those of reads that go on without: they are only sent for the present (store/list.c, read.c,
 * export.c). */
static bool is_of_present(int i) {
    return i == STMT_OBJECT_CROWDED || i == STMT_PAGE_BY_KEY || i == STMT_PAGE_BY_VALUE ||
           i == STMT_PAGE_FROM_POOLS || i == STMT_COUNT_OBJECTS || i == STMT_EXPORT_ATTRS_BETWEEN;
}

static bool is_read(int i) {
    return i >= STMT_REF_BY_NAME && i <= STMT_COUNT_OBJECTS && !is_of_present(i);
}

/* The same parameters, and the version after them. */
static void compare(const struct stmt_row *now, const struct stmt_row *past, const char *prefix) {
    size_t count = strlen(now->params);
    char parameter[32];

    snprintf(parameter, sizeof parameter, "$%zu", count + 1);
    ok(strncmp(past->name, prefix, strlen(prefix)) == 0 &&
           strcmp(past->name + strlen(prefix), now->name) == 0,
       "%s: by the same name", now->name);
    ok(strncmp(past->params, now->params, count) == 0 && strcmp(past->params + count, "i") == 0,
       "%s: with the same parameters and a version", now->name);
    ok(strstr(past->text, parameter) != NULL, "%s: which it uses", now->name);
    ok(past->flags & STMT_NEEDS_INIT_DB, "%s: where --init-db was run", now->name);
}

int main(void) {
    for (int i = 0; i < STMT_COUNT; i++) {
        const struct stmt_row *past = &past_rows[i];

        if (is_read(i) && past->text != NULL && past_same_rows[i].text != NULL) {
            compare(&stmts_rows[i], past, "past_");
            compare(&stmts_rows[i], &past_same_rows[i], "past_same_");
            continue;
        }
        ok(is_read(i) == (past->text != NULL), "%s: %s", stmts_rows[i].name,
           is_read(i) ? "has one of the past" : "has none of the past");
    }
    return done_testing();
}
