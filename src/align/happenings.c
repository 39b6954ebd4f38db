/* What happened, in order of its apex: finding the part of it that a stretch of time, a person and a modality have. */
#include "align/align_private.h"

const affect_modality align_pair_of[ALIGN_PAIRS][2] = {
    {AFFECT_MODALITY_FACE, AFFECT_MODALITY_VOICE},
    {AFFECT_MODALITY_FACE, AFFECT_MODALITY_WORDS},
    {AFFECT_MODALITY_VOICE, AFFECT_MODALITY_WORDS}};

size_t align_happening_at(const align_stage *s, affect_time time) {
    size_t low = 0, high = s->happenings.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->happenings.items[middle].apex < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t align_events_of(const align_stage *s, int person, affect_modality modality, affect_time t0,
                       affect_time t1, affect_align_event *list, size_t *index) {
    size_t n = 0;
    for (size_t k = align_happening_at(s, t0); k < s->happenings.count; k++) {
        const align_happening *h = &s->happenings.items[k];
        if (h->apex >= t1) break;
        if (h->modality != modality || h->person != person) continue;
        if (index) index[n] = k;
        list[n++] = h->event;
    }
    return n;
}
