/* path.c: a request's path as decoded segments, whatever the front server did to it. */
#include "http/path.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "http/percent.h"

/* Front servers decode, merge slashes and resolve dots before they make PATH_INFO, so that in it an
 * encoded slash looks like any other. REQUEST_URI still tells them apart. A *piece* here is what is
 * between two slashes once everything is decoded; a *segment* is what is between two slashes as the
 * client sent it, and has no piece (a lone %2F), one, or several. */

/* SCRIPT_NAME may be in front of PATH_INFO in REQUEST_URI: this many segments more are read. */
#define SCRIPT_SEGMENTS 32

struct piece {
    const char *at;
    size_t n;
};

struct pieces {
    struct piece *items;
    size_t count;
};

/* The path of a raw request URI. */
struct raw {
    const char **segments; /* decoded */
    size_t count;
    bool slash;   /* it ends with one */
    bool encoded; /* a segment has an encoded slash */
    bool twisted; /* a ".." segment went back over one that has an encoded slash */
};

const char *path_decode(struct arena *arena, const char *text, size_t n) {
    char *out;
    size_t length;

    assert(arena != NULL && (text != NULL || n == 0));
    out = arena_alloc(arena, n + 1);
    return percent_decode(text, n, false, out, &length) && utf8_valid(out, length) ? out : NULL;
}

/* --- pieces --- */

static bool is_dots(const char *at, size_t n) {
    return n > 0 && n <= 2 && at[0] == '.' && at[n - 1] == '.';
}

/* Puts the pieces of a decoded text behind those that are there, as front servers do: empty ones
 * and "." are dropped, ".." takes the last one away. There must be room for half its length. */
static void add_pieces(struct pieces *to, const char *text) {
    while (*text != '\0') {
        size_t n = strcspn(text, "/");

        if (is_dots(text, n))
            to->count -= n == 2 && to->count > 0;
        else if (n > 0)
            to->items[to->count++] = (struct piece){text, n};
        text += n + (text[n] == '/');
    }
}

static struct pieces pieces_new(struct arena *arena, size_t bytes) {
    return (struct pieces){arena_array(arena, bytes / 2 + 1, sizeof(struct piece)), 0};
}

static struct pieces pieces_of(struct arena *arena, const char *text) {
    struct pieces p = pieces_new(arena, strlen(text));

    add_pieces(&p, text);
    return p;
}

/* Is `shown`, of PATH_INFO, what a front server makes of `sent`? lighttpd puts "_" for a control
 * character. */
static bool is_shown(const struct piece *shown, const struct piece *sent) {
    size_t i;

    for (i = 0; shown->n == sent->n && i < sent->n; i++) {
        unsigned char c = (unsigned char)sent->at[i];

        if (shown->at[i] != sent->at[i] && !(shown->at[i] == '_' && (c < 0x20 || c == 0x7f)))
            return false;
    }
    return shown->n == sent->n;
}

static bool is_prefix(const struct pieces *sent, const struct pieces *shown) {
    size_t i;

    for (i = 0; i < sent->count && i < shown->count; i++)
        if (!is_shown(&shown->items[i], &sent->items[i]))
            return false;
    return i == sent->count;
}

static bool is_piece(const struct piece *shown, const char *sent) {
    return is_shown(shown, &(struct piece){sent, strlen(sent)});
}

/* --- the raw path --- */

/* Behind scheme and host of the absolute form (RFC 9112 section 3.2.2). */
static const char *skip_authority(const char *uri) {
    const char *p = uri + strcspn(uri, ":/?#");

    if (*uri == '/' || strncmp(p, "://", 3) != 0)
        return uri;
    return p + 3 + strcspn(p + 3, "/?#");
}

/* Takes one decoded segment in; whole dot segments are resolved at once. */
static void add_segment(struct raw *raw, const char *segment) {
    size_t n = strlen(segment);

    if (!is_dots(segment, n)) {
        raw->encoded = raw->encoded || strchr(segment, '/') != NULL;
        raw->segments[raw->count++] = segment;
    } else if (n == 2 && raw->count > 0) {
        raw->count--;
        raw->twisted = raw->twisted || strchr(raw->segments[raw->count], '/') != NULL;
    }
}

static enum path_result read_raw(struct arena *arena, const char *uri, size_t max_segments,
                                 size_t max_bytes, struct raw *raw) {
    const char *p = skip_authority(uri);
    size_t left = strcspn(p, "?#");
    size_t most = max_segments + SCRIPT_SEGMENTS;

    if (left / 3 > max_bytes)
        return PATH_LIMIT;
    raw->segments = arena_array(arena, most + 1, sizeof(*raw->segments));
    while (left > 0) {
        const char *slash = memchr(p, '/', left);
        size_t n = slash == NULL ? left : (size_t)(slash - p);

        if (n > 0) {
            const char *segment = path_decode(arena, p, n);

            if (segment == NULL)
                return PATH_ENCODING;
            raw->slash = is_dots(segment, strlen(segment));
            add_segment(raw, segment);
            if (raw->count > most)
                return PATH_LIMIT;
        }
        if (slash != NULL) {
            raw->slash = true;
            n++;
        }
        p += n;
        left -= n;
    }
    return PATH_OK;
}

/* How many segments SCRIPT_NAME takes of the front. `absent`: there is no PATH_INFO at all; a
 * SCRIPT_NAME that is everything then is nginx's stock fastcgi_params, not a mount. */
static size_t script_length(struct arena *arena, const char *script_name, const struct raw *raw,
                            bool absent) {
    struct pieces script = pieces_of(arena, script_name == NULL ? "" : script_name);
    size_t i;

    if (script.count > raw->count || (absent && script.count == raw->count))
        return 0;
    for (i = 0; i < script.count; i++)
        if (!is_piece(&script.items[i], raw->segments[i]))
            return 0;
    return script.count;
}

/* --- both together --- */

/* Do the raw segments from `k` on say what PATH_INFO says? `room` has room for all their pieces. */
static bool says_the_same(const struct raw *raw, size_t k, const struct pieces *info,
                          struct pieces *room) {
    size_t i;

    if (!raw->encoded) {
        if (raw->count - k != info->count)
            return false;
        for (i = k; i < raw->count && is_piece(&info->items[i - k], raw->segments[i]); i++) {
        }
        return i == raw->count;
    }
    room->count = 0;
    for (i = k; i < raw->count; i++)
        add_pieces(room, raw->segments[i]);
    return room->count == info->count && is_prefix(room, info);
}

static size_t bytes_of(const struct raw *raw) {
    size_t bytes = 0;
    size_t i;

    for (i = 0; i < raw->count; i++)
        bytes += strlen(raw->segments[i]) + 1;
    return bytes;
}

enum choice { CHOOSE_RAW, CHOOSE_INFO, CHOOSE_NEITHER };

/* Whose segments count, and for the raw ones from which on. Raw ones do where they say the same,
 * and the first one is still what the path begins with: dots behind encoded slashes may not lead to
 * another route. Where they would, neither counts, as PATH_INFO then names something that the
 * client did not (DELETE /container/..%2F..%2F). */
static enum choice choose(struct arena *arena, const struct raw *raw, const struct pieces *info,
                          size_t *k) {
    struct pieces room = pieces_new(arena, raw->encoded ? bytes_of(raw) : 0);
    struct pieces first;

    if (raw->twisted)
        return CHOOSE_NEITHER;
    for (*k = 0; *k <= raw->count && !says_the_same(raw, *k, info, &room); (*k)++) {
    }
    if (*k >= raw->count)
        return CHOOSE_INFO; /* rewritten, or nothing behind SCRIPT_NAME but a slash */
    first = pieces_of(arena, raw->segments[*k]);
    return is_prefix(&first, info) ? CHOOSE_RAW : CHOOSE_NEITHER;
}

static enum path_result take_raw(const struct raw *raw, size_t k, size_t max_segments,
                                 size_t max_bytes, struct path *out) {
    out->front = raw->segments;
    out->front_count = k;
    out->segments = raw->segments + k;
    out->count = raw->count - k;
    out->slash = raw->slash;
    return out->count > max_segments || bytes_of(raw) > max_bytes ? PATH_LIMIT : PATH_OK;
}

static const char **strings_of(struct arena *arena, const struct pieces *pieces) {
    const char **strings = arena_array(arena, pieces->count + 1, sizeof(*strings));
    size_t i;

    for (i = 0; i < pieces->count; i++)
        strings[i] = arena_strndup(arena, pieces->items[i].at, pieces->items[i].n);
    return strings;
}

static enum path_result take_info(struct arena *arena, const char *path_info,
                                  const struct pieces *info, const char *script_name,
                                  size_t max_segments, struct path *out) {
    struct pieces script = pieces_of(arena, script_name == NULL ? "" : script_name);
    size_t n = strlen(path_info);

    if (info->count > max_segments || script.count > SCRIPT_SEGMENTS)
        return PATH_LIMIT;
    if (script.count == info->count && is_prefix(&script, info))
        script.count = 0; /* nginx's stock fastcgi_params */
    out->front = strings_of(arena, &script);
    out->front_count = script.count;
    out->segments = strings_of(arena, info);
    out->count = info->count;
    out->slash = n > 0 && path_info[n - 1] == '/';
    return PATH_OK;
}

/* Bytes that no front server sees in another way; dots only behind one of them. */
static bool is_simple_byte(char c) {
    return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10 || c == '-' ||
           c == '_';
}

/* Is it "/a/b/c" or "/a/b/c/", in which nothing is encoded, empty or resolved? *count: segments. */
static bool is_simple(const char *path, size_t n, size_t *count) {
    bool begun = false;

    *count = 0;
    for (size_t i = 0; i < n; i++) {
        if (path[i] == '/' && (begun || i == 0)) {
            begun = false;
        } else if (is_simple_byte(path[i]) || (path[i] == '.' && begun)) {
            *count += !begun;
            begun = true;
        } else {
            return false;
        }
    }
    return n > 0 && path[0] == '/' && *count > 0;
}

/* Most paths: said the same way twice, nothing in front, nothing to decode. False: not this one. */
static bool take_simple(struct arena *arena, const char *path_info, const char *request_uri,
                        size_t max_segments, size_t max_bytes, struct path *out) {
    size_t n = strlen(path_info), count;
    char *copy;

    if (n > max_bytes || strncmp(request_uri, path_info, n) != 0 ||
        (request_uri[n] != '\0' && request_uri[n] != '?') || !is_simple(path_info, n, &count) ||
        count > max_segments)
        return false;
    out->slash = path_info[n - 1] == '/';
    copy = arena_strndup(arena, path_info + 1, n - 1 - out->slash);
    out->front = out->segments = arena_array(arena, count, sizeof(*out->segments));
    while (out->count < count) {
        size_t length = (size_t)(strchrnul(copy, '/') - copy);

        out->segments[out->count++] = copy;
        copy[length] = '\0';
        copy += length + 1;
    }
    return true;
}

enum path_result path_parse(struct arena *arena, const char *path_info, const char *request_uri,
                            const char *script_name, size_t max_segments, size_t max_bytes,
                            struct path *out) {
    bool absent = path_info == NULL;
    bool empty = absent || *path_info == '\0';
    struct raw raw = {0};
    struct pieces info;
    size_t k;

    assert(arena != NULL && out != NULL);
    *out = (struct path){0};
    if (!empty && request_uri != NULL && (script_name == NULL || *script_name == '\0') &&
        take_simple(arena, path_info, request_uri, max_segments, max_bytes, out))
        return PATH_OK;
    if (!empty && strlen(path_info) > max_bytes)
        return PATH_LIMIT;
    if (!empty && !utf8_valid(path_info, strlen(path_info)))
        return PATH_ENCODING;
    if (request_uri != NULL) {
        enum path_result result = read_raw(arena, request_uri, max_segments, max_bytes, &raw);

        if (result != PATH_OK)
            return result;
    }
    info = pieces_of(arena, empty ? "" : path_info);
    if (request_uri == NULL)
        return take_info(arena, empty ? "" : path_info, &info, script_name, max_segments, out);
    if (empty) {
        k = script_length(arena, script_name, &raw, absent);
        return take_raw(&raw, k, max_segments, max_bytes, out);
    }
    switch (choose(arena, &raw, &info, &k)) {
    case CHOOSE_RAW: return take_raw(&raw, k, max_segments, max_bytes, out);
    case CHOOSE_INFO: return take_info(arena, path_info, &info, script_name, max_segments, out);
    case CHOOSE_NEITHER: break;
    }
    return PATH_ENCODING;
}
