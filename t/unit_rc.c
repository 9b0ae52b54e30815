/* unit_rc.c: every result code has its own name. */
#include "base/rc.h"
#include "tap.h"

int main(void) {
    int i;

    is_str(rc_name(RC_OK), "RC_OK", "the first");
    is_str(rc_name(RC_UNKNOWN), "RC_UNKNOWN", "one in the middle");
    is_str(rc_name(RC_BUG), "RC_BUG", "the last");
    for (i = RC_OK; i <= RC_BUG; i++)
        ok(strncmp(rc_name((enum rc)i), "RC_", 3) == 0, "code %d is named", i);
    return done_testing();
}
