/* export_objects.h: all objects of an export, by numbers that begin with 0 and go by their order;
 * some 25 bytes and its name for each. */
#ifndef MUSTER_STORE_EXPORT_OBJECTS_H
#define MUSTER_STORE_EXPORT_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

/* No such object. Numbers fit into 31 bits, as ids do. */
#define EXPORT_NONE INT32_MAX

struct export_objects;

/* None yet. Never NULL. */
struct export_objects *export_objects_new(void);
void export_objects_free(struct export_objects **objects);

/* The next one. Its id is not that of another one. */
void export_objects_add(struct export_objects *objects, int32_t id, const char *name,
                        const char *driver);

/* After the last one was added: now they are found, and texts stay where they are. */
void export_objects_complete(struct export_objects *objects);

int32_t export_objects_count(const struct export_objects *objects);

/* The number of the object that has the id, or EXPORT_NONE. */
int32_t export_objects_find(const struct export_objects *objects, int32_t id);

int32_t export_objects_id(const struct export_objects *objects, int32_t number);
const char *export_objects_name(const struct export_objects *objects, int32_t number);
const char *export_objects_driver(const struct export_objects *objects, int32_t number);

#endif
