/* foreign.c: writes from pages of other sites. */
#include "server/foreign.h"

#include <string.h>
#include <strings.h>

static bool is_write(enum request_method method) {
    return method != METHOD_GET && method != METHOD_HEAD && method != METHOD_OPTIONS;
}

static bool is_allowed(const struct strings *origins, const char *origin) {
    for (size_t i = 0; origin != NULL && i < origins->count; i++)
        if (strcmp(origins->items[i], "*") == 0 || strcmp(origins->items[i], origin) == 0)
            return true;
    return false;
}

static bool is_ours(const struct request *request, const char *origin) {
    const char *own = request_origin(request);

    return origin == NULL || (own != NULL && strcasecmp(origin, own) == 0);
}

bool foreign_write(const struct settings *settings, const struct request *request) {
    const char *site, *origin;

    if (settings->foreign_writes || !is_write(request->method))
        return false;
    site = request_header(request, "Sec-Fetch-Site");
    origin = request_header(request, "Origin");
    /* The browser's own word (Fetch Metadata), which no page can set, counts before the comparison
     * of origins: it knows the scheme also where a proxy before the front server does TLS. */
    if (is_allowed(&settings->cors_origins, origin) ||
        (site != NULL && strcmp(site, "same-origin") == 0))
        return false;
    return !is_ours(request, origin) ||
           (site != NULL && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0));
}
