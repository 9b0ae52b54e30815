/* write_options.h: what a client may want of any write of the inventory: to see what it would do
 * (Clusto-Dry-Run), and what it has changed (Clusto-Diff). */
#ifndef MUSTER_SERVER_WRITE_OPTIONS_H
#define MUSTER_SERVER_WRITE_OPTIONS_H

#include "server/exchange.h"

/* Reads the headers. 0, or the status of the refusal: 400 also where they can't be obeyed. */
int write_options_check(struct exchange *x);

/* After the handler of a write has succeeded, before its transaction is ended: the response becomes
 * {"changes", "result"} where that is wanted. Returns its status. */
int write_options_show(struct exchange *x, int status);

/* Instead of a commit, where that is wanted: whether all that was done works is known, and then it
 * is rolled back. Returns the status. */
int write_options_undo(struct exchange *x, int status);

#endif
