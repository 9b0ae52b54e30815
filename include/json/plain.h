/* plain.h: which texts are the same in JSON. */
#ifndef MUSTER_JSON_PLAIN_H
#define MUSTER_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* True if the text is in JSON as it is, between quotes: most are. */
bool json_is_plain(const char *text, size_t n);

#endif
