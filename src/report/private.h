/* What the writers of this room share. */
#ifndef REPORT_PRIVATE_H
#define REPORT_PRIVATE_H

#include "report/report.h"

/* ---- number.c ---- */

enum { NUMBER_TEXT_SIZE = 40 };
/* The shortest decimal that reads back (decimal -> double -> float) as the same float; "0" for both
 * zeros; "" for NaN and infinity. */
const char *report_number(float value, char out[NUMBER_TEXT_SIZE]);
/* `value` with a fixed count of decimals (0..6), whatever the locale; "" for NaN and infinity and
 * beyond 1e12. No "-0". */
const char *report_fixed(double value, int decimals, char out[NUMBER_TEXT_SIZE]);

/* ---- json_write.c ---- */

typedef enum json_place { JSON_IN_FILE, JSON_IN_PAGE } json_place;
/* A JSON string with its quotes. JSON_IN_PAGE also escapes what could end a <script>. Malformed
 * UTF-8 becomes U+FFFD. */
void report_put_json_string(FILE *out, const char *text, json_place place);
affect_status report_print_json(affect_context *ctx, const affect_timeline *timeline, FILE *out);

/* ---- json_read.c: a strict pull parser over text in memory ---- */

enum { JSON_DEPTH_LIMIT = 64 };
typedef struct json_cursor {
    const char *text;
    size_t length, at;
    const char *error; /* what was expected, NULL while all is well; `at` says where */
    base_text string;  /* the last string that was read, unescaped */
} json_cursor;

/* Appends the value of `text` without insignificant white space if it is one valid JSON object and
 * returns true; else appends nothing and returns false (out->failed says when memory was why). */
bool report_compact_object(const char *text, base_text *out);

/* Read access to one JSON object in text form, used for the attributes of intervals. */
bool report_attribute_text(const char *object, const char *key, base_text *out);
bool report_attribute_number(const char *object, const char *key, double *out);
/* Calls `each` with the text of each element of the array (or each value of the object) at `key`.
 */
void report_attribute_each(const char *object, const char *key,
                           void (*each)(void *user, const char *name, const char *value),
                           void *user);

/* ---- lanes.c: intervals without overlap, as ELAN and Praat want them ---- */

typedef struct report_mark {
    int64_t t0_ms, t1_ms;
    const char *label; /* borrowed from the timeline */
} report_mark;

typedef struct report_lane {
    const char *name; /* unique: "words", "episodes/1", "events/face/1", "episodes/1#2" */
    int person;
    affect_modality modality;
    bool points; /* all marks have t0 == t1 */
    size_t count, capacity;
    report_mark *marks; /* in order; the next begins at or after the end of the one before */
} report_lane;

typedef struct report_lanes {
    int64_t start_ms, end_ms; /* spans 0, the duration and every mark; end > start */
    size_t count, capacity;
    report_lane *lanes;
    base_arena arena; /* names */
} report_lanes;

/* Tiers by person, then events by modality and person, then warnings. With `points` marks without
 * length go into lanes of their own; without, they are made 1 ms long. */
affect_status report_lanes_build(affect_context *ctx, const affect_timeline *timeline, bool points,
                                 report_lanes *out);
void report_lanes_destroy(report_lanes *lanes);

int64_t report_ms(affect_time time); /* rounded half up, as time_to_text does */
const char *report_ms_text(int64_t ms, char out[TIME_TEXT_SIZE]); /* "12.345" */

/* ---- media.c ---- */

/* What the page and the EAF say about the recording. All owned; NULL where there is none. */
typedef struct report_media {
    char *path;               /* readable file, or NULL */
    char *relative;           /* percent-encoded URL from the folder of the output */
    char *absolute;           /* file:// URL */
    char *name;               /* last part of the path or of the "input" property, "" if none */
    const char *mime;         /* "video/mp4"; "application/octet-stream" if unknown */
    bool video, audio, image; /* by the kind of the file; all false if unknown */
} report_media;
affect_status report_media_find(affect_context *ctx, const affect_timeline *timeline,
                                const char *beside, const report_options *options,
                                report_media *out);
void report_media_clear(report_media *media);

/* ---- one file each ---- */
affect_status report_print_eaf(affect_context *ctx, const affect_timeline *timeline,
                               const report_media *media, FILE *out);
affect_status report_print_textgrid(affect_context *ctx, const affect_timeline *timeline,
                                    FILE *out);
affect_status report_print_vtt(affect_context *ctx, const affect_timeline *timeline, FILE *out);
affect_status report_print_svg(affect_context *ctx, const affect_timeline *timeline, FILE *out);
affect_status report_print_html(affect_context *ctx, const affect_timeline *timeline,
                                const report_media *media, const report_options *options,
                                FILE *out);

/* XML text or attribute value: markup escaped, characters that XML 1.0 forbids become U+FFFD. */
void report_put_xml(FILE *out, const char *text);

#endif
