/* listen.c: the socket that requests arrive on: inherited, or created. */
#include "server/listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"

enum { SYSTEMD_FD = 3 }; /* the first one passed (sd_listen_fds(3)) */

/* --- inherited --- */

static bool is_listening(int fd) {
    int listening = 0;
    socklen_t size = sizeof(listening);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

/* LISTEN_PID says whether LISTEN_FDS is meant for this process. */
static bool from_systemd(void) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t number;

    return pid != NULL && count != NULL && num_parse(pid, &number) == NUM_OK &&
           number == (int64_t)getpid() && num_parse_range(count, 1, 1024, &number) == NUM_OK &&
           is_listening(SYSTEMD_FD);
}

static int inherited_fd(void) {
    if (from_systemd())
        return SYSTEMD_FD;
    return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

bool listen_is_inherited(void) {
    return inherited_fd() >= 0;
}

/* --- a Unix socket --- */

/* True if a server is listening there. */
static bool in_use(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool used = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                            errno == EAGAIN || errno == EINPROGRESS);

    if (fd >= 0)
        close(fd);
    return used;
}

/* Removes an old socket; false: logged. */
static bool clear_path(const struct sockaddr_un *address) {
    const char *path = address->sun_path;
    struct stat info;

    if (lstat(path, &info) != 0)
        return true; /* bind() reports what else may be wrong */
    if (!S_ISSOCK(info.st_mode)) {
        log_error("%s is there and is no socket", path);
        return false;
    }
    if (in_use(address)) {
        log_error("another server is listening on %s", path);
        return false;
    }
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    log_error("%s: %s", path, strerror(errno));
    return false;
}

/* "user" or "user:group"; false: logged. */
static bool find_owner(const char *text, uid_t *uid, gid_t *gid) {
    char user[129];
    size_t n = strcspn(text, ":");
    const struct passwd *passwd;
    const struct group *group;

    assert(n < sizeof(user)); /* the setting's maximum */
    memcpy(user, text, n);
    user[n] = '\0';
    passwd = getpwnam(user);
    group = text[n] == ':' ? getgrnam(text + n + 1) : NULL;
    if (passwd == NULL || (text[n] == ':' && group == NULL)) {
        log_error("listen_owner: there is no \"%s\"", text);
        return false;
    }
    *uid = passwd->pw_uid;
    *gid = group != NULL ? group->gr_gid : passwd->pw_gid;
    return true;
}

static bool set_owner(const struct settings *settings, const char *path) {
    uid_t uid;
    gid_t gid;

    if (settings->listen_owner[0] == '\0')
        return true;
    if (!find_owner(settings->listen_owner, &uid, &gid))
        return false;
    if (chown(path, uid, gid) == 0)
        return true;
    log_error("%s can't be given to %s: %s", path, settings->listen_owner, strerror(errno));
    return false;
}

/* Without any permissions at first, so that no client connects before the owner is set. */
static bool bind_unix(const struct settings *settings, int fd, const struct sockaddr_un *address) {
    const char *path = address->sun_path;
    mode_t mask = umask(0777);
    int bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));

    umask(mask);
    if (bound != 0) {
        log_error("can't create the socket %s: %s (check its directory)", path, strerror(errno));
        return false;
    }
    if (!set_owner(settings, path))
        return false;
    if (chmod(path, (mode_t)settings->listen_mode) == 0)
        return true;
    log_error("%s: %s", path, strerror(errno));
    return false;
}

static int open_unix(const struct settings *settings, const char *path, struct listener *out) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat info;
    int fd;

    assert(strlen(path) < sizeof(address.sun_path)); /* checked with the setting */
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!clear_path(&address))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !bind_unix(settings, fd, &address)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    memcpy(out->unix_path, path, strlen(path) + 1);
    if (stat(path, &info) == 0)
        out->inode = info.st_ino;
    return fd;
}

/* --- a TCP socket --- */

static int bind_tcp(const struct addrinfo *a) {
    static const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_tcp(const char *listen_text) {
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                          .ai_socktype = SOCK_STREAM,
                                          .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char host[513];
    const char *colon = strrchr(listen_text, ':'), *from = listen_text, *to = colon;
    int error, fd = -1;

    assert(colon != NULL && colon - from < (long)sizeof(host));
    if (from[0] == '[' && to[-1] == ']') { /* [::1]:9000 */
        from++;
        to--;
    }
    memcpy(host, from, (size_t)(to - from));
    host[to - from] = '\0';
    error = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, colon + 1, &hints, &list);
    if (error != 0) {
        log_error("%s: %s", listen_text, gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next)
        fd = bind_tcp(a);
    if (fd < 0)
        log_error("%s: %s", listen_text, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

/* --- either --- */

static bool take_inherited(int fd, struct listener *out) {
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        log_error("the inherited socket: %s", strerror(errno));
        return false;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    out->fd = fd;
    out->inherited = true;
    return true;
}

static bool wants_inherited(const char *listen_text) {
    return strcmp(listen_text, "fd:0") == 0 || strcmp(listen_text, "systemd") == 0;
}

bool listen_open(const struct settings *settings, struct listener *out) {
    const char *text = settings->listen;
    int fd = inherited_fd();

    *out = (struct listener){.fd = -1};
    if (fd >= 0)
        return take_inherited(fd, out);
    if (wants_inherited(text)) {
        log_error("listen = \"%s\", but no listening socket was passed", text);
        return false;
    }
    out->fd = strncmp(text, "unix:", 5) == 0 ? open_unix(settings, text + 5, out) : open_tcp(text);
    if (out->fd < 0)
        return false;
    if (listen(out->fd, settings->listen_backlog) == 0)
        return true;
    log_error("%s: %s", text, strerror(errno));
    listen_close(out);
    return false;
}

void listen_shut(const struct listener *listener) {
    if (listener->unix_path[0] != '\0')
        shutdown(listener->fd, SHUT_RDWR);
}

void listen_close(struct listener *listener) {
    struct stat info;

    if (listener->unix_path[0] != '\0' && stat(listener->unix_path, &info) == 0 &&
        info.st_ino == listener->inode)
        (void)unlink(listener->unix_path);
    if (listener->fd >= 0)
        close(listener->fd);
    *listener = (struct listener){.fd = -1};
}
