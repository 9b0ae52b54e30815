/* clock.h: how much time went by, whatever is done to the time of day. */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds / microseconds since some moment before the program began; they never go back.
 * Both may be called in a signal handler. */
int64_t clock_ms(void);
int64_t clock_us(void);

#endif
