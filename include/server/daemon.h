/* daemon.h: what a Unix service does around its work: log, account, process id, detaching. */
#ifndef MUSTER_SERVER_DAEMON_H
#define MUSTER_SERVER_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/settings.h"

/* Whom the workers become. */
struct account {
    bool change; /* false: they stay who started us */
    uid_t uid;
    gid_t gid;
    char name[65]; /* for its further groups; "": none */
};

/* Opens the log that the settings name. False: it was said on the log as it was before. */
bool daemon_open_log(const struct settings *settings);

/* The account of `user` and `group`. False: there is none, or we may not become it (logged). */
bool daemon_find_account(const struct settings *settings, struct account *out);

/* Gives up everything else; false: logged. */
bool daemon_become(const struct account *account);

/* Lets the workers open the log file again, too: gives it to their account. */
void daemon_share_log(const struct settings *settings, const struct account *account);

/* Writes the process id to `path` ("": nothing) and keeps the file locked. Returns a descriptor,
 * -1 where there is no file; false: another server has it, or it can't be written (logged). */
bool daemon_write_pid(const char *path, int *fd);

/* Removes the file and closes the descriptor. */
void daemon_remove_pid(const char *path, int *fd);

/* Goes on in a child, in a session of its own; returns there a descriptor for daemon_ready(), -1
 * if that failed (logged). The parent waits until the child is ready or dead, and exits 0 or 1. */
int daemon_detach(void);

/* Tells the waiting parent that all is well, and lets go of the terminal: standard input and
 * output, and standard error unless the log is there. */
void daemon_ready(int fd, const struct settings *settings);

#endif
