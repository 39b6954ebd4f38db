/* Pictures and sound for a language model (attach.h). */
#include "reason/attach.h"

#include <math.h>
#include <string.h>

#include "media/media.h"

enum {
    EPISODE_PICTURES = 3,
    PROMPT_PICTURES = 16, /* servers bound how many a request may hold */
    MOST_PICTURES = 96,   /* of a recording: what is sent stays in memory until then */
    FACE_PIXELS = 384,    /* longer side; vision encoders see 224 to 448 */
    FRAME_PIXELS = 512
};
static const affect_time EPISODE_SOUND = 30 * AFFECT_SECOND, /* what audio encoders hear at once */
    PROMPT_SOUND = 120 * AFFECT_SECOND, MOST_SOUND = 600 * AFFECT_SECOND,
                         BOX_NEAR = AFFECT_SECOND / 2;
static const float FACE_MARGIN = 1.6F; /* of the box's longer side: forehead, chin and hair */

/* ---- what there is ---- */

static void find_box(const reason_graph *g, reason_attachment *p) {
    const affect_track *t =
        timeline_role(g->timeline, TRACK_ROLE_BOX, AFFECT_MODALITY_FACE, p->person);
    for (int i = 0; i < 4; i++) p->box[i] = NAN;
    if (!t || !t->rows || t->channel_count < 4) return;
    size_t row = track_row_at(t, p->t0);
    if (row == t->rows || (row > 0 && p->t0 - t->times[row - 1] < t->times[row] - p->t0)) row--;
    const float *box = &t->values[row * t->channel_count];
    if (llabs(t->times[row] - p->t0) > BOX_NEAR) return;
    if (box[2] > 0 && box[3] > 0 && isfinite(box[0] + box[1] + box[2] + box[3]))
        memcpy(p->box, box, sizeof p->box);
}

static affect_status add(affect_context *ctx, reason_attachments *a, reason_attachment item) {
    if (!base_grow((void **)&a->items, &a->capacity, a->count + 1, sizeof *a->items))
        return base_fail_memory(ctx);
    a->items[a->count++] = item;
    return AFFECT_OK;
}

static bool shows(const reason_node *event, const reason_node *episode) {
    return event->modality == AFFECT_MODALITY_FACE && strcmp(event->event->kind, "blink") != 0 &&
           event->apex >= episode->t0 && event->apex < episode->t1 &&
           (!event->person || !episode->person || event->person == episode->person);
}

/* The strongest events first; without any the middle, if there is a face. */
static affect_status add_pictures(affect_context *ctx, const reason_graph *g,
                                  const reason_node *episode, reason_attachments *a) {
    const reason_node *best[EPISODE_PICTURES] = {NULL};
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < g->event_count; i++) {
        const reason_node *e = g->events[i];
        if (!shows(e, episode)) continue;
        for (int k = 0; k < EPISODE_PICTURES; k++)
            if (!best[k] || e->strength > best[k]->strength) {
                const reason_node *weaker = best[k];
                best[k] = e;
                e = weaker;
                if (!e) break;
            }
    }
    for (int k = 0; k < EPISODE_PICTURES && !status; k++) {
        reason_attachment p = {.episode = episode, .event = best[k], .rank = k};
        if (!best[k] && k) break;
        p.person = best[k] && best[k]->person ? best[k]->person : episode->person;
        p.t0 = p.t1 = best[k] ? best[k]->apex : episode->t0 + (episode->t1 - episode->t0) / 2;
        find_box(g, &p);
        if (best[k] || isfinite(p.box[0])) status = add(ctx, a, p);
    }
    return status;
}

static affect_time sound_of(const reason_attachment *item) {
    return item->sound ? item->t1 - item->t0 : 0;
}

/* Is more than half of it heard already in what was chosen before? Two persons' episodes overlap. */
static bool heard_already(const reason_attachments *a, const reason_attachment *item) {
    for (const reason_attachment *b = a->items; b < item; b++)
        if (b->sound && b->chosen &&
            BASE_MIN(b->t1, item->t1) - BASE_MAX(b->t0, item->t0) > sound_of(item) / 2)
            return true;
    return false;
}

void reason_attach_choose(reason_attachments *a, const reason_scope *scope) {
    int pictures = 0;
    affect_time sound = 0;
    for (size_t i = 0; i < a->count; i++) a->items[i].chosen = false;
    for (int rank = 0; rank < EPISODE_PICTURES && !scope->outline; rank++)
        for (size_t i = 0; i < a->count; i++) {
            reason_attachment *item = &a->items[i];
            if (item->rank != rank || (scope->episode && item->episode != scope->episode)) continue;
            item->chosen =
                item->sound ? scope->hidden != AFFECT_MODALITY_VOICE &&
                                  scope->hidden != AFFECT_MODALITY_WORDS &&
                                  sound + sound_of(item) <= PROMPT_SOUND && !heard_already(a, item)
                            : scope->hidden != AFFECT_MODALITY_FACE && pictures < PROMPT_PICTURES;
            pictures += item->chosen && !item->sound;
            if (item->chosen) sound += sound_of(item);
        }
}

affect_status reason_attach_plan(affect_context *ctx, const reason_graph *g, bool pictures,
                                 bool sound, const reason_scope *scopes, size_t scope_count,
                                 reason_attachments *out) {
    affect_status status = AFFECT_OK;
    size_t images = 0;
    affect_time heard = 0;
    *out = (reason_attachments){0};
    for (size_t i = 0; i < g->episode_count && !status; i++) {
        const reason_node *e = g->episodes[i];
        if (pictures) status = add_pictures(ctx, g, e, out);
        if (!status && sound && e->t1 > e->t0)
            status = add(ctx, out,
                         (reason_attachment){.episode = e,
                                             .sound = true,
                                             .t0 = e->t0,
                                             .t1 = BASE_MIN(e->t1, e->t0 + EPISODE_SOUND)});
    }
    for (size_t s = 0; s < scope_count && !status; s++) {
        reason_attach_choose(out, &scopes[s]);
        for (size_t i = 0; i < out->count; i++) {
            reason_attachment *item = &out->items[i];
            if (!item->chosen || item->wanted) continue;
            item->wanted =
                item->sound ? heard + sound_of(item) <= MOST_SOUND : images < MOST_PICTURES;
            images += item->wanted && !item->sound;
            if (item->wanted) heard += sound_of(item);
        }
    }
    if (status) reason_attach_clear(out);
    return status;
}

void reason_attach_count(const reason_attachments *a, size_t *pictures, double *sound_s) {
    *pictures = 0;
    *sound_s = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (!a->items[i].wanted) continue;
        *pictures += !a->items[i].sound;
        *sound_s += time_to_seconds(sound_of(&a->items[i]));
    }
}

void reason_attach_caption(const reason_attachment *item, base_text *out) {
    if (item->sound) {
        base_text_printf(out, "Sound of episode %s from %.1f s to %.1f s", item->episode->id,
                         time_to_seconds(item->t0), time_to_seconds(item->t1));
        return;
    }
    base_text_append(out, "Picture");
    if (item->person) base_text_printf(out, " of person %d", item->person);
    if (item->event) {
        base_text_printf(out, ", apex of event %s (", item->event->id);
        base_text_append_clean(out, reason_kind_phrase(item->event->event->kind));
        base_text_append(out, ")");
    } else {
        base_text_printf(out, ", in the middle of episode %s", item->episode->id);
    }
    base_text_printf(out, " at %.2f s", time_to_seconds(item->t0));
}

void reason_attach_clear(reason_attachments *a) {
    for (size_t i = 0; i < a->count; i++) {
        base_free(a->items[i].samples);
        base_text_destroy(&a->items[i].data);
    }
    base_free(a->items);
    *a = (reason_attachments){0};
}

/* ---- the recording ---- */

/* The part of a frame that is shown: a square around the face, or everything. */
static void cut(const media_frame *f, const reason_attachment *p, int *x, int *y, int *w, int *h) {
    *x = *y = 0, *w = f->width, *h = f->height;
    if (!isfinite(p->box[0])) return;
    const float width = (float)f->width, height = (float)f->height;
    float side = FACE_MARGIN * fmaxf(p->box[2] * width, p->box[3] * height);
    float left = (p->box[0] + p->box[2] / 2) * width - side / 2,
          top = (p->box[1] + p->box[3] / 2) * height - side / 2;
    float x0 = fmaxf(left, 0), y0 = fmaxf(top, 0);
    float x1 = fminf(left + side, width), y1 = fminf(top + side, height);
    if (!(x1 - x0 >= 1 && y1 - y0 >= 1)) return; /* the box lies outside */
    *x = (int)x0, *y = (int)y0;
    *w = (int)(x1 - x0), *h = (int)(y1 - y0);
}

/* Pixels are means of those that they stand for; nothing is enlarged. */
static affect_status take_picture(affect_context *ctx, const media_frame *f, reason_attachment *p) {
    int x, y, w, h;
    cut(f, p, &x, &y, &w, &h);
    const int most = isfinite(p->box[0]) ? FACE_PIXELS : FRAME_PIXELS, longer = BASE_MAX(w, h);
    const int ow = longer > most ? BASE_MAX(1, w * most / longer) : w;
    const int oh = longer > most ? BASE_MAX(1, h * most / longer) : h;
    uint8_t *rgb = base_alloc((size_t)ow * (size_t)oh * 3);
    if (!rgb) return base_fail_memory(ctx);
    for (int i = 0; i < oh; i++)
        for (int k = 0; k < ow; k++) {
            const int y0 = y + i * h / oh, y1 = BASE_MAX(y0 + 1, y + (i + 1) * h / oh);
            const int x0 = x + k * w / ow, x1 = BASE_MAX(x0 + 1, x + (k + 1) * w / ow);
            for (int c = 0; c < 3; c++) {
                unsigned sum = 0, n = (unsigned)((y1 - y0) * (x1 - x0));
                for (int v = y0; v < y1; v++)
                    for (int u = x0; u < x1; u++)
                        sum += f->rgb[(size_t)v * f->stride + (size_t)u * 3 + (size_t)c];
                rgb[((size_t)i * (size_t)ow + (size_t)k) * 3 + (size_t)c] =
                    (uint8_t)((sum + n / 2) / n);
            }
        }
    const media_frame small = {
        .width = ow, .height = oh, .stride = (size_t)ow * 3, .rgb = rgb, .time = f->time};
    const bool good = media_put_png(&small, &p->data);
    base_free(rgb);
    return good && !p->data.failed ? AFFECT_OK : base_fail_memory(ctx);
}

/* What of a block falls into the item's time. */
static affect_status take_sound(affect_context *ctx, const media_block *b, reason_attachment *s) {
    if (!s->samples) {
        s->sample_count = (size_t)ceil(time_to_seconds(sound_of(s)) * REASON_SOUND_HZ);
        s->samples = base_calloc(s->sample_count + 1, sizeof *s->samples);
        if (!s->samples) return base_fail_memory(ctx);
    }
    const int64_t first = llround(time_to_seconds(b->t0 - s->t0) * REASON_SOUND_HZ);
    for (size_t i = 0; i < b->count; i++) {
        const int64_t at = first + (int64_t)i;
        if (at < 0 || at >= (int64_t)s->sample_count) continue;
        const float v = fminf(1, fmaxf(-1, b->samples[i])) * 32767;
        s->samples[at] = (int16_t)lrintf(v);
        s->heard = BASE_MAX(s->heard, (size_t)at + 1);
    }
    return AFFECT_OK;
}

static void put_le(base_text *out, uint32_t v, int bytes) {
    for (int i = 0; i < bytes; i++) {
        const char byte = (char)(v >> (8 * i) & 0xFF);
        base_text_append_n(out, &byte, 1);
    }
}

/* WAV: RIFF with 16-bit PCM. */
static affect_status finish_sound(affect_context *ctx, reason_attachment *s) {
    const uint32_t bytes = (uint32_t)s->heard * 2;
    if (s->heard) {
        base_text_append_n(&s->data, "RIFF", 4);
        put_le(&s->data, 36 + bytes, 4);
        base_text_append_n(&s->data, "WAVEfmt ", 8);
        put_le(&s->data, 16, 4);
        put_le(&s->data, 1, 2); /* PCM */
        put_le(&s->data, 1, 2); /* channel */
        put_le(&s->data, REASON_SOUND_HZ, 4);
        put_le(&s->data, REASON_SOUND_HZ * 2, 4);
        put_le(&s->data, 2, 2);
        put_le(&s->data, 16, 2);
        base_text_append_n(&s->data, "data", 4);
        put_le(&s->data, bytes, 4);
        for (size_t i = 0; i < s->heard; i++) put_le(&s->data, (uint16_t)s->samples[i], 2);
    }
    const bool failed = s->data.failed;
    base_free(s->samples);
    s->samples = NULL;
    s->t1 = BASE_MIN(s->t1, s->t0 + time_from_seconds((double)s->heard / REASON_SOUND_HZ));
    return failed ? base_fail_memory(ctx) : AFFECT_OK;
}

/* What an item of the recording gives to those that still wait. */
static affect_status take_item(affect_context *ctx, const media_item *item, bool still,
                               reason_attachments *a) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < a->count && !status; i++) {
        reason_attachment *x = &a->items[i];
        if (!x->wanted) continue;
        if (item->kind == MEDIA_AUDIO && x->sound) {
            status = take_sound(ctx, &item->audio, x);
        } else if (item->kind == MEDIA_FRAME && !x->sound && !x->data.length) {
            const media_frame *f = &item->frame;
            if (still || f->time >= x->t0 || (f->duration > 0 && f->time + f->duration > x->t0))
                status = take_picture(ctx, f, x);
        }
    }
    return status;
}

affect_status reason_attach_read(affect_context *ctx, const char *path, reason_attachments *a) {
    media_options options = media_options_default();
    media_reader *reader = NULL;
    affect_time last = -1, heard = -1, seen = -1;
    options.want_audio = options.want_video = false;
    options.sample_rate = REASON_SOUND_HZ;
    for (size_t i = 0; i < a->count; i++) {
        if (!a->items[i].wanted) continue;
        *(a->items[i].sound ? &options.want_audio : &options.want_video) = true;
        last = BASE_MAX(last, a->items[i].t1);
    }
    if (last < 0) return AFFECT_OK;
    affect_status status = media_open(ctx, path, &options, &reader);
    if (status) return status;
    const bool still = media_reader_info(reader)->is_picture;
    media_item item = {.kind = MEDIA_GAP};
    while (!status && item.kind != MEDIA_END &&
           ((options.want_audio && heard <= last) || (options.want_video && seen <= last))) {
        status = media_next(reader, &item);
        if (!status) status = take_item(ctx, &item, still, a);
        if (!status && item.kind == MEDIA_AUDIO) heard = item.audio.t0;
        if (!status && item.kind == MEDIA_FRAME) seen = item.frame.time;
    }
    media_close(reader);
    for (size_t i = 0; i < a->count && !status; i++)
        if (a->items[i].wanted && a->items[i].sound) status = finish_sound(ctx, &a->items[i]);
    return status;
}
