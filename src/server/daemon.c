/* daemon.c: what a Unix service needs around its work: log, account, process id, detaching. */
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"

/* --- log --- */

static bool is_file(const char *destination) {
    return destination[0] == '/';
}

bool daemon_open_log(const struct settings *settings) {
    const char *to = settings->log_destination;
    enum log_destination destination = LOG_TO_STDERR;
    enum log_level level = LOG_LEVEL_INFO;

    if (is_file(to))
        destination = LOG_TO_FILE;
    else if (strcmp(to, "syslog") == 0)
        destination = LOG_TO_SYSLOG;
    (void)log_level_parse(settings->log_level, &level);
    if (log_open(destination, to, level))
        return true;
    log_error("log_destination: %s: %s", to, strerror(errno));
    return false;
}

void daemon_share_log(const struct settings *settings, const struct account *account) {
    if (account->change && is_file(settings->log_destination) &&
        chown(settings->log_destination, account->uid, (gid_t)-1) != 0)
        log_warning("%s: %s", settings->log_destination, strerror(errno));
}

/* --- account --- */

bool daemon_find_account(const struct settings *settings, struct account *out) {
    const struct passwd *passwd;
    const struct group *group = NULL;

    *out = (struct account){.change = false};
    if (settings->user[0] == '\0' && settings->group[0] == '\0')
        return true;
    passwd = settings->user[0] != '\0' ? getpwnam(settings->user) : getpwuid(geteuid());
    if (passwd == NULL) {
        log_error("user: there is no \"%s\"", settings->user);
        return false;
    }
    out->uid = passwd->pw_uid;
    out->gid = passwd->pw_gid;
    snprintf(out->name, sizeof(out->name), "%s", settings->user);
    snprintf(out->home, sizeof(out->home), "%s", passwd->pw_dir);
    if (settings->group[0] != '\0') {
        group = getgrnam(settings->group);
        if (group == NULL) {
            log_error("group: there is no \"%s\"", settings->group);
            return false;
        }
        out->gid = group->gr_gid;
    }
    out->change = geteuid() == 0;
    if (out->change || (out->uid == geteuid() && out->gid == getegid()))
        return true;
    log_error("only root can become another user or group");
    return false;
}

bool daemon_become(const struct account *account) {
    if (!account->change)
        return true;
    if ((account->name[0] != '\0' ? initgroups(account->name, account->gid)
                                  : setgroups(1, &account->gid)) == 0 &&
        setgid(account->gid) == 0 && setuid(account->uid) == 0) {
        /* libpq looks for certificates and passwords there; root's may not even be looked at. */
        (void)setenv("HOME", account->home, 1);
        return true;
    }
    log_error("a worker can't become its user: %s", strerror(errno));
    return false;
}

/* --- process id --- */

bool daemon_write_pid(const char *path, int *fd) {
    char text[32];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    *fd = -1;
    if (path[0] == '\0')
        return true;
    *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        log_error("pid_file: %s: %s", path, strerror(errno));
        return false;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        log_error("pid_file: %s belongs to a server that is running", path);
    else if (ftruncate(*fd, 0) != 0 || write(*fd, text, (size_t)n) != n)
        log_error("pid_file: %s: %s", path, strerror(errno));
    else
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

void daemon_remove_pid(const char *path, int *fd) {
    if (*fd < 0)
        return;
    (void)unlink(path);
    close(*fd);
    *fd = -1;
}

/* --- detaching --- */

/* In the parent: one byte means ready; a closed pipe, that the child is dead. */
static void wait_for_child(int fd) {
    char byte;
    ssize_t n;

    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

int daemon_detach(void) {
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        log_error("pipe: %s", strerror(errno));
        return -1;
    }
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        log_error("fork: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    if (pid > 0) {
        close(ends[1]);
        wait_for_child(ends[0]);
    }
    close(ends[0]);
    (void)setsid();
    return ends[1];
}

void daemon_ready(int fd, const struct settings *settings) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (chdir("/") != 0)
        log_warning("/: %s", strerror(errno));
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        if (strcmp(settings->log_destination, "stderr") != 0)
            (void)dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO)
            close(null);
    }
    if (write(fd, "", 1) != 1)
        log_warning("the parent process is gone");
    close(fd);
}
