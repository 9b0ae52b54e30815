/* unit_position.c: which of two answers about the primary's position holds, in whatever order they
 * come. */
#include "store/position.h"
#include "tap.h"

int main(void) {
    const struct store_position never = {.lsn = 0};
    const struct store_position first = {.asked_at = 1000, .lsn = 500};
    const struct store_position second = {.asked_at = 1001, .lsn = 600};
    const struct store_position lower = {.asked_at = 1002, .lsn = 400};
    const struct store_position beside = {.asked_at = 1000, .lsn = 501};

    ok(position_is_later(&first, &never), "the first one");
    ok(position_is_later(&second, &first), "what was asked later");
    ok(!position_is_later(&first, &second), "not one that comes late");
    ok(position_is_later(&lower, &second), "also where the primary has gone back: it crashed");
    ok(!position_is_later(&second, &lower), "that stays");
    ok(position_is_later(&beside, &first), "of one moment the further");
    ok(!position_is_later(&first, &beside), "not the other");
    return done_testing();
}
