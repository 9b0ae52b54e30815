/* prefetch.c: the reads of several requests in one packet: one round trip, one transaction of the
 * database and one change of processes for all of them. Each statement has a snapshot of its own.
 */
#include "store/prefetch.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"

struct store_read *prefetch_read(struct arena *arena, const struct stmt_row *row,
                                 const struct pg_arg *args, size_t count) {
    struct store_read *read = arena_array(arena, 1, sizeof *read);
    struct pg_arg *copy = arena_array(arena, count, sizeof *copy);

    memcpy(copy, args, count * sizeof *copy);
    *read = (struct store_read){.arena = arena, .row = row, .args = copy, .arg_count = count};
    return read;
}

enum rc prefetch_take(struct store *store, struct store_read *read, PGresult **result) {
    if (!read->done)
        return pg_exec(store, result, read->row, read->args, read->arg_count);
    read->done = false;
    *result = read->result;
    return read->rc;
}

enum rc prefetch_take_rows(struct store *store, struct store_read *read, PGresult **result) {
    enum rc rc = prefetch_take(store, read, result);

    if (rc != RC_OK)
        return rc;
    pg_keep(read->arena, *result);
    return pg_rows(*result) > 0 ? RC_OK : RC_NOTFOUND;
}

/* Not one that is sure to fail for all. */
static void send_read(struct store *store, struct store_read *read) {
    if ((read->row->flags & STMT_NEEDS_INIT_DB) && !store->db.has_extensions)
        return;
    if (read->as_of > 0)
        exec_read_as_of(store, read->as_of, &read->check);
    pg_send(store, read->row, read->args, read->arg_count);
    exec_read_current(store);
    read->done = store->db.link.rc == RC_OK;
}

/* After all of them. False: none is of the past. */
static bool send_check(struct store *store, const struct store_prefetch *items, size_t count) {
    int32_t versions[STORE_PREFETCH];
    size_t asked = 0;

    for (size_t i = 0; i < count; i++)
        if (items[i].read->done && items[i].read->as_of > 0)
            versions[asked++] = items[i].read->as_of;
    if (asked > 0)
        exec_send_check(store, versions, asked);
    return asked > 0;
}

/* What can't be read so is to be run again, and is then told why. `answer` NULL: nothing is known.
 */
static void take_check(struct store *store, const struct store_prefetch *items, size_t count,
                       PGresult *answer) {
    size_t asked = 0;

    for (size_t i = 0; i < count; i++) {
        struct store_read *read = items[i].read;

        if (!read->done || read->as_of == 0)
            continue;
        read->done = answer && exec_read_check(store, &read->check, answer, asked++) == RC_OK;
        if (!read->done)
            PQclear(read->result);
    }
}

/* The number of the one that failed, or `count`. */
static size_t take_results(struct store *store, const struct store_prefetch *items, size_t count) {
    size_t i;

    for (i = 0; i < count; i++) {
        struct store_read *read = items[i].read;

        if (!read->done)
            continue;
        log_set_request(items[i].request);
        read->rc = link_next(&store->db.link, &read->result);
        if (read->rc != RC_OK)
            break;
    }
    log_set_request(NULL);
    return i;
}

/* A read that waited in vain for a lock fails, and so do the others after it that would wait for
 * the same lock, one after another, while the worker could serve other requests. The one that was
 * running when the connection was lost fails as well. All the rest is to be run again. */
static void share_failure(const struct store *store, const struct store_prefetch *items,
                          size_t count) {
    const struct store_read *failed = items[0].read;
    enum rc rc = failed->rc;
    const struct stmt_row *row = failed->row;

    for (size_t i = 0; i < count; i++) {
        struct store_read *read = items[i].read;
        bool same = i == 0 || (store->db.link.locked && read->row == row);

        read->done = read->done && ((rc == RC_BUSY && same) || (rc == RC_BROKEN && i == 0));
        read->rc = rc;
    }
}

bool store_prefetch(struct store *store, const struct store_prefetch *items, size_t count) {
    PGresult *answer = NULL;
    size_t failed;
    bool checked;

    assert(store->transaction == TRANSACTION_NONE && count <= STORE_PREFETCH);
    if (!store_connected(store) || store->db.options->tag_reads)
        return false;
    for (size_t i = 0; i < count; i++)
        send_read(store, items[i].read);
    checked = send_check(store, items, count);
    failed = take_results(store, items, count);
    if (checked && failed == count)
        (void)link_next(&store->db.link, &answer);
    if (checked)
        take_check(store, items, failed, answer);
    PQclear(answer);
    if (failed < count)
        share_failure(store, items + failed, count - failed);
    link_clear_error(&store->db.link);
    return true;
}

bool store_read_is_done(const struct store_read *read) {
    return read && read->done;
}

void store_repeat_failed(const struct store_prefetch *items, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (items[i].read->rc != RC_OK)
            items[i].read->done = false;
}
