/* prune.h: forgetting old history (contract/history.md A5). */
#ifndef MUSTER_STORE_PRUNE_H
#define MUSTER_STORE_PRUNE_H

#include "base/rc.h"
#include "store/store.h"

/* What to keep: a number of days, or everything from a version on. */
struct prune_command {
    bool by_version;
    int32_t version;
    int32_t days;
};

/* "90" or "v803"; false: neither. */
bool prune_parse(const char *text, struct prune_command *out);

/* muster --prune-history: deletes what had ended at that version, or if that is not settled at the
 * latest one that is: rows of attributes and objects, names from before, and versions that no row
 * names any more. From the beginning of it nothing below that version can be read. Holds locks on
 * the rows that it deletes, a thousand at a time, and leaves out those that others hold; it may be
 * interrupted, and run again. Progress and result to stdout, what went wrong to the log. */
enum rc store_prune_history(const struct store_options *options,
                            const struct prune_command *command);

#endif
