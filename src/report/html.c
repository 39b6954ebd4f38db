/* report.html: the page of web/report with the timeline's data in it, one file without requests.
 *
 * The page holds what can be seen, not every row: a track with more rows than the page can use is
 * cut into equal stretches, each with its mean and its range, so that ten hours open as fast as ten
 * seconds. The JSON beside it has everything. */
#include <math.h>
#include <string.h>

#include "report/page.h"
#include "report/report_private.h"

/* Rows of a track that the page gets: curves that are always drawn, and the rest. A page that can ask
 * for more gets less, and what it does not draw at once when it is wanted. */
enum { CURVE_ROWS = 12000, OTHER_ROWS = 1500, VIEW_ROWS = 2400, SERVED_ACCOUNT = 20000 };

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

static int person_of(int person) { return person > 0 ? person : AFFECT_PERSON_NONE; }

static size_t rows_for_page(const affect_track *track, bool served) {
    bool curve = track->kind && (track->kind->role == TRACK_ROLE_TRAJECTORY ||
                                 track->kind->role == TRACK_ROLE_AFFECT);
    bool shown = curve || (track->kind && track->kind->role == TRACK_ROLE_CATEGORIES);
    size_t limit = !curve ? OTHER_ROWS : served ? VIEW_ROWS : CURVE_ROWS;
    if (served && !shown && track->rows > 1) return 0;
    if (track->kind && track->kind->role == TRACK_ROLE_LANDMARKS) limit = 1; /* are not drawn */
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

/* `range`: with the lowest and highest of each stretch. */
static void put_rows(FILE *out, const affect_track *track, size_t n, bool range) {
    fputs_unlocked("\"t\":[", out);
    for (size_t i = 0; i < n; i++) {
        if (i) putc_unlocked(',', out);
        put_ms(out, report_stretch_of(track, i, n).time);
    }
    putc_unlocked(']', out);
    put_channels(out, track, n, "v", MEAN);
    if (range && n && n < track->rows) {
        put_channels(out, track, n, "lo", LOWEST);
        put_channels(out, track, n, "hi", HIGHEST);
    }
}

static void put_track(FILE *out, const affect_track *track, bool served) {
    size_t n = rows_for_page(track, served);
    fputs_unlocked("{\"id\":", out);
    put_string(out, track->id);
    fprintf(out, ",\"role\":\"%s\",\"unit\":\"%s\"", track->kind ? track->kind->name : "",
            track->kind ? track->kind->unit : "");
    fprintf(out, ",\"modality\":%d,\"person\":%d,\"n\":%zu,\"model\":", (int)track->modality,
            person_of(track->person), track->rows);
    put_string(out, track->model);
    fputs_unlocked(",\"channels\":[", out);
    for (size_t i = 0; i < track->channel_count; i++) {
        if (i) putc_unlocked(',', out);
        put_string(out, track->channels[i]);
    }
    fputs_unlocked(n < BASE_MIN(track->rows, 1) ? "],\"later\":true," : "],", out);
    /* Of posteriors the page draws the likeliest; a served page asks for the rest when it is opened. */
    bool posteriors = track->kind && track->kind->role == TRACK_ROLE_CATEGORIES;
    put_rows(out, track, n, !served || !posteriors);
    putc_unlocked('}', out);
}

static void put_tier(FILE *out, const affect_tier *tier) {
    fputs_unlocked("{\"id\":", out);
    put_string(out, tier->id);
    fprintf(out, ",\"modality\":%d,\"items\":[", (int)tier->modality);
    bool first = true, words = strcmp(tier->id, "words") == 0;
    for (size_t i = 0; i < tier->count; i++) {
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
        if (words) /* many, and only this is shown */
            put_value(out, affect_attributes_number(interval->attributes, "valence"), 3);
        else
            report_put_attributes(out, interval->attributes, JSON_IN_PAGE);
        putc_unlocked(',', out);
        put_string(out, interval->id);
        putc_unlocked(']', out);
    }
    fputs_unlocked("]}", out);
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
        putc_unlocked(',', out);
        put_string(out, event->id);
        putc_unlocked(']', out);
    }
    putc_unlocked(']', out);
}

/* What is matched and what contradicts what: [from, to, kind, lag, its sd, score]. */
static void put_links(FILE *out, const affect_timeline *timeline) {
    bool first = true;
    fputs_unlocked(",\n\"links\":[", out);
    for (size_t i = 0; i < timeline->link_count; i++) {
        const affect_link *link = &timeline->links[i];
        if (link->kind != AFFECT_LINK_MATCHES && link->kind != AFFECT_LINK_CONTRADICTS) continue;
        fputs_unlocked(first ? "\n[" : ",\n[", out);
        first = false;
        put_string(out, link->from);
        putc_unlocked(',', out);
        put_string(out, link->to);
        putc_unlocked(',', out);
        put_string(out, affect_link_kind_name(link->kind));
        putc_unlocked(',', out);
        put_ms(out, link->lag);
        putc_unlocked(',', out);
        put_ms(out, link->lag_sd);
        putc_unlocked(',', out);
        put_value(out, (double)link->score, 3);
        putc_unlocked(']', out);
    }
    putc_unlocked(']', out);
}

/* ---- the recording inside the page ---- */

static affect_status put_base64(affect_context *ctx, const char *path, FILE *out) {
    FILE *in = fopen(path, "rb");
    if (!in) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    unsigned char buffer[3 * 4096];
    base_text text = {0};
    size_t n, total = 0;
    affect_status status = AFFECT_OK;
    while (status == AFFECT_OK && (n = fread(buffer, 1, sizeof buffer, in)) > 0) {
        total += n;
        if (total > REPORT_EMBED_LIMIT) status = report_fail_too_large(ctx, path); /* it grew */
        base_text_clear(&text);
        base_text_append_base64(&text, buffer, n); /* whole threes but at the end */
        if (text.failed) status = base_fail_memory(ctx);
        if (status == AFFECT_OK) fwrite(text.data, 1, text.length, out);
    }
    base_text_destroy(&text);
    if (status == AFFECT_OK && ferror(in))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    fclose(in);
    return status;
}

/* Where the page's player finds the recording: an address, or the recording itself. */
static const char *kind_of(const report_media *media) {
    return media->audio ? "audio" : media->image ? "image" : "video";
}

static affect_status put_media(affect_context *ctx, const report_media *media,
                               const report_options *options, FILE *out) {
    /* What is not known by its name is offered to the browser as video, which plays sound too. */
    const char *kind = kind_of(media);
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

/* Which category's colour a label has, for labels that are not a category's name. */
static void put_labels(FILE *out) {
    int of;
    const char *label;
    fputs_unlocked(",\n\"categories\":[", out);
    for (int c = 0; c < CATEGORIES; c++) {
        if (c) putc_unlocked(',', out);
        put_string(out, category_table[c].name);
    }
    fputs_unlocked("],\n\"labels\":{", out);
    for (size_t i = 0; (label = category_synonym(i, &of)) != NULL; i++) {
        if (i) putc_unlocked(',', out);
        put_string(out, label);
        fprintf(out, ":%d", of);
    }
    for (int r = 0; r < CATEGORY_REGIONS; r++) {
        putc_unlocked(',', out);
        put_string(out, category_regions[r].name);
        fprintf(out, ":%d", category_regions[r].category);
    }
    putc_unlocked('}', out);
}

/* Names by number; a number that is another person's gets that person's. */
static void put_names(FILE *out, const affect_timeline *timeline) {
    bool first = true;
    fputs_unlocked(",\n\"names\":{", out);
    for (size_t i = 0; i < timeline->person_count; i++) {
        int id = timeline->persons[i].id;
        char title[PERSON_TITLE_SIZE];
        if (!first) putc_unlocked(',', out);
        first = false;
        fprintf(out, "\"%d\":", id);
        put_string(out, report_person_title(timeline, id, "Person", title));
    }
    putc_unlocked('}', out);
}

static affect_status put_data(affect_context *ctx, const affect_timeline *timeline,
                              const report_media *media, const report_options *options, bool served,
                              FILE *out) {
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
        put_track(out, timeline->tracks[i], served);
    }
    fputs_unlocked("],\n\"tiers\":[", out);
    for (size_t i = 0; i < timeline->tier_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_tier(out, timeline->tiers[i]);
    }
    putc_unlocked(']', out);
    put_events(out, timeline);
    put_links(out, timeline);
    put_labels(out);
    put_names(out, timeline);
    /* A served page is asked for again and again, so there only what takes no time. */
    if (!served || timeline->event_count + timeline->link_count < SERVED_ACCOUNT)
        status = report_put_account(ctx, timeline, options, out);
    fputs_unlocked("}\n", out);
    return status;
}

static void put_file(FILE *out, const unsigned char *data, size_t length) {
    fwrite_unlocked(data, 1, length, out);
}

/* The colours of categories, for both themes, from the table that fusion has its names from. */
void report_put_colours(FILE *out) {
    for (int dark = 0; dark < 2; dark++) {
        fputs_unlocked(dark ? ":root[data-theme=\"dark\"]{" : ":root{", out);
        for (int c = 0; c <= CATEGORIES; c++) {
            const emotion_category *of = c < CATEGORIES ? &category_table[c] : &category_other;
            fprintf(out, "--c-%s:%s;", of->name, dark ? of->dark : of->colour);
        }
        fputs_unlocked("}\n", out);
    }
}

affect_status report_print_html(affect_context *ctx, const affect_timeline *timeline,
                                const report_media *media, const report_options *options,
                                FILE *out) {
    /* The policy lets the page load the recording, from where the page itself came, and nothing
     * else, whatever a label says. */
    fputs_unlocked(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: file: 'self'; "
        "media-src data: file: 'self'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
        out);
    report_put_xml(out, *media->name ? media->name : "Recording");
    fputs_unlocked(" · affect</title>\n<style>\n", out);
    put_file(out, report_page_css, report_page_css_length);
    report_put_colours(out);
    fputs_unlocked("</style>\n</head>\n<body>\n<noscript><p>This page draws the timeline with a "
                   "script that is inside it and asks nothing of the network. Please allow it, or "
                   "open timeline.svg.</p></noscript>\n",
                   out);
    put_file(out, report_page_html, report_page_html_length);
    fputs_unlocked("<script type=\"application/json\" id=\"data\">\n", out);
    affect_status status = put_data(ctx, timeline, media, options, false, out);
    fputs_unlocked("</script>\n<script>\n", out);
    put_file(out, report_page_js, report_page_js_length);
    fputs_unlocked("</script>\n</body>\n</html>\n", out);
    return status;
}

/* ---- the same page in parts, for a server ---- */

void report_put_body(FILE *out) { put_file(out, report_page_html, report_page_html_length); }

affect_status report_put_view(affect_context *ctx, const affect_timeline *timeline,
                              const char *name, const char *address, FILE *out) {
    report_media media = {.name = (char *)(uintptr_t)name, .relative = (char *)(uintptr_t)address};
    const char *mime = report_mime(name);
    media.audio = base_starts_with(mime, "audio/");
    media.image = base_starts_with(mime, "image/");
    return put_data(ctx, timeline, &media, NULL, true, out);
}

affect_status report_put_rows(affect_context *ctx, const affect_timeline *timeline, size_t number,
                              affect_time from, affect_time to, size_t most, FILE *out) {
    if (number >= timeline->track_count)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "there is no track %zu", number);
    affect_track part = *timeline->tracks[number]; /* borrowed, as a stretch of it */
    size_t first = track_row_at(&part, from), end = track_row_at(&part, to);
    part.times += first;
    part.values += first * part.channel_count;
    part.rows = end > first ? end - first : 0;
    putc_unlocked('{', out);
    put_rows(out, &part, BASE_MIN(part.rows, most), true);
    fputs_unlocked("}\n", out);
    return AFFECT_OK;
}
