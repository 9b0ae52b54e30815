/* operation.h: what the rows of the route table take and answer, declared once: requests are
 * checked against it, the documentation is compared with it, OpenAPI is made from it. */
#ifndef MUSTER_SERVER_OPERATION_H
#define MUSTER_SERVER_OPERATION_H

#include <stdbool.h>

enum operation_kind {
    OPERATION_TEXT,
    OPERATION_NAME, /* of an object */
    OPERATION_DRIVER,
    OPERATION_TYPE, /* of objects */
    OPERATION_KEY,  /* or subkey */
    OPERATION_INTEGER,
    OPERATION_DATATYPE,
    OPERATION_ACTION,
    OPERATION_BOOLEAN, /* checked here: 400 where it is neither true nor false */
    OPERATION_JSON,
    OPERATION_POINTER,   /* a JSON pointer, RFC 6901 */
    OPERATION_PROPERTIES /* any name: the handler knows which */
};

#define OPERATION_REQUIRED 1u
#define OPERATION_REPEATED 2u /* several may be sent; of others the last counts */

struct operation_parameter {
    const char *name;
    enum operation_kind kind;
    unsigned flags;
    const char *help;
};

/* What a body may be. Whatever is not named is refused with 415. */
enum operation_body {
    OPERATION_FORM,       /* parameters: a form, or a JSON object whose members they are */
    OPERATION_ATTRIBUTES, /* a form, or JSON that the handler reads */
    OPERATION_DOCUMENT,   /* JSON that the handler reads, whatever its Content-Type */
    OPERATION_PATCH,      /* the handler reads it and its Content-Type */
    OPERATION_LINES,      /* NDJSON or CSV that the handler reads, piece by piece */
    OPERATION_NO_BODY     /* 400 if there is one */
};

/* A response that is no plain error: a schema of etc/openapi.json, NULL: no body; its media type,
 * NULL: application/json. */
struct operation_answer {
    int status;
    const char *schema;
    const char *media;
};

#define OPERATION_ANSWERS    4
#define OPERATION_ERRORS     8
#define OPERATION_PARAMETERS 12

struct operation {
    const char *summary;
    enum operation_body body;
    const char *schema;                                 /* of a JSON body that the handler reads */
    struct operation_answer answers[OPERATION_ANSWERS]; /* ends with status 0 */
    const char *lines;            /* of one line of application/x-ndjson, which the first answer may
                                     be as well; NULL: not here */
    bool csv;                     /* the first answer may be text/csv as well */
    int errors[OPERATION_ERRORS]; /* its own, beside what any may answer */
    const struct operation_parameter *parameters[OPERATION_PARAMETERS]; /* ends with NULL */
    bool has_contents;  /* one object, which Clusto-Contents: none shows without its contents */
    bool has_inherited; /* attributes, to which Clusto-Inherit: true adds what is inherited */
};

/* True if parameters may be in the body, too. */
bool operation_takes_form(const struct operation *operation);

/* The parameter of that name, NULL: there is none. */
const struct operation_parameter *operation_find(const struct operation *operation,
                                                 const char *name);

/* True for 1, true, yes, on, and for 0, false, no, off or nothing, in any case. */
bool operation_is_boolean(const char *text);

/* Parameters of operations in several files. */
extern const struct operation_parameter operation_any_driver, operation_only_question,
    operation_most_events;

extern const struct operation operation_version, operation_openapi, operation_docs, operation_live,
    operation_meta, operation_metrics, operation_ready, operation_by_address, operation_changes,
    operation_by_attr, operation_by_name, operation_by_names, operation_driverlist,
    operation_export, operation_favicon, operation_from_pools, operation_query, operation_typelist,
    operation_units, operation_free, operation_search, operation_targets, operation_whoami;
extern const struct operation operation_history, operation_diff, operation_revert,
    operation_transaction, operation_import;
extern const struct operation operation_entities, operation_entity_create, operation_entity,
    operation_contents, operation_entity_action, operation_entity_delete, operation_parents,
    operation_references, operation_ports, operation_ports_action;
extern const struct operation operation_attributes, operation_attribute_add,
    operation_attribute_set, operation_attribute_delete;
extern const struct operation operation_managers, operation_manager_create, operation_manager,
    operation_allocate, operation_deallocate;
extern const struct operation operation_containers, operation_unnamed, operation_delete_all,
    operation_replace, operation_patch, operation_document, operation_write, operation_remove;

#endif
