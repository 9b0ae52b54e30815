/* list_tag.c: entity tags of lists: a hash of all that makes the answer but the data, and the
 * snapshot, both in base64url. At the end stands what no coding of a front server is. */
#include "api/list_tag.h"

#include <string.h>

#include "base/digest.h"
#include "base/hash.h"

#define END "-l"

enum {
    HASH_BYTES = sizeof(uint64_t),
    MAX_BYTES = HASH_BYTES + SNAPSHOT_BYTES,
    MAX_DIGITS = MAX_BYTES / 3 * 4 + 4
};

/* By which headers a list may vary, beside path and parameters. */
#define VARY                                                                                       \
    "Clusto-Minify, Clusto-Mode, Clusto-Page, Clusto-Per-Page, Clusto-After, Clusto-Units, "       \
    "Clusto-As-Of"

static const char vary[] = VARY, vary_accept[] = "Accept, " VARY;

/* The same for the hash, without Clusto-As-Of: what is past has tags of its own. */
static const char *const headers[] = {"HTTP_CLUSTO_MODE",  "HTTP_CLUSTO_MINIFY",
                                      "HTTP_CLUSTO_PAGE",  "HTTP_CLUSTO_PER_PAGE",
                                      "HTTP_CLUSTO_AFTER", "HTTP_CLUSTO_UNITS"};

const char *list_tag_vary(bool accept) {
    return accept ? vary_accept : vary;
}

static uint64_t hash_request(const struct context *c) {
    const struct request *r = c->request;
    uint64_t hash = HASH_START ^ c->options->fingerprint;

    for (size_t i = 0; i < r->path.front_count; i++)
        hash = hash_add(hash, r->path.front[i]);
    hash = hash_add(hash, NULL);
    for (size_t i = 0; i < r->path.count; i++)
        hash = hash_add(hash, r->path.segments[i]);
    hash = hash_add(hash, NULL);
    for (size_t i = 0; i < r->params.count; i++) {
        hash = hash_add(hash, r->params.items[i].name);
        hash = hash_add(hash, r->params.items[i].value);
    }
    hash = hash_add(hash, NULL);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        hash = hash_add(hash, r->variable(r->transport, headers[i]));
    if (c->list_vary == vary_accept)
        hash = hash_add(hash, r->variable(r->transport, "HTTP_ACCEPT"));
    return hash;
}

void list_tag_repeat(struct context *c, const char *tag) {
    response_header(c->response, "Vary", c->list_vary);
    response_header(c->response, "ETag",
                    arena_join(c->arena, (const char *[]){"\"", tag, "\"", NULL}));
}

void list_tag_set(struct context *c, const char *snapshot) {
    unsigned char bytes[MAX_BYTES];
    char digits[MAX_DIGITS];
    uint64_t hash;
    size_t n;

    if (!c->list_vary)
        return;
    n = snapshot_pack(c->store, snapshot, bytes + HASH_BYTES);
    if (n == 0) {
        response_header(c->response, "Vary", c->list_vary);
        return;
    }
    hash = hash_request(c);
    memcpy(bytes, &hash, HASH_BYTES);
    digest_base64url(bytes, HASH_BYTES + n, digits);
    list_tag_repeat(c, arena_join(c->arena, (const char *[]){digits, END, NULL}));
}

size_t list_tag_read(struct context *c, const char *tag, unsigned char packed[SNAPSHOT_BYTES]) {
    size_t length = strlen(tag), end = strlen(END), n;
    unsigned char bytes[MAX_BYTES];
    uint64_t hash;

    if (length <= end || strcmp(tag + length - end, END) != 0)
        return 0;
    n = digest_from_base64url(tag, length - end, bytes, sizeof bytes);
    if (n <= HASH_BYTES)
        return 0;
    hash = hash_request(c);
    if (memcmp(bytes, &hash, HASH_BYTES) != 0)
        return 0;
    memcpy(packed, bytes + HASH_BYTES, n - HASH_BYTES);
    return n - HASH_BYTES;
}
