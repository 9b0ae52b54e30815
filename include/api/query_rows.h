/* query_rows.h: what /query finds, row by row: JSON, JSON in lines, CSV. */
#ifndef MUSTER_API_QUERY_ROWS_H
#define MUSTER_API_QUERY_ROWS_H

#include "api/query_fields.h"
#include "http/page.h"

enum query_form { QUERY_FORM_JSON, QUERY_FORM_LINES, QUERY_FORM_CSV };

/* As the header Accept says. */
enum query_form query_rows_form(const struct context *c);

struct query_rows {
    enum query_form form;
    enum context_mode mode;              /* where no fields are asked for */
    struct query_fields fields;          /* count 0: whole objects, or paths */
    const struct query_column *count_by; /* NULL: the objects themselves */
    bool csv_safe;                       /* no text begins as a formula does */
};

/* Answers with the objects, streamed, limited to `page`, or with how many have which value. Returns
 * the status. */
int query_rows_show(struct context *c, struct listing *listing, const struct query_rows *rows,
                    const struct page *page);

#endif
