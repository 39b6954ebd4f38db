/* What the writers of this room share. */
#ifndef REPORT_PRIVATE_H
#define REPORT_PRIVATE_H

#include "report/report.h"

static inline void report_put_code_point(FILE *out, uint32_t c) {
    char bytes[4];
    fwrite_unlocked(bytes, 1, base_utf8_put(c, bytes), out);
}

/* ---- number.c ---- */

/* The shortest decimal that reads back (decimal -> double -> float) as the same float; "0" for both
 * zeros; "" for NaN and infinity. */
const char *report_number(float value, char out[NUMBER_TEXT_SIZE]);
/* The shortest decimal that reads back as the same double; "" for NaN and infinity. */
const char *report_double(double value, char out[NUMBER_TEXT_SIZE]);

/* ---- json_write.c ---- */

typedef enum json_place { JSON_IN_FILE, JSON_IN_PAGE, JSON_IN_CELL } json_place;
/* A JSON string with its quotes; what is base_harmful is escaped. JSON_IN_PAGE also escapes what
 * could end a <script>, JSON_IN_CELL doubles quotes for a quoted cell of a table. Malformed UTF-8
 * becomes U+FFFD. */
void report_put_json_string(FILE *out, const char *text, json_place place);
/* Attributes as one JSON object, "null" without any. */
void report_put_attributes(FILE *out, const affect_attributes *attributes, json_place place);
affect_status report_print_json(affect_context *ctx, const affect_timeline *timeline, FILE *out);

/* ---- json_read.c: a strict pull parser over text in memory ---- */

enum { JSON_DEPTH_LIMIT = 64 };
typedef struct json_cursor {
    const char *text;
    size_t length, at;
    const char *error; /* what was expected, NULL while all is well; `at` says where */
    base_text string;  /* the last string that was read, unescaped */
} json_cursor;

/* The attributes of one JSON object in text form (of either schema); NULL without any. The caller
 * destroys *out. Errors: FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status report_parse_attributes(affect_context *ctx, const char *text,
                                                      affect_attributes **out);

/* "voice leads face by 240 ± 60 ms": what the alignment tree says of a pair of modalities (face and
 * voice, face and words, voice and words) in an episode; false where chance may explain it (p of
 * .05 or more) or nothing is known. */
enum { REPORT_LAGS = 3, REPORT_LAG_SIZE = 96 };
bool report_lag(const affect_timeline *timeline, const affect_interval *episode, int pair,
                char out[REPORT_LAG_SIZE]);

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

/* How much an episode stands out: its score, how far it is from the middle of the plane, and less
 * for neutral. Orders the lists of strongest episodes. */
double report_strength(const affect_timeline *timeline, const affect_interval *episode);
affect_time report_last_instant(const affect_timeline *timeline);

/* ---- likeliest.c ---- */

/* A timeline with three tiers more: face_looks, voice_sounds and words_say. */
typedef struct report_likeliest {
    affect_timeline with; /* everything but its tiers is borrowed */
    affect_timeline *made;
    affect_tier **tiers;
} report_likeliest;
/* Errors: MEMORY. Clear it before the timeline is destroyed. */
AFFECT_MUST_USE affect_status report_likeliest_add(affect_context *ctx,
                                                   const affect_timeline *timeline,
                                                   report_likeliest *out);
void report_likeliest_clear(report_likeliest *out); /* of a cleared one too */

/* ---- overlay.c ---- */

enum { PERSON_TITLE_SIZE = 48 };
/* The name of the person that `person` is, else "`otherwise` 3", in `scratch`. */
const char *report_person_title(const affect_timeline *timeline, int person, const char *otherwise,
                                char scratch[PERSON_TITLE_SIZE]);

/* ---- lanes.c: intervals without overlap, as ELAN and Praat want them ---- */

typedef struct report_mark {
    int64_t t0_ms, t1_ms;
    const char *label; /* borrowed from the timeline */
    const char *id;    /* so too; "" for a warning */
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
    char *path;               /* a regular file, or NULL */
    bool trusted;             /* the user named it, or it lies beside the timeline */
    char *relative;           /* percent-encoded URL from the folder of the output */
    char *absolute;           /* file:// URL */
    char *name;               /* last part of the path or of the "input" property, "" if none */
    const char *mime;         /* "video/mp4"; "application/octet-stream" if unknown */
    bool video, audio, image; /* by the kind of the file; all false if unknown */
} report_media;
/* `timeline` may be NULL. Errors: ARGUMENT (the options name an address), MEMORY. */
AFFECT_MUST_USE affect_status report_media_find(affect_context *ctx,
                                                const affect_timeline *timeline, const char *beside,
                                                const report_options *options, report_media *out);
/* Whether it may be put into the page; see report_check_media for the errors. */
AFFECT_MUST_USE affect_status report_media_embeddable(affect_context *ctx,
                                                      const report_media *media);
affect_status report_fail_too_large(affect_context *ctx, const char *path); /* to embed */
void report_media_clear(report_media *media);

/* ---- folder.c ---- */

/* A folder that does not exist yet appears as a whole or not at all: `fill` makes and fills one
 * beside its place under a hidden name, which is then renamed, or removed if that failed.
 * `unsynced`: it lies in another such folder, which is synced as a whole. */
typedef affect_status (*report_fill_fn)(const char *folder, void *user);
AFFECT_MUST_USE affect_status report_fill_folder(affect_context *ctx, const char *folder,
                                                 bool unsynced, report_fill_fn fill, void *user);

/* ---- one file each ---- */
affect_status report_print_eaf(affect_context *ctx, const affect_timeline *timeline,
                               const report_media *media, FILE *out);
affect_status report_print_textgrid(affect_context *ctx, const affect_timeline *timeline,
                                    FILE *out);
affect_status report_print_vtt(affect_context *ctx, const affect_timeline *timeline, FILE *out);
affect_status report_print_svg(affect_context *ctx, const affect_timeline *timeline,
                               const report_options *options, FILE *out);
/* The same picture as text. Errors: ARGUMENT, MEMORY. */
affect_status report_draw(affect_context *ctx, const affect_timeline *timeline,
                          const report_options *options, base_text *svg);
/* cairo's C interface as far as it is used, through dlopen (figure.c): errors are RUNTIME. The library
 * stays loaded for the life of the process. */
typedef struct report_drawer {
    void *library;
    void *(*on_memory)(unsigned char *data, int format, int width, int height, int stride);
    void *(*create)(void *surface);
    void (*destroy)(void *cr);
    void (*finish)(void *surface);
    void (*surface_destroy)(void *surface);
    void (*source)(void *cr, double red, double green, double blue, double alpha);
    void (*line_width)(void *cr, double width);
    void (*font_size)(void *cr, double size);
    void (*rectangle)(void *cr, double x, double y, double width, double height);
    void (*move_to)(void *cr, double x, double y);
    void (*line_to)(void *cr, double x, double y);
    void (*stroke)(void *cr);
    void (*fill)(void *cr);
    void (*font)(void *cr, const char *family, int slant, int weight);
    void (*text)(void *cr, const char *text);
} report_drawer;
affect_status report_drawer_load(affect_context *ctx, report_drawer *out);
/* REPORT_VIDEO or REPORT_PROXY to a file that is there and empty (video.c). Errors: NOT_FOUND (no
 * recording), NO_STREAM (no picture in it), RUNTIME (no ffmpeg, no cairo), those of media_open. */
affect_status report_write_film(affect_context *ctx, const affect_timeline *timeline,
                                report_format format, const report_media *media,
                                const report_options *options, const char *out);
/* And by librsvg and cairo, which are found when they are wanted. Errors: RUNTIME (not installed). */
affect_status report_print_pdf(affect_context *ctx, const affect_timeline *timeline,
                               const report_options *options, FILE *out);
affect_status report_print_png(affect_context *ctx, const affect_timeline *timeline,
                               const report_options *options, FILE *out);
/* A row a frame and face, columns as OpenFace 2 names them (openface.c). */
affect_status report_print_openface(affect_context *ctx, const affect_timeline *timeline,
                                    FILE *out);
affect_status report_print_html(affect_context *ctx, const affect_timeline *timeline,
                                const report_media *media, const report_options *options,
                                FILE *out);

/* What the page says in sentences (account.c), as a member "account" that follows others: claims with verdicts and
 * answers. Nothing where there is no episode and nothing was asked for, and where the emotion lexicon is not
 * there. Errors: those of report_options.explanation, CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status report_put_account(affect_context *ctx,
                                                 const affect_timeline *timeline,
                                                 const report_options *options, FILE *out);

/* XML text or attribute value: markup escaped, controls and what XML 1.0 forbids become
 * U+FFFD. */
void report_put_xml(FILE *out, const char *text);

#endif
