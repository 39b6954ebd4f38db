/* NOVA annotations (Baur et al. 2020; "File Format" in its manual): NAME.annotation, XML with the scheme, and
 * NAME.annotation~ with the values, as lines or, with ftype="BINARY", as little-endian records:
 *
 *   CONTINUOUS  score;confidence                 float32, float32; row i at i / sr
 *   DISCRETE    from;to;id;confidence            float64, float64, int32, float32; ids are named by the scheme
 *   FREE        from;to;text;confidence[;...]    float64, float64, uint32 length, bytes in Latin-1, float32 */
#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/annotation.h"

enum { MOST_LABELS = 4096, LINE_FIELDS = 4 };

typedef struct label {
    int64_t id;
    char name[128];
} label;

typedef struct header {
    XML_Parser parser;
    bool document, scheme, binary, packed;
    enum { UNKNOWN, CONTINUOUS, DISCRETE, FREE } type;
    char name[128], role[128], annotator[128];
    double rate_hz, low, high;
    size_t label_count, label_capacity;
    label *labels;
    bool failed;
} header;

static const char *attribute(const char **attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0) return attributes[1];
    return "";
}

static double number(const char *text) {
    double x;
    return base_parse_double(text, strlen(text), &x) && isfinite(x) ? x : NAN;
}

static void element(void *user, const char *name, const char **attributes) {
    header *h = user;
    if (strcmp(name, "annotation") == 0) h->document = true;
    if (!h->document) return;
    if (strcmp(name, "info") == 0) {
        h->binary = strcmp(attribute(attributes, "ftype"), "BINARY") == 0;
        h->packed = strcmp(attribute(attributes, "ftype"), "BIN_LZ4") == 0;
    } else if (strcmp(name, "meta") == 0) {
        base_clean_line(attribute(attributes, "role"), h->role, sizeof h->role);
        base_clean_line(attribute(attributes, "annotator"), h->annotator, sizeof h->annotator);
    } else if (strcmp(name, "scheme") == 0) {
        const char *type = attribute(attributes, "type");
        h->scheme = true;
        base_clean_line(attribute(attributes, "name"), h->name, sizeof h->name);
        h->type = strcmp(type, "CONTINUOUS") == 0 ? CONTINUOUS
                  : strcmp(type, "DISCRETE") == 0 ? DISCRETE
                  : strcmp(type, "FREE") == 0     ? FREE
                                                  : UNKNOWN;
        h->rate_hz = number(attribute(attributes, "sr"));
        h->low = number(attribute(attributes, "min"));
        h->high = number(attribute(attributes, "max"));
    } else if (strcmp(name, "item") == 0 && h->label_count < MOST_LABELS) {
        int64_t id;
        const char *text = attribute(attributes, "id");
        if (!base_parse_int64(text, strlen(text), &id)) return;
        if (!base_grow((void **)&h->labels, &h->label_capacity, h->label_count + 1,
                       sizeof *h->labels)) {
            h->failed = true;
            return;
        }
        label *one = &h->labels[h->label_count++];
        one->id = id;
        base_clean_line(attribute(attributes, "name"), one->name, sizeof one->name);
    }
}

/* No entity is declared by NOVA: a document type is refused, and with it what could be built from one. */
static void doctype(void *user, const char *name, const char *system, const char *public,
                    int internal) {
    const header *h = user;
    (void)name, (void)system, (void)public, (void)internal;
    XML_StopParser(h->parser, XML_FALSE);
}

static affect_status read_header(affect_context *ctx, const char *name, const char *bytes,
                                 size_t length, header *out) {
    XML_Parser parser = XML_ParserCreate(NULL);
    if (!parser) return base_fail_memory(ctx);
    XML_SetUserData(parser, out);
    XML_SetStartElementHandler(parser, element);
    XML_SetStartDoctypeDeclHandler(parser, doctype);
    out->parser = parser;
    affect_status status = AFFECT_OK;
    if (length > INT32_MAX ||
        XML_Parse(parser, length ? bytes : "", (int)length, 1) != XML_STATUS_OK)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%lu: %s", name,
                           (unsigned long)XML_GetCurrentLineNumber(parser),
                           XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    if (!status && out->failed) status = base_fail_memory(ctx);
    if (!status && (!out->document || !out->scheme || out->type == UNKNOWN))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: expected NOVA's <annotation> with a <scheme> of type CONTINUOUS, "
                           "DISCRETE or FREE",
                           name);
    if (!status && out->packed)
        status = base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                           "%s: its values are packed (BIN_LZ4): save it as ASCII or BINARY", name);
    if (!status && out->type == CONTINUOUS && !(out->rate_hz >= 1e-3 && out->rate_hz <= 1e5))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: expected a sample rate sr of .001 to 100000 Hz", name);
    return status;
}

/* ---- values ---- */

/* Bytes that are read from the front. */
typedef struct stream {
    const unsigned char *at, *end;
} stream;

static bool take(stream *s, void *out, size_t n) {
    if ((size_t)(s->end - s->at) < n) return false;
    memcpy(out, s->at, n); /* little-endian, as every machine that we build for */
    s->at += n;
    return true;
}

/* One line's fields, at most LINE_FIELDS; the last line may lack its end. False at the end. */
typedef struct field {
    const char *text;
    size_t length;
} field;

static bool next_line(stream *s, field out[LINE_FIELDS], size_t *count) {
    if (s->at >= s->end) return false;
    const char *from = (const char *)s->at;
    const unsigned char *stop = memchr(s->at, '\n', (size_t)(s->end - s->at));
    const char *end = (const char *)(stop ? stop : s->end);
    s->at = stop ? stop + 1 : s->end;
    if (end > from && end[-1] == '\r') end--;
    *count = 0;
    while (*count < LINE_FIELDS) {
        const char *to = memchr(from, ';', (size_t)(end - from));
        out[(*count)++] = (field){from, (size_t)((to ? to : end) - from)};
        if (!to) break;
        from = to + 1;
    }
    return true;
}

static double field_number(field f) {
    double x;
    while (f.length && *f.text == ' ') f.text++, f.length--;
    return base_parse_double(f.text, f.length, &x) && isfinite(x) ? x : NAN;
}

static affect_status continuous(affect_context *ctx, const header *h, const char *rater, stream s,
                                data_annotation *out) {
    float some = 0;
    size_t most = 1;
    if (h->binary)
        most = (size_t)(s.end - s.at) / 8;
    else
        for (const unsigned char *c = s.at; c < s.end; c++) most += *c == '\n';
    const data_trace like = {.recording = h->role,
                             .dimension = h->name,
                             .rater = rater,
                             .low = h->low,
                             .high = h->high,
                             .confidence = &some};
    data_trace *t;
    affect_status status = data_annotation_add_trace(ctx, out, &like, most, &t);
    field f[LINE_FIELDS];
    size_t count;
    float record[2];
    while (!status && t->rows < most) {
        double score, confidence;
        if (h->binary) {
            if (!take(&s, record, sizeof record)) break;
            score = record[0];
            confidence = record[1];
        } else {
            if (!next_line(&s, f, &count)) break;
            if (count == 1 && !f[0].length) continue;
            score = field_number(f[0]);
            confidence = count > 1 ? field_number(f[1]) : 1;
        }
        t->times_s[t->rows] = (double)t->rows / h->rate_hz;
        t->values[t->rows] = isfinite(score) ? score : NAN;
        t->confidence[t->rows++] = (float)(confidence >= 0 && confidence <= 1 ? confidence : 0);
    }
    return status;
}

static void name_label(const header *h, int64_t id, char *out, size_t size) {
    for (size_t i = 0; i < h->label_count; i++)
        if (h->labels[i].id == id) {
            snprintf(out, size, "%s", h->labels[i].name);
            return;
        }
    snprintf(out, size, "%lld", (long long)id); /* NOVA's "garbage" is -1 */
}

/* Text of a FREE label: UTF-8 as it is, else Latin-1. */
static void clean_text(const char *bytes, size_t length, base_text *out) {
    base_text_clear(out);
    bool utf8 = base_utf8_valid(bytes, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char room[4];
        if (!c) break;
        if (utf8)
            base_text_append_n(out, bytes + i, 1);
        else
            base_text_append_n(out, room, base_utf8_put(c, room));
    }
}

static affect_status marks(affect_context *ctx, const header *h, const char *rater, stream s,
                           data_annotation *out) {
    base_text text = {0};
    affect_status status = AFFECT_OK;
    while (!status) {
        data_mark m = {.recording = h->role, .tier = h->name, .rater = rater};
        char room[160];
        double times[2];
        float confidence = 1;
        int64_t id = 0;
        bool good = true;
        if (h->binary) {
            int32_t code = 0;
            uint32_t length = 0;
            if (s.at >= s.end) break;
            bool complete = take(&s, times, sizeof times);
            if (h->type == DISCRETE) {
                complete = complete && take(&s, &code, sizeof code);
                id = code;
            } else {
                complete = complete && take(&s, &length, sizeof length) &&
                           length <= (size_t)(s.end - s.at);
                if (complete) clean_text((const char *)s.at, length, &text);
                if (complete) s.at += length;
            }
            if (!complete || !take(&s, &confidence, sizeof confidence)) {
                out->left_out++; /* the last record is cut off */
                break;
            }
        } else {
            field f[LINE_FIELDS];
            size_t count;
            if (!next_line(&s, f, &count)) break;
            if (count == 1 && !f[0].length) continue;
            times[0] = field_number(f[0]);
            times[1] = count > 1 ? field_number(f[1]) : NAN;
            good = count > 2;
            if (good && h->type == DISCRETE) {
                double code = field_number(f[2]);
                good = fabs(code) <= 1e9;
                if (good) id = (int64_t)code;
            } else if (good) {
                clean_text(f[2].text, f[2].length, &text);
            }
            if (count > 3) confidence = (float)field_number(f[3]);
        }
        good = good && times[0] <= times[1] && fabs(times[0]) <= 1e7 && fabs(times[1]) <= 1e7;
        if (!good) {
            out->left_out++;
            continue;
        }
        if (h->type == DISCRETE) name_label(h, id, room, sizeof room);
        m.label = h->type == DISCRETE ? room : text.length ? text.data : "";
        m.t0_s = times[0];
        m.t1_s = times[1];
        m.confidence = confidence >= 0 && confidence <= 1 ? (double)confidence : NAN;
        status = text.failed ? base_fail_memory(ctx) : data_annotation_add_mark(ctx, out, &m);
    }
    base_text_destroy(&text);
    return status;
}

affect_status data_annotation_parse_nova(affect_context *ctx, const char *name, const char *bytes,
                                         size_t length, const char *values, size_t values_length,
                                         data_annotation *out) {
    header h = {.rate_hz = NAN, .low = NAN, .high = NAN};
    *out = (data_annotation){.format = "nova"};
    base_arena_init(&out->arena, 0);
    affect_status status = read_header(ctx, name, bytes, length, &h);
    const unsigned char *begin = (const unsigned char *)(values_length ? values : "");
    const stream s = {begin, begin + values_length};
    if (!status)
        status = h.type == CONTINUOUS ? continuous(ctx, &h, h.annotator, s, out)
                                      : marks(ctx, &h, h.annotator, s, out);
    base_free(h.labels);
    if (status) data_annotation_destroy(out);
    return status;
}
