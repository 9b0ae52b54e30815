/* reference.c: fuzz target of the references in a transaction. */
#include <string.h>

#include "base/utf8.h"
#include "http/percent.h"
#include "server/reference.h"
#include "json/reader.h"

#include "fuzz.h"

static const struct json_limits limits = {.depth = 20, .nodes = 2000};

/* What is escaped is filled in as it was. */
static void promise_escaped(struct arena *arena, const char *text,
                            const struct reference_answers *answers) {
    const char *message = NULL, *at = text, *filled;
    struct buf escaped;

    buf_init(&escaped, 0);
    for (const char *next; (next = strstr(at, "${")) != NULL; at = next + 2) {
        buf_add(&escaped, at, (size_t)(next - at));
        buf_adds(&escaped, "$${");
    }
    buf_adds(&escaped, at);
    filled = reference_fill(arena, buf_cstr(&escaped), answers, false, &message);
    PROMISE(filled != NULL && strcmp(filled, text) == 0);
    buf_release(&escaped);
}

/* In a path it is the same, percent-encoded. */
static void promise_encoded(struct arena *arena, const char *text, const char *filled,
                            const struct reference_answers *answers) {
    const char *message = NULL, *encoded = reference_fill(arena, text, answers, true, &message);
    size_t n;
    char *decoded;

    PROMISE((encoded != NULL) == (filled != NULL));
    if (encoded == NULL || strchr(text, '%') != NULL)
        return;
    decoded = arena_alloc(arena, strlen(encoded) + 1);
    PROMISE(percent_decode(encoded, strlen(encoded), false, decoded, &n));
    PROMISE(strcmp(decoded, filled) == 0);
}

/* Two bodies of responses, and a text that may refer to them. */
void fuzz_reference(struct input *in) {
    const char *texts[2] = {take_text(in), take_text(in)}, *text = take_text(in);
    const struct json_node *bodies[2];
    const struct reference_answers answers = {.bodies = bodies, .count = 2}, unknown = {.count = 2};
    const char *message = NULL, *filled;
    struct json_error error;

    if (!utf8_valid(text, strlen(text)))
        return;
    for (size_t i = 0; i < 2; i++)
        bodies[i] = json_read(in->arena, texts[i], strlen(texts[i]), &limits, &error);
    filled = reference_fill(in->arena, text, &answers, false, &message);
    if (filled == NULL)
        promise_message(message);
    else
        PROMISE(utf8_valid(filled, strlen(filled)));
    PROMISE(filled == NULL || strstr(text, "${") != NULL || filled == text);
    PROMISE(filled == NULL || reference_fill(in->arena, text, &unknown, false, &message) != NULL);
    promise_escaped(in->arena, text, &answers);
    promise_encoded(in->arena, text, filled, &answers);
}
