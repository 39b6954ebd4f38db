/* Reads a scene, and writes down what is true of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/compose/compose.h"

/* ---- reading ---- */

typedef struct line {
    affect_context *ctx;
    const char *path;
    size_t number;
    char *words[64];
    size_t count, at;
} line;

static affect_status wrong(const line *l, const char *what) {
    return base_fail(l->ctx, AFFECT_ERROR_FORMAT, "%s:%zu: %s", l->path, l->number, what);
}

static const char *next_word(line *l) { return l->at < l->count ? l->words[l->at++] : NULL; }

static affect_status next_number(line *l, double *out) {
    const char *text = next_word(l);
    if (text && base_parse_double(text, strlen(text), out) && isfinite(*out)) return AFFECT_OK;
    return wrong(l, "a number is missing");
}

static affect_status next_copy(line *l, char **out) {
    const char *text = next_word(l);
    if (!text) return wrong(l, "a word is missing");
    *out = base_strdup(text);
    return *out ? AFFECT_OK : base_fail_memory(l->ctx);
}

/* The rest of the line as one text. */
static affect_status next_rest(line *l, char **out) {
    base_text text = {0};
    for (const char *w = next_word(l); w; w = next_word(l))
        base_text_printf(&text, "%s%s", text.length ? " " : "", w);
    *out = base_strdup(text.data ? text.data : "");
    bool failed = text.failed || !*out;
    base_text_destroy(&text);
    return failed ? base_fail_memory(l->ctx) : AFFECT_OK;
}

/* The person's number; new names get the next one. */
static affect_status next_person(line *l, scene *s, int *out) {
    const char *name = next_word(l);
    if (!name) return wrong(l, "a person is missing");
    *out = AFFECT_PERSON_NONE;
    if (!strcmp(name, "nobody")) return AFFECT_OK;
    for (size_t i = 0; i < s->person_count; i++)
        if (!strcmp(s->persons[i], name)) {
            *out = (int)i + 1;
            return AFFECT_OK;
        }
    if (!base_grow((void **)&s->persons, &s->person_capacity, s->person_count + 1,
                   sizeof *s->persons) ||
        !(s->persons[s->person_count] = base_strdup(name)))
        return base_fail_memory(l->ctx);
    *out = (int)++s->person_count;
    return AFFECT_OK;
}

static affect_status read_size(line *l, scene *s) {
    double w, h;
    affect_status status = next_number(l, &w);
    if (!status) status = next_number(l, &h);
    if (!status) status = next_number(l, &s->fps);
    if (!status && !(w >= 16 && w <= 8192 && h >= 16 && h <= 8192 && s->fps > 0 && s->fps <= 240))
        status = wrong(l, "size wants W and H of 16 to 8192 and up to 240 pictures a second");
    if (!status) s->width = (int)w / 2 * 2, s->height = (int)h / 2 * 2;
    return status;
}

static affect_status read_shot(line *l, scene *s) {
    scene_shot shot = {.t0_s = s->length_s};
    affect_status status = next_number(l, &shot.length_s);
    const char *how = status ? NULL : next_word(l);
    if (how && !strcmp(how, "dissolve"))
        status = next_number(l, &shot.dissolve_s);
    else if (how && strcmp(how, "cut") != 0)
        status = wrong(l, "a shot is cut to, or 'dissolve S'");
    if (!status && !(shot.length_s > 0 && shot.dissolve_s >= 0 && shot.dissolve_s <= shot.length_s))
        status = wrong(l, "a shot has a length, and a dissolve that is no longer");
    if (!status && !s->shot_count) shot.dissolve_s = 0;
    if (!status &&
        !base_grow((void **)&s->shots, &s->shot_capacity, s->shot_count + 1, sizeof *s->shots))
        status = base_fail_memory(l->ctx);
    if (status) return status;
    s->shots[s->shot_count++] = shot;
    s->length_s += shot.length_s;
    return AFFECT_OK;
}

static affect_status read_flash(line *l, scene *s) {
    double at = 0, length = 0;
    if (!s->shot_count) return wrong(l, "there is no shot yet");
    scene_shot *shot = &s->shots[s->shot_count - 1];
    affect_status status = next_number(l, &at);
    if (!status) status = next_number(l, &length);
    if (!status && !(at >= 0 && length > 0 && at + length <= shot->length_s))
        status = wrong(l, "a flash lies within its shot");
    /* A picture's time may be a little less than it should be. */
    shot->flash_t0_s = at - .25 / s->fps;
    shot->flash_t1_s = at + length - .25 / s->fps;
    return status;
}

static affect_status read_place(line *l, const scene *s, scene_sight *out) {
    const char *place = next_word(l);
    int half = s->width / 4 * 2;
    out->y = 0;
    out->h = s->height;
    if (!place) return wrong(l, "a place is missing");
    if (!strcmp(place, "full"))
        out->x = 0, out->w = s->width;
    else if (!strcmp(place, "left"))
        out->x = 0, out->w = half;
    else if (!strcmp(place, "right"))
        out->x = half, out->w = half;
    else if (sscanf(place, "%d,%d,%d,%d", &out->x, &out->y, &out->w, &out->h) != 4 || out->w < 2 ||
             out->h < 2)
        return wrong(l, "a place is full, left, right or X,Y,W,H");
    out->w = out->w / 2 * 2;
    out->h = out->h / 2 * 2;
    return AFFECT_OK;
}

static affect_status read_sight(line *l, scene *s, bool photo) {
    scene_sight sight = {.shot = s->shot_count - 1, .photo = photo};
    if (!s->shot_count) return wrong(l, "there is no shot yet");
    affect_status status = next_person(l, s, &sight.person);
    if (!status) status = next_copy(l, &sight.file);
    if (!status) status = read_place(l, s, &sight);
    for (const char *key; !status && (key = next_word(l));) {
        double value = 0;
        if (!strcmp(key, "mirror"))
            sight.mirror = true;
        else if (!strcmp(key, "turn"))
            sight.turn = true;
        else if (!strcmp(key, "from"))
            status = next_number(l, &sight.from_s);
        else if (!strcmp(key, "height")) {
            status = next_number(l, &value);
            sight.height = (int)value;
        } else if (!strcmp(key, "crf")) {
            status = next_number(l, &value);
            sight.crf = (int)value;
        } else
            status = wrong(l, "unknown word after the place");
    }
    if (!status &&
        !base_grow((void **)&s->sights, &s->sight_capacity, s->sight_count + 1, sizeof *s->sights))
        status = base_fail_memory(l->ctx);
    if (status)
        base_free(sight.file);
    else
        s->sights[s->sight_count++] = sight;
    return status;
}

static affect_status read_voice(line *l, scene *s) {
    scene_voice v = {.at_s = NAN};
    affect_status status = next_person(l, s, &v.person);
    if (!status) status = next_copy(l, &v.file);
    for (const char *key; !status && (key = next_word(l));) {
        if (!strcmp(key, "at"))
            status = next_number(l, &v.at_s);
        else if (!strcmp(key, "from"))
            status = next_number(l, &v.from_s);
        else if (!strcmp(key, "for"))
            status = next_number(l, &v.for_s);
        else if (!strcmp(key, "gain"))
            status = next_number(l, &v.gain_db);
        else if (!strcmp(key, "label") && !v.label)
            status = next_copy(l, &v.label);
        else
            status = wrong(l, "unknown word after the file");
    }
    if (!status && !(v.at_s >= 0 && v.from_s >= 0 && v.for_s >= 0))
        status = wrong(l, "hear wants 'at S', and no time below 0");
    if (!status &&
        !base_grow((void **)&s->voices, &s->voice_capacity, s->voice_count + 1, sizeof *s->voices))
        status = base_fail_memory(l->ctx);
    if (status) {
        base_free(v.file);
        base_free(v.label);
    } else {
        s->voices[s->voice_count++] = v;
    }
    return status;
}

static affect_status read_note(line *l, scene *s, int kind) {
    scene_note note = {.kind = kind, .person = AFFECT_PERSON_NONE};
    affect_status status = next_copy(l, &note.name);
    if (!status && kind == NOTE_EVENT) {
        const char *modality = next_word(l);
        note.modality = !modality                    ? AFFECT_MODALITY_FUSED
                        : !strcmp(modality, "face")  ? AFFECT_MODALITY_FACE
                        : !strcmp(modality, "voice") ? AFFECT_MODALITY_VOICE
                        : !strcmp(modality, "words") ? AFFECT_MODALITY_WORDS
                                                     : AFFECT_MODALITY_FUSED;
    }
    if (!status && kind != NOTE_PROPERTY) status = next_person(l, s, &note.person);
    int times = kind == NOTE_INTERVAL ? 2 : kind == NOTE_EVENT ? 3 : 0;
    for (int k = 0; k < times && !status; k++) {
        status = next_number(l, &note.t[k]);
        if (!status && k && note.t[k] < note.t[k - 1]) status = wrong(l, "times go back");
    }
    if (!status && kind != NOTE_EVENT) status = next_rest(l, &note.label);
    if (!status &&
        !base_grow((void **)&s->notes, &s->note_capacity, s->note_count + 1, sizeof *s->notes))
        status = base_fail_memory(l->ctx);
    if (status) {
        base_free(note.name);
        base_free(note.label);
    } else {
        s->notes[s->note_count++] = note;
    }
    return status;
}

static affect_status read_line(line *l, scene *s) {
    const char *key = next_word(l);
    if (!key) return AFFECT_OK;
    if (!strcmp(key, "size")) return read_size(l, s);
    if (!s->width) return wrong(l, "the first line must be size W H FPS");
    if (!strcmp(key, "shot")) return read_shot(l, s);
    if (!strcmp(key, "see")) return read_sight(l, s, false);
    if (!strcmp(key, "photo")) return read_sight(l, s, true);
    if (!strcmp(key, "hear")) return read_voice(l, s);
    if (!strcmp(key, "flash")) return read_flash(l, s);
    if (!strcmp(key, "noise")) return next_number(l, &s->noise_db);
    if (!strcmp(key, "offset")) return next_number(l, &s->offset_s);
    if (!strcmp(key, "interval")) return read_note(l, s, NOTE_INTERVAL);
    if (!strcmp(key, "event")) return read_note(l, s, NOTE_EVENT);
    if (!strcmp(key, "property")) return read_note(l, s, NOTE_PROPERTY);
    return wrong(l, "unknown first word; see compose --help");
}

affect_status scene_read(affect_context *ctx, const char *path, const char *data, scene *out) {
    *out = (scene){.noise_db = -66};
    char *text;
    size_t length;
    affect_status status = base_read_file(ctx, path, (size_t)16 << 20, &text, &length);
    if (status) return status;
    out->data = base_strdup(data);
    if (!out->data) status = base_fail_memory(ctx);
    size_t number = 0;
    for (char *rest = text, *row; !status && (row = strsep(&rest, "\n"));) {
        line l = {.ctx = ctx, .path = path, .number = ++number};
        char *comment = strchr(row, '#');
        if (comment) *comment = '\0';
        for (char *w; (w = strsep(&row, " \t\r"));)
            if (*w && l.count < BASE_COUNT(l.words)) l.words[l.count++] = w;
        status = read_line(&l, out);
        if (!status && l.at < l.count)
            status = wrong(&l, "there is more on this line than belongs");
    }
    base_free(text);
    if (!status && !out->shot_count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: a scene needs a shot", path);
    return status;
}

void scene_destroy(scene *s) {
    for (size_t i = 0; i < s->person_count; i++) base_free(s->persons[i]);
    for (size_t i = 0; i < s->sight_count; i++) base_free(s->sights[i].file);
    for (size_t i = 0; i < s->voice_count; i++) {
        base_free(s->voices[i].file);
        base_free(s->voices[i].label);
    }
    for (size_t i = 0; i < s->note_count; i++) {
        base_free(s->notes[i].name);
        base_free(s->notes[i].label);
    }
    base_free(s->persons);
    base_free(s->shots);
    base_free(s->sights);
    base_free(s->voices);
    base_free(s->notes);
    base_free(s->data);
    *s = (scene){0};
}

/* ---- the truth ---- */

static affect_status add(affect_context *ctx, affect_timeline *t, const char *tier,
                         affect_modality modality, int person, double t0_s, double t1_s,
                         const char *label) {
    affect_tier *to;
    affect_status status = timeline_tier(ctx, t, tier, modality, &to);
    affect_interval item = {.t0 = time_from_seconds(t0_s),
                            .t1 = time_from_seconds(fmax(t0_s, t1_s)),
                            .label = label,
                            .score = 1,
                            .person = person};
    return status ? status : tier_append(ctx, to, &item);
}

static const char *name_of(const scene *s, int person) {
    return person == AFFECT_PERSON_NONE ? "nobody" : s->persons[person - 1];
}

/* One interval for neighbouring shots that a person is in without a break. */
static affect_status add_presence(affect_context *ctx, const scene *s, affect_timeline *t,
                                  int person) {
    affect_status status = AFFECT_OK;
    double t0 = NAN, t1 = NAN;
    for (size_t shot = 0; shot <= s->shot_count && !status; shot++) {
        bool there = false;
        for (size_t i = 0; i < s->sight_count && shot < s->shot_count; i++)
            there = there || (s->sights[i].shot == shot && s->sights[i].person == person &&
                              !s->sights[i].photo);
        if (there && isnan(t0)) t0 = s->shots[shot].t0_s;
        /* While a shot dissolves, who was in the one before is still there. */
        if (there) t1 = s->shots[shot].t0_s + s->shots[shot].length_s;
        if (there || isnan(t0)) continue;
        if (shot < s->shot_count) t1 += s->shots[shot].dissolve_s;
        status = add(ctx, t, "persons", AFFECT_MODALITY_FACE, person, t0, t1, name_of(s, person));
        t0 = NAN;
    }
    return status;
}

affect_status scene_truth(affect_context *ctx, const scene *s, affect_timeline **out) {
    *out = NULL;
    affect_timeline *t;
    affect_status status = timeline_create(ctx, &t);
    if (status) return status;
    t->duration = time_from_seconds(s->length_s);
    char number[64];
    snprintf(number, sizeof number, "%.3f", s->offset_s);
    status = timeline_set_property(ctx, t, "av_offset_s", number);
    for (size_t i = 0; i < s->person_count && !status; i++) {
        affect_person person = {(int)i + 1, s->persons[i], AFFECT_PERSON_NONE, 1};
        status = timeline_set_person(ctx, t, &person);
        if (!status) status = add_presence(ctx, s, t, person.id);
    }
    for (size_t i = 0; i < s->shot_count && !status; i++)
        status = add(ctx, t, "shots", AFFECT_MODALITY_FACE, AFFECT_PERSON_NONE, s->shots[i].t0_s,
                     s->shots[i].t0_s + s->shots[i].length_s,
                     s->shots[i].dissolve_s > 0 ? "dissolve" : "cut");
    for (size_t i = 0; i < s->sight_count && !status; i++)
        if (s->sights[i].photo)
            status = add(ctx, t, "photos", AFFECT_MODALITY_FACE, s->sights[i].person,
                         s->shots[s->sights[i].shot].t0_s,
                         s->shots[s->sights[i].shot].t0_s + s->shots[s->sights[i].shot].length_s,
                         name_of(s, s->sights[i].person));
    /* Times are the picture's; the sound of them comes av_offset_s later. */
    for (size_t i = 0; i < s->voice_count && !status; i++) {
        const scene_voice *v = &s->voices[i];
        status = add(ctx, t, "speaking", AFFECT_MODALITY_VOICE, v->person, v->t0_s, v->t1_s,
                     name_of(s, v->person));
        if (!status && v->label)
            status = add(ctx, t, "emotions", AFFECT_MODALITY_FUSED, v->person, v->at_s, v->t1_s,
                         v->label);
    }
    for (size_t i = 0; i < s->note_count && !status; i++) {
        const scene_note *n = &s->notes[i];
        if (n->kind == NOTE_PROPERTY) {
            status = timeline_set_property(ctx, t, n->name, n->label);
        } else if (n->kind == NOTE_INTERVAL) {
            status =
                add(ctx, t, n->name, AFFECT_MODALITY_FUSED, n->person, n->t[0], n->t[1], n->label);
        } else {
            affect_event event = {.onset = time_from_seconds(n->t[0]),
                                  .apex = time_from_seconds(n->t[1]),
                                  .offset = time_from_seconds(n->t[2]),
                                  .kind = n->name,
                                  .modality = n->modality,
                                  .person = n->person,
                                  .strength = 1,
                                  .confidence = 1};
            status = timeline_add_event(ctx, t, &event);
        }
    }
    if (status) {
        affect_timeline_destroy(t);
        return status;
    }
    timeline_sort(t);
    *out = t;
    return AFFECT_OK;
}
