/* search.h: objects by what is in their names and in the texts of their attributes. */
#ifndef MUSTER_STORE_SEARCH_H
#define MUSTER_STORE_SEARCH_H

#include "store/store.h"

/* Where the text is: it is all, the beginning, or inside. */
enum search_rank { SEARCH_EXACT, SEARCH_BEGINNING, SEARCH_INSIDE };

struct search {
    const char *text;      /* in any case */
    enum search_rank rank; /* what comes after the object with the id `after` in this rank; the */
    int32_t after;         /* beginning: SEARCH_EXACT and 0 */
    int64_t limit;
};

/* An object, and the best of what matched. */
struct search_found {
    struct ref ref;
    enum search_rank rank;
    bool is_name;    /* the name did, else the attribute: */
    const char *key; /* NULL: none */
    const char *subkey;
    const char *text;
};

/* By rank, then by id, in the arena. Keys that begin with "_" are left out. *more: there is another
 * page. */
enum rc store_search(struct store *store, struct arena *arena, const struct search *wanted,
                     struct search_found **out, size_t *count, bool *more);

#endif
