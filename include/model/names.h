/* names.h: what may be a name, a key, a subkey (contract/inventory.md section 1). */
#ifndef MUSTER_MODEL_NAMES_H
#define MUSTER_MODEL_NAMES_H

#include <stddef.h>

#include "base/verdict.h"

/* Maximum lengths of a name and a key: the columns' widths, in characters. */
#define NAMES_MAX_NAME 128
#define NAMES_MAX_KEY  256

/* RC_OK, or RC_INVALID with a message in the arena. Inputs are valid UTF-8; `max` is in
 * characters. A name has at least one, no control characters, and neither "." nor ".."
 * between slashes, which no path could reach safely. A key is [A-Za-z_][0-9A-Za-z_-]*, a subkey the
 * same, or empty. */
struct verdict names_check(struct arena *arena, const char *name, size_t max);
struct verdict names_check_key(struct arena *arena, const char *key, size_t max);
struct verdict names_check_subkey(struct arena *arena, const char *subkey, size_t max);

#endif
