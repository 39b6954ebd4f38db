/* WebVTT (W3C, "The Web Video Text Tracks Format"): one cue an episode with its label, score and
 * person, to be shown over the recording by any player. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_private.h"

/* Cue text: the words stay, the markup does not. */
static void put_text(FILE *out, const char *text) {
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        if (c == '&')
            fputs_unlocked("&amp;", out);
        else if (c == '<')
            fputs_unlocked("&lt;", out);
        else if (c == '>') /* so that no text can spell the arrow of a cue's times */
            fputs_unlocked("&gt;", out);
        else /* an empty line would end the cue */
            report_put_code_point(out, base_control(c) ? ' ' : c);
    }
}

/* WebVTT's cue order: by start, the longer first. */
static int compare_cue(const void *a, const void *b) {
    const affect_interval *x = *(const affect_interval *const *)a;
    const affect_interval *y = *(const affect_interval *const *)b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    if (x->t1 != y->t1) return x->t1 > y->t1 ? -1 : 1;
    return (x > y) - (x < y);
}

static void put_cue(FILE *out, const affect_timeline *timeline, const affect_interval *episode,
                    size_t number, bool several) {
    affect_time t0 = BASE_MIN(BASE_MAX(episode->t0, 0), INT64_MAX - AFFECT_MILLISECOND);
    affect_time t1 = BASE_MAX(episode->t1, 0);
    if (report_ms(t1) <= report_ms(t0)) t1 = t0 + AFFECT_MILLISECOND; /* a cue has a length */
    char a[TIME_TEXT_SIZE], b[TIME_TEXT_SIZE];
    fprintf(out, "\n%zu\n%s --> %s\n", number, time_to_clock(t0, a), time_to_clock(t1, b));
    if (several && episode->person > 0) {
        char title[PERSON_TITLE_SIZE];
        fputs_unlocked("<v ", out);
        put_text(out, report_person_title(timeline, episode->person, "Person", title));
        putc_unlocked('>', out);
    }
    put_text(out, episode->label);
    if (isfinite(episode->score))
        fprintf(out, " %.0f %%", (double)nearbyintf(episode->score * 100));
    putc_unlocked('\n', out);
}

affect_status report_print_vtt(affect_context *ctx, const affect_timeline *timeline, FILE *out) {
    const affect_tier *episodes = affect_timeline_find_tier(timeline, "episodes");
    size_t n = episodes ? episodes->count : 0;
    const affect_interval **order = base_calloc(n + 1, sizeof *order);
    if (!order) return base_fail_memory(ctx);
    bool several = false;
    for (size_t i = 0; i < n; i++) {
        order[i] = &episodes->items[i];
        several = several || order[i]->person > 1;
    }
    qsort(order, n, sizeof *order, compare_cue);
    fputs_unlocked("WEBVTT\n\nNOTE Perceived expression, not an inner state.\n", out);
    for (size_t i = 0, number = 1; i < n;
         i++) /* what ends before the recording starts is left out */
        if (order[i]->t1 >= 0) put_cue(out, timeline, order[i], number++, several);
    base_free(order);
    return AFFECT_OK;
}
