/* clock.h: elapsed time, unaffected by changes to the time of day. */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds / microseconds since some moment before the program began; they never go back.
 * Milliseconds are for timeouts, which are checked about ten times a request: they are those of the
 * kernel's last tick (up to 10 ms ago), as that is cheaper than reading a clock.
 * Both may be called in a signal handler. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Sleeps so many milliseconds, or until a signal is caught. */
void clock_sleep_ms(int64_t ms);

#endif
