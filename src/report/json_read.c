/* Reads a written timeline. A pull parser straight from the bytes into the timeline: a document
 * tree (jansson) of a long recording's rows costs some forty bytes a number, this costs none.
 * Grammar: RFC 8259, strict; nesting is limited, NUL inside strings is refused. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "report/report_private.h"

/* ---- tokens ---- */

static bool expected(json_cursor *c, const char *what) {
    if (!c->error) c->error = what;
    return false;
}

static bool is_space(char x) { return x == ' ' || x == '\n' || x == '\t' || x == '\r'; }

/* Before every token of a file of many megabytes. */
static void skip_space(json_cursor *c) {
    while (c->at < c->length && is_space(c->text[c->at])) c->at++;
}

static bool peek(json_cursor *c, char byte) {
    skip_space(c);
    return c->at < c->length && c->text[c->at] == byte;
}

static bool accept(json_cursor *c, char byte) {
    if (!peek(c, byte)) return false;
    c->at++;
    return true;
}

static bool literal(json_cursor *c, const char *word) {
    skip_space(c);
    size_t n = strlen(word);
    if (c->length - c->at < n || memcmp(c->text + c->at, word, n) != 0) return false;
    c->at += n;
    return true;
}

static bool hex4(json_cursor *c, uint32_t *out) {
    if (c->length - c->at < 4) return expected(c, "four hexadecimal digits");
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char x = c->text[c->at++];
        uint32_t digit = x >= '0' && x <= '9'   ? (uint32_t)(x - '0')
                         : x >= 'a' && x <= 'f' ? (uint32_t)(x - 'a' + 10)
                         : x >= 'A' && x <= 'F' ? (uint32_t)(x - 'A' + 10)
                                                : 16;
        if (digit == 16) return expected(c, "four hexadecimal digits");
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static bool escape(json_cursor *c) {
    if (c->at >= c->length) return expected(c, "the end of the string");
    char kind = c->text[c->at++];
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *simple = kind ? strchr(from, kind) : NULL;
    if (simple) {
        base_text_append_n(&c->string, &to[simple - from], 1);
        return true;
    }
    uint32_t code;
    if (kind != 'u') return expected(c, "a known escape");
    if (!hex4(c, &code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
        uint32_t low;
        if (c->length - c->at < 2 || c->text[c->at] != '\\' || c->text[c->at + 1] != 'u')
            return expected(c, "the second half of a surrogate pair");
        c->at += 2;
        if (!hex4(c, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return expected(c, "the second half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return expected(c, "the first half of a surrogate pair");
    }
    if (code == 0) return expected(c, "text without NUL");
    char bytes[4];
    base_text_append_n(&c->string, bytes, base_utf8_put(code, bytes));
    return true;
}

/* Into c->string, whose data are not NULL on success. Out of memory is a failure, with
 * c->string.failed set. */
static bool read_string(json_cursor *c) {
    base_text_clear(&c->string);
    base_text_append_n(&c->string, "", 0);
    if (!accept(c, '"')) return expected(c, "a string");
    for (;;) {
        size_t start = c->at;
        while (c->at < c->length && (unsigned char)c->text[c->at] >= 0x20 &&
               c->text[c->at] != '"' && c->text[c->at] != '\\')
            c->at++;
        if (!base_utf8_valid(c->text + start, c->at - start)) {
            c->at = start;
            return expected(c, "valid UTF-8");
        }
        base_text_append_n(&c->string, c->text + start, c->at - start);
        if (c->at >= c->length) return expected(c, "the end of the string");
        char byte = c->text[c->at++];
        if (byte == '"') return !c->string.failed || expected(c, "memory");
        if (byte != '\\') {
            c->at--;
            return expected(c, "no control character inside a string");
        }
        if (!escape(c)) return false;
    }
}

static bool digit_at(const json_cursor *c) {
    return c->at < c->length && c->text[c->at] >= '0' && c->text[c->at] <= '9';
}

/* The token's extent by the grammar of RFC 8259. */
static bool number_token(json_cursor *c) {
    skip_space(c);
    if (c->at < c->length && c->text[c->at] == '-') c->at++;
    if (!digit_at(c)) return expected(c, "a value");
    if (c->text[c->at] == '0')
        c->at++;
    else
        while (digit_at(c)) c->at++;
    if (c->at < c->length && c->text[c->at] == '.') {
        c->at++;
        if (!digit_at(c)) return expected(c, "a digit after the point");
        while (digit_at(c)) c->at++;
    }
    if (c->at < c->length && (c->text[c->at] == 'e' || c->text[c->at] == 'E')) {
        c->at++;
        if (c->at < c->length && (c->text[c->at] == '-' || c->text[c->at] == '+')) c->at++;
        if (!digit_at(c)) return expected(c, "the digits of the exponent");
        while (digit_at(c)) c->at++;
    }
    return true;
}

/* "-12.345" as an integer and a count of decimals; false when it has an exponent or more than
 * eighteen digits. */
static bool plain_decimal(const char *text, size_t n, bool *negative, uint64_t *digits,
                          int *decimals) {
    size_t i = *negative = n && text[0] == '-';
    if (n - i > 19) return false;
    *digits = 0;
    *decimals = -1;
    for (; i < n; i++) {
        if (text[i] == '.') {
            *decimals = 0;
        } else if (text[i] >= '0' && text[i] <= '9') {
            *digits = *digits * 10 + (uint64_t)(text[i] - '0');
            if (*decimals >= 0) ++*decimals;
        } else {
            return false;
        }
    }
    if (*decimals < 0) *decimals = 0;
    return *digits < UINT64_C(1000000000000000000);
}

static bool read_double(json_cursor *c, double *out) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    skip_space(c);
    size_t start = c->at;
    if (!number_token(c)) return expected(c, "a number");
    bool negative;
    uint64_t digits;
    int decimals;
    /* One correctly rounded division of two exact doubles is the correctly rounded value. */
    if (plain_decimal(c->text + start, c->at - start, &negative, &digits, &decimals) &&
        digits < UINT64_C(1) << 53) {
        double size = (double)digits / powers[decimals];
        *out = negative ? -size : size;
        return true;
    }
    if (base_parse_double(c->text + start, c->at - start, out) && isfinite(*out)) return true;
    c->at = start;
    return expected(c, "a number of this size");
}

/* A time in seconds, exactly, or null. */
static bool read_time(json_cursor *c, affect_time *out) {
    if (literal(c, "null")) {
        *out = AFFECT_TIME_NONE;
        return true;
    }
    skip_space(c);
    size_t start = c->at;
    double seconds;
    if (!read_double(c, &seconds)) return false;
    bool negative;
    uint64_t digits;
    int decimals;
    if (plain_decimal(c->text + start, c->at - start, &negative, &digits, &decimals) &&
        decimals <= 9) {
        for (; decimals < 9; decimals++) {
            if (digits > (uint64_t)INT64_MAX / 10) break;
            digits *= 10;
        }
        affect_time size =
            decimals < 9 || digits > (uint64_t)INT64_MAX ? INT64_MAX : (affect_time)digits;
        *out = negative ? -size : size;
    } else {
        *out = time_from_seconds(seconds);
    }
    return true;
}

static bool read_float(json_cursor *c, float *out) {
    double value;
    if (literal(c, "null")) {
        *out = NAN;
        return true;
    }
    size_t start = c->at;
    if (!read_double(c, &value)) return false;
    *out = (float)value;
    if (isfinite(*out)) return true;
    c->at = start;
    return expected(c, "a number within the range of float32");
}

static bool read_unit(json_cursor *c, float *out) {
    skip_space(c);
    size_t start = c->at;
    if (!read_float(c, out)) return false;
    if (!(*out < 0) && !(*out > 1)) return true;
    c->at = start;
    return expected(c, "a number from 0 to 1, or null");
}

static bool read_person(json_cursor *c, int *out) {
    *out = AFFECT_PERSON_NONE;
    if (literal(c, "null")) return true;
    size_t start = c->at;
    double value;
    if (!read_double(c, &value)) return false;
    if (value >= 1 && value <= INT_MAX && value == floor(value)) {
        *out = (int)value;
        return true;
    }
    c->at = start;
    return expected(c, "the number of a person from 1, or null");
}

static bool read_modality(json_cursor *c, affect_modality *out) {
    skip_space(c);
    size_t start = c->at;
    if (!read_string(c)) return false;
    for (int m = AFFECT_MODALITY_NONE; m <= AFFECT_MODALITY_FUSED; m++)
        if (c->string.data &&
            strcmp(c->string.data, affect_modality_name((affect_modality)m)) == 0) {
            *out = (affect_modality)m;
            return true;
        }
    c->at = start;
    return expected(c, "one of none, face, voice, words, fused");
}

static bool skip_value(json_cursor *c, int depth) {
    if (depth > JSON_DEPTH_LIMIT) return expected(c, "less deep nesting");
    skip_space(c);
    if (peek(c, '"')) return read_string(c);
    if (accept(c, '[')) {
        if (accept(c, ']')) return true;
        do {
            if (!skip_value(c, depth + 1)) return false;
        } while (accept(c, ','));
        return accept(c, ']') || expected(c, "',' or ']'");
    }
    if (accept(c, '{')) {
        if (accept(c, '}')) return true;
        do {
            if (!read_string(c)) return false;
            if (!accept(c, ':')) return expected(c, "':'");
            if (!skip_value(c, depth + 1)) return false;
        } while (accept(c, ','));
        return accept(c, '}') || expected(c, "',' or '}'");
    }
    return literal(c, "true") || literal(c, "false") || literal(c, "null") || number_token(c);
}

/* ---- objects with known members, in any order ---- */

enum { MEMBER_LIMIT = 12 };
/* Walks the object at the cursor and notes where the value of each named member starts. The first
 * `needed` ones must be there; one that is not has SIZE_MAX. */
static bool members_of(json_cursor *c, const char *const *names, size_t needed, size_t *positions) {
    size_t count = 0;
    while (names[count]) positions[count++] = SIZE_MAX;
    if (!accept(c, '{')) return expected(c, "an object");
    if (!accept(c, '}')) {
        do {
            skip_space(c);
            size_t start = c->at, i = 0;
            if (!read_string(c)) return false;
            while (i < count && strcmp(c->string.data, names[i]) != 0) i++;
            if (i == count || positions[i] != SIZE_MAX) {
                c->at = start;
                return expected(c, "a known member, once");
            }
            if (!accept(c, ':')) return expected(c, "':'");
            skip_space(c);
            positions[i] = c->at;
            if (!skip_value(c, 2)) return false;
        } while (accept(c, ','));
        if (!accept(c, '}')) return expected(c, "',' or '}'");
    }
    for (size_t i = 0; i < needed; i++)
        if (positions[i] == SIZE_MAX) return expected(c, "all members of this object");
    return true;
}

static size_t count_of(const char *const *names) {
    size_t count = 0;
    while (names[count]) count++;
    return count;
}

static bool members(json_cursor *c, const char *const *names, size_t *positions) {
    return members_of(c, names, count_of(names), positions);
}

typedef struct reader {
    affect_context *ctx;
    affect_timeline *timeline;
    json_cursor c;
    affect_status status; /* of the timeline's functions */
    bool old;             /* version 1: no ids, links and persons; attributes are any JSON */
    affect_attributes *attributes;
    base_text key, id, parent, model; /* kept while other strings are read */
} reader;

/* Ids of intervals and so on came with version 2: `names` has them from `first` on. */
static bool members_since(reader *r, const char *const *names, size_t first, size_t *positions) {
    size_t count = count_of(names), start = r->c.at;
    if (!members_of(&r->c, names, r->old ? first : count, positions)) return false;
    for (size_t i = first; r->old && i < count; i++)
        if (positions[i] != SIZE_MAX) {
            r->c.at = start;
            return expected(&r->c, "no member of version 2 in a file of version 1");
        }
    return true;
}

static bool keep_string(reader *r, base_text *to) {
    base_text_clear(to);
    base_text_append_n(to, "", 0);
    base_text_append(to, r->c.string.data);
    if (to->failed) r->c.string.failed = true;
    return !to->failed;
}

/* A string that is not empty. */
static bool read_name(reader *r, base_text *to) {
    r->c.string.length = 0;
    size_t start = r->c.at;
    if (!read_string(&r->c) || !keep_string(r, to)) return false;
    if (to->length) return true;
    r->c.at = start;
    return expected(&r->c, "an id");
}

static bool kept(reader *r, affect_status status) {
    if (status == AFFECT_OK) return true;
    r->status = status;
    return false;
}

/* Calls `element` at each element of the array at the cursor. */
static bool each(reader *r, bool (*element)(reader *, void *), void *user) {
    json_cursor *c = &r->c;
    if (!accept(c, '[')) return expected(c, "an array");
    if (accept(c, ']')) return true;
    do {
        skip_space(c);
        if (!element(r, user)) return false;
    } while (accept(c, ','));
    return accept(c, ']') || expected(c, "',' or ']'");
}

static char *string_copy(reader *r) {
    char *copy = base_strdup(r->c.string.data);
    if (!copy) r->status = base_fail_memory(r->ctx);
    return copy;
}

/* ---- the parts of a timeline ---- */

static bool read_properties(reader *r) {
    json_cursor *c = &r->c;
    if (!accept(c, '{')) return expected(c, "an object");
    if (accept(c, '}')) return true;
    do {
        skip_space(c);
        size_t start = c->at;
        if (!read_string(c)) return false;
        char *key = string_copy(r);
        if (!key) return false;
        bool fine = true;
        if (affect_timeline_property(r->timeline, key)) {
            c->at = start;
            fine = expected(c, "each property once");
        }
        fine = fine && (accept(c, ':') || expected(c, "':'")) && read_string(c);
        fine = fine && kept(r, timeline_set_property(r->ctx, r->timeline, key, c->string.data));
        base_free(key);
        if (!fine) return false;
    } while (accept(c, ','));
    return accept(c, '}') || expected(c, "',' or '}'");
}

static bool read_warning(reader *r, void *user) {
    (void)user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"t0", "t1", "text", NULL};
    size_t at[MEMBER_LIMIT];
    size_t start = c->at;
    if (!members(c, names, at)) return false;
    size_t end = c->at;
    affect_interval warning = {.score = NAN};
    c->at = at[0];
    if (!read_time(c, &warning.t0)) return false;
    c->at = at[1];
    if (!read_time(c, &warning.t1)) return false;
    c->at = at[2];
    if (!read_string(c)) return false;
    if (warning.t1 < warning.t0) {
        c->at = start;
        return expected(c, "t0 <= t1");
    }
    warning.label = c->string.data;
    c->at = end;
    return kept(r, tier_append(r->ctx, r->timeline->warnings, &warning));
}

/* ---- attributes ---- */

static bool at_scalar(json_cursor *c) {
    skip_space(c);
    return c->at < c->length && c->text[c->at] && strchr("\"-0123456789tf", c->text[c->at]);
}

/* One text, number or boolean: the value at r->key, or a further item of the list there. */
static bool read_scalar(reader *r, bool item) {
    json_cursor *c = &r->c;
    affect_attributes *a = r->attributes;
    const char *key = r->key.data;
    if (peek(c, '"')) {
        if (!read_string(c)) return false;
        const char *text = c->string.data;
        return kept(r, item ? attributes_add_text(r->ctx, a, key, text)
                            : affect_attributes_set_text(r->ctx, a, key, text));
    }
    bool yes = literal(c, "true");
    if (yes || literal(c, "false"))
        return kept(r, item ? attributes_add_boolean(a, key, yes)
                            : affect_attributes_set_boolean(r->ctx, a, key, yes));
    double number;
    if (!read_double(c, &number)) return false;
    return kept(r, item ? attributes_add_number(r->ctx, a, key, number)
                        : affect_attributes_set_number(r->ctx, a, key, number));
}

/* How many items the list at the cursor has, if all are texts, numbers and booleans. */
static bool count_items(reader *r, size_t *count) {
    json_cursor c = {.text = r->c.text, .length = r->c.length, .at = r->c.at};
    *count = 0;
    bool fine = accept(&c, '[');
    if (fine && !accept(&c, ']')) {
        do {
            fine = at_scalar(&c) && skip_value(&c, 2);
            ++*count;
        } while (fine && accept(&c, ','));
        fine = fine && accept(&c, ']');
    }
    if (c.string.failed) r->c.string.failed = true;
    base_text_destroy(&c.string);
    return fine;
}

static bool read_list(reader *r, size_t count) {
    json_cursor *c = &r->c;
    if (!kept(r, attributes_set_list(r->ctx, r->attributes, r->key.data, count)) || !accept(c, '['))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_scalar(r, true) || (i + 1 < count && !accept(c, ','))) return false;
    return accept(c, ']');
}

/* Puts the cursor behind the key's colon, on its value. */
static bool find_member(json_cursor *c, const char *key) {
    if (!accept(c, '{') || accept(c, '}')) return false;
    do {
        if (!read_string(c) || !accept(c, ':')) return false;
        skip_space(c);
        if (strcmp(c->string.data, key) == 0) return true;
        if (!skip_value(c, 1)) return false;
    } while (accept(c, ','));
    return false;
}

/* Version 1 wrote labels as [{"label":…,"score":…},…]: now two lists. False if they are not that.
 */
static bool read_old_labels(reader *r, size_t start, bool scores, size_t *count) {
    json_cursor c = {.text = r->c.text, .length = r->c.length, .at = start};
    bool fine = accept(&c, '[');
    *count = 0;
    while (fine && !accept(&c, ']')) {
        size_t object = c.at;
        fine = find_member(&c, scores ? "score" : "label") && at_scalar(&c) &&
               peek(&c, '"') == !scores;
        if (fine && r->key.length) {
            r->c.at = c.at;
            fine = read_scalar(r, true);
        }
        c.at = object;
        fine = fine && skip_value(&c, 2) && (accept(&c, ',') || peek(&c, ']'));
        ++*count;
    }
    if (c.string.failed) r->c.string.failed = true;
    base_text_destroy(&c.string);
    return fine;
}

static bool old_labels(reader *r) {
    size_t start = r->c.at, count, same;
    base_text_clear(&r->key); /* counts alone at first */
    if (!read_old_labels(r, start, false, &count) || !read_old_labels(r, start, true, &same)) {
        base_text_append(&r->key, "labels");
        r->c.at = start;
        return false;
    }
    for (int scores = 0; scores < 2; scores++) {
        base_text_clear(&r->key);
        base_text_append(&r->key, scores ? "label_scores" : "labels");
        if (r->key.failed) r->c.string.failed = true;
        if (r->key.failed ||
            !kept(r, attributes_set_list(r->ctx, r->attributes, r->key.data, count)))
            return true; /* r->status says so */
        if (!read_old_labels(r, start, scores, &same)) return true;
    }
    r->c.at = start;
    return skip_value(&r->c, 2);
}

/* {"face":"…",…} is now the attributes cue_face and so on. */
static bool old_cues(reader *r) {
    json_cursor *c = &r->c;
    if (!accept(c, '{')) return false;
    if (accept(c, '}')) return true;
    do {
        if (!read_string(c)) return false;
        base_text_clear(&r->key);
        base_text_append(&r->key, "cue_");
        base_text_append(&r->key, c->string.data);
        if (r->key.failed) c->string.failed = true;
        if (r->key.failed || !accept(c, ':')) return false;
        skip_space(c);
        if (peek(c, '"') ? !read_scalar(r, false) : !skip_value(c, 2)) return false;
    } while (accept(c, ','));
    return accept(c, '}');
}

/* Whatever else version 1 could hold is kept as its text. */
static bool old_value(reader *r) {
    json_cursor *c = &r->c;
    size_t start = c->at, count;
    if (literal(c, "null")) return true;
    if (strcmp(r->key.data, "labels") == 0 && peek(c, '[') && !count_items(r, &count)) {
        if (old_labels(r)) return r->status == AFFECT_OK && !r->key.failed;
    } else if (strcmp(r->key.data, "cues") == 0 && peek(c, '{')) {
        return old_cues(r);
    }
    if (at_scalar(c)) return read_scalar(r, false);
    if (count_items(r, &count)) return read_list(r, count);
    if (!skip_value(c, 2)) return false;
    char *text = base_strndup(c->text + start, c->at - start);
    bool fine = kept(r, text ? affect_attributes_set_text(r->ctx, r->attributes, r->key.data, text)
                             : base_fail_memory(r->ctx));
    base_free(text);
    return fine;
}

/* An object or null, into r->attributes. */
static bool read_attributes(reader *r) {
    json_cursor *c = &r->c;
    attributes_clear(r->attributes);
    if (literal(c, "null")) return true;
    if (!accept(c, '{')) return expected(c, "an object or null");
    if (accept(c, '}')) return true;
    do {
        skip_space(c);
        size_t start = c->at, count;
        if (!read_string(c) || !keep_string(r, &r->key)) return false;
        const char *key = r->key.data;
        if (!r->old && affect_attributes_find(r->attributes, key)) {
            c->at = start;
            return expected(c, "each attribute once");
        }
        if (!accept(c, ':')) return expected(c, "':'");
        skip_space(c);
        if (r->old) {
            if (!old_value(r)) return expected(c, "a value");
        } else if (at_scalar(c)) {
            if (!read_scalar(r, false)) return expected(c, "a text, number or boolean");
        } else if (!count_items(r, &count)) {
            return expected(c, "a text, number, boolean or list of these");
        } else if (!read_list(r, count)) {
            return expected(c, "a list of texts, numbers and booleans");
        }
    } while (accept(c, ','));
    return accept(c, '}') || expected(c, "',' or '}'");
}

affect_status report_parse_attributes(affect_context *ctx, const char *text,
                                      affect_attributes **out) {
    *out = NULL;
    reader r = {.ctx = ctx, .c = {.text = text, .length = strlen(text)}, .old = true};
    affect_status status = affect_attributes_create(ctx, &r.attributes);
    bool fine = status == AFFECT_OK && read_attributes(&r);
    skip_space(&r.c);
    if (fine && r.c.at == r.c.length)
        status = attributes_copy(ctx, r.attributes, out);
    else if (status == AFFECT_OK)
        status = r.status ? r.status
                 : r.c.string.failed
                     ? base_fail_memory(ctx)
                     : base_fail(ctx, AFFECT_ERROR_FORMAT, "not attributes: %s", text);
    affect_attributes_destroy(r.attributes);
    base_text_destroy(&r.c.string);
    base_text_destroy(&r.key);
    return status;
}

static bool read_interval(reader *r, void *user) {
    affect_tier *tier = user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"t0",         "t1", "label",  "score", "person",
                                        "attributes", "id", "parent", NULL};
    size_t at[MEMBER_LIMIT];
    size_t start = c->at;
    if (!members_since(r, names, 6, at)) return false;
    size_t end = c->at;
    affect_interval interval = {0};
    c->at = at[0];
    if (!read_time(c, &interval.t0)) return false;
    c->at = at[1];
    if (!read_time(c, &interval.t1)) return false;
    if (interval.t1 < interval.t0) {
        c->at = start;
        return expected(c, "t0 <= t1");
    }
    c->at = at[3];
    if (!read_float(c, &interval.score)) return false;
    c->at = at[4];
    if (!read_person(c, &interval.person)) return false;
    c->at = at[5];
    if (!read_attributes(r)) return false;
    interval.attributes = r->attributes;
    if (!r->old) {
        c->at = at[6];
        if (!read_name(r, &r->id)) return false;
        interval.id = r->id.data;
        c->at = at[7];
        if (!literal(c, "null")) {
            if (!read_name(r, &r->parent)) return false;
            interval.parent = r->parent.data;
        }
    }
    c->at = at[2];
    if (!read_string(c)) return false;
    interval.label = c->string.data;
    c->at = end;
    return kept(r, tier_append(r->ctx, tier, &interval));
}

static bool read_tier(reader *r, void *user) {
    (void)user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"id", "modality", "intervals", NULL};
    size_t at[MEMBER_LIMIT];
    if (!members(c, names, at)) return false;
    size_t end = c->at;
    affect_modality modality;
    affect_tier *tier;
    c->at = at[1];
    if (!read_modality(c, &modality)) return false;
    c->at = at[0];
    if (!read_string(c)) return false;
    if (affect_timeline_find_tier(r->timeline, c->string.data)) {
        c->at = at[0];
        return expected(c, "the id of a tier that was not there before");
    }
    if (!kept(r, timeline_tier(r->ctx, r->timeline, c->string.data, modality, &tier))) return false;
    c->at = at[2];
    if (!each(r, read_interval, tier)) return false;
    c->at = end;
    return true;
}

typedef struct names_list {
    char **items;
    size_t count, capacity;
} names_list;

static bool read_channel(reader *r, void *user) {
    names_list *list = user;
    if (!read_string(&r->c)) return false;
    if (!base_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items))
        return kept(r, base_fail_memory(r->ctx));
    list->items[list->count] = string_copy(r);
    return list->items[list->count] && ++list->count;
}

typedef struct row_target {
    affect_track *track;
    float *values;
} row_target;

static bool read_row(reader *r, void *user) {
    row_target *target = user;
    affect_track *track = target->track;
    json_cursor *c = &r->c;
    size_t start = c->at;
    affect_time time;
    float confidence;
    if (!accept(c, '[')) return expected(c, "a row");
    if (!read_time(c, &time)) return false;
    if (track->rows && time < track->times[track->rows - 1]) {
        c->at = start;
        return expected(c, "a time at or after the row before");
    }
    if (!accept(c, ',')) return expected(c, "the row's confidence");
    skip_space(c);
    if (peek(c, 'n')) return expected(c, "the row's confidence");
    if (!read_unit(c, &confidence)) return false;
    for (size_t i = 0; i < track->channel_count; i++) {
        if (!accept(c, ',')) return expected(c, "a value for each channel");
        if (!read_float(c, &target->values[i])) return false;
    }
    if (!accept(c, ']')) return expected(c, "']' after one value for each channel");
    return kept(r, track_append(r->ctx, track, time, confidence, target->values));
}

static bool read_track(reader *r, void *user) {
    (void)user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"id",       "modality", "person", "model",
                                        "channels", "rows",     NULL};
    size_t at[MEMBER_LIMIT];
    if (!members(c, names, at)) return false;
    size_t end = c->at;
    affect_modality modality;
    int person;
    names_list channels = {0};
    char *id = NULL, *model = NULL;
    row_target target = {0};
    c->at = at[1];
    bool fine = read_modality(c, &modality);
    c->at = fine ? at[2] : c->at;
    fine = fine && read_person(c, &person);
    c->at = fine ? at[4] : c->at;
    fine = fine && each(r, read_channel, &channels);
    c->at = fine ? at[3] : c->at;
    fine = fine && read_string(c) && (model = string_copy(r)) != NULL;
    c->at = fine ? at[0] : c->at;
    fine = fine && read_string(c) && (id = string_copy(r)) != NULL;
    if (fine && affect_timeline_find_track(r->timeline, id)) {
        c->at = at[0];
        fine = expected(c, "the id of a track that was not there before");
    }
    fine = fine && kept(r, timeline_add_track(r->ctx, r->timeline, id, modality, person, model,
                                              (const char *const *)channels.items, channels.count,
                                              &target.track));
    if (fine) {
        target.values = base_calloc(channels.count + 1, sizeof *target.values);
        if (!target.values) fine = kept(r, base_fail_memory(r->ctx));
    }
    c->at = fine ? at[5] : c->at;
    fine = fine && each(r, read_row, &target);
    c->at = fine ? end : c->at;
    for (size_t i = 0; i < channels.count; i++) base_free(channels.items[i]);
    base_free(channels.items);
    base_free(target.values);
    base_free(id);
    base_free(model);
    return fine;
}

static bool read_event(reader *r, void *user) {
    (void)user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"onset",    "apex",   "offset",   "kind",
                                        "modality", "person", "strength", "confidence",
                                        "id",       "model",  NULL};
    size_t at[MEMBER_LIMIT];
    size_t start = c->at;
    if (!members_since(r, names, 8, at)) return false;
    size_t end = c->at;
    affect_event event = {0};
    c->at = at[0];
    if (!read_time(c, &event.onset)) return false;
    c->at = at[1];
    if (!read_time(c, &event.apex)) return false;
    c->at = at[2];
    if (!read_time(c, &event.offset)) return false;
    if (event.apex < event.onset || event.offset < event.apex) {
        c->at = start;
        return expected(c, "onset <= apex <= offset");
    }
    c->at = at[4];
    if (!read_modality(c, &event.modality)) return false;
    c->at = at[5];
    if (!read_person(c, &event.person)) return false;
    c->at = at[6];
    if (!read_float(c, &event.strength)) return false;
    c->at = at[7];
    if (!read_float(c, &event.confidence)) return false;
    if (!r->old) {
        c->at = at[8];
        if (!read_name(r, &r->id)) return false;
        event.id = r->id.data;
        c->at = at[9];
        if (!read_string(c) || !keep_string(r, &r->model)) return false;
        event.model = r->model.data;
    }
    c->at = at[3];
    if (!read_string(c)) return false;
    event.kind = c->string.data;
    c->at = end;
    return kept(r, timeline_add_event(r->ctx, r->timeline, &event));
}

static bool read_link_kind(json_cursor *c, affect_link_kind *out) {
    skip_space(c);
    size_t start = c->at;
    static const affect_link_kind kinds[] = {
#define LINK_KIND(symbol, word) AFFECT_LINK_##symbol,
        AFFECT_LINK_TABLE(LINK_KIND)
#undef LINK_KIND
    };
    if (!read_string(c)) return false;
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (strcmp(c->string.data, affect_link_kind_name(kinds[i])) == 0) {
            *out = kinds[i];
            return true;
        }
    c->at = start;
    return expected(c, "a kind of link (docs/timeline.md)");
}

static bool read_link(reader *r, void *user) {
    (void)user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"from",   "to",    "kind",   "lag",
                                        "lag_sd", "score", "person", NULL};
    size_t at[MEMBER_LIMIT];
    if (!members(c, names, at)) return false;
    size_t end = c->at;
    affect_link link = {0};
    c->at = at[0];
    if (!read_name(r, &r->id)) return false;
    c->at = at[1];
    if (!read_name(r, &r->parent)) return false;
    link.from = r->id.data;
    link.to = r->parent.data;
    c->at = at[2];
    if (!read_link_kind(c, &link.kind)) return false;
    c->at = at[3];
    if (!read_time(c, &link.lag)) return false;
    c->at = at[4];
    if (!read_time(c, &link.lag_sd)) return false;
    c->at = at[5];
    if (!read_float(c, &link.score)) return false;
    c->at = at[6];
    if (!read_person(c, &link.person)) return false;
    c->at = end;
    return kept(r, timeline_add_link(r->ctx, r->timeline, &link));
}

static bool read_known_person(reader *r, void *user) {
    (void)user;
    json_cursor *c = &r->c;
    static const char *const names[] = {"id", "name", "merged_into", "score", NULL};
    size_t at[MEMBER_LIMIT], start = c->at;
    if (!members(c, names, at)) return false;
    size_t end = c->at;
    affect_person person = {0};
    c->at = at[0];
    if (!read_person(c, &person.id)) return false;
    c->at = at[2];
    if (!read_person(c, &person.merged_into)) return false;
    if (!person.id || timeline_find_person(r->timeline, person.id) ||
        affect_timeline_resolve_person(r->timeline, person.merged_into) == person.id) {
        c->at = start;
        return expected(c, "each person once, and no merge in a circle");
    }
    c->at = at[3];
    if (!read_float(c, &person.score)) return false;
    c->at = at[1];
    if (!read_string(c)) return false;
    person.name = c->string.data;
    c->at = end;
    return kept(r, timeline_set_person(r->ctx, r->timeline, &person));
}

static bool read_timeline(reader *r) {
    json_cursor *c = &r->c;
    static const char *const names[] = {"schema", "duration", "properties", "warnings", "tracks",
                                        "tiers",  "events",   "persons",    "links",    NULL};
    size_t at[MEMBER_LIMIT];
    if (!members_of(c, names, 7, at)) return false;
    skip_space(c);
    size_t end = c->at;
    if (end != c->length) return expected(c, "the end of the file");
    c->at = at[0];
    if (!read_string(c)) return false;
    r->old = strcmp(c->string.data, REPORT_SCHEMA_1) == 0;
    if (!r->old && strcmp(c->string.data, REPORT_SCHEMA) != 0) {
        c->at = at[0];
        return expected(c, "the schema \"" REPORT_SCHEMA "\" or \"" REPORT_SCHEMA_1 "\"");
    }
    c->at = 0;
    if (!members_since(r, names, 7, at)) return false;
    c->at = at[1];
    if (!read_time(c, &r->timeline->duration)) return false;
    c->at = at[2];
    if (!read_properties(r)) return false;
    c->at = at[3];
    if (!each(r, read_warning, NULL)) return false;
    c->at = at[4];
    if (!each(r, read_track, NULL)) return false;
    c->at = at[5];
    if (!each(r, read_tier, NULL)) return false;
    c->at = at[6];
    if (!each(r, read_event, NULL)) return false;
    if (r->old) return true;
    c->at = at[7];
    if (!each(r, read_known_person, NULL)) return false;
    c->at = at[8];
    return each(r, read_link, NULL);
}

static size_t line_of(const json_cursor *c) {
    size_t line = 1;
    for (size_t i = 0; i < c->at && i < c->length; i++) line += c->text[i] == '\n';
    return line;
}

affect_status report_parse_json(affect_context *ctx, const char *name, const char *data,
                                size_t length, affect_timeline **out) {
    *out = NULL;
    reader r = {.ctx = ctx, .c = {.text = data, .length = length}};
    affect_status status = timeline_create(ctx, &r.timeline);
    if (status == AFFECT_OK) status = affect_attributes_create(ctx, &r.attributes);
    if (status == AFFECT_OK && read_timeline(&r)) {
        status = timeline_check_ids(ctx, r.timeline);
        if (status == AFFECT_ERROR_ARGUMENT) {
            status =
                base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: not a timeline: an id occurs twice", name);
        }
        if (status == AFFECT_OK)
            *out = r.timeline;
        else
            affect_timeline_destroy(r.timeline);
    } else if (status != AFFECT_OK) {
        affect_timeline_destroy(r.timeline);
    } else {
        if (r.status != AFFECT_OK)
            status = r.status;
        else if (r.c.string.failed)
            status = base_fail_memory(ctx);
        else
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%zu: not a timeline: expected %s",
                               name, line_of(&r.c), r.c.error ? r.c.error : "a value");
        affect_timeline_destroy(r.timeline);
    }
    affect_attributes_destroy(r.attributes);
    base_text_destroy(&r.c.string);
    base_text_destroy(&r.key);
    base_text_destroy(&r.id);
    base_text_destroy(&r.parent);
    base_text_destroy(&r.model);
    return status;
}

affect_status report_read_json(affect_context *ctx, const char *path, affect_timeline **out) {
    *out = NULL;
    char *data;
    size_t length;
    affect_status status = base_read_file(ctx, path, (size_t)2 << 30, &data, &length);
    if (status != AFFECT_OK) return status;
    status =
        report_parse_json(ctx, strcmp(path, "-") == 0 ? "standard input" : path, data, length, out);
    base_free(data);
    return status;
}

const char *report_cue(const affect_interval *episode, affect_modality modality) {
    char key[32];
    snprintf(key, sizeof key, "cue_%s", affect_modality_name(modality));
    const char *cue = affect_attributes_text(episode->attributes, key);
    return cue && *cue ? cue : NULL;
}
