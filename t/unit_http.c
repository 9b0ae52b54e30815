/* unit_http.c: the http room: responses, requests, paths, parameters, pages. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "http/page.h"
#include "http/params.h"
#include "http/path.h"
#include "http/percent.h"
#include "http/request.h"
#include "http/response.h"

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct arena *arena;

/* --- what left --- */

static struct buf sent;
static size_t writes;
static size_t smallest; /* of the pieces but the first (the header) and the last */
static size_t latest;
static size_t capacity; /* the client disconnects after so many bytes */

static bool take(void *context, const char *bytes, size_t n) {
    (void)context;
    if (sent.len + n > capacity)
        return false;
    if (writes > 1 && latest < smallest)
        smallest = latest;
    latest = n;
    writes++;
    buf_add(&sent, bytes, n);
    return true;
}

static struct response response;

static void begin(bool head_only) {
    arena_reset(arena);
    buf_clear(&sent);
    writes = 0;
    latest = 0;
    smallest = SIZE_MAX;
    capacity = SIZE_MAX;
    response_begin(&response, arena, (struct response_out){.write = take}, head_only);
}

static char filler[200000];

/* --- answers --- */

static void test_small_answer(void) {
    begin(false);
    response_header(&response, "Content-Type", "application/json");
    ok(response_write(&response, "[", 1) && response_write(&response, "]", 1), "two writes");
    ok(!response.started, "nothing has left yet");
    ok(response_finish(&response), "finish");
    is_str(buf_cstr(&sent),
           "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
           "a small answer leaves whole with its length");
    is_int(response.body_bytes, 2, "counted for the log");

    begin(true);
    response_header(&response, "Content-Type", "application/json");
    ok(response_write(&response, "[]", 2), "HEAD: write");
    ok(!response_enough(&response), "HEAD: not enough yet");
    ok(response_finish(&response), "HEAD: finish");
    is_str(buf_cstr(&sent),
           "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n",
           "HEAD: the header of the GET, no body");
}

static void test_no_body(void) {
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {204, "Status: 204 No Content\r\n\r\n"},
        {304, "Status: 304 Not Modified\r\n\r\n"},
        {404, "Status: 404 Not Found\r\nContent-Length: 1\r\n\r\nx"},
        {799, "Status: 799 Unknown\r\nContent-Length: 1\r\n\r\nx"},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        begin(false);
        response.status = cases[i].status;
        ok(response_write(&response, "x", 1), "%d: write", cases[i].status);
        ok(response_finish(&response), "%d: finish", cases[i].status);
        is_str(buf_cstr(&sent), cases[i].text, "%d: what leaves", cases[i].status);
    }
    begin(true);
    response.status = 204;
    ok(response_finish(&response), "HEAD 204");
    is_str(buf_cstr(&sent), "Status: 204 No Content\r\n\r\n", "HEAD 204");
}

/* What was set, before it is sent; NULL: nothing. */
static const char *header_set(const char *name) {
    const struct response_header *h = response.headers;

    while (h != NULL && strcasecmp(h->name, name) != 0)
        h = h->next;
    return h == NULL ? NULL : h->value;
}

static void test_headers(void) {
    static const struct header fixed[] = {
        {"Access-Control-Allow-Origin", "*"}, {"clusto-minify", "fixed"}, {"Content-Length", "99"},
        {"X-Split", "a\r\nSet-Cookie: b"},    {"Bad Name", "x"},          {"", "x"}};

    begin(false);
    response_set_fixed(&response, fixed, COUNT(fixed));
    response_header(&response, "Gone", "1");
    response_header(&response, "Clusto-Minify", "a");
    response_header(&response, "Third", "c\r\nSet-Cookie: evil\r\n\r\n<html>");
    response_header(&response, "Fourth",
                    "a\tb\x01"
                    "c\x7f");
    response_header(&response, "CLUSTO-MINIFY", "b");
    response_header(&response, "gone", NULL);
    response_header(&response, "never-there", NULL);
    response_header(&response, "Status", "500 x");
    response_header(&response, "content-length", "7");
    is_str(header_set("third"), "c", "cut at CR");
    is_str(header_set("Gone"), NULL, "removed");
    ok(response_finish(&response), "finish");
    is_str(buf_cstr(&sent),
           "Status: 200 OK\r\nClusto-Minify: b\r\nThird: c\r\nFourth: a\tb c \r\n"
           "Access-Control-Allow-Origin: *\r\nX-Split: a\r\nContent-Length: 0\r\n\r\n",
           "one line each, in order, own ones before the fixed, nothing injected");

    begin(false);
    response_set_fixed(&response, fixed, 1);
    response.status = 500;
    response_header(&response, "A", "b");
    ok(response_write(&response, "half", 4), "an answer begins");
    response_reset(&response);
    is_int(response.status, 200, "reset: status");
    ok(response_write(&response, "x", 1) && response_finish(&response), "another one");
    is_str(buf_cstr(&sent),
           "Status: 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 1\r\n\r\nx",
           "reset discards all but the fixed headers");
}

/* Writes `total` bytes by `step`; the number that was taken. */
static size_t write_all(size_t total, size_t step) {
    size_t done = 0;

    while (done < total) {
        size_t n = total - done < step ? total - done : step;

        if (!response_write(&response, filler + done % 100000, n))
            break;
        done += n;
    }
    return done;
}

static bool body_is_right(size_t total, size_t step) {
    const char *body = strstr(buf_cstr(&sent), "\r\n\r\n");
    size_t done;

    if (body == NULL || sent.len - (size_t)(body + 4 - sent.data) != total)
        return false;
    for (body += 4, done = 0; done < total; done += step) {
        size_t n = total - done < step ? total - done : step;

        if (memcmp(body + done, filler + done % 100000, n) != 0)
            return false;
    }
    return true;
}

static void test_streaming(void) {
    static const size_t steps[] = {1, 7, 1000, 32767, 32768, 65536, 65537, 100000};
    size_t i;

    begin(false);
    is_int(write_all(RESPONSE_HOLD, 64), RESPONSE_HOLD, "RESPONSE_HOLD bytes are taken");
    ok(!response.started, "and held");
    ok(response_finish(&response) && strstr(buf_cstr(&sent), "Content-Length: 65536\r\n"),
       "with their length");
    for (i = 0; i < COUNT(steps); i++) {
        begin(false);
        is_int(write_all(300000, steps[i]), 300000, "300,000 bytes by %zu", steps[i]);
        ok(response.started, "by %zu: streamed", steps[i]);
        ok(response_finish(&response), "by %zu: finish", steps[i]);
        ok(body_is_right(300000, steps[i]), "by %zu: all of it, in order", steps[i]);
        ok(strstr(buf_cstr(&sent), "Content-Length") == NULL, "by %zu: no length", steps[i]);
        ok(smallest >= 32768, "by %zu: in large pieces (%zu)", steps[i], smallest);
        is_int(response.body_bytes, 300000, "by %zu: counted", steps[i]);
    }
    begin(false);
    ok(response_write(&response, filler, 65537), "one byte too many at once");
    ok(response.started, "starts the answer");
    ok(response_finish(&response) && body_is_right(65537, 65537), "and all arrives");

    begin(false);
    response.hold = true;
    is_int(write_all(300000, 1000), 300000, "a write's answer");
    ok(!response.started && writes == 0, "is held whatever its length");
    ok(response_finish(&response) && strstr(buf_cstr(&sent), "Content-Length: 300000\r\n"),
       "and leaves with its length");
    ok(body_is_right(300000, 1000), "whole");
    begin(false);
    ok(!response.hold, "the next request is not held");
}

static void test_stopping(void) {
    begin(true);
    is_int(write_all(RESPONSE_HOLD, 1024), RESPONSE_HOLD, "HEAD: counts up to RESPONSE_HOLD");
    ok(!response_write(&response, "x", 1), "HEAD: then wants no more");
    ok(response_enough(&response) && !response.failed, "HEAD: which is no failure");
    ok(response_finish(&response), "HEAD: nor at the end");
    is_str(buf_cstr(&sent), "Status: 200 OK\r\n\r\n", "HEAD: header without a length");

    begin(false);
    capacity = 100000;
    ok(write_all(300000, 1000) < 300000, "the client disconnects");
    ok(response.failed && !response.broken && !response_enough(&response), "failed");
    ok(!response_write(&response, "x", 1) && !response_finish(&response), "and stays so");

    begin(false);
    capacity = 10;
    ok(response_write(&response, "x", 1) && !response_finish(&response), "gone before the header");

    begin(false);
    is_int(write_all(100000, 1000), 100000, "a streamed answer");
    response_break(&response);
    ok(response.broken && !response_write(&response, "x", 1), "broken off");
    ok(!response_finish(&response), "has no proper end");
    begin(false);
    ok(!response.broken && !response.failed && !response.started, "the next one is fine");
}

/* --- requests --- */

static const char *asked;

static const char *variable(void *transport, const char *name) {
    (void)transport;
    asked = arena_strdup(arena, name);
    return strcmp(name, "HTTP_CLUSTO_MODE") == 0 ? "compact" : NULL;
}

static void test_request(void) {
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    static const struct {
        const char *given;
        const char *type;
        bool yes;
    } types[] = {
        {"application/json", "application/json", true},
        {" Application/JSON ; charset=utf-8", "application/json", true},
        {"application/json;charset=utf-8", "application/json", true},
        {"application/json charset", "application/json", false},
        {"application/jsonp", "application/json", false},
        {"application/jso", "application/json", false},
        {"", "application/json", false},
        {NULL, "application/json", false},
    };
    struct request request = {.variable = variable};
    char longest[200];
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        ok(request_method_parse(names[i]) == (enum request_method)i, "%s is parsed", names[i]);
        is_str(request_method_name((enum request_method)i), names[i], "%s is named", names[i]);
    }
    ok(request_method_parse("get") == METHOD_OTHER, "methods are case sensitive");
    ok(request_method_parse(NULL) == METHOD_OTHER, "no method");
    is_str(request_method_name(METHOD_OTHER), "OTHER", "the others");
    is_str(request_header(&request, "Clusto-Mode"), "compact", "a header");
    is_str(request_header(&request, "If-None-Match"), NULL, "an absent one");
    is_str(asked, "HTTP_IF_NONE_MATCH", "its variable");
    (void)request_header(&request, "Content-Type");
    is_str(asked, "CONTENT_TYPE", "Content-Type has no prefix");
    (void)request_header(&request, "content-length");
    is_str(asked, "CONTENT_LENGTH", "nor has Content-Length");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    is_str(request_header(&request, longest), NULL, "a name that is too long");
    for (i = 0; i < COUNT(types); i++) {
        request.content_type = types[i].given;
        ok(request_has_type(&request, types[i].type) == types[i].yes, "type of \"%s\"",
           types[i].given ? types[i].given : "(none)");
    }
}

/* --- paths --- */

struct path_case {
    const char *info;
    const char *uri;
    const char *script;
    const char *want; /* "[front]<a><b>" or the name of a result */
};

static const char *show_path(const char *info, const char *uri, const char *script) {
    static const char *const results[] = {"", "EMPTY", "DOTS", "ENCODING", "LIMIT"};
    struct path path;
    const char *shown = "";
    enum path_result result;
    size_t i;

    arena_reset(arena);
    result = path_parse(arena, &(struct path_input){info, uri, script, 8, 64}, &path);
    if (result != PATH_OK)
        return results[result];
    for (i = 0; i < path.front_count; i++)
        shown = arena_printf(arena, "%s[%s]", shown, path.front[i]);
    for (i = 0; i < path.count; i++)
        shown = arena_printf(arena, "%s<%s>", shown, path.segments[i]);
    return shown;
}

static const struct path_case paths[] = {
    /* one side only */
    {"/entity/pool/a", NULL, NULL, "<entity><pool><a>"},
    /* lighttpd shows a control character as "_" */
    {"/by-name/a_b_", "/by-name/a%0Ab%7F", NULL, "<by-name><a\nb\177>"},
    {"/by-name/a_b", "/by-name/aXb", NULL, "<by-name><a_b>"},
    {"/entity/", NULL, NULL, "<entity>"},
    {"/", NULL, NULL, ""},
    {"", NULL, NULL, ""},
    {NULL, NULL, NULL, ""},
    {"/a%2Fb", NULL, NULL, "<a%2Fb>"},
    {"//a/b", NULL, NULL, "<a><b>"},
    {"//a//b", NULL, NULL, "EMPTY"},
    {"/a//", NULL, NULL, "EMPTY"},
    {NULL, "/a/b?x=/y", NULL, "<a><b>"},
    {NULL, "/a/b/?x", NULL, "<a><b>"},
    {NULL, "/a%2Fb/c", NULL, "<a/b><c>"},
    {NULL, "/a%252Fb", NULL, "<a%2Fb>"},
    {NULL, "a%2Fb%20+", NULL, "<a/b +>"},
    {NULL, "%4", NULL, "ENCODING"},
    {NULL, "/a+b", NULL, "<a+b>"},
    {NULL, "/a/../b", NULL, "<b>"},
    {NULL, "/a/%2e%2E/b/.", NULL, "<b>"},
    {NULL, "/../a", NULL, "<a>"},
    {NULL, "/a/..", NULL, ""},
    {NULL, "/...", NULL, "<...>"},
    {NULL, "http://h:80/a/b?c", NULL, "<a><b>"},
    {NULL, "https://h", NULL, ""},
    {NULL, "/a#b", NULL, "<a>"},
    {NULL, "*", NULL, "<*>"},
    {NULL, "", NULL, ""},
    /* SCRIPT_NAME without PATH_INFO */
    {NULL, "/app/a", "/app", "[app]<a>"},
    {NULL, "/application/a", "/app", "<application><a>"},
    {"", "/app", "/app", "[app]"},
    {"", "/app/", "/app/", "[app]"},
    {NULL, "/entity/pool", "/entity/pool", "<entity><pool>"}, /* nginx's stock parameters */
    {NULL, "/a", "", "<a>"},
    /* both: the raw one wins where it says the same */
    {"/entity/pool/a/b", "/entity/pool/a%2Fb", NULL, "<entity><pool><a/b>"},
    {"/entity/pool/a/b", "/entity/pool/a%2fb/", NULL, "<entity><pool><a/b>"},
    {"/entity/pool/a/b/c", "/entity/pool/a%2Fb/c", NULL, "<entity><pool><a/b><c>"},
    {"/entity/pool/a", "/entity/pool/%61", NULL, "<entity><pool><a>"},
    {"/e/\xC3\xA9", "/e/%C3%A9", NULL, "<e><\xC3\xA9>"},
    {"/e/\xC3\xA9", "/e/\xC3\xA9", NULL, "<e><\xC3\xA9>"},
    {"/e/50%", "/e/50%25", NULL, "<e><50%>"},
    {"/e/a?b", "/e/a%3Fb?c", NULL, "<e><a?b>"},
    {"/a/b", "//a/b", NULL, "<a><b>"},
    {"/a/b", "//a///b", NULL, "EMPTY"},
    {"/a/b", "/a//b", NULL, "EMPTY"},
    {"/a//b", "/a//b", NULL, "EMPTY"}, /* lighttpd */
    {"/a/", "/a//", NULL, "EMPTY"},
    {"/", "//", NULL, ""},
    {"/b", "/a/..//b", NULL, "<b>"},
    {"/a", "/a//..", NULL, "EMPTY"},
    {"/entity/a", "/app//entity/a", "/app", "EMPTY"},
    {NULL, "/a//b", NULL, "EMPTY"},
    {"/b", "/a/../b", NULL, "<b>"},
    {"/b/", "/a/../b/.", NULL, "<b>"},
    {"/c/", "/c/%2F", NULL, "<c></>"},
    {"/c/a/", "/c/a%2F", NULL, "<c><a/>"},
    {"/c/a/b", "/c/a%2F%2Fb", NULL, "<c><a//b>"},
    {"/c/a", "/c/%2Fa", NULL, "<c></a>"},
    {"/c/b", "/c/a%2F..%2Fb", NULL, "<c><a/../b>"},
    {"/c/x", "/c/k/..%2Fx", NULL, "<c><k><../x>"},
    {"/c", "/c/a%2F..", NULL, "<c><a/..>"},
    {"/a/b", "/a%2Fb", NULL, "<a/b>"},
    /* both alike */
    {"/by-name/s-1_a.example.org", "/by-name/s-1_a.example.org", "",
     "<by-name><s-1_a.example.org>"},
    {"/a/b", "/a/b?c=/d", NULL, "<a><b>"},
    {"/a/b/", "/a/b/", NULL, "<a><b>"},
    {"/a/b", "/a/bc", NULL, "<a><b>"},
    {"/1/2/3/4/5/6/7/8", "/1/2/3/4/5/6/7/8", NULL, "<1><2><3><4><5><6><7><8>"},
    {"/1/2/3/4/5/6/7/8/9", "/1/2/3/4/5/6/7/8/9", NULL, "LIMIT"},
    {"/012345678901234567890123456789012345678901234567890123456789012",
     "/012345678901234567890123456789012345678901234567890123456789012", NULL,
     "<012345678901234567890123456789012345678901234567890123456789012>"},
    {"/0123456789012345678901234567890123456789012345678901234567890123",
     "/0123456789012345678901234567890123456789012345678901234567890123", NULL, "LIMIT"},
    /* after SCRIPT_NAME */
    {"/entity/a", "/app/entity/a", "/app", "[app]<entity><a>"},
    {"/entity/a/b", "/app/entity/a%2Fb", "/app", "[app]<entity><a/b>"},
    {"/entity/a", "//x/..//app/./entity/a", "/app", "[app]<entity><a>"},
    {"/entity/a", "/app/entity/a", NULL, "[app]<entity><a>"},
    {"/a", "/a/a", "/a", "[a]<a>"},
    {"/", "/app/", "/app", "[app]"},
    {"/", "/app", "/app", "[app]"},
    {"/c/d", "/a/c/d", "/a", "[a]<c><d>"},
    {"/c/d", NULL, "/a/", "[a]<c><d>"},
    {"/c/d", NULL, "/c/d", "<c><d>"},
    /* rewritten by the front server: PATH_INFO */
    {"/entity/a", "/other/b", "/app//x", "[app][x]<entity><a>"},
    {"/entity/a", "/other/b", NULL, "<entity><a>"},
    {"/entity/a", "/entity", NULL, "<entity><a>"},
    {"/entity/a", "/entity/a/b", NULL, "<entity><a>"},
    {"/b", "/x/a%2Fb", NULL, "<b>"},
    {"/entity/../a/./b", "/x", NULL, "<a><b>"},
    /* dots after encoded slashes may not lead to another route */
    {"/a/c/d", "/a%2Fb/..%2fc//d", NULL, "ENCODING"},
    {"/", "/c/..%2F..%2F", NULL, "ENCODING"},
    {"/entity/x", "/pub/..%2Fentity/x", NULL, "ENCODING"},
    {"/entity/x", "/pub%2F..%2Fentity/x", NULL, "<pub/../entity><x>"},
    {"/a/c", "/a%2Fb/../c", NULL, "ENCODING"},
    {"/", "/c/%2F/..", NULL, "ENCODING"},
    /* bytes */
    {"/a", "/%", NULL, "ENCODING"},
    {"/a", "/%4", NULL, "ENCODING"},
    {"/a", "/%zz", NULL, "ENCODING"},
    {NULL, "/a%00b", NULL, "ENCODING"},
    {NULL, "/%ff", NULL, "ENCODING"},
    {"/\xff", NULL, NULL, "ENCODING"},
    {"/\xff", "/a", NULL, "ENCODING"},
    {NULL, "/%ED%A0%80", NULL, "ENCODING"},
    {NULL, "/a?%ff%zz", NULL, "<a>"},
    /* limits: 8 segments, 64 bytes */
    {NULL, "/1/2/3/4/5/6/7/8", NULL, "<1><2><3><4><5><6><7><8>"},
    {NULL, "/1/2/3/4/5/6/7/8/9", NULL, "LIMIT"},
    {"/1/2/3/4/5/6/7/8/9", NULL, NULL, "LIMIT"},
    {"/1/2/3/4/5/6/7/8/9", "/x", NULL, "LIMIT"},
    {"/1/2/3/4/5/6/7/8", "/app/1/2/3/4/5/6/7/8", "/app", "[app]<1><2><3><4><5><6><7><8>"},
    {NULL, "/0123456789012345678901234567890123456789012345678901234567890123456789", NULL,
     "LIMIT"},
    {"/0123456789012345678901234567890123456789012345678901234567890123456789", NULL, NULL,
     "LIMIT"},
};

/* Dots that some front server may have resolved. */
static void test_dots(void) {
    static const struct {
        const char *info;
        const char *uri;
        bool dots;
    } cases[] = {
        {"/a", "/a", false},          {"/a.b/...", "/a.b/...", false}, {"/b", "/a/../b", true},
        {"/a/b", "/a/./b", true},     {"/", "/a/%2E%2E", true},        {"/a", "/a/.%2e", true},
        {"/b", "/%2e/b", true},       {"/a/b", "/a%2F.%2Fb", true},    {"/a", "/a/..%2Fa/", true},
        {"/a/b", "/a/b/.", true},     {"/a/..b", "/a/..b", false},     {"/a", "/a?b=/../c", false},
        {"/a/../b", NULL, true},      {"/a/b", NULL, false},           {NULL, "/a/..", true},
        {"/x/y", "/other/../b", true}};
    struct path path;

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena_reset(arena);
        (void)path_parse(arena, &(struct path_input){cases[i].info, cases[i].uri, NULL, 8, 64},
                         &path);
        ok(path.dots == cases[i].dots, "dots in %s of %s", cases[i].info ? cases[i].info : "(none)",
           cases[i].uri ? cases[i].uri : "(none)");
    }
}

/* Where both are equal there is a fast path; with a fragment after them the slow one is taken, and
 * must give the same result. */
static void test_fast_path(void) {
    char path[24], longer[sizeof(path) + 1], first[256];
    int differ = 0;

    srand(7);
    for (int round = 0; round < 20000; round++) {
        int n = rand() % (int)(sizeof(path) - 2);

        path[0] = '/';
        for (int i = 1; i <= n; i++)
            path[i] = "//..ab-_%+~"[rand() % 11];
        path[n + 1] = '\0';
        snprintf(longer, sizeof(longer), "%s#", path);
        snprintf(first, sizeof(first), "%s", show_path(path, path, NULL));
        if (strcmp(first, show_path(path, longer, NULL)) != 0 && differ++ == 0)
            is_str(first, show_path(path, longer, NULL), "path %s", path);
    }
    is_int(differ, 0, "the fast path gives what the slow one gives");
}

static void test_paths(void) {
    char hostile[4000];
    size_t i;

    for (i = 0; i < COUNT(paths); i++) {
        const struct path_case *c = &paths[i];

        is_str(show_path(c->info, c->uri, c->script), c->want, "path %s of %s after %s",
               c->info ? c->info : "(none)", c->uri ? c->uri : "(none)",
               c->script ? c->script : "(none)");
    }
    for (i = 0; i + 1 < sizeof(hostile); i += 2)
        memcpy(hostile + i, "/a", 2);
    hostile[sizeof(hostile) - 1] = '\0';
    is_str(show_path("/a", hostile, NULL), "LIMIT", "thousands of segments");
    test_dots();
}

/* --- parameters --- */

static const struct params_limits limits = {6, 10, 20};

static const char *show_params(const struct params *params, enum params_result result,
                               const char *message) {
    static const char *const results[] = {"", "ENCODING", "MALFORMED", "LIMIT"};
    const char *shown = "";
    size_t i;

    if (result != PARAMS_OK)
        return message == NULL ? "no message" : results[result];
    for (i = 0; i < params->count; i++)
        shown =
            arena_printf(arena, "%s%s=%s;", shown, params->items[i].name, params->items[i].value);
    return shown;
}

static const char *show_form(const char *text, size_t n) {
    struct params params = {0};
    struct params_target to = {&params, arena, &limits, NULL, 0};
    enum params_result result;
    char *copy = n == 0 ? NULL : malloc(n); /* exact, so that reading on is seen */

    arena_reset(arena);
    if (n > 0)
        memcpy(copy, text, n);
    result = params_add_form(&to, copy, n);
    free(copy);
    return show_params(&params, result, to.message);
}

static void test_forms(void) {
    static const struct {
        const char *text;
        const char *want;
    } forms[] = {
        {"", ""},
        {"a=1", "a=1;"},
        {"a=1&b=2&a=3", "a=1;b=2;a=3;"},
        {"a", "a=;"},
        {"a=", "a=;"},
        {"=a", "=a;"},
        {"=", "=;"},
        {"&&a=1&&", "a=1;"},
        {"a=b=c", "a=b=c;"},
        {"a=1;b=2", "a=1;b=2;"},
        {"a+b=c+d", "a b=c d;"},
        {"a%3Db=%26%2B%25", "a=b=&+%;"},
        {"a=%C3%A9\xC3\xA9", "a=\xC3\xA9\xC3\xA9;"},
        {"a=%", "a=%;"},
        {"a=%1", "a=%1;"},
        {"a%=1", "a%=1;"},
        {"a=%g1", "a=%g1;"},
        {"a=%d.%m.%Y%25", "a=%d.%m.%Y%;"},
        {"a=%00", "ENCODING"},
        {"a=%ff", "ENCODING"},
        {"%ff=a", "ENCODING"},
        {"a=\xff", "ENCODING"},
        {"0123456789=1", "0123456789=1;"},
        {"01234567890=1", "LIMIT"},
        {"a=01234567890123456789", "a=01234567890123456789;"},
        {"a=012345678901234567890", "LIMIT"},
        {"a&a&a&a&a&a", "a=;a=;a=;a=;a=;a=;"},
        {"a&a&a&a&a&a&a", "LIMIT"},
    };
    struct params params = {0};
    struct params_target to = {&params, arena, &limits, NULL, 0};
    const char **all;
    size_t n;
    size_t i;

    for (i = 0; i < COUNT(forms); i++)
        is_str(show_form(forms[i].text, strlen(forms[i].text)), forms[i].want, "form %s",
               quote(arena, forms[i].text));
    is_str(show_form("a=\0b", 4), "ENCODING", "form with a NUL");

    arena_reset(arena);
    (void)params_add_form(&to, "a=1&b=2", 7);
    (void)params_add_form(&to, "a=3&c=4", 7);
    is_int(params.count, 4, "query and body together");
    ok(strcmp(params.items[1].value, "2") == 0 && strcmp(params.items[2].value, "3") == 0,
       "in the order sent");
    is_str(params_last(&params, "a"), "3", "the last one wins");
    is_str(params_last(&params, "d"), NULL, "one that is not there");
    all = params_all(&params, arena, "a", &n);
    ok(n == 2 && strcmp(all[0], "1") == 0 && strcmp(all[1], "3") == 0, "all of one name");
    (void)params_all(&params, arena, "d", &n);
    is_int(n, 0, "none of a name");
    (void)params_add_form(&to, "x=%ff", 5);
    is_str(to.message, "Parameter 'x' is not valid UTF-8 or has a NUL", "the message names it");
}

#define MP   "multipart/form-data; boundary=X"
#define PART "Content-Disposition: form-data; name="

static const struct {
    const char *type;
    const char *body;
    const char *want;
} multiparts[] = {
    {MP, "--X\r\n" PART "a\r\n\r\n1\r\n--X--\r\n", "a=1;"},
    {MP, "--X\r\n" PART "\"a\"\r\n\r\n1\r\n--X\r\n" PART "\"b\"\r\n\r\n2\r\n--X--", "a=1;b=2;"},
    {"multipart/form-data; charset=utf-8; boundary=\"a b\"",
     "--a b\r\n" PART "a\r\n\r\n1\r\n--a b--\r\n", "a=1;"},
    {"Multipart/Form-Data;BOUNDARY=X;x", "--X\r\n" PART "a\r\n\r\n1\r\n--X--", "a=1;"},
    {MP, "preamble\r\n--X \t\r\n" PART "a\r\n\r\n1\r\n--X-- \r\nepilogue\r\n--X\r\n", "a=1;"},
    {MP, "--X\r\n" PART "a\r\n\r\n\r\n--X--", "a=;"},
    {MP, "--X\r\n" PART "a\r\n\r\n--X--", "a=;"},
    {MP, "--X\r\n" PART "a\r\n\r\n1\r\n2\r\n\r\n--X--", "a=1\r\n2\r\n;"},
    {MP, "--X\r\n" PART "a\r\n\r\n--Y\r\n-X\r\n --X\r\n--X--", "a=--Y\r\n-X\r\n --X;"},
    {MP, "--X\r\n" PART "a\r\n\r\n1\r\n--Xy\r\n\r\n--X--", "a=1\r\n--Xy\r\n;"},
    {MP, "--X\r\n" PART "a\r\n\r\n1\r\r\n--X--", "a=1\r;"},
    {MP, "--X\r\n" PART "\"a\\\"b\\\\c\\d\"\r\n\r\n1\r\n--X--", "a\"b\\c\\d=1;"},
    {MP, "--X\r\n" PART "\"a;b=c\"; filename=\"f;name=x\"\r\n\r\n1\r\n--X--", "a;b=c=1;"},
    {MP, "--X\r\nContent-Disposition: form-data; filename=\"name=x\"; name=a\r\n\r\n1\r\n--X--",
     "a=1;"},
    {MP,
     "--X\r\ncontent-type: "
     "text/plain\r\nCONTENT-DISPOSITION:Form-Data;NAME=\"a\"\r\n\r\n1\r\n--X--",
     "a=1;"},
    {MP, "--X\r\n" PART "\"\"\r\n\r\n1\r\n--X--", "=1;"},
    {MP, "--X\r\n" PART "a\r\nContent-Transfer-Encoding: 8bit\r\n\r\n1\r\n--X--", "a=1;"},
    {MP, "--X\r\n" PART "\xC3\xA9\r\n\r\n\xC3\xA9\r\n--X--", "\xC3\xA9=\xC3\xA9;"},
    {MP, "--X--", ""},
    {MP, "--X--\r\n", ""},
    {MP, "", "MALFORMED"},
    {MP, "x", "MALFORMED"},
    {MP, "--X", "MALFORMED"},
    {MP, "--X\r\n", "MALFORMED"},
    {MP, "--X\r\n\r\n--X--", "MALFORMED"},
    {MP, "--X\r\n--X--", "MALFORMED"},
    {MP, "--X\r\n" PART "a\r\n\r\n1\r\n", "MALFORMED"},
    {MP, "--X\r\n" PART "a\r\n\r\n1\r\n--X", "MALFORMED"},
    {MP, "--X\r\n" PART "a\r\n\r\n1--X--", "MALFORMED"},
    {MP, "--X\r\n" PART "a\r\n\r\n1\n--X--", "MALFORMED"},
    {MP, "--X\n" PART "a\n\n1\n--X--", "MALFORMED"},
    {MP, "--X\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--X--", "MALFORMED"},
    {MP, "--X\r\nContent-Disposition: form-data\r\n\r\n1\r\n--X--", "MALFORMED"},
    {MP, "--X\r\n" PART "\"a\r\n\r\n1\r\n--X--", "MALFORMED"},
    {MP, "--X\r\nContent-Type: text/plain\r\n\r\n1\r\n--X--", "MALFORMED"},
    {MP, "--X\r\n" PART "a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--X--", "MALFORMED"},
    {"multipart/form-data", "--X--", "MALFORMED"},
    {"multipart/form-data; boundary=", "--X--", "MALFORMED"},
    {"multipart/form-data; boundary=\"", "--X--", "MALFORMED"},
    {"multipart/form-data; boundary=\"X", "--X--", "MALFORMED"},
    {"multipart/form-data; boundary", "--X--", "MALFORMED"},
    {"multipart/form-data; xboundary=X", "--X--", "MALFORMED"},
    {"multipart/form-data; boundary=\"X \"", "--X--", "MALFORMED"},
    {"multipart/form-data; boundary="
     "12345678901234567890123456789012345678901234567890123456789012345678901",
     "--", "MALFORMED"},
    {MP, "--X\r\n" PART "a\r\n\r\n\xff\r\n--X--", "ENCODING"},
    {MP, "--X\r\n" PART "\xff\r\n\r\n1\r\n--X--", "ENCODING"},
    {MP, "--X\r\n" PART "01234567890\r\n\r\n1\r\n--X--", "LIMIT"},
    {MP, "--X\r\n" PART "a\r\n\r\n012345678901234567890\r\n--X--", "LIMIT"},
};

static const char *show_multipart(const char *type, const char *body, size_t n) {
    struct params params = {0};
    struct params_target to = {&params, arena, &limits, NULL, 0};
    enum params_result result;
    char *copy = n == 0 ? NULL : malloc(n);

    arena_reset(arena);
    if (n > 0)
        memcpy(copy, body, n);
    result = params_add_multipart(&to, type, copy, n);
    free(copy);
    return show_params(&params, result, to.message);
}

static void test_multiparts(void) {
    static const char whole[] =
        "--X\r\n" PART "\"a\"\r\n\r\n1\r\n--X\r\n" PART "b\r\n\r\n2\r\n--X--";
    static const char nul[] = "--X\r\n" PART "a\r\n\r\n\0\r\n--X--";
    struct buf many;
    size_t i;
    int bad = 0;

    for (i = 0; i < COUNT(multiparts); i++)
        is_str(show_multipart(multiparts[i].type, multiparts[i].body, strlen(multiparts[i].body)),
               multiparts[i].want, "multipart %zu", i);
    is_str(show_multipart(MP, nul, sizeof(nul) - 1), "ENCODING", "multipart with a NUL");
    for (i = 0; i < sizeof(whole) - 1; i++)
        bad += strcmp(show_multipart(MP, whole, i), "MALFORMED") != 0;
    is_int(bad, 0, "cut anywhere it is malformed");
    buf_init(&many, 0);
    for (i = 0; i < 7; i++)
        buf_adds(&many, "--X\r\n" PART "a\r\n\r\n1\r\n");
    buf_adds(&many, "--X--");
    is_str(show_multipart(MP, many.data, many.len), "LIMIT", "too many parts");
    buf_clear(&many);
    for (i = 0; i < 100000; i++)
        buf_adds(&many, "\r\n--");
    is_str(show_multipart(MP, many.data, many.len), "MALFORMED", "nearly a boundary, very often");
    buf_clear(&many);
    buf_adds(&many, "--X\r\n" PART "a");
    for (i = 0; i < 20000; i++)
        buf_adds(&many, "; b=\"\"");
    buf_adds(&many, "\r\n\r\n1\r\n--X--");
    arena_reset(arena);
    (void)show_multipart(MP, many.data, many.len);
    ok(arena_used(arena) < 10 * many.len, "many quoted strings take memory in proportion");
    buf_release(&many);
}

/* --- pages --- */

static bool parse_page(const char *number, const char *per_page, const char *after,
                       struct page *page) {
    page->per_page = 50;
    return page_parse(arena, number, per_page, after, page).rc == RC_OK;
}

static void test_pages(void) {
    static const struct {
        const char *page;
        const char *per_page;
        const char *want; /* "number/per_page" or the message */
    } cases[] = {
        {NULL, NULL, "0/50"},
        {"0", NULL, "0/50"},
        {"3", "10", "3/10"},
        {" +3 ", "\t007", "3/7"},
        {"0", "10", "0/10"},
        {NULL, "10", "Clusto-Per-Page needs a Clusto-Page, or Clusto-After: 0"},
        {"2147483647", "2147483647", "2147483647/2147483647"},
        {"x", NULL, "invalid literal for int() with base 10: 'x'"},
        {"", NULL, "invalid literal for int() with base 10: ''"},
        {"1.5", NULL, "invalid literal for int() with base 10: '1.5'"},
        {NULL, "it's", "invalid literal for int() with base 10: \"it's\""},
        {"\xff\n", NULL, "invalid literal for int() with base 10: '\\xff\\n'"},
        {"-1", NULL, "Clusto-Page must be from 0 to 2147483647, not '-1'"},
        {"2147483648", NULL, "Clusto-Page must be from 0 to 2147483647, not '2147483648'"},
        {"99999999999999999999", NULL,
         "Clusto-Page must be from 0 to 2147483647, not '99999999999999999999'"},
        {"1", "0", "Clusto-Per-Page must be from 1 to 2147483647, not '0'"},
        {"1", "-5", "Clusto-Per-Page must be from 1 to 2147483647, not '-5'"},
    };
    struct page page = {.number = 1, .per_page = 50};
    struct verdict v;
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *got;

        page.per_page = 50;
        v = page_parse(arena, cases[i].page, cases[i].per_page, NULL, &page);
        if (v.rc == RC_OK)
            got =
                arena_printf(arena, "%lld/%lld", (long long)page.number, (long long)page.per_page);
        else
            got = v.message;
        is_str(got, cases[i].want, "page %zu", i);
    }
    ok(parse_page(NULL, "10000", "0", &page) && page.keyset && page.after == 0,
       "a cursor for the first page");
    ok(parse_page("0", NULL, "2147483647", &page) && page.after == INT32_MAX,
       "the last cursor there may be");
    ok(!parse_page("1", NULL, "5", &page), "not beside a page");
    ok(!parse_page(NULL, "10001", "5", &page), "not with too large a page");
    ok(!parse_page(NULL, NULL, "2147483648", &page), "beyond it");
    ok(!parse_page(NULL, NULL, "", &page), "an empty cursor");
    page = (struct page){.number = 1, .per_page = 50};
    is_int(page_count(&page, 0), 0, "no pages");
    is_int(page_count(&page, 1), 1, "one begun");
    is_int(page_count(&page, 50), 1, "one full");
    is_int(page_count(&page, 51), 2, "a second one");
    is_int(page_count(&page, INT64_MAX), INT64_MAX / 50 + 1, "very many");
}

/* --- small ones --- */

static void test_quote(void) {
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", "''"},
        {"a", "'a'"},
        {"it's", "\"it's\""},
        {"\"", "'\"'"},
        {"'\"", "'\\'\"'"},
        {"a\\b", "'a\\\\b'"},
        {"\t\n\r\x01\x7f", "'\\t\\n\\r\\x01\\x7f'"},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "'\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80'"},
        {"\xff\xC3", "'\\xff\\xc3'"},
        {"\xC2\x85", "'\\x85'"},
        {"\xED\xA0\x80", "'\\xed\\xa0\\x80'"},
    };
    char text[400];
    const char *got;
    size_t i;

    for (i = 0; i < COUNT(cases); i++)
        is_str(quote(arena, cases[i].text), cases[i].want, "quote %zu", i);
    is_str(quote_bytes(arena, "a\0b", 3), "'a\\x00b'", "a NUL is quoted");
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text + QUOTE_LIMIT - 1, "\xC3\xA9", 2);
    got = quote(arena, text);
    is_int(strlen(got), QUOTE_LIMIT - 1 + 5, "a long text is cut between characters");
    is_str(got + QUOTE_LIMIT - 2, "aa'...", "and says so");
}

static void test_percent(void) {
    char out[16];
    size_t n = 0;

    ok(percent_decode("a%41%2f+", 8, false, out, &n), "decoded");
    is_mem(out, n, "aA/+", 4, "plus stays");
    ok(percent_decode("a+%00b", 6, true, out, &n), "decoded as a form");
    is_mem(out, n, "a \0b", 4, "plus is a space, NUL is for others to judge");
    ok(!percent_decode("%", 1, false, out, &n) && !percent_decode("%a", 2, false, out, &n) &&
           !percent_decode("%ag", 3, false, out, &n) && !percent_decode("%41", 2, false, out, &n),
       "broken escapes");
    ok(percent_decode("%%41%4", 6, true, out, &n), "broken escapes of a form");
    is_mem(out, n, "%A%4", 4, "stay as they are");
}

int main(void) {
    size_t i;

    for (i = 0; i < sizeof(filler); i++)
        filler[i] = (char)('a' + i * 7 % 26);
    arena = arena_new();
    buf_init(&sent, 0);
    test_small_answer();
    test_no_body();
    test_headers();
    test_streaming();
    test_stopping();
    test_request();
    test_paths();
    test_fast_path();
    test_forms();
    test_multiparts();
    test_pages();
    test_quote();
    test_percent();
    buf_release(&sent);
    response_release(&response);
    arena_free(&arena);
    return done_testing();
}
