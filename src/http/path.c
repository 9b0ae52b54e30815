/* path.c: a request's path as decoded segments, whatever the front server did to it. */
#include "http/path.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/utf8.h"
#include "http/percent.h"

/* Front servers decode, merge slashes and resolve dots before they make PATH_INFO, so that in it an
 * encoded slash looks like any other. REQUEST_URI still tells them apart. A *piece* here is what is
 * between two slashes once everything is decoded; a *segment* is what is between two slashes as the
 * client sent it, and has no piece (a lone %2F), one, or several. */

/* REQUEST_URI may have SCRIPT_NAME before PATH_INFO: this many more segments are read. */
#define SCRIPT_SEGMENTS 32

/* The path of a raw request URI. */
struct raw {
    const char **segments; /* decoded */
    size_t count;
    size_t bytes;  /* of the segments, each with a slash */
    bool encoded;  /* a segment has an encoded slash */
    bool reversed; /* a ".." segment went back over one that has an encoded slash */
    bool empty;    /* an empty segment follows another one */
    bool dots;     /* a piece is "." or ".." */
};

/* --- decoded text --- */

static bool is_dots(const char *at, size_t n) {
    return n > 0 && n <= 2 && at[0] == '.' && at[n - 1] == '.';
}

bool path_has_dots(const char *text) {
    size_t n;

    for (; *text != '\0'; text += n + (text[n] == '/')) {
        n = strcspn(text, "/");
        if (is_dots(text, n))
            return true;
    }
    return false;
}

/* Writes the pieces of a decoded text as front servers do, "/a/b": empty ones and "." are dropped,
 * ".." takes the last one away. `out` has room for its length and two bytes more. */
static const char *resolve(char *out, const char *text) {
    char *end = out;

    while (*text != '\0') {
        size_t n = strcspn(text, "/");

        if (n > 0 && !is_dots(text, n)) {
            *end++ = '/';
            end = mempcpy(end, text, n);
        } else if (n == 2) {
            end = end == out ? out : memrchr(out, '/', (size_t)(end - out));
        }
        text += n + (text[n] == '/');
    }
    *end = '\0';
    return out;
}

static const char *resolved(struct arena *arena, const char *text) {
    return text == NULL ? "" : resolve(arena_alloc(arena, strlen(text) + 2), text);
}

/* Splits "/a/b" in a copy. */
static const char **split(struct arena *arena, const char *text, size_t *count) {
    char *copy = arena_strdup(arena, text);
    const char **segments = arena_array(arena, strlen(text) / 2 + 1, sizeof(*segments));

    for (*count = 0; *copy == '/'; (*count)++) {
        *copy++ = '\0';
        segments[*count] = copy;
        copy += strcspn(copy, "/");
    }
    return segments;
}

/* What follows in `shown` after what a front server makes of `sent`; NULL: it begins otherwise.
 * lighttpd puts "_" for a control character. */
static const char *after(const char *shown, const char *sent) {
    for (; *sent != '\0'; shown++, sent++) {
        unsigned char c = (unsigned char)*sent;

        if (*shown != *sent && !(*shown == '_' && (c < 0x20 || c == 0x7f)))
            return NULL;
    }
    return shown;
}

static bool is_shown(const char *shown, const char *sent) {
    const char *rest = after(shown, sent);

    return rest != NULL && *rest == '\0';
}

static bool begins_with(const char *shown, const char *sent) {
    const char *rest = after(shown, sent);

    return rest != NULL && (*rest == '\0' || *rest == '/');
}

/* --- the raw path --- */

/* After scheme and host of the absolute form (RFC 9112 section 3.2.2). */
static const char *skip_authority(const char *uri) {
    const char *p = uri + strcspn(uri, ":/?#");

    if (*uri == '/' || strncmp(p, "://", 3) != 0)
        return uri;
    return p + 3 + strcspn(p + 3, "/?#");
}

static const char *decode(struct arena *arena, const char *text, size_t n) {
    char *out = arena_alloc(arena, n + 1);
    size_t length;

    return percent_decode(text, n, false, out, &length) && utf8_valid(out, length) ? out : NULL;
}

/* Adds a decoded segment; whole dot segments are resolved at once. */
static void add_segment(struct raw *raw, const char *segment) {
    size_t n = strlen(segment);

    raw->dots = raw->dots || path_has_dots(segment);
    if (!is_dots(segment, n)) {
        raw->encoded = raw->encoded || strchr(segment, '/') != NULL;
        raw->bytes += n + 1;
        raw->segments[raw->count++] = segment;
    } else if (n == 2 && raw->count > 0) {
        segment = raw->segments[--raw->count];
        raw->bytes -= strlen(segment) + 1;
        raw->reversed = raw->reversed || strchr(segment, '/') != NULL;
    }
}

static enum path_result read_raw(struct arena *arena, const struct path_input *in,
                                 struct raw *raw) {
    const char *p = skip_authority(in->request_uri);
    const char *end = p + strcspn(p, "?#");
    size_t most = in->max_segments + SCRIPT_SEGMENTS, n;

    if ((size_t)(end - p) / 3 > in->max_bytes)
        return PATH_LIMIT;
    raw->segments = arena_array(arena, most + 1, sizeof(*raw->segments));
    for (; p < end; p += n + (p + n < end)) {
        const char *segment;

        n = strcspn(p, "/?#");
        if (n == 0) {
            raw->empty = raw->empty || raw->count > 0;
            continue;
        }
        segment = decode(arena, p, n);
        if (segment == NULL)
            return PATH_ENCODING;
        add_segment(raw, segment);
        if (raw->count > most)
            return PATH_LIMIT;
    }
    return PATH_OK;
}

/* --- which of the two counts --- */

/* The raw segments from `front` on. */
static enum path_result take_raw(const struct path_input *in, const struct raw *raw, size_t front,
                                 struct path *out) {
    out->front = raw->segments;
    out->front_count = front;
    out->segments = raw->segments + front;
    out->count = raw->count - front;
    return out->count > in->max_segments || raw->bytes > in->max_bytes ? PATH_LIMIT : PATH_OK;
}

/* How many segments SCRIPT_NAME takes of the front. Without any PATH_INFO, a SCRIPT_NAME that is
 * everything is nginx's stock fastcgi_params, not a mount. */
static size_t script_length(struct arena *arena, const struct path_input *in,
                            const struct raw *raw) {
    const char *rest = resolved(arena, in->script_name);
    size_t n;

    for (n = 0; n < raw->count && *rest == '/' && begins_with(rest + 1, raw->segments[n]); n++)
        rest = after(rest + 1, raw->segments[n]);
    return *rest != '\0' || (in->path_info == NULL && n == raw->count) ? 0 : n;
}

/* `info`: PATH_INFO, resolved. */
static enum path_result take_info(struct arena *arena, const struct path_input *in,
                                  const char *info, struct path *out) {
    const char *script = resolved(arena, in->script_name);
    const char *text = in->path_info == NULL ? "" : in->path_info;

    if (is_shown(info, script))
        script = ""; /* nginx's stock fastcgi_params */
    out->front = split(arena, script, &out->front_count);
    out->segments = split(arena, info, &out->count);
    if (out->count > in->max_segments || out->front_count > SCRIPT_SEGMENTS)
        return PATH_LIMIT;
    return strstr(text + strspn(text, "/"), "//") != NULL ? PATH_EMPTY : PATH_OK;
}

static const char *join(struct arena *arena, const struct raw *raw) {
    char *text = arena_alloc(arena, raw->bytes + 1), *end = text;

    for (size_t i = 0; i < raw->count; i++) {
        *end++ = '/';
        end = stpcpy(end, raw->segments[i]);
    }
    return text;
}

/* Raw segments count where they say what PATH_INFO says, and the first one is still what the path
 * begins with: dots after encoded slashes may not lead to another route. Where they would, neither
 * counts, as PATH_INFO then names something that the client did not (DELETE
 * /container/..%2F..%2F). */
static enum path_result choose(struct arena *arena, const struct path_input *in,
                               const struct raw *raw, struct path *out) {
    const char *info = resolved(arena, in->path_info), *rest = join(arena, raw);
    char *scratch = arena_alloc(arena, raw->bytes + 2);
    size_t k;

    if (raw->reversed)
        return PATH_ENCODING;
    for (k = 0; k < raw->count; k++) {
        if (is_shown(info, raw->encoded ? resolve(scratch, rest) : rest))
            break;
        rest += strlen(raw->segments[k]) + 1;
    }
    if (k == raw->count)
        return take_info(arena, in, info, out); /* rewritten, or only a slash after SCRIPT_NAME */
    if (!begins_with(info, resolve(scratch, raw->segments[k])))
        return PATH_ENCODING;
    return take_raw(in, raw, k, out);
}

/* --- both together --- */

/* Is it "/a/b/c" or "/a/b/c/", of bytes that no front server sees in another way, with dots only
 * after one of them: is nothing encoded, empty or resolved? */
static bool is_simple(const char *path, size_t n) {
    bool begun = false;

    for (size_t i = 0; i < n; i++) {
        char c = path[i];

        if (c == '/' ? i > 0 && !begun
                     : !isalnum((unsigned char)c) && c != '-' && c != '_' && (c != '.' || !begun))
            return false;
        begun = c != '/';
    }
    return path[0] == '/';
}

/* The fast path for most requests: both are equal, without a SCRIPT_NAME, and nothing needs
 * decoding. False: not such a request. */
static bool take_simple(struct arena *arena, const struct path_input *in, struct path *out) {
    size_t n = strlen(in->path_info);

    if (n > in->max_bytes || strncmp(in->request_uri, in->path_info, n) != 0 ||
        (in->request_uri[n] != '\0' && in->request_uri[n] != '?') || !is_simple(in->path_info, n))
        return false;
    n -= in->path_info[n - 1] == '/';
    out->segments = split(arena, arena_strndup(arena, in->path_info, n), &out->count);
    out->front = out->segments;
    return out->count <= in->max_segments;
}

enum path_result path_parse(struct arena *arena, const struct path_input *in, struct path *out) {
    bool empty = in->path_info == NULL || *in->path_info == '\0';
    struct raw raw = {0};
    enum path_result result;

    assert(arena != NULL && out != NULL);
    *out = (struct path){0};
    if (!empty && in->request_uri != NULL &&
        (in->script_name == NULL || *in->script_name == '\0') && take_simple(arena, in, out))
        return PATH_OK;
    if (!empty && strlen(in->path_info) > in->max_bytes)
        return PATH_LIMIT;
    if (!empty && !utf8_valid(in->path_info, strlen(in->path_info)))
        return PATH_ENCODING;
    if (in->request_uri == NULL) {
        out->dots = !empty && path_has_dots(in->path_info);
        return take_info(arena, in, resolved(arena, in->path_info), out);
    }
    result = read_raw(arena, in, &raw);
    if (result != PATH_OK)
        return result;
    out->dots = raw.dots;
    result = empty ? take_raw(in, &raw, script_length(arena, in, &raw), out)
                   : choose(arena, in, &raw, out);
    return result == PATH_OK && raw.empty ? PATH_EMPTY : result;
}
