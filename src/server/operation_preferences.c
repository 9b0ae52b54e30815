/* operation_preferences.c: what the rows of the preferences take and answer. */
#include <stddef.h>

#include "server/operation.h"

#define PARAMETER static const struct operation_parameter

PARAMETER contains = {"contains", OPERATION_JSON, 0,
                      "Only containers whose document contains this JSON object."};
PARAMETER pointer = {"pointer", OPERATION_POINTER, 0,
                     "A JSON pointer into the document, instead of keys in the path."};

PARAMETER changes = {"changes", OPERATION_TEXT, 0,
                     "Which containers were changed after the cursor since, instead."};
PARAMETER changes_since = {"since", OPERATION_TEXT, 0,
                           "With changes: a cursor, which is what Clusto-Next said, or now."};

const struct operation operation_containers = {
    .summary = "The names of the user's containers, or which of them were changed",
    .body = OPERATION_DOCUMENT,
    .schema = "Document",
    .answers = {{200, "ContainersOrChanges", NULL}, {304, NULL, NULL}},
    .errors = {409, 410, 412, 429},
    .parameters = {&contains, &changes, &changes_since, &operation_most_events},
};

const struct operation operation_unnamed = {
    .summary = "Refused: the container must be named in the path",
    .body = OPERATION_DOCUMENT,
    .schema = "Document",
};

const struct operation operation_delete_all = {
    .summary = "Deletes all containers of the user",
    .body = OPERATION_NO_BODY,
    .answers = {{204, NULL, NULL}},
};

const struct operation operation_replace = {
    .summary = "Replaces a document",
    .body = OPERATION_DOCUMENT,
    .schema = "Document",
    .answers = {{201, NULL, NULL}, {204, NULL, NULL}},
    .errors = {409, 412},
};

const struct operation operation_patch = {
    .summary = "Changes a document by a merge patch or a JSON patch",
    .body = OPERATION_PATCH,
    .schema = "Patch",
    .answers = {{201, NULL, NULL}, {204, NULL, NULL}},
    .errors = {404, 409, 412},
};

const struct operation operation_document = {
    .summary = "A document, or a value in it",
    .body = OPERATION_NO_BODY,
    .answers = {{200, "Value", NULL}, {304, NULL, NULL}},
    .errors = {404, 412},
    .parameters = {&pointer},
};

const struct operation operation_write = {
    .summary = "Creates a document, or stores a value in it",
    .body = OPERATION_DOCUMENT,
    .schema = "Value",
    .answers = {{204, NULL, NULL}},
    .errors = {404, 409, 412},
    .parameters = {&pointer},
};

const struct operation operation_remove = {
    .summary = "Deletes a container, or a value in its document",
    .body = OPERATION_NO_BODY,
    .answers = {{204, NULL, NULL}},
    .errors = {404, 409, 412},
    .parameters = {&pointer},
};
