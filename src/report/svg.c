/* One picture of the whole recording: per person the episodes, valence and arousal with one and two
 * standard deviations, and the events of each modality. Light and dark by the viewer's preference;
 * no script, no font, no request. Curves are drawn in as many points as the picture has. */
#include <math.h>
#include <string.h>

#include "report/private.h"

enum { GUTTER = 92, PLOT = 1088, MARGIN = 20, CURVE = 76, EPISODE = 24, LANE = 17, PERSONS = 16 };

typedef struct picture {
    const affect_timeline *timeline;
    FILE *out; /* NULL while the height is measured */
    double end_s;
    int y;
} picture;

static double x_of(const picture *p, affect_time time) {
    double x = time_to_seconds(time) / p->end_s * PLOT;
    return x < 0 ? 0 : x > PLOT ? PLOT : x;
}

static void put(const picture *p, double value) {
    char text[NUMBER_TEXT_SIZE];
    fputs_unlocked(report_fixed(value, 1, text), p->out);
}

static void put_label(const picture *p, const char *css, double x, double y, const char *text) {
    if (!p->out) return;
    fprintf(p->out, "<text class=\"%s\" x=\"", css);
    put(p, x);
    fputs_unlocked("\" y=\"", p->out);
    put(p, y);
    fputs_unlocked("\">", p->out);
    for (const char *c = text; *c;) { /* identifiers read as words */
        size_t n = strcspn(c, "_");
        char part[256];
        n = BASE_MIN(n, sizeof part - 1);
        memcpy(part, c, n);
        part[n] = '\0';
        report_put_xml(p->out, part);
        c += n;
        if (*c == '_') {
            putc_unlocked(' ', p->out);
            c++;
        }
    }
    fputs_unlocked("</text>\n", p->out);
}

static void put_rect(const picture *p, const char *css, double x, double y, double width,
                     double height) {
    fprintf(p->out, "<rect class=\"%s\" x=\"", css);
    put(p, x);
    fputs_unlocked("\" y=\"", p->out);
    put(p, y);
    fputs_unlocked("\" width=\"", p->out);
    put(p, BASE_MAX(width, .8));
    fputs_unlocked("\" height=\"", p->out);
    put(p, height);
    fputs_unlocked("\" rx=\"2.5\"/>\n", p->out);
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
    return BASE_MAX(usual, time_from_seconds(BASE_MAX(.3, 3 * p->end_s / PLOT)));
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
        putc_unlocked(k == from && !back ? 'M' : 'L', p->out);
        put(p, x_of(p, s.time));
        putc_unlocked(' ', p->out);
        put(p, y_of(p, value_at(track, channel, sd, s, sds)));
    }
}

static void put_band(const picture *p, const affect_track *track, size_t channel, size_t sd,
                     double sds, const char *css) {
    size_t n = points_of(track);
    fprintf(p->out, "<path class=\"%s\" d=\"", css);
    for (size_t i = 0, end; i < n; i = end) {
        end = run_end(p, track, channel, n, &i);
        if (end - i < 2) {
            end = BASE_MAX(end, i + 1);
            continue;
        }
        put_points(p, track, channel, sd, n, i, end, sds, false);
        put_points(p, track, channel, sd, n, i, end, -sds, true);
        putc_unlocked('Z', p->out);
    }
    fputs_unlocked("\"/>\n", p->out);
}

static void put_line(const picture *p, const affect_track *track, size_t channel) {
    size_t n = points_of(track);
    fputs_unlocked("<path class=\"line\" d=\"", p->out);
    for (size_t i = 0, end; i < n; i = BASE_MAX(end, i + 1)) {
        end = run_end(p, track, channel, n, &i);
        put_points(p, track, channel, SIZE_MAX, n, i, end, 0, false);
    }
    fputs_unlocked("\"/>\n", p->out);
}

static void put_curve(picture *p, const affect_track *track, const char *name, const char *title) {
    size_t channel = report_channel(track, name);
    if (channel == SIZE_MAX || !track->rows) return;
    if (p->out) {
        char sd_name[32];
        snprintf(sd_name, sizeof sd_name, "%s_sd", name);
        size_t sd = report_channel(track, sd_name);
        put_label(p, "name", -GUTTER, p->y + CURVE / 2.0 + 4, title);
        put_rect(p, "ground", 0, p->y, PLOT, CURVE);
        fprintf(p->out, "<path class=\"zero\" d=\"M0 %d.0H%d\"/>\n", p->y + CURVE / 2, PLOT);
        if (sd != SIZE_MAX) put_band(p, track, channel, sd, 2, "two");
        if (sd != SIZE_MAX) put_band(p, track, channel, sd, 1, "one");
        if (track->rows > PLOT) put_band(p, track, channel, SIZE_MAX, 1, "range");
        put_line(p, track, channel);
    }
    p->y += CURVE + 6;
}

/* ---- episodes and events ---- */

static const char *const categories[] = {"neutral", "happiness", "surprise", "sadness",
                                         "anger",   "disgust",   "fear",     "contempt"};

static void put_episodes(picture *p, int person) {
    const affect_tier *tier = affect_timeline_find_tier(p->timeline, "episodes");
    bool any = false;
    double drawn = -1;
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *e = &tier->items[i];
        if ((e->person > 0 ? e->person : 0) != person || e->t0 == AFFECT_TIME_NONE) continue;
        any = true;
        double x = x_of(p, e->t0), width = x_of(p, e->t1) - x;
        if (!p->out || x + width < drawn + .7) continue;
        drawn = x + width;
        const char *css = "other";
        for (size_t c = 0; c < BASE_COUNT(categories); c++)
            if (strcmp(e->label, categories[c]) == 0) css = categories[c];
        fprintf(p->out, "<g class=\"c-%s\">", css);
        put_rect(p, "block", x, p->y, width - 1.5, EPISODE);
        put_rect(p, "edge", x, p->y, BASE_MIN(3, width), EPISODE);
        if (width > 7.0 * (double)strlen(e->label) + 16)
            put_label(p, "label", x + 9, p->y + EPISODE / 2.0 + 4, e->label);
        fputs_unlocked("</g>\n", p->out);
    }
    if (!any) return;
    if (p->out) put_label(p, "name", -GUTTER, p->y + EPISODE / 2.0 + 4, "Episodes");
    p->y += EPISODE + 6;
}

static bool in_lane(const affect_event *e, int modality, int person) {
    return (int)e->modality == modality && (e->person > 0 ? e->person : 0) == person &&
           e->onset != AFFECT_TIME_NONE;
}

static bool is_blink(const affect_event *e) { return strcmp(e->kind, "blink") == 0; }

/* Where the next event of the lane begins that could stand in the way of a label. */
static double room_after(const picture *p, size_t i, int modality, int person) {
    const affect_timeline *timeline = p->timeline;
    for (size_t k = i + 1; k < timeline->event_count && k < i + 200; k++)
        if (in_lane(&timeline->events[k], modality, person) && !is_blink(&timeline->events[k]))
            return x_of(p, timeline->events[k].onset);
    return PLOT;
}

static void put_lane(picture *p, int modality, int person, const char *title) {
    bool any = false, blinks = false;
    double drawn[2] = {-1, -1};
    for (size_t i = 0; i < p->timeline->event_count; i++) {
        const affect_event *e = &p->timeline->events[i];
        if (!in_lane(e, modality, person)) continue;
        bool blink = is_blink(e);
        any = true;
        blinks = blinks || blink;
        double x = x_of(p, e->onset), width = x_of(p, e->offset) - x;
        if (!p->out || x + width < drawn[blink] + .6) continue;
        drawn[blink] = x + width;
        fprintf(p->out, "<g class=\"m-%s\">", affect_modality_name((affect_modality)modality));
        put_rect(p, "event", x, blink ? p->y + LANE : p->y + 2, blink ? 2 : width, blink ? 6 : 11);
        double wide = 6.4 * (double)strlen(e->kind) + 8;
        if (!blink && x + width + wide < room_after(p, i, modality, person))
            put_label(p, "kind", x + width + 4, p->y + 11, e->kind);
        fputs_unlocked("</g>\n", p->out);
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
    size_t k = 0;
    while (k + 1 < BASE_COUNT(steps) && p->end_s / steps[k] > 12) k++;
    double step = BASE_MAX(steps[k], p->end_s / 12);
    if (steps[k] >= p->end_s / 13) step = steps[k];
    for (int i = 0; p->out && i * step <= p->end_s * (1 + 1e-9); i++) {
        double at = i * step;
        char text[64];
        long long s = (long long)at;
        if (step < 1)
            snprintf(text, sizeof text, "%lld.%lld", s, (long long)(at * 10 + .5) % 10);
        else if (p->end_s >= 3600)
            snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
        else
            snprintf(text, sizeof text, "%lld:%02lld", s / 60, s % 60);
        put_label(p, i ? "tick" : "tick first", at / p->end_s * PLOT, p->y + 12, text);
    }
    p->y += 20;
}

/* Everything below the title; draws when there is a file, and always moves p->y. */
static void put_body(picture *p) {
    int persons = report_person_count(p->timeline, PERSONS);
    put_axis(p);
    for (int person = 1; person <= persons; person++) {
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
        char name[32];
        snprintf(name, sizeof name, "Person %d", person);
        put_label(p, "person", -GUTTER, before + 16, name);
        p->y += 8;
    }
    put_episodes(p, AFFECT_PERSON_NONE);
    put_events(p, AFFECT_PERSON_NONE);
}

static const char style[] =
    "<style>\n"
    "svg{--paper:#fff;--ink:#1c1b1f;--muted:#68656d;--ground:#f6f3ee;--zero:#cfcac0;--fused:#"
    "8a3a73;"
    "--face:#c65200;--voice:#0b6bab;--words:#008060;--tint:.24;"
    "font:12px Inter,ui-sans-serif,system-ui,sans-serif}\n"
    "@media (prefers-color-scheme:dark){svg{--paper:#1b1a1f;--ink:#edebef;--muted:#a29da8;"
    "--ground:#232128;--zero:#45414c;--fused:#e39bca;--face:#f58a47;--voice:#62b8f0;"
    "--words:#3ecb9f;--tint:.34}}\n"
    ".paper{fill:var(--paper)}.ground{fill:var(--ground)}.zero{stroke:var(--zero)}\n"
    "text{fill:var(--muted)}.title{font-size:19px;font-weight:650;fill:var(--ink)}\n"
    ".person{font-size:13px;font-weight:620;fill:var(--ink)}.label{fill:var(--ink);font-weight:550}"
    "\n"
    ".tick{text-anchor:middle;font-size:11px}.first{text-anchor:start}.kind{font-size:11px}\n"
    ".one{fill:var(--fused);opacity:.2}.two{fill:var(--fused);opacity:.1}"
    ".range{fill:var(--fused);opacity:.35}\n"
    ".line{fill:none;stroke:var(--fused);stroke-width:1.8;stroke-linejoin:round}\n"
    ".m-face .event{fill:var(--face)}.m-voice .event{fill:var(--voice)}"
    ".m-words .event{fill:var(--words)}.m-fused .event{fill:var(--fused)}"
    ".m-none .event{fill:var(--muted)}\n"
    ".block{opacity:var(--tint)}\n"
    ".c-neutral rect{fill:#a7a6a9}.c-happiness rect{fill:#e69f00}.c-surprise rect{fill:#56b4e9}"
    ".c-sadness rect{fill:#0072b2}.c-anger rect{fill:#d55e00}.c-disgust rect{fill:#009e73}"
    ".c-fear rect{fill:#cc79a7}.c-contempt rect{fill:#b9a800}.c-other rect{fill:#a3809a}\n"
    "</style>\n";

affect_status report_print_svg(affect_context *ctx, const affect_timeline *timeline, FILE *out) {
    (void)ctx;
    picture p = {.timeline = timeline, .y = 44};
    p.end_s = BASE_MAX(time_to_seconds(report_last_instant(timeline)), .001);
    put_body(&p);
    int height = p.y + 40;
    p = (picture){timeline, out, p.end_s, 44};
    const char *input = timeline_property_get(timeline, "input");
    const char *slash = input ? strrchr(input, '/') : NULL;
    const char *title = slash ? slash + 1 : input && *input ? input : "Recording";
    int width = PLOT + GUTTER + 2 * MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\">\n<title>",
            width, height, width, height);
    report_put_xml(out, title);
    fputs_unlocked(": perceived expression over time</title>\n", out);
    fputs_unlocked(style, out);
    fprintf(
        out,
        "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n<g transform=\"translate(%d 0)\">\n",
        width, height, GUTTER + MARGIN);
    put_label(&p, "title", -GUTTER, 32, title);
    put_body(&p);
    put_label(&p, "foot", -GUTTER, height - 14,
              "Perceived expression, not an inner state. Bands: one and two standard deviations.");
    fputs_unlocked("</g>\n</svg>\n", out);
    return AFFECT_OK;
}
