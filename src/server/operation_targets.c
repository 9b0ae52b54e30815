/* operation_targets.c: what /targets takes and answers. */
#include <stddef.h>

#include "server/operation.h"

#define PARAMETER static const struct operation_parameter

PARAMETER pool = {"pool", OPERATION_NAME, OPERATION_REPEATED,
                  "Only objects that are in each of these pools."};
PARAMETER port = {"port", OPERATION_INTEGER, 0,
                  "The port of objects that have none of their own; 9100 unless it is sent."};
PARAMETER address = {"address", OPERATION_TEXT, 0,
                     "What the address is: ip, name or an attribute, as KEY.SUBKEY; ip unless it "
                     "is sent."};

const struct operation operation_targets = {
    .summary = "Objects as targets of Prometheus",
    .answers = {{200, "Targets", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&operation_only_question, &pool, &operation_any_driver, &port, &address},
};
