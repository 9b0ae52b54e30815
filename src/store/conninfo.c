/* conninfo.c: checks a connection string as libpq reads it. */
#include <string.h>

#include "store/pg.h"
#include "store/store.h"

const char *store_check_conninfo(struct arena *arena, const char *text) {
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &message);
    const char *wrong = NULL;

    if (options == NULL)
        wrong = message != NULL ? arena_strndup(arena, message, strcspn(message, "\n"))
                                : "out of memory";
    PQconninfoFree(options);
    PQfreemem(message);
    return wrong;
}
