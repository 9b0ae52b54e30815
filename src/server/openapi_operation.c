/* openapi_operation.c: a row of the table of routes as an operation object of OpenAPI. */
#include "server/openapi_operation.h"

#include <ctype.h>
#include <string.h>

#include "server/access.h"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

/* What any request may be answered. */
static const int common[] = {400, 401, 403, 408, 413, 414, 415, 500, 503};

static void member(struct json_writer *w, const char *key, const char *text) {
    json_key(w, key);
    json_string(w, text);
}

/* {"$ref": ...} to a component. */
static void refer(struct json_writer *w, struct arena *arena, const char *kind, const char *name) {
    json_object_open(w);
    member(w, "$ref", arena_printf(arena, "#/components/%s/%s", kind, name));
    json_object_close(w);
}

/* "getEntityDriverName": method and path in camel case. */
static const char *operation_id(struct arena *arena, const struct openapi_place *place) {
    char *id = arena_printf(arena, "%s%s", request_method_name(place->method),
                            place->name[1] == '\0' ? "Root" : place->name);
    size_t n = strlen(request_method_name(place->method)), end = n;
    bool first = true;

    for (char *p = id; p < id + n; p++)
        *p = (char)tolower((unsigned char)*p);
    for (const char *p = id + n; *p != '\0'; p++) {
        if (isalnum((unsigned char)*p))
            id[end++] = first ? (char)toupper((unsigned char)*p) : *p;
        first = !isalnum((unsigned char)*p);
    }
    id[end] = '\0';
    return id;
}

/* --- parameters --- */

static const char *type_of(enum operation_kind kind) {
    switch (kind) {
    case OPERATION_INTEGER: return "integer";
    case OPERATION_BOOLEAN: return "boolean";
    default: return "string";
    }
}

static void write_kind(struct json_writer *w, struct arena *arena, enum operation_kind kind) {
    if (kind == OPERATION_DATATYPE || kind == OPERATION_ACTION) {
        refer(w, arena, "schemas", kind == OPERATION_DATATYPE ? "Datatype" : "Action");
        return;
    }
    json_object_open(w);
    member(w, "type", type_of(kind));
    json_object_close(w);
}

static void write_schema(struct json_writer *w, struct arena *arena,
                         const struct operation_parameter *parameter) {
    if (!(parameter->flags & OPERATION_REPEATED)) {
        write_kind(w, arena, parameter->kind);
        return;
    }
    json_object_open(w);
    member(w, "type", "array");
    json_key(w, "items");
    write_kind(w, arena, parameter->kind);
    json_object_close(w);
}

static void write_parameter(struct json_writer *w, struct arena *arena,
                            const struct operation_parameter *parameter) {
    json_object_open(w);
    member(w, "name", parameter->name);
    member(w, "in", "query");
    member(w, "description", parameter->help);
    if (parameter->flags & OPERATION_REQUIRED) {
        json_key(w, "required");
        json_bool(w, true);
    }
    json_key(w, "schema");
    write_schema(w, arena, parameter);
    json_object_close(w);
}

/* Pages are asked for by headers, or by parameters in a link. */
static bool has_pages(const struct operation *operation) {
    const struct operation_parameter *parameter = operation_find(operation, "clusto_after");

    return parameter != NULL && parameter->kind != OPERATION_PROPERTIES;
}

static bool answers_json(const struct operation *operation) {
    return operation->answers[0].schema != NULL && operation->answers[0].media == NULL;
}

static bool answers(const struct operation *operation, const char *schema) {
    return answers_json(operation) && strcmp(operation->answers[0].schema, schema) == 0;
}

/* They are compact or expanded. */
static bool shows_objects(const struct operation *operation) {
    return answers(operation, "QueryRows") ||
           (answers_json(operation) && strstr(operation->answers[0].schema, "Object") != NULL);
}

static bool has_mode(const struct operation *operation) {
    return shows_objects(operation) || answers(operation, "NamesOrDrivers");
}

/* What it answers has an entity tag. */
static bool is_conditional(const struct route *route) {
    return (route->flags & (ROUTE_CONDITIONS | ROUTE_PAST)) && !(route->flags & ROUTE_READ);
}

static void write_headers(struct json_writer *w, struct arena *arena, const struct route *route) {
    const struct {
        const char *name;
        bool applies;
    } headers[] = {
        {"Clusto-Minify", answers_json(route->operation)},
        {"Clusto-Mode", has_mode(route->operation)},
        {"Clusto-Units", shows_objects(route->operation)},
        {"Clusto-Contents", route->operation->has_contents},
        {"Clusto-Inherit", route->operation->has_inherited},
        {"Clusto-Page", has_pages(route->operation)},
        {"Clusto-Per-Page", has_pages(route->operation)},
        {"Clusto-After", has_pages(route->operation)},
        {"Clusto-Description", route->flags & ROUTE_WRITE},
        {"Clusto-Dry-Run", route->flags & ROUTE_WRITE},
        {"Clusto-Diff", route->flags & ROUTE_WRITE},
        {"Idempotency-Key", route->flags & ROUTE_WRITE},
        {"Clusto-As-Of", route->flags & ROUTE_PAST},
        {"Clusto-Min-Version", route_reads_inventory(route)},
        {"If-Match", route->flags & ROUTE_CONDITIONS},
        {"If-None-Match", is_conditional(route) || (route->flags & ROUTE_CREATES)},
        {"Clusto-Wait", route->flags & ROUTE_FEED},
        {"Last-Event-ID", route->flags & ROUTE_FEED},
        {"X-User-Id", route->flags & ROUTE_USER},
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (headers[i].applies)
            refer(w, arena, "parameters", headers[i].name);
}

/* True if the parameters are described as a form: they may be in the query string as well. */
static bool is_form(const struct openapi_place *place) {
    return (place->method == METHOD_POST || place->method == METHOD_PUT) &&
           operation_takes_form(place->route->operation) &&
           place->route->operation->parameters[0] != NULL;
}

static void write_parameters(struct json_writer *w, struct arena *arena,
                             const struct openapi_place *place) {
    const struct operation_parameter *const *p = place->route->operation->parameters;

    json_key(w, "parameters");
    json_array_open(w);
    write_headers(w, arena, place->route);
    for (; *p != NULL && !is_form(place); p++)
        write_parameter(w, arena, *p);
    json_array_close(w);
}

/* --- body --- */

static void write_required(struct json_writer *w, const struct operation *operation) {
    size_t count = 0;

    for (const struct operation_parameter *const *p = operation->parameters; *p != NULL; p++) {
        if (!((*p)->flags & OPERATION_REQUIRED))
            continue;
        if (count++ == 0) { /* the list may not be empty */
            json_key(w, "required");
            json_array_open(w);
        }
        json_string(w, (*p)->name);
    }
    if (count > 0)
        json_array_close(w);
}

static void write_form(struct json_writer *w, struct arena *arena,
                       const struct operation *operation) {
    const struct operation_parameter *const *p;

    json_object_open(w);
    member(w, "type", "object");
    json_key(w, "properties");
    json_object_open(w);
    for (p = operation->parameters; *p != NULL; p++) {
        if ((*p)->kind == OPERATION_PROPERTIES)
            continue;
        json_key(w, (*p)->name);
        write_schema(w, arena, *p);
    }
    json_object_close(w);
    write_required(w, operation);
    json_object_close(w);
}

static void write_either(struct json_writer *w, struct arena *arena, const char *schema,
                         const char *other) {
    json_key(w, JSON);
    json_object_open(w);
    json_key(w, "schema");
    json_object_open(w);
    json_key(w, "anyOf");
    json_array_open(w);
    refer(w, arena, "schemas", schema);
    refer(w, arena, "schemas", other);
    json_array_close(w);
    json_object_close(w);
    json_object_close(w);
}

static void write_media(struct json_writer *w, struct arena *arena, const char *media,
                        const char *schema) {
    json_key(w, media);
    json_object_open(w);
    json_key(w, "schema");
    refer(w, arena, "schemas", schema);
    json_object_close(w);
}

static void write_content(struct json_writer *w, struct arena *arena,
                          const struct openapi_place *place) {
    const struct operation *operation = place->route->operation;

    if (is_form(place)) {
        json_key(w, FORM);
        json_object_open(w);
        json_key(w, "schema");
        write_form(w, arena, operation);
        json_object_close(w);
    }
    if (operation->body == OPERATION_PATCH) {
        write_media(w, arena, "application/merge-patch+json", "Document");
        write_media(w, arena, "application/json-patch+json", "Patch");
    } else if (operation->body == OPERATION_LINES) {
        write_media(w, arena, "application/x-ndjson", operation->schema);
        write_media(w, arena, "text/csv", "Text");
    } else if (operation->schema != NULL) {
        write_media(w, arena, JSON, operation->schema);
    } else {
        json_key(w, JSON);
        json_object_open(w);
        json_key(w, "schema");
        write_form(w, arena, operation);
        json_object_close(w);
    }
}

/* GET takes bodies, too, but OpenAPI knows none there. */
static void write_body(struct json_writer *w, struct arena *arena,
                       const struct openapi_place *place) {
    if (place->method == METHOD_GET || place->method == METHOD_HEAD ||
        (!is_form(place) && place->route->operation->schema == NULL))
        return;
    json_key(w, "requestBody");
    json_object_open(w);
    json_key(w, "content");
    json_object_open(w);
    write_content(w, arena, place);
    json_object_close(w);
    json_object_close(w);
}

/* --- responses --- */

static const char *meaning(int status) {
    switch (status) {
    case 200: return "Success";
    case 201: return "Created";
    case 202: return "What existed already is unchanged";
    case 204: return "Done";
    case 206: return "Some do not exist";
    case 304: return "Not modified";
    case 404: return "None exists";
    case 410: return "There is none";
    default: return "Not ready";
    }
}

/* Who is told what was changed may also have it as a stream. */
static bool is_feed(const struct route *route, const struct operation_answer *answer) {
    return (route->flags & ROUTE_FEED) && answer->status == 200;
}

/* Another kind of cursor than that of pages. */
static const char *cursor_of(const struct route *route, const struct operation_answer *answer) {
    if (is_feed(route, answer))
        return "Changes-Next";
    return answers(route->operation, "Matches") ? "Matches-Next" : NULL;
}

static void write_answer_headers(struct json_writer *w, struct arena *arena,
                                 const struct route *route, const struct operation_answer *answer) {
    const char *cursor = cursor_of(route, answer);
    const struct {
        const char *name;
        bool applies;
    } headers[] = {
        {"X-Request-Id", true},
        {"Clusto-Minify", answer->schema != NULL && answer->media == NULL},
        {"Clusto-Page", has_pages(route->operation)},
        {"Clusto-Pages", has_pages(route->operation)},
        {"Clusto-Per-Page", has_pages(route->operation)},
        {"Clusto-Next", has_pages(route->operation)},
        {"Link", has_pages(route->operation) || cursor != NULL},
        {"Clusto-More", is_feed(route, answer)},
        {"Clusto-Made", is_feed(route, answer)},
        {"Clusto-Version", route->flags & ROUTE_WRITE},
        {"Clusto-Dry-Run", route->flags & ROUTE_WRITE},
        {"Idempotency-Replayed", route->flags & ROUTE_WRITE},
        {"Warnings", answer->status == 202},
        {"Clusto-As-Of", route->flags & ROUTE_PAST},
        {"Clusto-As-Of-Exact", route->flags & ROUTE_PAST},
        {"Clusto-As-Of-Time", route->flags & ROUTE_PAST},
        {"Clusto-Stale", route->flags & ROUTE_STANDBY},
        {"ETag", is_conditional(route) && !(route->flags & ROUTE_WRITE) && answer->status != 204},
    };

    json_key(w, "headers");
    json_object_open(w);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (!headers[i].applies)
            continue;
        json_key(w, headers[i].name);
        refer(w, arena, "headers", headers[i].name);
    }
    if (cursor != NULL) {
        json_key(w, "Clusto-Next");
        refer(w, arena, "headers", cursor);
    }
    json_object_close(w);
}

static void write_answer(struct json_writer *w, struct arena *arena, const struct route *route,
                         const struct operation_answer *answer) {
    json_key(w, arena_printf(arena, "%d", answer->status));
    json_object_open(w);
    member(w, "description", meaning(answer->status));
    write_answer_headers(w, arena, route, answer);
    if (answer->schema != NULL) {
        json_key(w, "content");
        json_object_open(w);
        if ((route->flags & ROUTE_WRITE) && strcmp(answer->schema, "Diff") != 0)
            write_either(w, arena, answer->schema, "Diff"); /* inside it, with Clusto-Diff */
        else
            write_media(w, arena, answer->media != NULL ? answer->media : JSON, answer->schema);
        if (route->operation->lines != NULL && answer == route->operation->answers)
            write_media(w, arena, "application/x-ndjson", route->operation->lines);
        if (is_feed(route, answer))
            write_media(w, arena, "text/event-stream", "EventStream");
        if (route->operation->csv && answer == route->operation->answers)
            write_media(w, arena, "text/csv", "Text");
        json_object_close(w);
    }
    json_object_close(w);
}

/* Of a transaction either itself is refused, or one of its operations. */
static void write_failure(struct json_writer *w, struct arena *arena) {
    json_object_open(w);
    member(w, "description", "An operation failed, or the transaction as a whole was refused");
    json_key(w, "content");
    json_object_open(w);
    write_either(w, arena, "Error", "OperationFailed");
    json_object_close(w);
    json_object_close(w);
}

/* An error, unless the row's own answers or an earlier error have the status. */
static void write_error(struct json_writer *w, struct arena *arena, const struct route *route,
                        bool *seen, int status) {
    const char *name = arena_printf(arena, "%d", status);

    if (seen[status])
        return;
    seen[status] = true;
    json_key(w, name);
    if (route->flags & ROUTE_TRANSACTION)
        write_failure(w, arena);
    else
        refer(w, arena, "responses", name);
}

static void write_responses(struct json_writer *w, struct arena *arena, const struct route *route) {
    static const struct operation_answer nothing = {204, NULL, NULL}, diff = {200, "Diff", NULL};
    const struct operation *operation = route->operation;
    bool seen[600] = {false}; /* by status */

    json_key(w, "responses");
    json_object_open(w);
    for (const struct operation_answer *answer = operation->answers; answer->status != 0;
         answer++) {
        write_answer(w, arena, route, answer);
        seen[answer->status] = true;
    }
    if ((route->flags & ROUTE_WRITE) && seen[204] && !seen[200]) { /* with Clusto-Diff */
        write_answer(w, arena, route, &diff);
        seen[200] = true;
    }
    if ((route->flags & ROUTE_WRITE) && !seen[204] &&
        route->role != ROLE_NONE) { /* to those who may not read */
        write_answer(w, arena, route, &nothing);
        seen[204] = true;
    }
    for (const int *status = operation->errors; *status != 0; status++)
        write_error(w, arena, route, seen, *status);
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        write_error(w, arena, route, seen, common[i]);
    if (route->role != ROLE_READ)
        write_error(w, arena, route, seen, 507);
    if (route->flags & ROUTE_USER)
        write_error(w, arena, route, seen, 421);
    if (route->flags & ROUTE_WRITE)
        write_error(w, arena, route, seen, 422);
    if (route->flags & (ROUTE_CONDITIONS | ROUTE_CREATES))
        write_error(w, arena, route, seen, 412);
    if ((route->flags & ROUTE_CONDITIONS) && (route->flags & ROUTE_WRITE) &&
        route->role != ROLE_ALLOCATE)
        write_error(w, arena, route, seen, 428);
    if (route->flags & ROUTE_PAST) {
        if ((route->flags & ROUTE_READ) == 0)
            write_error(w, arena, route, seen, 304);
        write_error(w, arena, route, seen, 409);
        write_error(w, arena, route, seen, 410);
    }
    json_object_close(w);
}

static const char *needed(struct arena *arena, const struct route *route) {
    return route->role == ROLE_NONE ? "s of its operations"
                                    : arena_printf(arena, " %s", access_role_name(route->role));
}

void openapi_operation_write(struct json_writer *w, struct arena *arena,
                             const struct openapi_place *place) {
    const struct route *route = place->route;

    json_object_open(w);
    member(w, "operationId", operation_id(arena, place));
    member(w, "summary", route->operation->summary);
    member(w, "description",
           arena_printf(arena, "Needs the role%s.%s", needed(arena, route),
                        strchr(route->pattern, '*') != NULL
                            ? " There may be any number of keys, each in a segment of its own."
                            : ""));
    json_key(w, "tags");
    json_array_open(w);
    json_string(w, mount_rows[route->mount].part);
    json_array_close(w);
    write_parameters(w, arena, place);
    write_body(w, arena, place);
    write_responses(w, arena, route);
    json_object_close(w);
}
