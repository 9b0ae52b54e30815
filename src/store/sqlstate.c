/* sqlstate.c: SQLSTATE to enum rc, the only place that knows them (PostgreSQL manual, appendix A).
 */
#include "store/link.h"

#include <string.h>

struct state_row {
    const char *prefix; /* a whole SQLSTATE or a class; the first that fits counts */
    enum rc rc;
    bool lost;
};

static const struct state_row states[] = {
    {"08", RC_BROKEN, true},       {"0A000", RC_RETRY, true}, /* a table was altered under a
                                                                 prepared statement */
    {"21", RC_CONFLICT, false},    {"22001", RC_ENCODING, false}, {"22021", RC_ENCODING, false},
    {"22P05", RC_ENCODING, false}, {"22003", RC_RANGE, false},    {"22", RC_INVALID, false},
    {"23505", RC_EXISTS, false},   {"23503", RC_CONFLICT, false}, {"23P01", RC_CONFLICT, false},
    {"23", RC_INVALID, false},     {"25006", RC_READONLY, true}, /* a standby, or made one; the
                                                                    primary is elsewhere */
    {"25P03", RC_BROKEN, true},    {"26000", RC_RETRY, true}, /* our prepared statements were thrown
                                                                 away */
    {"28", RC_BROKEN, true},       {"3D000", RC_BROKEN, true},    {"40003", RC_UNKNOWN, true},
    {"40", RC_RETRY, false},       {"42501", RC_READONLY, false}, /* a role that may only read */
    {"42P01", RC_UNREADY, false}, /* no such table, column, function */
    {"42703", RC_UNREADY, false},  {"42883", RC_UNREADY, false},  {"53100", RC_FULL, false},
    {"53200", RC_FULL, false},     {"53300", RC_BUSY, true},      {"53", RC_BUSY, false},
    {"54", RC_INVALID, false},     {"55P03", RC_BUSY, false},     {"57014", RC_BUSY, false},
    {"57P", RC_BROKEN, true},      {"58", RC_BROKEN, false},
};

bool sqlstate_is_lock(const char *sqlstate) {
    return sqlstate && strcmp(sqlstate, "55P03") == 0;
}

enum rc sqlstate_rc(const char *sqlstate, bool *lost) {
    *lost = true;
    if (!sqlstate)
        return RC_BROKEN;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix)) == 0) {
            *lost = states[i].lost;
            return states[i].rc;
        }
    }
    *lost = false;
    return RC_BUG;
}
