/* names.c: what may be a name, a key, a subkey. */
#include "model/names.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "http/path.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

struct verdict names_check(struct arena *arena, const char *name, size_t max) {
    assert(arena != NULL && name != NULL);
    if (*name == '\0')
        return verdict_no(arena, RC_INVALID, "A name may not be empty.");
    if (utf8_length(name) > max)
        return verdict_no(arena, RC_INVALID,
                          "%s is not a valid name: it has more than %zu characters.",
                          quote(arena, name), max);
    if (utf8_has_control(name))
        return verdict_no(arena, RC_INVALID, "%s is not a valid name: it has a control character.",
                          quote(arena, name));
    if (path_has_dots(name))
        return verdict_no(arena, RC_INVALID,
                          "%s is not a valid name: \".\" and \"..\" can't stand between slashes.",
                          quote(arena, name));
    return verdict_of(RC_OK);
}

/* `what`: "key" or "subkey". */
static struct verdict check_key(struct arena *arena, const char *key, size_t max,
                                const char *what) {
    size_t n = strlen(key);

    if (n == 0 || strspn(key, LETTERS "0123456789_-") < n || strspn(key, LETTERS "_") == 0)
        return verdict_no(arena, RC_INVALID,
                          "%s is not a valid %s: it must start with a letter or _ and go on with "
                          "letters, digits, _ and -.",
                          quote(arena, key), what);
    if (n > max)
        return verdict_no(arena, RC_INVALID,
                          "%s is not a valid %s: it has more than %zu characters.",
                          quote(arena, key), what, max);
    return verdict_of(RC_OK);
}

struct verdict names_check_key(struct arena *arena, const char *key, size_t max) {
    assert(arena != NULL && key != NULL);
    return check_key(arena, key, max, "key");
}

struct verdict names_check_subkey(struct arena *arena, const char *subkey, size_t max) {
    assert(arena != NULL && subkey != NULL);
    return *subkey == '\0' ? verdict_of(RC_OK) : check_key(arena, subkey, max, "subkey");
}
