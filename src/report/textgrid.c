/* Praat's TextGrid, long text form (Praat manual, "TextGrid file formats"). Praat wants interval
 * tiers that tile the whole domain without gaps, so gaps are filled with empty intervals; intervals
 * without length are points. */
#include <string.h>

#include "report/report_private.h"

static void put_text(FILE *out, const char *text) {
    putc_unlocked('"', out);
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        if (c == '"') putc_unlocked('"', out);
        report_put_code_point(out, base_control(c) ? ' ' : c);
    }
    putc_unlocked('"', out);
}

static void put_interval(FILE *out, size_t number, int64_t t0, int64_t t1, const char *label) {
    char a[TIME_TEXT_SIZE], b[TIME_TEXT_SIZE];
    fprintf(out,
            "        intervals [%zu]:\n            xmin = %s\n            xmax = %s\n"
            "            text = ",
            number, report_ms_text(t0, a), report_ms_text(t1, b));
    put_text(out, label);
    putc_unlocked('\n', out);
}

/* Counts when out is NULL: the count stands before the intervals. */
static size_t put_intervals(FILE *out, const report_lanes *lanes, const report_lane *lane) {
    size_t n = 0;
    int64_t at = lanes->start_ms;
    for (size_t i = 0; i < lane->count; i++) {
        const report_mark *mark = &lane->marks[i];
        if (mark->t0_ms > at && ++n && out) put_interval(out, n, at, mark->t0_ms, "");
        n++;
        if (out) put_interval(out, n, mark->t0_ms, mark->t1_ms, mark->label);
        at = mark->t1_ms;
    }
    if (lanes->end_ms > at && ++n && out) put_interval(out, n, at, lanes->end_ms, "");
    return n;
}

static void put_points(FILE *out, const report_lane *lane) {
    char time[TIME_TEXT_SIZE];
    fprintf(out, "        points: size = %zu\n", lane->count);
    for (size_t i = 0; i < lane->count; i++) {
        fprintf(out, "        points [%zu]:\n            number = %s\n            mark = ", i + 1,
                report_ms_text(lane->marks[i].t0_ms, time));
        put_text(out, lane->marks[i].label);
        putc_unlocked('\n', out);
    }
}

affect_status report_print_textgrid(affect_context *ctx, const affect_timeline *timeline,
                                    FILE *out) {
    report_lanes lanes;
    affect_status status = report_lanes_build(ctx, timeline, true, &lanes);
    if (status != AFFECT_OK) return status;
    char a[TIME_TEXT_SIZE], b[TIME_TEXT_SIZE];
    report_ms_text(lanes.start_ms, a);
    report_ms_text(lanes.end_ms, b);
    fprintf(out,
            "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = %s\nxmax = %s\n", a,
            b);
    /* A grid without a tier is not one that Praat opens. */
    report_lane empty = {.name = "empty"};
    size_t count = lanes.count ? lanes.count : 1;
    fprintf(out, "tiers? <exists>\nsize = %zu\nitem []:\n", count);
    for (size_t i = 0; i < count; i++) {
        const report_lane *lane = lanes.count ? &lanes.lanes[i] : &empty;
        fprintf(out, "    item [%zu]:\n        class = \"%s\"\n        name = ", i + 1,
                lane->points ? "TextTier" : "IntervalTier");
        put_text(out, lane->name);
        fprintf(out, "\n        xmin = %s\n        xmax = %s\n", a, b);
        if (lane->points) {
            put_points(out, lane);
        } else {
            fprintf(out, "        intervals: size = %zu\n", put_intervals(NULL, &lanes, lane));
            put_intervals(out, &lanes, lane);
        }
    }
    report_lanes_destroy(&lanes);
    return AFFECT_OK;
}
