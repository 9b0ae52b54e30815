/* unit_base.c: the base room: arena, buf, log, num, utf8. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"
#include "base/utf8.h"

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- arena --- */

static char order[8];
static char digits[][2] = {"0", "1", "2", "3", "4", "5"};

static void note(void *object) {
    strncat(order, object, sizeof(order) - strlen(order) - 1);
}

static struct arena *nested;

static void register_another(void *object) {
    arena_on_reset(nested, note, object);
}

static bool all_zero(const char *p, size_t n) {
    size_t i;

    for (i = 0; i < n && p[i] == 0; i++) {
    }
    return i == n;
}

/* Sizes around every edge of the blocks, each region filled: an overlap would show. */
static bool regions_hold(struct arena *a) {
    static const size_t sizes[] = {0,     1,     15, 16,     17,     4096,   8191, 16384,
                                   16385, 65536, 3,  262144, 700000, 262145, 24,   100000};
    unsigned char *regions[COUNT(sizes) * 8];
    size_t i;
    size_t j;

    for (i = 0; i < COUNT(regions); i++) {
        size_t n = sizes[i % COUNT(sizes)];

        regions[i] = arena_alloc(a, n);
        if ((uintptr_t)regions[i] % _Alignof(max_align_t) != 0 ||
            !all_zero((const char *)regions[i], n))
            return false;
        memset(regions[i], (int)i + 1, n);
    }
    for (i = 0; i < COUNT(regions); i++)
        for (j = 0; j < sizes[i % COUNT(sizes)]; j++)
            if (regions[i][j] != (unsigned char)(i + 1))
                return false;
    return true;
}

static bool array_grows(struct arena *a) {
    size_t capacity = 0;
    int *items = NULL;

    for (int i = 0; i < 100; i++) {
        items = arena_grow(a, items, (size_t)i, &capacity, sizeof *items);
        items[i] = i;
    }
    for (int i = 0; i < 100; i++)
        if (items[i] != i)
            return false;
    return capacity == 128;
}

static void test_arena(void) {
    struct arena *a = arena_new();
    char *long_text;
    char text[3] = {'a', 'b', 'c'};

    ok(arena_used(a) == 0, "a new arena has handed out nothing");
    ok(regions_hold(a), "regions are zeroed, aligned and don't overlap");
    ok(arena_used(a) >= 8 * 700000, "what was handed out is counted");
    ok(arena_alloc(a, 0) != arena_alloc(a, 0), "no bytes have an address of their own");
    arena_reset(a);
    ok(arena_used(a) == 0, "a reset forgets");
    ok(regions_hold(a), "memory used again is zeroed again");
    ok(arena_strdup(a, NULL) == NULL, "strdup of NULL is NULL");
    ok(strcmp(arena_strdup(a, "muster"), "muster") == 0, "strdup copies");
    ok(strcmp(arena_strndup(a, text, 3), "abc") == 0, "strndup ends the copy");
    ok(strcmp(arena_strndup(a, NULL, 0), "") == 0, "strndup of nothing");
    ok(strcmp(arena_printf(a, "%s-%05d", "n", 42), "n-00042") == 0, "printf formats");
    ok(strcmp(arena_join(a, (const char *[]){"\"", "tag", "", "\"", NULL}), "\"tag\"") == 0,
       "join concatenates them");
    ok(strcmp(arena_join(a, (const char *[]){NULL}), "") == 0, "join of nothing");
    long_text = arena_printf(a, "%0300000d", 7);
    ok(strlen(long_text) == 300000 && long_text[299999] == '7', "printf of a long text");
    ok(all_zero(arena_array(a, 100, 7), 700), "an array is zeroed");
    ok(array_grows(a), "an array grows one by one");
    arena_on_reset(a, note, digits[1]);
    arena_on_reset(a, note, digits[2]);
    arena_on_reset(a, note, digits[3]);
    arena_reset(a);
    ok(strcmp(order, "321") == 0, "hooks run last first: %s", order);
    arena_reset(a);
    ok(strcmp(order, "321") == 0, "hooks run once");
    nested = a;
    arena_on_reset(a, register_another, digits[4]);
    arena_on_reset(a, note, digits[5]);
    arena_free(&a);
    ok(strcmp(order, "32154") == 0 && a == NULL, "free runs hooks, also one made by a hook: %s",
       order);
    arena_free(&a);
    ok(a == NULL, "free of nothing is nothing");
}

/* Exit status of a child that does `action`; its standard error goes to /dev/null. */
static int status_of(void (*action)(void)) {
    int status = -1;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        int fd = open("/dev/null", O_WRONLY);

        (void)dup2(fd, STDERR_FILENO);
        action();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* Kept where the leak checker looks: the process ends with it in use, and that is no leak. */
static struct arena *volatile in_use;

static void overflow_array(void) {
    in_use = arena_new();
    (void)arena_array(in_use, SIZE_MAX / 2, 3);
}

static void overflow_alloc(void) {
    in_use = arena_new();
    (void)arena_alloc(in_use, SIZE_MAX);
}

static void be_fatal(void) {
    log_fatal("no way out");
}

/* --- buf --- */

static void test_buf(void) {
    struct buf b;
    int i;

    buf_init(&b, 0);
    ok(strcmp(buf_cstr(&b), "") == 0 && b.len == 0, "an empty buffer is the empty text");
    buf_add(&b, NULL, 0);
    ok(!b.failed && strcmp(buf_cstr(&b), "") == 0, "adding nothing");
    buf_adds(&b, "one");
    buf_addc(&b, ',');
    buf_printf(&b, "%d", 2);
    buf_add(&b, "\0x", 2);
    ok(b.len == 7 && memcmp(b.data, "one,2\0x", 8) == 0, "pieces come one after the other");
    memcpy(buf_extend(&b, 3), "abc", 3);
    ok(b.len == 10 && memcmp(b.data, "one,2\0xabc", 11) == 0, "room for the caller");
    buf_cut(&b, 7);
    ok(b.len == 7 && memcmp(b.data, "one,2\0x", 8) == 0, "and taken off again");
    for (i = 0; i < 100000; i++)
        buf_addc(&b, 'x');
    ok(b.len == 100007 && b.data[100006] == 'x' && b.data[100007] == 0, "it grows");
    buf_printf(&b, "%0200000d", 5);
    ok(b.len == 300007 && b.data[300006] == '5', "a long formatted text");
    buf_clear(&b);
    ok(b.len == 0 && b.capacity > 300007 && strcmp(buf_cstr(&b), "") == 0,
       "clear keeps the memory");
    buf_release(&b);
    ok(b.data == NULL && b.capacity == 0, "release frees");

    buf_init(&b, 5);
    buf_adds(&b, "12345");
    ok(!b.failed && b.len == 5, "exactly the limit fits");
    buf_addc(&b, '6');
    ok(b.failed && strcmp(buf_cstr(&b), "12345") == 0, "one more fails and changes nothing");
    ok(buf_extend(&b, 1) == NULL, "nor is there room");
    buf_clear(&b);
    buf_printf(&b, "%s", "123456");
    buf_addc(&b, '1');
    ok(b.failed && b.len == 0, "the failure is sticky");
    buf_clear(&b);
    buf_addc(&b, '1');
    ok(!b.failed && b.len == 1, "clear resets the failure");
    buf_add(&b, "x", SIZE_MAX);
    ok(b.failed, "an absurd length fails");
    buf_release(&b);
    ok(b.limit == 5 && !b.failed, "release keeps the limit");
}

/* --- num --- */

static void test_num(void) {
    static const struct {
        const char *text;
        enum num_result result;
        int64_t value;
    } cases[] = {
        {"0", NUM_OK, 0},
        {"-0", NUM_OK, 0},
        {"+7", NUM_OK, 7},
        {"007", NUM_OK, 7},
        {" \t\n\r\v\f12 \x1c\x1f", NUM_OK, 12},
        {"9223372036854775807", NUM_OK, INT64_MAX},
        {"-9223372036854775808", NUM_OK, INT64_MIN},
        {"0000000000000000000000000000001", NUM_OK, 1},
        {"9223372036854775808", NUM_OUT_OF_RANGE, 0},
        {"-9223372036854775809", NUM_OUT_OF_RANGE, 0},
        {"99999999999999999999999999", NUM_OUT_OF_RANGE, 0},
        {"99999999999999999999999999x", NUM_MALFORMED, 0},
        {"", NUM_MALFORMED, 0},
        {" ", NUM_MALFORMED, 0},
        {"-", NUM_MALFORMED, 0},
        {"+-1", NUM_MALFORMED, 0},
        {"- 1", NUM_MALFORMED, 0},
        {"1_000", NUM_MALFORMED, 0},
        {"1 2", NUM_MALFORMED, 0},
        {"1.0", NUM_MALFORMED, 0},
        {"1e3", NUM_MALFORMED, 0},
        {"0x10", NUM_MALFORMED, 0},
        {"notanint", NUM_MALFORMED, 0},
        {"\xd9\xa1", NUM_MALFORMED, 0},
    };
    char room[NUM_DIGITS];
    size_t i;
    int64_t n;

    for (i = 0; i < COUNT(cases); i++) {
        n = 4711;
        ok(num_parse(cases[i].text, &n) == cases[i].result &&
               n == (cases[i].result == NUM_OK ? cases[i].value : 4711),
           "case %zu of numbers", i);
    }
    ok(num_parse_range("5", 1, 5, &n) == NUM_OK && n == 5, "the maximum is in the range");
    ok(num_parse_range("1", 1, 5, &n) == NUM_OK && n == 1, "the minimum is in the range");
    ok(num_parse_range("6", 1, 5, &n) == NUM_OUT_OF_RANGE && n == 1, "above the range");
    ok(num_parse_range("0", 1, 5, &n) == NUM_OUT_OF_RANGE, "below the range");
    ok(num_parse_range("x", 1, 5, &n) == NUM_MALFORMED, "no number is not out of range");
    is_str(num_text(room, 0, 10), "0", "a number's text: 0");
    is_str(num_text(room, UINT64_MAX, 10), "18446744073709551615", "the largest");
    is_str(num_text(room, UINT64_MAX, 16), "ffffffffffffffff", "and in base 16");
    is_str(num_text(room, 4711, 16), "1267", "4711");
}

/* --- utf8 --- */

static void test_utf8(void) {
    static const struct {
        const char *bytes;
        size_t n;
        bool valid;
        const char *name;
    } cases[] = {
        {"", 0, true, "nothing"},
        {"plain text longer than a word", 29, true, "ASCII"},
        {"\x7f", 1, true, "DEL"},
        {"a\0b", 3, false, "a NUL"},
        {"1234567\0", 8, false, "a NUL in a word of eight"},
        {"1234567\x01", 8, true, "a control character in a word of eight"},
        {"\x01\x01\x01\x01\x01\x01\x01\x01", 8, true, "control characters"},
        {"\xc3\xa9", 2, true, "two bytes"},
        {"\xc2\x80", 2, true, "U+0080"},
        {"\xc1\xbf", 2, false, "overlong two"},
        {"\xc0\x80", 2, false, "overlong NUL"},
        {"\xe0\xa0\x80", 3, true, "U+0800"},
        {"\xe0\x9f\xbf", 3, false, "overlong three"},
        {"\xed\x9f\xbf", 3, true, "U+D7FF"},
        {"\xed\xa0\x80", 3, false, "a surrogate"},
        {"\xed\xbf\xbf", 3, false, "the last surrogate"},
        {"\xee\x80\x80", 3, true, "U+E000"},
        {"\xef\xbf\xbf", 3, true, "U+FFFF"},
        {"\xf0\x90\x80\x80", 4, true, "U+10000"},
        {"\xf0\x8f\xbf\xbf", 4, false, "overlong four"},
        {"\xf4\x8f\xbf\xbf", 4, true, "U+10FFFF"},
        {"\xf4\x90\x80\x80", 4, false, "U+110000"},
        {"\xf5\x80\x80\x80", 4, false, "0xF5"},
        {"\x80", 1, false, "a lone continuation"},
        {"\xff", 1, false, "0xFF"},
        {"\xc3", 1, false, "a cut sequence of two"},
        {"\xe2\x82", 2, false, "a cut sequence of three"},
        {"\xf0\x9f\x98", 3, false, "a cut sequence of four"},
        {"\xe2\x82z", 3, false, "a sequence without its end"},
        {"\xf0\x9f\x98z", 4, false, "a sequence of four without its end"},
        {"1234567\xc3\xa9 and more text", 23, true, "a sequence across words"},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++)
        ok(utf8_valid(cases[i].bytes, cases[i].n) == cases[i].valid, "%s is %s", cases[i].name,
           cases[i].valid ? "valid" : "not valid");
    ok(utf8_valid(NULL, 0), "no bytes at all");
    ok(utf8_span(NULL, 0) == 0 && utf8_span("abc", 3) == 3, "a span of all");
    ok(utf8_span("12345678901\xc3\xa9\xc3", 14) == 13, "a span up to a cut sequence");
    ok(utf8_span("12345678\0", 9) == 8 && utf8_span("\xff", 1) == 0, "a span up to a fault");
    ok(utf8_length("") == 0 && utf8_length("abc") == 3, "length of ASCII");
    ok(utf8_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == 4, "length in code points");
    ok(!utf8_has_control("plain \xc3\xa9 \xc2\xa0 \xe2\x80\x80"), "no control character");
    ok(utf8_has_control("a\nb") && utf8_has_control("\x7f"), "C0 and DEL");
    ok(utf8_has_control("a\xc2\x80") && utf8_has_control("\xc2\x9f"), "C1");
}

/* --- log --- */

static char *slurp(const char *path) {
    static char text[65536];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    (void)close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static size_t lines(const char *text) {
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void test_log(void) {
    char directory[] = "/tmp/unit_base.XXXXXX";
    char path[64];
    char moved[64];
    char big[5000];
    struct stat st;

    if (mkdtemp(directory) == NULL) {
        ok(false, "can't make a directory");
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/log", directory);
    (void)snprintf(moved, sizeof(moved), "%s/log.1", directory);
    ok(!log_open(LOG_TO_FILE, "/nonexistent/directory/log", LOG_LEVEL_INFO) && errno == ENOENT,
       "a log that can't be opened says why");
    ok(log_open(LOG_TO_FILE, path, LOG_LEVEL_INFO), "the log opens");
    ok(stat(path, &st) == 0 && (st.st_mode & 07) == 0, "others can't read it");
    ok(!log_enabled(LOG_LEVEL_DEBUG) && log_enabled(LOG_LEVEL_INFO), "levels");
    log_debug("not wanted");
    ok(strcmp(slurp(path), "") == 0, "a lower level is not written");
    errno = EXDEV;
    log_info("hello %d", 5);
    ok(errno == EXDEV, "errno is as before");
    ok(strstr(slurp(path), " info: hello 5\n") != NULL && lines(slurp(path)) == 1, "one line");
    log_set_request("r\n7");
    log_warning("a\nb\rc\x7f"
                "d\xc2\x9b"
                "e\xc3\xa9");
    ok(strstr(slurp(path), " warning: [r\\x0a7] a\\x0ab\\x0dc\\x7fd\\xc2\\x9be\xc3\xa9\n") != NULL,
       "control characters are escaped, also in the request's id");
    ok(lines(slurp(path)) == 2, "and make no line");
    log_set_request(NULL);
    memset(big, '\n', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_error("%s", big);
    ok(lines(slurp(path)) == 3 && strstr(slurp(path), "\\x0a...\n") != NULL,
       "a message too long is cut and says so");
    ok(rename(path, moved) == 0 && log_reopen(), "reopen after a rotation");
    log_error("new");
    ok(strstr(slurp(path), " error: new\n") != NULL && lines(slurp(moved)) == 3,
       "the next line is in the new file");
    ok(log_open(LOG_TO_STDERR, NULL, LOG_LEVEL_DEBUG) && log_reopen(), "back to standard error");
    ok(status_of(be_fatal) == 1, "fatal ends the process with 1");
    ok(status_of(overflow_array) == 1, "an overflowing array ends the process");
    ok(status_of(overflow_alloc) == 1, "an absurd size ends the process");
    (void)unlink(path);
    (void)unlink(moved);
    (void)rmdir(directory);
}

int main(void) {
    test_arena();
    test_buf();
    test_num();
    test_utf8();
    test_log();
    return done_testing();
}
