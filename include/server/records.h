/* records.h: the records of a FastCGI request as the front server sends them (FastCGI 1.0, sections
 * 3.3 and 5): read and checked here, since libfcgi trusts their lengths. One request to a
 * connection. */
#ifndef MUSTER_SERVER_RECORDS_H
#define MUSTER_SERVER_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of all parameters of a request. */
#define RECORDS_MAX_PARAMS (256 * 1024)

struct records {
    int fd;
    unsigned request_id;
    bool keep; /* the front server asked to keep the connection open */
    const char
        *problem; /* what is wrong with the records; NULL: nothing, but they may be cut off */
    char *params; /* the content of PARAMS; room for one byte more */
    size_t params_length, params_room;
    size_t content, padding; /* of the current record, what is still to be read */
    bool ended;              /* the body has */
    unsigned char bytes[8192];
    size_t next, end; /* of the bytes that were received, those not yet used */
};

/* A parameter; the texts are in records.params, and are not terminated. */
struct records_param {
    char *name, *value;
    size_t name_length, value_length;
};

/* Begins with a new connection: reads BEGIN_REQUEST and all of PARAMS, which blocks. False: see
 * `problem`. Of a struct that is zeroed or was used before. */
bool records_begin(struct records *records, int fd);
void records_release(struct records *records);

/* The parameter at *at (0: the first one), which is moved to the next. False: there is no more, or
 * `problem` says what is wrong. */
bool records_param(struct records *records, size_t *at, struct records_param *out);

/* The next piece of the body, valid until the next call; its length, 0: the body has ended, -1: it
 * was cut off or `problem` says what is wrong. Blocks. */
long records_body(struct records *records, unsigned char **piece);

#endif
