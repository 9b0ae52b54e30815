/* records.h: the records of a FastCGI request as the front server sends them (FastCGI 1.0, sections
 * 3.3 and 5): read and checked here, since libfcgi trusts their lengths; and those that are sent
 * without libfcgi. One request to a connection. */
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

/* --- records that are sent */

#define RECORDS_HEADER      8
#define RECORDS_MAX_CONTENT 65528 /* bytes in one record, a multiple of 8 */
#define RECORDS_MAX_ENDING  (5 * RECORDS_HEADER)

/* The header of a record with so many bytes of the response. */
void records_output(unsigned char header[RECORDS_HEADER], unsigned request_id, size_t content);

/* The records that end a request; their length. A front server that asked to keep the connection
 * (`kept`) may write its next request to it as soon as it has seen this one's end, before it sees
 * that the connection is closed. Therefore a surplus record follows in the same piece, from which
 * it sees that this connection can't be used again (nginx: anything after END_REQUEST). */
size_t records_ending(unsigned char ending[RECORDS_MAX_ENDING], unsigned request_id, bool kept);

/* True if these bytes begin with a request to abort (section 5.4). */
bool records_is_abort(const unsigned char *bytes, size_t n);

#endif
