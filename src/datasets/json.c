/* JSON files of the sets. EmoryNLP (emorynlp/emotion-detection): episodes of scenes of utterances.
 * EmoBox: a dictionary of recordings by their key, and the map of its labels. */
#include <jansson.h>
#include <string.h>

#include "datasets/datasets_private.h"

static const size_t MOST = (size_t)64 << 20; /* bytes: as a tree it takes some twenty times that */

static void add_text(datasets_tally *t, const json_t *text) {
    if (json_is_string(text))
        datasets_tally_add(t, json_string_value(text), json_string_length(text));
}

typedef struct scenes {
    size_t episodes, scenes, utterances, unlabelled, unspoken, empty, silent, repeated;
    datasets_tally emotions, speakers;
    datasets_seen ids;
} scenes;

static void add_utterance(scenes *s, const json_t *u) {
    const json_t *emotion = json_object_get(u, "emotion"), *who = json_object_get(u, "speakers"),
                 *id = json_object_get(u, "utterance_id"), *name;
    const char *text = json_string_value(json_object_get(u, "transcript"));
    size_t i;
    s->utterances++;
    s->unlabelled += !json_is_string(emotion);
    add_text(&s->emotions, emotion);
    s->unspoken += json_array_size(who) == 0;
    json_array_foreach(who, i, name) add_text(&s->speakers, name);
    s->silent += !text || !*text;
    if (json_is_string(id))
        s->repeated += datasets_seen_add(
            &s->ids, datasets_hash(0, json_string_value(id), json_string_length(id)));
}

static void describe_scenes(datasets_report *r, const char *path, const json_t *episodes) {
    scenes s = {0};
    const json_t *episode, *scene, *utterance;
    size_t i, k, j;
    json_array_foreach(episodes, i, episode) {
        s.episodes++;
        json_array_foreach(json_object_get(episode, "scenes"), k, scene) {
            const json_t *utterances = json_object_get(scene, "utterances");
            s.scenes++;
            s.empty += json_array_size(utterances) == 0;
            json_array_foreach(utterances, j, utterance) add_utterance(&s, utterance);
        }
    }
    datasets_begin(r, path, "EmoryNLP (scenes)",
                   "Apache-2.0 repository, text of a television series: research only");
    datasets_field(r, "episodes", s.episodes);
    datasets_field(r, "scenes", s.scenes);
    datasets_field(r, "rows", s.utterances);
    datasets_tally_put(r, "emotion", &s.emotions);
    datasets_tally_put(r, "speaker", &s.speakers);
    datasets_oddity(r, "rows without emotion", s.unlabelled);
    datasets_oddity(r, "rows without a speaker", s.unspoken);
    datasets_oddity(r, "rows of zero length", s.silent);
    datasets_oddity(r, "scenes without an utterance", s.empty);
    datasets_oddity(r, "rows whose id stands further up", s.repeated);
    datasets_end(r);
    if (s.ids.failed) r->out->failed = true;
    datasets_seen_clear(&s.ids);
}

static void describe_recordings(datasets_report *r, const char *path, const json_t *rows) {
    datasets_tally emotions = {0}, sets = {0};
    datasets_spread seconds = {0};
    size_t unlabelled = 0, none = 0, elsewhere = 0;
    const char *key;
    const json_t *row;
    json_object_foreach((json_t *)(uintptr_t)rows, key, row) {
        const json_t *length = json_object_get(row, "length"), *emo = json_object_get(row, "emo");
        add_text(&sets, json_object_get(row, "dataset"));
        add_text(&emotions, emo);
        unlabelled += !json_is_string(emo);
        if (json_is_number(length)) {
            datasets_spread_add(&seconds, json_number_value(length));
            none += json_number_value(length) <= 0;
        }
        if (r->folder)
            elsewhere += datasets_seen_add(r->folder, datasets_hash(3, key, strlen(key)));
    }
    datasets_begin(r, path, "EmoBox split",
                   "MIT repository; the recordings' licences are their corpora's");
    datasets_field(r, "rows", json_object_size(rows));
    datasets_tally_put(r, "dataset", &sets);
    datasets_tally_put(r, "emo", &emotions);
    datasets_spread_put(r, "length", &seconds);
    datasets_oddity(r, "rows without emo", unlabelled);
    datasets_oddity(r, "rows of zero length", none);
    datasets_oddity(r, "rows that are in another file of this folder too", elsewhere);
    datasets_end(r);
    if (r->folder && r->folder->failed) r->out->failed = true;
}

affect_status datasets_describe_json(datasets_report *r, const char *path, bool *described) {
    char *text;
    size_t length;
    affect_status status = base_read_file(r->ctx, path, MOST, &text, &length);
    if (status) return status;
    json_error_t error;
    json_t *root = json_loadb(text, length, 0, &error);
    base_free(text);
    if (!root)
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s:%d: %s", path, error.line, error.text);
    const json_t *episodes = json_object_get(root, "episodes");
    void *first = json_object_iter(root);
    const json_t *row = first ? json_object_iter_value(first) : NULL;
    *described = true;
    if (json_is_array(episodes))
        describe_scenes(r, path, episodes);
    else if (json_object_get(row, "wav") && json_object_get(row, "emo"))
        describe_recordings(r, path, root);
    else
        *described = false;
    json_decref(root);
    return AFFECT_OK;
}
