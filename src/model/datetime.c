/* datetime.c: strptime as Python has it, and timestamps in ISO form. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

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

static bool starts_with(const char *text, const char *word, size_t n) {
    size_t i;

    for (i = 0; i < n && lower(text[i]) == lower(word[i]); i++) {
    }
    return i == n;
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

        if (starts_with(*text, words[i], n)) {
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
        return (starts_with(text, "utc", 3) || starts_with(text, "gmt", 3)) &&
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

static bool is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

struct date {
    int year, month, day;
    int minutes; /* of the day */
};

/* From day 1..366 of d->year. What else the mask asks for must say the same day. */
static const char *find_by_yearday(const struct reading *r, struct date *d) {
    int left = r->field[YEARDAY];

    if (left > 365 + is_leap(d->year))
        return "day of year is out of range for year";
    for (; left > days_in(d->year, d->month); d->month++)
        left -= days_in(d->year, d->month);
    d->day = left;
    if ((r->has[MONTH] && r->field[MONTH] != d->month) ||
        (r->has_month_name && r->month_name != d->month) ||
        (r->has[DAY] && r->field[DAY] != d->day))
        return "day of year is another day than month and day say";
    return NULL;
}

/* The date of a reading; what the mask does not ask for is 1900-01-01, as in Python. */
static const char *find_date(const struct reading *r, struct date *d) {
    *d = (struct date){1900, 1, 1, 0};
    if (r->has[YEAR])
        d->year = r->field[YEAR];
    else if (r->has[SHORT_YEAR])
        d->year = r->field[SHORT_YEAR] + (r->field[SHORT_YEAR] <= 68 ? 2000 : 1900);
    if (d->year < 1)
        return "year is out of range";
    if (r->has[YEARDAY])
        return find_by_yearday(r, d);
    if (r->has[MONTH] && r->has_month_name && r->field[MONTH] != r->month_name)
        return "two different months";
    d->month = r->has[MONTH] ? r->field[MONTH] : r->has_month_name ? r->month_name : 1;
    d->day = r->has[DAY] ? r->field[DAY] : 1;
    return d->day > days_in(d->year, d->month) ? "day is out of range for month" : NULL;
}

static int find_hour(const struct reading *r) {
    if (!r->twelve)
        return r->field[HOUR]; /* 0 unless read; %p goes with %I only */
    return r->field[HOUR12] % 12 + (r->pm ? 12 : 0);
}

static void previous_day(struct date *d) {
    if (--d->day > 0)
        return;
    if (--d->month == 0) {
        d->month = 12;
        d->year--;
    }
    d->day = days_in(d->year, d->month);
}

static void next_day(struct date *d) {
    if (++d->day <= days_in(d->year, d->month))
        return;
    d->day = 1;
    if (++d->month > 12) {
        d->month = 1;
        d->year++;
    }
}

/* What is stored has no zone: it is UTC where one was sent, else as it was written. */
static const char *find_time(const struct reading *r, struct date *d) {
    d->minutes = find_hour(r) * 60 + r->field[MINUTE] - r->offset;
    if (d->minutes < 0) {
        d->minutes += 24 * 60;
        previous_day(d);
    } else if (d->minutes >= 24 * 60) {
        d->minutes -= 24 * 60;
        next_day(d);
    }
    if (d->year < 1 || d->year > 9999)
        return "year is out of range";
    return r->field[SECOND] > 59 ? "second must be in 0..59" : NULL;
}

static const char *iso(struct arena *arena, const struct date *d, const struct reading *r) {
    const char *second = arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d", d->year, d->month,
                                      d->day, d->minutes / 60, d->minutes % 60, r->field[SECOND]);

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
    struct date date;
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
    wrong = find_date(&r, &date);
    if (wrong == NULL)
        wrong = find_time(&r, &date);
    if (wrong != NULL)
        return wrong;
    *out = iso(arena, &date, &r);
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
