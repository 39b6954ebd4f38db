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

#include "track/track.h"

#define REPORT_SCHEMA "affect-timeline/1"

/* X(symbol, word, file or folder that it makes). */
#define REPORT_FORMAT_TABLE(X)                                                                     \
    X(JSON, "json", "timeline.json")                                                               \
    X(CSV, "csv", "csv")                                                                           \
    X(EAF, "eaf", "timeline.eaf")                                                                  \
    X(TEXTGRID, "textgrid", "timeline.TextGrid")                                                   \
    X(VTT, "vtt", "timeline.vtt")                                                                  \
    X(SVG, "svg", "timeline.svg")                                                                  \
    X(HTML, "html", "report.html")

typedef enum report_format {
#define REPORT_FORMAT_ENUM(symbol, word, file) REPORT_##symbol,
    REPORT_FORMAT_TABLE(REPORT_FORMAT_ENUM)
#undef REPORT_FORMAT_ENUM
        REPORT_FORMAT_COUNT
} report_format;

#define REPORT_ALL ((1U << REPORT_FORMAT_COUNT) - 1U)
#define REPORT_FORMAT_WORDS "all|json|csv|eaf|textgrid|vtt|svg|html" /* choices for a command */

const char *report_format_word(report_format format); /* "json" */
const char *report_format_file(report_format format); /* "timeline.json" */
/* "json", "all", or several with commas ("json,html"), as a set of bits 1 << report_format. Errors:
 * USAGE, which names the word that is unknown. */
AFFECT_MUST_USE affect_status report_formats_parse(affect_context *ctx, const char *words,
                                                   unsigned *formats);

typedef struct report_options {
    /* The recording, for the player and for the media links of EAF. NULL: the timeline's property
     * "input". Linked relative to where the page lies; a missing file or "-" gives a page without
     * picture and sound, on which everything else works. An "https://" address is linked as is. */
    const char *media;
    bool embed; /* put the recording into report.html (at most REPORT_EMBED_LIMIT bytes) */
    bool force; /* overwrite */
} report_options;

#define REPORT_EMBED_LIMIT ((size_t)256 << 20)

/* Writes the chosen formats into `folder` (made if it is not there). NULL options are the defaults.
 * Errors: EXISTS when one of the files is there and force is not set (then nothing is written),
 * OUTPUT, LIMIT (embedding), MEMORY. */
AFFECT_MUST_USE affect_status report_write(affect_context *ctx, const affect_timeline *timeline,
                                           const char *folder, unsigned formats,
                                           const report_options *options);
/* The check alone, for a command that wants to know before it works for minutes. */
AFFECT_MUST_USE affect_status report_check_folder(affect_context *ctx, const char *folder,
                                                  unsigned formats, bool force);

/* One format to an open file. Not for CSV, which is several files (ERROR_ARGUMENT). `beside` is the
 * folder that relative links start from (NULL: the working folder). The caller looks at ferror. */
AFFECT_MUST_USE affect_status report_print(affect_context *ctx, const affect_timeline *timeline,
                                           report_format format, const char *beside,
                                           const report_options *options, FILE *out);

/* The tracks, tiers, events.csv and warnings.csv as files of `folder` (made if it is not there).
 * They appear when all are complete, in place of those that an earlier index.csv names; other files
 * are left alone. */
AFFECT_MUST_USE affect_status report_write_csv(affect_context *ctx, const affect_timeline *timeline,
                                               const char *folder);

/* Reads what the JSON writer wrote; writing the result again gives the same bytes. Strict: unknown
 * members, duplicate ids, rows of another length and times that run backwards are ERROR_FORMAT with
 * the line. Memory is bounded by a small multiple of the file. Errors: NOT_FOUND, LIMIT (over
 * 2 GiB), FORMAT, MEMORY; then *out is NULL. The caller destroys *out. "-" is standard input. */
AFFECT_MUST_USE affect_status report_read_json(affect_context *ctx, const char *path,
                                               affect_timeline **out);
/* The same from memory; `name` stands in the messages. */
AFFECT_MUST_USE affect_status report_parse_json(affect_context *ctx, const char *name,
                                                const char *data, size_t length,
                                                affect_timeline **out);

/* What a person reads in one glance after an analysis: per person a sparkline of valence and
 * arousal, the strongest episodes with time, label, score and the cue of each modality; what was
 * missing. No line is wider than `columns` (40 to 200; others are clamped). `colour` adds ANSI
 * colours. Appends to `out`; check out->failed. */
void report_summary(const affect_timeline *timeline, int columns, bool colour, base_text *out);
/* Columns of the terminal behind `file` (80 if it is none), and whether colours are wanted there: a
 * terminal, NO_COLOR unset or empty, TERM not "dumb". */
void report_terminal(FILE *file, int *columns, bool *colour);

#endif
