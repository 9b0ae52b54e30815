/* prefetch.c: the reads of several requests in one packet: one round trip, one transaction of the
 * database and one change of processes for all of them. Each statement has a snapshot of its own.
 */
#include "store/prefetch.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "store/exec.h"

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
    pg_send(store, read->row, read->args, read->arg_count);
    read->done = store->db.link.rc == RC_OK;
}

/* The number of the one that failed, or `count`. */
static size_t take_results(struct store *store, const struct store_prefetch *items, size_t count) {
    size_t i;

    for (i = 0; i < count; i++) {
        struct store_read *read = items[i].read;

        if (!read->done)
            continue;
        log_set_request(items[i].request);
        read->rc = pg_next(store, &read->result);
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
    size_t failed;

    assert(store->transaction == TRANSACTION_NONE && count <= STORE_PREFETCH);
    if (!store_connected(store) || store->db.options->tag_reads)
        return false;
    for (size_t i = 0; i < count; i++)
        send_read(store, items[i].read);
    failed = take_results(store, items, count);
    if (failed < count)
        share_failure(store, items + failed, count - failed);
    link_clear_error(&store->db.link);
    return true;
}
