/* transaction_input.h: the body of POST /transaction: a list of operations. */
#ifndef MUSTER_SERVER_TRANSACTION_INPUT_H
#define MUSTER_SERVER_TRANSACTION_INPUT_H

#include "server/exchange.h"
#include "server/reference.h"

/* An operation as it was sent, its texts with their references. */
struct transaction_operation {
    enum request_method method;
    const char *method_text;
    const char *path;                                   /* percent-encoded */
    const struct json_node *params;                     /* an object; NULL: none */
    const struct json_node *body;                       /* NULL: none */
    const char *if_match, *if_none_match, *description; /* NULL: none */
};

struct transaction_operations {
    const struct transaction_operation *items;
    size_t count;
};

/* Reads the request's body: the members of each operation, and that references name earlier ones.
 * 0, or the status of the refusal: 400, or 413 for too many. */
int transaction_input_read(struct exchange *x, struct transaction_operations *out);

/* Refuses the request because of an operation: {"body", "failed", "status"}. Returns the status. */
int transaction_input_fail(struct exchange *x, size_t number, int status, const char *message);

/* The same where the body is not a text. NULL: null. */
int transaction_input_fail_with(struct exchange *x, size_t number, int status,
                                const struct json_node *body);

#endif
