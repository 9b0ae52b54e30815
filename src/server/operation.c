/* operation.c: what the rows of the route table take and answer. */
#include "server/operation.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define PARAMETER static const struct operation_parameter

/* --- parameters that several have --- */

PARAMETER clusto_after = {"clusto_after", OPERATION_INTEGER, 0, "As the header Clusto-After."};
PARAMETER clusto_per_page = {"clusto_per_page", OPERATION_INTEGER, 0,
                             "As the header Clusto-Per-Page."};
PARAMETER driver = {"driver", OPERATION_DRIVER, 0, "The driver that the object must have."};
const struct operation_parameter operation_any_driver = {
    "driver", OPERATION_DRIVER, OPERATION_REPEATED, "Only objects of one of these drivers."};
const struct operation_parameter operation_only_question = {
    "q", OPERATION_TEXT, 0, "Only what this question finds, as /query."};
const struct operation_parameter operation_most_events = {"limit", OPERATION_INTEGER, 0,
                                                          "How many, at most 1000."};
PARAMETER any_type = {"type", OPERATION_TYPE, OPERATION_REPEATED,
                      "Only objects of one of these types."};

#define PAGES &clusto_after, &clusto_per_page

/* --- the root --- */

const struct operation operation_version = {
    .summary = "The version of the server",
    .answers = {{200, "Text", NULL}},
};

const struct operation operation_docs = {
    .summary = "Documentation, as HTML or text",
    .answers = {{200, "Text", "text/*"}},
    .errors = {404},
};

const struct operation operation_live = {
    .summary = "Whether the server is alive",
    .answers = {{200, "Text", NULL}},
};

const struct operation operation_meta = {
    .summary = "The parts and their paths",
    .answers = {{200, "Names", NULL}},
};

const struct operation operation_metrics = {
    .summary = "Counters, in the text format of Prometheus",
    .answers = {{200, "Text", "text/plain"}},
};

const struct operation operation_ready = {
    .summary = "Whether the server can serve requests",
    .answers = {{200, "Ready", NULL}, {503, "Ready", NULL}},
};

const struct operation operation_driverlist = {
    .summary = "Drivers and their classes, or what they are",
    .answers = {{200, "NamesOrDrivers", NULL}},
    .errors = {409},
};

const struct operation operation_whoami = {
    .summary = "Who the client is, and its roles",
    .answers = {{200, "Identity", NULL}},
};

const struct operation operation_typelist = {
    .summary = "Types and their classes",
    .answers = {{200, "Names", NULL}},
};

const struct operation operation_favicon = {
    .summary = "Says that there is no icon",
    .answers = {{410, NULL, NULL}},
};

PARAMETER openapi_version = {"version", OPERATION_TEXT, 0, "Of OpenAPI: 3.0 or 3.1."};

const struct operation operation_openapi = {
    .summary = "The description of the interface, as OpenAPI",
    .answers = {{200, "Description", NULL}},
    .parameters = {&openapi_version},
};

PARAMETER attr_key = {"key", OPERATION_TEXT, OPERATION_REQUIRED, "The key of the attribute."};
PARAMETER attr_subkey = {"subkey", OPERATION_TEXT, 0, "Its subkey."};
PARAMETER attr_value = {"value", OPERATION_TEXT, 0, "Its value, as text."};

const struct operation operation_by_attr = {
    .summary = "The objects that have an attribute",
    .answers = {{200, "Objects", NULL}},
    .errors = {409, 412},
    .parameters = {&attr_key, &attr_subkey, &attr_value, PAGES},
};

const struct operation operation_by_address = {
    .summary = "Who holds an address, and which managers can give it",
    .answers = {{200, "AddressHolders", NULL}},
};

const struct operation operation_by_name = {
    .summary = "One object by its name",
    .answers = {{200, "CompactOrObject", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&driver},
    .has_contents = true,
};

PARAMETER wanted_names = {"name", OPERATION_NAME, OPERATION_REQUIRED | OPERATION_REPEATED,
                          "The names of the objects."};

const struct operation operation_by_names = {
    .summary = "Several objects by their names",
    .answers = {{200, "Objects", NULL}, {206, "MaybeObjects", NULL}, {404, "MaybeObjects", NULL}},
    .errors = {409, 412, 413},
    .parameters = {&wanted_names},
};

PARAMETER question = {"q", OPERATION_TEXT, OPERATION_REQUIRED, "The question."};

PARAMETER fields = {"fields", OPERATION_TEXT, 0, "Columns, separated by commas."};
PARAMETER count_by = {"count_by", OPERATION_TEXT, 0,
                      "How many of the objects have each value in this column, instead of them."};
PARAMETER csv_safe = {"csv_safe", OPERATION_BOOLEAN, 0,
                      "Whether CSV has a ' before texts that a spreadsheet would run."};

const struct operation operation_query = {
    .summary = "The objects that a question finds",
    .answers = {{200, "QueryRows", NULL}},
    .csv = true,
    .lines = "QueryRow",
    .errors = {409, 412},
    .parameters = {&question, &fields, &count_by, &csv_safe, PAGES},
};

const struct operation operation_export = {
    .summary = "Whole objects, one a line, containers before what they contain",
    .answers = {{200, "ExportLine", "application/x-ndjson"}},
    .errors = {412},
    .parameters = {&operation_any_driver, &operation_only_question},
};

PARAMETER searched = {"q", OPERATION_TEXT, OPERATION_REQUIRED, "The text, in any case."};
PARAMETER after_match = {"after", OPERATION_TEXT, 0, "The next page, as Clusto-Next said."};

const struct operation operation_search = {
    .summary = "Objects by a text in their names, addresses or attributes",
    .answers = {{200, "Matches", NULL}},
    .errors = {412},
    .parameters = {&searched, &after_match},
};

PARAMETER pools = {"pool", OPERATION_NAME, OPERATION_REQUIRED | OPERATION_REPEATED,
                   "The names of the pools; an object must be in each of them."};
PARAMETER children = {"children", OPERATION_BOOLEAN, 0,
                      "Whether to search containers in the pools, too; true unless it is sent."};

PARAMETER containers = {"containers", OPERATION_BOOLEAN, 0,
                        "Whether containers that are not pools are allowed, racks for example."};

const struct operation operation_from_pools = {
    .summary = "The objects that are in all of the given pools",
    .answers = {{200, "Objects", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&pools, &operation_any_driver, &any_type, &children, &containers, PAGES},
};

/* --- the history --- */

PARAMETER of_object = {"object", OPERATION_NAME, 0, "Only an object that has or had this name."};
PARAMETER of_id = {"id", OPERATION_INTEGER, 0, "Only the object with this id."};
PARAMETER by_user = {"user", OPERATION_TEXT, 0, "Only versions that this user made."};
PARAMETER from_version = {"from", OPERATION_TEXT, 0, "Only after this version or time."};
PARAMETER to_version = {"to", OPERATION_TEXT, 0,
                        "Up to this version or time; now unless it is sent."};
PARAMETER before = {"before", OPERATION_INTEGER, 0,
                    "The next page: only versions before this one."};
PARAMETER limit = {"limit", OPERATION_INTEGER, 0, "How many, at most 200; 50 unless it is sent."};
PARAMETER details = {"details", OPERATION_BOOLEAN, 0, "What each version changed, too."};

const struct operation operation_history = {
    .summary = "The versions of the inventory, the latest first: who changed what",
    .answers = {{200, "History", NULL}},
    .errors = {404, 409, 410},
    .parameters = {&of_object, &of_id, &by_user, &from_version, &to_version, &before, &limit,
                   &details},
};

PARAMETER diff_from = {"from", OPERATION_TEXT, OPERATION_REQUIRED, "The earlier version or time."};
PARAMETER after = {"after", OPERATION_INTEGER, 0, "The next page: only objects with a greater id."};

const struct operation operation_diff = {
    .summary = "What is different between two versions or times",
    .answers = {{200, "Difference", NULL}},
    .lines = "Line",
    .errors = {404, 409, 410, 412},
    .parameters = {&diff_from, &to_version, &of_object, &of_id, &after, &limit},
};

PARAMETER reverted = {"version", OPERATION_INTEGER, 0, "The version to undo."};
PARAMETER back_object = {"object", OPERATION_NAME, 0, "Or the object to bring back."};
PARAMETER back_to = {"to", OPERATION_TEXT, 0, "The version or time that it goes back to."};
PARAMETER dry_run = {"dry_run", OPERATION_BOOLEAN, 0, "Whether only to show what would be done."};

const struct operation operation_revert = {
    .summary = "Undoes what a version did, or brings an object back to a version",
    .answers = {{200, "Reverted", NULL}},
    .errors = {404, 409, 410, 412},
    .parameters = {&reverted, &back_object, &back_to, &dry_run},
};

const struct operation operation_transaction = {
    .summary = "Operations in one transaction: all are done, or none",
    .body = OPERATION_DOCUMENT,
    .schema = "Operations",
    .answers = {{200, "OperationResponses", NULL}},
    .errors = {404, 405, 409, 410, 412, 428},
};

PARAMETER import_mode = {"mode", OPERATION_TEXT, 0,
                         "create, update or replace; update unless it is sent."};
PARAMETER progress = {"progress", OPERATION_BOOLEAN, 0,
                      "Whether the answer is a stream of lines, one a second."};

const struct operation operation_import = {
    .summary = "Creates and changes many objects, all or none",
    .body = OPERATION_LINES,
    .schema = "ImportLine",
    .answers = {{200, "Imported", NULL}, {400, "ImportErrors", NULL}, {409, "ImportErrors", NULL}},
    .lines = "ImportProgress",
    .errors = {408, 413, 415},
    .parameters = {&import_mode, &dry_run, &progress},
};

PARAMETER since = {"since", OPERATION_TEXT, OPERATION_REQUIRED,
                   "A cursor: what Clusto-Next said, or now."};
PARAMETER of_names = {"object", OPERATION_NAME, OPERATION_REPEATED,
                      "Only objects with one of these names."};
PARAMETER of_keys = {"key", OPERATION_KEY, OPERATION_REPEATED,
                     "Only where an attribute with one of these keys was added or removed."};
PARAMETER of_pools = {"pool", OPERATION_NAME, OPERATION_REPEATED,
                      "Only objects that were in one of these before or after."};
PARAMETER with_attrs = {"attrs", OPERATION_BOOLEAN, 0,
                        "Whether to show attributes; true unless it is sent."};

const struct operation operation_changes = {
    .summary = "What was committed after a cursor, each change once and in order",
    .answers = {{200, "Events", NULL}},
    .errors = {404, 409, 410, 412, 429},
    .parameters = {&since, &operation_most_events, &operation_any_driver, &operation_only_question,
                   &of_names, &of_keys, &of_pools, &with_attrs},
};

/* --- objects --- */

PARAMETER only_names = {"names", OPERATION_NAME, OPERATION_REPEATED,
                        "Only objects with one of these names."};
PARAMETER clusto_types = {"clusto_types", OPERATION_TYPE, OPERATION_REPEATED,
                          "Only objects of one of these types."};
PARAMETER clusto_drivers = {"clusto_drivers", OPERATION_DRIVER, OPERATION_REPEATED,
                            "Only objects of one of these drivers."};
PARAMETER only_name = {"name", OPERATION_NAME, OPERATION_REPEATED, "As names."};

const struct operation operation_entities = {
    .summary = "Objects, the oldest first",
    .answers = {{200, "Objects", NULL}},
    .errors = {409, 412},
    .parameters = {&only_names, &clusto_types, &clusto_drivers, &only_name, &any_type,
                   &operation_any_driver, PAGES},
};

PARAMETER new_names = {"name", OPERATION_NAME, OPERATION_REQUIRED | OPERATION_REPEATED,
                       "The names of the new objects."};
PARAMETER properties = {"", OPERATION_PROPERTIES, 0, "The properties of the driver."};

const struct operation operation_entity_create = {
    .summary = "Creates objects",
    .answers = {{201, "Objects", NULL}, {202, "Objects", NULL}},
    .errors = {409, 412, 413},
    .parameters = {&new_names, &properties},
};

const struct operation operation_entity = {
    .summary = "One object",
    .answers = {{200, "CompactOrObject", NULL}},
    .errors = {404, 409, 412},
    .has_contents = true,
};

const struct operation operation_contents = {
    .summary = "What one object contains",
    .answers = {{200, "Objects", NULL}},
    .errors = {404, 409, 412},
    .parameters = {PAGES},
};

PARAMETER action = {"action", OPERATION_ACTION, OPERATION_REQUIRED,
                    "insert, move, remove, rename or driver."};
PARAMETER to = {"to", OPERATION_TEXT, 0, "The new name, or the new driver."};
PARAMETER device = {"device", OPERATION_NAME, OPERATION_REPEATED, "The names of the objects."};
PARAMETER devices_from = {"devices_from", OPERATION_TEXT, 0,
                          "All that this question finds, as /query."};
PARAMETER rack_units = {"rackU", OPERATION_INTEGER, OPERATION_REPEATED,
                        "The units of a device in a rack."};

const struct operation operation_entity_action = {
    .summary = "Fills or empties a container, renames an object, or changes its driver",
    .answers = {{200, "CompactOrObject", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&action, &device, &devices_from, &rack_units, &to},
};

const struct operation operation_entity_delete = {
    .summary = "Deletes an object",
    .answers = {{204, NULL, NULL}},
    .errors = {404, 409, 412},
};

PARAMETER ancestors = {"ancestors", OPERATION_BOOLEAN, 0,
                       "Whether to add what contains the containers; false unless it is sent."};

const struct operation operation_parents = {
    .summary = "What contains one object",
    .answers = {{200, "Objects", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&ancestors, &operation_any_driver, &any_type, PAGES},
};

PARAMETER ref_key = {"key", OPERATION_KEY, 0, "Only attributes with this key."};
PARAMETER ref_subkey = {"subkey", OPERATION_KEY, 0, "Only attributes with this subkey."};

const struct operation operation_references = {
    .summary = "The attributes that refer to one object",
    .answers = {{200, "References", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&ref_key, &ref_subkey, PAGES},
};

const struct operation operation_ports = {
    .summary = "The ports of a device and what they are connected with",
    .answers = {{200, "Ports", NULL}},
    .errors = {404, 409, 412},
};

const struct operation operation_units = {
    .summary = "The units of a rack: what is in them, and which are free",
    .answers = {{200, "Units", NULL}},
    .errors = {404, 409, 412},
};

PARAMETER port_action = {"action", OPERATION_TEXT, OPERATION_REQUIRED, "connect or disconnect."};
PARAMETER port_type = {"type", OPERATION_TEXT, OPERATION_REQUIRED, "The type of both ports."};
PARAMETER port_number = {"number", OPERATION_INTEGER, OPERATION_REQUIRED,
                         "The number of the port, from 1."};
PARAMETER port_to = {"to", OPERATION_NAME, 0, "The name of the other device, to connect."};
PARAMETER port_to_number = {"to_number", OPERATION_INTEGER, 0, "The number of its port."};

const struct operation operation_ports_action = {
    .summary = "Connects a port with one of another device, or disconnects it",
    .answers = {{200, "Ports", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&port_action, &port_type, &port_number, &port_to, &port_to_number},
};

/* --- attributes --- */

PARAMETER key = {"key", OPERATION_KEY, 0, "The key, unless it is in the path."};
PARAMETER value = {"value", OPERATION_TEXT, OPERATION_REQUIRED, "The value, as text."};
PARAMETER subkey = {"subkey", OPERATION_KEY, 0, "The subkey."};
PARAMETER number = {"number", OPERATION_INTEGER, 0, "The number."};
PARAMETER any_number = {"number", OPERATION_TEXT, 0,
                        "The number; next: the object's next one for this key."};
PARAMETER of_resource = {"resource", OPERATION_TEXT, 0,
                         "Instead of a number: the number of this resource under the key."};
PARAMETER datatype = {"datatype", OPERATION_DATATYPE, 0, "The datatype; string unless it is sent."};
PARAMETER only_value = {"value", OPERATION_TEXT, 0, "Only attributes with this value."};
PARAMETER any_datatype = {"datatype", OPERATION_DATATYPE, 0,
                          "The datatype of the value; without it, any whose text it is."};
PARAMETER mask = {"mask", OPERATION_TEXT, 0, "The format of a date, as strptime reads it."};

const struct operation operation_attributes = {
    .summary = "Attributes of an object",
    .answers = {{200, "Attributes", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&of_resource, &driver},
    .has_inherited = true,
};

const struct operation operation_attribute_add = {
    .summary = "Adds attributes",
    .body = OPERATION_ATTRIBUTES,
    .schema = "NewAttributes",
    .answers = {{201, "Attributes", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&key, &value, &subkey, &any_number, &of_resource, &datatype, &mask, &driver},
};

const struct operation operation_attribute_set = {
    .summary = "Sets attributes",
    .body = OPERATION_ATTRIBUTES,
    .schema = "NewAttributes",
    .answers = {{200, "Attributes", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&key, &value, &subkey, &number, &of_resource, &datatype, &mask, &driver},
};

const struct operation operation_attribute_delete = {
    .summary = "Deletes attributes",
    .body = OPERATION_ATTRIBUTES,
    .schema = "NewAttributes",
    .answers = {{200, "Attributes", NULL}},
    .errors = {404, 405, 409, 412},
    .parameters = {&key, &only_value, &subkey, &number, &of_resource, &any_datatype, &mask,
                   &driver},
};

/* --- resource managers --- */

const struct operation operation_managers = {
    .summary = "Resource managers, the oldest first",
    .answers = {{200, "Objects", NULL}},
    .errors = {404, 409},
    .parameters = {PAGES},
};

PARAMETER manager_name = {"name", OPERATION_NAME, OPERATION_REQUIRED, "The name of the manager."};

const struct operation operation_manager_create = {
    .summary = "Creates a resource manager",
    .answers = {{201, "CompactOrObject", NULL}, {202, "CompactOrObject", NULL}},
    .errors = {409, 412},
    .parameters = {&manager_name, &properties},
};

const struct operation operation_manager = {
    .summary = "One resource manager",
    .answers = {{200, "CompactOrObject", NULL}},
    .errors = {404, 409, 412},
};

const struct operation operation_free = {
    .summary = "What a resource manager can still give",
    .answers = {{200, "Free", NULL}},
    .errors = {404, 409, 412},
};

PARAMETER to_object = {"object", OPERATION_NAME, 0, "The object to which it is allocated."};
PARAMETER to_driver = {"driver", OPERATION_DRIVER, 0, "The driver of the object to create."};
PARAMETER resource = {"resource", OPERATION_TEXT, 0, "A specific resource."};
PARAMETER how_many = {"count", OPERATION_INTEGER, 0, "How many, at most 256; all or none."};
PARAMETER adjacent = {"adjacent", OPERATION_BOOLEAN, 0, "Addresses side by side."};

const struct operation operation_allocate = {
    .summary = "Allocates a resource",
    .answers = {{201, "Allocated", NULL}},
    .errors = {404, 409, 412},
    .parameters = {&to_object, &to_driver, &resource, &how_many, &adjacent},
};

PARAMETER from_object = {"object", OPERATION_NAME, OPERATION_REQUIRED, "The name of the object."};
PARAMETER taken = {"resource", OPERATION_TEXT, 0,
                   "Only this resource; without it all that the manager gave to the object."};

const struct operation operation_deallocate = {
    .summary = "Gives back what a manager has given to an object",
    .answers = {{204, NULL, NULL}},
    .errors = {404, 409, 412},
    .parameters = {&from_object, &taken},
};

/* --- looking up --- */

bool operation_takes_form(const struct operation *operation) {
    return operation->body == OPERATION_FORM || operation->body == OPERATION_ATTRIBUTES;
}

const struct operation_parameter *operation_find(const struct operation *operation,
                                                 const char *name) {
    const struct operation_parameter *const *parameter = operation->parameters;

    while (*parameter != NULL && (*parameter)->kind != OPERATION_PROPERTIES &&
           strcmp((*parameter)->name, name) != 0)
        parameter++;
    return *parameter;
}

bool operation_is_boolean(const char *text) {
    static const char *const words[] = {"true", "1", "yes", "on", "", "0", "false", "no", "off"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}
