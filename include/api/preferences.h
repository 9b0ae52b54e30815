/* preferences.h: handlers of /preferences (contract/preferences.md). */
#ifndef MUSTER_API_PREFERENCES_H
#define MUSTER_API_PREFERENCES_H

#include "api/context.h"

/* The media types that PATCH takes. */
#define PREFERENCES_PATCHES "application/merge-patch+json, application/json-patch+json"

int preferences_list(struct context *c);
int preferences_unnamed(struct context *c); /* POST without a container */
int preferences_delete_all(struct context *c);
int preferences_ask(struct context *c); /* before preferences_show */
int preferences_show(struct context *c);
int preferences_write(struct context *c);
int preferences_replace(struct context *c);
int preferences_patch(struct context *c);
int preferences_delete(struct context *c);

#endif
