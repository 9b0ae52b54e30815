/* names.h: what may be a name, a key, a subkey (contract/inventory.md section 1). */
#ifndef MUSTER_MODEL_NAMES_H
#define MUSTER_MODEL_NAMES_H

#include "base/arena.h"

/* NULL if fine, else the message of a 400 in the arena. Inputs are valid UTF-8. */
const char *name_check(struct arena *arena, const char *name); /* 1-128 characters, no controls */
const char *key_check(struct arena *arena, const char *key);   /* ^[A-Za-z_][0-9A-Za-z_-]*$, 256 */
const char *subkey_check(struct arena *arena, const char *subkey); /* the same, or empty */

#endif
