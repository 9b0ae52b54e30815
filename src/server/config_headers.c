/* config_headers.c: the response headers of the configuration, and what CORS allows together. */
#include <string.h>
#include <strings.h>

#include "server/config_reader.h"

static bool header_name_fits(const char *name, size_t n) {
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return n > 0 && strspn(name, token) >= n;
}

static void add_header(struct reader *r, const config_setting_t *s, const char *name, size_t n,
                       const char *value) {
    struct settings *settings = &r->config->settings;
    struct header *header = &r->config->headers[settings->response_header_count];

    value += strspn(value, " \t");
    if (!header_name_fits(name, n)) {
        config_problem(r, s, "response_headers", "\"%.*s\" is not the name of a header", (int)n,
                       name);
        return;
    }
    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            config_problem(r, s, "response_headers", "control character in the value of \"%.*s\"",
                           (int)n, name);
            return;
        }
    }
    settings->response_header_count++;
    header->name = arena_strndup(r->config->arena, name, n);
    header->value = arena_strdup(r->config->arena, value);
}

static void read_header(struct reader *r, const config_setting_t *s) {
    const char *text = config_setting_get_string(s);
    const char *name = config_setting_name(s);

    if (text == NULL)
        config_problem(r, s, "response_headers", "each must be a string, not %s", config_kind(s));
    else if (name != NULL)
        add_header(r, s, name, strlen(name), text);
    else if (strchr(text, ':') == NULL)
        config_problem(r, s, "response_headers", "\"%s\" is not \"Name: value\"", text);
    else
        add_header(r, s, text, strcspn(text, ":"), strchr(text, ':') + 1);
}

void config_read_headers(struct reader *r, config_setting_t *s) {
    int n = config_setting_is_aggregate(s) ? config_setting_length(s) : -1;

    if (n < 0) {
        config_problem(r, s, "response_headers", "must be a list of \"Name: value\", not %s",
                       config_kind(s));
        return;
    }
    r->config->settings.response_header_count = 0;
    r->config->headers = arena_array(r->config->arena, (size_t)n + 1, sizeof(struct header));
    r->config->settings.response_headers = r->config->headers;
    for (int i = 0; i < n; i++)
        read_header(r, config_setting_get_elem(s, (unsigned)i));
}

/* The place of the header in the file, as far as there is one. */
static const config_setting_t *where_header(const struct reader *r, size_t i) {
    const config_setting_t *list = config_where(r, "response_headers");

    if (list == NULL || config_setting_length(list) <= (int)i)
        return list;
    return config_setting_get_elem(list, (unsigned)i);
}

/* Browsers refuse "*" with credentials, and rightly: every page of the web would act with the
 * passwords of the user who looks at it. Of the two ways to send these headers, only one may be
 * used. */
void config_check_cors(struct reader *r) {
    const struct settings *s = &r->config->settings;
    const config_setting_t *at = config_where(r, "cors_credentials");
    const char *name = "cors_credentials";
    bool every_origin = false, credentials = s->cors_credentials;

    for (size_t i = 0; i < s->cors_origins.count; i++)
        every_origin = every_origin || strcmp(s->cors_origins.items[i], "*") == 0;
    for (size_t i = 0; i < s->response_header_count; i++) {
        const struct header *h = &s->response_headers[i];

        if (strncasecmp(h->name, "Access-Control-", 15) == 0 && s->cors_origins.count > 0)
            config_problem(r, where_header(r, i), "response_headers",
                           "\"%s\" is what cors_origins is for", h->name);
        every_origin = every_origin || (strcasecmp(h->name, "Access-Control-Allow-Origin") == 0 &&
                                        strcmp(h->value, "*") == 0);
        if (strcasecmp(h->name, "Access-Control-Allow-Credentials") == 0 &&
            strcasecmp(h->value, "true") == 0) {
            credentials = true;
            at = where_header(r, i);
            name = "response_headers";
        }
    }
    if (every_origin && credentials)
        config_problem(r, at, name,
                       "credentials can't be allowed to pages of every origin (\"*\")");
}
