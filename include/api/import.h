/* import.h: handler of /import (contract/transactions.md, Bulk). */
#ifndef MUSTER_API_IMPORT_H
#define MUSTER_API_IMPORT_H

#include "api/context.h"
#include "rules/bulk.h"

/* Mode update, of lines, without resource managers: what a caller does not change in it. */
struct bulk_options import_options(const struct api_options *options);

int import_post(struct context *c);

#endif
