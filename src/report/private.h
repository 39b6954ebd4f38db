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

/* Read access to one JSON object in text form, used for the attributes of intervals. What fails for
 * want of memory sets `failed` of the text that was handed in. */
bool report_attribute_text(const char *object, const char *key, base_text *out);
bool report_attribute_number(const char *object, const char *key, base_text *scratch, double *out);
/* The value at `key` as JSON text. */
bool report_attribute_value(const char *object, const char *key, base_text *out);
/* What an episode says moved it in one modality; false if nothing. */
bool report_cue(const affect_interval *episode, affect_modality modality, base_text *out);

/* ---- curve.c: a track in as many points as a picture has room for ---- */

typedef struct report_stretch {
    size_t first, end; /* rows */
    affect_time time;  /* its middle */
} report_stretch;
/* Stretch i of n; n == rows gives each row alone. A track of no rows has no stretch. Found by
 * bisection: the cuts need no memory. */
report_stretch report_stretch_of(const affect_track *track, size_t i, size_t n);
/* Rows between two instants as one stretch. */
report_stretch report_stretch_between(const affect_track *track, affect_time t0, affect_time t1);
typedef struct report_spread {
    double mean, low, high; /* NaN if no row of the stretch has a value */
} report_spread;
report_spread report_spread_of(const affect_track *track, size_t channel, report_stretch stretch);
/* Index of a channel, or SIZE_MAX. */
size_t report_channel(const affect_track *track, const char *name);
const affect_track *report_trajectory(const affect_timeline *timeline, int person); /* or NULL */

/* How much an episode stands out: its score, how far it is from the middle of the plane, and less
 * for neutral. Orders the lists of strongest episodes. */
double report_strength(const affect_timeline *timeline, const affect_interval *episode);
/* The highest person number in the timeline, at most `limit`. */
int report_person_count(const affect_timeline *timeline, int limit);
affect_time report_last_instant(const affect_timeline *timeline);

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

/* ---- write.c ---- */

/* A folder that does not exist yet appears as a whole or not at all: `fill` makes and fills one
 * beside its place under a hidden name, which is then renamed, or removed if that failed. */
typedef affect_status (*report_fill_fn)(const char *folder, void *user);
AFFECT_MUST_USE affect_status report_fill_folder(affect_context *ctx, const char *folder,
                                                 report_fill_fn fill, void *user);
/* With everything in it; a folder that is not there is fine. */
AFFECT_MUST_USE affect_status report_remove_folder(affect_context *ctx, const char *folder);

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
