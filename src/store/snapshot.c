/* snapshot.c: the snapshot that a list shows, in few bytes: a hash of which database it is of,
 * then, each as a number of as few bytes as it needs, xmin, what xmax is more, and the transactions
 * that are under way, each as what it is more than the one before. */
#include "store/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/exec.h"

enum { MAX_DIGITS = 20 };

struct writer {
    unsigned char *at, *end;
    bool failed;
};

struct reader {
    const unsigned char *at, *end;
    bool failed;
};

/* Seven bits each, the lowest first; the last byte has the eighth bit not set. */
static void put_number(struct writer *b, uint64_t number) {
    for (; !b->failed; number >>= 7) {
        if (b->at == b->end)
            b->failed = true;
        else
            *b->at++ = (unsigned char)(number > 127 ? number | 128 : number);
        if (number <= 127)
            return;
    }
}

/* Below 2^63, as the database's numbers are. */
static uint64_t get_number(struct reader *b) {
    uint64_t number = 0;

    for (unsigned shift = 0; b->at < b->end && shift < 63; shift += 7) {
        number |= (uint64_t)(*b->at & 127) << shift;
        if (*b->at++ < 128)
            return number;
    }
    b->failed = true;
    return 0;
}

/* Of what follows the snapshot in the text. */
static uint64_t identity_of(const char *database) {
    return hash_add(HASH_START, database);
}

/* There a snapshot does not say which transactions are under way. */
static bool is_standby(const char *database) {
    return strstr(database, "/true@") != NULL;
}

size_t snapshot_pack(const struct store *store, const char *text,
                     unsigned char out[SNAPSHOT_BYTES]) {
    const char *database = text ? strchr(text, '@') : NULL;
    struct writer b = {.at = out + sizeof(uint64_t), .end = out + SNAPSHOT_BYTES};
    uint64_t identity, last, next;
    char *at;

    if (!database || !store->db.has_extensions)
        return 0;
    identity = identity_of(++database);
    memcpy(out, &identity, sizeof identity);
    last = strtoull(text, &at, 10);
    put_number(&b, last);
    next = strtoull(at + 1, &at, 10);
    put_number(&b, next - last);
    if (next > last && is_standby(database))
        return 0;
    for (at++; *at != '@' && !b.failed; at += *at == ',') {
        next = strtoull(at, &at, 10);
        put_number(&b, next - last);
        last = next;
    }
    return b.failed ? 0 : (size_t)(b.at - out);
}

/* As PostgreSQL reads it; NULL: it would not. */
static const char *unpack(struct arena *arena, const unsigned char *packed, size_t n) {
    struct reader b = {.at = packed + sizeof(uint64_t), .end = packed + n};
    size_t size = (n + 2) * (MAX_DIGITS + 1), used;
    char *text = arena_alloc(arena, size);
    uint64_t last = get_number(&b), end = last + get_number(&b), next;
    bool first = true;

    used = (size_t)snprintf(text, size, "%" PRIu64 ":%" PRIu64 ":", last, end);
    for (; b.at < b.end && !b.failed; first = false, last = next) {
        next = last + get_number(&b);
        b.failed = b.failed || next >= end || (next == last && !first);
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, first ? "" : ",", next);
    }
    return b.failed || last == 0 || end > INT64_MAX ? NULL : text;
}

enum rc snapshot_is_current(struct store *store, struct arena *arena, const unsigned char *packed,
                            size_t n, bool *current) {
    uint64_t identity;
    const char *since;
    PGresult *result;
    enum rc rc;

    *current = false;
    if (n <= sizeof identity || !pg_has_extensions(store))
        return RC_OK;
    since = unpack(arena, packed, n);
    if (!since)
        return RC_OK;
    rc = pg_exec(store, &result, STMT(UNCHANGED_SINCE), PG_ARGS(pg_text(since)));
    if (rc != RC_OK)
        return rc;
    memcpy(&identity, packed, sizeof identity);
    *current = identity_of(pg_get_text(result, 0, 0)) == identity && pg_get_bool(result, 0, 1);
    PQclear(result);
    return RC_OK;
}
