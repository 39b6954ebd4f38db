/* What tracks there are: one table that makers, fusion, writers and docs/timeline.md share. */
#include <string.h>

#include "track/track.h"

static const char *const box[] = {"x", "y", "width", "height"};
static const char *const pose[] = {"yaw", "pitch", "roll"};
static const char *const eyes[] = {"aperture_left", "aperture_right"};
static const char *const mouth[] = {"opening", "width"};
static const char *const affect[] = {"valence",    "arousal",    "dominance",
                                     "valence_sd", "arousal_sd", "dominance_sd"};
static const char *const speech[] = {"speech"};
static const char *const rate[] = {"syllables_per_s", "voiced_share", "speech_share"};

static const char *const consistency[] = {"face_voice", "face_words", "voice_words", "p"};

static const track_kind kinds[] = {
#define CHANNELS(list) list, BASE_COUNT(list)
    {TRACK_ROLE_BOX, AFFECT_MODALITY_FACE, "face/P/box", "box", "share of the picture",
     CHANNELS(box)},
    {TRACK_ROLE_POSE, AFFECT_MODALITY_FACE, "face/P/pose", "pose", "degrees", CHANNELS(pose)},
    {TRACK_ROLE_EYES, AFFECT_MODALITY_FACE, "face/P/eyes", "eyes", "share", CHANNELS(eyes)},
    {TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE, "face/P/mouth", "mouth", "share", CHANNELS(mouth)},
    {TRACK_ROLE_UNITS, AFFECT_MODALITY_FACE, "face/P/aus", "units", "intensity 0..5", NULL, 0},
    {TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_FACE, "face/P/expression", "categories", "probability",
     NULL, 0},
    {TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, "face/P/affect", "affect", "-1..1", CHANNELS(affect)},
    {TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, "voice/activity", "activity", "probability",
     CHANNELS(speech)},
    {TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE, "voice/prosody", "prosody", "as each channel says",
     NULL, 0},
    {TRACK_ROLE_RATE, AFFECT_MODALITY_VOICE, "voice/rate", "rate", "per second, shares",
     CHANNELS(rate)},
    {TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_VOICE, "voice/emotion", "categories", "probability",
     NULL, 0},
    {TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE, "voice/affect", "affect", "-1..1", CHANNELS(affect)},
    {TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_WORDS, "words/emotion", "categories", "probability",
     NULL, 0},
    {TRACK_ROLE_AFFECT, AFFECT_MODALITY_WORDS, "words/affect", "affect", "-1..1", CHANNELS(affect)},
    {TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, "trajectory/P", "trajectory", "-1..1",
     CHANNELS(affect)},
    {TRACK_ROLE_CONSISTENCY, AFFECT_MODALITY_FUSED, "consistency/P", "consistency", "share",
     CHANNELS(consistency)},
#undef CHANNELS
};

const track_kind *track_kind_at(size_t i) { return i < BASE_COUNT(kinds) ? &kinds[i] : NULL; }

const track_kind *track_kind_of(track_role role, affect_modality modality) {
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (kinds[i].role == role && kinds[i].modality == modality) return &kinds[i];
    return NULL;
}

bool track_kind_personal(const track_kind *kind) { return strchr(kind->pattern, 'P') != NULL; }

/* Does the id follow the pattern, in which P is a number from 1 without zeros in front? */
static bool follows(const char *pattern, const char *id) {
    const char *place = strchr(pattern, 'P');
    if (!place) return strcmp(pattern, id) == 0;
    size_t n = (size_t)(place - pattern);
    if (strncmp(pattern, id, n) != 0 || id[n] == '0') return false;
    size_t digits = strspn(id + n, "0123456789");
    return digits > 0 && digits < 10 && strcmp(place + 1, id + n + digits) == 0;
}

const track_kind *track_kind_of_id(const char *id) {
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (follows(kinds[i].pattern, id)) return &kinds[i];
    return NULL;
}
