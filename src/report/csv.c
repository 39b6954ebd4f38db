/* CSV after RFC 4180 (CRLF, quotes doubled): one file a track and one a tier, time first, unknown
 * values empty; index.csv says which file holds what, because ids are no file names. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/table.h"
#include "report/report_private.h"

/* How our tables begin; what an index names is deleted only if it begins so. */
#define INDEX_HEAD "file,kind,id,modality,person,model"
#define TRACK_HEAD "time,confidence"
#define TIER_HEAD "start,end,label"

/* A text cell. One that a spreadsheet would run as a formula gets an apostrophe in front
 * (data_table_formula), as OWASP's "CSV Injection" recommends; data_table takes it away again. */
void report_put_csv_field(FILE *out, const char *text) {
    bool formula = data_table_formula(text);
    bool quote = formula || strpbrk(text, ",\"\r\n") != NULL || text[0] == ' ' ||
                 (text[0] && text[strlen(text) - 1] == ' ');
    if (!quote) {
        fputs_unlocked(text, out);
        return;
    }
    fputs_unlocked(formula ? "\"'" : "\"", out);
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
    fputs_unlocked(TRACK_HEAD, out);
    for (size_t i = 0; i < track->channel_count; i++) {
        putc_unlocked(',', out);
        report_put_csv_field(out, track->channels[i]);
    }
    fputs_unlocked("\r\n", out);
    for (size_t row = 0; row < track->rows; row++) {
        put_time(out, track->times[row], "");
        put_number(out, track->confidence[row]);
        for (size_t i = 0; i < track->channel_count; i++)
            put_number(out, track->values[row * track->channel_count + i]);
        fputs_unlocked("\r\n", out);
        if (row % 8192 == 0) track_leave_rows(track);
    }
    track_leave_rows(track);
}

/* As JSON, which holds every kind. */
static void put_attributes(FILE *out, const affect_attributes *attributes) {
    if (!attributes) return;
    putc_unlocked('"', out);
    report_put_attributes(out, attributes, JSON_IN_CELL);
    putc_unlocked('"', out);
}

static void print_tier(const void *what, FILE *out) {
    const affect_tier *tier = what;
    fputs_unlocked(TIER_HEAD ",score,person,attributes,id,parent\r\n", out);
    for (size_t i = 0; i < tier->count; i++) {
        const affect_interval *interval = &tier->items[i];
        put_time(out, interval->t0, "");
        put_time(out, interval->t1, ",");
        putc_unlocked(',', out);
        report_put_csv_field(out, interval->label);
        put_number(out, interval->score);
        put_person(out, interval->person);
        putc_unlocked(',', out);
        put_attributes(out, interval->attributes);
        putc_unlocked(',', out);
        report_put_csv_field(out, interval->id);
        putc_unlocked(',', out);
        report_put_csv_field(out, interval->parent ? interval->parent : "");
        fputs_unlocked("\r\n", out);
    }
}

static void print_events(const void *what, FILE *out) {
    const affect_timeline *timeline = what;
    fputs_unlocked("onset,apex,offset,kind,modality,person,strength,confidence,id,model\r\n", out);
    for (size_t i = 0; i < timeline->event_count; i++) {
        const affect_event *event = &timeline->events[i];
        put_time(out, event->onset, "");
        put_time(out, event->apex, ",");
        put_time(out, event->offset, ",");
        putc_unlocked(',', out);
        report_put_csv_field(out, event->kind);
        fprintf(out, ",%s", affect_modality_name(event->modality));
        put_person(out, event->person);
        put_number(out, event->strength);
        put_number(out, event->confidence);
        putc_unlocked(',', out);
        report_put_csv_field(out, event->id);
        putc_unlocked(',', out);
        report_put_csv_field(out, event->model);
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
        report_put_csv_field(out, timeline->warnings->items[i].label);
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
        out.unsynced = true; /* its folder is hidden still, and synced as a whole */
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
    fputs_unlocked(INDEX_HEAD "\r\n", out);
    for (size_t i = 0; i < timeline->track_count; i++) {
        const affect_track *track = timeline->tracks[i];
        fprintf(out, "%s,track,", *name++);
        report_put_csv_field(out, track->id);
        fprintf(out, ",%s", affect_modality_name(track->modality));
        put_person(out, track->person);
        putc_unlocked(',', out);
        report_put_csv_field(out, track->model);
        fputs_unlocked("\r\n", out);
    }
    for (size_t i = 0; i < timeline->tier_count; i++) {
        fprintf(out, "%s,tier,", *name++);
        report_put_csv_field(out, timeline->tiers[i]->id);
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
        out.unsynced = true;
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

/* ---- taking the place of an earlier set ---- */

/* Is this one of our tables? A regular file, no link, that begins as they do. */
static bool is_ours(int folder, const char *name, const char *head) {
    char begin[32];
    size_t length = strlen(head);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    bool ours = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                read(fd, begin, length) == (ssize_t)length && memcmp(begin, head, length) == 0;
    if (fd >= 0) close(fd);
    return ours;
}

/* The name of a table as we would have made it of its id, with a number where two were alike. */
static bool is_name_of(const char *name, const char *id) {
    char *plain = file_name(id, NULL, 0);
    size_t stem = plain ? strlen(plain) - strlen(".csv") : 0, n = strlen(name);
    bool match = plain && n >= stem + strlen(".csv") && strncmp(name, plain, stem) == 0 &&
                 strcmp(name + n - strlen(".csv"), ".csv") == 0;
    for (size_t i = stem; match && i < n - strlen(".csv"); i++)
        match = i == stem ? name[i] == '-' : isdigit((unsigned char)name[i]);
    base_free(plain);
    return match;
}

/* Is every row of the table one of an index that we wrote? A stranger's index.csv names files of
 * his that are none of our business. */
static bool is_our_index(const data_table *index) {
    bool ours = index->columns >= 3 && strcmp(index->names[0], "file") == 0 &&
                strcmp(index->names[1], "kind") == 0 && strcmp(index->names[2], "id") == 0;
    for (size_t row = 0; ours && row < index->rows; row++) {
        const char *kind = data_table_cell(index, row, 1);
        ours = (strcmp(kind, "track") == 0 || strcmp(kind, "tier") == 0) &&
               is_name_of(data_table_cell(index, row, 0), data_table_cell(index, row, 2));
    }
    return ours;
}

/* What the index of an earlier timeline names and this one does not have: a table of a person who
 * is in it no more would pass for one of this recording. Only what is ours by its index, its name
 * and its content is deleted. */
static void remove_stale(const csv_set *set, int folder, const data_table *index) {
    for (size_t row = 0; row < index->rows; row++) {
        const char *name = data_table_cell(index, row, 0);
        bool stale = true;
        for (size_t i = 0; i < set->count; i++)
            if (strcmp(set->names[i], name) == 0) stale = false;
        bool track = strcmp(data_table_cell(index, row, 1), "track") == 0;
        if (stale && is_ours(folder, name, track ? TRACK_HEAD : TIER_HEAD))
            unlinkat(folder, name, 0);
    }
}

/* Moves the tables from the hidden folder into `to`, the index last. */
static affect_status move_tables(const csv_set *set, const base_folder *from, const char *to) {
    affect_status status = AFFECT_OK;
    for (size_t i = set->count; i-- && status == AFFECT_OK;) {
        char *old = base_path_join(from->temporary, set->names[i]);
        char *new = base_path_join(to, set->names[i]);
        if (!old || !new)
            status = base_fail_memory(set->ctx);
        else if (rename(old, new) != 0)
            status = base_fail(set->ctx, AFFECT_ERROR_OUTPUT, "%s: %s", new, strerror(errno));
        base_free(old);
        base_free(new);
    }
    return status;
}

/* Everything is written beside the earlier set first. */
static affect_status replace(csv_set *set, const affect_timeline *timeline, const char *folder) {
    affect_context *ctx = set->ctx;
    char *beside = base_path_join(folder, "tables"), *path = base_path_join(folder, "index.csv");
    base_folder hidden = {.lock = -1};
    data_table *old = NULL;
    affect_status status =
        beside && path ? base_folder_open(ctx, beside, &hidden) : base_fail_memory(ctx);
    set->folder = hidden.temporary;
    if (status == AFFECT_OK) status = write_set(set, timeline);
    if (status == AFFECT_OK) status = base_folder_sync(ctx, &hidden);
    if (status == AFFECT_OK && base_file_exists(path)) {
        const data_table_options comma = {.delimiter = ','};
        affect_status read = data_table_open(ctx, path, &comma, &old);
        if (read == AFFECT_ERROR_MEMORY) status = read;
    }
    if (status == AFFECT_OK) status = move_tables(set, &hidden, folder);
    int at = status == AFFECT_OK && old && is_our_index(old)
                 ? open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    if (at >= 0) {
        remove_stale(set, at, old);
        close(at);
    }
    if (status == AFFECT_OK) base_sync_names(folder);
    data_table_destroy(old);
    base_folder_abort(&hidden);
    base_free(beside);
    base_free(path);
    return status;
}

affect_status report_write_csv(affect_context *ctx, const affect_timeline *timeline,
                               const char *folder, bool unsynced) {
    csv_set set = {.ctx = ctx};
    affect_timeline *made = NULL;
    report_likeliest rows = {0};
    affect_status status = timeline_resolve(ctx, timeline, &made, &timeline);
    if (status == AFFECT_OK) status = report_likeliest_add(ctx, timeline, &rows);
    if (status == AFFECT_OK)
        status = base_is_folder(folder) ? replace(&set, &rows.with, folder)
                                        : report_fill_folder(ctx, folder, unsynced, fill,
                                                             &(csv_filling){&set, &rows.with});
    report_likeliest_clear(&rows);
    affect_timeline_destroy(made);
    for (size_t i = 0; i < set.count; i++) base_free(set.names[i]);
    base_free(set.names);
    return status;
}
