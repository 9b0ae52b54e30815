/* write_options.c: what a client may want of any write of the inventory: to see what it would do,
 * and what it has changed. */
#include "server/write_options.h"

#include <strings.h>

#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "base/quote.h"
#include "store/history.h"
#include "json/writer.h"

/* Objects that an import has changed, for which their changes are shown. */
enum { MAX_SHOWN = 1000 };

/* --- headers --- */

/* true or false, in any case; to overlook what can't be obeyed would be a write that nobody wants.
 */
static int read_flag(struct exchange *x, const char *header, const char *variable, bool *flag) {
    const struct request *r = &x->request;
    const char *text = r->variable(r->transport, variable);

    if (text == NULL)
        return 0;
    if (input_check_once(&x->c, header, variable))
        return x->response.status;
    *flag = strcasecmp(text, "true") == 0;
    if (!*flag && strcasecmp(text, "false") != 0)
        return reply_fail(&x->c, 400, "%s must be true or false, not %s.", header,
                          quote(x->arena, text));
    if (*flag && !(x->match.route->flags & ROUTE_WRITE))
        return reply_fail(&x->c, 400, "%s is for writes of the inventory.", header);
    return 0;
}

int write_options_check(struct exchange *x) {
    int status = read_flag(x, "Clusto-Dry-Run", "HTTP_CLUSTO_DRY_RUN", &x->c.dry_run);

    return status != 0 ? status : read_flag(x, "Clusto-Diff", "HTTP_CLUSTO_DIFF", &x->wants_diff);
}

/* --- the response --- */

int write_options_show(struct exchange *x, int status) {
    const struct json_node *result;
    const size_t length = x->response.held.len;
    int64_t limit = x->request.stream ? MAX_SHOWN : 0;
    struct history_list changes;
    struct json_writer *w;

    if (!x->wants_diff || x->write_only)
        return status;
    if (reply_rc(&x->c, history_of_transaction(x->c.store, x->arena, limit, &changes)))
        return x->response.status;
    result = reply_held(&x->c);
    response_clear_body(&x->response);
    w = reply_json(&x->c, status == 204 ? 200 : status);
    json_object_open(w);
    json_key(w, "changes");
    show_changes(&x->c, changes.objects, changes.count);
    if (limit > 0) {
        json_key(w, "more");
        json_int(w, changes.more);
    }
    json_key(w, "result");
    if (result != NULL)
        show_tree(&x->c, result, length);
    else
        json_null(w);
    json_object_close(w);
    return reply_end(&x->c);
}

int write_options_undo(struct exchange *x, int status) {
    enum rc rc = store_check(x->c.store);

    store_rollback(x->c.store);
    if (rc != RC_OK)
        return reply_rc(&x->c, rc);
    response_header(&x->response, "Clusto-Dry-Run", "true");
    return status;
}
