/* tokens.h: bearer tokens as the database knows them: by an id, never by themselves. */
#ifndef MUSTER_STORE_TOKENS_H
#define MUSTER_STORE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "store/store.h"

/* A token that is neither expired nor revoked. Lists are separated by spaces. */
struct token_found {
    const char *hash; /* 64 hexadecimal digits */
    const char *owner;
    const char *scopes;   /* "": what its owner may do */
    const char *networks; /* "": from everywhere */
    bool use_is_news;     /* it was not used within the last minute */
};

/* One prepared statement, each time: what was revoked is not found by the next request. In the
 * arena. RC_NOTFOUND, or as any read. */
enum rc store_token_find(struct store *store, struct arena *arena, const char *id,
                         struct token_found *out);

/* Writes down that it was used, unless it was within the last minute. */
enum rc store_token_used(struct store *store, const char *id);

struct token_new {
    const char *id;
    const char *hash;
    const char *owner;
    const char *const *scopes;
    size_t scope_count;
    const char *const *networks;
    size_t network_count;
    int64_t seconds; /* that it is valid for; 0: forever */
};

/* RC_EXISTS: the id is taken. */
enum rc store_token_add(struct store *store, const struct token_new *token);

/* What is shown of a token; times in ISO form, UTC; NULL: never. Lists are separated by commas. */
struct token_row {
    const char *id;
    const char *owner;
    const char *scopes;
    const char *networks;
    const char *made;
    const char *expires;
    const char *last_used;
    const char *state; /* "valid", "expired", "revoked" */
};

/* The oldest first. `owner` NULL: of all owners; `all`: those that are not valid any more, too. */
enum rc store_token_list(struct store *store, struct arena *arena, const char *owner, bool all,
                         struct token_row **rows, size_t *count);

/* By id, or all of an owner (the other one is NULL). *count: how many were revoked now. */
enum rc store_token_revoke(struct store *store, const char *id, const char *owner, int64_t *count);

#endif
