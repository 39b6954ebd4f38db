#include "tests/report/fixture.h"

#include <math.h>
#include <string.h>

#include "report/report_private.h"

typedef struct build {
    affect_context *ctx;
    affect_timeline *timeline;
    affect_status status;
    uint32_t random;
} build;

static double uniform(build *b) { /* 0..1, the same on every machine */
    b->random = b->random * 1664525U + 1013904223U;
    return (double)(b->random >> 8) / 16777216.0;
}

static affect_track *add_track(build *b, const char *id, affect_modality modality, int person,
                               const char *model, const char *const *channels, size_t n) {
    affect_track *track = NULL;
    if (b->status == AFFECT_OK)
        b->status = timeline_add_track(b->ctx, b->timeline, id, modality, person, model, channels,
                                       n, &track);
    return track;
}

static void add_row(build *b, affect_track *track, double time_s, double confidence,
                    const float *values) {
    if (b->status == AFFECT_OK)
        b->status =
            track_append(b->ctx, track, time_from_seconds(time_s), (float)confidence, values);
}

static void add_interval(build *b, const char *tier_id, affect_modality modality, double t0,
                         double t1, const char *label, double score, int person,
                         const char *attributes) {
    affect_tier *tier = NULL;
    if (b->status == AFFECT_OK)
        b->status = timeline_tier(b->ctx, b->timeline, tier_id, modality, &tier);
    affect_interval interval = {.t0 = time_from_seconds(t0),
                                .t1 = time_from_seconds(t1),
                                .label = label,
                                .score = (float)score,
                                .person = person};
    affect_attributes *parsed = NULL;
    if (b->status == AFFECT_OK && attributes)
        b->status = report_parse_attributes(b->ctx, attributes, &parsed);
    if (b->status == AFFECT_ERROR_FORMAT) { /* a text that only looks like them */
        b->status = affect_attributes_create(b->ctx, &parsed);
        if (b->status == AFFECT_OK)
            b->status = affect_attributes_set_text(b->ctx, parsed, "unparsed", attributes);
    }
    interval.attributes = parsed;
    if (b->status == AFFECT_OK) b->status = tier_append(b->ctx, tier, &interval);
    affect_attributes_destroy(parsed);
}

static void add_event(build *b, const char *kind, affect_modality modality, int person, double t,
                      double before, double after, double strength, double confidence) {
    affect_event event = {.onset = time_from_seconds(t - before),
                          .apex = time_from_seconds(t),
                          .offset = time_from_seconds(t + after),
                          .kind = kind,
                          .modality = modality,
                          .person = person,
                          .strength = (float)strength,
                          .confidence = (float)confidence};
    if (b->status == AFFECT_OK) b->status = timeline_add_event(b->ctx, b->timeline, &event);
}

static void property(build *b, const char *key, const char *value) {
    if (b->status == AFFECT_OK) b->status = timeline_set_property(b->ctx, b->timeline, key, value);
}

static void warn(build *b, double t0, double t1, const char *text) {
    if (b->status == AFFECT_OK)
        b->status = timeline_warn(b->ctx, b->timeline, time_from_seconds(t0), time_from_seconds(t1),
                                  "%s", text);
}

/* ---- a talk of two persons ---- */

static const char *const vad[] = {"valence",    "arousal",    "dominance",
                                  "valence_sd", "arousal_sd", "dominance_sd"};

typedef struct mood {
    double t, valence, arousal;
} mood;

static const mood moods[2][12] = {
    {{0, .02, -.1},
     {6, .1, .0},
     {11, .62, .45},
     {17, .55, .3},
     {22, .05, -.05},
     {27, -.25, .1},
     {31, -.58, .55},
     {36, -.45, .2},
     {40, -.1, -.2},
     {45, .4, .5},
     {49, .7, .35},
     {54, .3, .0}},
    {{0, .1, -.2},
     {8, .15, -.1},
     {13, .3, .1},
     {19, .1, .0},
     {24, -.05, .15},
     {29, -.2, .35},
     {33, -.15, .4},
     {37, -.35, .0},
     {42, .0, -.1},
     {46, .25, .2},
     {50, .5, .3},
     {54, .35, .1}},
};

static void mood_at(int person, double t, double *valence, double *arousal) {
    const mood *m = moods[person - 1];
    size_t i = 0;
    while (i + 2 < 12 && m[i + 1].t <= t) i++;
    double x = (t - m[i].t) / (m[i + 1].t - m[i].t);
    x = x < 0 ? 0 : x > 1 ? 1 : x * x * (3 - 2 * x);
    *valence = m[i].valence + x * (m[i + 1].valence - m[i].valence) + .05 * sin(t * 2.1 + person);
    *arousal = m[i].arousal + x * (m[i + 1].arousal - m[i].arousal) + .06 * sin(t * 3.3 - person);
}

typedef struct spoken {
    double t0, t1;
    int person;
    const char *text;
    const char *attributes;
} spoken;

static const spoken talk[] = {
    {1.2, 4.9, 1, "So I finally opened the letter this morning", NULL},
    {5.6, 7.4, 2, "And what did it say?", NULL},
    {9.1, 13.6, 1, "They said yes I could not believe it I was so happy", "{\"valence\":0.71}"},
    {14.1, 16.9, 2, "That is wonderful — ¡felicidades!", "{\"valence\":0.8}"},
    {19.8, 23.5, 1, "But then I read the second page", NULL},
    {25.9, 31.8, 1, "They want me to start on Monday which is not fair at all",
     "{\"valence\":-0.52}"},
    {32.4, 35.2, 2, "That is really terrible timing", "{\"valence\":-0.6}"},
    {37.0, 40.1, 1, "I know I was close to tears", "{\"valence\":-0.44}"},
    {42.6, 45.2, 2, "Could you ask for two more weeks?", NULL},
    {45.9, 51.7, 1, "I did and they laughed and said of course take your time",
     "{\"valence\":0.55}"},
};

static void add_words(build *b) {
    for (size_t i = 0; i < BASE_COUNT(talk); i++) {
        const spoken *s = &talk[i];
        char speaker[4] = {'S', (char)('0' + s->person), 0};
        add_interval(b, "utterances", AFFECT_MODALITY_WORDS, s->t0, s->t1, s->text, .86, s->person,
                     s->attributes);
        add_interval(b, "speakers", AFFECT_MODALITY_VOICE, s->t0 - .1, s->t1 + .1, speaker, .8,
                     s->person, NULL);
        add_interval(b, "speech", AFFECT_MODALITY_VOICE, s->t0 - .05, s->t1 + .05, "speech", .97,
                     AFFECT_PERSON_NONE, NULL);
        size_t letters = strlen(s->text);
        const char *at = s->text;
        while (*at) {
            size_t n = strcspn(at, " ");
            char word[64];
            snprintf(word, sizeof word, "%.*s", (int)n, at);
            double a = s->t0 + (s->t1 - s->t0) * (double)(at - s->text) / (double)letters;
            double z = a + (s->t1 - s->t0) * ((double)n + .6) / (double)letters;
            const char *strong[] = {"happy", "wonderful", "fair", "terrible", "tears", "laughed"};
            const double valence[] = {.82, .78, -.41, -.77, -.6, .65};
            char attributes[120] = "{\"scored\":false}";
            for (size_t k = 0; k < BASE_COUNT(strong); k++)
                if (strcmp(word, strong[k]) == 0)
                    snprintf(attributes, sizeof attributes,
                             "{\"valence\":%.2f,\"arousal\":0.4,\"negated\":%s,\"scored\":true}",
                             valence[k], k == 2 ? "true" : "false");
            add_interval(b, "words", AFFECT_MODALITY_WORDS, a, BASE_MIN(z, s->t1), word,
                         .6 + .39 * uniform(b), s->person, attributes);
            at += n + (at[n] == ' ');
        }
    }
}

static void add_person(build *b, int person) {
    char id[40];
    static const char *const au[] = {"AU01", "AU02", "AU04", "AU06",
                                     "AU12", "AU15", "AU25", "AU43"};
    static const char *const categories[] = {"neutral", "happiness", "surprise", "sadness",
                                             "anger",   "disgust",   "fear",     "contempt"};
    static const char *const pose[] = {"yaw", "pitch", "roll"};
    static const char *const box[] = {"x", "y", "width", "height"};
    static const char *const eyes[] = {"aperture_left", "aperture_right"};
    static const char *const mouth[] = {"opening", "width"};
    struct {
        const char *suffix, *model;
        const char *const *channels;
        size_t n;
        affect_track *track;
    } t[] = {{"box", "face.detect", box, 4, NULL},
             {"pose", "face.mesh", pose, 3, NULL},
             {"eyes", "face.mesh", eyes, 2, NULL},
             {"mouth", "face.mesh", mouth, 2, NULL},
             {"aus", "face.mesh", au, 8, NULL},
             {"expression", "face.expression", categories, 8, NULL},
             {"affect", "face.expression", vad, 6, NULL}};
    for (size_t i = 0; i < BASE_COUNT(t); i++) {
        snprintf(id, sizeof id, "face/%d/%s", person, t[i].suffix);
        t[i].track =
            add_track(b, id, AFFECT_MODALITY_FACE, person, t[i].model, t[i].channels, t[i].n);
    }
    snprintf(id, sizeof id, "trajectory/%d", person);
    affect_track *trajectory =
        add_track(b, id, AFFECT_MODALITY_FUSED, person, "latent.matern", vad, 6);
    for (int frame = 0; frame < 53 * 25 && b->status == AFFECT_OK; frame++) {
        double s = frame / 25.0, v, a;
        bool gone = person == 2 && s > 20.5 && s < 23.5; /* looked away */
        mood_at(person, s, &v, &a);
        if (gone) continue;
        double smile = fmax(0, v) * 4.5, frown = fmax(0, -v) * 3.5, c = .8 + .19 * uniform(b);
        add_row(b, t[0].track, s, c, (float[]){(float)(.3 + .01 * sin(s)), .2F, .3F, .4F});
        add_row(b, t[1].track, s, c,
                (float[]){(float)(8 * sin(s * .5)), (float)(4 * sin(s * .8)), (float)sin(s)});
        float aperture = (float)(fmod(s + person, 3.7) < .16 ? .05 : .31 + .02 * uniform(b));
        add_row(b, t[2].track, s, c, (float[]){aperture, aperture});
        add_row(b, t[3].track, s, c, (float[]){(float)(.1 + .1 * fabs(sin(9 * s))), .5F});
        add_row(b, t[4].track, s, c,
                (float[]){(float)(frown * .6), (float)fmax(0, a * 2), (float)frown,
                          (float)(smile * .7), (float)smile, (float)(frown * .5),
                          (float)(2 * fabs(sin(9 * s))), aperture < .1F ? 4.F : 0.F});
        double happy = fmax(.02, v), sad = fmax(.02, -v * .8), rest = .06;
        double sum = happy + sad + .5 + 5 * rest;
        add_row(b, t[5].track, s, c,
                (float[]){(float)(.5 / sum), (float)(happy / sum), (float)(rest / sum),
                          (float)(sad / sum), (float)(rest / sum), (float)(rest / sum),
                          (float)(rest / sum), (float)(rest / sum)});
        add_row(b, t[6].track, s, c,
                (float[]){(float)(v + .16 * (uniform(b) - .5)),
                          (float)(a + .16 * (uniform(b) - .5)), NAN, .25F, .3F, NAN});
    }
    for (int i = 0; i <= 53 * 10 && b->status == AFFECT_OK; i++) {
        double s = i / 10.0, v, a;
        mood_at(person, s, &v, &a);
        double gap = person == 2 ? exp(-(s - 22) * (s - 22) / 3) * .25 : 0;
        add_row(b, trajectory, s, .9,
                (float[]){(float)v, (float)a, (float)(.3 * v + .1), (float)(.13 + gap),
                          (float)(.1 + gap), (float)(.2 + gap)});
    }
    for (double s = 1.5 + person; s < 52; s += 3.1 + 2 * uniform(b))
        add_event(b, "blink", AFFECT_MODALITY_FACE, person, s, .08, .12, .9, .95);
}

static void add_voice(build *b) {
    static const char *const speech[] = {"speech"};
    static const char *const prosody[] = {"f0_hz",   "energy_db", "jitter",
                                          "shimmer", "hnr_db",    "rate_hz"};
    affect_track *activity =
        add_track(b, "voice/activity", AFFECT_MODALITY_VOICE, 0, "voice.activity", speech, 1);
    affect_track *p = add_track(b, "voice/prosody", AFFECT_MODALITY_VOICE, 0, "", prosody, 6);
    affect_track *va =
        add_track(b, "voice/affect", AFFECT_MODALITY_VOICE, 0, "voice.prosody", vad, 6);
    affect_track *wa =
        add_track(b, "words/affect", AFFECT_MODALITY_WORDS, 0, "words.lexicon", vad, 6);
    for (int i = 0; i < 5300 && b->status == AFFECT_OK; i++) {
        double s = i / 100.0, v, a;
        const spoken *now = NULL;
        for (size_t k = 0; k < BASE_COUNT(talk); k++)
            if (s >= talk[k].t0 && s < talk[k].t1) now = &talk[k];
        bool voiced = now && fmod(s, .25) < .17;
        mood_at(now ? now->person : 1, s, &v, &a);
        double f0 = (now && now->person == 2 ? 128 : 205) * (1 + .3 * a) + 14 * sin(s * 5);
        add_row(b, p, s, voiced ? .9 : .2,
                (float[]){voiced ? (float)f0 : NAN, (float)(now ? -24 + 8 * a : -58),
                          voiced ? .012F : NAN, voiced ? .05F : NAN, voiced ? 14.F : NAN,
                          now ? 4.2F : NAN});
        if (i % 3 == 0) add_row(b, activity, s, 1, (float[]){now ? .97F : .03F});
        if (i % 25 == 0 && now)
            add_row(b, va, s, .6,
                    (float[]){(float)(v * .5 + .2 * (uniform(b) - .5)),
                              (float)(a + .2 * (uniform(b) - .5)), NAN, .35F, .2F, NAN});
    }
    for (size_t k = 0; k < BASE_COUNT(talk); k++)
        if (talk[k].attributes) {
            double middle = (talk[k].t0 + talk[k].t1) / 2, v, a;
            mood_at(talk[k].person, middle, &v, &a);
            add_row(b, wa, middle, .5, (float[]){(float)v, .2F, .1F, .3F, .4F, .4F});
        }
}

static affect_status build_talk(build *b) {
    b->timeline->duration = time_from_seconds(53.48);
    property(b, "input", "interview.mp4");
    property(b, "program", "affect 0.1.0");
    property(b, "created", "2026-11-23T18:00:00Z");
    property(b, "model/face.detect", "BlazeFace back 1.2.0, Apache-2.0");
    property(b, "model/face.mesh", "MediaPipe face mesh, Apache-2.0");
    property(b, "model/voice.activity", "Silero VAD v6, MIT");
    property(b, "model/words.recognition.en", "Vosk small English, Apache-2.0");
    add_person(b, 1);
    add_person(b, 2);
    add_voice(b);
    add_words(b);
    static const struct {
        double t0, t1;
        int person;
        const char *label;
        double score;
        const char *attributes;
    } episodes[] = {
        {0, 8.2, 1, "neutral", .71,
         "{\"labels\":[{\"label\":\"neutral\",\"score\":0.71}],\"cues\":{}}"},
        {8.2, 19.4, 1, "happiness", .88,
         "{\"labels\":[{\"label\":\"happiness\",\"score\":0.88},{\"label\":\"surprise\",\"score\":"
         "0.34}],\"cues\":{\"face\":\"smile at 10.9 s\",\"voice\":\"pitch rises at 10.2 s\","
         "\"words\":\"“happy”\"}}"},
        {19.4, 26.1, 1, "neutral", .52,
         "{\"labels\":[{\"label\":\"neutral\",\"score\":0.52}],\"cues\":{\"voice\":\"pause\"}}"},
        {26.1, 34.5, 1, "anger", .64,
         "{\"labels\":[{\"label\":\"anger\",\"score\":0.64},{\"label\":\"sadness\",\"score\":0.41},"
         "{\"label\":\"contempt\",\"score\":0.12}],\"cues\":{\"face\":\"brow furrow at 30.6 s\","
         "\"voice\":\"emphasis on “not fair”\",\"words\":\"“not fair”\"}}"},
        {34.5, 42.8, 1, "sadness", .69,
         "{\"labels\":[{\"label\":\"sadness\",\"score\":0.69}],\"cues\":{\"face\":\"lip corners "
         "down\",\"words\":\"“tears”\"}}"},
        {42.8, 53.48, 1, "happiness", .83,
         "{\"labels\":[{\"label\":\"happiness\",\"score\":0.83}],\"cues\":{\"face\":\"smile at "
         "48.6 "
         "s\",\"words\":\"“laughed”\"}}"},
        {0, 12.0, 2, "neutral", .8,
         "{\"labels\":[{\"label\":\"neutral\",\"score\":0.8}],\"cues\":{}}"},
        {12.0, 17.5, 2, "happiness", .57,
         "{\"labels\":[{\"label\":\"happiness\",\"score\":0.57}],\"cues\":{\"voice\":\"pitch rises "
         "at 14.3 s\",\"words\":\"“wonderful”\"}}"},
        {17.5, 30.2, 2, "neutral", .6,
         "{\"labels\":[{\"label\":\"neutral\",\"score\":0.6}],\"cues\":{}}"},
        {30.2, 40.4, 2, "sadness", .44,
         "{\"labels\":[{\"label\":\"sadness\",\"score\":0.44},{\"label\":\"fear\",\"score\":0.2}],"
         "\"cues\":{\"face\":\"brow raise at 31.9 s\",\"words\":\"“terrible”\"}}"},
        {40.4, 53.48, 2, "happiness", .52,
         "{\"labels\":[{\"label\":\"happiness\",\"score\":0.52}],\"cues\":{\"face\":\"smile at "
         "49.8 "
         "s\"}}"},
    };
    for (size_t i = 0; i < BASE_COUNT(episodes); i++)
        add_interval(b, "episodes", AFFECT_MODALITY_FUSED, episodes[i].t0, episodes[i].t1,
                     episodes[i].label, episodes[i].score, episodes[i].person,
                     episodes[i].attributes);
    const affect_modality face = AFFECT_MODALITY_FACE, voice = AFFECT_MODALITY_VOICE,
                          words = AFFECT_MODALITY_WORDS;
    add_event(b, "smile", face, 1, 10.9, .7, 4.1, .86, .93);
    add_event(b, "smile", face, 1, 48.6, 1.1, 3.2, .92, .95);
    add_event(b, "smile", face, 2, 15.2, .6, 1.8, .55, .8);
    add_event(b, "smile", face, 2, 49.8, .9, 2.6, .6, .82);
    add_event(b, "brow_furrow", face, 1, 30.6, .8, 2.9, .7, .77);
    add_event(b, "brow_raise", face, 1, 9.6, .2, .5, .5, .7);
    add_event(b, "brow_raise", face, 2, 31.9, .3, .9, .58, .74);
    add_event(b, "micro_expression", face, 1, 25.32, .12, .2, .35, .41);
    add_event(b, "pitch_rise", voice, 1, 10.2, .4, .3, .7, .8);
    add_event(b, "pitch_rise", voice, 2, 7.2, .3, .2, .6, .8);
    add_event(b, "pitch_rise", voice, 2, 14.3, .3, .4, .66, .75);
    add_event(b, "pitch_fall", voice, 1, 39.5, .5, .4, .5, .7);
    add_event(b, "emphasis", voice, 1, 29.8, .2, .3, .8, .85);
    add_event(b, "emphasis", voice, 1, 12.9, .2, .25, .62, .8);
    add_event(b, "pause", voice, 0, 18.3, 1.3, 1.4, .7, .96);
    add_event(b, "pause", voice, 0, 24.7, 1.1, 1.1, .6, .95);
    add_event(b, "negation", words, 1, 29.6, .2, .2, 1, .9);
    add_event(b, "intensifier", words, 1, 13.0, .2, .2, .8, .9);
    add_event(b, "intensifier", words, 2, 33.4, .2, .2, .8, .9);
    add_event(b, "laughter", words, 1, 47.9, .3, .3, .9, .7);
    warn(b, 20.5, 23.5, "person 2 left the picture; no face from 20.5 s to 23.5 s");
    if (b->status == AFFECT_OK)
        b->status = timeline_warn(b->ctx, b->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                                  "model voice.speaker is missing: speaker turns come from the "
                                  "transcript; 'make models' fetches it");
    if (b->status == AFFECT_OK) timeline_sort(b->timeline);
    return b->status;
}

/* ---- everything that could break a format ---- */

static affect_status build_hard(build *b) {
    b->timeline->duration = time_from_seconds(10.0005);
    property(b, "input", "no such folder/a \"b\" & <c> ünï ♥ #1?.mp4");
    property(b, "key with \"quotes\"\n", "</script><script>alert('x')</script><!-- \xe2\x80\xa8");
    static const char *const channels[] = {"comma, name", "quote \"q\"", "Δ"};
    affect_track *track =
        add_track(b, "odd/../../id \"x\"", AFFECT_MODALITY_NONE, 0, "m\\n", channels, 3);
    static const float values[] = {0.F,      -0.F,        1.F / 3.F,  16777216.F, 3.4028235e38F,
                                   1.4e-45F, 1e-5F,       -9.9e-6F,   .1F,        123456.789F,
                                   -1.5F,    NAN,         INFINITY,   -INFINITY,  8388609.F,
                                   1e9F,     999999999.F, .99999994F, 1e-38F,     2.5e20F};
    for (size_t i = 0; i < BASE_COUNT(values); i++)
        add_row(b, track, (double)i * .0004, i % 3 ? .5 : NAN,
                (float[]){values[i], -values[i], NAN});
    add_track(b, "no channels", AFFECT_MODALITY_VOICE, 12, NULL, NULL, 0);
    if (b->status == AFFECT_OK)
        add_row(b, b->timeline->tracks[1], -1.5, 1, (float[]){0}); /* negative time, no value */
    const affect_modality words = AFFECT_MODALITY_WORDS;
    static const char *const labels[] = {
        "\"quoted\", 'single' & <b>bold</b>",
        "日本語のテキスト",
        "العربية نص",
        "👩‍👩‍👧‍👦 family 🏳️‍🌈",
        "line\nbreak\r\nand\ttab",
        "--> arrow\n\nWEBVTT",
        "bad \xff\xc0 utf-8 \xed\xa0\x80",
        "control \x01\x1f\x7f \xc2\x9b",
        "",
        " leading and trailing ",
        "]]> --> </script>",
        "\xef\xbf\xbe noncharacter",
        "हिन्दी · ไทย · 한국어 · עברית",
    };
    for (size_t i = 0; i < BASE_COUNT(labels); i++) {
        double t0 = 9 - (double)i * .7; /* out of order, overlapping */
        add_interval(b, "words", words, t0, t0 + 1.5, labels[i], i % 2 ? NAN : .25, (int)(i % 3),
                     i % 4 == 0   ? "{ \"a\" : [ 1.50 , \"x y\\\" \" ] }"
                     : i % 4 == 1 ? "not json"
                                  : NULL);
        add_interval(b, "episodes", AFFECT_MODALITY_FUSED, t0, t0 + .5, labels[i], .5,
                     1 + (int)(i % 2),
                     i % 2 ? "{\"labels\":[],\"cues\":{\"face\":\"a <b> & \\\"c\\\"\"}}" : "[1,2]");
    }
    add_interval(b, "words", words, 3, 3, "no length", .5, 0, NULL);
    add_interval(b, "words", words, 3, 3, "nor this one", .5, 0, NULL);
    add_interval(b, "words", words, 2.9999999, 3.0000001, "rounds to none", .5, 0, NULL);
    add_interval(b, "words/1", words, 0, 1, "a tier whose id looks like a lane", 1, 0, NULL);
    add_interval(b, "Words", words, 0, 1, "differs in case", 1, -3, NULL);
    add_interval(b, "events", words, 0, 1, "named as another file", 1, 0, NULL);
    if (b->status == AFFECT_OK) {
        affect_tier *none;
        b->status = timeline_tier(b->ctx, b->timeline, "empty tier", words, &none);
    }
    add_event(b, "smile \"x\" <y>", AFFECT_MODALITY_FACE, 1, 1, 0, 0, NAN, INFINITY);
    add_event(b, "smile", AFFECT_MODALITY_FACE, 1, 1, .5, 20, 1, 1); /* ends after the recording */
    add_event(b, "b,\n", AFFECT_MODALITY_VOICE, -1, -2, 1, .5, 0, 0);
    warn(b, NAN, NAN, "nothing of \"this\" & <that>");
    warn(b, 1, 2, "a gap");
    return b->status;
}

static affect_status build_long(build *b, double hours) {
    static const char *const sentence[] = {"well", "this",  "goes", "on",
                                           "for",  "quite", "a",    "while"};
    static const char *const prosody[] = {"f0_hz", "energy_db", "jitter", "shimmer", "hnr_db"};
    static const char *const labels[] = {"neutral", "happiness", "sadness", "surprise", "anger"};
    double end = hours * 3600;
    b->timeline->duration = time_from_seconds(end);
    property(b, "input", "long.wav");
    affect_track *p = add_track(b, "voice/prosody", AFFECT_MODALITY_VOICE, 0, "", prosody, 5);
    affect_track *t = add_track(b, "trajectory/1", AFFECT_MODALITY_FUSED, 1, "latent", vad, 6);
    for (size_t i = 0; (double)i < end * 100 && b->status == AFFECT_OK; i++) {
        double s = (double)i / 100;
        bool voiced = fmod(s, 6) < 4;
        add_row(b, p, s, .9,
                (float[]){voiced ? (float)(180 + 40 * sin(s)) : NAN, (float)(-30 + 3 * uniform(b)),
                          .01F, .05F, 12.F});
        if (i % 10 == 0)
            add_row(b, t, s, .9,
                    (float[]){(float)(.5 * sin(s / 300) + .3 * sin(s / 7)),
                              (float)(.4 * cos(s / 500) + .2 * sin(s / 3)), .1F, .1F, .15F, .2F});
    }
    size_t n = 0;
    for (double s = 0; s + 4 < end && b->status == AFFECT_OK; s += 6, n++) {
        add_interval(b, "utterances", AFFECT_MODALITY_WORDS, s, s + 4,
                     "well this goes on for quite a while", .9, 1, NULL);
        for (int w = 0; w < 8; w++)
            add_interval(b, "words", AFFECT_MODALITY_WORDS, s + w * .5, s + w * .5 + .45,
                         sentence[w], .9, 1, "{\"scored\":false}");
        add_event(b, n % 3 ? "pitch_rise" : "emphasis", AFFECT_MODALITY_VOICE, 1, s + 2, .2, .3,
                  uniform(b), .8);
        if (n % 5 == 0)
            add_interval(b, "episodes", AFFECT_MODALITY_FUSED, s, BASE_MIN(s + 30, end),
                         labels[n / 5 % 5], .4 + .5 * uniform(b), 1, "{\"cues\":{}}");
    }
    if (b->status == AFFECT_OK) timeline_sort(b->timeline);
    return b->status;
}

affect_status fixture_build(affect_context *ctx, fixture_kind kind, double hours,
                            affect_timeline **out) {
    build b = {.ctx = ctx, .random = 1};
    affect_status status = timeline_create(ctx, out);
    if (status != AFFECT_OK) return status;
    b.timeline = *out;
    switch (kind) {
    case FIXTURE_TALK: status = build_talk(&b); break;
    case FIXTURE_HARD: status = build_hard(&b); break;
    case FIXTURE_LONG: status = build_long(&b, hours); break;
    case FIXTURE_EMPTY: break;
    }
    if (status != AFFECT_OK) {
        affect_timeline_destroy(*out);
        *out = NULL;
    }
    return status;
}
