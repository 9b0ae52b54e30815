/* export_lines.h: an export as JSON, an object a line. Of the first line and the last one each
 * writes one document, without the newline after it; their writers minify. */
#ifndef MUSTER_API_EXPORT_LINES_H
#define MUSTER_API_EXPORT_LINES_H

#include "store/export.h"
#include "json/flat.h"

/* The first line. */
void export_lines_head(struct json_writer *w, const struct export_head *head);

/* An object's line, with its newline: added to the buffer, as it makes up most of an export. `w` is
 * free, for texts that need escapes. */
void export_lines_object(struct buf *b, struct json_writer *w, const struct export_object *object);

/* The last line: an export without it is not one. */
void export_lines_end(struct json_writer *w, int64_t objects);

#endif
