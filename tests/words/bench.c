/* What the recogniser is worth on recordings with known text, as numbers.
 *
 *   bench_words wer FILE...         each with FILE's name + .txt beside it: word error rate
 *                                   (Levenshtein over lower-case words), time per second of audio
 *   bench_words show FILE...        utterances and words as they are written to the timeline
 *   bench_words judge FILE...       how much of them counts as understood
 *   bench_words fit FILE... -- FILE...  English, then other languages: what judge would say at each
 *                                   threshold on the mean log odds */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "media/media.h"
#include "tests/attributes.h"
#include "words/judge.h"
#include "words/words_private.h"

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static affect_status recognise(affect_context *ctx, const char *path, affect_timeline **out,
                               double *audio_s, double *used_s) {
    media_options options = media_options_default();
    options.want_video = false;
    media_reader *reader = NULL;
    words_stage *stage = NULL;
    *audio_s = *used_s = 0;
    affect_status status = timeline_create(ctx, out);
    if (!status) status = media_open(ctx, path, &options, &reader);
    if (!status) status = words_create(ctx, NULL, *out, &stage);
    media_item item = {0};
    while (!status && item.kind != MEDIA_END) {
        status = media_next(reader, &item);
        if (status || item.kind != MEDIA_AUDIO) continue;
        *audio_s += (double)item.audio.count / item.audio.sample_rate;
        double before = cpu_s();
        status = words_push(stage, &item.audio);
        *used_s += cpu_s() - before;
    }
    if (!status) status = words_finish(stage);
    words_destroy(stage);
    media_close(reader);
    return status;
}

/* ---- word error rate ---- */

typedef struct word_list {
    char **items;
    size_t count;
} word_list;

static void split(const char *text, word_list *out) {
    char word[128];
    size_t n = 0;
    for (;; text++) {
        char c = *text;
        if (c >= 'A' && c <= 'Z') c = (char)(c | 32);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '\'' && n)) {
            if (n + 1 < sizeof word) word[n++] = c;
            continue;
        }
        while (n && word[n - 1] == '\'') n--;
        if (n) {
            out->items = realloc(out->items, (out->count + 1) * sizeof *out->items);
            out->items[out->count++] = strndup(word, n);
            n = 0;
        }
        if (!c) return;
    }
}

static size_t edits(const word_list *a, const word_list *b) {
    size_t *row = malloc((b->count + 1) * sizeof *row);
    for (size_t j = 0; j <= b->count; j++) row[j] = j;
    for (size_t i = 1; i <= a->count; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b->count; j++) {
            size_t above = row[j];
            size_t change = diagonal + (strcmp(a->items[i - 1], b->items[j - 1]) != 0);
            row[j] = BASE_MIN(change, BASE_MIN(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    size_t result = row[b->count];
    free(row);
    return result;
}

static void free_words(word_list *w) {
    for (size_t i = 0; i < w->count; i++) free(w->items[i]);
    free(w->items);
}

static int word_error_rate(affect_context *ctx, int count, char **paths) {
    size_t errors = 0, words = 0;
    double audio = 0, used = 0;
    for (int i = 0; i < count; i++) {
        char text_path[4096];
        const char *dot = strrchr(paths[i], '.');
        snprintf(text_path, sizeof text_path, "%.*s.txt",
                 (int)(dot ? dot - paths[i] : (long)strlen(paths[i])), paths[i]);
        char *text = NULL;
        size_t length = 0;
        affect_timeline *timeline = NULL;
        double audio_s, used_s;
        affect_status status = base_read_file(ctx, text_path, 0, &text, &length);
        if (!status) status = recognise(ctx, paths[i], &timeline, &audio_s, &used_s);
        if (status) {
            fprintf(stderr, "%s\n", affect_context_message(ctx));
            return (int)status;
        }
        word_list said = {0}, heard = {0};
        split(text, &said);
        const affect_tier *tier = affect_timeline_find_tier(timeline, "words");
        for (size_t k = 0; k < affect_tier_count(tier); k++)
            split(affect_tier_interval(tier, k)->label, &heard);
        size_t wrong = edits(&said, &heard);
        const char *slash = strrchr(paths[i], '/');
        printf("%-50.50s %7.1f s  %3zu words  %3zu heard  WER %5.1f %%\n",
               slash ? slash + 1 : paths[i], audio_s, said.count, heard.count,
               100.0 * (double)wrong / (double)BASE_MAX(said.count, (size_t)1));
        errors += wrong;
        words += said.count;
        audio += audio_s;
        used += used_s;
        free_words(&said);
        free_words(&heard);
        base_free(text);
        affect_timeline_destroy(timeline);
    }
    printf("all: %zu words, WER %.1f %%, %.1f s of sound in %.1f s of processor time (%.1f x real "
           "time)\n",
           words, 100.0 * (double)errors / (double)BASE_MAX(words, (size_t)1), audio, used,
           audio / used);
    return 0;
}

static void print_tier(const affect_timeline *timeline, const char *id) {
    const affect_tier *tier = affect_timeline_find_tier(timeline, id);
    for (size_t i = 0; i < affect_tier_count(tier); i++) {
        affect_interval v = *affect_tier_interval(tier, i);
        char *attributes = attributes_text(v.attributes);
        printf("%s\t%.3f\t%.3f\t%.2f\t%s\t%s\n", id, time_to_seconds(v.t0), time_to_seconds(v.t1),
               (double)v.score, v.label, v.attributes ? attributes : "");
        free(attributes);
    }
}

static int show(affect_context *ctx, int count, char **paths) {
    for (int i = 0; i < count; i++) {
        affect_timeline *timeline = NULL;
        double audio_s, used_s;
        affect_status status;
        if (base_ends_with(paths[i], ".srt") || base_ends_with(paths[i], ".vtt") ||
            base_ends_with(paths[i], ".eaf") || base_ends_with(paths[i], ".TextGrid") ||
            base_ends_with(paths[i], ".json")) {
            status = timeline_create(ctx, &timeline);
            if (!status) status = words_import(ctx, paths[i], timeline);
        } else {
            status = recognise(ctx, paths[i], &timeline, &audio_s, &used_s);
        }
        if (status) {
            fprintf(stderr, "%s\n", affect_context_message(ctx));
            return (int)status;
        }
        print_tier(timeline, "utterances");
        print_tier(timeline, "words");
        for (size_t k = 0; k < affect_timeline_event_count(timeline); k++) {
            affect_event e = *affect_timeline_event(timeline, k);
            printf("event\t%.3f\t%.3f\t%.2f\t%s\n", time_to_seconds(e.onset),
                   time_to_seconds(e.offset), (double)e.strength, e.kind);
        }
        const affect_track *track = affect_timeline_find_track(timeline, "words/affect");
        for (size_t k = 0; track && k < affect_track_rows(track); k++) {
            const float *row = affect_track_row(track, k);
            printf("affect\t%.3f\t%.2f", time_to_seconds(affect_track_time(track, k)),
                   (double)affect_track_confidence(track, k));
            for (size_t c = 0; c < affect_track_channels(track); c++)
                printf("\t%.3f", (double)row[c]);
            printf("\n");
        }
        for (size_t k = 0; k < affect_timeline_warning_count(timeline); k++)
            printf("warning\t%s\n", affect_timeline_warning(timeline, k)->label);
        affect_timeline_destroy(timeline);
    }
    return 0;
}

static int judge(affect_context *ctx, int count, char **paths) {
    size_t utterances = 0, understood = 0, recordings = 0, words = 0;
    for (int i = 0; i < count; i++) {
        affect_timeline *timeline = NULL;
        double audio_s, used_s;
        affect_status status = recognise(ctx, paths[i], &timeline, &audio_s, &used_s);
        if (status) {
            fprintf(stderr, "%s\n", affect_context_message(ctx));
            return (int)status;
        }
        const affect_tier *tier = affect_timeline_find_tier(timeline, "utterances");
        size_t here = 0, n = affect_tier_count(tier);
        for (size_t k = 0; k < n; k++) here += *affect_tier_interval(tier, k)->label != 0;
        utterances += n;
        understood += here;
        recordings += n && here * 2 > n;
        words += affect_tier_count(affect_timeline_find_tier(timeline, "words"));
        affect_timeline_destroy(timeline);
    }
    printf("%d recordings: %zu understood (most of their utterances); %zu utterances: %zu "
           "understood; %zu words written\n",
           count, recordings, utterances, understood, words);
    return 0;
}

/* ---- the threshold of the rule ---- */

typedef struct spoken {
    int recording;
    size_t count;
    double sum, t1_s;
} spoken;

typedef struct spoken_list {
    spoken *items;
    size_t count;
} spoken_list;

/* What the recogniser hears in a file, before any verdict. */
static affect_status listen(affect_context *ctx, words_vosk *vosk, const char *path, int recording,
                            spoken_list *out) {
    enum { CHUNK = 3200 };
    media_options options = media_options_default();
    options.want_video = false;
    media_reader *reader = NULL;
    words_heard result = {0};
    affect_status status = media_open(ctx, path, &options, &reader);
    static float chunk[CHUNK];
    size_t have = 0;
    media_item item = {0};
    for (bool last = false; !status && !last;) {
        status = media_next(reader, &item);
        last = item.kind == MEDIA_END;
        for (size_t i = 0; !status && (last || item.kind == MEDIA_AUDIO);) {
            size_t n = last ? 0 : BASE_MIN(item.audio.count - i, CHUNK - have);
            if (n) memcpy(chunk + have, item.audio.samples + i, n * sizeof *chunk);
            have += n;
            i += n;
            if (!last && have < CHUNK) break;
            bool ended;
            status = words_vosk_feed(vosk, chunk, have, &ended);
            have = 0;
            if (!status && (ended || last)) status = words_vosk_take(vosk, last, &result);
            if (!status && (ended || last) && result.count) {
                spoken u = {.recording = recording, .count = result.count};
                for (size_t k = 0; k < result.count; k++)
                    u.sum += words_judge_word(result.items[k].confidence);
                u.t1_s = result.items[result.count - 1].t1_s;
                out->items = realloc(out->items, (out->count + 1) * sizeof *out->items);
                out->items[out->count++] = u;
            }
            if (last) break;
        }
    }
    words_heard_destroy(&result);
    media_close(reader);
    return status;
}

/* Short recordings: all their other utterances are within the judge's window. */
static void count_understood(const spoken_list *l, double threshold, size_t *utterances,
                             size_t *words) {
    *utterances = *words = 0;
    for (size_t i = 0; i < l->count; i++) {
        double sum = 0, count = 0;
        for (size_t k = 0; k < l->count; k++) {
            if (k == i || l->items[k].recording != l->items[i].recording ||
                fabs(l->items[k].t1_s - l->items[i].t1_s) > JUDGE_WINDOW_S)
                continue;
            sum += l->items[k].sum;
            count += (double)l->items[k].count;
        }
        if (words_judge_decide(l->items[i].sum, l->items[i].count, sum, count, threshold)) {
            ++*utterances;
            *words += l->items[i].count;
        }
    }
}

static int fit(affect_context *ctx, int count, char **paths) {
    spoken_list lists[2] = {{0}};
    int which = 0;
    words_vosk *vosk = NULL;
    affect_status status = words_vosk_open(ctx, NULL, 16000, &vosk);
    for (int i = 0; i < count; i++) {
        if (!strcmp(paths[i], "--")) {
            which = 1;
            continue;
        }
        if (!status) status = listen(ctx, vosk, paths[i], i, &lists[which]);
        if (status) {
            fprintf(stderr, "%s\n", affect_context_message(ctx));
            return (int)status;
        }
    }
    words_vosk_close(vosk);
    size_t all[2] = {0};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k].count; i++) all[k] += lists[k].items[i].count;
    printf("threshold  English: utterances (of %zu)  words (of %zu)   others: utterances (of %zu)  "
           "words (of %zu)  words right\n",
           lists[0].count, all[0], lists[1].count, all[1]);
    for (int step = 0; step <= 20; step++) {
        double threshold = 0.8 + 0.1 * step;
        size_t utterances[2], words[2];
        for (int k = 0; k < 2; k++)
            count_understood(&lists[k], threshold, &utterances[k], &words[k]);
        printf("%9.1f %35zu %14zu %35zu %14zu  %10.1f %%\n", threshold, utterances[0], words[0],
               utterances[1], words[1],
               50.0 * ((double)words[0] / (double)BASE_MAX(all[0], (size_t)1) + 1 -
                       (double)words[1] / (double)BASE_MAX(all[1], (size_t)1)));
    }
    for (int k = 0; k < 2; k++) free(lists[k].items);
    return 0;
}

int main(int argc, char **argv) {
    affect_context *ctx;
    if (argc < 3 || affect_context_create(&ctx)) {
        fprintf(stderr, "usage: bench_words wer|judge|fit|show FILE...\n");
        return 2;
    }
    int result = !strcmp(argv[1], "wer")     ? word_error_rate(ctx, argc - 2, argv + 2)
                 : !strcmp(argv[1], "judge") ? judge(ctx, argc - 2, argv + 2)
                 : !strcmp(argv[1], "fit")   ? fit(ctx, argc - 2, argv + 2)
                 : !strcmp(argv[1], "show")  ? show(ctx, argc - 2, argv + 2)
                                             : 2;
    affect_context_destroy(ctx);
    return result;
}
