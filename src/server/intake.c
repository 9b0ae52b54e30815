/* intake.c: from a transport's variables and bytes to a typed request. */
#include "server/intake.h"

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/num.h"
#include "base/utf8.h"
#include "server/worker_state.h"

enum { READ_SIZE = 16384, ID_MAX = 64, IDENTITY_MAX = 255 };

static const char *variable(const struct request *request, const char *name) {
    return request->variable(request->transport, name);
}

/* Letters, digits and "._-". (strspn() makes a table each time.) */
static bool id_fits(const char *id) {
    size_t n = 0;

    while (n <= ID_MAX &&
           ((unsigned char)((id[n] | 0x20) - 'a') < 26 || (unsigned char)(id[n] - '0') < 10 ||
            (id[n] >= '-' && id[n] <= '.') || id[n] == '_'))
        n++;
    return n > 0 && n <= ID_MAX && id[n] == '\0';
}

/* The trace id of a traceparent (W3C Trace Context, section 3.2): 32 digits, not all of them 0.
 * NULL: not valid. */
static const char *trace_id(struct arena *arena, const char *parent) {
    static const char digits[] = "0123456789abcdef";
    const char *id;

    if (parent == NULL || strspn(parent, digits) != 2 || strncmp(parent, "ff", 2) == 0 ||
        parent[2] != '-')
        return NULL;
    id = parent + 3;
    if (strspn(id, digits) != 32 || strspn(id, "0") == 32 || id[32] != '-' ||
        strspn(id + 33, digits) != 16 || id[49] != '-' || strspn(id + 50, digits) != 2)
        return NULL;
    if (id[52] != '\0' && (id[52] != '-' || strncmp(parent, "00", 2) == 0))
        return NULL; /* only later versions may have more */
    return arena_strndup(arena, id, 32);
}

/* The client's request id, its trace id, the front server's (REQUEST_ID), or a new one. */
static const char *request_id(struct worker_state *w, const struct request *request) {
    const char *const given[] = {variable(request, "HTTP_X_REQUEST_ID"),
                                 trace_id(request->arena, variable(request, "HTTP_TRACEPARENT")),
                                 variable(request, "REQUEST_ID")};
    char room[NUM_DIGITS];

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        if (given[i] != NULL && id_fits(given[i]))
            return given[i];
    return arena_join(request->arena,
                      (const char *[]){w->id_prefix, num_text(room, w->requests, 16), NULL});
}

void intake_begin(struct worker_state *w, struct arena *arena, const struct transport *transport,
                  struct request *request) {
    const char *text;

    *request = (struct request){.arena = arena,
                                .variable = transport->variable,
                                .variable_count = transport->variable_count,
                                .transport = transport->context,
                                .body = ""};
    w->requests++;
    text = variable(request, "REQUEST_METHOD");
    request->method_text = text != NULL ? text : "";
    request->method = request_method_parse(request->method_text);
    text = variable(request, "REQUEST_URI");
    if (text == NULL || *text == '\0')
        text = variable(request, "PATH_INFO");
    request->target = text != NULL && *text != '\0' ? text : "/";
    text = variable(request, "QUERY_STRING");
    request->query = text != NULL ? text : "";
    text = variable(request, "CONTENT_TYPE");
    request->content_type = text != NULL ? text : "";
    request->id = request_id(w, request);
}

enum path_result intake_path(const struct settings *settings, struct request *request) {
    const struct path_input input = {.path_info = variable(request, "PATH_INFO"),
                                     .request_uri = variable(request, "REQUEST_URI"),
                                     .script_name = variable(request, "SCRIPT_NAME"),
                                     .max_segments = (size_t)settings->max_path_segments,
                                     .max_bytes = (size_t)settings->max_path_bytes};
    enum path_result result = path_parse(request->arena, &input, &request->path);

    if (result == PATH_OK && request->path.dots && !request_is_read(request))
        return PATH_DOTS;
    return result;
}

/* Content-Length, -1 if the front server did not send one; false: malformed. */
static bool announced(const struct request *request, int64_t *length) {
    const char *text = variable(request, "CONTENT_LENGTH");

    *length = -1;
    return text == NULL || *text == '\0' ||
           num_parse_range(text, 0, INT64_MAX, length) != NUM_MALFORMED;
}

bool intake_has_body(const struct request *request) {
    int64_t length;

    return !announced(request, &length) || length > 0;
}

enum body_result intake_body(struct buf *body, const struct transport *transport,
                             struct request *request) {
    char bytes[READ_SIZE];
    int64_t length;
    long n;

    buf_clear(body);
    if (!announced(request, &length))
        return BODY_MALFORMED;
    if (length > (int64_t)body->limit)
        return BODY_TOO_LARGE;
    while ((n = transport->read(transport->context, bytes, sizeof(bytes))) > 0) {
        buf_add(body, bytes, (size_t)n);
        if (body->failed)
            return BODY_TOO_LARGE;
    }
    if (n < 0)
        return BODY_TIMEOUT;
    if (length >= 0 && body->len < (size_t)length)
        return BODY_TRUNCATED;
    request->body = buf_cstr(body);
    request->body_length = body->len;
    return BODY_OK;
}

static long fail_stream(struct request_stream *stream, int status, const char *error) {
    stream->status = status;
    stream->error = error;
    return -1;
}

static long read_stream(struct request_stream *stream, char *bytes, size_t n) {
    struct intake_stream *s = (struct intake_stream *)stream; /* whose first member it is */
    long got;

    if (stream->ended || stream->error)
        return stream->error ? -1 : 0;
    got = s->transport->read(s->transport->context, bytes, n);
    if (got < 0)
        return fail_stream(stream, 408, "The body did not arrive in time.");
    stream->count += got;
    stream->ended = got == 0;
    if (stream->count > s->limit)
        return fail_stream(stream, 413, "The body is larger than import_limit allows.");
    if (got == 0 && stream->count < stream->length)
        return fail_stream(stream, 400, "The body is shorter than its Content-Length.");
    return got;
}

enum body_result intake_stream(struct intake_stream *s, const struct transport *transport,
                               struct request *request, int64_t limit) {
    *s = (struct intake_stream){
        .stream = {.read = read_stream}, .transport = transport, .limit = limit};
    if (!announced(request, &s->stream.length))
        return BODY_MALFORMED;
    if (s->stream.length > limit)
        return BODY_TOO_LARGE;
    if (transport->read_pieces)
        transport->read_pieces(transport->context);
    request->stream = &s->stream;
    return BODY_OK;
}

const char *intake_identity(const struct transport *transport, const char *param,
                            const char **who) {
    const char *text = transport->variable(transport->context, param);

    *who = NULL;
    if (transport->variable_count != NULL &&
        transport->variable_count(transport->context, param) > 1)
        return "The identity was given more than once.";
    if (text == NULL || *text == '\0')
        return NULL;
    if (strncmp(param, "HTTP_", 5) == 0 && strchr(text, ',') != NULL)
        return "The identity was given more than once.";
    if (strlen(text) > IDENTITY_MAX || !utf8_valid(text, strlen(text)) || utf8_has_control(text))
        return "The identity must be at most 255 bytes of UTF-8 without control characters.";
    *who = text;
    return NULL;
}
