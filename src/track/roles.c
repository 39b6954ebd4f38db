/* What tracks there are: one table that makers, fusion, writers and docs/timeline.md share. */
#include <string.h>

#include "track/track.h"

static const char *const box[] = {"x", "y", "width", "height"};
static const char *const pose[] = {"yaw", "pitch", "roll"};
static const char *const eyes[] = {"aperture_left", "aperture_right"};
static const char *const mouth[] = {"opening", "width"};
static const char *const landmarks[] = {
    "x_0",  "x_1",  "x_2",  "x_3",  "x_4",  "x_5",  "x_6",  "x_7",  "x_8",  "x_9",  "x_10", "x_11",
    "x_12", "x_13", "x_14", "x_15", "x_16", "x_17", "x_18", "x_19", "x_20", "x_21", "x_22", "x_23",
    "x_24", "x_25", "x_26", "x_27", "x_28", "x_29", "x_30", "x_31", "x_32", "x_33", "x_34", "x_35",
    "x_36", "x_37", "x_38", "x_39", "x_40", "x_41", "x_42", "x_43", "x_44", "x_45", "x_46", "x_47",
    "x_48", "x_49", "x_50", "x_51", "x_52", "x_53", "x_54", "x_55", "x_56", "x_57", "x_58", "x_59",
    "x_60", "x_61", "x_62", "x_63", "x_64", "x_65", "x_66", "x_67", "y_0",  "y_1",  "y_2",  "y_3",
    "y_4",  "y_5",  "y_6",  "y_7",  "y_8",  "y_9",  "y_10", "y_11", "y_12", "y_13", "y_14", "y_15",
    "y_16", "y_17", "y_18", "y_19", "y_20", "y_21", "y_22", "y_23", "y_24", "y_25", "y_26", "y_27",
    "y_28", "y_29", "y_30", "y_31", "y_32", "y_33", "y_34", "y_35", "y_36", "y_37", "y_38", "y_39",
    "y_40", "y_41", "y_42", "y_43", "y_44", "y_45", "y_46", "y_47", "y_48", "y_49", "y_50", "y_51",
    "y_52", "y_53", "y_54", "y_55", "y_56", "y_57", "y_58", "y_59", "y_60", "y_61", "y_62", "y_63",
    "y_64", "y_65", "y_66", "y_67"};
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
    {TRACK_ROLE_LANDMARKS, AFFECT_MODALITY_FACE, "face/P/landmarks", "landmarks",
     "share of the picture", CHANNELS(landmarks)},
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
