/* access.c: fuzz target of authorization: scopes, networks, tokens. */
#include <string.h>

#include "base/network.h"
#include "server/access.h"
#include "server/secret.h"

#include "fuzz.h"

static void promise_scope(const char *scope) {
    unsigned roles[MOUNT_COUNT] = {0};
    const char *colon = strchr(scope, ':');
    bool any = false;

    if (!access_scope(roles, scope))
        return;
    for (int m = 0; m < MOUNT_COUNT; m++) {
        /* Without a mount all of them have the role; with one, at least one has not. */
        PROMISE(colon != NULL || roles[m] == roles[0]);
        any = any || roles[m] != 0;
    }
    PROMISE(any && access_role("admin") == ROLE_ADMIN);
}

/* A network has its own address, and whoever is in it has an address of its kind. */
static void promise_network(struct arena *arena, const char *text, const char *address) {
    struct network network, one;
    bool is = network_parse(text, &network);

    if (!is)
        return;
    PROMISE(network.bits >= 0 && network.bits <= (network.kind == NETWORK_IPV4 ? 32 : 128));
    PROMISE(network.kind != NETWORK_ANY || network_contains(&network, NULL));
    if (network.kind == NETWORK_IPV4 || network.kind == NETWORK_IPV6)
        PROMISE(network_contains(&network, arena_strndup(arena, text, strcspn(text, "/"))));
    if (!network_contains(&network, address) || network.kind == NETWORK_ANY)
        return;
    if (network.kind == NETWORK_UNIX)
        PROMISE(strncmp(address, "unix:", 5) == 0);
    else if (strchr(address, '%') == NULL && strchr(address, '/') == NULL)
        PROMISE(network_parse(address, &one) && one.kind == network.kind);
}

static void promise_token(const char *text, size_t n) {
    char id[SECRET_ID_SIZE], hash[SECRET_HASH_SIZE], other[SECRET_HASH_SIZE];

    if (!secret_id(text, n, id))
        return;
    PROMISE(n == SECRET_SIZE - 1 && strspn(id, "0123456789abcdef") == SECRET_ID_SIZE - 1);
    PROMISE(memcmp(text + 4, id, SECRET_ID_SIZE - 1) == 0);
    PROMISE(secret_hash("key", text, n, hash) && secret_hash("other", text, n, other));
    PROMISE(secret_hash_equal(hash, hash) && !secret_hash_equal(hash, other));
    PROMISE(strspn(hash, "0123456789abcdef") == SECRET_HASH_SIZE - 1);
}

/* A scope, a network, an address, a token. */
void fuzz_access(struct input *in) {
    const char *network, *text;
    size_t n;

    promise_scope(take_text(in));
    network = take_text(in);
    promise_network(in->arena, network, take_text(in));
    text = take_rest(in, &n);
    promise_token(text, n);
}
