/* Annotations written as annotation programs read them: the layouts of data/annotation_read.c and data/nova.c, and through
 * report/ those of ELAN and Praat. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "annotate/annotate.h"
#include "report/report.h"

typedef struct job {
    affect_context *ctx;
    const data_annotation *a;
    const char *path;
    FILE *out;
} job;

/* The shortest text that reads back as the same number. */
static void put_number(FILE *out, double x) {
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (base_parse_double(text, strlen(text), &back) && back == x) break;
    }
    if (isfinite(x)) fputs(text, out);
}

static void put_json_text(FILE *out, const char *key, const char *text, const char *end) {
    base_text room = {0};
    if (!*text) return;
    base_text_append_json(&room, text);
    if (!room.failed) fprintf(out, "\"%s\": %s%s", key, room.data, end);
    base_text_destroy(&room);
}

static affect_status too_many(const job *j, size_t holds, const char *program) {
    return base_fail(
        j->ctx, AFFECT_ERROR_UNSUPPORTED,
        "%s: %s holds %s a file, %zu were read: choose with --recording, --dimension and "
        "--rater",
        j->path, program, holds == 1 ? "one trace" : "two traces with the same times",
        j->a->trace_count);
}

/* ---- tables ---- */

static affect_status write_csv(job *j) {
    const data_annotation *a = j->a;
    FILE *out = j->out;
    bool confident = false, made = false;
    if (a->trace_count && a->mark_count)
        return base_fail(j->ctx, AFFECT_ERROR_UNSUPPORTED,
                         "%s: a table holds traces or intervals, and both were read: write JSON",
                         j->path);
    for (size_t k = 0; k < a->trace_count; k++) confident |= a->traces[k].confidence != NULL;
    if (a->trace_count)
        fprintf(out, "recording,rater,dimension,time,value%s\n", confident ? ",confidence" : "");
    for (size_t k = 0; k < a->trace_count; k++) {
        const data_trace *t = &a->traces[k];
        for (size_t i = 0; i < t->rows; i++) {
            report_put_csv_field(out, t->recording);
            putc(',', out);
            report_put_csv_field(out, t->rater);
            putc(',', out);
            report_put_csv_field(out, t->dimension);
            putc(',', out);
            put_number(out, t->times_s[i]);
            putc(',', out);
            put_number(out, t->values[i]);
            if (confident)
                putc(',', out), put_number(out, t->confidence ? (double)t->confidence[i] : 1);
            putc('\n', out);
        }
    }
    for (size_t i = 0; i < a->mark_count; i++) made |= *a->marks[i].made != '\0';
    if (a->mark_count)
        fprintf(out, "recording,tier,rater,start,end,label,confidence%s\n", made ? ",made" : "");
    for (size_t i = 0; i < a->mark_count; i++) {
        const data_mark *m = &a->marks[i];
        report_put_csv_field(out, m->recording);
        putc(',', out);
        report_put_csv_field(out, m->tier);
        putc(',', out);
        report_put_csv_field(out, m->rater);
        putc(',', out);
        put_number(out, m->t0_s);
        putc(',', out);
        put_number(out, m->t1_s);
        putc(',', out);
        report_put_csv_field(out, m->label);
        putc(',', out);
        put_number(out, m->confidence);
        if (made) putc(',', out), report_put_csv_field(out, m->made);
        putc('\n', out);
    }
    return AFFECT_OK;
}

/* Means of bins, with their ends, of one or two traces. What came as bins goes as it came. */
static affect_status put_bins(job *j, const data_trace *t, size_t count) {
    if (t->bin_s > 0) {
        for (size_t i = 0; i < t->rows; i++) {
            put_number(j->out, round((t->times_s[i] + t->bin_s / 2) * 1e6) / 1e6);
            for (size_t k = 0; k < count; k++) {
                putc(',', j->out);
                if (isnan(t[k].values[i])) fputs("NaN", j->out);
                put_number(j->out, t[k].values[i]);
            }
            fputs(count == 2 ? ",0\n" : "\n", j->out);
        }
        return AFFECT_OK;
    }
    base_log(j->ctx, AFFECT_LOG_WARNING,
             "%s: the program holds means of bins: written as means of one second each", j->path);
    size_t bins = t->rows ? (size_t)fmax(floor(t->times_s[t->rows - 1]) + 1, 0) : 0, at[2] = {0, 0};
    for (size_t bin = 0; bin < bins; bin++) {
        fprintf(j->out, "%zu", bin + 1);
        for (size_t k = 0; k < count; k++) {
            double sum = 0, n = 0;
            for (; at[k] < t[k].rows && t[k].times_s[at[k]] < (double)(bin + 1); at[k]++)
                if (t[k].times_s[at[k]] >= (double)bin && !isnan(t[k].values[at[k]]))
                    sum += t[k].values[at[k]], n++;
            putc(',', j->out);
            if (n > 0)
                put_number(j->out, sum / n);
            else
                fputs("NaN", j->out);
        }
        fputs(count == 2 ? ",0\n" : "\n", j->out);
    }
    return AFFECT_OK;
}

static affect_status write_carma(job *j) {
    const data_trace *t = j->a->traces;
    if (j->a->trace_count != 1) return too_many(j, 1, "CARMA");
    fputs("Time of Rating,\nMultimedia File,", j->out);
    report_put_csv_field(j->out, t->recording);
    fputs("\nLower Label,low\nUpper Label,high\nMinimum Value,", j->out);
    put_number(j->out, isnan(t->low) ? -100 : t->low);
    fputs("\nMaximum Value,", j->out);
    put_number(j->out, isnan(t->high) ? 100 : t->high);
    fputs("\nNumber of Steps,9\nSecond,Rating\n%%%%%%,%%%%%%\n", j->out);
    return put_bins(j, t, 1);
}

static affect_status write_darma(job *j) {
    const data_trace *t = j->a->traces;
    if (j->a->trace_count != 2 || t[0].rows != t[1].rows ||
        memcmp(t[0].times_s, t[1].times_s, t[0].rows * sizeof(double)) != 0)
        return too_many(j, 2, "DARMA");
    fputs("Time of Rating,,,\nMultimedia File,", j->out);
    report_put_csv_field(j->out, t->recording);
    fputs(",,\nMagnitude,", j->out);
    put_number(j->out, isnan(t->high) ? 100 : t->high);
    fputs(",,\nSecond,", j->out);
    report_put_csv_field(j->out, *t[0].dimension ? t[0].dimension : "x");
    putc(',', j->out);
    report_put_csv_field(j->out, *t[1].dimension ? t[1].dimension : "y");
    fputs(",Button\n%%%%%%,%%%%%%,%%%%%%,%%%%%%\n", j->out);
    return put_bins(j, t, 2);
}

static affect_status write_pagan(job *j) {
    fputs("OriginalName,DatabaseName,Participant,SessionID,Timestamp,VideoTime,Value\n", j->out);
    for (size_t k = 0; k < j->a->trace_count; k++) {
        const data_trace *t = &j->a->traces[k];
        /* the closing row that the program adds, and its reader expects */
        for (size_t i = 0; i <= t->rows && t->rows; i++) {
            size_t row = BASE_MIN(i, t->rows - 1);
            if (i < t->rows && isnan(t->values[i])) continue;
            report_put_csv_field(j->out, *t->recording ? t->recording : "recording");
            fputs(",affect_1,", j->out);
            report_put_csv_field(j->out, t->rater);
            fprintf(j->out, ",,%.0f,", t->times_s[row] * 1000);
            put_number(j->out, round(t->times_s[row] * 1e6) / 1e3);
            putc(',', j->out);
            if (i < t->rows)
                put_number(j->out, t->values[i]);
            else
                putc('0', j->out);
            putc('\n', j->out);
        }
    }
    return AFFECT_OK;
}

static affect_status write_muse(job *j) {
    const data_trace *t = j->a->traces;
    int64_t segment;
    if (j->a->trace_count != 1) return too_many(j, 1, "a MuSe file");
    if (!base_parse_int64(t->recording, strlen(t->recording), &segment)) segment = 1;
    fputs("timestamp,value,segment_id\n", j->out);
    for (size_t i = 0; i < t->rows; i++) {
        fprintf(j->out, "%.0f,", t->times_s[i] * 1000);
        put_number(j->out, t->values[i]);
        fprintf(j->out, ",%lld\n", (long long)segment);
    }
    return AFFECT_OK;
}

/* ---- our JSON ---- */

static affect_status write_json(job *j) {
    FILE *out = j->out;
    fputs("{\n\"schema\": \"affect-annotation/1\",\n\"traces\": [", out);
    for (size_t k = 0; k < j->a->trace_count; k++) {
        const data_trace *t = &j->a->traces[k];
        fputs(k ? ",\n{" : "\n{", out);
        put_json_text(out, "recording", t->recording, ", ");
        put_json_text(out, "dimension", t->dimension, ", ");
        put_json_text(out, "rater", t->rater, ", ");
        if (!isnan(t->low)) fputs("\"low\": ", out), put_number(out, t->low), fputs(", ", out);
        if (!isnan(t->high)) fputs("\"high\": ", out), put_number(out, t->high), fputs(", ", out);
        if (t->bin_s > 0) fputs("\"bin\": ", out), put_number(out, t->bin_s), fputs(", ", out);
        if (t->relative) fputs("\"relative\": true, ", out);
        fputs("\"samples\": [", out);
        for (size_t i = 0; i < t->rows; i++) {
            fputs(i ? ",[" : "[", out);
            put_number(out, t->times_s[i]);
            putc(',', out);
            if (isnan(t->values[i])) fputs("null", out);
            put_number(out, t->values[i]);
            if (t->confidence) putc(',', out), put_number(out, (double)t->confidence[i]);
            putc(']', out);
        }
        fputs("]}", out);
    }
    fputs("],\n\"intervals\": [", out);
    for (size_t i = 0; i < j->a->mark_count; i++) {
        const data_mark *m = &j->a->marks[i];
        fputs(i ? ",\n{" : "\n{", out);
        put_json_text(out, "recording", m->recording, ", ");
        put_json_text(out, "tier", m->tier, ", ");
        put_json_text(out, "rater", m->rater, ", ");
        put_json_text(out, "label", m->label, ", ");
        put_json_text(out, "made", m->made, ", ");
        if (!isnan(m->confidence))
            fputs("\"confidence\": ", out), put_number(out, m->confidence), fputs(", ", out);
        fputs("\"start\": ", out);
        put_number(out, m->t0_s);
        fputs(", \"end\": ", out);
        put_number(out, m->t1_s);
        putc('}', out);
    }
    fputs("]\n}\n", out);
    return AFFECT_OK;
}

/* ---- npz: a ZIP of stored npy members ---- */

typedef struct member {
    const char *name;
    uint32_t sum, offset;
    base_text bytes;
} member;

static void put_u16(base_text *out, unsigned x) {
    const char bytes[] = {(char)(x & 255), (char)(x >> 8 & 255)};
    base_text_append_n(out, bytes, 2);
}
static void put_u32(base_text *out, uint32_t x) {
    put_u16(out, x & 0xffff);
    put_u16(out, x >> 16);
}

/* The head of an npy: magic, version 1, a dictionary padded to 64 bytes. */
static void begin_npy(base_text *out, const char *type, size_t rows, size_t columns) {
    char shape[96], text[256];
    if (columns)
        snprintf(shape, sizeof shape, "(%zu, %zu)", rows, columns);
    else
        snprintf(shape, sizeof shape, "(%zu,)", rows);
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                     type, shape);
    size_t whole = (10 + (size_t)n + 1 + 63) / 64 * 64;
    base_text_append_n(out, "\x93NUMPY\x01\x00", 8);
    put_u16(out, (unsigned)(whole - 10));
    base_text_append_n(out, text, (size_t)n);
    for (size_t i = 10 + (size_t)n; i + 1 < whole; i++) base_text_append_n(out, " ", 1);
    base_text_append_n(out, "\n", 1);
}

static void put_texts(base_text *out, const data_annotation *a, int which) {
    size_t longest = 1;
    char type[32];
    for (int pass = 0; pass < 2; pass++) {
        if (pass) {
            snprintf(type, sizeof type, "<U%zu", longest);
            begin_npy(out, type, a->trace_count, 0);
        }
        for (size_t k = 0; k < a->trace_count; k++) {
            const data_trace *t = &a->traces[k];
            const char *text = which == 0 ? t->recording : which == 1 ? t->rater : t->dimension;
            size_t length = strlen(text), n = 0;
            for (size_t at = 0; at < length; n++) {
                uint32_t c = base_utf8_next(text, length, &at);
                if (pass) put_u32(out, c);
            }
            longest = BASE_MAX(longest, n);
            for (; pass && n < longest; n++) put_u32(out, 0);
        }
    }
}

static affect_status write_npz(job *j) {
    const data_annotation *a = j->a;
    member m[] = {{.name = "times.npy"},
                  {.name = "values.npy"},
                  {.name = "recordings.npy"},
                  {.name = "raters.npy"},
                  {.name = "dimensions.npy"}};
    size_t rows = a->trace_count ? a->traces[0].rows : 0;
    for (size_t k = 1; k < a->trace_count; k++)
        if (a->traces[k].rows != rows ||
            memcmp(a->traces[k].times_s, a->traces[0].times_s, rows * sizeof(double)) != 0)
            return base_fail(
                j->ctx, AFFECT_ERROR_UNSUPPORTED,
                "%s: the traces have not the same times: --step S puts them on one grid", j->path);
    begin_npy(&m[0].bytes, "<f8", rows, 0);
    if (rows)
        base_text_append_n(&m[0].bytes, (const char *)a->traces[0].times_s, rows * sizeof(double));
    begin_npy(&m[1].bytes, "<f8", rows, a->trace_count);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < a->trace_count; k++)
            base_text_append_n(&m[1].bytes, (const char *)&a->traces[k].values[i], sizeof(double));
    for (int k = 0; k < 3; k++) put_texts(&m[2 + k].bytes, a, k);
    base_text zip = {0}, directory = {0};
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < BASE_COUNT(m) && !status; k++) {
        if (m[k].bytes.length > UINT32_MAX / 8)
            status = base_fail(j->ctx, AFFECT_ERROR_LIMIT, "%s: over 512 MiB of samples", j->path);
        else if (m[k].bytes.failed)
            status = base_fail_memory(j->ctx);
        if (status) break;
        uint32_t size = (uint32_t)m[k].bytes.length, name = (uint32_t)strlen(m[k].name);
        m[k].sum = (uint32_t)crc32(0, (const unsigned char *)m[k].bytes.data, size);
        m[k].offset = (uint32_t)zip.length;
        /* APPNOTE 4.3.7 and 4.3.12: version 2.0, no flags, stored, 1 January 1980 */
        for (int central = 0; central < 2; central++) {
            base_text *to = central ? &directory : &zip;
            put_u32(to, central ? 0x02014b50 : 0x04034b50);
            if (central) put_u16(to, 20);
            put_u16(to, 20);
            put_u16(to, 0);
            put_u16(to, 0);
            put_u32(to, 0x00210000);
            put_u32(to, m[k].sum);
            put_u32(to, size);
            put_u32(to, size);
            put_u16(to, name);
            put_u16(to, 0);
            if (central) {
                put_u16(to, 0);
                put_u32(to, 0);
                put_u32(to, 0);
                put_u32(to, m[k].offset);
            }
            base_text_append_n(to, m[k].name, name);
        }
        base_text_append_n(&zip, m[k].bytes.data, size);
    }
    uint32_t begin = (uint32_t)zip.length;
    if (!status) base_text_append_n(&zip, directory.data, directory.length);
    put_u32(&zip, 0x06054b50);
    put_u32(&zip, 0);
    put_u16(&zip, BASE_COUNT(m));
    put_u16(&zip, BASE_COUNT(m));
    put_u32(&zip, (uint32_t)directory.length);
    put_u32(&zip, begin);
    put_u16(&zip, 0);
    if (!status && (zip.failed || directory.failed)) status = base_fail_memory(j->ctx);
    if (!status) fwrite(zip.data, 1, zip.length, j->out);
    for (size_t k = 0; k < BASE_COUNT(m); k++) base_text_destroy(&m[k].bytes);
    base_text_destroy(&zip);
    base_text_destroy(&directory);
    return status;
}

/* ---- NOVA ---- */

enum { MOST_CLASSES = 100 };

/* The number of a label among the different ones, in order of appearance. */
static size_t class_of(const data_annotation *a, size_t mark, const char **classes, size_t *count) {
    size_t known = BASE_MIN(*count, MOST_CLASSES);
    for (size_t k = 0; k < known; k++)
        if (strcmp(classes[k], a->marks[mark].label) == 0) return k;
    if (known < MOST_CLASSES) classes[known] = a->marks[mark].label;
    *count = known + 1; /* MOST_CLASSES + 1: too many */
    return known;
}

static void put_xml(FILE *out, const char *text) {
    base_text room = {0};
    base_text_append_xml(&room, text);
    if (room.length) fputs(room.data, out);
    base_text_destroy(&room);
}

/* Latin-1 where the text is that, as NOVA reads it; else as it is. */
static uint32_t latin(const char *text, base_text *out) {
    size_t length = strlen(text);
    base_text_clear(out);
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        char byte = (char)(unsigned char)c;
        if (c > 255) {
            base_text_clear(out);
            base_text_append(out, text);
            break;
        }
        base_text_append_n(out, &byte, 1);
    }
    return (uint32_t)out->length;
}

static void put_mark(FILE *out, const data_mark *m, size_t class, bool discrete, bool binary,
                     base_text *room) {
    float confidence = (float)(isnan(m->confidence) ? 1 : m->confidence);
    if (binary) {
        const double times[] = {m->t0_s, m->t1_s};
        const int32_t id = (int32_t) class;
        fwrite(times, sizeof times, 1, out);
        if (discrete) {
            fwrite(&id, sizeof id, 1, out);
        } else {
            uint32_t length = latin(m->label, room);
            fwrite(&length, sizeof length, 1, out);
            if (length) fwrite(room->data, 1, length, out);
        }
        fwrite(&confidence, sizeof confidence, 1, out);
        return;
    }
    put_number(out, m->t0_s);
    putc(';', out);
    put_number(out, m->t1_s);
    putc(';', out);
    if (discrete) fprintf(out, "%zu", class);
    for (const char *c = m->label; *c && !discrete; c++)
        putc(*c == ';' ? ',' : *c == '\n' || *c == '\r' ? ' ' : *c, out);
    putc(';', out);
    put_number(out, (double)confidence);
    putc('\n', out);
}

/* The rate of samples at whole steps from 0 on, or 0. */
static double rate_of(const data_trace *t, size_t *before) {
    if (t->rows < 2) return 0;
    double step = (t->times_s[t->rows - 1] - t->times_s[0]) / (double)(t->rows - 1);
    if (!(step > 0) || t->times_s[0] < -1e-9) return 0;
    double first = round(t->times_s[0] / step);
    for (size_t i = 0; i < t->rows; i++)
        if (fabs(t->times_s[i] - (first + (double)i) * step) > fmax(1e-3 * step, 5e-4)) return 0;
    if (first > 1e7) return 0;
    *before = (size_t)first;
    return 1 / step;
}

static affect_status write_nova(job *j, bool binary) {
    const data_annotation *a = j->a;
    const char *classes[MOST_CLASSES];
    size_t count = 0, before = 0;
    const data_trace *t = a->trace_count ? &a->traces[0] : NULL;
    const char *name = t               ? t->dimension
                       : a->mark_count ? a->marks[0].tier
                                       : "",
               *role = t               ? t->recording
                       : a->mark_count ? a->marks[0].recording
                                       : "",
               *annotator = t               ? t->rater
                            : a->mark_count ? a->marks[0].rater
                                            : "";
    if (a->trace_count > 1 || (t && a->mark_count)) return too_many(j, 1, "NOVA");
    for (size_t i = 0; i < a->mark_count; i++) {
        if (strcmp(a->marks[i].tier, name) != 0 || strcmp(a->marks[i].rater, annotator) != 0)
            return base_fail(
                j->ctx, AFFECT_ERROR_UNSUPPORTED,
                "%s: NOVA holds one tier of one rater a file: choose with --dimension and "
                "--rater",
                j->path);
        (void)class_of(a, i, classes, &count);
    }
    bool discrete = count <= MOST_CLASSES;
    double rate = t ? rate_of(t, &before) : 0;
    if (t && rate <= 0)
        return base_fail(j->ctx, AFFECT_ERROR_UNSUPPORTED,
                         "%s: NOVA holds samples at a constant rate: --step S makes it one",
                         j->path);
    fprintf(j->out,
            "<?xml version=\"1.0\" ?>\n<annotation ssi-v=\"3\">\n    <info ftype=\"%s\" "
            "size=\"%zu\" />\n",
            binary ? "BINARY" : "ASCII", t ? before + t->rows : a->mark_count);
    fputs("    <meta role=\"", j->out);
    put_xml(j->out, role);
    fputs("\" annotator=\"", j->out);
    put_xml(j->out, annotator);
    fputs("\" />\n    <scheme name=\"", j->out);
    put_xml(j->out, *name ? name : "annotation");
    if (t) {
        fputs("\" type=\"CONTINUOUS\" sr=\"", j->out);
        put_number(j->out, round(rate * 1e9) / 1e9);
        fputs("\" min=\"", j->out);
        put_number(j->out, isnan(t->low) ? -1 : t->low);
        fputs("\" max=\"", j->out);
        put_number(j->out, isnan(t->high) ? 1 : t->high);
        fputs("\" />\n</annotation>\n", j->out);
    } else if (!discrete) {
        fputs("\" type=\"FREE\" />\n</annotation>\n", j->out);
    } else {
        fputs("\" type=\"DISCRETE\">\n", j->out);
        for (size_t k = 0; k < count; k++) {
            fputs("        <item name=\"", j->out);
            put_xml(j->out, classes[k]);
            fprintf(j->out, "\" id=\"%zu\" />\n", k);
        }
        fputs("    </scheme>\n</annotation>\n", j->out);
    }
    base_text values_path = {0}, room = {0};
    base_text_printf(&values_path, "%s~", j->path);
    base_output values = {0};
    affect_status status = values_path.failed ? base_fail_memory(j->ctx)
                                              : base_output_open(j->ctx, values_path.data, &values);
    for (size_t i = 0; t && !status && i < before + t->rows; i++) {
        double value = i < before ? NAN : t->values[i - before];
        float record[] = {(float)value, isnan(value)                   ? 0
                                        : t->confidence && i >= before ? t->confidence[i - before]
                                                                       : 1};
        if (binary) {
            fwrite(record, sizeof record, 1, values.file);
            continue;
        }
        if (isnan(value)) fputs("nan", values.file);
        put_number(values.file, value);
        putc(';', values.file);
        put_number(values.file, (double)record[1]);
        putc('\n', values.file);
    }
    for (size_t i = 0; i < a->mark_count && !status; i++)
        put_mark(values.file, &a->marks[i], discrete ? class_of(a, i, classes, &count) : 0,
                 discrete, binary, &room);
    if (!status && room.failed) status = base_fail_memory(j->ctx);
    if (!status) status = base_output_commit(j->ctx, &values);
    base_output_abort(&values);
    base_text_destroy(&values_path);
    base_text_destroy(&room);
    return status;
}

/* ---- ELAN and Praat: as a timeline ---- */

static affect_status write_tiers(job *j, report_format format) {
    const data_annotation *a = j->a;
    affect_timeline *timeline = NULL;
    base_text id = {0};
    bool raters = false;
    affect_status status = timeline_create(j->ctx, &timeline);
    for (size_t i = 0; i < a->mark_count; i++)
        raters |= strcmp(a->marks[i].rater, a->marks[0].rater) != 0;
    for (size_t i = 0; i < a->mark_count && !status; i++) {
        const data_mark *m = &a->marks[i];
        affect_tier *tier;
        base_text_clear(&id);
        base_text_append(&id, *m->tier ? m->tier : "annotation");
        if (raters && *m->rater) base_text_printf(&id, " (%s)", m->rater);
        if (id.failed) status = base_fail_memory(j->ctx);
        const affect_interval interval = {.t0 = (affect_time)llround(m->t0_s * AFFECT_SECOND),
                                          .t1 = (affect_time)llround(m->t1_s * AFFECT_SECOND),
                                          .label = m->label,
                                          .score = (float)m->confidence};
        if (!status) status = timeline_tier(j->ctx, timeline, id.data, AFFECT_MODALITY_NONE, &tier);
        if (!status) status = tier_append(j->ctx, tier, &interval);
        if (!status) timeline->duration = BASE_MAX(timeline->duration, interval.t1);
    }
    if (!status) timeline_sort(timeline);
    const report_options options = {0};
    if (!status) status = report_print(j->ctx, timeline, format, NULL, &options, j->out);
    affect_timeline_destroy(timeline);
    base_text_destroy(&id);
    return status;
}

enum {
#define ANNOTATE_NUMBER(symbol, word, ending, traces, marks) FORMAT_##symbol,
    ANNOTATE_FORMAT_TABLE(ANNOTATE_NUMBER)
#undef ANNOTATE_NUMBER
};

static affect_status write_as(job *j, size_t format) {
    switch (format) {
    case FORMAT_CSV: return write_csv(j);
    case FORMAT_JSON: return write_json(j);
    case FORMAT_NPZ: return write_npz(j);
    case FORMAT_CARMA: return write_carma(j);
    case FORMAT_DARMA: return write_darma(j);
    case FORMAT_PAGAN: return write_pagan(j);
    case FORMAT_MUSE: return write_muse(j);
    case FORMAT_NOVA: return write_nova(j, false);
    case FORMAT_NOVA_BINARY: return write_nova(j, true);
    case FORMAT_EAF: return write_tiers(j, REPORT_EAF);
    default: return write_tiers(j, REPORT_TEXTGRID);
    }
}

static const struct {
    const char *word;
    bool traces, marks;
} formats[] = {
#define ANNOTATE_ROW(symbol, word, ending, traces, marks) {word, traces, marks},
    ANNOTATE_FORMAT_TABLE(ANNOTATE_ROW)
#undef ANNOTATE_ROW
};

affect_status annotate_export(affect_context *ctx, const data_annotation *a, const char *format,
                              const char *path) {
    size_t f = 0;
    while (f < BASE_COUNT(formats) && strcmp(formats[f].word, format) != 0) f++;
    if (f == BASE_COUNT(formats))
        return base_fail(ctx, AFFECT_ERROR_USAGE, "no format '%s': one of " ANNOTATE_FORMAT_WORDS,
                         format);
    data_annotation fits = *a;
    if (!formats[f].traces) fits.trace_count = 0;
    if (!formats[f].marks) fits.mark_count = 0;
    if (!fits.trace_count && !fits.mark_count)
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "%s: %s holds %s, and none were read", path,
                         format, formats[f].traces ? "traces" : "intervals");
    if (fits.trace_count < a->trace_count || fits.mark_count < a->mark_count)
        base_log(ctx, AFFECT_LOG_WARNING,
                 "%s: %zu traces and %zu intervals are not written: %s has no place for them", path,
                 a->trace_count - fits.trace_count, a->mark_count - fits.mark_count, format);
    base_output out = {0};
    affect_status status = base_output_open(ctx, path, &out);
    if (status) return status;
    job j = {ctx, &fits, path, out.file};
    status = write_as(&j, f);
    if (!status) status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    return status;
}

affect_status annotate_append_json(affect_context *ctx, const data_annotation *a, base_text *out) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) return base_fail_memory(ctx);
    job j = {ctx, a, "annotations", stream};
    affect_status status = write_json(&j);
    bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) status = base_fail_memory(ctx);
    if (!status) base_text_append_n(out, text, length);
    free(text);
    return !status && out->failed ? base_fail_memory(ctx) : status;
}

affect_status annotate_convert(affect_context *ctx, const char *const *paths, size_t count,
                               const annotate_choice *choice, const char *format,
                               const char *output) {
    data_annotation all = {0};
    affect_status status = AFFECT_OK;
    base_arena_init(&all.arena, 0);
    for (size_t i = 0; i < count && !status; i++) status = annotate_add_file(ctx, paths[i], &all);
    if (!status) status = annotate_choose(ctx, &all, choice);
    if (!status) status = annotate_export(ctx, &all, format, output);
    data_annotation_destroy(&all);
    return status;
}
