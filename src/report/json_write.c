/* The timeline as JSON (docs/timeline.md, docs/timeline.schema.json). One row, interval or event a
 * line, so that a text diff shows what changed. The written form is canonical: times in seconds
 * with three decimals, values as the shortest decimal that gives the same float, unknown as null.
 */
#include <math.h>
#include <string.h>

#include "report/private.h"

void report_put_json_string(FILE *out, const char *text, json_place place) {
    size_t length = strlen(text);
    putc_unlocked('"', out);
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        switch (c) {
        case '"': fputs_unlocked("\\\"", out); continue;
        case '\\': fputs_unlocked("\\\\", out); continue;
        case '\n': fputs_unlocked("\\n", out); continue;
        case '\r': fputs_unlocked("\\r", out); continue;
        case '\t': fputs_unlocked("\\t", out); continue;
        default: break;
        }
        if (c < 0x20 || c == 0x7F ||
            (place == JSON_IN_PAGE && (c == '<' || c == '>' || c == '&'))) {
            fprintf(out, "\\u%04x", (unsigned)c);
            continue;
        }
        char bytes[4];
        fwrite_unlocked(bytes, 1, base_utf8_put(c, bytes), out);
    }
    putc_unlocked('"', out);
}

static void put_string(FILE *out, const char *text) {
    report_put_json_string(out, text, JSON_IN_FILE);
}

static void put_time(FILE *out, affect_time time) {
    char text[TIME_TEXT_SIZE];
    fputs_unlocked(time == AFFECT_TIME_NONE ? "null" : time_to_text(time, text), out);
}

static void put_number(FILE *out, float value) {
    char text[NUMBER_TEXT_SIZE];
    fputs_unlocked(isfinite(value) ? report_number(value, text) : "null", out);
}

static void put_person(FILE *out, int person) {
    if (person > 0)
        fprintf(out, "%d", person);
    else
        fputs_unlocked("null", out);
}

static void put_modality(FILE *out, affect_modality modality) {
    bool known = modality >= AFFECT_MODALITY_NONE && modality <= AFFECT_MODALITY_FUSED;
    put_string(out, affect_modality_name(known ? modality : AFFECT_MODALITY_NONE));
}

/* Attributes are text that some stage wrote. What is no JSON object is kept as a string, so that
 * the file is valid and nothing is lost. */
static bool put_attributes(FILE *out, const char *attributes) {
    if (!attributes) {
        fputs_unlocked("null", out);
        return true;
    }
    base_text compact = {0};
    bool valid = report_compact_object(attributes, &compact);
    bool enough = !compact.failed;
    if (enough && valid) {
        fwrite_unlocked(compact.data, 1, compact.length, out);
    } else if (enough) {
        fputs_unlocked("{\"unparsed\":", out);
        put_string(out, attributes);
        putc_unlocked('}', out);
    }
    base_text_destroy(&compact);
    return enough;
}

static void put_track(FILE *out, const affect_track *track) {
    fputs_unlocked("{\"id\":", out);
    put_string(out, track->id);
    fputs_unlocked(",\"modality\":", out);
    put_modality(out, track->modality);
    fputs_unlocked(",\"person\":", out);
    put_person(out, track->person);
    fputs_unlocked(",\"model\":", out);
    put_string(out, track->model);
    fputs_unlocked(",\"channels\":[", out);
    for (size_t i = 0; i < track->channel_count; i++) {
        if (i) putc_unlocked(',', out);
        put_string(out, track->channels[i]);
    }
    fputs_unlocked("],\"rows\":[", out);
    for (size_t row = 0; row < track->rows; row++) {
        fputs_unlocked(row ? ",\n[" : "\n[", out);
        put_time(out, track->times[row]);
        putc_unlocked(',', out);
        put_number(out, track->confidence[row]);
        for (size_t i = 0; i < track->channel_count; i++) {
            putc_unlocked(',', out);
            put_number(out, track->values[row * track->channel_count + i]);
        }
        putc_unlocked(']', out);
    }
    fputs_unlocked("]}", out);
}

static bool put_tier(FILE *out, const affect_tier *tier) {
    fputs_unlocked("{\"id\":", out);
    put_string(out, tier->id);
    fputs_unlocked(",\"modality\":", out);
    put_modality(out, tier->modality);
    fputs_unlocked(",\"intervals\":[", out);
    for (size_t i = 0; i < tier->count; i++) {
        const affect_interval *interval = &tier->items[i];
        fputs_unlocked(i ? ",\n{\"t0\":" : "\n{\"t0\":", out);
        put_time(out, interval->t0);
        fputs_unlocked(",\"t1\":", out);
        put_time(out, interval->t1);
        fputs_unlocked(",\"label\":", out);
        put_string(out, interval->label);
        fputs_unlocked(",\"score\":", out);
        put_number(out, interval->score);
        fputs_unlocked(",\"person\":", out);
        put_person(out, interval->person);
        fputs_unlocked(",\"attributes\":", out);
        if (!put_attributes(out, interval->attributes)) return false;
        putc_unlocked('}', out);
    }
    fputs_unlocked("]}", out);
    return true;
}

static void put_event(FILE *out, const affect_event *event) {
    fputs_unlocked("{\"onset\":", out);
    put_time(out, event->onset);
    fputs_unlocked(",\"apex\":", out);
    put_time(out, event->apex);
    fputs_unlocked(",\"offset\":", out);
    put_time(out, event->offset);
    fputs_unlocked(",\"kind\":", out);
    put_string(out, event->kind);
    fputs_unlocked(",\"modality\":", out);
    put_modality(out, event->modality);
    fputs_unlocked(",\"person\":", out);
    put_person(out, event->person);
    fputs_unlocked(",\"strength\":", out);
    put_number(out, event->strength);
    fputs_unlocked(",\"confidence\":", out);
    put_number(out, event->confidence);
    putc_unlocked('}', out);
}

affect_status report_print_json(affect_context *ctx, const affect_timeline *timeline, FILE *out) {
    fputs_unlocked("{\"schema\":\"" REPORT_SCHEMA "\",\n\"duration\":", out);
    put_time(out, timeline->duration);
    fputs_unlocked(",\n\"properties\":{", out);
    for (size_t i = 0; i < timeline->property_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_string(out, timeline->properties[i].key);
        putc_unlocked(':', out);
        put_string(out, timeline->properties[i].value);
    }
    fputs_unlocked("},\n\"warnings\":[", out);
    for (size_t i = 0; i < timeline->warnings->count; i++) {
        const affect_interval *warning = &timeline->warnings->items[i];
        fputs_unlocked(i ? ",\n{\"t0\":" : "\n{\"t0\":", out);
        put_time(out, warning->t0);
        fputs_unlocked(",\"t1\":", out);
        put_time(out, warning->t1);
        fputs_unlocked(",\"text\":", out);
        put_string(out, warning->label);
        putc_unlocked('}', out);
    }
    fputs_unlocked("],\n\"tracks\":[", out);
    for (size_t i = 0; i < timeline->track_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_track(out, timeline->tracks[i]);
    }
    fputs_unlocked("],\n\"tiers\":[", out);
    for (size_t i = 0; i < timeline->tier_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        if (!put_tier(out, timeline->tiers[i])) return base_fail_memory(ctx);
    }
    fputs_unlocked("],\n\"events\":[", out);
    for (size_t i = 0; i < timeline->event_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_event(out, &timeline->events[i]);
    }
    fputs_unlocked("]}\n", out);
    return AFFECT_OK;
}
