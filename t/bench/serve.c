/* serve.c: processes that take FastCGI requests from a Unix socket. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"

static void work(int fd, const struct responder *responder) {
    FCGX_Request request;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (responder->start)
        responder->start();
    FCGX_InitRequest(&request, fd, 0);
    while (FCGX_Accept_r(&request) == 0) {
        responder->answer(&request);
        request.keepConnection = 0; /* whatever the front server wished for */
        FCGX_Detach(&request);
        FCGX_Finish_r(&request);
    }
    exit(0);
}

int serve(const char *socket_path, int processes, const struct responder *responder) {
    int fd;

    if (FCGX_Init() != 0 || (fd = FCGX_OpenSocket(socket_path, 1024)) < 0) {
        fprintf(stderr, "no socket at %s\n", socket_path);
        return 1;
    }
    chmod(socket_path, 0666);
    for (int i = 0; i < processes; i++)
        if (fork() == 0)
            work(fd, responder);
    while (wait(NULL) > 0) {
    }
    return 1; /* they were not meant to end */
}
