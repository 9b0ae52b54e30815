/* config_file.c: fuzz target of configuration files. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/driver.h"
#include "server/config.h"

#include "fuzz.h"

static size_t problems;

static void take_problem(const char *line) {
    PROMISE(line != NULL && *line != '\0' && strchr(line, '\n') == NULL);
    problems++;
}

static void promise_bounds(const struct settings *settings) {
    size_t count;
    const struct setting *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        const char *field = (const char *)settings + table[i].offset;

        if (table[i].type == SETTING_INT || table[i].type == SETTING_MODE) {
            int number;

            memcpy(&number, field, sizeof(number));
            PROMISE(number >= table[i].minimum && number <= table[i].maximum);
        }
    }
    for (size_t i = 0; i < settings->response_header_count; i++)
        PROMISE(strpbrk(settings->response_headers[i].name, "\r\n: ") == NULL &&
                strpbrk(settings->response_headers[i].value, "\r\n") == NULL);
}

static void promise_drivers(void) {
    PROMISE(driver_count() >= 21);
    for (size_t i = 0; i < driver_count(); i++) {
        const struct driver *driver = driver_at(i);

        PROMISE(driver_find(driver->name) == driver);
        PROMISE(driver_is_a(driver, driver_find("entity")));
    }
}

void fuzz_config(struct input *in) {
    static const char path[] = "/proc/self/fd/";
    const char *bytes, *name;
    struct settings *settings;
    size_t n;
    int fd;

    bytes = take_rest(in, &n);
    /* libconfig would open any file of this machine, and what an input does would depend on it. The
     * author of the configuration may name files; no one else can. */
    if (memmem(bytes, n, "@include", 8) != NULL)
        return;
    fd = memfd_create("fuzz", 0);
    PROMISE(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    name = arena_printf(in->arena, "%s%d", path, fd);
    problems = 0;
    settings = config_load(&name, 1, take_problem);
    PROMISE((settings == NULL) == (problems > 0));
    if (settings != NULL) {
        promise_bounds(settings);
        promise_drivers();
    }
    config_free(&settings);
    PROMISE(driver_count() == 21);
    close(fd);
}
