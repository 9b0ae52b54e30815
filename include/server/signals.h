/* signals.h: how a child of the supervisor takes its signals. */
#ifndef MUSTER_SERVER_SIGNALS_H
#define MUSTER_SERVER_SIGNALS_H

/* A descriptor (non-blocking) from which WORKER_FINISH, WORKER_RETIRE and SIGUSR1 are read as
 * struct signalfd_siginfo; all other signals are as they were, or ignored where they would end the
 * process for no reason of ours. -1: errno says why. */
int signals_open(void);

#endif
