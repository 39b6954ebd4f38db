/* CSV after RFC 4180 (CRLF, quotes doubled): one file a track and one a tier, time first, unknown
 * values empty; index.csv says which file holds what, because ids are no file names. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "report/private.h"

static void put_field(FILE *out, const char *text) {
    bool quote = strpbrk(text, ",\"\r\n") != NULL || text[0] == ' ' ||
                 (text[0] && text[strlen(text) - 1] == ' ');
    if (!quote) {
        fputs_unlocked(text, out);
        return;
    }
    putc_unlocked('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"') putc_unlocked('"', out);
        putc_unlocked(*c, out);
    }
    putc_unlocked('"', out);
}

static void put_time(FILE *out, affect_time time, const char *before) {
    char text[TIME_TEXT_SIZE];
    fputs_unlocked(before, out);
    fputs_unlocked(time_to_text(time, text), out);
}

static void put_number(FILE *out, float value) {
    char text[NUMBER_TEXT_SIZE];
    putc_unlocked(',', out);
    fputs_unlocked(report_number(value, text), out);
}

static void put_person(FILE *out, int person) {
    if (person > 0)
        fprintf(out, ",%d", person);
    else
        putc_unlocked(',', out);
}

static void print_track(const void *what, FILE *out) {
    const affect_track *track = what;
    fputs_unlocked("time,confidence", out);
    for (size_t i = 0; i < track->channel_count; i++) {
        putc_unlocked(',', out);
        put_field(out, track->channels[i]);
    }
    fputs_unlocked("\r\n", out);
    for (size_t row = 0; row < track->rows; row++) {
        put_time(out, track->times[row], "");
        put_number(out, track->confidence[row]);
        for (size_t i = 0; i < track->channel_count; i++)
            put_number(out, track->values[row * track->channel_count + i]);
        fputs_unlocked("\r\n", out);
    }
}

static void print_tier(const void *what, FILE *out) {
    const affect_tier *tier = what;
    fputs_unlocked("start,end,label,score,person,attributes\r\n", out);
    for (size_t i = 0; i < tier->count; i++) {
        const affect_interval *interval = &tier->items[i];
        put_time(out, interval->t0, "");
        put_time(out, interval->t1, ",");
        putc_unlocked(',', out);
        put_field(out, interval->label);
        put_number(out, interval->score);
        put_person(out, interval->person);
        putc_unlocked(',', out);
        put_field(out, interval->attributes ? interval->attributes : "");
        fputs_unlocked("\r\n", out);
    }
}

static void print_events(const void *what, FILE *out) {
    const affect_timeline *timeline = what;
    fputs_unlocked("onset,apex,offset,kind,modality,person,strength,confidence\r\n", out);
    for (size_t i = 0; i < timeline->event_count; i++) {
        const affect_event *event = &timeline->events[i];
        put_time(out, event->onset, "");
        put_time(out, event->apex, ",");
        put_time(out, event->offset, ",");
        putc_unlocked(',', out);
        put_field(out, event->kind);
        fprintf(out, ",%s", affect_modality_name(event->modality));
        put_person(out, event->person);
        put_number(out, event->strength);
        put_number(out, event->confidence);
        fputs_unlocked("\r\n", out);
    }
}

static void print_warnings(const void *what, FILE *out) {
    const affect_timeline *timeline = what;
    fputs_unlocked("start,end,text\r\n", out);
    for (size_t i = 0; i < timeline->warnings->count; i++) {
        put_time(out, timeline->warnings->items[i].t0, "");
        put_time(out, timeline->warnings->items[i].t1, ",");
        putc_unlocked(',', out);
        put_field(out, timeline->warnings->items[i].label);
        fputs_unlocked("\r\n", out);
    }
}

/* ---- file names ---- */

enum { NAME_LENGTH = 80 };

/* "face/1/pose" becomes "face-1-pose"; what is not plain ASCII becomes "_". A name that another
 * file has already, on a file system that ignores case too, gets a number. */
static char *file_name(const char *id, char *const *taken, size_t taken_count) {
    char base[NAME_LENGTH + 1];
    size_t n = 0;
    for (const char *c = id; *c && n < NAME_LENGTH; c++) {
        bool plain = isascii((unsigned char)*c) && (isalnum((unsigned char)*c) || *c == '_');
        char safe = *c == '/' && n ? '-' : '_'; /* no leading dash or dot */
        base[n] = plain || ((*c == '-' || *c == '.') && n) ? *c : safe;
        n++;
    }
    base[n] = '\0';
    for (int number = 1;; number++) {
        base_text name = {0};
        base_text_append(&name, n ? base : "_");
        if (number > 1) base_text_printf(&name, "-%d", number);
        base_text_append(&name, ".csv");
        if (name.failed) {
            base_text_destroy(&name);
            return NULL;
        }
        bool free_name = true;
        for (size_t i = 0; i < taken_count; i++)
            if (base_equal_ignore_case(taken[i], name.data)) free_name = false;
        if (free_name) return name.data;
        base_text_destroy(&name);
    }
}

typedef struct csv_set {
    affect_context *ctx;
    const char *folder;
    char **names;
    size_t count, capacity;
} csv_set;

static affect_status write_one(csv_set *set, const char *id,
                               void (*print)(const void *what, FILE *out), const void *what) {
    char *name = file_name(id, set->names, set->count);
    if (!name ||
        !base_grow((void **)&set->names, &set->capacity, set->count + 1, sizeof *set->names)) {
        base_free(name);
        return base_fail_memory(set->ctx);
    }
    set->names[set->count++] = name;
    char *path = base_path_join(set->folder, name);
    if (!path) return base_fail_memory(set->ctx);
    base_output out;
    affect_status status = base_output_open(set->ctx, path, &out);
    if (status == AFFECT_OK) {
        print(what, out.file);
        status = base_output_commit(set->ctx, &out);
    }
    base_free(path);
    return status;
}

typedef struct csv_index {
    const affect_timeline *timeline;
    const csv_set *set;
} csv_index;

static void print_index(const void *what, FILE *out) {
    const csv_index *index = what;
    const affect_timeline *timeline = index->timeline;
    char *const *name = index->set->names + 3; /* index, events and warnings stand first */
    fputs_unlocked("file,kind,id,modality,person,model\r\n", out);
    for (size_t i = 0; i < timeline->track_count; i++) {
        const affect_track *track = timeline->tracks[i];
        fprintf(out, "%s,track,", *name++);
        put_field(out, track->id);
        fprintf(out, ",%s", affect_modality_name(track->modality));
        put_person(out, track->person);
        putc_unlocked(',', out);
        put_field(out, track->model);
        fputs_unlocked("\r\n", out);
    }
    for (size_t i = 0; i < timeline->tier_count; i++) {
        fprintf(out, "%s,tier,", *name++);
        put_field(out, timeline->tiers[i]->id);
        fprintf(out, ",%s,,\r\n", affect_modality_name(timeline->tiers[i]->modality));
    }
}

/* All files into `folder`; their names are left in `set`. */
static affect_status write_set(csv_set *set, const affect_timeline *timeline) {
    affect_context *ctx = set->ctx;
    const char *folder = set->folder;
    affect_status status = base_make_folder(ctx, folder);
    if (status != AFFECT_OK) return status;
    /* index.csv holds its name first and is written last, when all names are known. */
    char *index_name = base_strdup("index.csv");
    if (!index_name || !base_grow((void **)&set->names, &set->capacity, 1, sizeof *set->names)) {
        base_free(index_name);
        return base_fail_memory(ctx);
    }
    set->names[set->count++] = index_name;
    status = write_one(set, "events", print_events, timeline);
    if (status == AFFECT_OK) status = write_one(set, "warnings", print_warnings, timeline);
    for (size_t i = 0; status == AFFECT_OK && i < timeline->track_count; i++)
        status = write_one(set, timeline->tracks[i]->id, print_track, timeline->tracks[i]);
    for (size_t i = 0; status == AFFECT_OK && i < timeline->tier_count; i++)
        status = write_one(set, timeline->tiers[i]->id, print_tier, timeline->tiers[i]);
    char *path = status == AFFECT_OK ? base_path_join(folder, "index.csv") : NULL;
    if (status == AFFECT_OK && !path) status = base_fail_memory(ctx);
    base_output out;
    if (status == AFFECT_OK) status = base_output_open(ctx, path, &out);
    if (status == AFFECT_OK) {
        print_index(&(csv_index){timeline, set}, out.file);
        status = base_output_commit(ctx, &out);
    }
    base_free(path);
    return status;
}

typedef struct csv_filling {
    csv_set *set;
    const affect_timeline *timeline;
} csv_filling;

static affect_status fill(const char *folder, void *user) {
    csv_filling *f = user;
    f->set->folder = folder;
    return write_set(f->set, f->timeline);
}

static affect_status delete_named(affect_context *ctx, const char *folder, const char *name) {
    char *path = base_path_join(folder, name);
    if (!path) return base_fail_memory(ctx);
    unlink(path);
    base_free(path);
    return AFFECT_OK;
}

/* What the index of an earlier timeline names and this one does not have: a table of a person who
 * is in it no more would pass for one of this recording. */
static affect_status remove_stale(csv_set *set, const char *folder, char *index) {
    affect_status status = AFFECT_OK;
    char *line = strchr(index, '\n'); /* after the head */
    while (line && status == AFFECT_OK) {
        char *name = line + 1, *end = strpbrk(name, ",\r\n");
        if (!end || *end != ',') break;
        line = strchr(end, '\n');
        *end = '\0';
        bool stale = end - name > 4 && strcmp(end - 4, ".csv") == 0 && !strchr(name, '/');
        for (size_t i = 0; i < set->count; i++)
            if (strcmp(set->names[i], name) == 0) stale = false;
        if (stale) status = delete_named(set->ctx, folder, name);
    }
    return status;
}

/* Takes the place of an earlier set: everything is written beside it first. */
static affect_status replace(csv_set *set, const affect_timeline *timeline, const char *folder) {
    affect_context *ctx = set->ctx;
    char *fresh = base_path_join(folder, ".fresh"), *old = NULL, *path = NULL;
    size_t length;
    affect_status status = fresh ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK)
        status = report_remove_folder(ctx, fresh); /* of a run that was killed */
    if (status == AFFECT_OK)
        status = report_fill_folder(ctx, fresh, fill, &(csv_filling){set, timeline});
    if (status == AFFECT_OK) path = base_path_join(folder, "index.csv");
    if (status == AFFECT_OK && !path) status = base_fail_memory(ctx);
    if (status == AFFECT_OK && base_file_exists(path)) {
        affect_status read = base_read_file(ctx, path, 1 << 24, &old, &length);
        if (read == AFFECT_ERROR_MEMORY) status = read;
    }
    for (size_t i = set->count; i-- && status == AFFECT_OK;) { /* the index last */
        char *from = base_path_join(fresh, set->names[i]);
        char *to = base_path_join(folder, set->names[i]);
        if (!from || !to)
            status = base_fail_memory(ctx);
        else if (rename(from, to) != 0)
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", to, strerror(errno));
        base_free(from);
        base_free(to);
    }
    if (status == AFFECT_OK && old) status = remove_stale(set, folder, old);
    if (fresh) {
        affect_status removed = report_remove_folder(ctx, fresh);
        if (status == AFFECT_OK) status = removed;
    }
    base_free(old);
    base_free(path);
    base_free(fresh);
    return status;
}

affect_status report_write_csv(affect_context *ctx, const affect_timeline *timeline,
                               const char *folder) {
    csv_set set = {.ctx = ctx};
    affect_status status =
        base_is_folder(folder)
            ? replace(&set, timeline, folder)
            : report_fill_folder(ctx, folder, fill, &(csv_filling){&set, timeline});
    for (size_t i = 0; i < set.count; i++) base_free(set.names[i]);
    base_free(set.names);
    return status;
}
