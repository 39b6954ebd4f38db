/* The timeline as JSON (docs/timeline.md, docs/timeline.schema.json). One row, interval or event a
 * line, so that a text diff shows what changed. The written form is canonical: times in seconds
 * with three decimals, values as the shortest decimal that gives the same float, unknown as null.
 */
#include <math.h>
#include <string.h>

#include "report/report_private.h"

static void put_quote(FILE *out, json_place place) {
    fputs_unlocked(place == JSON_IN_CELL ? "\"\"" : "\"", out);
}

void report_put_json_string(FILE *out, const char *text, json_place place) {
    size_t length = strlen(text);
    put_quote(out, place);
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        switch (c) {
        case '"':
            putc_unlocked('\\', out);
            put_quote(out, place);
            continue;
        case '\\': fputs_unlocked("\\\\", out); continue;
        case '\n': fputs_unlocked("\\n", out); continue;
        case '\r': fputs_unlocked("\\r", out); continue;
        case '\t': fputs_unlocked("\\t", out); continue;
        default: break;
        }
        if (base_harmful(c) || (place == JSON_IN_PAGE && (c == '<' || c == '>' || c == '&'))) {
            fprintf(out, "\\u%04x", (unsigned)c);
            continue;
        }
        report_put_code_point(out, c);
    }
    put_quote(out, place);
}

static void put_string(FILE *out, const char *text) {
    report_put_json_string(out, text, JSON_IN_FILE);
}

static void put_text_or_null(FILE *out, const char *text) {
    if (text)
        put_string(out, text);
    else
        fputs_unlocked("null", out);
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

static void put_value(FILE *out, const affect_value *value, json_place place) {
    char number[NUMBER_TEXT_SIZE];
    switch (affect_value_kind_of(value)) {
    case AFFECT_VALUE_TEXT: report_put_json_string(out, affect_value_text(value), place); break;
    case AFFECT_VALUE_NUMBER:
        fputs_unlocked(report_double(affect_value_number(value), number), out);
        break;
    case AFFECT_VALUE_BOOLEAN:
        fputs_unlocked(affect_value_boolean(value) ? "true" : "false", out);
        break;
    case AFFECT_VALUE_LIST:
        putc_unlocked('[', out);
        for (size_t i = 0; i < affect_value_count(value); i++) {
            if (i) putc_unlocked(',', out);
            put_value(out, affect_value_item(value, i), place);
        }
        putc_unlocked(']', out);
        break;
    case AFFECT_VALUE_NONE: fputs_unlocked("null", out); break;
    }
}

void report_put_attributes(FILE *out, const affect_attributes *attributes, json_place place) {
    size_t count = affect_attributes_count(attributes);
    if (!count) {
        fputs_unlocked("null", out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        putc_unlocked(i ? ',' : '{', out);
        report_put_json_string(out, affect_attributes_key(attributes, i), place);
        putc_unlocked(':', out);
        put_value(out, affect_attributes_value(attributes, i), place);
    }
    putc_unlocked('}', out);
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
        if (row % 8192 == 0) track_leave_rows(track);
    }
    track_leave_rows(track);
    fputs_unlocked("]}", out);
}

static void put_tier(FILE *out, const affect_tier *tier) {
    fputs_unlocked("{\"id\":", out);
    put_string(out, tier->id);
    fputs_unlocked(",\"modality\":", out);
    put_modality(out, tier->modality);
    fputs_unlocked(",\"intervals\":[", out);
    for (size_t i = 0; i < tier->count; i++) {
        const affect_interval *interval = &tier->items[i];
        fputs_unlocked(i ? ",\n{\"id\":" : "\n{\"id\":", out);
        put_string(out, interval->id);
        fputs_unlocked(",\"t0\":", out);
        put_time(out, interval->t0);
        fputs_unlocked(",\"t1\":", out);
        put_time(out, interval->t1);
        fputs_unlocked(",\"label\":", out);
        put_string(out, interval->label);
        fputs_unlocked(",\"score\":", out);
        put_number(out, interval->score);
        fputs_unlocked(",\"person\":", out);
        put_person(out, interval->person);
        fputs_unlocked(",\"parent\":", out);
        put_text_or_null(out, interval->parent);
        fputs_unlocked(",\"attributes\":", out);
        report_put_attributes(out, interval->attributes, JSON_IN_FILE);
        putc_unlocked('}', out);
    }
    fputs_unlocked("]}", out);
}

static void put_event(FILE *out, const affect_event *event) {
    fputs_unlocked("{\"id\":", out);
    put_string(out, event->id);
    fputs_unlocked(",\"onset\":", out);
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
    fputs_unlocked(",\"model\":", out);
    put_string(out, event->model);
    fputs_unlocked(",\"strength\":", out);
    put_number(out, event->strength);
    fputs_unlocked(",\"confidence\":", out);
    put_number(out, event->confidence);
    putc_unlocked('}', out);
}

static void put_link(FILE *out, const affect_link *link) {
    fputs_unlocked("{\"from\":", out);
    put_string(out, link->from);
    fputs_unlocked(",\"to\":", out);
    put_string(out, link->to);
    fprintf(out, ",\"kind\":\"%s\",\"lag\":", affect_link_kind_name(link->kind));
    put_time(out, link->lag);
    fputs_unlocked(",\"lag_sd\":", out);
    put_time(out, link->lag_sd);
    fputs_unlocked(",\"score\":", out);
    put_number(out, link->score);
    fputs_unlocked(",\"person\":", out);
    put_person(out, link->person);
    putc_unlocked('}', out);
}

static void put_known_person(FILE *out, const affect_person *person) {
    fprintf(out, "{\"id\":%d,\"name\":", person->id);
    put_string(out, person->name);
    fputs_unlocked(",\"merged_into\":", out);
    put_person(out, person->merged_into);
    fputs_unlocked(",\"score\":", out);
    put_number(out, person->score);
    putc_unlocked('}', out);
}

affect_status report_print_json(affect_context *ctx, const affect_timeline *timeline, FILE *out) {
    (void)ctx;
    fputs_unlocked("{\"schema\":\"" REPORT_SCHEMA "\",\n\"duration\":", out);
    put_time(out, timeline->duration);
    fputs_unlocked(",\n\"properties\":{", out);
    for (size_t i = 0; i < timeline->property_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_string(out, timeline->properties[i].key);
        putc_unlocked(':', out);
        put_string(out, timeline->properties[i].value);
    }
    fputs_unlocked("},\n\"persons\":[", out);
    for (size_t i = 0; i < timeline->person_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_known_person(out, &timeline->persons[i]);
    }
    fputs_unlocked("],\n\"warnings\":[", out);
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
        put_tier(out, timeline->tiers[i]);
    }
    fputs_unlocked("],\n\"events\":[", out);
    for (size_t i = 0; i < timeline->event_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_event(out, &timeline->events[i]);
    }
    fputs_unlocked("],\n\"links\":[", out);
    for (size_t i = 0; i < timeline->link_count; i++) {
        fputs_unlocked(i ? ",\n" : "\n", out);
        put_link(out, &timeline->links[i]);
    }
    fputs_unlocked("]}\n", out);
    return AFFECT_OK;
}
