/* config_reader.h: what the files of the configuration reader share; for them only. */
#ifndef MUSTER_SERVER_CONFIG_READER_H
#define MUSTER_SERVER_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <libconfig.h>

#include "base/arena.h"
#include "server/config.h"
#include "server/settings.h"

enum { MAX_SETTINGS = 96 };

struct driver_row; /* config_drivers.c */

/* The settings are the first member: config_free() gets at the rest. */
struct config {
    struct settings settings;
    struct arena *arena;        /* owns all that the others point at */
    struct header *headers;     /* what settings.response_headers points at */
    struct driver_row *drivers; /* as read; the driver table borrows their texts */
    size_t driver_count;
};

/* One run of config_load(). A config_setting_t belongs to its file, which stays open to the
 * end of the run; what must live longer is copied to the arena of the config. */
struct reader {
    struct config *config;
    config_report report;
    size_t problems;                             /* reported so far */
    const config_setting_t *where[MAX_SETTINGS]; /* what set each row of the table; NULL: default */
};

/* --- config_reader.c: for all readers ------------------------------------------------------------
 */

/* Reports and counts the line, its control characters replaced in place. */
void config_tell(struct reader *r, char *line);

/* Reports what is wrong with the setting of that name (a path as "access[0]" will do), with the
 * place in a file if `at` is not NULL. The message ends after 511 bytes. */
void config_problem(struct reader *r, const config_setting_t *at, const char *name,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What a value is, for a message: "an integer". Static text. */
const char *config_kind(const config_setting_t *s);

/* Whether it is an integer, of 32 or 64 bits. */
bool config_is_int(const config_setting_t *s);

/* Its value, as it stands in the file: clamped to 64 bits. */
long long config_integer(const config_setting_t *s);

/* Whether it is a list ( ) or an array [ ]. */
bool config_is_listing(const config_setting_t *s);

/* What set the row of that name, which must be in the table; NULL: it is at its default. The
 * file's. */
const config_setting_t *config_where(const struct reader *r, const char *name);

/* The strings of a list, or one that stands alone: how many, and each of them. */
int config_count(const config_setting_t *s);
config_setting_t *config_item(config_setting_t *s, int i);

/* A string's text, the file's; NULL: it is none, which was reported. */
const char *config_text(struct reader *r, const config_setting_t *s, const char *path);

/* A member of a group; NULL: it is missing, which was reported. */
config_setting_t *config_member(struct reader *r, config_setting_t *s, const char *path,
                                const char *name);

/* A list of groups as an array of *count items of `size` bytes in the arena, each read by `take`.
 * NULL: there is no list, or it is none, which was reported. */
typedef void config_take(struct reader *r, config_setting_t *s, const char *path, void *item);
void *config_list(struct reader *r, config_setting_t *s, const char *path, size_t size,
                  config_take *take, size_t *count);

/* Reports members whose names are none of the NULL-terminated list. False: it is no group at all,
 * which was reported; unknown members alone are true. */
bool config_members_known(struct reader *r, config_setting_t *s, const char *path,
                          const char *const *known);

/* --- config_values.c -----------------------------------------------------------------------------
 */

/* Reads the value of a row into the settings; one that does not fit is reported, and the field
 * stays as it was. Groups go to their own readers below. */
void config_read_value(struct reader *r, const struct setting *row, config_setting_t *s);

/* Sets every field to its default. */
void config_set_defaults(struct reader *r);

/* --- one group each ------------------------------------------------------------------------------
 */

/* config_access.c: "access" to settings.access, in the arena; a rule with a fault is reported. */
void config_read_access(struct reader *r, config_setting_t *s);

/* config_headers.c: "response_headers" to settings.response_headers, in the arena; a header with a
 * fault is reported and left out. */
void config_read_headers(struct reader *r, config_setting_t *s);

/* config_headers.c: reports what of the CORS settings and headers can't stand together. After all
 * files were read. */
void config_check_cors(struct reader *r);

/* config_drivers.c: "drivers" to config->drivers, in the arena; faults are reported. Registers
 * nothing yet. */
void config_read_drivers(struct reader *r, config_setting_t *s);

/* config_drivers.c: puts the drivers that were read into the driver table, which from then on
 * borrows from r->config. Where there are problems already: does nothing; where the table refuses
 * one: reports it, and the table is as before. */
void config_register(struct reader *r);

/* config_fingerprint.c: a hash of all of api_options and of the drivers that are registered. */
uint64_t config_fingerprint(const struct settings *settings);

/* config_drivers.c: empties the driver table if it borrows from this config. Before it is freed. */
void config_release(const struct config *config);

#endif
