/* request.c: fuzz target of the whole program: requests as text to dispatch(), with a database. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/percent.h"
#include "server/cache.h"
#include "server/config.h"
#include "server/dispatch.h"

#include "fuzz.h"

/* Between two requests of one input. */
#define SEPARATOR '\x1e'

enum { VARIABLES = 40 };

/* A request in memory, and the answer to it. */
struct memory {
    const char *names[VARIABLES];
    const char *values[VARIABLES];
    size_t count;
    const char *body;
    size_t left;
    struct buf answer;
};

/* --- the transport --- */

static const char *variable(void *context, const char *name) {
    const struct memory *m = context;

    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->names[i], name) == 0)
            return m->values[i];
    return NULL;
}

static size_t variable_count(void *context, const char *name) {
    const struct memory *m = context;
    size_t count = 0;

    for (size_t i = 0; i < m->count; i++)
        count += strcmp(m->names[i], name) == 0;
    return count;
}

static long read_body(void *context, char *bytes, size_t n) {
    struct memory *m = context;

    if (n > m->left)
        n = m->left;
    memcpy(bytes, m->body, n);
    m->body += n;
    m->left -= n;
    return (long)n;
}

static bool write_answer(void *context, const char *bytes, size_t n) {
    struct memory *m = context;

    buf_add(&m->answer, bytes, n);
    return true;
}

/* --- from text to a request --- */

static void set(struct memory *m, const char *name, const char *value) {
    if (m->count == VARIABLES)
        return;
    m->names[m->count] = name;
    m->values[m->count++] = value;
}

/* The next line without its end. */
static const char *take_line(struct input *in) {
    const char *end = in->left > 0 ? memchr(in->at, '\n', in->left) : NULL;
    size_t n = end != NULL ? (size_t)(end - in->at) : in->left;
    char *line = arena_strndup(in->arena, in->at, n);

    in->at += n + (end != NULL);
    in->left -= n + (end != NULL);
    if (n > 0 && line[n - 1] == '\r')
        line[n - 1] = '\0';
    return line;
}

/* Content-Type is CONTENT_TYPE, others HTTP_SOMETHING, as front servers have it; one that is in
 * capitals already is a variable. */
static const char *variable_name(struct arena *arena, const char *header, size_t n) {
    char *name = arena_strndup(arena, header, n);
    bool plain = strcspn(name, "abcdefghijklmnopqrstuvwxyz") == n ||
                 strcasecmp(name, "Content-Type") == 0 || strcasecmp(name, "Content-Length") == 0;

    for (char *p = name; *p != '\0'; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    return plain ? name : arena_printf(arena, "HTTP_%s", name);
}

static void read_target(struct memory *m, struct arena *arena, const char *target) {
    size_t n = strcspn(target, "?"), length;
    char *info = arena_alloc(arena, n + 1);

    if (!percent_decode(target, n, false, info, &length))
        memcpy(info, target, n);
    set(m, "REQUEST_URI", target);
    set(m, "PATH_INFO", info);
    set(m, "QUERY_STRING", target[n] == '?' ? target + n + 1 : "");
}

/* "GET /path?query", headers, an empty line, the body. Headers come first, so that one that names
 * a variable wins over the line. */
static void read_request(struct memory *m, struct input *in) {
    char *line = arena_strdup(in->arena, take_line(in));
    char *space = strchr(line, ' ');
    const char *header;

    while (*(header = take_line(in)) != '\0') {
        size_t n = strcspn(header, ":");

        if (header[n] == ':')
            set(m, variable_name(in->arena, header, n), header + n + 1 + (header[n + 1] == ' '));
    }
    if (space != NULL)
        *space = '\0';
    set(m, "REQUEST_METHOD", line);
    read_target(m, in->arena, space != NULL ? space + 1 : "/");
    m->body = take_rest(in, &m->left);
    set(m, "CONTENT_LENGTH", arena_printf(in->arena, "%zu", m->left));
}

/* --- from bytes to an answer --- */

struct answer {
    int status;
    const char *type;
    const char *length;
    const char *body;
    size_t body_length;
};

static struct answer read_answer(struct arena *arena, const struct buf *bytes) {
    struct input in = {.arena = arena, .at = bytes->data, .left = bytes->len};
    struct answer answer = {0};
    const char *line;

    PROMISE(bytes->len > 12 && memcmp(bytes->data, "Status: ", 8) == 0);
    PROMISE(count_characters(bytes->data,
                             (size_t)(strstr(bytes->data, "\r\n\r\n") - bytes->data)) != SIZE_MAX);
    answer.status = (int)strtol(bytes->data + 8, NULL, 10);
    while (*(line = take_line(&in)) != '\0') {
        PROMISE(strchr(line, ':') != NULL);
        for (const char *p = line; *p != '\0'; p++)
            PROMISE((unsigned char)*p >= 0x20 && *p != 0x7f);
        if (strncasecmp(line, "Content-Type: ", 14) == 0)
            answer.type = line + 14;
        if (strncasecmp(line, "Content-Length: ", 16) == 0)
            answer.length = line + 16;
    }
    answer.body = take_rest(&in, &answer.body_length);
    return answer;
}

static void promise_body(const struct answer *a) {
    if (a->length != NULL)
        PROMISE(strtoull(a->length, NULL, 10) == a->body_length);
    if (a->body_length == 0)
        return;
    PROMISE(a->type != NULL && a->status != 204 && a->status != 304);
    if (strcmp(a->type, "application/json") == 0)
        PROMISE(is_json(a->body, a->body_length));
    else
        PROMISE(a->status < 400 && count_characters(a->body, a->body_length) != SIZE_MAX);
    /* A message, or /by-names that found none of them, or which operation failed. */
    if (a->status >= 400)
        PROMISE(a->body[0] == '"' || (a->status == 404 && a->body[0] == '[') || a->body[0] == '{');
}

static void promise_answer(const struct answer *a, bool head) {
    static const int known[] = {200, 201, 202, 204, 206, 304, 400, 401, 403, 404,
                                405, 408, 409, 410, 412, 413, 414, 415, 422, 507};
    size_t i = 0;

    while (i < sizeof(known) / sizeof(known[0]) && known[i] != a->status)
        i++;
    PROMISE(i < sizeof(known) / sizeof(known[0]));
    if (head)
        PROMISE(a->body_length == 0);
    else
        promise_body(a);
}

/* A token can't be guessed: those in the database end in 64 times "0" (see 90-fuzz.t). */
static void promise_token(struct memory *m, int status) {
    static const char zeros[] = "_0000000000000000000000000000000000000000000000000000000000000000";
    const char *text = variable(m, "HTTP_AUTHORIZATION");

    if (text == NULL || strncasecmp(text, "Bearer", 6) != 0 || (text[6] != ' ' && text[6] != '\0'))
        return;
    PROMISE(status >= 400 || strstr(text, zeros) != NULL ||
            strcmp(variable(m, "REQUEST_METHOD"), "OPTIONS") == 0);
}

static void to_stderr(const char *line) {
    fprintf(stderr, "%s\n", line);
}

static struct exchange *get_exchange(void) {
    const char *const file = getenv("MUSTER_FUZZ_CONF");
    static struct worker_state worker;
    static struct exchange *x;
    struct settings *settings;

    if (x != NULL)
        return x;
    settings = config_load(&file, 1, to_stderr);
    PROMISE(settings != NULL);
    worker_state_init(&worker, settings, cache_new(1 << 20), NULL);
    PROMISE(store_connect(worker.store) == RC_OK);
    x = exchange_new(&worker);
    return x;
}

static void answer_request(struct input in) {
    struct memory m = {0};
    const struct transport transport = {.variable = variable,
                                        .read = read_body,
                                        .out = {.write = write_answer, .context = &m},
                                        .client_fd = -1,
                                        .context = &m,
                                        .variable_count = variable_count};
    struct answer answer;
    bool drained;

    read_request(&m, &in);
    buf_init(&m.answer, 0);
    PROMISE(dispatch(get_exchange(), &transport, &drained));
    answer = read_answer(in.arena, &m.answer);
    if (getenv("MUSTER_FUZZ_SHOW") != NULL)
        fprintf(stderr, "%s\n\n", m.answer.data);
    promise_token(&m, answer.status);
    promise_answer(&answer, strcmp(variable(&m, "REQUEST_METHOD"), "HEAD") == 0);
    buf_release(&m.answer);
}

void fuzz_request(struct input *in) {
    while (in->left > 0) {
        const char *end = memchr(in->at, SEPARATOR, in->left);
        size_t n = end != NULL ? (size_t)(end - in->at) : in->left;
        struct input one = {.arena = in->arena, .at = in->at, .left = n};

        answer_request(one);
        in->at += n + (end != NULL);
        in->left -= n + (end != NULL);
    }
}
