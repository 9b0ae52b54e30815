/* unit_cache.c: cached responses: found, out of date, evicted, and after a worker's death. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/cache.h"
#include "tap.h"

static struct cache *cache;

static struct context_dependencies on(int64_t key) {
    return (struct context_dependencies){.keys = {key}, .count = 1};
}

static void store(const char *key, uint64_t seq, struct context_dependencies d,
                  const char *answer) {
    cache_store(cache, key, strlen(key), seq, &d, answer, strlen(answer));
}

/* The entry under the key, or NULL; valid until the next call. */
static const char *find(const char *key) {
    static struct buf out;

    buf_release(&out);
    buf_init(&out, 0);
    return cache_find(cache, key, strlen(key), &out) ? buf_cstr(&out) : NULL;
}

static void apply(const char *snapshot, const int64_t *keys, size_t count, bool everything) {
    struct cache_state state;

    cache_get_state(cache, &state);
    cache_apply(cache, &state, snapshot, 1, keys, count, everything);
}

static void test_validity(void) {
    const struct context_dependencies anything = {.anything = true};
    int64_t five = 5, six = 6;
    uint64_t seq = cache_seq(cache, NULL);

    is_str(find("a"), NULL, "nothing at first");
    store("a", seq, on(5), "answer a");
    store("b", seq, on(6), "answer b");
    store("c", seq, anything, "answer c");
    is_str(find("a"), "answer a", "kept");
    ok(cache_find(cache, "a", 1, NULL), "and known to be");
    is_str(find("ab"), NULL, "another key");
    apply("10:10:", NULL, 0, false);
    is_str(find("c"), "answer c", "nothing was changed");
    apply("11:11:", &five, 1, false);
    is_str(find("a"), NULL, "what it depends on was changed");
    is_str(find("b"), "answer b", "the other's was not");
    is_str(find("c"), NULL, "something was");
    store("a", seq, on(5), "too old");
    is_str(find("a"), NULL, "an answer from before the change is not kept");
    store("a", cache_seq(cache, NULL), on(5), "new");
    is_str(find("a"), "new", "one from after it is");
    store("a", cache_seq(cache, NULL), on(5), "newer");
    is_str(find("a"), "newer", "and replaced");
    apply("12:12:", &six, 1, true);
    is_str(find("a"), NULL, "everything may have been changed");
    store("a", cache_seq(cache, NULL), on(5), "again");
    apply("", NULL, 0, true);
    is_str(find("a"), NULL, "forgotten");
}

static void test_state(void) {
    char long_text[2 * CACHE_SNAPSHOT];
    struct cache_state first, second, now;
    int64_t key = 7;

    apply("20:20:", NULL, 0, false);
    cache_get_state(cache, &first);
    is_str(first.snapshot, "20:20:", "the snapshot moves on");
    cache_get_state(cache, &second);
    cache_apply(cache, &second, "22:22:", 1, &key, 1, false);
    cache_apply(cache, &first, "21:21:", 1, &key, 1, false);
    cache_get_state(cache, &now);
    is_str(now.snapshot, "22:22:", "who started from an older state does not move it");
    ok(now.seq > second.seq + 1, "but what it found counts");
    memset(long_text, '1', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    apply(long_text, NULL, 0, false);
    cache_get_state(cache, &now);
    is_str(now.snapshot, "", "a snapshot that is too long is none");
}

/* Far more than fits, of all sizes: what is found is what was stored last under that key. */
static void test_crowd(void) {
    enum { KEYS = 20000 };
    static unsigned sizes[KEYS];
    char *answer = malloc(40000);
    size_t found = 0, wrong = 0;

    srand(1);
    for (unsigned round = 0; round < 60000; round++) {
        unsigned k = (unsigned)rand() % KEYS;
        size_t n = (size_t)rand() % (round % 50 == 0 ? 40000 : 600);
        struct context_dependencies d = on(k);
        int64_t changed = k;
        char key[16];

        if (n > 600) /* it may be too large to be stored, and must not leave the one before it */
            apply("40:40:", &changed, 1, false);
        snprintf(key, sizeof key, "key%u", k);
        memset(answer, 'a' + (int)(k % 26), n);
        cache_store(cache, key, strlen(key), cache_seq(cache, NULL), &d, answer, n);
        sizes[k] = (unsigned)n + 1;
    }
    for (unsigned k = 0; k < KEYS; k++) {
        char key[16];
        const char *got;

        snprintf(key, sizeof key, "key%u", k);
        got = find(key);
        if (!got)
            continue;
        found++;
        wrong += strlen(got) + 1 != sizes[k] ||
                 strspn(got, (char[]){(char)('a' + (int)(k % 26)), '\0'}) != strlen(got);
    }
    ok(found > 500, "many are still there");
    ok(found < KEYS, "not all of them");
    is_int(wrong, 0, "none is torn or another's");
    free(answer);
}

static void test_too_large(void) {
    size_t n = 1u << 20;
    char *answer = calloc(1, n + 1);

    memset(answer, 'x', n);
    store("large", cache_seq(cache, NULL), on(1), answer);
    is_str(find("large"), NULL, "what is too large is not kept");
    free(answer);
}

/* Children that write as fast as they can are killed at any moment. */
static void test_deaths(void) {
    for (int i = 0; i < 40; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            for (unsigned k = 0;; k++) {
                int64_t key = k % 100;
                char name[16];

                snprintf(name, sizeof name, "d%u", k % 100);
                store(name, cache_seq(cache, NULL), on(key), "dddddddddddddddddddddddddddddddd");
                if (k % 7 == 0)
                    apply("30:30:", &key, 1, false);
            }
        }
        usleep(2000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        store("after", cache_seq(cache, NULL), on(1000), "alive");
    }
    is_str(find("after"), "alive", "the others go on");
}

int main(void) {
    cache = cache_new(4u << 20);
    ok(cache != NULL, "there is memory");
    test_validity();
    test_state();
    test_too_large();
    test_crowd();
    test_deaths();
    cache_free(&cache);
    ok(cache == NULL, "freed");
    return done_testing();
}
