/* export.h: handler of /export (contract/transactions.md, "Bulk"). */
#ifndef MUSTER_API_EXPORT_H
#define MUSTER_API_EXPORT_H

#include "api/context.h"

int export_show(struct context *c);

#endif
