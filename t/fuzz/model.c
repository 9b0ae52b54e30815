/* model.c: fuzz targets of src/model and src/base: datetimes, values, addresses, names, texts. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "http/percent.h"
#include "model/ip.h"
#include "model/names.h"
#include "model/value.h"

#include "fuzz.h"

/* --- datetimes --- */

static bool looks_like(const char *text, const char *shape) {
    for (; *shape != '\0'; shape++, text++)
        if (*shape == '0' ? !isdigit((unsigned char)*text) : *text != *shape)
            return false;
    return *text == '\0';
}

static void promise_iso(struct arena *arena, const char *iso) {
    bool whole = looks_like(iso, "0000-00-00T00:00:00");
    const char *again;

    PROMISE(whole || looks_like(iso, "0000-00-00T00:00:00.000000"));
    PROMISE(whole || strcmp(strchr(iso, '.'), ".000000") != 0);
    PROMISE(datetime_parse(arena, iso, whole ? "%Y-%m-%dT%H:%M:%S" : NULL, &again) == NULL);
    PROMISE(strcmp(again, iso) == 0);
}

/* A mask and a text. */
void fuzz_strptime(struct input *in) {
    const char *mask = take_optional(in), *text = take_text(in), *iso = NULL;
    const char *wrong = datetime_parse(in->arena, text, mask, &iso);

    if (wrong != NULL)
        promise_message(wrong);
    else
        promise_iso(in->arena, iso);
}

/* --- values --- */

static void promise_cast_again(struct arena *arena, const struct value *value) {
    bool fraction = value->datatype == DATATYPE_DATETIME && strchr(value->text, '.') != NULL;
    const char *text = value_text(arena, value);
    struct value again;

    PROMISE(value_equal(value, value));
    PROMISE(value_cast(arena, text, value->datatype, fraction ? NULL : "%Y-%m-%dT%H:%M:%S", &again)
                .rc == RC_OK);
    PROMISE(value_equal(value, &again));
    PROMISE(strcmp(value_text(arena, &again), text) == 0);
}

/* A byte that chooses the datatype, a mask, a text; the text also as PostgreSQL's timestamp. */
void fuzz_value(struct input *in) {
    enum value_datatype datatype = (enum value_datatype)(take_byte(in) % DATATYPE_COUNT);
    const char *mask = take_optional(in), *text = take_text(in);
    struct verdict v;
    struct value value;

    PROMISE(datetime_from_pg(in->arena, text) != NULL);
    if (datatype == DATATYPE_JSON || count_characters(text, strlen(text)) == SIZE_MAX)
        return;
    v = value_cast(in->arena, text, datatype, mask, &value);
    if (v.rc != RC_OK)
        promise_message(v.message);
    else
        promise_cast_again(in->arena, &value);
}

/* --- addresses --- */

static bool oracle_mask(const char *text, uint32_t *out) {
    struct in_addr address;
    char *end;

    text += *text == '/';
    if (inet_pton(AF_INET, text, &address) == 1) {
        *out = ntohl(address.s_addr);
        return (~*out & (~*out + 1)) == 0; /* ones, then zeros */
    }
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 2 ||
        (text[0] == '0' && text[1] != '\0') || strtoul(text, &end, 10) > 32 || *end != '\0')
        return false;
    *out = (uint32_t)(UINT64_C(0xffffffff00000000) >> strtoul(text, &end, 10));
    return true;
}

static void promise_range(uint32_t address, uint32_t mask) {
    uint32_t first, last;

    PROMISE(mask == (uint32_t)(UINT64_C(0xffffffff00000000) >> ip_netmask_bits(mask)));
    ip_range(address, mask, &first, &last);
    PROMISE(first <= last && (first & mask) == (address & mask) && (last & mask) == (first & mask));
    PROMISE((uint32_t)(last - first) == (ip_netmask_bits(mask) >= 31 ? ~mask : ~mask - 2));
}

/* An address and a mask. */
void fuzz_address(struct input *in) {
    const char *text = take_text(in), *mask_text = take_text(in);
    uint32_t address = 0, any, mask, expected;
    struct in_addr oracle;
    bool is = ip_parse(text, &address);

    PROMISE(is == (inet_pton(AF_INET, text, &oracle) == 1));
    if (is) {
        PROMISE(address == ntohl(oracle.s_addr));
        PROMISE(strcmp(ip_text(in->arena, address), text) == 0);
        PROMISE(ip_parse_any(text, &any) && any == address);
        PROMISE(ip_from_stored(ip_to_stored(address)) == address);
    } else if (ip_parse_any(text, &any)) {
        PROMISE(strtoull(text, NULL, 10) == any && strspn(text, "0123456789") == strlen(text));
    }
    is = ip_parse_netmask(mask_text, &mask);
    /* "/255.0.0.0" is not a usual way to write a mask. */
    if (mask_text[0] != '/' || strchr(mask_text, '.') == NULL)
        PROMISE(is == oracle_mask(mask_text, &expected) && (!is || mask == expected));
    if (is)
        promise_range(address, mask);
}

/* --- names --- */

static bool has_control(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return true;
    return false;
}

static bool is_key(const char *text) {
    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return false;
    return strlen(text) <= 256;
}

void fuzz_name(struct input *in) {
    const char *text = take_text(in);
    struct verdict v;
    size_t characters = count_characters(text, strlen(text));

    if (characters == SIZE_MAX)
        return;
    v = names_check(in->arena, text, NAMES_MAX_NAME);
    PROMISE((v.rc == RC_OK) == (characters >= 1 && characters <= 128 && !has_control(text) &&
                                !has_dot_segment(in->arena, text)));
    if (v.rc != RC_OK)
        promise_message(v.message);
    v = names_check_key(in->arena, text, NAMES_MAX_KEY);
    PROMISE((v.rc == RC_OK) == is_key(text));
    if (v.rc != RC_OK)
        promise_message(v.message);
    v = names_check_subkey(in->arena, text, NAMES_MAX_KEY);
    PROMISE((v.rc == RC_OK) == (*text == '\0' || is_key(text)));
}

/* --- texts --- */

static void promise_number(const char *text) {
    int64_t number = 0;
    enum num_result result = num_parse(text, &number);
    long long expected;
    char *end;

    if (result == NUM_MALFORMED)
        return;
    errno = 0;
    text += strspn(text, "\x1c\x1d\x1e\x1f \t\n\v\f\r"); /* of these strtoll knows fewer */
    expected = strtoll(text, &end, 10);
    PROMISE(end > text && strspn(end, "\x1c\x1d\x1e\x1f \t\n\v\f\r") == strlen(end));
    PROMISE((result == NUM_OUT_OF_RANGE) == (errno == ERANGE));
    PROMISE(result != NUM_OK || number == expected);
}

static void promise_utf8(const char *bytes, size_t n) {
    size_t characters = count_characters(bytes, n), span = utf8_span(bytes, n);

    PROMISE(utf8_valid(bytes, n) == (characters != SIZE_MAX));
    PROMISE((span == n) == utf8_valid(bytes, n));
    PROMISE(count_characters(bytes, span) != SIZE_MAX);
}

static void promise_text(const char *text) {
    size_t characters = count_characters(text, strlen(text));

    promise_number(text);
    if (characters == SIZE_MAX)
        return;
    PROMISE(utf8_length(text) == characters);
    PROMISE(utf8_has_control(text) == has_control(text));
}

static void promise_percent(struct arena *arena, const char *bytes, size_t n) {
    char *out = arena_alloc(arena, n + 1), *in_place = arena_strndup(arena, bytes, n);
    size_t length, again;

    PROMISE(percent_decode(bytes, n, true, out, &length) && length <= n && out[length] == '\0');
    PROMISE(percent_decode(in_place, n, true, in_place, &again) && again == length);
    PROMISE(memcmp(out, in_place, length) == 0);
    if (percent_decode(bytes, n, false, out, &length))
        PROMISE(length <= n && out[length] == '\0');
}

void fuzz_text(struct input *in) {
    struct input copy = *in;
    const char *bytes, *quoted;
    size_t n;

    promise_text(take_text(&copy));
    bytes = take_rest(in, &n);
    promise_utf8(bytes, n);
    promise_percent(in->arena, bytes, n);
    quoted = quote_bytes(in->arena, bytes, n);
    promise_message(quoted);
    PROMISE(!has_control(quoted));
    PROMISE(strlen(quoted) <= 6 * QUOTE_LIMIT + 16);
}
