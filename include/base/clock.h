/* clock.h: how much time went by, whatever is done to the time of day. */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds / microseconds since some moment before the program began; they never go back.
 * Milliseconds are for limits of time, which are looked at ten times a request: they come from the
 * kernel's last tick (up to 10 ms ago), without reading a clock.
 * Both may be called in a signal handler. */
int64_t clock_ms(void);
int64_t clock_us(void);

#endif
