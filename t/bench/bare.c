/* bare.c: the bare responder: the least that answers from the database: the program's own prepared
 * statement and fixed formatting; no routing, no checks, no JSON library. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/digest.h"
#include "model/driver.h"
#include "serve.h"
#include "store/objects.h"
#include "store/stmts.h"

enum { LARGEST = 1 << 20, LIST_MAX = 4096 };

static const char *conninfo;
static PGconn *conn;
static char body[LARGEST];
static size_t used;
static char drivers[LIST_MAX], resources[LIST_MAX];

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...) {
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(body + used, sizeof body - used, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof body - used)
        abort();
    used += (size_t)n;
}

/* --- the database ------------------------------------------------------------------------------
 */

static void check(const PGresult *result, ExecStatusType wanted) {
    if (PQresultStatus(result) == wanted)
        return;
    fprintf(stderr, "bare: %s", PQerrorMessage(conn));
    exit(1);
}

/* Adds one to a list as PostgreSQL writes it, "{a,b}". */
static void add_to(char *list, const char *item) {
    size_t n = strlen(list);

    snprintf(list + (n ? n - 1 : 0), LIST_MAX - n, "%s%s}", n ? "," : "{", item);
}

static void list_managers(void) {
    for (size_t i = 0; i < driver_count(); i++) {
        const struct driver *driver = driver_at(i);

        if (!driver->resource_key)
            continue;
        add_to(drivers, driver->name);
        add_to(resources, driver->resource_key);
    }
}

static void connect_and_prepare(enum stmt stmt) {
    const struct stmt_row *row = &stmts_rows[stmt];

    conn = PQconnectdb(conninfo);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "bare: %s", PQerrorMessage(conn));
        exit(1);
    }
    check(PQprepare(conn, "s", row->text, (int)strlen(row->params),
                    pg_types(arena_new(), row->params)),
          PGRES_COMMAND_OK);
    list_managers();
}

static PGresult *run(const char *const *values, int count) {
    PGresult *result = PQexecPrepared(conn, "s", count, values, NULL, NULL, 0);

    check(result, PGRES_TUPLES_OK);
    return result;
}

/* --- requests and answers ----------------------------------------------------------------------
 */

/* The segments of the path from the end on: 0 is the last one. */
static const char *segment(FCGX_Request *request, int from_end) {
    static char path[256];
    char *slash = path;

    snprintf(path, sizeof path, "%s", FCGX_GetParam("PATH_INFO", request->envp));
    for (slash = strrchr(path, '/'); slash && from_end > 0; from_end--) {
        *slash = '\0';
        slash = strrchr(path, '/');
    }
    return slash ? slash + 1 : "";
}

/* With the headers that the program's answer has: they cost the front server and the client, too.
 * `more`: lines. */
static void send_answer(FCGX_Request *request, const char *more) {
    static unsigned count;

    FCGX_FPrintF(request->out,
                 "Status: 200 OK\r\nContent-Type: application/json\r\n"
                 "Clusto-Minify: False\r\n%sX-Request-Id: bare-%x\r\nContent-Length: %d\r\n\r\n",
                 more, count++, (int)used);
    FCGX_PutStr(body, (int)used, request->out);
}

/* With the revision in the first column. */
static const char *document_headers(const PGresult *result) {
    static char lines[100];

    snprintf(lines, sizeof lines, "ETag: \"%s\"\r\nCache-Control: private, no-cache\r\nVary: Clusto-Minify\r\n",
             PQgetvalue(result, 0, 0));
    return lines;
}

static void send_document(FCGX_Request *request, PGresult *result) {
    const char *lines = document_headers(result);

    PQclear(result);
    send_answer(request, lines);
}

/* With a tag, as the program's answer: a hash of all that was read. */
static const char *object_headers(const PGresult *result) {
    static char lines[100];
    unsigned char hash[DIGEST_BYTES];
    char tag[DIGEST_BYTES * 2];

    digest_begin();
    for (int row = 0; row < PQntuples(result); row++)
        for (int column = 0; column < PQnfields(result); column++)
            digest_add(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
    if (!digest_end(hash))
        abort();
    digest_base64url(hash, 12, tag);
    snprintf(lines, sizeof lines, "ETag: \"%s-e\"\r\nVary: Clusto-Minify\r\n", tag);
    return lines;
}

static void send_object(FCGX_Request *request, PGresult *result) {
    const char *lines = object_headers(result);

    PQclear(result);
    send_answer(request, lines);
}

static const char *get(const PGresult *result, int row, int column) {
    return PQgetvalue(result, row, column);
}

static void put_value(const PGresult *result, int row) {
    switch (get(result, row, COLUMN_DATATYPE)[0]) {
    case 'i': put("%s", get(result, row, COLUMN_INT)); break;
    case 'r':
        put("\"/%s/%s\"", get(result, row, COLUMN_DRIVER), get(result, row, COLUMN_NAME));
        break;
    case 'd':
        put("\"%.10sT%s\"", get(result, row, COLUMN_DATETIME),
            get(result, row, COLUMN_DATETIME) + 11);
        break;
    default: put("\"%s\"", get(result, row, COLUMN_STRING)); break;
    }
}

static void put_attr(const PGresult *result, int row, const char *indent) {
    const char *number = get(result, row, COLUMN_NUMBER);

    put("%s{\n%s    \"datatype\": \"%s\",\n%s    \"key\": \"%s\",\n%s    \"number\": %s,\n%s    "
        "\"subkey\": ",
        indent, indent, get(result, row, COLUMN_DATATYPE), indent, get(result, row, COLUMN_KEY),
        indent, *number ? number : "null", indent);
    if (PQgetisnull(result, row, COLUMN_SUBKEY))
        put("null");
    else
        put("\"%s\"", get(result, row, COLUMN_SUBKEY));
    put(",\n%s    \"value\": ", indent);
    put_value(result, row);
    put("\n%s}", indent);
}

/* The rows come as they are shown: the entity itself, its attributes, its containers. */
static void put_attrs(const PGresult *result, const char *indent) {
    const char *separator = "\n";

    put("[");
    for (int row = 1; row < PQntuples(result) && *get(result, row, COLUMN_TAG) == '1'; row++) {
        put("%s", separator);
        put_attr(result, row, indent);
        separator = ",\n";
    }
    put("\n%.*s]", (int)strlen(indent) - 4, indent);
}

static void put_ips(const PGresult *result) {
    const char *separator = "\n";

    put("    \"ips\": [");
    for (int row = 0; row < PQntuples(result); row++) {
        if (strcmp(get(result, row, COLUMN_SUBKEY), "ipstring") != 0)
            continue;
        put("%s        \"%s\"", separator, get(result, row, COLUMN_STRING));
        separator = ",\n";
    }
    put(*separator == ',' ? "\n    ],\n" : "],\n");
}

static void put_parents(const PGresult *result) {
    const char *separator = "\n";

    put("    \"parents\": [");
    for (int row = 1; row < PQntuples(result); row++) {
        if (*get(result, row, COLUMN_TAG) != '2')
            continue;
        put("%s        \"/%s/%s\"", separator, get(result, row, COLUMN_DRIVER),
            get(result, row, COLUMN_NAME));
        separator = ",\n";
    }
    put("\n    ]\n}");
}

/* --- what can be asked for ---------------------------------------------------------------------
 */

static void start_object(void) {
    connect_and_prepare(STMT_OBJECT_BY_NAME);
}

static void answer_object(FCGX_Request *request) {
    PGresult *result = run((const char *[]){drivers, resources, segment(request, 0)}, 3);

    used = 0;
    put("{\n    \"attrs\": ");
    put_attrs(result, "        ");
    put(",\n    \"contents\": [],\n    \"driver\": \"%s\",\n", get(result, 0, COLUMN_DRIVER));
    put_ips(result);
    put("    \"name\": \"%s\",\n", get(result, 0, COLUMN_NAME));
    put_parents(result);
    send_object(request, result);
}

static void start_ref(void) {
    connect_and_prepare(STMT_REF_BY_NAME);
}

static void answer_ref(FCGX_Request *request) {
    PGresult *result = run((const char *[]){segment(request, 0)}, 1);

    used = 0;
    put("\"/%s/%s\"", get(result, 0, 2), get(result, 0, 1));
    PQclear(result);
    send_answer(request, "");
}

static void start_attrs(void) {
    connect_and_prepare(STMT_OBJECT_ALONE);
}

static void answer_attrs(FCGX_Request *request) {
    PGresult *result = run((const char *[]){drivers, resources, segment(request, 0)}, 3);

    used = 0;
    put_attrs(result, "    ");
    send_object(request, result);
}

static void put_line(int depth) {
    body[used++] = '\n';
    memset(body + used, ' ', 4 * (size_t)depth);
    used += 4 * (size_t)depth;
}

/* Python's layout from PostgreSQL's: the same but for line ends and indents. */
static void put_indented(const char *json) {
    int depth = 0;
    bool quoted = false;

    used = 0;
    for (; *json; json++) {
        if (used + 256 > sizeof body)
            abort();
        body[used++] = *json;
        if (quoted && *json == '\\')
            body[used++] = *++json;
        else if (*json == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        if (*json == '{' || *json == '[')
            put_line(++depth);
        else if (*json == ',')
            put_line(depth), json++;
        else if (json[1] == '}' || json[1] == ']')
            put_line(--depth);
    }
}

static void start_document(void) {
    connect_and_prepare(STMT_PREFS_GET);
}

static void answer_document(FCGX_Request *request) {
    const char *user = FCGX_GetParam("HTTP_X_USER_ID", request->envp);
    PGresult *result = run((const char *[]){user, segment(request, 0)}, 2);

    put_indented(get(result, 0, 1));
    send_document(request, result);
}

static void start_path(void) {
    connect_and_prepare(STMT_PREFS_GET_PATH);
}

/* /preferences/CONTAINER/KEY */
static void answer_path(FCGX_Request *request) {
    const char *user = FCGX_GetParam("HTTP_X_USER_ID", request->envp);
    char container[256], path[256];
    PGresult *result;

    snprintf(path, sizeof path, "{%s}", segment(request, 0));
    snprintf(container, sizeof container, "%s", segment(request, 1));
    result = run((const char *[]){user, container, path}, 3);
    put_indented(get(result, 0, 1));
    send_document(request, result);
}

static void start_set(void) {
    connect_and_prepare(STMT_PREFS_SET);
}

/* POST /preferences/CONTAINER/KEY, of a value that fits into a hundred bytes. */
static void answer_set(FCGX_Request *request) {
    const char *user = FCGX_GetParam("HTTP_X_USER_ID", request->envp);
    char container[256], path[256], value[100], whole[400];
    PGresult *result;
    int n = FCGX_GetStr(value, sizeof value - 1, request->in);

    value[n] = '\0';
    snprintf(path, sizeof path, "{%s}", segment(request, 0));
    snprintf(container, sizeof container, "%s", segment(request, 1));
    snprintf(whole, sizeof whole, "{\"%s\": %s}", segment(request, 0), value);
    result = run((const char *[]){user, container, path, "{}", value, "4000000", whole, "bare"}, 8);
    FCGX_FPrintF(request->out, "Status: 204 No Content\r\n%sX-Request-Id: bare\r\n\r\n",
                 document_headers(result));
    PQclear(result);
}

static const struct {
    const char *name;
    struct responder responder;
} kinds[] = {
    {"object", {start_object, answer_object}}, {"ref", {start_ref, answer_ref}},
    {"attrs", {start_attrs, answer_attrs}},    {"document", {start_document, answer_document}},
    {"path", {start_path, answer_path}},       {"set", {start_set, answer_set}}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 5 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(argv[4], kinds[i].name) == 0) {
            conninfo = argv[3];
            return serve(argv[1], (int)strtol(argv[2], NULL, 10), &kinds[i].responder);
        }
    }
    fprintf(stderr, "usage: %s SOCKET PROCESSES CONNINFO object|ref|attrs|document|path|set\n",
            argv[0]);
    return 2;
}
