/* report.html: the page of web/report with the timeline's data in it, one file without requests.
 *
 * The page holds what can be seen, not every row: a track with more rows than the page can use is
 * cut into equal stretches, each with its mean and its range, so that ten hours open as fast as ten
 * seconds. The JSON beside it has everything. */
#include <math.h>
#include <string.h>

#include "report/page.h"
#include "report/private.h"

/* Rows of a track that the page gets: curves that are always drawn, and the rest. */
enum { CURVE_ROWS = 12000, OTHER_ROWS = 1500 };

static void put_string(FILE *out, const char *text) {
    report_put_json_string(out, text, JSON_IN_PAGE);
}

static void put_ms(FILE *out, affect_time time) {
    if (time == AFFECT_TIME_NONE)
        fputs_unlocked("null", out);
    else
        fprintf(out, "%lld", (long long)report_ms(time));
}

static void put_value(FILE *out, double value, int decimals) {
    char text[NUMBER_TEXT_SIZE];
    report_fixed(value, decimals, text);
    fputs_unlocked(*text ? text : "null", out);
}

/* JSON that is already text: '<' can only stand inside its strings, where an escape means the same.
 */
static void put_json(FILE *out, const char *json) {
    for (const char *c = json; *c; c++) {
        if (*c == '<')
            fputs_unlocked("\\u003c", out);
        else
            putc_unlocked(*c, out);
    }
}

static int person_of(int person) { return person > 0 ? person : AFFECT_PERSON_NONE; }

static bool ends_with_affect(const char *id) { return base_ends_with(id, "/affect"); }

static size_t rows_for_page(const affect_track *track) {
    bool curve = base_starts_with(track->id, "trajectory/") || ends_with_affect(track->id);
    size_t limit = curve ? CURVE_ROWS : OTHER_ROWS;
    return track->rows > limit ? limit : track->rows;
}

/* Decimals that keep about four digits of the largest value. */
static int decimals_for(const affect_track *track, size_t channel) {
    double largest = 0;
    for (size_t row = 0; row < track->rows; row++) {
        double size = fabs((double)track->values[row * track->channel_count + channel]);
        if (size > largest) largest = size;
    }
    int decimals = 4;
    for (double reach = 1; decimals > 0 && largest >= reach; reach *= 10) decimals--;
    return largest > 0 && largest < 0.01 ? 6 : decimals;
}

typedef enum summary { MEAN, LOWEST, HIGHEST } summary;

static void put_channels(FILE *out, const affect_track *track, size_t n, const char *name,
                         summary which) {
    fprintf(out, ",\"%s\":[", name);
    for (size_t channel = 0; channel < track->channel_count; channel++) {
        int decimals = decimals_for(track, channel);
        fputs_unlocked(channel ? ",\n[" : "\n[", out);
        for (size_t i = 0; i < n; i++) {
            if (i) putc_unlocked(',', out);
            report_spread s = report_spread_of(track, channel, report_stretch_of(track, i, n));
            put_value(out, which == MEAN ? s.mean : which == LOWEST ? s.low : s.high, decimals);
        }
        putc_unlocked(']', out);
    }
    putc_unlocked(']', out);
}

static void put_track(FILE *out, const affect_track *track) {
    size_t n = rows_for_page(track);
    fputs_unlocked("{\"id\":", out);
    put_string(out, track->id);
    fprintf(out, ",\"modality\":%d,\"person\":%d,\"n\":%zu,\"model\":", (int)track->modality,
            person_of(track->person), track->rows);
    put_string(out, track->model);
    fputs_unlocked(",\"channels\":[", out);
    for (size_t i = 0; i < track->channel_count; i++) {
        if (i) putc_unlocked(',', out);
        put_string(out, track->channels[i]);
    }
    fputs_unlocked("],\"t\":[", out);
    for (size_t i = 0; i < n; i++) {
        if (i) putc_unlocked(',', out);
        put_ms(out, report_stretch_of(track, i, n).time);
    }
    putc_unlocked(']', out);
    put_channels(out, track, n, "v", MEAN);
    if (n < track->rows) {
        put_channels(out, track, n, "lo", LOWEST);
        put_channels(out, track, n, "hi", HIGHEST);
    }
    putc_unlocked('}', out);
}

/* What the page knows of an interval's attributes. `scratch` is kept from one to the next. */
static void put_extra(FILE *out, const affect_tier *tier, const char *attributes,
                      base_text *scratch) {
    base_text_clear(scratch);
    if (attributes && strcmp(tier->id, "words") == 0) { /* many, and only this is shown */
        double valence;
        bool found = report_attribute_number(attributes, "valence", scratch, &valence);
        put_value(out, found ? valence : NAN, 3);
    } else if (attributes && report_compact_object(attributes, scratch)) {
        put_json(out, scratch->data);
    } else {
        fputs_unlocked("null", out);
    }
}

static bool put_tier(FILE *out, const affect_tier *tier) {
    fputs_unlocked("{\"id\":", out);
    put_string(out, tier->id);
    fprintf(out, ",\"modality\":%d,\"items\":[", (int)tier->modality);
    bool first = true;
    base_text scratch = {0};
    for (size_t i = 0; i < tier->count && !scratch.failed; i++) {
        const affect_interval *interval = &tier->items[i];
        if (interval->t0 == AFFECT_TIME_NONE) continue; /* has no place in time */
        fputs_unlocked(first ? "\n[" : ",\n[", out);
        first = false;
        put_ms(out, interval->t0);
        putc_unlocked(',', out);
        put_ms(out, interval->t1);
        putc_unlocked(',', out);
        put_string(out, interval->label);
        putc_unlocked(',', out);
        put_value(out, (double)interval->score, 3);
        fprintf(out, ",%d,", person_of(interval->person));
        put_extra(out, tier, interval->attributes, &scratch);
        putc_unlocked(']', out);
    }
    fputs_unlocked("]}", out);
    bool enough = !scratch.failed;
    base_text_destroy(&scratch);
    return enough;
}

static void put_events(FILE *out, const affect_timeline *timeline) {
    bool first = true;
    fputs_unlocked(",\n\"events\":[", out);
    for (size_t i = 0; i < timeline->event_count; i++) {
        const affect_event *event = &timeline->events[i];
        if (event->onset == AFFECT_TIME_NONE) continue;
        fputs_unlocked(first ? "\n[" : ",\n[", out);
        first = false;
        put_ms(out, event->onset);
        putc_unlocked(',', out);
        put_ms(out, event->apex);
        putc_unlocked(',', out);
        put_ms(out, event->offset);
        putc_unlocked(',', out);
        put_string(out, event->kind);
        fprintf(out, ",%d,%d,", (int)event->modality, person_of(event->person));
        put_value(out, (double)event->strength, 3);
        putc_unlocked(',', out);
        put_value(out, (double)event->confidence, 3);
        putc_unlocked(']', out);
    }
    putc_unlocked(']', out);
}

/* ---- the recording inside the page ---- */

static affect_status put_base64(affect_context *ctx, const char *path, FILE *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    FILE *in = fopen(path, "rb");
    if (!in) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    unsigned char buffer[3 * 4096];
    size_t n, total = 0;
    affect_status status = AFFECT_OK;
    while (status == AFFECT_OK && (n = fread(buffer, 1, sizeof buffer, in)) > 0) {
        total += n;
        if (total > REPORT_EMBED_LIMIT)
            status = base_fail(ctx, AFFECT_ERROR_LIMIT,
                               "%s: larger than %zu MiB: too large to embed, link it instead", path,
                               REPORT_EMBED_LIMIT >> 20);
        for (size_t i = 0; i < n; i += 3) {
            uint32_t group = (uint32_t)buffer[i] << 16;
            if (i + 1 < n) group |= (uint32_t)buffer[i + 1] << 8;
            if (i + 2 < n) group |= buffer[i + 2];
            putc_unlocked(digits[group >> 18], out);
            putc_unlocked(digits[group >> 12 & 63], out);
            putc_unlocked(i + 1 < n ? digits[group >> 6 & 63] : '=', out);
            putc_unlocked(i + 2 < n ? digits[group & 63] : '=', out);
        }
    }
    if (status == AFFECT_OK && ferror(in))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    fclose(in);
    return status;
}

static affect_status put_media(affect_context *ctx, const report_media *media,
                               const report_options *options, FILE *out) {
    /* What is not known by its name is offered to the browser as video, which plays sound too. */
    const char *kind = media->audio ? "audio" : media->image ? "image" : "video";
    affect_status status = AFFECT_OK;
    fputs_unlocked("\"media\":{\"name\":", out);
    put_string(out, media->name);
    fprintf(out, ",\"kind\":\"%s\",\"src\":", kind);
    if (options && options->embed && media->path) {
        fprintf(out, "\"data:%s;base64,", media->mime);
        status = put_base64(ctx, media->path, out);
        putc_unlocked('"', out);
    } else {
        put_string(out, media->relative ? media->relative : "");
    }
    putc_unlocked('}', out);
    return status;
}

/* ---- the page ---- */

static affect_status put_data(affect_context *ctx, const affect_timeline *timeline,
                              const report_media *media, const report_options *options, FILE *out) {
    char text[TIME_TEXT_SIZE];
    fputs_unlocked("{\"title\":", out);
    put_string(out, *media->name ? media->name : "Recording");
    fprintf(out, ",\"duration\":%s,\n", time_to_text(report_last_instant(timeline), text));
    affect_status status = put_media(ctx, media, options, out);
    if (status != AFFECT_OK) return status;
    fputs_unlocked(",\n\"properties\":[", out);
    for (size_t i = 0; i < timeline->property_count; i++) {
        fputs_unlocked(i ? ",[" : "[", out);
        put_string(out, timeline->properties[i].key);
        putc_unlocked(',', out);
        put_string(out, timeline->properties[i].value);
        putc_unlocked(']', out);
    }
    fputs_unlocked("],\n\"warnings\":[", out);
    for (size_t i = 0; i < timeline->warnings->count; i++) {
        fputs_unlocked(i ? ",[" : "[", out);
        put_ms(out, timeline->warnings->items[i].t0);
        putc_unlocked(',', out);
        put_ms(out, timeline->warnings->items[i].t1);
        putc_unlocked(',', out);
        put_string(out, timeline->warnings->items[i].label);
        putc_unlocked(']', out);
    }
    fputs_unlocked("],\n\"tracks\":[", out);
    for (size_t i = 0; i < timeline->track_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_track(out, timeline->tracks[i]);
    }
    fputs_unlocked("],\n\"tiers\":[", out);
    for (size_t i = 0; i < timeline->tier_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        if (!put_tier(out, timeline->tiers[i])) return base_fail_memory(ctx);
    }
    putc_unlocked(']', out);
    put_events(out, timeline);
    fputs_unlocked("}\n", out);
    return AFFECT_OK;
}

static void put_file(FILE *out, const unsigned char *data, size_t length) {
    fwrite_unlocked(data, 1, length, out);
}

affect_status report_print_html(affect_context *ctx, const affect_timeline *timeline,
                                const report_media *media, const report_options *options,
                                FILE *out) {
    /* The policy lets the page load the recording and nothing else, whatever a label says. */
    fputs_unlocked(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: file: 'self' https:; "
        "media-src data: file: blob: 'self' https:\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
        out);
    report_put_xml(out, *media->name ? media->name : "Recording");
    fputs_unlocked(" · affect</title>\n<style>\n", out);
    put_file(out, report_page_css, report_page_css_length);
    fputs_unlocked("</style>\n</head>\n<body>\n<noscript><p>This page draws the timeline with a "
                   "script that is inside it and asks nothing of the network. Please allow it, or "
                   "open timeline.svg.</p></noscript>\n",
                   out);
    put_file(out, report_page_html, report_page_html_length);
    fputs_unlocked("<script type=\"application/json\" id=\"data\">\n", out);
    affect_status status = put_data(ctx, timeline, media, options, out);
    fputs_unlocked("</script>\n<script>\n", out);
    put_file(out, report_page_js, report_page_js_length);
    fputs_unlocked("</script>\n</body>\n</html>\n", out);
    return status;
}
