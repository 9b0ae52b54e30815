/* datetime.c: strptime as Python has it, and timestamps in ISO form. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/quote.h"
#include "model/value.h"

/* libc's strptime depends on the locale, accepts trailing text and has no %f.
 * A directive may match texts of several lengths ("%H%M" on "123"): the longest is tried first, the
 * others when what follows does not fit. Each directive is allowed once, so that is bounded. */

#define DATE         "%Y-%m-%d"
#define TIME         "%H:%M:%S"
#define DEFAULT_MASK DATE "T" TIME ".%f"

enum { MAX_MASK = 256, MAX_TEXT = 1024 };

/* Numbers that are read; the index of a directive is that in `numeric`. */
enum field {
    YEAR,
    SHORT_YEAR,
    MONTH,
    DAY,
    YEARDAY,
    HOUR,
    HOUR12,
    MINUTE,
    SECOND,
    FRACTION,
    FIELDS
};

static const char numeric[] = "YymdjHIMSf";
static const char wordy[] = "bBaApZz";

static const struct {
    int shortest, longest; /* digits */
    int minimum, maximum;
} shapes[FIELDS] = {
    [YEAR] = {4, 4, 0, 9999},       [SHORT_YEAR] = {2, 2, 0, 99}, [MONTH] = {1, 2, 1, 12},
    [DAY] = {1, 2, 1, 31},          [YEARDAY] = {1, 3, 1, 366},   [HOUR] = {1, 2, 0, 23},
    [HOUR12] = {1, 2, 1, 12},       [MINUTE] = {1, 2, 0, 59},     [SECOND] = {1, 2, 0, 61},
    [FRACTION] = {1, 6, 0, 999999},
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

struct reading {
    bool has[FIELDS]; /* the mask asks for it */
    bool has_month_name;
    bool twelve; /* of %H and %I the later one counts: it is %I */
    bool whole;  /* the text must end where the mask does */
    int field[FIELDS];
    int month_name; /* 1..12 */
    bool pm;
    int offset;       /* of the zone, minutes */
    const char *rest; /* what is left of the text when `whole` is false */
};

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* ASCII only, whatever the locale is. */
static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* --- the mask itself --- */

static const char *check_mask(struct arena *arena, const char *mask, struct reading *r) {
    bool seen[128] = {false};
    const char *p;

    if (strlen(mask) > MAX_MASK)
        return arena_printf(arena, "the format is longer than %d bytes", MAX_MASK);
    for (p = mask; *p != '\0'; p++) {
        unsigned char c;
        const char *number;

        if (*p != '%')
            continue;
        c = (unsigned char)*++p;
        if (c == '\0')
            return arena_printf(arena, "stray %% in format %s", quote(arena, mask));
        if (c == '%')
            continue;
        number = strchr(numeric, c);
        if (number == NULL && strchr(wordy, c) == NULL)
            return arena_printf(arena, "%s is a bad directive in format %s",
                                quote_bytes(arena, p, c < 0x80 ? 1 : strcspn(p, "%")),
                                quote(arena, mask));
        if (seen[c])
            return arena_printf(arena, "%%%c is duplicated in format %s", c, quote(arena, mask));
        seen[c] = true;
        if (number != NULL)
            r->has[number - numeric] = true;
        r->twelve = c == 'I' || (r->twelve && c != 'H');
        r->has_month_name = r->has_month_name || c == 'b' || c == 'B';
    }
    return NULL;
}

/* --- matching --- */

static bool match(struct reading *r, const char *text, const char *mask);

static bool match_number(struct reading *r, enum field field, const char *text, const char *mask) {
    int value[8] = {0};
    int digits = 0;
    int n;

    if (field == DAY && text[0] == ' ' && text[1] >= '1' && is_digit(text[1])) {
        text++; /* "%b%d" on "Jul 9" */
        r->field[field] = *text - '0';
        return match(r, text + 1, mask);
    }
    for (; digits < shapes[field].longest && is_digit(text[digits]); digits++)
        value[digits + 1] = value[digits] * 10 + (text[digits] - '0');
    for (n = digits; n >= shapes[field].shortest; n--) {
        int scale;

        if (value[n] < shapes[field].minimum || value[n] > shapes[field].maximum)
            continue;
        for (scale = field == FRACTION ? n : 6; scale < 6; scale++)
            value[n] *= 10;
        r->field[field] = value[n];
        if (match(r, text + n, mask))
            return true;
    }
    return false;
}

/* Finds one of the words, or of their first three letters; returns its index from 1 on, 0: no
 * match. */
static int match_word(const char *const *words, int count, bool full, const char **text) {
    int i;

    for (i = 0; i < count; i++) {
        size_t n = full ? strlen(words[i]) : 3;

        if (strncasecmp(*text, words[i], n) == 0) {
            *text += n;
            return i + 1;
        }
    }
    return 0;
}

/* Two digits; -1: they are not, or are too many. */
static int two_digits(const char *p, int maximum) {
    int value = is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -1;

    return value <= maximum ? value : -1;
}

/* Skips "Z", "+0100" or "-05:30"; NULL: not an offset. */
static const char *match_offset(const char *text, int *minutes) {
    const char *p = text + 1;
    int hours, rest;

    *minutes = 0;
    if (lower(*text) == 'z')
        return p;
    if ((*text != '+' && *text != '-') || (hours = two_digits(p, 23)) < 0)
        return NULL;
    p += p[2] == ':' ? 3 : 2;
    if ((rest = two_digits(p, 59)) < 0)
        return NULL;
    *minutes = (*text == '-' ? -1 : 1) * (hours * 60 + rest);
    return p + 2;
}

static bool match_directive(struct reading *r, char directive, const char *text, const char *mask) {
    const char *number = strchr(numeric, directive);

    if (number != NULL)
        return match_number(r, (enum field)(number - numeric), text, mask);
    switch (directive) {
    case 'b':
    case 'B':
        r->month_name = match_word(months, 12, directive == 'B', &text);
        return r->month_name != 0 && match(r, text, mask);
    case 'a':
    case 'A': return match_word(weekdays, 7, directive == 'A', &text) != 0 && match(r, text, mask);
    case 'p':
        r->pm = lower(*text) == 'p';
        return (r->pm || lower(*text) == 'a') && lower(text[1]) == 'm' && match(r, text + 2, mask);
    case 'Z':
        return (strncasecmp(text, "utc", 3) == 0 || strncasecmp(text, "gmt", 3) == 0) &&
               match(r, text + 3, mask);
    case 'z': text = match_offset(text, &r->offset); return text != NULL && match(r, text, mask);
    default: assert(directive == '%'); return *text == '%' && match(r, text + 1, mask);
    }
}

static bool match(struct reading *r, const char *text, const char *mask) {
    while (*mask != '\0') {
        if (is_space(*mask)) {
            if (!is_space(*text))
                return false;
            mask += strspn(mask, " \t\n\v\f\r");
            text += strspn(text, " \t\n\v\f\r");
        } else if (*mask == '%') {
            return match_directive(r, mask[1], text, mask + 2);
        } else if (lower(*mask++) != lower(*text++)) {
            return false;
        }
    }
    r->rest = text;
    return !r->whole || *text == '\0';
}

/* --- the calendar --- */

static int find_year(const struct reading *r) {
    if (r->has[YEAR] || !r->has[SHORT_YEAR])
        return r->has[YEAR] ? r->field[YEAR] : 1900;
    return r->field[SHORT_YEAR] + (r->field[SHORT_YEAR] <= 68 ? 2000 : 1900);
}

/* False if what else the mask asks for says another day than %j. */
static bool is_same_day(const struct reading *r, const struct tm *tm) {
    return (!r->has[MONTH] || r->field[MONTH] == tm->tm_mon + 1) &&
           (!r->has_month_name || r->month_name == tm->tm_mon + 1) &&
           (!r->has[DAY] || r->field[DAY] == tm->tm_mday);
}

/* The date of a reading; what the mask does not ask for is 1900-01-01, as in Python. */
static const char *find_date(const struct reading *r, struct tm *tm) {
    int year = find_year(r);
    int month = r->has[MONTH] ? r->field[MONTH] : r->has_month_name ? r->month_name : 1;
    int day = r->has[DAY] ? r->field[DAY] : 1;

    if (year < 1)
        return "year is out of range";
    *tm = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    if (r->has[YEARDAY]) {
        tm->tm_mon = 0;
        tm->tm_mday = r->field[YEARDAY];
        (void)timegm(tm); /* puts into the year what is beyond January */
        if (tm->tm_year != year - 1900)
            return "day of year is out of range for year";
        return is_same_day(r, tm) ? NULL : "day of year is another day than month and day say";
    }
    if (r->has_month_name && month != r->month_name)
        return "two different months";
    (void)timegm(tm);
    return tm->tm_mday != day ? "day is out of range for month" : NULL;
}

static int find_hour(const struct reading *r) {
    if (!r->twelve)
        return r->field[HOUR]; /* 0 unless read; %p goes with %I only */
    return r->field[HOUR12] % 12 + (r->pm ? 12 : 0);
}

/* What is stored has no zone: it is UTC where one was sent, else as it was written. */
static const char *find_time(const struct reading *r, struct tm *tm) {
    tm->tm_hour = find_hour(r);
    tm->tm_min = r->field[MINUTE] - r->offset;
    (void)timegm(tm);
    if (tm->tm_year < 1 - 1900 || tm->tm_year > 9999 - 1900)
        return "year is out of range";
    return r->field[SECOND] > 59 ? "second must be in 0..59" : NULL;
}

static const char *iso(struct arena *arena, const struct tm *tm, const struct reading *r) {
    const char *second =
        arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d", tm->tm_year + 1900, tm->tm_mon + 1,
                     tm->tm_mday, tm->tm_hour, tm->tm_min, r->field[SECOND]);

    return r->field[FRACTION] == 0 ? second
                                   : arena_printf(arena, "%s.%06d", second, r->field[FRACTION]);
}

/* The default mask that fits: "T" or a blank, with or without a fraction and an offset. If none
 * does, the one that messages name. */
static const char *default_mask(struct arena *arena, const char *text) {
    static const char *const masks[] = {
        DEFAULT_MASK,        DATE "T" TIME ".%f%z", DATE "T" TIME, DATE "T" TIME "%z",
        DATE " " TIME ".%f", DATE " " TIME ".%f%z", DATE " " TIME, DATE " " TIME "%z"};

    for (size_t i = 0; strlen(text) <= MAX_TEXT && i < sizeof masks / sizeof *masks; i++) {
        struct reading r = {.whole = true};

        if (check_mask(arena, masks[i], &r) == NULL && match(&r, text, masks[i]))
            return masks[i];
    }
    return DEFAULT_MASK;
}

const char *datetime_parse(struct arena *arena, const char *text, const char *mask,
                           const char **out) {
    struct reading r = {.whole = true};
    struct tm tm;
    const char *wrong;

    assert(arena != NULL && text != NULL && out != NULL);
    mask = mask == NULL ? default_mask(arena, text) : mask;
    wrong = check_mask(arena, mask, &r);
    if (wrong != NULL)
        return wrong;
    if (strlen(text) > MAX_TEXT || !match(&r, text, mask)) {
        r.whole = false;
        if (strlen(text) > MAX_TEXT || !match(&r, text, mask))
            return arena_printf(arena, "time data %s does not match format %s", quote(arena, text),
                                quote(arena, mask));
        return arena_printf(arena, "unconverted data remains: %s", quote(arena, r.rest));
    }
    wrong = find_date(&r, &tm);
    if (wrong == NULL)
        wrong = find_time(&r, &tm);
    if (wrong != NULL)
        return wrong;
    *out = iso(arena, &tm, &r);
    return NULL;
}

/* --- from the database --- */

const char *datetime_from_pg(struct arena *arena, const char *pg_text) {
    char *out;
    char *space;
    char *point;
    size_t n;

    assert(arena != NULL && pg_text != NULL);
    n = strlen(pg_text);
    out = arena_alloc(arena, n + sizeof("000000"));
    memcpy(out, pg_text, n);
    space = strchr(out, ' ');
    if (space == NULL || !is_digit(*out))
        return out; /* infinity */
    *space = 'T';
    point = strchr(space, '.');
    if (point == NULL)
        return out;
    n = strspn(point + 1, "0123456789");
    if (point[n + 1] != '\0' || n > 6)
        return out; /* an era: "BC" */
    memset(point + 1 + n, '0', 6 - n);
    if (strspn(point + 1, "0") == 6)
        *point = '\0';
    return out;
}
