/* search.h: objects by what is in their names and in the values of their attributes. */
#ifndef MUSTER_STORE_SEARCH_H
#define MUSTER_STORE_SEARCH_H

#include "store/store.h"

/* Where the text is: it is all, the beginning, or inside. */
enum search_rank { SEARCH_EXACT, SEARCH_BEGINNING, SEARCH_INSIDE };

/* In this order things are found: by rank, of each rank names first, then values of attributes that
 * are no objects, then those that are. */
enum { SEARCH_PLACES = 9 };

struct search {
    const char *text; /* in any case */
    int place;        /* what comes after the object with the id `after` in this place, 0 to */
    int32_t after;    /* SEARCH_PLACES - 1; the beginning: 0 and 0 */
    int64_t limit;
};

/* An object, and the best of what matched. */
struct search_found {
    struct ref ref;
    int place;
    enum search_rank rank;
    bool is_name;    /* the name did, else the attribute: */
    const char *key; /* NULL: none */
    const char *subkey;
    const char *text; /* the value as it is shown: a number, a time, the path of an object too */
};

/* By place, then by id, in the arena. Keys that begin with "_" are left out, and the numbers that
 * addresses are stored as. An object is found by what it refers to if that has the text in its
 * name. *more: there is another page. */
enum rc store_search(struct store *store, struct arena *arena, const struct search *wanted,
                     struct search_found **out, size_t *count, bool *more);

#endif
