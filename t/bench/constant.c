/* constant.c: the front server's limit: the same answer to every request, from a file. */
#include <stdio.h>
#include <stdlib.h>

#include "serve.h"

enum { LARGEST = 1 << 20 };

static char body[LARGEST];
static int length;

static void answer(FCGX_Request *request) {
    FCGX_FPrintF(request->out,
                 "Status: 200 OK\r\nContent-Type: application/json\r\n"
                 "Clusto-Minify: False\r\nContent-Length: %d\r\n\r\n",
                 length);
    FCGX_PutStr(body, length, request->out);
}

int main(int argc, char **argv) {
    const struct responder responder = {.answer = answer};
    FILE *in = argc == 4 ? fopen(argv[3], "rb") : NULL;

    if (!in) {
        fprintf(stderr, "usage: %s SOCKET PROCESSES FILE\n", argv[0]);
        return 2;
    }
    length = (int)fread(body, 1, sizeof body, in);
    fclose(in);
    return serve(argv[1], (int)strtol(argv[2], NULL, 10), &responder);
}
