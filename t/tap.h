/* tap.h: a tiny TAP writer for the C unit tests; include it once, in the file that has main(). */
#ifndef MUSTER_T_TAP_H
#define MUSTER_T_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_planned = -1; /* -1: no plan was made, done_testing() prints it */
static int tap_run;
static int tap_failed;

#if defined(__GNUC__)
#define TAP_PRINTF(f, a) __attribute__((format(printf, f, a), unused))
#define TAP_UNUSED       __attribute__((unused))
#else
#define TAP_PRINTF(f, a)
#define TAP_UNUSED
#endif

/* Announce how many assertions follow. Optional when done_testing() ends the program. */
TAP_UNUSED static void plan(int n) {
    tap_planned = n;
    printf("1..%d\n", n);
}

/* One line of explanation on stderr, where the harness shows it. */
TAP_PRINTF(1, 2)
static void diag(const char *fmt, ...) {
    va_list ap;

    fflush(stdout);
    fputs("# ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

/* One assertion; the name is a printf format. Gives back what was asserted. */
#define ok(cond, ...) tap_ok((cond) ? true : false, __FILE__, __LINE__, __VA_ARGS__)

TAP_PRINTF(4, 5)
static bool tap_ok(bool pass, const char *file, int line, const char *fmt, ...) {
    va_list ap;

    tap_run++;
    printf("%sok %d - ", pass ? "" : "not ", tap_run);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    if (!pass) {
        tap_failed++;
        diag("  failed at %s:%d", file, line);
    }
    return pass;
}

/* Equal strings; NULL equals only NULL. */
#define is_str(got, want, ...)                                                                     \
    do {                                                                                           \
        const char *tap_g = (got), *tap_w = (want);                                                \
        if (!ok(tap_g && tap_w ? strcmp(tap_g, tap_w) == 0 : tap_g == tap_w, __VA_ARGS__))         \
            diag("       got: %s\n#  expected: %s", tap_g ? tap_g : "(null)",                      \
                 tap_w ? tap_w : "(null)");                                                        \
    } while (0)

/* Equal bytes: a buffer with its length against a string constant with its own. */
#define is_mem(got, gotlen, want, wantlen, ...)                                                    \
    do {                                                                                           \
        const char *tap_g = (got), *tap_w = (want);                                                \
        size_t tap_gl = (gotlen), tap_wl = (wantlen);                                              \
        if (!ok(tap_gl == tap_wl && (tap_gl == 0 || memcmp(tap_g, tap_w, tap_gl) == 0),            \
                __VA_ARGS__))                                                                      \
            diag("       got: (%zu) %.*s\n#  expected: (%zu) %.*s", tap_gl, (int)tap_gl,           \
                 tap_g ? tap_g : "", tap_wl, (int)tap_wl, tap_w ? tap_w : "");                     \
    } while (0)

/* Equal integers, of any signed type. */
#define is_int(got, want, ...)                                                                     \
    do {                                                                                           \
        long long tap_g = (long long)(got), tap_w = (long long)(want);                             \
        if (!ok(tap_g == tap_w, __VA_ARGS__))                                                      \
            diag("       got: %lld\n#  expected: %lld", tap_g, tap_w);                             \
    } while (0)

/* The plan (when none was made) and the exit status: return done_testing(); from main. */
TAP_UNUSED static int done_testing(void) {
    if (tap_planned < 0)
        printf("1..%d\n", tap_run);
    else if (tap_planned != tap_run)
        diag("planned %d, ran %d", tap_planned, tap_run);
    fflush(stdout);
    return tap_failed > 0 || tap_run == 0 || (tap_planned >= 0 && tap_planned != tap_run);
}

#endif
