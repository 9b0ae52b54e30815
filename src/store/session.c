/* session.c: the settings of a session of the database. */
#include "store/session.h"

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"

/* One way to print dates, nothing that waits forever, one plan for each statement. */
static const char *const always[][2] = {{"TimeZone", "UTC"},
                                        {"DateStyle", "ISO,YMD"},
                                        {"IntervalStyle", "postgres"},
                                        {"default_transaction_isolation", "read committed"},
                                        {"client_min_messages", "warning"},
                                        {"plan_cache_mode", "force_generic_plan"},
                                        {"jit", "off"},
                                        {"max_parallel_workers_per_gather", "0"},
                                        {SESSION_MARK, SESSION_OWNED}};

/* A plan is made once, perhaps while the tables are still empty, and kept: so it has to be the one
 * that stays good when they are large. Every statement has an index to go by. What a list's rows
 * refer to is mostly referred to once, so remembering it (memoize) would cost more than it saves.
 */
static const char *const by_index[] = {"enable_seqscan", "enable_bitmapscan", "enable_hashjoin",
                                       "enable_mergejoin", "enable_memoize"};

static void add(struct session *s, const char *name, const char *value) {
    assert(s->count < SESSION_MAX);
    s->names[s->count] = name;
    s->values[s->count++] = value;
}

static void add_number(struct session *s, int i, const char *name, int value) {
    snprintf(s->numbers[i], sizeof(s->numbers[i]), "%d", value);
    add(s, name, s->numbers[i]);
}

void session_init(struct session *s, const struct store_options *options) {
    int timeout = options->statement_timeout;

    s->count = 0;
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        add(s, always[i][0], always[i][1]);
    for (size_t i = 0; !options->whole_tables && i < sizeof(by_index) / sizeof(by_index[0]); i++)
        add(s, by_index[i], "off");
    /* Without versioning rows are really deleted: the triggers of keep_history don't put them back.
     */
    if (!options->versioning)
        add(s, "muster.prunes", "on");
    add_number(s, 0, "statement_timeout", timeout);
    add_number(s, 1, "lock_timeout", options->lock_timeout);
    add_number(s, 2, "idle_in_transaction_session_timeout", timeout > 30000 ? 2 * timeout : 60000);
}

/* Later ones win, so ours come last. */
const char *session_options(const struct session *s, struct arena *arena, const char *users) {
    const char *text = users ? users : "";

    for (size_t i = 0; i < s->count; i++) {
        text = arena_printf(arena, "%s -c %s=", text, s->names[i]);
        for (const char *p = s->values[i]; *p; p++)
            text = arena_printf(arena, *p == ' ' ? "%s\\%c" : "%s%c", text, *p);
    }
    return text;
}
