/* point.h: points in time that a request names: versions, times, or now (contract/history.md A1).
 * Checks return 0, or the status of the refusal that they sent. */
#ifndef MUSTER_API_POINT_H
#define MUSTER_API_POINT_H

#include "api/context.h"
#include "store/versions.h"

struct point {
    const char *text; /* as sent */
    struct version_wanted wanted;
    struct version_found found;
};

/* A version, a time, or "now". 400: `name` (of the header or parameter) says neither. */
int point_parse(struct context *c, const char *name, const char *text, struct point *out);

/* The latest version that can be read. */
struct point point_now(void);

/* Begins a snapshot in which all these points can be read, and finds them: waits up to a second
 * until they are settled. 400: in the future; 409: there is no history; 410: not kept any more;
 * 503: not settled. In a write transaction there is no snapshot to begin. */
int point_begin(struct context *c, struct point *points, size_t count);
int point_find(struct context *c, struct point *point);

/* 410 with Clusto-Oldest: the version is not kept any more. */
int point_fail_pruned(struct context *c, int32_t version, int32_t oldest);

#endif
