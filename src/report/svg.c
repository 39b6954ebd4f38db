/* One picture of the recording or a stretch of it: per person the episodes, valence and arousal with
 * one and two standard deviations, and the events of each modality. Every colour stands as an
 * attribute of its element, because what sets papers (LaTeX, Word, librsvg) knows no variables and
 * few style sheets; no script, no font, no request. Curves are drawn in as many points as the picture
 * has. */
#include <math.h>
#include <string.h>

#include "base/svg.h"
#include "report/report_private.h"

enum { GUTTER = 92, PLOT = 1088, MARGIN = 20, CURVE = 76, EPISODE = 24, LANE = 17, PERSONS = 16 };

typedef struct picture {
    const affect_timeline *timeline;
    base_text *out; /* NULL while the height is measured */
    double start_s, end_s;
    const report_options *options;
    int y;
} picture;

/* How each kind of element is drawn. */
static const struct {
    const char *name, *attributes;
} kinds[] = {
    {"title", "font-size=\"19\" font-weight=\"bold\" fill=\"#1c1b1f\""},
    {"person", "font-size=\"13\" font-weight=\"bold\" fill=\"#1c1b1f\""},
    {"label", "fill=\"#1c1b1f\""},
    {"name", "fill=\"#68656d\""},
    {"foot", "fill=\"#68656d\""},
    {"kind", "font-size=\"11\" fill=\"#68656d\""},
    {"tick", "font-size=\"11\" fill=\"#68656d\" text-anchor=\"middle\""},
    {"first", "font-size=\"11\" fill=\"#68656d\""},
    {"number", "font-size=\"9\" fill=\"#68656d\" text-anchor=\"end\""},
    {"paper", "fill=\"#ffffff\""},
    {"ground", "fill=\"#f6f3ee\""},
    {"zero", "fill=\"none\" stroke=\"#cfcac0\""},
    {"grid", "fill=\"none\" stroke=\"#e6e1d8\""},
    {"one", "fill=\"#8a3a73\" fill-opacity=\"0.2\""},
    {"two", "fill=\"#8a3a73\" fill-opacity=\"0.1\""},
    {"range", "fill=\"#8a3a73\" fill-opacity=\"0.35\""},
    {"line", "fill=\"none\" stroke=\"#8a3a73\" stroke-width=\"1.8\" stroke-linejoin=\"round\""},
    {"block", "fill-opacity=\"0.24\""}, /* and the colour of what it is in */
    {"edge", ""},
    {"event", ""},
};

static const char *drawn_as(const char *kind) {
    size_t i = 0;
    while (strcmp(kinds[i].name, kind) != 0) i++;
    return kinds[i].attributes;
}

static double x_of(const picture *p, affect_time time) {
    double x = (time_to_seconds(time) - p->start_s) / (p->end_s - p->start_s) * PLOT;
    return x < 0 ? 0 : x > PLOT ? PLOT : x;
}

/* Is any of it in the stretch that is drawn? */
static bool is_inside(const picture *p, affect_time t0, affect_time t1) {
    return t0 != AFFECT_TIME_NONE && time_to_seconds(t0) <= p->end_s &&
           time_to_seconds(t1) >= p->start_s &&
           (t0 == t1 || (time_to_seconds(t0) < p->end_s && time_to_seconds(t1) > p->start_s));
}

static bool is_chosen(const picture *p, int person) {
    const report_options *o = p->options;
    if (!o || !o->person_count) return true;
    for (size_t i = 0; i < o->person_count; i++)
        if (o->persons[i] == person) return true;
    return false;
}

static void put_label(const picture *p, const char *kind, double x, double y, const char *text) {
    if (!p->out) return;
    char *words = base_strdup(text);
    p->out->failed |= !words;
    for (char *c = words; c && *c; c++) /* identifiers read as words */
        if (*c == '_') *c = ' ';
    if (words) base_svg_text(p->out, drawn_as(kind), x, y, words);
    base_free(words);
}

static void put_rect(const picture *p, const char *kind, double x, double y, double width,
                     double height) {
    base_svg_rect(p->out, drawn_as(kind), x, y, BASE_MAX(width, .8), height, "rx=\"2.5\"", NULL);
}

/* ---- curves ---- */

static double y_of(const picture *p, double value) {
    value = value < -1.15 ? -1.15 : value > 1.15 ? 1.15 : value;
    return p->y + CURVE / 2.0 * (1 - value / 1.15);
}

static size_t points_of(const affect_track *track) { return BASE_MIN(track->rows, (size_t)PLOT); }

/* Rows further apart than this do not belong to one line. */
static affect_time longest_step(const picture *p, const affect_track *track, size_t n) {
    affect_time usual =
        (track->times[track->rows - 1] / 2 - track->times[0] / 2) / (affect_time)BASE_MAX(n, 1) * 6;
    return BASE_MAX(usual, time_from_seconds(BASE_MAX(.3, 3 * (p->end_s - p->start_s) / PLOT)));
}

/* The next run [*i, end) of points that have values, broken at gaps. */
static size_t run_end(const picture *p, const affect_track *track, size_t channel, size_t n,
                      size_t *i) {
    while (*i < n && isnan(report_spread_of(track, channel, report_stretch_of(track, *i, n)).mean))
        ++*i;
    size_t end = *i;
    affect_time step = longest_step(p, track, n), last = 0;
    for (; end < n; end++) {
        report_stretch s = report_stretch_of(track, end, n);
        if (isnan(report_spread_of(track, channel, s).mean)) break;
        if (end > *i && s.time - last > step) break;
        last = s.time;
    }
    return end;
}

/* mean + sds * standard deviation; without a standard deviation the end of the range. */
static double value_at(const affect_track *track, size_t channel, size_t sd, report_stretch s,
                       double sds) {
    report_spread spread = report_spread_of(track, channel, s);
    if (sd == SIZE_MAX || sds == 0)
        return sds < 0 ? spread.low : sds > 0 ? spread.high : spread.mean;
    double deviation = report_spread_of(track, sd, s).mean;
    return spread.mean + sds * (isfinite(deviation) ? deviation : 0);
}

static void put_points(const picture *p, const affect_track *track, size_t channel, size_t sd,
                       size_t n, size_t from, size_t to, double sds, bool back) {
    for (size_t k = from; k < to; k++) {
        size_t i = back ? to - 1 - (k - from) : k;
        report_stretch s = report_stretch_of(track, i, n);
        base_svg_path_point(p->out, k == from && !back, x_of(p, s.time),
                            y_of(p, value_at(track, channel, sd, s, sds)));
    }
}

static void put_band(const picture *p, const affect_track *track, size_t channel, size_t sd,
                     double sds, const char *kind) {
    size_t n = points_of(track);
    base_svg_path_begin(p->out, drawn_as(kind));
    for (size_t i = 0, end; i < n; i = end) {
        end = run_end(p, track, channel, n, &i);
        if (end - i < 2) {
            end = BASE_MAX(end, i + 1);
            continue;
        }
        put_points(p, track, channel, sd, n, i, end, sds, false);
        put_points(p, track, channel, sd, n, i, end, -sds, true);
        base_svg_path_close(p->out);
    }
    base_svg_path_end(p->out);
}

static void put_line(const picture *p, const affect_track *track, size_t channel) {
    size_t n = points_of(track);
    base_svg_path_begin(p->out, drawn_as("line"));
    for (size_t i = 0, end; i < n; i = BASE_MAX(end, i + 1)) {
        end = run_end(p, track, channel, n, &i);
        put_points(p, track, channel, SIZE_MAX, n, i, end, 0, false);
    }
    base_svg_path_end(p->out);
}

/* -1, 0 and 1 beside the curve, and a line at each. */
static void put_scale(const picture *p) {
    for (int value = -1; value <= 1; value++) {
        static const char *const numbers[] = {"\u22121", "0", "+1"};
        base_svg_path_begin(p->out, drawn_as(value ? "grid" : "zero"));
        base_svg_path_point(p->out, true, 0, y_of(p, value));
        base_svg_path_point(p->out, false, PLOT, y_of(p, value));
        base_svg_path_end(p->out);
        put_label(p, "number", -6, y_of(p, value) + 3, numbers[value + 1]);
    }
}

/* The rows of a track in the stretch that is drawn; borrowed. */
static affect_track rows_inside(const picture *p, const affect_track *track) {
    affect_track part = *track;
    if (!p->options || (!p->options->from && !p->options->to)) return part;
    size_t first = track_row_at(track, time_from_seconds(p->start_s));
    size_t end = track_row_at(track, time_from_seconds(p->end_s) + 1);
    part.times += first;
    part.confidence += first;
    part.values += first * track->channel_count;
    part.rows = end - first;
    return part;
}

static void put_curve(picture *p, const affect_track *whole, const char *name, const char *title) {
    size_t channel = affect_track_find_channel(whole, name);
    const affect_track part = rows_inside(p, whole), *track = &part;
    if (channel == SIZE_MAX || !track->rows) return;
    if (p->out) {
        char sd_name[32];
        snprintf(sd_name, sizeof sd_name, "%s_sd", name);
        size_t sd = affect_track_find_channel(track, sd_name);
        put_label(p, "name", -GUTTER, p->y + CURVE / 2.0 + 4, title);
        put_rect(p, "ground", 0, p->y, PLOT, CURVE);
        put_scale(p);
        if (sd != SIZE_MAX) put_band(p, track, channel, sd, 2, "two");
        if (sd != SIZE_MAX) put_band(p, track, channel, sd, 1, "one");
        if (track->rows > PLOT) put_band(p, track, channel, SIZE_MAX, 1, "range");
        put_line(p, track, channel);
    }
    p->y += CURVE + 6;
}

/* ---- episodes and events ---- */

static void put_episodes(picture *p, int person) {
    const affect_tier *tier = affect_timeline_find_tier(p->timeline, "episodes");
    bool any = false;
    double drawn = -1;
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *e = &tier->items[i];
        if ((e->person > 0 ? e->person : 0) != person || !is_inside(p, e->t0, e->t1)) continue;
        any = true;
        double x = x_of(p, e->t0), width = x_of(p, e->t1) - x;
        if (!p->out || x + width < drawn + .7) continue;
        drawn = x + width;
        base_text_printf(p->out, "<g fill=\"%s\">", category_colour(e->label)->colour);
        put_rect(p, "block", x, p->y, width - 1.5, EPISODE);
        put_rect(p, "edge", x, p->y, BASE_MIN(3, width), EPISODE);
        if (width > 7.0 * (double)strlen(e->label) + 16)
            put_label(p, "label", x + 9, p->y + EPISODE / 2.0 + 4, e->label);
        base_text_append(p->out, "</g>\n");
    }
    if (!any) return;
    if (p->out) put_label(p, "name", -GUTTER, p->y + EPISODE / 2.0 + 4, "Episodes");
    p->y += EPISODE + 6;
}

static bool in_lane(const picture *p, const affect_event *e, int modality, int person) {
    return (int)e->modality == modality && (e->person > 0 ? e->person : 0) == person &&
           is_inside(p, e->onset, e->offset);
}

static bool is_blink(const affect_event *e) { return strcmp(e->kind, "blink") == 0; }

/* Where the next event of the lane begins that could stand in the way of a label. */
static double room_after(const picture *p, size_t i, int modality, int person) {
    const affect_timeline *timeline = p->timeline;
    for (size_t k = i + 1; k < timeline->event_count && k < i + 200; k++)
        if (in_lane(p, &timeline->events[k], modality, person) && !is_blink(&timeline->events[k]))
            return x_of(p, timeline->events[k].onset);
    return PLOT;
}

/* Of the modalities, AFFECT_MODALITY_NONE first. */
static const char *const colours[] = {"#68656d", "#c65200", "#0b6bab", "#008060", "#8a3a73"};

static void put_lane(picture *p, int modality, int person, const char *title) {
    bool any = false, blinks = false;
    double drawn[2] = {-1, -1};
    for (size_t i = 0; i < p->timeline->event_count; i++) {
        const affect_event *e = &p->timeline->events[i];
        if (!in_lane(p, e, modality, person)) continue;
        bool blink = is_blink(e);
        any = true;
        blinks = blinks || blink;
        double x = x_of(p, e->onset), width = x_of(p, e->offset) - x;
        if (!p->out || x + width < drawn[blink] + .6) continue;
        drawn[blink] = x + width;
        base_text_printf(p->out, "<g fill=\"%s\">", colours[modality]);
        put_rect(p, "event", x, blink ? p->y + LANE : p->y + 2, blink ? 2 : width, blink ? 6 : 11);
        double wide = 6.4 * (double)strlen(e->kind) + 8;
        if (!blink && x + width + wide < room_after(p, i, modality, person))
            put_label(p, "kind", x + width + 4, p->y + 11, e->kind);
        base_text_append(p->out, "</g>\n");
    }
    if (!any) return;
    if (p->out) put_label(p, "name", -GUTTER, p->y + 11, title);
    p->y += LANE + (blinks ? 8 : 0);
}

static void put_events(picture *p, int person) {
    static const char *const titles[] = {"Other", "Face", "Voice", "Words", "Fused"};
    for (int m = AFFECT_MODALITY_NONE; m <= AFFECT_MODALITY_FUSED; m++)
        put_lane(p, m, person, titles[m]);
}

static void put_axis(picture *p) {
    static const double steps[] = {.1,  .2,  .5,  1,   2,    5,    10,   15,    30,    60,
                                   120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400};
    double length = p->end_s - p->start_s;
    size_t k = 0;
    while (k + 1 < BASE_COUNT(steps) && length / steps[k] > 12) k++;
    double step = BASE_MAX(steps[k], length / 12);
    if (steps[k] >= length / 13) step = steps[k];
    double first = ceil(p->start_s / step - 1e-9);
    for (int i = 0; p->out && (first + i) * step <= p->end_s + length * 1e-9; i++) {
        double at = (first + i) * step, x = (at - p->start_s) / length * PLOT;
        char text[64];
        long long tenths = (long long)(at * 10 + .5), s = tenths / 10;
        if (step < 1)
            snprintf(text, sizeof text, "%lld.%lld", s, tenths % 10);
        else if (p->end_s >= 3600)
            snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
        else
            snprintf(text, sizeof text, "%lld:%02lld", s / 60, s % 60);
        put_label(p, x > 1 ? "tick" : "first", x, p->y + 12, text);
        base_svg_path_begin(p->out, drawn_as("zero"));
        base_svg_path_point(p->out, true, x, p->y + 15);
        base_svg_path_point(p->out, false, x, p->y + 19);
        base_svg_path_end(p->out);
    }
    if (p->out)
        put_label(p, "name", -GUTTER, p->y + 12,
                  p->end_s >= 3600 ? "Time (h:min:s)"
                  : length < 12    ? "Time"
                                   : "Time (min:s)");
    p->y += 22;
}

/* Everything below the title; draws when there is a file, and always moves p->y. */
static void put_body(picture *p) {
    int persons = report_person_count(p->timeline, PERSONS);
    put_axis(p);
    for (int person = 1; person <= persons; person++) {
        if (!is_chosen(p, person)) continue;
        int before = p->y;
        p->y += 24;
        const affect_track *track = report_trajectory(p->timeline, person);
        put_episodes(p, person);
        if (track) put_curve(p, track, "valence", "Valence");
        if (track) put_curve(p, track, "arousal", "Arousal");
        put_events(p, person);
        if (p->y == before + 24) { /* only a number in a transcript */
            p->y = before;
            continue;
        }
        char name[PERSON_TITLE_SIZE];
        put_label(p, "person", -GUTTER, before + 16,
                  report_person_title(p->timeline, person, "Person", name));
        p->y += 8;
    }
    if (p->options && p->options->person_count && persons > 1) return; /* it may be another's */
    put_episodes(p, AFFECT_PERSON_NONE);
    put_events(p, AFFECT_PERSON_NONE);
}

/* The whole picture as text: it is some hundred kilobytes whatever the recording's length. */
static void draw(const affect_timeline *timeline, const report_options *options, base_text *out) {
    picture p = {.timeline = timeline, .options = options, .y = 44};
    p.end_s = time_to_seconds(report_last_instant(timeline));
    if (options && options->to) p.end_s = time_to_seconds(options->to);
    if (options && options->from) p.start_s = time_to_seconds(options->from);
    p.end_s = BASE_MAX(p.end_s, p.start_s + .001);
    const picture begin = p;
    put_body(&p);
    int height = p.y + 40;
    p = begin;
    p.out = out;
    const char *input = affect_timeline_property(timeline, "input");
    const char *slash = input ? strrchr(input, '/') : NULL;
    const char *name = slash ? slash + 1 : input && *input ? input : "Recording";
    int width = PLOT + GUTTER + 2 * MARGIN;
    char attributes[160];
    base_text title = {0};
    base_text_printf(&title, "%s: perceived expression over time", name);
    out->failed |= title.failed;
    snprintf(attributes, sizeof attributes,
             "width=\"%d\" height=\"%d\" role=\"img\" font-size=\"12\" "
             "font-family=\"Inter, Helvetica, Arial, sans-serif\"",
             width, height);
    base_svg_begin(out, width, height, attributes, title.data);
    base_text_destroy(&title);
    base_svg_rect(out, drawn_as("paper"), 0, 0, width, height, "", NULL);
    base_text_printf(out, "<g transform=\"translate(%d 0)\">\n", GUTTER + MARGIN);
    put_label(&p, "title", -GUTTER, 32, name);
    put_body(&p);
    put_label(&p, "foot", -GUTTER, height - 14,
              "Perceived expression, not an inner state. Bands: one and two standard deviations.");
    base_text_append(out, "</g>\n");
    base_svg_end(out);
}

affect_status report_draw(affect_context *ctx, const affect_timeline *timeline,
                          const report_options *options, base_text *svg) {
    affect_time from = options ? options->from : 0, to = options ? options->to : 0;
    if (from < 0 || (to && to <= from))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a figure wants to end after it begins");
    for (size_t i = 0; options && i < options->person_count; i++)
        if (!report_trajectory(timeline, options->persons[i]) &&
            options->persons[i] > report_person_count(timeline, 100000))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "there is no person %d in this recording",
                             options->persons[i]);
    draw(timeline, options, svg);
    return svg->failed ? base_fail_memory(ctx) : AFFECT_OK;
}

affect_status report_print_svg(affect_context *ctx, const affect_timeline *timeline,
                               const report_options *options, FILE *out) {
    base_text svg = {0};
    affect_status status = report_draw(ctx, timeline, options, &svg);
    if (status == AFFECT_OK) fwrite(svg.data, 1, svg.length, out); /* the caller checks the file */
    base_text_destroy(&svg);
    return status;
}
