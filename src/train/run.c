/* One training run: epochs of shuffled batches over shards, validation with the averaged weights,
 * early stop, a checkpoint each epoch from which a killed run goes on bit for bit. Everything
 * random is a function of the seed, the epoch and the sample, so a checkpoint holds no generator.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/kernels.h"
#include "nn/tape.h"
#include "train/train_private.h"
#include "voice/summary.h"

enum { WINDOW = 50 }; /* batches whose texts are sorted by length */

/* ---- from the recipe ---- */

static void read_labels(training *t) {
    const char *text = train_recipe_text(t->recipe, "data", "labels", NULL);
    const char *values = train_recipe_text(t->recipe, "data", "values", "");
    base_text both = {0};
    base_text_printf(&both, "%s | %s", text, values);
    t->label_text = both.data;
    if (!t->label_text) {
        t->recipe->status = base_fail_memory(t->ctx);
        return;
    }
    char *rest = t->label_text;
    bool in_values = false;
    for (char *word; (word = strsep(&rest, " ,"));) {
        if (!*word) continue;
        if (strcmp(word, "|") == 0) {
            in_values = true;
            continue;
        }
        if (t->classes + t->values == MAX_LABELS) {
            train_recipe_mistake(t->recipe, "data", "labels", "more than %d labels", MAX_LABELS);
            return;
        }
        t->labels[t->classes + t->values] = word;
        *(in_values ? &t->values : &t->classes) += 1;
    }
    if (t->values > 3)
        train_recipe_mistake(t->recipe, "data", "values", "expected at most three values");
    if (t->classes < 2)
        train_recipe_mistake(t->recipe, "data", "labels", "expected at least two labels");
}

/* "LABEL number number ... LABEL ...": where each class lies among the values. */
static void read_places(training *t) {
    const char *text = train_recipe_text(t->recipe, "data", "places", "");
    if (!*text || t->recipe->status != AFFECT_OK) return;
    t->places = base_calloc(t->classes * BASE_MAX(t->values, (size_t)1), sizeof *t->places);
    char *copy = base_strdup(text), *rest = copy;
    bool known[MAX_LABELS] = {false};
    size_t label = MAX_LABELS, at = 0, seen = 0;
    if (!t->places || !copy) t->recipe->status = base_fail_memory(t->ctx);
    for (char *word; t->recipe->status == AFFECT_OK && (word = strsep(&rest, " ,"));) {
        double value;
        if (!*word) continue;
        if (label < t->classes && at < t->values) {
            if (!base_parse_double(word, strlen(word), &value) || fabs(value) > 1)
                train_recipe_mistake(t->recipe, "data", "places",
                                     "expected a number from -1 to 1 instead of '%s'", word);
            t->places[label * t->values + at++] = (float)value;
            continue;
        }
        for (label = 0; label < t->classes && strcmp(t->labels[label], word) != 0;) label++;
        if (label == t->classes || known[label])
            train_recipe_mistake(t->recipe, "data", "places", "expected each label once, not '%s'",
                                 word);
        else
            known[label] = true;
        at = 0;
        seen++;
    }
    if (seen != t->classes || at != t->values || !t->values)
        train_recipe_mistake(t->recipe, "data", "places", "expected every label with %zu numbers",
                             t->values);
    base_free(copy);
    t->spec.places = t->places;
}

static void read_schedule(training *t) {
    train_recipe *r = t->recipe;
    t->epochs = train_recipe_count(r, "train", "epochs", 30, 1, 10000);
    t->batch = train_recipe_count(r, "train", "batch", 128, 1, 65536);
    t->shard = train_recipe_count(r, "train", "shard", 32, 1, 65536);
    t->seed = (uint64_t)train_recipe_number(r, "train", "seed", 1, 0, 1e15);
    t->rate = train_recipe_number(r, "train", "rate", 1e-3, 1e-9, 10);
    t->final_rate = train_recipe_number(r, "train", "final_rate", .01, 0, 1);
    t->warm_up = train_recipe_count(r, "train", "warm_up_steps", 0, 0, 1000000);
    t->patience = train_recipe_count(r, "train", "patience", 0, 0, 10000);
    t->monitor =
        train_recipe_choice(r, "train", "monitor", "loss", "loss|accuracy|uar|macro_f1|r|last");
    if (strcmp(t->monitor, "r") == 0 && !t->values)
        train_recipe_mistake(r, "train", "monitor", "expected values in [data] to correlate");
    t->plateau = train_recipe_second(r, "train", "schedule", "cosine|plateau");
    t->plateau_patience = train_recipe_count(r, "train", "plateau_patience", 3, 1, 10000);
    t->plateau_factor = train_recipe_number(r, "train", "plateau_factor", .3, .001, .999);
    t->rate_scale = 1;
    if (t->plateau && strcmp(t->monitor, "last") == 0)
        train_recipe_mistake(r, "train", "schedule",
                             "expected a monitor other than 'last', which is better every epoch");
    t->higher_is_better = strcmp(t->monitor, "loss") != 0;
    t->by_class = train_recipe_second(r, "train", "calibrate", "targets|class");
    t->temperature = train_recipe_number(r, "train", "temperature", 0, 0, 100);
    t->balance = train_recipe_number(r, "train", "balance", 0, 0, 1);
    t->optimiser = (nn_optimiser){
        .beta1 = train_recipe_number(r, "train", "beta1", .9, 0, .9999),
        .beta2 = train_recipe_number(r, "train", "beta2", .999, 0, .999999),
        .epsilon = 1e-8,
        .decay = train_recipe_number(r, "train", "decay", .01, 0, 10),
        .clip = train_recipe_number(r, "train", "clip", 0, 0, 1e9),
        .average = train_recipe_number(r, "train", "average", 0, 0, .999999),
    };
    t->each_threshold = train_recipe_second(r, "train", "thresholds", "one|each");
    if (t->each_threshold && !t->spec.multi_label)
        train_recipe_mistake(r, "train", "thresholds", "expected several labels");
    t->threshold_on_valid = train_recipe_second(r, "train", "threshold_on", "training|validation");
    if (t->threshold_on_valid && !t->spec.multi_label)
        train_recipe_mistake(r, "train", "threshold_on", "expected several labels");
    t->by_length = train_recipe_second(r, "train", "order", "mixed|by_length");
    t->small_epochs = train_recipe_count(r, "train", "small_epochs", 0, 0, 10000);
    t->small_size = train_recipe_count(r, "train", "small_size", 32, 16, 48);
    if (t->batch % t->shard)
        train_recipe_mistake(r, "train", "shard", "expected a divisor of batch = %zu", t->batch);
    t->augment = (train_augment){
        .flip = train_recipe_number(r, "augment", "flip", 0, 0, 1),
        .rotate = train_recipe_number(r, "augment", "rotate_degrees", 0, 0, 180),
        .scale = train_recipe_number(r, "augment", "scale", 0, 0, .9),
        .shift = train_recipe_number(r, "augment", "shift_pixels", 0, 0, 24),
        .shear = train_recipe_number(r, "augment", "shear", 0, 0, 1),
        .gamma = train_recipe_number(r, "augment", "gamma", 0, 0, 3),
        .erase = train_recipe_number(r, "augment", "erase", 0, 0, 1),
        .noise = train_recipe_number(r, "augment", "noise", 0, 0, 100),
        .tempo = train_recipe_number(r, "augment", "tempo", 0, 0, .5),
        .pitch = train_recipe_number(r, "augment", "pitch_bands", 0, 0, 20),
        .noisy = train_recipe_number(r, "augment", "noisy", 0, 0, 1),
        .reverb = train_recipe_number(r, "augment", "reverb", 0, 0, 1),
        .narrow = train_recipe_number(r, "augment", "narrow_band", 0, 0, 1),
        .mask = train_recipe_number(r, "augment", "mask", 0, 0, 1),
        .crop_s = train_recipe_number(r, "augment", "crop_seconds", 0, 0, 15),
        .pieces = train_recipe_number(r, "augment", "pieces", 0, 0, 1),
        .drop = train_recipe_number(r, "augment", "drop_words", 0, 0, 1),
    };
}

/* Vocabulary from the training texts, which are read once without one; or that of the run whose
 * weights this one starts from. */
static affect_status make_words(training *t, const char *sources, size_t least, size_t buckets,
                                const char *start) {
    if (*start) {
        char *path = base_path_join(start, "words.txt");
        affect_status read =
            path ? words_units_open(t->ctx, path, &t->words) : base_fail_memory(t->ctx);
        base_free(path);
        t->spec.words = t->words;
        if (read == AFFECT_OK) t->net_options.vocabulary = words_units_count(t->words);
        return read;
    }
    train_set *raw;
    affect_status status = train_set_open(t->ctx, &t->spec, sources, "split train", NULL, &raw);
    if (status != AFFECT_OK) return status;
    status = words_units_build(t->ctx, (const char *const *)raw->texts, raw->count, least, buckets,
                               &t->words);
    train_set_destroy(raw);
    t->spec.words = t->words;
    if (status == AFFECT_OK) t->net_options.vocabulary = words_units_count(t->words);
    return status;
}

/* Parameters whose names begin with one of the words of `prefixes` keep their values. */
static void freeze(training *t, const char *prefixes) {
    nn_params *p = nn_net_params(t->net);
    while (*prefixes) {
        size_t n = strcspn(prefixes, " "), hits = 0;
        for (size_t i = 0; n && i < p->count; i++)
            if (strncmp(p->items[i].name, prefixes, n) == 0) {
                p->items[i].frozen = true;
                hits++;
            }
        if (n && !hits)
            train_recipe_mistake(t->recipe, "train", "freeze",
                                 "the network has no parameter '%.*s...'", (int)n, prefixes);
        prefixes += n + (prefixes[n] != '\0');
    }
}

/* What is known of words before training: vectors, and behind them four columns of a lexicon. */
static affect_status load_vectors(training *t, const char *path, const char *lexicon,
                                  bool polarity_only) {
    nn_params *p = nn_net_params(t->net);
    float *table = nn_param_value(p, nn_param_find(p, "vectors.weight"));
    size_t found = 0, stride = t->net_options.inputs,
           width = stride - (*lexicon ? WORDS_UNITS_LEXICON : 0);
    affect_status status = AFFECT_OK;
    if (*path) status = words_units_vectors(t->ctx, t->words, path, table, stride, width, &found);
    if (status == AFFECT_OK && *path)
        base_log(t->ctx, AFFECT_LOG_INFO, "%zu of %zu units are words with a pre-trained vector",
                 found, t->net_options.vocabulary);
    words_lexicon *words = NULL;
    if (status == AFFECT_OK && *lexicon) status = words_lexicon_load(t->ctx, lexicon, &words);
    if (words) words_units_lexicon(t->words, words, table, stride, width);
    for (size_t i = 0; words && polarity_only && i < t->net_options.vocabulary; i++)
        memset(table + i * stride + width + 1, 0, (WORDS_UNITS_LEXICON - 1) * sizeof *table);
    words_lexicon_destroy(words);
    return status;
}

/* Inverse frequency to the power of .5, mean 1 over samples: a compromise between accuracy and UAR.
 */
static affect_status weigh_classes(training *t) {
    double count[MAX_LABELS] = {0}, sum = 0, total = 0;
    t->weights = base_calloc(t->classes, sizeof *t->weights);
    if (!t->weights) return base_fail_memory(t->ctx);
    for (size_t i = 0; i < t->train->count; i++)
        for (size_t c = 0; c < t->classes; c++)
            count[c] += fmax((double)t->train->target[i * t->train->width + c], 0);
    for (size_t c = 0; c < t->classes; c++) {
        t->weights[c] = (float)(1 / sqrt(fmax(count[c], 1)));
        sum += t->weights[c] * count[c];
        total += count[c];
    }
    for (size_t c = 0; c < t->classes; c++) t->weights[c] *= (float)(total / sum);
    return AFFECT_OK;
}

/* Mean and deviation over the training samples, of the side numbers or of features. */
static affect_status standardise_inputs(training *t) {
    const bool features = t->spec.kind == TRAIN_FEATURES;
    const train_set *set = t->train;
    const float *numbers = features ? set->frames : set->side;
    size_t width = features ? t->net_options.inputs : t->net_options.side,
           rows = features ? set->first[set->count] : set->count * (1 + t->spec.copies);
    float *mean = base_calloc(2 * width, sizeof *mean), *deviation = mean ? mean + width : NULL;
    if (!mean) return base_fail_memory(t->ctx);
    for (size_t k = 0; k < width; k++) {
        double sum = 0, square = 0, n = 0;
        for (size_t i = 0; i < rows; i++) {
            double x = (double)numbers[i * width + k];
            if (isnan(x)) continue;
            n++;
            sum += x;
            square += x * x;
        }
        mean[k] = (float)(n > 0 ? sum / n : 0);
        deviation[k] = (float)sqrt(fmax(n > 0 ? square / n - sum / n * sum / n : 0, 0));
    }
    nn_net_set_side(t->net, mean, deviation);
    if (t->spec.summary) {
        t->train->spec.usual = t->valid->spec.usual = t->moments = mean;
        t->train->spec.spread = t->valid->spec.spread = deviation;
    } else {
        base_free(mean);
    }
    return AFFECT_OK;
}

/* The part of the recipe that says what goes in and what comes out. */
static void read_spec(training *t) {
    train_recipe *r = t->recipe;
    const char *kind = train_recipe_choice(r, "data", "kind", NULL,
                                           "faces|audio|text|features|timelines|language");
    if (strcmp(kind, "timelines") == 0) /* the last two are other trainings */
        train_recipe_mistake(r, "data", "kind", "timelines are named behind the recipe");
    if (strcmp(kind, "language") == 0)
        train_recipe_mistake(r, "data", "kind", "a language model is no network of this kind");
    read_labels(t);
    t->spec = (train_spec){
        .kind = strcmp(kind, "audio") == 0   ? TRAIN_AUDIO
                : strcmp(kind, "text") == 0  ? TRAIN_TEXT
                : strcmp(kind, "faces") == 0 ? TRAIN_FACES
                                             : TRAIN_FEATURES,
        .labels = t->labels,
        .classes = t->classes,
        .values = t->values,
        .multi_label = train_recipe_second(r, "loss", "labels", "one|several"),
        .drop_single_votes = !train_recipe_second(r, "data", "single_votes", "drop|keep"),
        .bands = train_recipe_count(r, "data", "bands", 64, 8, 256),
        .step_s = train_recipe_number(r, "data", "step_ms", 16, 5, 100) / 1000,
        .trim_db = train_recipe_number(r, "data", "trim_db", 0, 0, 120),
        .functionals = train_recipe_second(r, "data", "functionals", "none|egemaps"),
        .copies = train_recipe_count(r, "data", "copies", 0, 0, 100),
        .cache = train_recipe_text(r, "data", "cache", ""),
    };
    if (t->spec.kind == TRAIN_AUDIO) read_places(t);
    if (t->spec.kind == TRAIN_FEATURES) {
        t->spec.bands = 0;
        t->spec.modalities = train_recipe_text(r, "data", "modalities", "");
        t->spec.pooled = train_recipe_second(r, "data", "pool", "none|mean");
    }
    t->net_options = (nn_net_options){
        .kind = train_recipe_choice(
            r, "model", "kind", NULL,
            "face_cnn|voice_crnn|voice_mlp|text_gru|text_bag|features_mlp|features_gru"),
        .outputs = t->classes + t->values,
        .width = train_recipe_count(r, "model", "width", 32, 1, 4096),
        .dropout = train_recipe_number(r, "model", "dropout", 0, 0, .95),
    };
    train_recipe_counts(r, "model", "blocks", t->net_options.blocks, 4);
    if (t->spec.kind == TRAIN_AUDIO) t->net_options.inputs = t->spec.bands;
    t->spec.summary = strcmp(t->net_options.kind, "voice_mlp") == 0;
    if (t->spec.summary && t->spec.functionals)
        train_recipe_mistake(r, "data", "functionals", "they are in a voice_mlp's summary already");
    if (t->spec.functionals) t->net_options.side = VOICE_EGEMAPS_FUNCTIONALS;
    if (t->spec.summary) t->net_options.side = VOICE_SUMMARY_WIDTH;
    t->spec.surface =
        train_recipe_second(r, "data", "surface", "no|yes") && t->spec.kind == TRAIN_TEXT;
    if (t->spec.surface) t->net_options.side = WORDS_UNITS_SURFACE;
    if (t->spec.kind == TRAIN_TEXT)
        t->net_options.inputs = train_recipe_count(r, "model", "vector_width", 100, 1, 1000);
    t->net_options.values = t->values;
    if (t->spec.kind == TRAIN_TEXT)
        t->net_options.pooled = train_recipe_second(r, "model", "pooled", "no|yes");
    if (strcmp(t->net_options.kind, "text_gru") == 0)
        t->net_options.value_hidden = train_recipe_count(r, "model", "value_hidden", 0, 0, 4096);
    if (t->net_options.value_hidden && !t->values)
        train_recipe_mistake(r, "model", "value_hidden", "expected values in [data]");
    t->value_weight = train_recipe_number(r, "loss", "value_weight", 1, 0, 100);
    t->ccc = !train_recipe_second(r, "loss", "values", "ccc|huber");
    t->class_weights = train_recipe_choice(r, "loss", "class_weights", "none", "none|root");
    static const char *const wanted[] = {"face_", "voice_", "text_", "features_"};
    if (r->status == AFFECT_OK && !base_starts_with(t->net_options.kind, wanted[t->spec.kind]))
        train_recipe_mistake(r, "model", "kind", "expected a %s* network for this kind of data",
                             wanted[t->spec.kind]);
}

/* Samples of a class are drawn more often where their file has fewer of them: by their number to the
 * power of -balance. So no corpus and no class speaks louder than another. */
static affect_status balance_classes(training *t) {
    const train_set *s = t->train;
    size_t cells = 0;
    for (size_t i = 0; i < s->count; i++)
        cells = BASE_MAX(cells, ((size_t)s->source[i] + 1) * (t->classes + 1));
    double *count = base_calloc(cells, sizeof *count), sum = 0;
    t->drawn = base_calloc(t->order_count, sizeof *t->drawn);
    t->usable = base_calloc(t->order_count, sizeof *t->usable);
    if (!count || !t->drawn || !t->usable) {
        base_free(count);
        return base_fail_memory(t->ctx);
    }
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < t->order_count; k++) {
            size_t i = t->order[k],
                   cell = (size_t)s->source[i] * (t->classes + 1) + (size_t)(s->gold[i] + 1);
            if (pass == 0)
                count[cell]++;
            else
                t->drawn[k] = sum += pow(count[cell], -t->balance);
        }
    for (size_t k = 0; k < t->order_count; k++) t->drawn[k] /= sum;
    base_free(count);
    return AFFECT_OK;
}

/* Those of the files in `sources` whose path contains `part`, or all others. New memory. */
static char *files_with(const char *sources, const char *part, bool with) {
    char *copy = base_strdup(sources), *rest = copy;
    base_text out = {0};
    for (char *word; copy && (word = strsep(&rest, " \t"));)
        if (*word && (strstr(word, part) != NULL) == with) base_text_printf(&out, "%s ", word);
    char *text = copy && !out.failed ? base_strdup(out.data ? out.data : "") : NULL;
    base_text_destroy(&out);
    base_free(copy);
    return text;
}

/* Leaves --hold-out's part out of the training and validates on it. The texts are new memory. */
static affect_status hold_out(training *t, const char *train, const char *except, char *texts[4]) {
    const char *rule = t->o->hold_out, *colon = strchr(rule, ':');
    char *part = colon ? base_strndup(rule, (size_t)(colon - rule)) : base_strdup(rule);
    base_text without = {0};
    if (!part) return base_fail_memory(t->ctx);
    if (colon) base_text_printf(&without, "%s%s%s", except, *except ? " | " : "", rule);
    texts[0] = colon ? base_strdup(train) : files_with(train, part, false);
    texts[1] = files_with(train, part, true);
    texts[2] = base_strdup(colon ? without.data : except);
    texts[3] = base_strdup(colon ? rule : "");
    affect_status status = texts[0] && texts[1] && texts[2] && texts[3] && !without.failed
                               ? AFFECT_OK
                               : base_fail_memory(t->ctx);
    if (status == AFFECT_OK && (!*texts[0] || !*texts[1]))
        status = base_fail(t->ctx, AFFECT_ERROR_ARGUMENT,
                           "--hold-out %s: of the files in [data] train, %s contains '%s'", rule,
                           *texts[1] ? "each" : "none", part);
    base_text_destroy(&without);
    base_free(part);
    return status;
}

/* Sentences by rule, behind what teachers had a part in: their targets are the rule's alone. */
static affect_status add_contrast(training *t, const char *path, size_t count) {
    const size_t before = t->train->count, width = t->train->width;
    affect_status status = train_contrast(t->train, path, count, t->seed);
    if (status != AFFECT_OK || !t->untaught) return status;
    float *known = base_realloc(t->untaught, t->train->count * width * sizeof *known);
    if (!known) return base_fail_memory(t->ctx);
    t->untaught = known;
    memcpy(known + before * width, t->train->target + before * width,
           (t->train->count - before) * width * sizeof *known);
    return AFFECT_OK;
}

static affect_status count_tokens(training *t) {
    const train_set *s = t->train;
    t->tokens = base_calloc(s->count, sizeof *t->tokens);
    if (!t->tokens) return base_fail_memory(t->ctx);
    for (size_t i = 0; i < s->count; i++) {
        char token[WORDS_UNITS_TOKEN_SIZE];
        for (size_t at = 0;
             t->tokens[i] < WORDS_UNITS_TOKENS && words_units_token(s->texts[i], &at, token);)
            t->tokens[i]++;
    }
    return AFFECT_OK;
}

static affect_status build(training *t) {
    train_recipe *r = t->recipe;
    read_spec(t);
    read_schedule(t);
    const char *train = train_recipe_text(r, "data", "train", NULL),
               *valid = train_recipe_text(r, "data", "valid", NULL);
    /* an empty rule is none; EmoBank's split column is told apart without being asked */
    const char *train_only = train_recipe_text(r, "data", "train_only", ""),
               *train_except = train_recipe_text(r, "data", "train_except", ""),
               *valid_only = train_recipe_text(r, "data", "valid_only", ""),
               *valid_except = train_recipe_text(r, "data", "valid_except", "");
    size_t least = train_recipe_count(r, "data", "least_count", 2, 1, 1000000);
    size_t buckets = train_recipe_count(r, "data", "buckets", 20000, 0, 10000000);
    const char *contrast = train_recipe_text(r, "data", "contrast", "");
    size_t contrasts = train_recipe_count(r, "data", "contrasts", 6000, 0, 10000000);
    if (*contrast && t->spec.kind != TRAIN_TEXT)
        train_recipe_mistake(r, "data", "contrast", "expected texts");
    const char *vectors = train_recipe_text(r, "model", "vectors", "");
    const char *lexicon = train_recipe_text(r, "model", "lexicon", "");
    const bool polarity = train_recipe_second(r, "model", "lexicon_columns", "all|polarity");
    if (*lexicon && t->net_options.inputs <= WORDS_UNITS_LEXICON)
        train_recipe_mistake(r, "model", "lexicon", "expected a vector_width above %d",
                             WORDS_UNITS_LEXICON);
    const char *start = train_recipe_text(r, "train", "start", ""),
               *frozen = train_recipe_text(r, "train", "freeze", ""),
               *label_teachers = train_recipe_text(r, "train", "label_teachers", ""),
               *value_teachers = train_recipe_text(r, "train", "value_teachers", "");
    const double share = train_recipe_number(r, "train", "teacher_share", .7, 0, 1);
    static const char *const card_keys[] = {"name", "licence", "commercial",        "training_data",
                                            "task", "source",  "measured_elsewhere"};
    for (size_t i = 0; i < BASE_COUNT(card_keys); i++)
        train_recipe_text(r, "card", card_keys[i], "");
    train_recipe_choice(r, "card", "storage", "f16", "f32|f16|bf16|i8");
    affect_status status = train_recipe_finish(r);
    char *held[4] = {NULL};
    if (status == AFFECT_OK && t->o->hold_out) {
        status = hold_out(t, train, train_except, held);
        train = held[0];
        valid = held[1];
        train_except = held[2];
        valid_only = held[3];
        valid_except = "";
    }
    const bool text = t->spec.kind == TRAIN_TEXT, features = t->spec.kind == TRAIN_FEATURES;
    if (status == AFFECT_OK && text) status = make_words(t, train, least, buckets, start);
    if (status == AFFECT_OK)
        status = train_set_open(t->ctx, &t->spec, train,
                                *train_only        ? train_only
                                : text || features ? "split train"
                                                   : NULL,
                                *train_except ? train_except : NULL, &t->train);
    if (status == AFFECT_OK && features)
        t->spec.bands = t->net_options.inputs = t->train->spec.bands;
    train_spec judged = t->spec;
    judged.copies = 0; /* what is judged is as it is */
    if (status == AFFECT_OK)
        status = train_set_open(t->ctx, &judged, valid,
                                *valid_only ? valid_only
                                : text      ? "split dev"
                                : features  ? "split valid"
                                            : NULL,
                                *valid_except ? valid_except : NULL, &t->valid);
    for (size_t i = 0; i < BASE_COUNT(held); i++) base_free(held[i]);
    if (status == AFFECT_OK) status = nn_net_create(t->ctx, &t->net_options, t->seed, &t->net);
    if (status == AFFECT_OK && text) status = load_vectors(t, vectors, lexicon, polarity);
    if (status == AFFECT_OK && (t->net_options.side || features)) status = standardise_inputs(t);
    if (status == AFFECT_OK && *start) status = train_load_weights(t, start);
    if (status == AFFECT_OK) {
        freeze(t, frozen);
        status = r->status;
    }
    if (status == AFFECT_OK && strcmp(t->class_weights, "root") == 0) status = weigh_classes(t);
    if (status == AFFECT_OK && *label_teachers)
        status = train_distil(t, label_teachers, share, false);
    if (status == AFFECT_OK && *value_teachers)
        status = train_distil(t, value_teachers, share, true);
    if (status == AFFECT_OK && *contrast) status = add_contrast(t, contrast, contrasts);
    if (status == AFFECT_OK && t->by_length) status = count_tokens(t);
    if (status == AFFECT_OK) status = base_pool_create(t->ctx, t->o->threads, &t->pool);
    if (status == AFFECT_OK)
        status =
            nn_engine_create(t->ctx, nn_net_params(t->net), t->pool, t->o->threads, &t->engine);
    if (status != AFFECT_OK) return status;
    t->order = base_calloc(t->train->count, sizeof *t->order);
    t->logits = base_calloc(t->valid->count * t->valid->width, sizeof(float));
    t->keys = base_calloc(WINDOW * t->batch, sizeof *t->keys);
    if (!t->order || !t->logits || !t->keys) return base_fail_memory(t->ctx);
    for (size_t i = 0; i < t->train->count; i++)
        if (train_usable(t->train, i)) t->order[t->order_count++] = (uint32_t)i;
    if (t->balance > 0 && (status = balance_classes(t)) != AFFECT_OK) return status;
    if (t->order_count < t->batch)
        return base_fail(t->ctx, AFFECT_ERROR_ARGUMENT,
                         "the training set has %zu usable samples, less than one batch of %zu",
                         t->order_count, t->batch);
    return AFFECT_OK;
}

/* ---- passes ---- */

/* Classes and values of one shard: columns of the output and of the target. */
static nn_tensor *combined_loss(const training *t, nn_tape *tape, nn_tensor *output,
                                const float *target) {
    if (!output) return NULL;
    size_t n = output->shape.d[0], c = t->classes, v = t->values, width = c + v;
    nn_real *classes = nn_tape_alloc(tape, n * c), *values = nn_tape_alloc(tape, n * v);
    if (!classes || !values) return NULL;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < c; k++) {
            float x = target[i * width + k];
            classes[i * c + k] = t->spec.multi_label ? x : fmaxf(x, 0);
        }
        for (size_t k = 0; k < v; k++) values[i * v + k] = target[i * width + c + k];
    }
    double scale = 1. / (double)t->batch;
    nn_tensor *logits = v ? nn_slice(tape, output, 0, c) : output;
    nn_tensor *loss = t->spec.multi_label
                          ? nn_binary_cross_entropy(tape, logits, classes, t->weights, scale)
                          : nn_cross_entropy(tape, logits, classes, t->weights, scale);
    if (!v) return loss;
    nn_tensor *guess = nn_slice(tape, output, c, v);
    nn_tensor *other =
        t->ccc ? nn_ccc_loss(tape, guess, values, t->value_weight * (double)t->shard * scale)
               : nn_huber(tape, guess, values, .5, t->value_weight * scale);
    return nn_add(tape, loss, other);
}

static nn_tensor *train_shard(void *user, nn_tape *tape, size_t shard) {
    training *t = user;
    nn_batch batch;
    float *target;
    const uint32_t *index = t->order + t->at + shard * t->shard;
    if (!train_set_batch(t->train, tape, index, t->shard, &t->augment, t->seed * 1000003 + t->epoch,
                         &batch, &target))
        return NULL;
    return combined_loss(t, tape, nn_net_forward(t->net, tape, &batch), target);
}

static affect_status validate(training *t, train_scores *out) {
    nn_params *params = nn_net_params(t->net);
    float *own = params->value;
    params->value = train_judged(t);
    affect_status status = train_pass(t, t->valid, NULL, t->valid->count, t->logits, NULL);
    params->value = own;
    nn_engine_thaw(t->engine);
    if (status == AFFECT_OK) status = train_score(t->valid, t->logits, 1, 0, NULL, 0, out);
    return status;
}

/* ---- the loop ---- */

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Texts of like length stand in one batch, so that little of it is padding: the order, which is random by now, is sorted in
 * windows of so many batches, and the batches of a window change places at random. */
static void gather_lengths(training *t, size_t n, uint64_t seed) {
    for (size_t from = 0; from + t->batch <= n; from += WINDOW * t->batch) {
        const size_t batches = BASE_MIN((n - from) / t->batch, (size_t)WINDOW),
                     count = batches * t->batch;
        uint64_t *key = t->keys;
        for (size_t k = 0; k < count; k++)
            key[k] = (uint64_t)t->tokens[t->order[from + k]] << 32 | t->order[from + k];
        qsort(key, count, sizeof *key, compare_keys);
        size_t place[WINDOW];
        for (size_t b = 0; b < batches; b++) place[b] = b;
        for (size_t b = batches; b-- > 1;) {
            size_t other = (size_t)((uint64_t)nn_hash64(seed + from, b) * (b + 1) >> 32),
                   keep = place[b];
            place[b] = place[other];
            place[other] = keep;
        }
        for (size_t k = 0; k < count; k++)
            t->order[from + place[k / t->batch] * t->batch + k % t->batch] = (uint32_t)key[k];
    }
}

static void shuffle(training *t) {
    /* from the sorted order each epoch, so that it depends on seed and epoch alone */
    size_t n = 0;
    for (size_t i = 0; i < t->train->count; i++)
        if (train_usable(t->train, i)) t->order[n++] = (uint32_t)i;
    uint64_t seed = t->seed * 7919 + t->epoch;
    if (t->drawn) {
        /* Systematic sampling: each as often as its chance says, to one more or less. */
        double at = (double)nn_hash64(seed, n) / 4294967296.;
        for (size_t i = 0, k = 0; k < n; k++, at += 1) {
            while (i + 1 < n && at >= t->drawn[i] * (double)n) i++;
            t->usable[k] = t->order[i];
        }
        memcpy(t->order, t->usable, n * sizeof *t->order);
    }
    for (size_t i = n; i-- > 1;) {
        uint64_t wide = (uint64_t)nn_hash64(seed, i) * (i + 1) >> 32;
        uint32_t keep = t->order[i];
        t->order[i] = t->order[wide];
        t->order[wide] = keep;
    }
    if (t->by_length) gather_lengths(t, n, seed);
}

static size_t begin_step(void *user, size_t i, uint64_t step, uint64_t *seed) {
    training *t = user;
    t->at = i * t->batch;
    t->optimiser.rate = t->plateau ? nn_plateau(t->rate * t->rate_scale, step, t->warm_up)
                                   : nn_cosine(t->rate, t->final_rate, step, t->warm_up,
                                               (uint64_t)(t->order_count / t->batch) * t->epochs);
    *seed = t->seed + 31 * step + 17;
    return t->batch / t->shard;
}

static affect_status run_epoch(training *t, double *mean_loss) {
    shuffle(t);
    t->augment.size = t->epoch < t->small_epochs ? t->small_size : 48;
    const train_epoch e = {.ctx = t->ctx,
                           .engine = t->engine,
                           .optimiser = &t->optimiser,
                           .epoch = t->epoch,
                           .epochs = t->epochs,
                           .steps = t->order_count / t->batch,
                           .begin = begin_step,
                           .build = train_shard,
                           .user = t,
                           .progress = t->o->progress,
                           .progress_user = t->o->user};
    return train_epoch_run(&e, mean_loss);
}

/* After plateau_patience epochs without a better one the rate falls, to final_rate at the least. */
static void lower_rate(training *t) {
    size_t since = BASE_MAX(t->best_epoch, t->lowered_epoch);
    if (t->epoch < since + t->plateau_patience) return;
    t->rate_scale = fmax(t->rate_scale * t->plateau_factor, t->final_rate);
    t->lowered_epoch = t->epoch;
}

static double mean_r(const training *t, const train_scores *s) {
    double sum = 0;
    for (size_t v = 0; v < t->values; v++) sum += s->r[v];
    return sum / (double)t->values;
}

/* A piece of the line of an epoch; what would go beyond 80 columns begins another one. */
AFFECT_PRINTF(2, 3) static void put_piece(base_text *line, const char *format, ...) {
    char piece[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    const char *last = line->length ? strrchr(line->data, '\n') : NULL;
    size_t used = line->length - (last ? (size_t)(last + 1 - line->data) : 0);
    if (used + 2 + strlen(piece) > 80) base_text_append(line, "\n    ");
    base_text_printf(line, "%s%s", line->length ? "  " : "", piece);
}

/* What is trained, and nothing of what is not: classes, or values, or both. */
static void put_scores(const training *t, const train_scores *s, base_text *line) {
    if (t->classes && !t->spec.multi_label) {
        put_piece(line, "accuracy %.2f%%", 100 * s->accuracy);
        put_piece(line, "UAR %.2f%%", 100 * s->uar);
    }
    if (t->classes) put_piece(line, "F1 %.4f", s->macro_f1);
    for (size_t v = 0; v < BASE_MIN(t->values, (size_t)3); v++)
        put_piece(line, "r(%.12s) %.2f", t->spec.labels[t->classes + v], s->r[v]);
}

/* A line of the log is one line. Destroys the text. */
static void say_lines(const training *t, base_text *text) {
    char *rest = text->failed ? NULL : text->data;
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        base_log(t->ctx, AFFECT_LOG_INFO, "%s", line);
    base_text_destroy(text);
}

static void say_epoch(const training *t, const train_scores *s, double loss, double took,
                      bool better) {
    base_text line = {0};
    put_piece(&line, "epoch %zu/%zu", t->epoch, t->epochs);
    put_piece(&line, "train %.4f", loss);
    put_piece(&line, "valid %.4f", s->loss);
    put_scores(t, s, &line);
    put_piece(&line, "%.0f s, %.0f min left", took, took * (double)(t->epochs - t->epoch) / 60);
    if (better) put_piece(&line, "*");
    say_lines(t, &line);
}

/* How good it became, and what comes next. */
static void say_end(const training *t) {
    base_text line = {0};
    put_piece(&line, "kept: epoch %zu of %zu", t->best_epoch, t->epoch);
    if (!t->kept_known)
        put_piece(&line, "validation.txt tells its scores");
    else
        put_scores(t, &t->kept, &line);
    say_lines(t, &line);
    if (t->epoch < t->epochs && t->o->stop_after && t->epoch >= t->o->stop_after)
        base_log(t->ctx, AFFECT_LOG_INFO, "next: affect train %s (goes on)", t->o->recipe);
    else
        base_log(t->ctx, AFFECT_LOG_INFO, "next: affect evaluate %s DATA...", t->folder);
}

/* Cells of a row of the log: `count` numbers, or nothing where they are not trained. */
static void log_cells(training *t, bool there, const double *values, size_t count, int decimals) {
    for (size_t i = 0; i < count; i++) {
        base_text_append(&t->log, ",");
        if (there) base_text_printf(&t->log, "%.*f", decimals, values[i]);
    }
}

static affect_status after_epoch(training *t, double loss, double started) {
    train_scores s;
    affect_status status = validate(t, &s);
    if (status != AFFECT_OK) return status;
    double value = strcmp(t->monitor, "loss") == 0       ? s.loss
                   : strcmp(t->monitor, "accuracy") == 0 ? s.accuracy
                   : strcmp(t->monitor, "uar") == 0      ? s.uar
                   : strcmp(t->monitor, "r") == 0        ? mean_r(t, &s)
                   : strcmp(t->monitor, "last") == 0     ? (double)t->epoch
                                                         : s.macro_f1;
    bool better = t->best_epoch == 0 || (t->higher_is_better ? value > t->best : value < t->best);
    t->epoch++;
    double took = base_now_s() - started;
    t->seconds += took;
    const double classes[] = {s.accuracy, s.uar, s.macro_f1, s.ece};
    base_text_printf(&t->log, "%zu,%.1f,%.6g,%.6f,%.6f", t->epoch, t->seconds, t->optimiser.rate,
                     loss, s.loss);
    log_cells(t, t->classes && !t->spec.multi_label, classes, 2, 6);
    log_cells(t, t->classes, classes + 2, 1, 6);
    log_cells(t, t->classes && !t->spec.multi_label, classes + 3, 1, 6);
    for (size_t v = 0; v < 3; v++) log_cells(t, v < t->values, s.r + v, 1, 4);
    base_text_append(&t->log, "\n");
    if (better) {
        t->best = value;
        t->best_epoch = t->epoch;
        t->kept = s;
        t->kept_known = true;
        status = train_save_model(t);
    }
    if (t->plateau) lower_rate(t);
    if (status == AFFECT_OK) status = train_save_checkpoint(t);
    if (status == AFFECT_OK && t->log.failed) status = base_fail_memory(t->ctx);
    if (status == AFFECT_OK) status = train_write_at(t, "log.csv", t->log.data, t->log.length);
    base_text svg = {0};
    if (status == AFFECT_OK)
        train_curves_svg(t->log.data,
                         strcmp(t->monitor, "loss") != 0 && strcmp(t->monitor, "last") != 0 &&
                                 strcmp(t->monitor, "r") != 0
                             ? t->monitor
                             : "valid_loss",
                         &svg);
    if (status == AFFECT_OK && !svg.failed)
        status = train_write_at(t, "curves.svg", svg.data, svg.length);
    base_text_destroy(&svg);
    say_epoch(t, &s, loss, took, better);
    return status;
}

static affect_status prepare_folder(training *t) {
    t->folder = train_folder_name(t->o->recipe, t->o->folder);
    if (!t->folder) return base_fail_memory(t->ctx);
    affect_status status = base_make_folder(t->ctx, t->folder);
    char *checkpoint = base_path_join(t->folder, "checkpoint.safetensors");
    if (!checkpoint) return base_fail_memory(t->ctx);
    base_text_append(
        &t->log, "epoch,seconds,rate,train_loss,valid_loss,accuracy,uar,macro_f1,ece,r1,r2,r3\n");
    if (status == AFFECT_OK && base_file_exists(checkpoint)) {
        if (t->o->fresh)
            unlink(checkpoint);
        else
            status = train_load_checkpoint(t, checkpoint);
        if (status == AFFECT_OK && t->epoch)
            base_log(t->ctx, AFFECT_LOG_INFO, "goes on after epoch %zu", t->epoch);
    }
    base_free(checkpoint);
    if (status == AFFECT_OK)
        status = train_write_at(t, "recipe.ini", t->recipe->text, strlen(t->recipe->text));
    return status;
}

affect_status train_run(affect_context *ctx, const train_options *options, char **folder) {
    *folder = NULL;
    training t = {.ctx = ctx, .o = options};
    affect_status status = train_recipe_open(ctx, options->recipe, &t.recipe);
    if (status == AFFECT_OK) status = build(&t);
    if (status == AFFECT_OK) status = prepare_folder(&t);
    while (status == AFFECT_OK && t.epoch < t.epochs) {
        if (options->stop_after && t.epoch >= options->stop_after) break;
        if (t.patience && t.epoch >= t.best_epoch + t.patience && t.best_epoch) break;
        double loss = 0, started = base_now_s();
        status = run_epoch(&t, &loss);
        if (status == AFFECT_OK) status = after_epoch(&t, loss, started);
    }
    if (status == AFFECT_OK && t.best_epoch) status = train_finish(&t);
    if (status == AFFECT_OK && t.best_epoch) say_end(&t);
    if (status == AFFECT_OK) {
        *folder = t.folder;
        t.folder = NULL;
    }
    nn_engine_destroy(t.engine);
    base_pool_destroy(t.pool);
    nn_net_destroy(t.net);
    train_set_destroy(t.train);
    train_set_destroy(t.valid);
    train_recipe_destroy(t.recipe);
    base_text_destroy(&t.log);
    base_free(t.order);
    base_free(t.usable);
    base_free(t.drawn);
    base_free(t.moments);
    base_free(t.logits);
    base_free(t.folder);
    base_free(t.label_text);
    base_free(t.weights);
    base_free(t.places);
    base_free(t.untaught);
    base_free(t.tokens);
    base_free(t.keys);
    words_units_destroy(t.words);
    return status;
}
