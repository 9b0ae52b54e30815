/* request.c: methods and headers of a request. */
#include "http/request.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const char *const method_names[] = {
    [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",   [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",         [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE",
    [METHOD_OPTIONS] = "OPTIONS",
};

enum request_method request_method_parse(const char *text) {
    int m;

    for (m = METHOD_GET; text != NULL && m < METHOD_OTHER; m++)
        if (strcmp(text, method_names[m]) == 0)
            return (enum request_method)m;
    return METHOD_OTHER;
}

const char *request_method_name(enum request_method method) {
    assert(method >= METHOD_GET && method <= METHOD_OTHER);
    return method == METHOD_OTHER ? "OTHER" : method_names[method];
}

bool request_is_read(const struct request *request) {
    return request->method == METHOD_GET || request->method == METHOD_HEAD;
}

/* RFC 3875 section 4.1.18: upper case, '-' becomes '_', after "HTTP_", which the headers of the
 * body do without. False: longer than any that is used here. */
static bool variable_name(const char *header, char *out, size_t size) {
    const char *p;
    size_t n = 0;

    if (strlen(header) + sizeof("HTTP_") > size)
        return false;
    if (strncasecmp(header, "Content-", 8) != 0 ||
        (strcasecmp(header + 8, "Type") != 0 && strcasecmp(header + 8, "Length") != 0)) {
        memcpy(out, "HTTP_", 5);
        n = 5;
    }
    for (p = header; *p != '\0'; p++) {
        if (*p >= 'a' && *p <= 'z')
            out[n++] = (char)(*p - 'a' + 'A');
        else
            out[n++] = *p == '-' ? '_' : *p;
    }
    out[n] = '\0';
    return true;
}

const char *request_header(const struct request *request, const char *name) {
    char variable[128];

    assert(request != NULL && request->variable != NULL && name != NULL);
    if (!variable_name(name, variable, sizeof(variable)))
        return NULL;
    return request->variable(request->transport, variable);
}

bool request_repeats(const struct request *request, const char *variable) {
    return request->variable_count != NULL &&
           request->variable_count(request->transport, variable) > 1;
}

/* A Host header is put into HTML: whatever a host can't have makes it invalid. */
static bool is_host(const char *text) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
    size_t n = text != NULL ? strspn(text, allowed) : 0;

    return n > 0 && n < 256 && text[n] == '\0';
}

const char *request_origin(const struct request *request) {
    const char *host = request_header(request, "Host");
    const char *https = request->variable(request->transport, "HTTPS");
    const char *scheme = request->variable(request->transport, "REQUEST_SCHEME");
    bool secure = (https != NULL && strcmp(https, "on") == 0) ||
                  (scheme != NULL && strcmp(scheme, "https") == 0);

    if (!is_host(host))
        return NULL;
    return arena_join(request->arena,
                      (const char *[]){secure ? "https://" : "http://", host, NULL});
}

bool request_has_type(const struct request *request, const char *type) {
    const char *sent;
    size_t n;

    assert(request != NULL && type != NULL);
    if (request->content_type == NULL)
        return false;
    sent = request->content_type + strspn(request->content_type, " \t");
    n = strcspn(sent, "; \t");
    return n == strlen(type) && strncasecmp(sent, type, n) == 0 &&
           strchr(";", sent[n + strspn(sent + n, " \t")]) != NULL;
}
