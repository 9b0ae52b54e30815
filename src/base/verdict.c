/* verdict.c: refusals with their reasons. */
#include "base/verdict.h"

#include <stdarg.h>


struct verdict verdict_no(struct arena *arena, enum rc rc, const char *format, ...) {
    struct verdict verdict = {.rc = rc};
    va_list args;

    va_start(args, format);
    verdict.message = arena_vprintf(arena, format, args);
    va_end(args);
    return verdict;
}
