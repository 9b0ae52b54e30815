/* config_fingerprint.c: a hash of what handlers know of the configuration, and of the program. */
#include <stdio.h>

#include "base/hash.h"
#include "server/config_reader.h"

static uint64_t add_setting(uint64_t hash, const struct settings *settings,
                            const struct setting *row) {
    const void *field = (const char *)settings + row->offset;
    char digits[32];

    if (row->type == SETTING_STRING)
        return hash_add(hash, *(const char *const *)field);
    snprintf(digits, sizeof(digits), "%d",
             row->type == SETTING_INT ? *(const int *)field : *(const bool *)field);
    return hash_add(hash, digits);
}

static uint64_t add_driver(uint64_t hash, const struct driver *driver) {
    char digits[64];

    snprintf(digits, sizeof(digits), "%u %u %d", driver->insert_rule, driver->allocator,
             driver->has_ips);
    hash = hash_add(hash_add(hash_add(hash, driver->name), driver->type), digits);
    hash = hash_add(hash, driver->resource_key);
    hash = hash_add(hash, driver->parent != NULL ? driver->parent->name : NULL);
    for (size_t i = 0; i < driver->also_count; i++)
        hash = hash_add(hash, driver->also[i]->name);
    return hash_add(hash, "");
}

uint64_t config_fingerprint(const struct settings *settings) {
    const size_t first = offsetof(struct settings, api), end = first + sizeof(settings->api);
    uint64_t hash = hash_add(HASH_START, settings->api.version);
    size_t rows;
    const struct setting *row = settings_table(&rows);

    for (; rows > 0; rows--, row++)
        if (row->offset >= first && row->offset < end)
            hash = add_setting(hash, settings, row);
    for (size_t i = 0; i < driver_count(); i++)
        hash = add_driver(hash, driver_at(i));
    return hash;
}
