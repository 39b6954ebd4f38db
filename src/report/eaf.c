/* ELAN annotation format 3.0 (EAFv3.0.xsd and "EAF Annotation Format 3.0", MPI for
 * Psycholinguistics): header with the media, time slots in order, one alignable tier per tier and
 * person, one per modality and person for events. Alignable annotations of a tier must not overlap
 * and must have a length. */
#include <stdlib.h>
#include <string.h>

#include "report/report_private.h"

void report_put_xml(FILE *out, const char *text) {
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        switch (c) {
        case '&': fputs_unlocked("&amp;", out); continue;
        case '<': fputs_unlocked("&lt;", out); continue;
        case '>': fputs_unlocked("&gt;", out); continue;
        case '"': fputs_unlocked("&quot;", out); continue;
        case '\t': fputs_unlocked("&#9;", out); continue;
        case '\n': fputs_unlocked("&#10;", out); continue;
        case '\r': fputs_unlocked("&#13;", out); continue;
        default: break;
        }
        if (base_control(c) || c == 0xFFFE || c == 0xFFFF) c = 0xFFFD; /* XML 1.0, production 2 */
        report_put_code_point(out, c);
    }
}

typedef struct slot {
    int64_t ms;
    size_t annotation; /* in order of lanes */
    bool end;
    size_t number; /* 1.. in order of time */
} slot;

static int compare_slot(const void *a, const void *b) {
    const slot *x = a, *y = b;
    if (x->ms != y->ms) return x->ms < y->ms ? -1 : 1;
    if (x->annotation != y->annotation) return x->annotation < y->annotation ? -1 : 1;
    return x->end - y->end;
}

static size_t mark_count(const report_lanes *lanes) {
    size_t n = 0;
    for (size_t i = 0; i < lanes->count; i++) n += lanes->lanes[i].count;
    return n;
}

/* Writes TIME_ORDER and fills numbers[2 * annotation + (0 start, 1 end)]. ELAN's times start at 0;
 * what lies before the first instant is clamped there. */
static affect_status put_slots(affect_context *ctx, const report_lanes *lanes, size_t *numbers,
                               FILE *out) {
    size_t n = mark_count(lanes), k = 0;
    slot *slots = base_calloc(2 * n + 1, sizeof *slots);
    if (!slots) return base_fail_memory(ctx);
    for (size_t i = 0; i < lanes->count; i++)
        for (size_t j = 0; j < lanes->lanes[i].count; j++, k++) {
            const report_mark *mark = &lanes->lanes[i].marks[j];
            slots[2 * k] = (slot){BASE_MAX(mark->t0_ms, 0), k, false, 0};
            slots[2 * k + 1] = (slot){BASE_MAX(mark->t1_ms, 1), k, true, 0};
        }
    qsort(slots, 2 * n, sizeof *slots, compare_slot);
    fputs_unlocked("    <TIME_ORDER>\n", out);
    for (size_t i = 0; i < 2 * n; i++) {
        numbers[2 * slots[i].annotation + slots[i].end] = i + 1;
        fprintf(out, "        <TIME_SLOT TIME_SLOT_ID=\"ts%zu\" TIME_VALUE=\"%lld\"/>\n", i + 1,
                (long long)slots[i].ms);
    }
    fputs_unlocked("    </TIME_ORDER>\n", out);
    base_free(slots);
    return AFFECT_OK;
}

static void put_header(const affect_timeline *timeline, const report_media *media, size_t last,
                       FILE *out) {
    /* The schema wants a date. Ours is a property, so that equal timelines give equal bytes. */
    const char *date = affect_timeline_property(timeline, "created");
    const char *program = affect_timeline_property(timeline, "program");
    fputs_unlocked("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT AUTHOR=\"",
                   out);
    report_put_xml(out, program ? program : "affect");
    fputs_unlocked("\" DATE=\"", out);
    report_put_xml(out, date ? date : "1970-01-01T00:00:00Z");
    fputs_unlocked("\" FORMAT=\"3.0\" VERSION=\"3.0\""
                   " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
                   " xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n"
                   "    <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n",
                   out);
    if (media->absolute) {
        fputs_unlocked("        <MEDIA_DESCRIPTOR MEDIA_URL=\"", out);
        report_put_xml(out, media->absolute);
        fprintf(out, "\" MIME_TYPE=\"%s\"", media->mime);
        if (media->relative) {
            fputs_unlocked(" RELATIVE_MEDIA_URL=\"", out);
            if (!base_starts_with(media->relative, ".")) fputs_unlocked("./", out);
            report_put_xml(out, media->relative);
            putc_unlocked('"', out);
        }
        fputs_unlocked("/>\n", out);
    }
    fprintf(out, "        <PROPERTY NAME=\"lastUsedAnnotationId\">%zu</PROPERTY>\n    </HEADER>\n",
            last);
}

/* An id of ours as one of the document, which knows names alone (xsd:ID); "a" with a number is how
 * ELAN calls annotations, "ts" time slots. */
static bool id_for_xml(const char *id) {
    size_t n = 0, letters = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    for (; id[n]; n++) {
        bool letter = (id[n] >= 'a' && id[n] <= 'z') || (id[n] >= 'A' && id[n] <= 'Z');
        bool other = (id[n] >= '0' && id[n] <= '9') || id[n] == '-' || id[n] == '.';
        if (!letter && id[n] != '_' && !(n && other)) return false;
    }
    bool taken = (letters == 1 && *id == 'a') || (letters == 2 && memcmp(id, "ts", 2) == 0);
    return n && !taken;
}

static void put_tier(const affect_timeline *timeline, const report_lane *lane,
                     const size_t *numbers, size_t *annotation, FILE *out) {
    fputs_unlocked("    <TIER TIER_ID=\"", out);
    report_put_xml(out, lane->name);
    fputs_unlocked("\" LINGUISTIC_TYPE_REF=\"affect\"", out);
    if (lane->person > 0) {
        char title[PERSON_TITLE_SIZE];
        fputs_unlocked(" PARTICIPANT=\"", out);
        report_put_xml(out, report_person_title(timeline, lane->person, "person", title));
        putc_unlocked('"', out);
    }
    fputs_unlocked(lane->count ? ">\n" : "/>\n", out);
    for (size_t i = 0; i < lane->count; i++, ++*annotation) {
        const char *id = lane->marks[i].id;
        fputs_unlocked("        <ANNOTATION>\n            <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"",
                       out);
        if (id_for_xml(id))
            fputs_unlocked(id, out);
        else
            fprintf(out, "a%zu", *annotation + 1);
        fprintf(out,
                "\" TIME_SLOT_REF1=\"ts%zu\" TIME_SLOT_REF2=\"ts%zu\">\n                "
                "<ANNOTATION_VALUE>",
                numbers[2 * *annotation], numbers[2 * *annotation + 1]);
        report_put_xml(out, lane->marks[i].label);
        fputs_unlocked("</ANNOTATION_VALUE>\n            </ALIGNABLE_ANNOTATION>\n"
                       "        </ANNOTATION>\n",
                       out);
    }
    if (lane->count) fputs_unlocked("    </TIER>\n", out);
}

affect_status report_print_eaf(affect_context *ctx, const affect_timeline *timeline,
                               const report_media *media, FILE *out) {
    report_lanes lanes;
    affect_status status = report_lanes_build(ctx, timeline, false, &lanes);
    if (status != AFFECT_OK) return status;
    size_t n = mark_count(&lanes), annotation = 0;
    size_t *numbers = base_calloc(2 * n + 1, sizeof *numbers);
    if (!numbers) {
        report_lanes_destroy(&lanes);
        return base_fail_memory(ctx);
    }
    put_header(timeline, media, n, out);
    status = put_slots(ctx, &lanes, numbers, out);
    for (size_t i = 0; i < lanes.count; i++)
        put_tier(timeline, &lanes.lanes[i], numbers, &annotation, out);
    fputs_unlocked("    <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"affect\""
                   " TIME_ALIGNABLE=\"true\"/>\n</ANNOTATION_DOCUMENT>\n",
                   out);
    base_free(numbers);
    report_lanes_destroy(&lanes);
    return status;
}
