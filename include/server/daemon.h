/* daemon.h: what a Unix service needs around its work: log, account, process id, detaching. */
#ifndef MUSTER_SERVER_DAEMON_H
#define MUSTER_SERVER_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/settings.h"

/* Under which the workers run. */
struct account {
    bool change; /* false: they keep the current one */
    uid_t uid;
    gid_t gid;
    char name[65]; /* for its supplementary groups; "": none */
    char home[1024];
};

/* Opens the log that the settings name. False: logged, in the log as it was before. */
bool daemon_open_log(const struct settings *settings);

/* The account of `user` and `group`. False: unknown, or only root could change to it (logged). */
bool daemon_find_account(const struct settings *settings, struct account *out);

/* Changes to the account for good; false: logged. */
bool daemon_become(const struct account *account);

/* Gives the log file to the account, so that the workers can reopen it. */
void daemon_share_log(const struct settings *settings, const struct account *account);

/* Writes the process id to `path` ("": nothing) and keeps the file locked. Returns a descriptor,
 * -1 where there is no file; false: another server has it, or it can't be written (logged). */
bool daemon_write_pid(const char *path, int *fd);

/* Removes the file and closes the descriptor. */
void daemon_remove_pid(const char *path, int *fd);

/* Continues in a child, in a session of its own; returns there a descriptor for daemon_ready(), -1
 * if that failed (logged). The parent waits until the child is ready or dead, and exits 0 or 1. */
int daemon_detach(void);

/* Tells the waiting parent that the server is ready, and releases the terminal: standard input and
 * output, and standard error unless the log goes there. */
void daemon_ready(int fd, const struct settings *settings);

#endif
