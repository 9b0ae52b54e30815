/* unit_accept.c: which media type a header Accept prefers (RFC 9110 12.5.1). */
#include "http/accept.h"
#include "tap.h"

static const char *const types[] = {"application/json", "text/csv", "application/x-ndjson", NULL};

static void prefers(const char *header, const char *type) {
    size_t best = accept_preferred(header, types);

    ok(strcmp(types[best], type) == 0, "%s: %s", header ? header : "(no header)", type);
}

static void test_preferred(void) {
    prefers(NULL, "application/json");
    prefers("", "application/json");
    prefers(" , ,", "application/json");
    prefers("*/*", "application/json");
    prefers("text/html", "application/json");
    prefers("text/csvx", "application/json");
    prefers("text/cs", "application/json");
    prefers("text/csv", "text/csv");
    prefers("TEXT/CSV ; header=present", "text/csv");
    prefers("text/csv, */*;q=0.1", "text/csv");
    prefers("text/html, text/csv", "text/csv");
    prefers("application/json, text/csv", "application/json");
    prefers("application/x-ndjson, text/csv", "application/x-ndjson");
}

static void test_weights(void) {
    prefers("text/csv;q=0", "application/json");
    prefers("text/csv;q=0.000", "application/json");
    prefers("text/csv; q=0.1, application/json", "application/json");
    prefers("application/json;q=0.2,text/csv;Q=0.25", "text/csv");
    prefers("application/json;q=0, text/csv;q=0.001", "text/csv");
    prefers("text/csv;header=\"a,;q=0\\\"\";q=0.5, application/x-ndjson;q=0.501",
            "application/x-ndjson");
    prefers("text/csv;q=0.5, */*", "application/json");
    prefers("text/csv;q=0.5, application/*;q=0.9", "application/json");
    prefers("text/csv;q=1.000", "text/csv");
    prefers("text/csv;q=x", "text/csv");
    prefers("text/csv;q=0.99999999999999999999", "text/csv");
    prefers("text/csv;q=", "text/csv");
    prefers("text/csv;", "text/csv");
    prefers("text/csv;q=0.5;x=\"", "text/csv");
    prefers("text/csv;x=\"\\", "text/csv");
}

static void test_names(void) {
    ok(accept_names("text/event-stream", "text/event-stream"), "named");
    ok(accept_names("application/json, Text/Event-Stream;q=0.5", "text/event-stream"), "beside");
    ok(!accept_names("text/event-stream;q=0", "text/event-stream"), "not acceptable");
    ok(!accept_names("text/event-streams", "text/event-stream"), "another type");
    ok(!accept_names("text/html;x=\"text/event-stream\"", "text/event-stream"), "a parameter");
    ok(!accept_names("*/*", "text/event-stream"), "a range does not name it");
    ok(!accept_names(NULL, "text/event-stream"), "no header");
}

int main(void) {
    test_preferred();
    test_weights();
    test_names();
    return done_testing();
}
