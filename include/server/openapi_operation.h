/* openapi_operation.h: one operation of the description of the interface. */
#ifndef MUSTER_SERVER_OPENAPI_OPERATION_H
#define MUSTER_SERVER_OPENAPI_OPERATION_H

#include "server/route.h"
#include "json/writer.h"

/* A row of the table on one of its paths, with one of its methods. */
struct openapi_place {
    const char *path; /* as it is mounted: "/entity/{driver}" */
    const char *name; /* the same with the default mounts */
    enum request_method method;
    const struct route *route;
};

/* Writes the operation object (OpenAPI Specification 3.0.3, section 4.7.10). */
void openapi_operation_write(struct json_writer *w, struct arena *arena,
                             const struct openapi_place *place);

#endif
