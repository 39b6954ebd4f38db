/* words: what was said, when, and what the words alone express.
 *
 * In: mono audio blocks, or a transcript file. Out, appended to a timeline:
 *   tier  "words"       label = the word, score = confidence; attributes {"valence", "arousal",
 *                       "dominance", "negated", "scored", "interpolated"}
 *   tier  "utterances"  label = the sentence, score = mean confidence; attributes {"valence", ...,
 *                       "scored", "understood", "speaker", "tags": what a recogniser said of it
 *                       (["HAPPY", "Speech"])}. Speech that was not understood (another
 *                       language, singing, noise) has the label "" and {"understood":false}
 *                       "labels": what holds of the network's labels, best first
 *   track "words/emotion" one row an utterance at its middle: share of each of the network's labels
 *   track "words/affect" one row an utterance at its middle: valence, arousal, dominance and their
 *                       standard deviations, by network and lexicon; NaN where neither says
 *   tier  "speakers"    who spoke: S1, S2, ... in order of appearance (written at the end)
 *   events "negation", "intensifier", "swearing", "laughter"
 *
 * Recognition is Vosk (Kaldi), found by dlopen; without it, or without its model, the stage warns
 * on the timeline and does nothing. The decision whether speech was understood needs context: at
 * the start of a recording, and after a minute of silence, results come up to 15 s after the end of
 * an utterance, later at once (docs/words.md). */
#ifndef WORDS_WORDS_H
#define WORDS_WORDS_H

#include "media/media.h"
#include "track/track.h"

typedef struct words_options {
    bool recognise; /* false: words_push ignores audio */
    bool affect;    /* lexical valence, arousal, dominance and events */
    const char
        *recognition_model;    /* NULL = "words.recognition.en"; a name or a folder with a card */
    const char *lexicon;       /* NULL = "words.lexicon" */
    const char *emotion_model; /* NULL = "text.emotion" */
    bool speakers;             /* speaker turns, from the utterances' x-vectors (voice/turns.h) */
    const char *speaker_model; /* NULL = "voice.speaker" */
    affect_time offset;        /* added to all times of a transcript */
    affect_time length; /* of the recording, AFFECT_TIME_NONE if unknown: cues of a transcript
                                  beyond it are left out, with a warning */
} words_options;

words_options words_options_default(void); /* everything on, default models */

/* The file that "whisper:FILE" names, which has no card; NULL where a model is named otherwise. */
const char *words_whisper_file(const char *model);

typedef struct words_stage words_stage;

/* Loads what it can; what is missing is a timeline_warn and status OK. Strings of the options are
 * not kept. Errors: MEMORY. */
AFFECT_MUST_USE affect_status words_create(affect_context *ctx, const words_options *options,
                                           affect_timeline *timeline, words_stage **out);
/* Audio of one rate (16 kHz by default; others work). A block that does not meet the one before it
 * closes the utterance. Appends what is final. Errors: ARGUMENT, RUNTIME, MEMORY, CANCELLED. */
AFFECT_MUST_USE affect_status words_push(words_stage *stage, const media_block *block);
AFFECT_MUST_USE affect_status words_finish(words_stage *stage);
void words_destroy(words_stage *stage);

/* Reads a transcript (transcript/transcript.h) into the timeline instead of recognising. Cues without
 * word times get words at times interpolated by length, marked so. Errors: those of
 * transcript_read. */
AFFECT_MUST_USE affect_status words_import(affect_context *ctx, const char *path,
                                           affect_timeline *timeline);
AFFECT_MUST_USE affect_status words_import_with(affect_context *ctx, const char *path,
                                                const words_options *options,
                                                affect_timeline *timeline);
/* The same from bytes in memory; `name` stands in warnings and errors, and its ending may tell the
 * format. */
AFFECT_MUST_USE affect_status words_import_bytes(affect_context *ctx, const char *name,
                                                 const char *bytes, size_t length,
                                                 const words_options *options,
                                                 affect_timeline *timeline);

/* Text that comes piece by piece, each with its interval, in order of time; otherwise as
 * words_import_with. Malformed UTF-8 is replaced. Errors: MEMORY. */
typedef struct words_text words_text;
AFFECT_MUST_USE affect_status words_text_create(affect_context *ctx, const words_options *options,
                                                affect_timeline *timeline, words_text **out);
AFFECT_MUST_USE affect_status words_text_push(words_text *text, affect_time t0, affect_time t1,
                                              const char *utf8);
void words_text_destroy(words_text *text); /* NULL is fine */

#endif
