/* input.h: what all handlers read of a request: parameters, mode, page. Checks return 0, or the
 * status of the refusal that they sent. */
#ifndef MUSTER_API_INPUT_H
#define MUSTER_API_INPUT_H

#include "api/context.h"
#include "http/page.h"
#include "query/query.h"

/* The headers of a request by which what it shows may be another, as CGI variables. Where entity
 * tags and the response cache tell requests apart, all of them count. */
enum { INPUT_HEADERS = 8 };
extern const char *const input_headers[INPUT_HEADERS];

/* Their names, as Vary has them. */
#define INPUT_VARY                                                                                 \
    "Clusto-Minify, Clusto-Mode, Clusto-Page, Clusto-Per-Page, Clusto-After, Clusto-Contents, "    \
    "Clusto-Units, Clusto-Inherit"

/* The parameter's last value; NULL if it is missing or empty. */
const char *input_nonempty(const struct context *c, const char *name);

/* A 400 if one of the values of this parameter is empty. */
int input_check_nonempty(struct context *c, const char *name, const char *const *values,
                         size_t count);

/* A boolean parameter, which dispatch has checked; `otherwise` where it is missing. */
bool input_boolean(const struct context *c, const char *name, bool otherwise);

/* A number in these bounds; *out stays as it is where the parameter is missing. 400: another text.
 */
int input_number(struct context *c, const char *name, int64_t least, int64_t most, int64_t *out);

/* Clusto-Mode, or the default where it is missing. MODE_INVALID: the handler asks
 * input_check_mode in its turn, which sends the 409; it also refuses a Clusto-Units that is neither
 * true nor false (400). */
enum context_mode input_mode(const struct context *c, enum context_mode default_mode);
int input_check_mode(struct context *c, enum context_mode mode);

/* Clusto-Units: true: whole objects with the units of racks that they take. */
bool input_units(const struct context *c);

/* Are the contents of one object to be shown? Clusto-Contents: none says no; its check returns 0,
 * or 400 for any other value. */
bool input_contents(const struct context *c);
int input_check_contents(struct context *c);

/* Are attributes wanted that the object inherits? Clusto-Inherit: true says yes. Returns 0, or 400
 * for what is neither true nor false. */
int input_inherit(struct context *c, bool *inherit);

/* 400 if this header was sent more than once: "If-Match", which is the variable HTTP_IF_MATCH. */
int input_check_once(struct context *c, const char *header, const char *variable);

/* What a JSON text in a request may be: as the configuration and contract/preferences.md say, with
 * `depth` nested containers. */
struct json_limits input_json_limits(const struct api_options *options, size_t depth);

/* The body as JSON with these limits. NULL: a 400 was sent. */
const struct json_node *input_json_body(struct context *c, size_t depth);

/* What a query in a request may be. */
struct query_limits input_query_limits(const struct api_options *options);

/* The question that the parameter is, in the arena; NULL: it is not there. An empty one is more
 * likely a mistake than the wish for everything: 412. 400: it can't be read. */
int input_question(struct context *c, struct arena *arena, const char *name,
                   const struct query_node **out);

/* True if the request prefers lines of JSON (application/x-ndjson) to one document of JSON. */
bool input_accepts_lines(const struct context *c);

/* The parameter driver, exact names, in the arena. 412: there is none of that name. */
int input_drivers(struct context *c, const char *const **drivers, size_t *count);

/* The parameters driver and type, exact names, into a list's filters. 412: there is none of that
 * name. */
int input_filters(struct context *c, struct listing *listing);

/* Which page of a list is wanted: Clusto-Page or Clusto-After, Clusto-Per-Page; the last two also
 * as the parameters clusto_after and clusto_per_page. */
int input_page(struct context *c, struct page *out);

#endif
