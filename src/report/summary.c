/* The terminal summary. Text from labels goes to a terminal here, so control characters, which
 * could be commands to it, are replaced. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/report_private.h"

enum { PERSONS_SHOWN = 6, EPISODES_SHOWN = 4, WARNINGS_SHOWN = 8 };

typedef struct page {
    const affect_timeline *timeline;
    base_text *out;
    int columns;
    bool colour;
} page;

/* ---- columns of text ---- */

/* Columns that a code point takes: 0 for what combines, 2 for East Asian wide and emoji (after
 * Unicode's EastAsianWidth, in the ranges that matter). */
static int width_of(uint32_t c) {
    if ((c >= 0x300 && c < 0x370) || (c >= 0x483 && c < 0x48A) || (c >= 0x591 && c < 0x5C8) ||
        (c >= 0x610 && c < 0x61B) || (c >= 0x64B && c < 0x660) || (c >= 0x900 && c < 0x903) ||
        c == 0x93C || (c >= 0x941 && c < 0x949) || c == 0x94D || c == 0xE31 ||
        (c >= 0xE34 && c < 0xE3B) || (c >= 0xE47 && c < 0xE4F) || (c >= 0x200B && c < 0x2010) ||
        (c >= 0x20D0 && c < 0x2100) || (c >= 0xFE00 && c < 0xFE10) || c == 0xFEFF ||
        (c >= 0x1F3FB && c < 0x1F400))
        return 0;
    if ((c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0) || (c >= 0xAC00 && c < 0xD7A4) ||
        (c >= 0xF900 && c < 0xFB00) || (c >= 0xFE30 && c < 0xFE70) || (c >= 0xFF00 && c < 0xFF61) ||
        (c >= 0xFFE0 && c < 0xFFE7) || (c >= 0x1F300 && c < 0x1FB00) ||
        (c >= 0x20000 && c < 0x3FFFE))
        return 2;
    return 1;
}

static int text_columns(const char *text) {
    size_t length = strlen(text);
    int columns = 0;
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        columns += base_harmful(c) ? 1 : width_of(c);
    }
    return columns;
}

/* At most `room` columns, with an ellipsis where it was cut; returns the columns used. */
static int put_text_as(page *p, const char *text, int room, bool identifier) {
    size_t length = strlen(text);
    bool cut = text_columns(text) > room;
    int used = 0;
    if (room <= 0) return 0;
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        if (base_harmful(c) || (identifier && c == '_')) c = ' ';
        int width = width_of(c);
        if (used + width > (cut ? room - 1 : room)) break;
        char bytes[4];
        base_text_append_n(p->out, bytes, base_utf8_put(c, bytes));
        used += width;
    }
    if (!cut) return used;
    base_text_append(p->out, "…");
    return used + 1;
}
/* Underscores of identifiers become spaces. */
static int put_text(page *p, const char *text, int room) {
    return put_text_as(p, text, room, true);
}

static void pad(page *p, int used, int columns) {
    for (; used < columns; used++) base_text_append(p->out, " ");
}

static const char *const bold = "1", *const dim = "2", *const accent = "35", *const face = "33",
                         *const voice = "36", *const words = "32", *const warning = "33";

static void style(page *p, const char *code) {
    if (p->colour) base_text_printf(p->out, "\033[%sm", code);
}
static void unstyle(page *p) {
    if (p->colour) base_text_append(p->out, "\033[0m");
}
static int put_styled(page *p, const char *code, const char *text, int room) {
    style(p, code);
    int used = put_text(p, text, room);
    unstyle(p);
    return used;
}

/* "0:42.8" */
static void short_clock(affect_time time, int decimals, char out[TIME_TEXT_SIZE]) {
    int64_t tenths = (report_ms(BASE_MAX(time, 0)) + (decimals ? 50 : 500)) / 100;
    long long s = tenths / 10, h = s / 3600, m = s / 60 % 60;
    int n = h ? snprintf(out, TIME_TEXT_SIZE, "%lld:%02lld:%02lld", h, m, s % 60)
              : snprintf(out, TIME_TEXT_SIZE, "%lld:%02lld", m, s % 60);
    if (decimals) snprintf(out + n, TIME_TEXT_SIZE - (size_t)n, ".%lld", (long long)(tenths % 10));
}

/* ---- parts ---- */

static void put_head(page *p) {
    const affect_timeline *timeline = p->timeline;
    const char *input = affect_timeline_property(timeline, "input");
    const char *slash = input ? strrchr(input, '/') : NULL;
    char time[TIME_TEXT_SIZE], facts[160];
    short_clock(report_last_instant(timeline), 0, time);
    bool still = report_last_instant(timeline) <= 0;
    int n = snprintf(facts, sizeof facts, "  %s", still ? "one picture" : time);
    bool seen[AFFECT_MODALITY_FUSED + 1] = {false};
    for (size_t i = 0; i < timeline->track_count; i++)
        if (timeline->tracks[i]->rows) seen[timeline->tracks[i]->modality] = true;
    for (size_t i = 0; i < timeline->event_count; i++) seen[timeline->events[i].modality] = true;
    for (size_t i = 0; i < timeline->tier_count; i++)
        if (timeline->tiers[i]->count) seen[timeline->tiers[i]->modality] = true;
    const char *separator = " · ";
    for (int m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++)
        if (seen[m]) {
            n += snprintf(facts + n, sizeof facts - (size_t)n, "%s%s", separator,
                          affect_modality_name((affect_modality)m));
            separator = ", ";
        }
    const char *name = slash ? slash + 1 : input && *input ? input : "recording";
    if (strcmp(name, "-") == 0) name = "standard input";
    style(p, bold);
    int used = put_text_as(p, name, BASE_MAX(8, p->columns - text_columns(facts)), false);
    unstyle(p);
    put_styled(p, dim, facts, p->columns - used);
    base_text_append(p->out, "\n");
}

/* How far sound and picture are apart in each part of a recording that was put together. False: it has but one. */
static bool put_offset_parts(page *p, const char *end) {
    enum { MOST = 5 };
    const affect_tier *tier = affect_timeline_find_tier(p->timeline, "av_offset");
    if (!tier || tier->count < 2) return false;
    base_text line = {0};
    base_text_append(&line, "  sound after picture, from");
    for (size_t i = 0; i < tier->count && i < MOST; i++) {
        char t0[TIME_TEXT_SIZE];
        short_clock(tier->items[i].t0, 0, t0);
        base_text_printf(&line, "%s %s: %s", i ? "," : "", t0, tier->items[i].label);
    }
    base_text_printf(&line, "%s; %s", tier->count > MOST ? ", \u2026" : "", end);
    if (!line.failed) put_styled(p, dim, line.data, p->columns);
    base_text_destroy(&line);
    base_text_append(p->out, "\n");
    return true;
}

/* How far sound and picture are apart, where that is known and more than nothing. */
static void put_offset(page *p) {
    const char *text = affect_timeline_property(p->timeline, "av_offset_s");
    const char *sd = affect_timeline_property(p->timeline, "av_offset_sd_s");
    const char *corrected = affect_timeline_property(p->timeline, "av_offset_corrected");
    double offset, sd_s;
    if (!text || !sd || !base_parse_double(text, strlen(text), &offset) ||
        !base_parse_double(sd, strlen(sd), &sd_s) || !(fabs(offset) >= .001))
        return;
    const char *end = corrected && strcmp(corrected, "yes") == 0 ? "corrected" : "left as it is";
    if (put_offset_parts(p, end)) return;
    char line[160];
    snprintf(line, sizeof line, "  sound %.0f ms %s picture, ± %.0f ms: %s", fabs(offset) * 1e3,
             offset > 0 ? "after" : "ahead of", sd_s * 1e3, end);
    put_styled(p, dim, line, p->columns);
    base_text_append(p->out, "\n");
}

enum { NAME_COLUMNS = 11, RANGE_COLUMNS = 16 };

/* One block a stretch of time, eight heights from -reach to +reach. */
static void put_spark(page *p, const affect_track *track, const char *name) {
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t channel = affect_track_find_channel(track, name);
    if (channel == SIZE_MAX || !track->rows) return;
    report_spread all = report_spread_of(track, channel, (report_stretch){0, track->rows, 0});
    if (!isfinite(all.mean)) return;
    double reach = BASE_MAX(.3, BASE_MAX(fabs(all.low), fabs(all.high)));
    affect_time end = report_last_instant(p->timeline);
    int n = end > 0 ? p->columns - NAME_COLUMNS - RANGE_COLUMNS : 0; /* a picture has no course */
    base_text_append(p->out, "  ");
    pad(p, 2 + put_styled(p, dim, name, NAME_COLUMNS - 3), NAME_COLUMNS);
    style(p, accent);
    for (int i = 0; i < n; i++) {
        affect_time t0 = (affect_time)((double)end * i / n);
        affect_time t1 = (affect_time)((double)end * (i + 1) / n);
        report_stretch s = report_stretch_between(track, t0, t1);
        if (s.first == s.end && s.end < track->rows &&
            s.end) { /* finer than the rows: the nearest */
            affect_time gap = track->times[s.end] - track->times[s.end - 1];
            if (gap < 2 * AFFECT_SECOND) s.end = s.first + 1;
        }
        double mean = report_spread_of(track, channel, s).mean;
        int level = isfinite(mean) ? (int)floor((mean / reach + 1) * 4) : 0;
        base_text_append(p->out, isfinite(mean) ? blocks[BASE_MIN(BASE_MAX(level, 0), 7)] : " ");
    }
    unstyle(p);
    char low[NUMBER_TEXT_SIZE], high[NUMBER_TEXT_SIZE], range[2 * NUMBER_TEXT_SIZE + 8];
    report_fixed(all.low, 2, low);
    report_fixed(all.high, 2, high);
    if (n)
        snprintf(range, sizeof range, " %s%s to %s%s", all.low < 0 ? "" : "+", low,
                 all.high < 0 ? "" : "+", high);
    else
        snprintf(range, sizeof range, "%s%s", all.low < 0 ? "" : "+", low);
    put_styled(p, dim, range, RANGE_COLUMNS);
    base_text_append(p->out, "\n");
}

enum { CUE_NAME = 6, CUE_BETWEEN = 3 };

/* Columns of all cues side by side; 0 if there is none. */
static int cues_columns(const affect_interval *episode) {
    int columns = 0;
    for (int m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++) {
        const char *cue = report_cue(episode, (affect_modality)m);
        if (cue) columns += (columns ? CUE_BETWEEN : 0) + CUE_NAME + text_columns(cue);
    }
    return columns;
}

/* What moved the episode in each modality, from column `start` on: side by side, or a line each. */
static void put_cues(page *p, const affect_interval *episode, int start, bool beside) {
    static const char *const colours[] = {face, voice, words};
    int used = start;
    for (int m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++) {
        const char *cue = report_cue(episode, (affect_modality)m);
        if (cue) {
            if (!beside) {
                base_text_append(p->out, "\n");
                pad(p, 0, start);
                used = start;
            } else if (used > start) {
                used += put_text(p, "   ", CUE_BETWEEN);
            }
            int name =
                put_styled(p, colours[m - 1], affect_modality_name((affect_modality)m), CUE_NAME);
            pad(p, name, CUE_NAME);
            used += CUE_NAME + put_text(p, cue, p->columns - used - CUE_NAME);
        }
    }
}

/* What speaks against the label, and which modality comes first where that is no chance. */
static void put_doubts(page *p, const affect_interval *episode, int start) {
    const affect_value *against = affect_attributes_find(episode->attributes, "against");
    for (size_t i = 0; i < affect_value_count(against); i++) {
        const char *text = affect_value_text(affect_value_item(against, i));
        if (!text) continue;
        pad(p, 0, start);
        int used = start + put_styled(p, warning, "against ", 8);
        put_text(p, text, p->columns - used);
        base_text_append(p->out, "\n");
    }
    for (int k = 0; k < REPORT_LAGS; k++) {
        char line[REPORT_LAG_SIZE];
        if (!report_lag(p->timeline, episode, k, line)) continue;
        pad(p, 0, start);
        put_styled(p, dim, line, p->columns - start);
        base_text_append(p->out, "\n");
    }
}

/* "or neutral 28 %": the label that is next. */
static const char *runner_up(const affect_interval *episode, char out[64]) {
    const char *label = affect_value_text(
        affect_value_item(affect_attributes_find(episode->attributes, "labels"), 1));
    double score = affect_value_number(
        affect_value_item(affect_attributes_find(episode->attributes, "label_scores"), 1));
    *out = '\0';
    if (label && isfinite(score))
        snprintf(out, 64, "or %.40s %.0f %%", label, nearbyint(score * 100));
    return out;
}

static void put_episode(page *p, const affect_interval *episode, int label_columns,
                        int runner_columns) {
    char t0[TIME_TEXT_SIZE], t1[TIME_TEXT_SIZE], line[2 * TIME_TEXT_SIZE + 8];
    short_clock(episode->t0, 1, t0);
    short_clock(episode->t1, 1, t1);
    bool still = report_last_instant(p->timeline) <= 0;
    snprintf(line, sizeof line, "%s – %s", t0, t1);
    int used = put_text(p, "  ", 2);
    if (!still) {
        pad(p, 0, 17 - text_columns(line));
        used += BASE_MAX(0, 17 - text_columns(line));
        used += put_styled(p, dim, line, 30);
        used += put_text(p, "  ", 2);
    }
    int start = used;
    used += put_styled(p, bold, episode->label, label_columns);
    pad(p, used, start + label_columns);
    used = start + label_columns;
    if (isfinite(episode->score)) {
        snprintf(line, sizeof line, " %3.0f %%", (double)nearbyintf(episode->score * 100));
        used += put_text(p, line, 8);
    }
    if (runner_columns && used + 2 + runner_columns <= p->columns) {
        char runner[64];
        pad(p, 0, 2);
        int wrote = put_styled(p, dim, runner_up(episode, runner), runner_columns);
        if (cues_columns(episode)) pad(p, wrote, runner_columns);
        used += 2 + runner_columns;
    }
    int cues = cues_columns(episode);
    bool beside = cues && used + CUE_BETWEEN + cues <= p->columns;
    if (beside) used += put_text(p, "   ", CUE_BETWEEN);
    if (cues) put_cues(p, episode, beside ? used : start, beside);
    base_text_append(p->out, "\n");
    put_doubts(p, episode, start);
}

static void put_episodes(page *p, int person) {
    const affect_tier *tier = affect_timeline_find_tier(p->timeline, "episodes");
    const affect_interval *best[EPISODES_SHOWN] = {NULL};
    double strength[EPISODES_SHOWN];
    size_t shown = 0, all = 0;
    int label_columns = 6;
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *episode = &tier->items[i];
        if ((episode->person > 0 ? episode->person : 0) != person) continue;
        double s = report_strength(p->timeline, episode);
        size_t at = shown < EPISODES_SHOWN ? shown++ : EPISODES_SHOWN;
        for (; at && s > strength[at - 1]; at--)
            if (at < EPISODES_SHOWN) best[at] = best[at - 1], strength[at] = strength[at - 1];
        if (at < EPISODES_SHOWN) best[at] = episode, strength[at] = s;
        all++;
    }
    for (size_t i = 0; i < shown; i++)
        label_columns = BASE_MAX(label_columns, BASE_MIN(text_columns(best[i]->label), 18));
    for (size_t i = 1; i < shown; i++) /* the strongest, in order of time */
        for (size_t k = i; k && best[k]->t0 < best[k - 1]->t0; k--) {
            const affect_interval *later = best[k - 1];
            best[k - 1] = best[k];
            best[k] = later;
        }
    int runner_columns = 0;
    for (size_t i = 0; i < shown; i++) {
        char runner[64];
        runner_columns = BASE_MAX(runner_columns, text_columns(runner_up(best[i], runner)));
    }
    affect_time said = INT64_MIN;
    for (size_t i = 0; i < shown; i++) {
        /* Where two numbers turned out to be one person, the end of the one and the begin of the other overlap. */
        affect_interval episode = *best[i];
        if (episode.t1 > said) episode.t0 = BASE_MAX(episode.t0, said);
        said = BASE_MAX(said, episode.t1);
        put_episode(p, &episode, label_columns, runner_columns);
    }
    char line[64];
    if (all > shown) {
        snprintf(line, sizeof line, "  and %zu other episode%s", all - shown,
                 all - shown == 1 ? "" : "s");
        put_styled(p, dim, line, p->columns);
        base_text_append(p->out, "\n");
    }
}

static bool has_person(const affect_timeline *timeline, int person) {
    const affect_tier *tier = affect_timeline_find_tier(timeline, "episodes");
    for (size_t i = 0; tier && i < tier->count; i++)
        if (tier->items[i].person == person) return true;
    return report_trajectory(timeline, person) != NULL;
}

static void put_persons(page *p) {
    int count = report_person_count(p->timeline, 10000), shown = 0, left = 0;
    for (int person = 1; person <= count; person++) {
        if (!has_person(p->timeline, person)) continue;
        if (shown >= PERSONS_SHOWN) {
            left++;
            continue;
        }
        shown++;
        char name[PERSON_TITLE_SIZE];
        base_text_append(p->out, "\n");
        put_styled(p, bold, report_person_title(p->timeline, person, "Person", name), p->columns);
        base_text_append(p->out, "\n");
        const affect_track *track = report_trajectory(p->timeline, person);
        if (track) put_spark(p, track, "valence");
        if (track) put_spark(p, track, "arousal");
        put_episodes(p, person);
    }
    char line[64];
    snprintf(line, sizeof line, "\nand %d more person%s\n", left, left == 1 ? "" : "s");
    if (left) base_text_append(p->out, line);
    if (!shown)
        base_text_append(p->out, "\nNobody was seen or heard well enough to say anything.\n");
}

/* Words that fit, line by line, the later lines indented. */
static void put_paragraph(page *p, const char *text, int indent) {
    int used = indent;
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, " \n\t");
        char *word = base_strndup(at, n);
        if (!word) {
            p->out->failed = true;
            return;
        }
        int columns = text_columns(word);
        if (used > indent && used + 1 + columns > p->columns) {
            base_text_append(p->out, "\n");
            pad(p, 0, indent);
            used = indent;
        } else if (used > indent) {
            used += put_text(p, " ", 1);
        }
        used += put_text(p, word, p->columns - used);
        base_free(word);
        at += n;
        at += strspn(at, " \n\t");
    }
    base_text_append(p->out, "\n");
}

static void put_warnings(page *p) {
    const affect_tier *list = p->timeline->warnings;
    if (!list->count) return;
    base_text_append(p->out, "\n");
    put_styled(p, warning, "Missing", p->columns);
    base_text_append(p->out, "\n");
    for (size_t i = 0; i < list->count && i < WARNINGS_SHOWN; i++) {
        base_text line = {0};
        char t0[TIME_TEXT_SIZE], t1[TIME_TEXT_SIZE];
        if (list->items[i].t0 != AFFECT_TIME_NONE && list->items[i].t1 != AFFECT_TIME_NONE) {
            short_clock(list->items[i].t0, 1, t0);
            short_clock(list->items[i].t1, 1, t1);
            base_text_printf(&line, "%s – %s  ", t0, t1);
        }
        base_text_append(&line, list->items[i].label);
        base_text_append(p->out, "  ");
        if (line.failed)
            p->out->failed = true;
        else
            put_paragraph(p, line.data, 2);
        base_text_destroy(&line);
    }
    char more[64];
    snprintf(more, sizeof more, "  and %zu more\n", list->count - WARNINGS_SHOWN);
    if (list->count > WARNINGS_SHOWN) base_text_append(p->out, more);
}

void report_summary(const affect_timeline *timeline, int columns, bool colour, base_text *out) {
    affect_timeline *made;
    if (timeline_resolve(NULL, timeline, &made, &timeline) != AFFECT_OK) {
        out->failed = true;
        return;
    }
    page p = {timeline, out, BASE_MIN(BASE_MAX(columns, 40), 200), colour};
    put_head(&p);
    put_offset(&p);
    put_persons(&p);
    put_warnings(&p);
    base_text_append(out, "\n");
    put_styled(&p, dim, "Perceived expression, not an inner state.", p.columns);
    base_text_append(out, "\n");
    affect_timeline_destroy(made);
}

/* Columns of the terminal behind `file` (80 if it is none), and whether colours are wanted there: a
 * terminal, NO_COLOR unset or empty, TERM not "dumb". */
static void terminal_of(FILE *file, int *columns, bool *colour) {
    *columns = 80;
    *colour = false;
    int fd = fileno(file);
    if (fd < 0 || !isatty(fd)) return;
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col) *columns = size.ws_col;
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    *colour = !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

affect_status report_print_summary(affect_context *ctx, const affect_timeline *timeline,
                                   FILE *file) {
    int columns;
    bool colour;
    base_text text = {0};
    terminal_of(file, &columns, &colour);
    report_summary(timeline, columns, colour, &text);
    affect_status status = text.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (status == AFFECT_OK) fputs(text.data, file);
    base_text_destroy(&text);
    return status;
}

/* ---- progress ---- */

void report_progress(bool *shown, double share, const char *text, double left_s) {
    enum { WIDTH = 24 };
    *shown = true;
    fputs("\r\033[K  ", stderr);
    int full = isfinite(share) ? (int)(share * WIDTH + 0.5) : 0;
    for (int i = 0; isfinite(share) && i < WIDTH; i++)
        fputs(i < full ? "\u2588" : "\u2591", stderr);
    if (isfinite(share)) fprintf(stderr, " %3.0f %%", 100.0 * share);
    fputs(text, stderr);
    if (isfinite(left_s))
        fprintf(stderr, "  %d:%02d left", (int)(left_s + 0.5) / 60, (int)(left_s + 0.5) % 60);
    fflush(stderr);
}

void report_progress_end(bool *shown) {
    if (*shown) fputs("\r\033[K", stderr);
    *shown = false;
}
