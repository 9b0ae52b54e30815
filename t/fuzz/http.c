/* http.c: fuzz targets of src/http: forms, multipart bodies, paths, entity tags, pages. */
#include <string.h>
#include <strings.h>

#include "http/etag.h"
#include "http/page.h"
#include "http/params.h"
#include "http/path.h"
#include "http/percent.h"

#include "fuzz.h"

/* Small, so that small inputs reach them. */
static const struct params_limits limits = {.count = 20, .name_bytes = 40, .value_bytes = 200};

/* --- parameters --- */

/* Memory that is taken must be in proportion to what was sent. */
static void promise_memory(const struct arena *arena, size_t before, size_t sent) {
    PROMISE(arena_used(arena) - before <= 64 * sent + 8192);
}

static void promise_params(const struct params *params, enum params_result result,
                           const char *message) {
    PROMISE(params->count <= limits.count);
    for (size_t i = 0; i < params->count; i++) {
        const struct param *p = &params->items[i];

        PROMISE(strlen(p->name) <= limits.name_bytes && strlen(p->value) <= limits.value_bytes);
        PROMISE(count_characters(p->name, strlen(p->name)) != SIZE_MAX);
        PROMISE(count_characters(p->value, strlen(p->value)) != SIZE_MAX);
    }
    PROMISE(result <= PARAMS_LIMIT);
    if (result != PARAMS_OK)
        promise_message(message);
}

static void promise_same(const struct params *a, const struct params *b) {
    PROMISE(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        PROMISE(strcmp(a->items[i].name, b->items[i].name) == 0);
        PROMISE(strcmp(a->items[i].value, b->items[i].value) == 0);
    }
}

static void encode(struct buf *out, const char *text) {
    for (; *text != '\0'; text++)
        buf_printf(out, "%%%02x", (unsigned)(unsigned char)*text);
}

/* A form, and what it says written in another way. */
void fuzz_params(struct input *in) {
    struct params params = {0}, again = {0};
    struct params_target to = {&params, in->arena, &limits, NULL, 0};
    struct params_target to_again = {&again, in->arena, &limits, NULL, 0};
    const char *text;
    enum params_result result;
    struct buf form;
    size_t n;

    text = take_rest(in, &n);
    result = params_add_form(&to, text, n);
    promise_memory(in->arena, 0, n);
    promise_params(&params, result, to.message);
    buf_init(&form, 0);
    for (size_t i = 0; i < params.count; i++) {
        encode(&form, params.items[i].name);
        buf_addc(&form, '=');
        encode(&form, params.items[i].value);
        buf_addc(&form, '&');
    }
    result = params_add_form(&to_again, buf_cstr(&form), form.len);
    PROMISE(result == PARAMS_OK);
    promise_same(&params, &again);
    buf_release(&form);
    (void)params_last(&params, "");
    (void)params_all(&params, in->arena, "a", &n);
    PROMISE(n <= params.count);
}

/* --- multipart --- */

#define BOUNDARY "=_Zu7\x01Kq0v_="

/* False where a name can't be written in a header. */
static bool write_parts(struct buf *body, const struct params *params) {
    for (size_t i = 0; i < params->count; i++) {
        const struct param *p = &params->items[i];

        if (strpbrk(p->name, "\r\n\\\"") != NULL || strstr(p->value, BOUNDARY) != NULL)
            return false;
        buf_printf(body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
                   BOUNDARY, p->name, p->value);
    }
    buf_adds(body, "--" BOUNDARY "--\r\n");
    return true;
}

/* The Content-Type, a NUL, the body. */
void fuzz_multipart(struct input *in) {
    struct params params = {0}, again = {0};
    struct params_target to = {&params, in->arena, &limits, NULL, 0};
    struct params_target to_again = {&again, in->arena, &limits, NULL, 0};
    const char *type = take_text(in), *text;
    size_t n, before = arena_used(in->arena);
    enum params_result result;
    struct buf body;

    text = take_rest(in, &n);
    result = params_add_multipart(&to, type, text, n);
    promise_memory(in->arena, before, n + strlen(type));
    promise_params(&params, result, to.message);
    buf_init(&body, 0);
    if (params.count > 0 && write_parts(&body, &params)) {
        result = params_add_multipart(&to_again, "multipart/form-data; boundary=\"" BOUNDARY "\"",
                                      buf_cstr(&body), body.len);
        PROMISE(result == PARAMS_OK);
        promise_same(&params, &again);
    }
    buf_release(&body);
}

/* --- paths --- */

enum { MAX_SEGMENTS = 6, MAX_BYTES = 80 };

static void promise_path(enum path_result result, const struct path *path) {
    size_t bytes = 0;

    PROMISE(result <= PATH_LIMIT);
    if (result != PATH_OK)
        return;
    PROMISE(path->count <= MAX_SEGMENTS);
    for (size_t i = 0; i < path->count; i++) {
        const char *segment = path->segments[i];

        PROMISE(*segment != '\0' && strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
        PROMISE(count_characters(segment, strlen(segment)) != SIZE_MAX);
        bytes += strlen(segment) + 1;
    }
    PROMISE(bytes <= MAX_BYTES + 1);
}

/* The URI's path as nginx makes it: decoded, dots resolved; NULL: it would refuse it. */
static const char *as_nginx(struct arena *arena, const char *uri) {
    char *decoded = arena_alloc(arena, strlen(uri) + 1);
    char *out = arena_alloc(arena, strlen(uri) + 1);
    size_t length = 0;

    if (*uri != '/' || !percent_decode(uri, strcspn(uri, "?#"), false, decoded, &length) ||
        count_characters(decoded, length) == SIZE_MAX)
        return NULL;
    length = 0;
    for (const char *p = decoded; *p != '\0';) {
        size_t word = strcspn(p + 1, "/");

        if (word == 2 && memcmp(p + 1, "..", 2) == 0) {
            if (length == 0)
                return NULL;
            while (out[--length] != '/') {
            }
        } else if (word != 1 || p[1] != '.') {
            memcpy(out + length, p, word + 1);
            length += word + 1;
        }
        p += word + 1;
    }
    out[length] = '\0';
    return length == 0 ? "/" : out;
}

/* What chooses the route is what the front server saw: the first words must agree. (A segment with
 * an encoded slash is no word of a route.) */
static void promise_first(const char *info, const struct path *path) {
    const char *first = path->count > 0 ? path->segments[0] : "";
    size_t n;

    info += strspn(info, "/");
    n = strcspn(info, "/");
    PROMISE(strchr(first, '/') != NULL || (strlen(first) == n && strncmp(first, info, n) == 0));
}

static enum path_result parse(struct arena *arena, const char *info, const char *uri,
                              const char *script, struct path *path) {
    return path_parse(arena, &(struct path_input){info, uri, script, MAX_SEGMENTS, MAX_BYTES},
                      path);
}

/* PATH_INFO, REQUEST_URI and SCRIPT_NAME; then the URI alone as nginx would pass it on. */
void fuzz_path(struct input *in) {
    const char *info = take_optional(in), *uri = take_optional(in), *script = take_optional(in);
    struct path path, plain;
    char *decoded;
    size_t length;
    enum path_result result = parse(in->arena, info, uri, script, &path);

    promise_path(result, &path);
    info = uri != NULL ? as_nginx(in->arena, uri) : NULL;
    if (info == NULL)
        return;
    result = parse(in->arena, info, uri, NULL, &path);
    promise_path(result, &path);
    if (result != PATH_OK)
        return;
    promise_first(info, &path);
    decoded = arena_alloc(in->arena, strlen(uri) + 1);
    PROMISE(percent_decode(uri, strcspn(uri, "?#"), false, decoded, &length));
    PROMISE(path.dots == has_dot_segment(in->arena, decoded));
    if (strcasestr(uri, "%2f") != NULL)
        return;
    PROMISE(parse(in->arena, info, NULL, NULL, &plain) == PATH_OK);
    PROMISE(path.count == plain.count);
    for (size_t i = 0; i < path.count; i++)
        PROMISE(strcmp(path.segments[i], plain.segments[i]) == 0);
}

/* --- entity tags --- */

void fuzz_etag(struct input *in) {
    const char *header = take_optional(in), *tag = take_text(in);
    struct etag_list list, again;
    struct buf text;

    if (!etag_list_parse(in->arena, header, &list))
        return;
    PROMISE(etag_list_given(&list) == (header != NULL));
    PROMISE(!list.any || list.count == 0);
    PROMISE(!etag_list_has_strong(&list, tag) || etag_list_has_weak(&list, tag));
    if (list.count == 0)
        return;
    buf_init(&text, 0);
    for (size_t i = 0; i < list.count; i++) {
        PROMISE(strpbrk(list.items[i].text, "\" \t\r\n") == NULL);
        PROMISE(etag_list_has_weak(&list, list.items[i].text));
        buf_printf(&text, ",%s\"%s\" ", list.items[i].weak ? "W/" : "", list.items[i].text);
    }
    PROMISE(etag_list_parse(in->arena, buf_cstr(&text), &again));
    PROMISE(again.count == list.count);
    for (size_t i = 0; i < list.count; i++)
        PROMISE(list.items[i].weak == again.items[i].weak &&
                strcmp(list.items[i].text, again.items[i].text) == 0);
    buf_release(&text);
}

/* --- pages --- */

/* Number, size, cursor. */
void fuzz_page(struct input *in) {
    const char *number = take_optional(in), *per_page = take_optional(in);
    const char *after = take_optional(in);
    struct page page = {.per_page = 50};
    struct verdict v = page_parse(in->arena, number, per_page, after, &page);
    int64_t offset;

    if (v.rc != RC_OK) {
        promise_message(v.message);
        return;
    }
    PROMISE(page.number >= 0 && page.per_page >= 1 && page.after >= 0);
    PROMISE(page.keyset == (after != NULL) && (!page.keyset || page.number == 0));
    PROMISE(!page.keyset || page.per_page <= PAGE_KEYSET_LIMIT);
    PROMISE(!__builtin_mul_overflow(page.number, page.per_page, &offset));
    PROMISE(page_count(&page, 0) == 0 && page_count(&page, 1) == 1);
    PROMISE(page_count(&page, INT64_MAX) > 0);
}
