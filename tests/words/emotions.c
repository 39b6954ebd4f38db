#include "words/emotions.h"

#include "tests/test.h"

#include <math.h>
#include <string.h>

static words_emotions *words;

static size_t index_of(const char *word) {
    long i = words_emotions_find(words, word);
    if (i < 0) fail_msg("%s is not in the lexicon", word);
    return (size_t)i;
}

static const words_emotion_word *entry(const char *word) {
    return words_emotions_at(words, index_of(word));
}

static float apart(const char *a, const char *b) {
    return words_emotions_distance(words, index_of(a), index_of(b));
}

static const char *const opposites[][2] = {{"happy", "sad"},
                                           {"calm", "angry"},
                                           {"love", "hate"},
                                           {"joy", "sorrow"},
                                           {"happiness", "sadness"},
                                           {"hope", "despair"},
                                           {"hopeful", "hopeless"},
                                           {"proud", "ashamed"},
                                           {"pride", "shame"},
                                           {"brave", "afraid"},
                                           {"fearless", "fearful"},
                                           {"confident", "insecure"},
                                           {"confidence", "shyness"},
                                           {"calmness", "agitation"},
                                           {"calm", "nervous"},
                                           {"relaxed", "tense"},
                                           {"serene", "anxious"},
                                           {"content", "discontent"},
                                           {"satisfied", "dissatisfied"},
                                           {"satisfaction", "dissatisfaction"},
                                           {"cheerful", "gloomy"},
                                           {"glad", "sorry"},
                                           {"optimistic", "pessimistic"},
                                           {"optimism", "pessimism"},
                                           {"grateful", "ungrateful"},
                                           {"gratitude", "ingratitude"},
                                           {"admiration", "contempt"},
                                           {"respect", "scorn"},
                                           {"trust", "distrust"},
                                           {"trusting", "suspicious"},
                                           {"like", "dislike"},
                                           {"affection", "hostility"},
                                           {"pleasure", "pain"},
                                           {"delighted", "disgusted"},
                                           {"excited", "bored"},
                                           {"excitement", "boredom"},
                                           {"enthusiasm", "apathy"},
                                           {"interested", "indifferent"},
                                           {"compassion", "cruelty"},
                                           {"kindness", "malice"},
                                           {"kind", "cruel"},
                                           {"comfortable", "uncomfortable"},
                                           {"comfort", "distress"},
                                           {"pleasant", "unpleasant"},
                                           {"relief", "worry"},
                                           {"elated", "depressed"},
                                           {"energetic", "exhausted"},
                                           {"loved", "unloved"},
                                           {"encouraged", "discouraged"},
                                           {"humble", "arrogant"},
                                           {"patient", "impatient"},
                                           {"approval", "disapproval"}};

static const char *const alike[][2] = {
    {"happy", "happiness"},      {"happy", "glad"},
    {"joy", "joyful"},           {"sad", "sadness"},
    {"sad", "sorrowful"},        {"angry", "anger"},
    {"angry", "furious"},        {"rage", "fury"},
    {"afraid", "scared"},        {"fear", "fright"},
    {"terrified", "terror"},     {"anxious", "anxiety"},
    {"worried", "worry"},        {"nervous", "nervousness"},
    {"disgust", "revulsion"},    {"hate", "hatred"},
    {"loathing", "hatred"},      {"jealousy", "envy"},
    {"jealous", "envious"},      {"contempt", "scorn"},
    {"disdain", "contempt"},     {"surprised", "astonished"},
    {"surprise", "amazement"},   {"confused", "bewildered"},
    {"calm", "tranquil"},        {"serenity", "tranquility"},
    {"gratitude", "thankful"},   {"grateful", "thankful"},
    {"guilt", "remorse"},        {"regret", "remorse"},
    {"ashamed", "shame"},        {"embarrassed", "embarrassment"},
    {"lonely", "loneliness"},    {"bored", "boredom"},
    {"tired", "weary"},          {"grief", "heartbreak"},
    {"despair", "hopelessness"}, {"hopeful", "optimistic"},
    {"proud", "pride"},          {"courage", "bravery"},
    {"brave", "courageous"},     {"compassion", "compassionate"},
    {"sympathy", "pity"},        {"curious", "curiosity"},
    {"excited", "thrilled"},     {"enthusiasm", "eagerness"},
    {"affection", "fondness"},   {"annoyed", "irritated"},
    {"annoyance", "irritation"}, {"resentment", "bitterness"}};

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void opposites_are_apart_and_synonyms_together(void **state) {
    (void)state;
    float far[BASE_COUNT(opposites)], near[BASE_COUNT(alike)];
    size_t n = 0, one_group = 0;
    for (size_t i = 0; i < BASE_COUNT(opposites); i++) {
        const char *a = opposites[i][0], *b = opposites[i][1];
        if (words_emotions_find(words, a) < 0 || words_emotions_find(words, b) < 0) continue;
        far[n++] = apart(a, b);
        assert_true(entry(a)->group != entry(b)->group);
        if (apart(a, b) < .5F) print_message("%s and %s: only %.2f\n", a, b, (double)apart(a, b));
        assert_true(apart(a, b) >= .5F);
    }
    assert_true(n >= 50);
    for (size_t i = 0; i < BASE_COUNT(alike); i++) {
        near[i] = apart(alike[i][0], alike[i][1]);
        one_group += entry(alike[i][0])->group == entry(alike[i][1])->group;
        if (near[i] > .2F)
            print_message("%s and %s: %.2f\n", alike[i][0], alike[i][1], (double)near[i]);
        assert_true(near[i] <= .2F);
    }
    qsort(far, n, sizeof *far, by_size);
    qsort(near, BASE_COUNT(near), sizeof *near, by_size);
    print_message(
        "%zu opposites at %.2f (least %.2f), %zu synonyms at %.2f (most %.2f), %zu of them "
        "in one group\n",
        n, (double)far[n / 2], (double)far[0], BASE_COUNT(near), (double)near[BASE_COUNT(near) / 2],
        (double)near[BASE_COUNT(near) - 1], one_group);
    assert_true(far[0] > near[BASE_COUNT(near) * 9 / 10]);
    assert_true(one_group >= BASE_COUNT(alike) * 7 / 10);
}

static void nobody_near_happy_is_unhappy(void **state) {
    (void)state;
    static const struct {
        const char *word;
        float sign;
    } cases[] = {{"happy", 1},   {"joy", 1},      {"calm", 1},   {"love", 1},
                 {"hopeful", 1}, {"proud", 1},    {"sad", -1},   {"angry", -1},
                 {"fear", -1},   {"disgust", -1}, {"guilt", -1}, {"envy", -1}};
    for (size_t c = 0; c < BASE_COUNT(cases); c++) {
        size_t near[10];
        float far[10];
        assert_int_equal(words_emotions_neighbours(words, index_of(cases[c].word), 10, near, far),
                         10);
        for (size_t i = 0; i < 10; i++) {
            const words_emotion_word *e = words_emotions_at(words, near[i]);
            if (e->vad[0] * cases[c].sign <= 0)
                fail_msg("%s (%.2f) is near %s", e->word, (double)e->vad[0], cases[c].word);
            assert_true(!i || far[i] >= far[i - 1]);
        }
    }
}

static void the_lexicon_is_large_and_whole(void **state) {
    (void)state;
    size_t n = words_emotions_count(words), members = 0;
    assert_true(n >= 1500);
    assert_true(words_emotions_family_count(words) >= 30);
    for (size_t i = 0; i < n; i++) {
        const words_emotion_word *e = words_emotions_at(words, i);
        assert_true(e->family_count >= 1 && *e->pos && *e->sources);
        for (int k = 0; k < 3; k++) assert_true(fabsf(e->vad[k]) <= 1);
        assert_true(words_emotions_distance(words, i, i) == 0);
        assert_int_equal(words_emotions_find(words, e->word), i);
    }
    for (size_t g = 0; g < words_emotions_group_count(words); g++) {
        size_t count;
        const size_t *list = words_emotions_group_members(words, g, &count);
        bool named = false;
        assert_true(count >= 1);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(words_emotions_at(words, list[i])->group, g);
            named |= !strcmp(words_emotions_at(words, list[i])->word,
                             words_emotions_group_name(words, g));
        }
        assert_true(named);
        members += count;
    }
    assert_int_equal(members, n);
    static const char *const categories[] = {"neutral", "happiness", "surprise", "sadness",
                                             "anger",   "disgust",   "fear",     "contempt"};
    unsigned seen = 0;
    for (size_t k = 0; k < words_emotions_family_count(words); k++)
        for (size_t c = 0; c < BASE_COUNT(categories); c++)
            if (!strcmp(words_emotions_family(words, k)->category, categories[c])) seen |= 1U << c;
    assert_int_equal(seen, 0xff);
}

static void words_are_found_in_the_forms_of_texts(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"Worried", "worried"}, {"worries", "worry"},    {"  HAPPY ", "happy"},
        {"happier", "happy"},   {"saddest", "sad"},      {"stage_fright", "stage fright"},
        {"fears", "fear"},      {"despised", "despise"}, {"envying", "envy"},
        {"sulked", "sulk"},     {"joy's", "joy"},        {"grumpiest", "grumpy"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        long found = words_emotions_lookup(words, cases[i][0]);
        if (found < 0) fail_msg("%s is not found", cases[i][0]);
        assert_string_equal(words_emotions_at(words, (size_t)found)->word, cases[i][1]);
    }
    static const char *const none[] = {"",   " ",   "table", "s",     "ing", "'s",
                                       "es", "est", "ed",    "\xff ", "the"};
    for (size_t i = 0; i < BASE_COUNT(none); i++)
        assert_int_equal(words_emotions_lookup(words, none[i]), WORDS_EMOTION_NONE);
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(words_emotions_lookup(words, longest), WORDS_EMOTION_NONE);
}

static void a_place_names_its_words(void **state) {
    (void)state;
    static const struct {
        float vad[3];
        const char *category;
    } cases[] = {{{.85F, .5F, .5F}, "happiness"}, {{-.75F, .75F, .4F}, "anger"},
                 {{-.75F, .8F, -.7F}, "fear"},    {{-.75F, -.3F, -.55F}, "sadness"},
                 {{.5F, -.7F, .25F}, "neutral"},  {{.2F, .8F, -.3F}, "surprise"}};
    for (size_t c = 0; c < BASE_COUNT(cases); c++) {
        size_t near[10], right = 0;
        float far[10];
        assert_int_equal(words_emotions_nearest(words, cases[c].vad, 10, near, far), 10);
        for (size_t i = 0; i < 10; i++) {
            size_t f = words_emotions_at(words, near[i])->families[0].family;
            right += !strcmp(words_emotions_family(words, f)->category, cases[c].category);
        }
        if (right < 4) fail_msg("%zu of 10 are %s", right, cases[c].category);
    }
    const float unsure[3] = {.85F, NAN, NAN}, nowhere[3] = {NAN, NAN, NAN};
    size_t near[3];
    assert_int_equal(words_emotions_nearest(words, unsure, 3, near, NULL), 3);
    assert_true(fabsf(words_emotions_at(words, near[0])->vad[0] - .85F) < .05F);
    assert_int_equal(words_emotions_nearest(words, nowhere, 3, near, NULL), 3);
    assert_int_equal(words_emotions_nearest(words, unsure, 0, near, NULL), 0);
}

static void damaged_files_are_refused_with_the_line(void **state) {
    (void)state;
#define HEAD "# affect emotion words 1\n"
#define FAMILY "=family\tjoy\thappiness\t1\t0\t0\n"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "line 1"},
        {"nonsense\n", "line 1"},
        {HEAD, "line 1"},
        {HEAD "=family\tjoy\thappiness\t2\t0\t0\n", "line 2"},
        {HEAD "=family\tjoy\t\t1\t0\t0\n", "line 2"},
        {HEAD FAMILY FAMILY, "line 3"},
        {HEAD FAMILY "a\tn\t0\t0\t0\ta\tjoy:1\n", "line 3"},
        {HEAD FAMILY "a\tn\t0\t0\t0\ta\tjoy:1\tv\tv\n", "line 3"},
        {HEAD FAMILY "a\tn\t0\tnan\t0\ta\tjoy:1\tv\n", "line 3"},
        {HEAD FAMILY "a\tx\t0\t0\t0\ta\tjoy:1\tv\n", "line 3"},
        {HEAD FAMILY "a\tn\t0\t0\t0\t\tjoy:1\tv\n", "line 3"},
        {HEAD FAMILY "a\tn\t0\t0\t0\ta\tjoy\tv\n", "line 3"},
        {HEAD FAMILY "a\tn\t0\t0\t0\ta\tgloom:1\tv\n", "line 3"},
        {HEAD FAMILY "a\tn\t0\t0\t0\ta\tjoy:1,joy:1,joy:1,joy:1\tv\n", "line 3"},
        {HEAD FAMILY "b\tn\t0\t0\t0\tb\tjoy:1\tv\na\tn\t0\t0\t0\ta\tjoy:1\tv\n", "line 4"}};
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        words_emotions *bad;
        if (words_emotions_parse(ctx, "x", cases[i].text, strlen(cases[i].text), &bad) !=
            AFFECT_ERROR_MODEL)
            fail_msg("case %zu is accepted", i);
        assert_null(bad);
        if (!strstr(affect_context_message(ctx), cases[i].message))
            fail_msg("case %zu: %s", i, affect_context_message(ctx));
    }
    affect_context_destroy(ctx);
}

static void no_memory_is_an_error_like_others(void **state) {
    (void)state;
    static const char text[] = HEAD FAMILY "glad\ta\t1\t0\t0\tjoy\tjoy:1\tv\n"
                                           "joy\tn\t1\t0\t0\tjoy\tjoy:1\tv\n";
    for (long n = 1;; n++) {
        words_emotions *w;
        base_alloc_fail_at(n);
        affect_status status = words_emotions_parse(NULL, "x", text, sizeof text - 1, &w);
        base_alloc_fail_at(0);
        if (status == AFFECT_OK) {
            assert_true(n > 5);
            size_t count;
            words_emotions_group_members(w, 0, &count);
            assert_int_equal(count, 2);
            words_emotions_destroy(w);
            break;
        }
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_null(w);
    }
}

/* What was checked by hand (tools/lexicon/checked.tsv) is what the file says. */
static void hand_checks_hold(void **state) {
    (void)state;
    char *text;
    size_t length, rows = 0, ok = 0;
    assert_int_equal(base_read_file(NULL, "tools/lexicon/checked.tsv", 0, &text, &length),
                     AFFECT_OK);
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        if (*line != '#') {
            char *columns[12] = {NULL};
            size_t n = 0;
            for (char *at = line; at && n < 12; n++) {
                columns[n] = at;
                at = strchr(at, '\t');
                if (at) *at++ = 0;
            }
            assert_true(n >= 7);
            rows++;
            if (!strcmp(columns[6], "drop")) {
                assert_int_equal(words_emotions_find(words, columns[0]), WORDS_EMOTION_NONE);
            } else {
                bool fix = !strcmp(columns[6], "fix");
                ok += !fix;
                const words_emotion_word *e = entry(columns[0]);
                for (size_t k = 0; k < 3; k++) {
                    const char *right = fix && *columns[7 + k] ? columns[7 + k] : columns[1 + k];
                    assert_true(fabs((double)e->vad[k] - strtod(right, NULL)) < 1e-3);
                }
                assert_string_equal(words_emotions_family(words, e->families[0].family)->name,
                                    fix && *columns[10] ? columns[10] : columns[5]);
            }
        }
        line = end ? end + 1 : NULL;
    }
    base_free(text);
    print_message("%zu words checked by hand, %zu of them right as the recipe had them\n", rows,
                  ok);
    assert_true(rows >= 200);
}

static int load(void **state) {
    (void)state;
    return words_emotions_load(NULL, "models/words.emotions", &words);
}

static int unload(void **state) {
    (void)state;
    words_emotions_destroy(words);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lexicon_is_large_and_whole),
        cmocka_unit_test(opposites_are_apart_and_synonyms_together),
        cmocka_unit_test(nobody_near_happy_is_unhappy),
        cmocka_unit_test(words_are_found_in_the_forms_of_texts),
        cmocka_unit_test(a_place_names_its_words),
        cmocka_unit_test(hand_checks_hold),
        cmocka_unit_test(damaged_files_are_refused_with_the_line),
        cmocka_unit_test(no_memory_is_an_error_like_others),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
