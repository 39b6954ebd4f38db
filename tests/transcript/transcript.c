#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "transcript/transcript.h"

#define MS AFFECT_MILLISECOND

static affect_context *ctx;

static transcript parse(const char *name, const char *bytes, size_t length) {
    transcript t;
    transcript_format format = transcript_detect(name, bytes, length);
    affect_status status = transcript_parse(ctx, name, format, bytes, length, &t);
    if (status) print_error("%s\n", affect_context_message(ctx));
    assert_int_equal(status, AFFECT_OK);
    return t;
}

static transcript parse_text(const char *name, const char *text) {
    return parse(name, text, strlen(text));
}

static void refused(const char *name, const char *text, const char *message) {
    transcript t;
    transcript_format format = transcript_detect(name, text, strlen(text));
    assert_int_equal(transcript_parse(ctx, name, format, text, strlen(text), &t),
                     AFFECT_ERROR_FORMAT);
    if (!strstr(affect_context_message(ctx), message))
        fail_msg("\"%s\" does not hold \"%s\"", affect_context_message(ctx), message);
    assert_int_equal(t.cue_count, 0);
}

static void cue_is(const transcript *t, size_t i, int64_t t0_ms, int64_t t1_ms, const char *text) {
    assert_true(i < t->cue_count);
    assert_int_equal(t->cues[i].t0, t0_ms * MS);
    assert_int_equal(t->cues[i].t1, t1_ms * MS);
    assert_string_equal(t->cues[i].text, text);
}

static void subrip_as_it_is_found_in_the_wild(void **state) {
    (void)state;
    transcript t = parse_text("a.srt", "\xef\xbb\xbf"
                                       "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i>, "
                                       "{\\an8}you.\r\nTwo lines\r\n\r\n"
                                       "2\r\n00:00:03.25-->00:00:04.1 X1:10\r\n5 < 6 &amp; "
                                       "7\r\n\r\nafter a blank line\r\n\r\n"
                                       "00:01:00,000 --> 00:01:01,000\r\n2024\r\n\r\n"
                                       "4\r\n100:00:00,000 --> 100:00:01,000\r\n\r\n"
                                       "5\r\n00:00:09,000 --> 00:00:08,000\r\nbackwards\r\n");
    assert_int_equal(t.format, TRANSCRIPT_SRT);
    assert_int_equal(t.cue_count, 4);
    cue_is(&t, 0, 1000, 2500, "Hello, you.\nTwo lines");
    cue_is(&t, 1, 3250, 4100, "5 < 6 & 7\nafter a blank line");
    cue_is(&t, 2, 60000, 61000, "2024");
    cue_is(&t, 3, 360000000, 360001000, "");
    assert_int_equal(t.skipped, 1);
    assert_int_equal(t.skipped_line, 19);
    transcript_destroy(&t);
}

static void subrip_errors_name_the_line(void **state) {
    (void)state;
    refused("a.srt", "1\n00:00:01,000 --> later\nx\n", "a.srt: line 2: expected");
    refused("a.srt", "1\n\nsome prose\n00:00:01,000 --> 00:00:02,000\n", "line 3");
    refused("a.srt", "", "line 1");
    refused("a.srt", "1\n2\n", "line 1: no cue");
    refused("a.txt", "prose", "no transcript");
}

static void webvtt_follows_the_standard(void **state) {
    (void)state;
    transcript t =
        parse_text("a.vtt", "WEBVTT - title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\n"
                            "NOTE 00:01.000 is not a cue\nmore\n\n"
                            "intro\n00:01.000 --> 00:02.000 line:0 align:start\n"
                            "<v.loud Mary Ann>Hi &lt;b&gt; <b>there</b>\n\n"
                            "00:00:03.000 --> 00:00:06.000\n"
                            "One <00:00:04.000>two <00:00:05.000><c>three</c>\n\n"
                            "00:07.000 --> 00:06.000\nback\n\n1:00:00.000 --> 1:00:00.001\nx");
    assert_int_equal(t.format, TRANSCRIPT_VTT);
    assert_int_equal(t.cue_count, 3);
    cue_is(&t, 0, 1000, 2000, "Hi <b> there");
    assert_string_equal(t.cues[0].speaker, "Mary Ann");
    cue_is(&t, 1, 3000, 6000, "One two three");
    assert_int_equal(t.cues[1].word_count, 3);
    const transcript_word *w = &t.words[t.cues[1].first_word];
    assert_string_equal(w[1].text, "two");
    assert_int_equal(w[1].t0, 4000 * MS);
    assert_int_equal(w[1].t1, 5000 * MS);
    assert_int_equal(w[2].t1, 6000 * MS);
    cue_is(&t, 2, 3600000, 3600001, "x");
    assert_int_equal(t.skipped, 1);
    transcript_destroy(&t);
    refused("a.vtt", "WEBVTT\n\nid\nnot a time\n", "line 4: expected a timing line");
    refused("a.vtt", "WEBVTT\n\n00:61.000 --> 00:62.000\n", "line 3");
    refused("a.vtt", "WEBVTTX\n", "line 1");
}

static void any_encoding_is_read(void **state) {
    (void)state;
    static const char cue[] =
        "1\n00:00:01,000 --> 00:00:02,000\n\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80\n";
    size_t n = 0;
    uint16_t units[128];
    for (size_t at = 0; at < sizeof cue - 1;) {
        uint32_t c = base_utf8_next(cue, sizeof cue - 1, &at);
        if (c >= 0x10000) {
            units[n++] = (uint16_t)(0xD800 + ((c - 0x10000) >> 10));
            units[n++] = (uint16_t)(0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
            units[n++] = (uint16_t)c;
        }
    }
    for (int form = 0; form < 4; form++) { /* little and big endian, with and without a mark */
        char bytes[300];
        size_t length = 0;
        bool big = form & 1, mark = form & 2;
        if (mark) {
            bytes[length++] = (char)(big ? 0xFE : 0xFF);
            bytes[length++] = (char)(big ? 0xFF : 0xFE);
        }
        for (size_t i = 0; i < n; i++) {
            bytes[length++] = (char)(big ? units[i] >> 8 : units[i] & 0xFF);
            bytes[length++] = (char)(big ? units[i] & 0xFF : units[i] >> 8);
        }
        transcript t = parse("a.srt", bytes, length);
        cue_is(&t, 0, 1000, 2000, "\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80");
        transcript_destroy(&t);
    }
    transcript t = parse_text("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n\xe9t\xe9 \x80\n");
    cue_is(&t, 0, 1000, 2000, "\xc3\xa9t\xc3\xa9 \xe2\x82\xac");
    transcript_destroy(&t);
}

static const char long_form[] =
    "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0 \nxmax = 2.5 \n"
    "tiers? <exists> \nsize = 2 \nitem []: \n    item [1]:\n        class = \"IntervalTier\" \n"
    "        name = \"words\" \n        xmin = 0 \n        xmax = 2.5 \n"
    "        intervals: size = 2 \n        intervals [1]:\n            xmin = 0 \n"
    "            xmax = 1.1 \n            text = \"say \"\"hi\"\"\" \n        intervals [2]:\n"
    "            xmin = 1.1 \n            xmax = 2.5 \n            text = \"\" \n    item [2]:\n"
    "        class = \"TextTier\" \n        name = \"points\" \n        xmin = 0 \n"
    "        xmax = 2.5 \n        points: size = 1 \n        points [1]:\n"
    "            number = 0.30000000001 \n            mark = \"click\" \n";
static const char short_form[] =
    "File type = \"ooTextFile short\"\n\"TextGrid\"\n\n0\n2.5\n<exists>\n2\n\"IntervalTier\"\n"
    "\"words\"\n0\n2.5\n2\n0\n1.1\n\"say "
    "\"\"hi\"\"\"\n1.1\n2.5\n\"\"\n\"TextTier\"\n\"points\"\n0\n"
    "2.5\n1\n0.3\n\"click\"\n";

static void textgrid_long_and_short_forms_agree(void **state) {
    (void)state;
    const char *forms[] = {long_form, short_form};
    for (size_t i = 0; i < 2; i++) {
        transcript t = parse_text("x", forms[i]);
        assert_int_equal(t.format, TRANSCRIPT_TEXTGRID);
        assert_int_equal(t.cue_count, 3);
        cue_is(&t, 0, 0, 1100, "say \"hi\"");
        assert_string_equal(t.cues[0].tier, "words");
        cue_is(&t, 1, 1100, 2500, "");
        cue_is(&t, 2, 300, 300, "click");
        assert_true(t.cues[2].is_point);
        transcript_destroy(&t);
    }
    refused("x.TextGrid", "File type = \"ooTextFile\"\nObject class = \"Pitch\"\n", "\"Pitch\"");
    refused("x.TextGrid", "\"ooTextFile\"\n\"TextGrid\"\n0\n1\n<exists>\n1\n\"IntervalTier\n",
            "line 7: a quoted string does not end");
    refused("x.TextGrid",
            "\"ooTextFile\"\n\"TextGrid\"\n0\n1\n<exists>\n1\n\"IntervalTier\"\n\"w\"\n0\n1\n"
            "99999999\n0\n1\n\"a\"\n",
            "the file ends");
}

static void eaf_times_come_from_slots_chains_and_parents(void **state) {
    (void)state;
    transcript t = parse_text(
        "a.eaf",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT>"
        "<HEADER TIME_UNITS=\"milliseconds\"/><TIME_ORDER>"
        "<TIME_SLOT TIME_SLOT_ID=\"ts1\" TIME_VALUE=\"1000\"/><TIME_SLOT TIME_SLOT_ID=\"ts2\"/>"
        "<TIME_SLOT TIME_SLOT_ID=\"ts3\"/>"
        "<TIME_SLOT TIME_SLOT_ID=\"ts4\" TIME_VALUE=\"4000\"/></TIME_ORDER>"
        "<TIER TIER_ID=\"utt\" PARTICIPANT=\"Ann\"><ANNOTATION><ALIGNABLE_ANNOTATION "
        "ANNOTATION_ID=\"a1\" TIME_SLOT_REF1=\"ts1\" TIME_SLOT_REF2=\"ts4\">"
        "<ANNOTATION_VALUE>one &amp; two</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
        "</TIER><TIER TIER_ID=\"parts\" PARENT_REF=\"utt\">"
        "<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a2\" TIME_SLOT_REF1=\"ts1\" "
        "TIME_SLOT_REF2=\"ts2\"><ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>"
        "</ANNOTATION><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a3\" "
        "TIME_SLOT_REF1=\"ts2\" TIME_SLOT_REF2=\"ts3\"><ANNOTATION_VALUE>y</ANNOTATION_VALUE>"
        "</ALIGNABLE_ANNOTATION></ANNOTATION><ANNOTATION><ALIGNABLE_ANNOTATION "
        "ANNOTATION_ID=\"a4\" TIME_SLOT_REF1=\"ts3\" TIME_SLOT_REF2=\"ts4\"><ANNOTATION_VALUE>z"
        "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
        "<TIER TIER_ID=\"words\" PARENT_REF=\"utt\"><ANNOTATION><REF_ANNOTATION "
        "ANNOTATION_ID=\"a6\" ANNOTATION_REF=\"a1\" PREVIOUS_ANNOTATION=\"a5\"><ANNOTATION_VALUE>"
        "two</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION><ANNOTATION><REF_ANNOTATION "
        "ANNOTATION_ID=\"a5\" ANNOTATION_REF=\"a1\"><ANNOTATION_VALUE>one</ANNOTATION_VALUE>"
        "</REF_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>");
    assert_int_equal(t.format, TRANSCRIPT_EAF);
    assert_int_equal(t.cue_count, 6);
    cue_is(&t, 0, 1000, 4000, "one & two");
    assert_string_equal(t.cues[0].speaker, "Ann");
    assert_false(t.cues[0].interpolated);
    cue_is(&t, 1, 1000, 2000, "x");
    cue_is(&t, 2, 2000, 3000, "y");
    cue_is(&t, 3, 3000, 4000, "z");
    assert_true(t.cues[2].interpolated && t.cues[2].is_child);
    cue_is(&t, 4, 2500, 4000, "two");
    cue_is(&t, 5, 1000, 2500, "one");
    transcript_destroy(&t);
}

#define EAF(body) "<ANNOTATION_DOCUMENT>\n" body "</ANNOTATION_DOCUMENT>"

static void eaf_errors_name_the_line(void **state) {
    (void)state;
    refused("a.eaf", "<ANNOTATION_DOCUMENT>\n<TIER>\n</ANNOTATION_DOCUMENT>", "line 3: mismatched");
    refused("a.eaf", EAF("<TIME_SLOT TIME_SLOT_ID='a' TIME_VALUE='soon'/>"), "line 2: TIME_VALUE");
    refused("a.eaf",
            EAF("<TIER TIER_ID='t'>\n<ALIGNABLE_ANNOTATION ANNOTATION_ID='a' TIME_SLOT_REF1='p' "
                "TIME_SLOT_REF2='q'/></TIER>"),
            "line 3: no time slot");
    refused("a.eaf",
            EAF("<TIER TIER_ID='t'><REF_ANNOTATION ANNOTATION_ID='a' ANNOTATION_REF='b'/>"
                "<REF_ANNOTATION ANNOTATION_ID='b' ANNOTATION_REF='a'/></TIER>"),
            "refers to itself");
    refused("a.eaf",
            "<!DOCTYPE x [<!ENTITY a \"aaaa\">]>\n<ANNOTATION_DOCUMENT>&a;</ANNOTATION_DOCUMENT>",
            "entity \"a\"");
    refused("a.eaf", "<html/>", "line 1");
}

static void json_of_every_maker(void **state) {
    (void)state;
    transcript t = parse_text(
        "a.json", "{\"text\":\"x\",\"language\":\"en\",\"segments\":[{\"start\":0.5,\"end\":2,"
                  "\"text\":\" Hi there\",\"avg_logprob\":-0.6931472,\"speaker\":\"A\",\"words\":"
                  "[{\"word\":\" Hi\",\"start\":0.5,\"end\":1,\"probability\":0.9},"
                  "{\"word\":\" there\",\"start\":1,\"end\":2,\"probability\":0.8}]},"
                  "{\"start\":3,\"end\":4,\"text\":\"5 %\",\"words\":[{\"word\":\"5\"}]}]}");
    assert_int_equal(t.cue_count, 2);
    cue_is(&t, 0, 500, 2000, "Hi there");
    assert_string_equal(t.language, "en");
    assert_string_equal(t.cues[0].speaker, "A");
    assert_true(fabsf(t.cues[0].confidence - .5F) < 1e-4F);
    assert_int_equal(t.cues[0].word_count, 2);
    assert_string_equal(t.words[1].text, "there");
    assert_true(fabsf(t.words[1].confidence - .8F) < 1e-6F);
    assert_int_equal(t.cues[1].word_count, 0);
    transcript_destroy(&t);
    t = parse_text("a.json", "{\"result\":{\"language\":\"de\"},\"transcription\":[{\"timestamps\":"
                             "{\"from\":\"00:00:01,250\",\"to\":\"00:00:02,000\"},\"offsets\":"
                             "{\"from\":1250,\"to\":2000},\"text\":\" ja\"}]}");
    cue_is(&t, 0, 1250, 2000, "ja");
    assert_string_equal(t.language, "de");
    transcript_destroy(&t);
    t = parse_text("a.json", "[{\"text\":\"\"},{\"result\":[{\"conf\":1,\"start\":1,\"end\":1.5,"
                             "\"word\":\"oh\"}],\"text\":\"oh\"}]");
    cue_is(&t, 0, 1000, 1500, "oh");
    assert_int_equal(t.cues[0].word_count, 1);
    transcript_destroy(&t);
    t = parse_text("a.json", "[{\"start\":\"1:02.5\",\"end\":\"63\",\"text\":\"a\"}]");
    cue_is(&t, 0, 62500, 63000, "a");
    transcript_destroy(&t);
    refused("a.json", "{\"segments\":[\n{\"start\":1}]}", "segments[0]");
    refused("a.json", "{\n\"segments\":[\n", "line 3");
    refused("a.json", "{\"a\":1}", "no known kind");
    refused("a.json", "[1]", "[0]");
}

/* Every prefix and every single flipped byte of each format: a transcript or an error, and whatever
 * comes back keeps its promises. */
static const char ass_text[] =
    "[Script Info]\nTitle: x\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
    "MarginV, Effect, Text\nComment: 0,0:00:00.00,0:00:01.00,D,,0,0,0,,no\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,D,Ann,0,0,0,,{\\an8}Hi, {\\i1}you{\\i0}\\Nthere\n"
    "Dialogue: 0,oh,0:00:02.50,D,Ann,0,0,0,,lost\n"
    "Dialogue: 0,0:00:03.00,0:00:05.00,D,,0,0,0,,{\\k50}hap{\\k50}py {\\k100}day\n"
    "Dialogue: 0,0:00:06.00,0:00:07.00,D,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}\n";
static const char sbv_text[] =
    "0:00:01.000,0:00:02.500\nHi[br]you\n\n0:00:03.000,0:00:04.000\nthere\n";
static const char lrc_text[] = "[ar:X]\n[offset:+500]\n[00:01.50]one\n[00:03.00][00:09.00]two\n"
                               "[00:05.00]<00:05.00>oh <00:05.50>my\n";
static const char whisper_text[] =
    "[00:00.000 --> 00:02.500]  Hello there\n[00:02.500 --> 00:04.000]  you\n";
static const char ttml_text[] =
    "<?xml version=\"1.0\"?><tt xmlns=\"http://www.w3.org/ns/ttml\" xml:lang=\"en\" "
    "xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\" ttp:frameRate=\"25\"><head/>"
    "<body begin=\"1s\"><div><p begin=\"0.5s\" end=\"00:00:02.000\">Hi<br/>you &amp; me</p>"
    "<p begin=\"2s\" dur=\"500ms\">two</p><p begin=\"00:00:04:05\" end=\"00:00:05:00\">three</p>"
    "<p begin=\"soon\" end=\"9s\">lost</p></div></body></tt>";

static void other_subtitles(void **state) {
    (void)state;
    transcript t = parse_text("a.ass", ass_text);
    assert_int_equal(t.format, TRANSCRIPT_ASS);
    assert_int_equal(t.cue_count, 3);
    cue_is(&t, 0, 1000, 2500, "Hi, you\nthere");
    assert_string_equal(t.cues[0].speaker, "Ann");
    cue_is(&t, 1, 3000, 5000, "happy day");
    assert_int_equal(t.cues[1].word_count, 2);
    const transcript_word *w = &t.words[t.cues[1].first_word];
    assert_string_equal(w[0].text, "happy");
    assert_int_equal(w[0].t1, 4000 * MS);
    assert_string_equal(w[1].text, "day");
    assert_int_equal(w[1].t0, 4000 * MS);
    cue_is(&t, 2, 6000, 7000, "");
    assert_int_equal(t.skipped, 1);
    assert_int_equal(t.skipped_line, 7);
    transcript_destroy(&t);
    t = parse_text("a.sbv", sbv_text);
    assert_int_equal(t.format, TRANSCRIPT_SBV);
    cue_is(&t, 0, 1000, 2500, "Hi\nyou");
    cue_is(&t, 1, 3000, 4000, "there");
    transcript_destroy(&t);
    t = parse_text("a.lrc", lrc_text);
    assert_int_equal(t.format, TRANSCRIPT_LRC);
    assert_int_equal(t.cue_count, 4);
    cue_is(&t, 0, 1000, 2500, "one");
    cue_is(&t, 1, 2500, 4500, "two");
    cue_is(&t, 2, 4500, 8500, "oh my");
    assert_int_equal(t.cues[2].word_count, 2);
    assert_int_equal(t.words[t.cues[2].first_word + 1].t0, 5000 * MS);
    cue_is(&t, 3, 8500, 11500, "two");
    transcript_destroy(&t);
    t = parse_text("a.txt", whisper_text);
    cue_is(&t, 0, 0, 2500, "Hello there");
    cue_is(&t, 1, 2500, 4000, "you");
    transcript_destroy(&t);
    t = parse_text("a.ttml", ttml_text);
    assert_int_equal(t.format, TRANSCRIPT_TTML);
    assert_int_equal(t.cue_count, 3);
    assert_string_equal(t.language, "en");
    cue_is(&t, 0, 1500, 3000, "Hi\nyou & me");
    cue_is(&t, 1, 3000, 3500, "two");
    cue_is(&t, 2, 5200, 6000, "three");
    assert_int_equal(t.skipped, 1);
    transcript_destroy(&t);
}

static void tables_of_cues(void **state) {
    (void)state;
    transcript t = parse_text(
        "a.tsv", "start\tend\ttext\n0\t2500\t\"Hi\n2500\t180000\tlong\n9000\t200000\tx\n");
    assert_int_equal(t.format, TRANSCRIPT_TABLE);
    cue_is(&t, 0, 0, 2500, "\"Hi");
    transcript_destroy(&t);
    t = parse_text(
        "a.csv",
        "Speaker,Start,End,Text\nAnn,0:01.5,0:02,\"Hi, you\"\nBob,x,3,lost\nBob,2,3,there\n");
    assert_int_equal(t.cue_count, 2);
    cue_is(&t, 0, 1500, 2000, "Hi, you");
    assert_string_equal(t.cues[0].speaker, "Ann");
    cue_is(&t, 1, 2000, 3000, "there");
    assert_int_equal(t.skipped_line, 3);
    transcript_destroy(&t);
    t = parse_text("labels.txt", "0.500000\t1.250000\thello\n2.0\t3.0\tyou\n");
    cue_is(&t, 0, 500, 1250, "hello");
    cue_is(&t, 1, 2000, 3000, "you");
    transcript_destroy(&t);
}

static void who_speaks_is_no_speech(void **state) {
    (void)state;
    transcript t =
        parse_text("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n[SPEAKER_00]: so\n\n"
                            "2\n00:00:02,000 --> 00:00:03,000\nDr. Smith: yes\n\n"
                            "3\n00:00:03,000 --> 00:00:04,000\nDr. Smith: no\n\n"
                            "4\n00:00:04,000 --> 00:00:05,000\nQuestion: why\n\n"
                            "5\n00:00:05,000 --> 00:00:06,000\n- ANNA: one\n- BOB: seven\n\n"
                            "6\n00:00:06,000 --> 00:00:07,000\n>> and now\n\n"
                            "7\n00:00:07,000 --> 00:00:08,000\nat 10:30 we met\n\n"
                            "8\n00:00:08,000 --> 00:00:09,000\n[music] la la\n");
    static const char *const speakers[] = {"SPEAKER_00", "Dr. Smith", "Dr. Smith", "", "ANNA",
                                           "BOB",        "",          "",          ""};
    static const char *const texts[] = {"so",           "yes",   "no",      "Question: why",
                                        "one",          "seven", "and now", "at 10:30 we met",
                                        "[music] la la"};
    assert_int_equal(t.cue_count, BASE_COUNT(texts));
    for (size_t i = 0; i < t.cue_count; i++) {
        assert_string_equal(t.cues[i].text, texts[i]);
        assert_string_equal(t.cues[i].speaker, speakers[i]);
    }
    assert_int_equal(t.cues[4].t1, t.cues[5].t0);
    assert_true(t.cues[5].interpolated && t.cues[5].t1 == 6000 * MS);
    transcript_destroy(&t);
}

static void who_says_a_thing_twice_is_heard_twice(void **state) {
    (void)state;
    transcript t = parse_text("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n"
                                       "2\n00:00:02,000 --> 00:00:03,000\nNo.\n\n"
                                       "3\n00:00:03,000 --> 00:00:04,000\nNo. Never.\n\n"
                                       "4\n00:00:04,000 --> 00:00:05,000\nSo what\n\n"
                                       "5\n00:00:05,000 --> 00:00:06,000\ndo we do\n");
    assert_int_equal(t.cue_count, 5);
    assert_string_equal(t.cues[2].text, "No. Never.");
    transcript_destroy(&t);
    /* Two lines that scroll, as converters write them to SubRip. */
    t = parse_text("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nI am\n\n"
                            "2\n00:00:02,000 --> 00:00:03,000\nI am\nso happy\n\n"
                            "3\n00:00:03,000 --> 00:00:04,000\nso happy\nto see you\n");
    assert_int_equal(t.cue_count, 3);
    assert_string_equal(t.cues[1].text, "so happy");
    assert_string_equal(t.cues[2].text, "to see you");
    assert_int_equal(t.note_count, 1);
    transcript_destroy(&t);
}

/* One bad element never voids the rest. */
static void the_good_rest_is_read(void **state) {
    (void)state;
    transcript t =
        parse_text("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\none\n\nid\nstray\n\n"
                            "00:99.000 --> 01:99.000\nlost\n\n00:05.000 --> 00:06.000\ntwo\n");
    assert_int_equal(t.cue_count, 2);
    assert_int_equal(t.skipped, 2);
    assert_int_equal(t.skipped_line, 7);
    transcript_destroy(&t);
    t = parse_text("a.json",
                   "{\"segments\":[{\"start\":0,\"end\":1,\"text\":\"a\"},{\"start\":null,"
                   "\"text\":\"b\"},7,{\"start\":2,\"end\":3,\"text\":\"c\"}]}");
    assert_int_equal(t.cue_count, 2);
    assert_int_equal(t.skipped, 2);
    assert_non_null(strstr(t.skipped_reason, "segments[1]"));
    transcript_destroy(&t);
    t = parse_text("a.eaf",
                   EAF("<TIME_ORDER><TIME_SLOT TIME_SLOT_ID='s1' TIME_VALUE='1000'/><TIME_SLOT "
                       "TIME_SLOT_ID='s2' TIME_VALUE='2000'/><TIME_SLOT TIME_SLOT_ID='s3' "
                       "TIME_VALUE='x'/></TIME_ORDER><TIER TIER_ID='t'>"
                       "<ALIGNABLE_ANNOTATION ANNOTATION_ID='a' TIME_SLOT_REF1='s1' "
                       "TIME_SLOT_REF2='s2'><ANNOTATION_VALUE>v</ANNOTATION_VALUE>"
                       "</ALIGNABLE_ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID='b' "
                       "TIME_SLOT_REF1='s2' TIME_SLOT_REF2='s3'/><REF_ANNOTATION "
                       "ANNOTATION_ID='c' ANNOTATION_REF='b'/></TIER>"));
    assert_int_equal(t.cue_count, 1);
    cue_is(&t, 0, 1000, 2000, "v");
    transcript_destroy(&t);
}

static void code_pages_are_found_and_said(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *text, *encoding;
    } files[] = {{"\xdf \xf2\xe0\xea \xf1\xf7\xe0\xf1\xf2\xeb\xe8\xe2",
                  "\xD0\xAF \xD1\x82\xD0\xB0\xD0\xBA "
                  "\xD1\x81\xD1\x87\xD0\xB0\xD1\x81\xD1\x82\xD0\xBB\xD0\xB8\xD0\xB2",
                  "WINDOWS-1251"},
                 {"\xce\xd2\xba\xdc\xb8\xdf\xd0\xcb",
                  "\xE6\x88\x91\xE5\xBE\x88\xE9\xAB\x98\xE5\x85\xB4", "GB18030"},
                 {"caf\xe9 d\xe9j\xe0", "caf\xC3\xA9 d\xC3\xA9j\xC3\xA0", "WINDOWS-1252"}};
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        char file[200];
        snprintf(file, sizeof file, "1\n00:00:01,000 --> 00:00:02,000\n%s\n", files[i].bytes);
        transcript t = parse_text("a.srt", file);
        assert_string_equal(t.cues[0].text, files[i].text);
        assert_int_equal(t.note_count, 1);
        assert_non_null(strstr(t.notes[0], files[i].encoding));
        transcript_destroy(&t);
    }
    /* UTF-8 with one broken byte stays UTF-8. */
    transcript t =
        parse_text("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n\xE6\x88\x91\xE5\xBE\x88"
                            "\xE9\xAB\x98\xE5\x85\xB4\xE6\x88\x91\xE5\xBE\x88\xE9\xAB\x98"
                            "\xE5\x85\xB4\xE6\x88\x91\xFF\n");
    assert_true(!strncmp(t.cues[0].text, "\xE6\x88\x91", 3));
    assert_non_null(strstr(t.notes[0], "1 bytes"));
    transcript_destroy(&t);
}

static void damage_is_an_error_or_a_sound_transcript(void **state) {
    (void)state;
    const char *texts[] = {
        "1\n00:00:01,000 --> 00:00:02,000\nHi <i>you</i>\n\n2\n00:00:03,000 --> 00:00:04,000\nx\n",
        "WEBVTT\n\n00:01.000 --> 00:04.000\n<v A>One <00:02.000>two &amp; three\n\nNOTE x\n",
        short_form,
        EAF("<TIME_ORDER><TIME_SLOT TIME_SLOT_ID='s1' TIME_VALUE='1'/><TIME_SLOT "
            "TIME_SLOT_ID='s2'/></TIME_ORDER><TIER TIER_ID='t'><ANNOTATION><ALIGNABLE_ANNOTATION "
            "ANNOTATION_ID='a' TIME_SLOT_REF1='s1' TIME_SLOT_REF2='s2'><ANNOTATION_VALUE>v"
            "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"),
        "{\"segments\":[{\"start\":0.5,\"end\":2,\"text\":\"Hi\",\"words\":[{\"word\":\"Hi\","
        "\"start\":0.5,\"end\":1}]}]}",
        ass_text,
        lrc_text,
        ttml_text};
    for (size_t k = 0; k < BASE_COUNT(texts); k++) {
        size_t length = strlen(texts[k]);
        for (size_t i = 0; i < length * 9; i++) {
            char *bytes = malloc(length); /* exact size, so that ASan sees a byte too far */
            memcpy(bytes, texts[k], length);
            size_t n = i < length ? i : length;
            if (i >= length) bytes[(i - length) / 8] ^= (char)(1 << (i % 8));
            transcript t;
            for (transcript_format f = TRANSCRIPT_SRT; f <= TRANSCRIPT_TABLE; f++) {
                if (transcript_parse(ctx, "x", f, bytes, n, &t)) continue;
                for (size_t c = 0; c < t.cue_count; c++) {
                    const transcript_cue *cue = &t.cues[c];
                    assert_true(cue->t0 <= cue->t1 && cue->text && cue->tier && cue->speaker);
                    assert_true(cue->first_word + cue->word_count <= t.word_count);
                }
                transcript_destroy(&t);
            }
            free(bytes);
        }
    }
}

static void every_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    const char *texts[] = {
        "1\n00:00:01,000 --> 00:00:02,000\nHi\n",
        "WEBVTT\n\n00:01.000 --> 00:04.000\n<v A>a "
        "<00:02.000>b\n",
        long_form,
        EAF("<TIME_ORDER><TIME_SLOT TIME_SLOT_ID='s1' TIME_VALUE='1'/></TIME_ORDER><TIER "
            "TIER_ID='t'><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID='a' TIME_SLOT_REF1='s1' "
            "TIME_SLOT_REF2='s1'><ANNOTATION_VALUE>v</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>"
            "</ANNOTATION></TIER>"),
        ass_text,
        sbv_text,
        lrc_text,
        ttml_text};
    for (size_t k = 0; k < BASE_COUNT(texts); k++)
        for (long n = 1;; n++) {
            transcript_format format = transcript_detect(NULL, texts[k], strlen(texts[k]));
            transcript t;
            base_alloc_fail_at(n);
            affect_status status =
                transcript_parse(NULL, "x", format, texts[k], strlen(texts[k]), &t);
            bool failed = base_alloc_count() >= n;
            base_alloc_fail_at(0);
            if (!status) transcript_destroy(&t);
            if (!failed) {
                if (status) fail_msg("text %zu: %d", k, (int)status);
                assert_int_equal(status, AFFECT_OK);
                break;
            }
            if (status != AFFECT_ERROR_MEMORY)
                fail_msg("text %zu allocation %ld: %d", k, n, (int)status);
        }
}

static int make_context(void **state) {
    (void)state;
    return affect_context_create(&ctx);
}

static int drop_context(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subrip_as_it_is_found_in_the_wild),
        cmocka_unit_test(subrip_errors_name_the_line),
        cmocka_unit_test(webvtt_follows_the_standard),
        cmocka_unit_test(any_encoding_is_read),
        cmocka_unit_test(textgrid_long_and_short_forms_agree),
        cmocka_unit_test(eaf_times_come_from_slots_chains_and_parents),
        cmocka_unit_test(eaf_errors_name_the_line),
        cmocka_unit_test(json_of_every_maker),
        cmocka_unit_test(other_subtitles),
        cmocka_unit_test(tables_of_cues),
        cmocka_unit_test(who_speaks_is_no_speech),
        cmocka_unit_test(who_says_a_thing_twice_is_heard_twice),
        cmocka_unit_test(the_good_rest_is_read),
        cmocka_unit_test(code_pages_are_found_and_said),
        cmocka_unit_test(damage_is_an_error_or_a_sound_transcript),
        cmocka_unit_test(every_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
