/* docs.c: the documentation texts of doc_dir, as plain text or HTML, with the server's address
 * filled in. */
#include "api/docs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "base/log.h"

#define DOC_LIMIT (4u << 20)

/* Pages of the root beside its own: at /__doc__/NAME, and those of requests at /NAME/__doc__. */
static const char *const pages[] = {
    "architecture", "bulk",  "changes",   "history",     "install",
    "moving",       "news",  "operating", "page",        "query",
    "recipes",      "scale", "security",  "transaction", "tutorial",
};

enum { PAGES = sizeof pages / sizeof *pages };

/* By mount, or page of the root, and form; read once per process. */
static char *texts[MOUNT_COUNT + PAGES][2];

/* The file's bytes with a NUL, on the heap, or NULL (logged). */
static char *read_file(const char *path) {
    FILE *file = fopen(path, "re");
    char *text = NULL, *fitting = NULL;
    size_t n = 0;

    if (file)
        text = malloc(DOC_LIMIT + 1);
    if (text)
        n = fread(text, 1, DOC_LIMIT, file);
    if (!file || !text || ferror(file)) {
        log_error("documentation: %s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    if (!text)
        return NULL;
    text[n] = '\0';
    fitting = realloc(text, n + 1);
    /* cppcheck-suppress memleak; fitting is text, or realloc has freed it */
    return fitting ? fitting : text;
}

/* Which page is asked for, and its place among the texts; NULL: one that does not exist. */
static const char *find_page(const struct context *c, size_t *place) {
    const struct path *path = &c->request->path;
    const char *name = path->count == 2 ? path->segments[0] : "";

    if (strcmp(name, "__doc__") == 0)
        name = path->segments[1];
    *place = c->mount;
    if (c->mount != MOUNT_ROOT || *name == '\0')
        return mount_rows[c->mount].part;
    for (size_t i = 0; i < PAGES; i++) {
        if (strcmp(name, pages[i]) == 0) {
            *place = MOUNT_COUNT + i;
            return pages[i];
        }
    }
    return NULL;
}

static const char *doc_text(struct context *c, bool html) {
    size_t place;
    const char *page = find_page(c, &place);
    char **slot;

    if (page == NULL)
        return NULL;
    slot = &texts[place][html];
    if (!*slot)
        *slot = read_file(
            arena_printf(c->arena, "%s/%s.%s", c->options->doc_dir, page, html ? "html" : "rst"));
    return *slot;
}

/* Writes `text` with the two variables replaced. */
static void write_filled(struct context *c, const char *text) {
    const char *url = request_origin(c->request);
    const struct {
        const char *name;
        const char *value;
    } variables[] = {{"${server_url}", url != NULL ? url : "http://localhost"},
                     {"${server_version}", c->options->version}};
    const char *from = text, *dollar = text;

    while ((dollar = strstr(dollar, "${server_"))) {
        size_t i = 0, n = sizeof variables / sizeof *variables;

        while (i < n && strncmp(dollar, variables[i].name, strlen(variables[i].name)) != 0)
            i++;
        if (i == n) {
            dollar++;
            continue;
        }
        response_write(c->response, from, (size_t)(dollar - from));
        response_write(c->response, variables[i].value, strlen(variables[i].value));
        from = dollar += strlen(variables[i].name);
    }
    response_write(c->response, from, strlen(from));
}

int docs_show(struct context *c) {
    const char *accept = request_header(c->request, "Accept");
    bool html = accept && *accept && strcmp(accept, "text/plain") != 0;
    const char *text = doc_text(c, html);

    if (!text)
        return reply_fail(c, 404, "The documentation of this part is not installed.");
    c->response->status = 200;
    response_header(c->response, "Content-Type", html ? "text/html; charset=UTF-8" : "text/plain");
    write_filled(c, text);
    return 200;
}
