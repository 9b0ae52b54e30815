/* tree.c: looking into JSON trees and comparing them. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "json/members.h"
#include "json/reader.h"

static const struct json_node *find(const struct json_node *object, const char *key,
                                    size_t length) {
    const struct json_node *child;

    for (child = object->children; child != NULL; child = child->next) {
        if (child->key_length == length && memcmp(child->key, key, length) == 0) {
            return child;
        }
    }
    return NULL;
}

const struct json_node *json_member(const struct json_node *object, const char *key) {
    assert(key != NULL);
    if (object == NULL || object->type != JSON_OBJECT) {
        return NULL;
    }
    return find(object, key, strlen(key));
}

/* A number as 0.DIGITS times ten to the power of `exponent`: `digits` begins and ends with a digit
 * that is not 0, and may have the point in it. No digits: zero. */
struct decimal {
    bool negative;
    const char *digits;
    const char *end;
    int64_t exponent;
};

/* Adds without overflow: a text that long does not exist, an exponent that large may. */
static int64_t add(int64_t a, int64_t b) {
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum)) {
        return a > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

static int64_t exponent_of(const char *s, const char *end) {
    bool negative = s < end && *s == '-';
    int64_t exponent = 0;

    for (s += s < end && (*s == '-' || *s == '+'); s < end; s++) {
        if (exponent > INT64_MAX / 100) {
            break; /* larger than any text is long: only the sign counts */
        }
        exponent = exponent * 10 + (*s - '0');
    }
    return negative ? -exponent : exponent;
}

static struct decimal decimal_of(const struct json_node *number) {
    struct decimal d = {0};
    const char *s = number->text;
    const char *end = s + number->length;
    const char *e = s;
    const char *point;

    while (e < end && *e != 'e' && *e != 'E') {
        e++;
    }
    if (e < end) {
        d.exponent = exponent_of(e + 1, end);
    }
    d.negative = *s == '-';
    s += d.negative;
    point = memchr(s, '.', (size_t)(e - s));
    if (point == NULL) {
        point = e;
    }
    while (s < e && (*s == '0' || *s == '.')) {
        s++;
    }
    while (e > s && (e[-1] == '0' || e[-1] == '.')) {
        e--;
    }
    if (s == e) {
        return (struct decimal){0};
    }
    d.exponent = add(d.exponent, s < point ? point - s : point + 1 - s);
    d.digits = s;
    d.end = e;
    return d;
}

static bool numbers_equal(const struct json_node *a, const struct json_node *b) {
    struct decimal x = decimal_of(a);
    struct decimal y = decimal_of(b);

    if (x.negative != y.negative || x.exponent != y.exponent) {
        return false;
    }
    while (x.digits < x.end && y.digits < y.end) {
        x.digits += *x.digits == '.';
        y.digits += *y.digits == '.';
        if (*x.digits++ != *y.digits++) {
            return false;
        }
    }
    return x.digits == x.end && y.digits == y.end;
}

static bool arrays_equal(const struct json_node *a, const struct json_node *b) {
    const struct json_node *x = a->children;
    const struct json_node *y = b->children;

    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        if (!json_equal(x, y)) {
            return false;
        }
    }
    return x == NULL && y == NULL;
}

/* Keys are unique in a tree, so with equal counts one direction is enough. Members are often in the
 * same order, so the next one is tried first. */
static bool objects_equal(const struct json_node *a, const struct json_node *b) {
    struct arena *scratch = NULL;
    struct json_members *table = NULL;
    const struct json_node *x;
    const struct json_node *y = b->children;
    bool equal = true;

    for (x = a->children; x != NULL && equal; x = x->next) {
        if (y == NULL || y->key_length != x->key_length ||
            memcmp(y->key, x->key, x->key_length) != 0) {
            if (b->count > JSON_MEMBERS_FEW && table == NULL) {
                scratch = arena_new();
                table = json_members_of(scratch, b);
            }
            y = table != NULL ? json_members_get(table, x->key, x->key_length)
                              : find(b, x->key, x->key_length);
        }
        equal = y != NULL && json_equal(x, y);
        y = y == NULL ? NULL : y->next;
    }
    arena_free(&scratch);
    return equal;
}

/* Recurses as deep as the trees are, which the reader limits. */
bool json_equal(const struct json_node *a, const struct json_node *b) {
    assert(a != NULL && b != NULL);
    if (a == b) {
        return true;
    }
    if (a->type != b->type || a->count != b->count) {
        return false;
    }
    switch (a->type) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE: return true;
    case JSON_NUMBER: return numbers_equal(a, b);
    case JSON_STRING: return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
    case JSON_ARRAY: return arrays_equal(a, b);
    case JSON_OBJECT: return objects_equal(a, b);
    default: assert(false); return false;
    }
}
