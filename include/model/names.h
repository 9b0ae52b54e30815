/* names.h: what may be a name, a key, a subkey (contract/inventory.md section 1). */
#ifndef MUSTER_MODEL_NAMES_H
#define MUSTER_MODEL_NAMES_H

#include <stddef.h>

#include "base/arena.h"

/* What a name and a key can be at most: the columns' width, in characters. */
#define NAME_CHARACTERS 128
#define KEY_CHARACTERS  256

/* NULL if fine, else the message of a 400 in the arena. Inputs are valid UTF-8; `longest` is in
 * characters. A name has at least one, and no control characters. A key is
 * [A-Za-z_][0-9A-Za-z_-]*, a subkey the same, or empty. */
const char *name_check(struct arena *arena, const char *name, size_t longest);
const char *key_check(struct arena *arena, const char *key, size_t longest);
const char *subkey_check(struct arena *arena, const char *subkey, size_t longest);

#endif
