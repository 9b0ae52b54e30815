/* pending.c: the inventory's writes, answered 501 until each has its handler (this file then goes).
 */
#include "api/attribute.h"
#include "api/entity.h"
#include "api/resourcemanager.h"

static int pending(struct context *c) {
    return fail(c, 501, "This version only reads.");
}

int entity_create(struct context *c) {
    return pending(c);
}
int entity_delete(struct context *c) {
    return pending(c);
}
int entity_action(struct context *c) {
    return pending(c);
}
int attribute_add(struct context *c) {
    return pending(c);
}
int attribute_set(struct context *c) {
    return pending(c);
}
int attribute_delete(struct context *c) {
    return pending(c);
}
int resourcemanager_create(struct context *c) {
    return pending(c);
}
int resourcemanager_allocate(struct context *c) {
    return pending(c);
}
int resourcemanager_deallocate(struct context *c) {
    return pending(c);
}
