/* import.h: handler of /import (contract/transactions.md, Bulk). */
#ifndef MUSTER_API_IMPORT_H
#define MUSTER_API_IMPORT_H

#include "api/context.h"

int import_post(struct context *c);

#endif
