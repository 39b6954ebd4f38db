/* report: writers. In: one timeline (and nothing else but where the recording lies, for the
 * player). Out: JSON, CSV, ELAN EAF, Praat TextGrid, WebVTT, an SVG plot, one self-contained HTML
 * page and the terminal summary. docs/timeline.md describes the formats, docs/timeline.schema.json
 * the JSON.
 *
 * Every file appears under its final name only when it is complete. All text is UTF-8, all numbers
 * are independent of the locale, and the bytes depend on the timeline alone: no clock, no host.
 * Writers stream: their own memory does not grow with the number of rows. */
#ifndef REPORT_H
#define REPORT_H

#include "affect/corrections.h"
#include "track/track.h"

#define REPORT_SCHEMA "affect-timeline/2" /* what is written; version 1 is still read */
#define REPORT_SCHEMA_1 "affect-timeline/1"

/* X(symbol, word, file or folder that it makes). */
#define REPORT_FORMAT_TABLE(X)                                                                     \
    X(JSON, "json", "timeline.json")                                                               \
    X(CSV, "csv", "csv")                                                                           \
    X(EAF, "eaf", "timeline.eaf")                                                                  \
    X(TEXTGRID, "textgrid", "timeline.TextGrid")                                                   \
    X(VTT, "vtt", "timeline.vtt")                                                                  \
    X(SVG, "svg", "timeline.svg")                                                                  \
    X(HTML, "html", "report.html")                                                                 \
    X(PDF, "pdf", "timeline.pdf")                                                                  \
    X(PNG, "png", "timeline.png")                                                                  \
    X(OPENFACE, "openface", "openface.csv")                                                        \
    X(VIDEO, "video", "overlay.mp4")                                                               \
    X(PROXY, "proxy", "proxy.webm")

typedef enum report_format {
#define REPORT_FORMAT_ENUM(symbol, word, file) REPORT_##symbol,
    REPORT_FORMAT_TABLE(REPORT_FORMAT_ENUM)
#undef REPORT_FORMAT_ENUM
        REPORT_FORMAT_COUNT
} report_format;

/* What "all" means: the forms that everybody can make and many want. The others are asked for. */
#define REPORT_ALL ((1U << (REPORT_HTML + 1)) - 1U)

const char *report_format_word(report_format format); /* "json" */
const char *report_format_file(report_format format); /* "timeline.json" */
/* "json", "all", or several with commas ("json,html"), as a set of bits 1 << report_format. Errors:
 * USAGE, which names the word that is unknown. */
AFFECT_MUST_USE affect_status report_formats_parse(affect_context *ctx, const char *words,
                                                   unsigned *formats);

typedef struct report_options {
    /* The recording, for the player and for the media links of EAF, as the user names it. NULL: the
     * timeline's property "input", looked for beside `source` first. Linked relative to where the
     * page lies, if it is a regular file; a missing file or "-" gives a page without picture and
     * sound, on which everything else works. An address of another host is never linked. */
    const char *media;
    /* The file that the timeline was read from; NULL if it was not. A timeline may come from a
     * stranger: what it names is embedded only where it lies beside this file. */
    const char *source;
    /* Put the recording into report.html: a regular file of at most REPORT_EMBED_LIMIT bytes that
     * FFmpeg opens as a recording, which `media` names or which lies beside `source`. */
    bool embed;
    bool force; /* overwrite */
    /* Of SVG, PDF, PNG and VIDEO: from when to when is drawn (0 and 0: everything; `to` 0: to the end), and
     * whom (no persons: all, and what is nobody's). Errors of the writers: ARGUMENT. */
    affect_time from, to;
    const int *persons;
    size_t person_count;
    /* Of HTML: what the page says in sentences, each with its verdict and evidence. A file of an explanation
     * (affect-explanation/1), which is checked; NULL: the deterministic one. And questions, as `affect ask`
     * takes them, whose answers it shows. Errors: those of affect_explanation_read and affect_ask. */
    const char *explanation;
    const char *const *questions;
    size_t question_count;
    bool blur;     /* of VIDEO and PROXY: faces are made unrecognisable */
    bool proxy;    /* the page plays the proxy that is written with it */
    bool unsynced; /* the folder is hidden still, and whoever made it syncs it as a whole */
} report_options;

#define REPORT_EMBED_LIMIT ((size_t)256 << 20)

/* Fills from, to and persons of `options` from what a user wrote ("1:15.5", "1,2"; each may be NULL).
 * *list is the caller's (base_free) and must live as long as the options. Errors: USAGE, MEMORY. */
AFFECT_MUST_USE affect_status report_choose(affect_context *ctx, const char *from, const char *to,
                                            const char *persons, int **list,
                                            report_options *options);

/* Writes the chosen formats into `folder` (made if it is not there). NULL options are the defaults.
 * Errors: EXISTS when one of the files is there and force is not set (then nothing is written),
 * OUTPUT, MEMORY, and with `embed` those of report_check_media. */
AFFECT_MUST_USE affect_status report_write(affect_context *ctx, const affect_timeline *timeline,
                                           const char *folder, unsigned formats,
                                           const report_options *options);
/* The check alone, for a command that wants to know before it works for minutes. */
AFFECT_MUST_USE affect_status report_check_folder(affect_context *ctx, const char *folder,
                                                  unsigned formats, bool force);

/* What `embed` will say of options->media, for a command that wants to know before it works for
 * minutes; fine without `embed`. Errors: ARGUMENT (an address; a file that only the timeline names),
 * NOT_FOUND (none, or no regular file), LIMIT (its size), those of media_open. */
AFFECT_MUST_USE affect_status report_check_media(affect_context *ctx,
                                                 const report_options *options);

/* One format to an open file. Not for CSV, which is several files (ERROR_ARGUMENT). `beside` is the
 * folder that relative links start from (NULL: the working folder). The caller looks at ferror. */
AFFECT_MUST_USE affect_status report_print(affect_context *ctx, const affect_timeline *timeline,
                                           report_format format, const char *beside,
                                           const report_options *options, FILE *out);

/* The tracks, tiers, events.csv and warnings.csv as files of `folder` (made if it is not there).
 * They appear when all are complete, in place of those that an earlier index.csv names; other files
 * are left alone. */
AFFECT_MUST_USE affect_status report_write_csv(affect_context *ctx, const affect_timeline *timeline,
                                               const char *folder, bool unsynced);

/* Reads what the JSON writer wrote; writing the result again gives the same bytes. A file of
 * version 1 gets ids in its own order. Strict: unknown members, duplicate ids, rows of another
 * length and times that run backwards are ERROR_FORMAT with the line. Memory is bounded by a small
 * multiple of the file. Errors: NOT_FOUND, LIMIT (over 2 GiB), FORMAT, MEMORY; then *out is NULL.
 * The caller destroys *out. "-" is standard input. */
AFFECT_MUST_USE affect_status report_read_json(affect_context *ctx, const char *path,
                                               affect_timeline **out);
/* The same from memory; `name` stands in the messages. */
AFFECT_MUST_USE affect_status report_parse_json(affect_context *ctx, const char *name,
                                                const char *data, size_t length,
                                                affect_timeline **out);

/* A user's corrections are affect/corrections.h (overlay.c). Here: adds names from a table of
 * persons and names. Errors: those of affect_corrections_read. */
AFFECT_MUST_USE affect_status report_read_names(affect_context *ctx, const char *path,
                                                affect_corrections *out);

/* What a person reads in one glance after an analysis: per person a sparkline of valence and
 * arousal, the strongest episodes with time, label, score and the cue of each modality; what was
 * missing. No line is wider than `columns` (40 to 200; others are clamped). `colour` adds ANSI
 * colours. Appends to `out`; check out->failed. */
void report_summary(const affect_timeline *timeline, int columns, bool colour, base_text *out);

/* The summary as that file wants it. Errors: MEMORY; the caller looks at ferror. */
AFFECT_MUST_USE affect_status report_print_summary(affect_context *ctx,
                                                   const affect_timeline *timeline, FILE *file);
/* A bar of progress on standard error, a terminal, with a text behind it; share and seconds left may
 * be NaN. *shown is set; report_progress_end takes the bar away, where it is shown. */
void report_progress(bool *shown, double share, const char *text, double left_s);
void report_progress_end(bool *shown);

/* ---- the page in parts, for a server ---- */

void report_put_colours(FILE *out); /* a style sheet: the colours of the categories */
void report_put_body(FILE *out);    /* the markup that the page's script fills */
/* The page's data with what is seen at once: its curves in 2400 stretches, other tracks without rows
 * ("later": true). `name` is the recording's, `address` where the player finds it ("": nowhere). The
 * timeline is one whose merged persons are resolved. Errors: MEMORY. */
AFFECT_MUST_USE affect_status report_put_view(affect_context *ctx, const affect_timeline *timeline,
                                              const char *name, const char *address, FILE *out);
/* Rows of a track between two instants, in at most `most` stretches: {"t": ms, "v": ..., "lo", "hi"}.
 * Errors: NOT_FOUND (no such track). */
AFFECT_MUST_USE affect_status report_put_rows(affect_context *ctx, const affect_timeline *timeline,
                                              size_t number, affect_time from, affect_time to,
                                              size_t most, FILE *out);
/* What kind of media a file of that name is: "video/mp4"; "application/octet-stream" if unknown. */
const char *report_mime(const char *name);

/* ---- for who writes tables of several timelines ---- */

enum { NUMBER_TEXT_SIZE = 40 };
/* `value` with a fixed count of decimals (0..6), whatever the locale; "" for NaN and infinity and
 * beyond 1e12. No "-0". */
const char *report_fixed(double value, int decimals, char out[NUMBER_TEXT_SIZE]);
/* A text cell of a table: quoted where it must be, harmless for spreadsheets. */
void report_put_csv_field(FILE *out, const char *text);
/* What an episode says moved it in one modality, or NULL. */
const char *report_cue(const affect_interval *episode, affect_modality modality);
const affect_track *report_trajectory(const affect_timeline *timeline, int person); /* or NULL */
/* The highest person number in the timeline, at most `limit`. */
int report_person_count(const affect_timeline *timeline, int limit);

#endif
