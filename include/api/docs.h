/* docs.h: handlers of the documentation texts, at / and every __doc__. */
#ifndef MUSTER_API_DOCS_H
#define MUSTER_API_DOCS_H

#include "api/context.h"

int docs_show(struct context *c);

#endif
