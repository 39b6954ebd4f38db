/* Voice features of whole recordings as tables, in openSMILE's column names and formats. */
#include "voice/features.h"

#include <math.h>
#include <string.h>

#include "media/media.h"
#include "voice/egemaps.h"

enum { MOST_COLUMNS = 256, MOST_OPEN = VOICE_FEATURES_OVERLAP };

typedef enum table_format { TABLE_CSV, TABLE_ARFF, TABLE_NPY } table_format;

/* ---- tables ---- */

typedef struct table {
    table_format format;
    bool segments; /* rows carry their end and label */
    size_t columns;
    const char *names[MOST_COLUMNS];
    base_output output;
    FILE *file; /* output.file, or what is written to without a path; NULL: not wanted */
    size_t rows;
} table;

static table_format format_of(const char *path) {
    return path && base_ends_with(path, ".arff")  ? TABLE_ARFF
           : path && base_ends_with(path, ".npy") ? TABLE_NPY
                                                  : TABLE_CSV;
}

/* The npy header is rewritten when the number of rows is known; it keeps its 128 bytes. */
static void npy_header(table *t) {
    char header[119];
    int n = snprintf(header, sizeof header,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", t->rows,
                     t->columns);
    memset(header + n, ' ', sizeof header - (size_t)n);
    header[117] = '\n';
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, t->file);
    fwrite(header, 1, 118, t->file);
}

static void table_begin(table *t) {
    if (t->format == TABLE_NPY) {
        npy_header(t);
    } else if (t->format == TABLE_ARFF) {
        fprintf(t->file, "@relation affect_features\n\n@attribute name string\n"
                         "@attribute frameTime numeric\n");
        if (t->segments) fprintf(t->file, "@attribute frameEnd numeric\n@attribute label string\n");
        for (size_t i = 0; i < t->columns; i++)
            fprintf(t->file, "@attribute %s numeric\n", t->names[i]);
        fprintf(t->file, "\n@data\n\n");
    } else {
        fprintf(t->file, t->segments ? "name;frameTime;frameEnd;label" : "name;frameTime");
        for (size_t i = 0; i < t->columns; i++) fprintf(t->file, ";%s", t->names[i]);
        fputc('\n', t->file);
    }
}

static affect_status table_open(affect_context *ctx, table *t, const char *path, FILE *otherwise,
                                bool force) {
    t->format = format_of(path);
    if (!path) {
        t->file = otherwise;
    } else {
        if (!force && base_file_exists(path))
            return base_fail(ctx, AFFECT_ERROR_EXISTS, "%s exists; --force overwrites it", path);
        affect_status status = base_output_open(ctx, path, &t->output);
        if (status != AFFECT_OK) return status;
        t->file = t->output.file;
    }
    table_begin(t);
    return AFFECT_OK;
}

static affect_status table_close(affect_context *ctx, table *t, const char *path,
                                 affect_status (*flush)(affect_context *)) {
    if (!t->file) return AFFECT_OK;
    if (t->format == TABLE_NPY && t->output.file) {
        if (fseek(t->file, 0, SEEK_SET) == 0) npy_header(t);
        fseek(t->file, 0, SEEK_END);
    }
    return path ? base_output_commit(ctx, &t->output) : flush(ctx);
}

/* ---- rows as text ---- */

/* A name or label between quotes, with what would end it taken out. */
static void put_quoted(base_text *text, const char *word) {
    base_text_append(text, "'");
    size_t length = strlen(word);
    for (size_t at = 0; at < length;) {
        char bytes[4];
        uint32_t c = base_utf8_next(word, length, &at);
        if (c == '\'' || c == ';' || base_control(c)) c = '_';
        base_text_append_n(text, bytes, base_utf8_put(c, bytes));
    }
    base_text_append(text, "'");
}

static void put_row(base_text *text, const table *t, const char *name, double t0, double t1,
                    const char *label, const float *values) {
    if (t->format == TABLE_NPY) {
        base_text_append_n(text, (const char *)values, t->columns * sizeof *values);
        return;
    }
    const char *comma = t->format == TABLE_ARFF ? "," : ";";
    put_quoted(text, name);
    base_text_printf(text, "%s%f", comma, t0);
    if (t->segments) {
        base_text_printf(text, "%s%f%s", comma, t1, comma);
        put_quoted(text, label ? label : "");
    }
    for (size_t i = 0; i < t->columns; i++) {
        double x = (double)values[i];
        if (isnan(x))
            base_text_printf(text, "%s%s", comma, t->format == TABLE_ARFF ? "?" : "nan");
        else if (t->format == TABLE_CSV && x == floor(x))
            base_text_printf(text, "%s%.0f", comma, x); /* as openSMILE prints whole numbers */
        else
            base_text_printf(text, "%s%e", comma, x);
    }
    base_text_append(text, "\n");
}

/* ---- what to do ---- */

typedef struct request {
    affect_context *ctx;
    const voice_features_options *o;
    voice_log_mel_options mel;
    char bands[MOST_COLUMNS][16]; /* names of columns */
    table main, descriptors;
} request;

/* One recording: results stand in text until it is the recording's turn to be written. */
typedef struct job {
    const request *r;
    const char *path;
    char *name;
    base_text main, descriptors; /* rows */
    size_t main_rows, descriptor_rows;
    FILE *main_file, *descriptor_file; /* written to directly, where set */
    double seconds;
    int rate;
    size_t too_short, gaps;
    affect_status status;
    char *message;
} job;

static char *stem_of(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return base_strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static affect_status flush_text(affect_context *ctx, base_text *text, FILE *file) {
    if (text->failed) return base_fail_memory(ctx);
    if (!file || !text->length) return AFFECT_OK;
    if (fwrite(text->data, 1, text->length, file) != text->length)
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "cannot write the table");
    base_text_clear(text);
    return AFFECT_OK;
}

/* ---- eGeMAPS ---- */

/* Segments that contain the present sample, each a recording of its own. */
typedef struct open_segment {
    voice_egemaps *set;
    size_t index;            /* of the segment */
    size_t begin, end, rows; /* samples; descriptor rows */
    double t0, t1;
    const char *label;
} open_segment;

typedef struct egemaps_run {
    affect_context *ctx;
    job *job;
    int rate;
    bool whole; /* one segment without an end */
    open_segment open[MOST_OPEN];
    size_t open_count, next;
    voice_egemaps *spare[MOST_OPEN];
    size_t spare_count;
    size_t at; /* samples so far */
} egemaps_run;

static bool nth_segment(const request *r, size_t n, double *t0, double *t1, const char **label) {
    *label = "";
    const voice_features_options *o = r->o;
    if (o->segments) {
        if (n >= o->segment_count) return false;
        *t0 = o->segments[n].t0;
        *t1 = o->segments[n].t1;
        *label = o->segments[n].label;
        return true;
    }
    *t0 = (double)n * o->step;
    *t1 = *t0 + o->window;
    return true;
}

static affect_status open_segments(egemaps_run *run, size_t until) {
    const request *r = run->job->r;
    for (;; run->next++) {
        open_segment s = {.index = run->next, .end = SIZE_MAX};
        if (run->whole) {
            if (run->next > 0) return AFFECT_OK;
        } else {
            if (!nth_segment(r, run->next, &s.t0, &s.t1, &s.label)) return AFFECT_OK;
            s.begin = (size_t)llround(fmax(s.t0, 0.0) * run->rate);
            s.end = (size_t)llround(fmax(s.t1, 0.0) * run->rate);
        }
        if (s.begin >= until) return AFFECT_OK;
        if (s.end <= s.begin) continue;
        if (run->open_count == MOST_OPEN)
            return base_fail(run->ctx, AFFECT_ERROR_LIMIT,
                             "more than %d segments overlap at %.3f s", MOST_OPEN, s.t0);
        if (run->spare_count) {
            s.set = run->spare[--run->spare_count];
            voice_egemaps_reset(s.set);
        } else {
            affect_status status = voice_egemaps_create(run->ctx, run->rate, &s.set);
            if (status != AFFECT_OK) return status;
        }
        run->open[run->open_count++] = s;
    }
}

static affect_status put_descriptors(egemaps_run *run, open_segment *s) {
    size_t rows;
    const float *row = voice_egemaps_take(s->set, &rows);
    job *j = run->job;
    if (!j->r->descriptors.file) return AFFECT_OK;
    double period = voice_egemaps_period(s->set);
    for (size_t i = 0; i < rows; i++, s->rows++, j->descriptor_rows++)
        put_row(&j->descriptors, &j->r->descriptors, j->name, s->t0 + (double)s->rows * period,
                s->t1, s->label, row + i * VOICE_EGEMAPS_DESCRIPTORS);
    return flush_text(run->ctx, &j->descriptors, j->descriptor_file);
}

static affect_status close_segment(egemaps_run *run, open_segment *s) {
    affect_status status = voice_egemaps_finish(s->set);
    if (status == AFFECT_OK) status = put_descriptors(run, s);
    float values[VOICE_EGEMAPS_FUNCTIONALS];
    job *j = run->job;
    if (status == AFFECT_OK) {
        status = voice_egemaps_functionals(s->set, values);
        if (status == AFFECT_ERROR_FORMAT && !run->whole) {
            j->too_short++;
            status = AFFECT_OK;
        } else if (status == AFFECT_OK) {
            double end = BASE_MIN(s->t1, (double)run->at / run->rate);
            put_row(&j->main, &j->r->main, j->name, s->t0, end, s->label, values);
            j->main_rows++;
            status = flush_text(run->ctx, &j->main, j->main_file);
        }
    }
    run->spare[run->spare_count++] = s->set;
    return status;
}

static affect_status egemaps_samples(void *user, const float *samples, size_t count) {
    egemaps_run *run = user;
    size_t until = run->at + count;
    affect_status status = open_segments(run, until);
    size_t kept = 0;
    for (size_t i = 0; i < run->open_count && status == AFFECT_OK; i++) {
        open_segment *s = &run->open[i];
        size_t from = BASE_MAX(s->begin, run->at), to = BASE_MIN(s->end, until);
        status = voice_egemaps_push(s->set, samples + (from - run->at), to - from);
        if (status == AFFECT_OK) status = put_descriptors(run, s);
        if (status == AFFECT_OK && s->end <= until) {
            size_t now = run->at;
            run->at = s->end;
            status = close_segment(run, s);
            run->at = now;
        } else {
            run->open[kept++] = *s;
        }
    }
    if (status == AFFECT_OK) run->open_count = kept;
    run->at = until;
    return status;
}

static affect_status egemaps_end(void *user) {
    egemaps_run *run = user;
    affect_status status = run->at || run->job->r->o->segments ? AFFECT_OK : open_segments(run, 1);
    size_t n = run->open_count;
    run->open_count = 0;
    for (size_t i = 0; i < n; i++)
        if (status == AFFECT_OK)
            status = close_segment(run, &run->open[i]);
        else
            run->spare[run->spare_count++] = run->open[i].set;
    return status;
}

/* ---- frames: prosody and log-mel ---- */

typedef struct frames_run {
    affect_context *ctx;
    job *job;
    int rate;
    voice_descriptors *stream;
    voice_log_mel *mel;
    float *samples, *rows; /* log-mel: what is left of the last push */
    size_t count, capacity, row_capacity, given;
} frames_run;

static affect_status put_prosody(frames_run *run) {
    size_t n;
    const voice_frame *frames = voice_descriptors_take(run->stream, &n);
    job *j = run->job;
    double period = voice_descriptors_period(run->stream);
    for (size_t i = 0; i < n; i++) {
        if (!frames[i].complete) continue;
        float row[VOICE_PROSODY_CHANNELS];
        voice_prosody_row(&frames[i], row);
        put_row(&j->main, &j->r->main, j->name, (double)frames[i].index * period, 0.0, NULL, row);
        j->main_rows++;
    }
    return flush_text(run->ctx, &j->main, j->main_file);
}

static affect_status prosody_samples(void *user, const float *samples, size_t count) {
    frames_run *run = user;
    affect_status status = voice_descriptors_push(run->stream, samples, count);
    return status == AFFECT_OK ? put_prosody(run) : status;
}

static affect_status prosody_end(void *user) {
    frames_run *run = user;
    affect_status status = voice_descriptors_finish(run->stream);
    return status == AFFECT_OK ? put_prosody(run) : status;
}

static affect_status logmel_samples(void *user, const float *samples, size_t count) {
    frames_run *run = user;
    if (!base_grow((void **)&run->samples, &run->capacity, run->count + count, sizeof(float)))
        return base_fail_memory(run->ctx);
    memcpy(run->samples + run->count, samples, count * sizeof *samples);
    run->count += count;
    size_t frames = voice_log_mel_frames(run->mel, run->count);
    size_t bands = run->job->r->mel.bands, step = voice_log_mel_step(run->mel);
    if (!frames) return AFFECT_OK;
    if (!base_grow((void **)&run->rows, &run->row_capacity, frames * bands, sizeof(float)))
        return base_fail_memory(run->ctx);
    affect_status status =
        voice_log_mel_compute(run->ctx, run->mel, run->samples, run->count, run->rows);
    job *j = run->job;
    for (size_t i = 0; i < frames && status == AFFECT_OK; i++, run->given++, j->main_rows++)
        put_row(&j->main, &j->r->main, j->name, (double)(run->given * step) / run->rate, 0.0, NULL,
                run->rows + i * bands);
    size_t used = frames * step;
    run->count -= BASE_MIN(used, run->count);
    memmove(run->samples, run->samples + used, run->count * sizeof *run->samples);
    return status == AFFECT_OK ? flush_text(run->ctx, &j->main, j->main_file) : status;
}

static affect_status logmel_end(void *user) {
    (void)user;
    return AFFECT_OK;
}

/* ---- reading ---- */

typedef struct consumer {
    affect_status (*samples)(void *user, const float *samples, size_t count);
    affect_status (*end)(void *user);
    void *user;
} consumer;

/* What could not be decoded is silence, so that times stay right. */
static affect_status fill_gap(const consumer *c, size_t count) {
    static const float silence[4096];
    affect_status status = AFFECT_OK;
    while (count && status == AFFECT_OK) {
        size_t n = BASE_MIN(count, BASE_COUNT(silence));
        status = c->samples(c->user, silence, n);
        count -= n;
    }
    return status;
}

static affect_status read_samples(affect_context *ctx, media_reader *reader, job *j,
                                  const consumer *c, int rate) {
    affect_time begin = AFFECT_TIME_NONE;
    size_t count = 0;
    for (;;) {
        media_item item;
        affect_status status = media_next(reader, &item);
        if (status == AFFECT_OK && affect_context_cancelled(j->r->ctx))
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
        if (status != AFFECT_OK) return status;
        if (item.kind == MEDIA_END) break;
        if (item.kind == MEDIA_GAP) j->gaps++;
        if (item.kind != MEDIA_AUDIO) continue;
        if (begin == AFFECT_TIME_NONE) begin = item.audio.t0;
        double due = time_to_seconds(item.audio.t0 - begin) * rate - (double)count;
        if (due >= 2.0) {
            status = fill_gap(c, (size_t)llround(due));
            count += (size_t)llround(due);
        }
        if (status == AFFECT_OK) status = c->samples(c->user, item.audio.samples, item.audio.count);
        if (status != AFFECT_OK) return status;
        count += item.audio.count;
    }
    if (media_reader_error(reader))
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read beyond %.1f s: %s",
                         j->path, (double)count / rate, strerror(media_reader_error(reader)));
    j->seconds = (double)count / rate;
    return c->end(c->user);
}

static affect_status run_job(affect_context *ctx, job *j) {
    const request *r = j->r;
    media_options options = media_options_default();
    options.want_video = false;
    options.sample_rate = r->o->rate;
    media_reader *reader = NULL;
    affect_status status = media_open(ctx, j->path, &options, &reader);
    if (status != AFFECT_OK) return status;
    const media_info *info = media_reader_info(reader);
    int rate = r->o->rate ? r->o->rate : info->native_rate;
    if (!info->has_audio)
        status = base_fail(ctx, AFFECT_ERROR_NO_STREAM, "%s holds no sound", j->path);
    if (status == AFFECT_OK && (rate < 8000 || rate > 192000)) {
        /* Rates the descriptors do not know are brought to 16 kHz. */
        media_close(reader);
        reader = NULL;
        rate = options.sample_rate = 16000;
        status = media_open(ctx, j->path, &options, &reader);
    }
    j->rate = rate;
    if (status == AFFECT_OK && r->o->set == VOICE_FEATURES_EGEMAPS) {
        egemaps_run run = {
            .ctx = ctx, .job = j, .rate = rate, .whole = !r->o->segments && r->o->window == 0.0};
        consumer c = {egemaps_samples, egemaps_end, &run};
        status = read_samples(ctx, reader, j, &c, rate);
        for (size_t i = 0; i < run.open_count; i++) voice_egemaps_destroy(run.open[i].set);
        for (size_t i = 0; i < run.spare_count; i++) voice_egemaps_destroy(run.spare[i]);
    } else if (status == AFFECT_OK) {
        frames_run run = {.ctx = ctx, .job = j, .rate = rate};
        consumer c = {prosody_samples, prosody_end, &run};
        if (r->o->set == VOICE_FEATURES_LOGMEL) {
            voice_log_mel_options mel = r->mel;
            mel.sample_rate = rate;
            c = (consumer){logmel_samples, logmel_end, &run};
            status = voice_log_mel_create(ctx, &mel, &run.mel);
        } else {
            status = voice_descriptors_create(ctx, rate, &run.stream);
        }
        if (status == AFFECT_OK) status = read_samples(ctx, reader, j, &c, rate);
        if (status == AFFECT_OK && j->main_rows == 0)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s is shorter than one frame", j->path);
        voice_descriptors_destroy(run.stream);
        voice_log_mel_destroy(run.mel);
        base_free(run.samples);
        base_free(run.rows);
    }
    media_close(reader);
    if (status == AFFECT_ERROR_FORMAT && r->o->set == VOICE_FEATURES_EGEMAPS && j->seconds < 0.06)
        status = base_fail(ctx, status, "%s: %.0f ms of sound, eGeMAPS needs at least 60 ms",
                           j->path, j->seconds * 1000.0);
    return status;
}

static void run_nth(void *user, size_t i) {
    job *j = (job *)user + i;
    affect_context *ctx; /* its own, so that messages of two files do not mix */
    j->status = affect_context_create(&ctx);
    if (j->status != AFFECT_OK) return;
    j->status = run_job(ctx, j);
    if (j->status != AFFECT_OK) j->message = base_strdup(affect_context_message(ctx));
    affect_context_destroy(ctx);
}

/* ---- all of it ---- */

static void name_columns(request *r) {
    table *t = &r->main;
    t->segments = r->o->segments || r->o->window > 0.0;
    if (r->o->set == VOICE_FEATURES_EGEMAPS) {
        t->columns = VOICE_EGEMAPS_FUNCTIONALS;
        memcpy(t->names, voice_egemaps_functional_names, sizeof voice_egemaps_functional_names);
        r->descriptors.segments = t->segments;
        r->descriptors.columns = VOICE_EGEMAPS_DESCRIPTORS;
        memcpy(r->descriptors.names, voice_egemaps_descriptor_names,
               sizeof voice_egemaps_descriptor_names);
    } else if (r->o->set == VOICE_FEATURES_PROSODY) {
        t->columns = VOICE_PROSODY_CHANNELS;
        memcpy(t->names, voice_prosody_channels, sizeof voice_prosody_channels);
    } else {
        t->columns = r->mel.bands;
        for (size_t b = 0; b < t->columns; b++) {
            snprintf(r->bands[b], sizeof r->bands[b], "logmel%zu", b);
            t->names[b] = r->bands[b];
        }
    }
}

static void say_what_is_lost(const request *r, const job *j) {
    if (j->too_short)
        base_log(r->ctx, AFFECT_LOG_WARNING, "%s: %zu segments are shorter than 60 ms and left out",
                 j->path, j->too_short);
    if (j->gaps)
        base_log(r->ctx, AFFECT_LOG_WARNING, "%s: %zu gaps were filled with silence", j->path,
                 j->gaps);
    if (r->o->set == VOICE_FEATURES_EGEMAPS && j->rate < 16000)
        base_log(r->ctx, AFFECT_LOG_WARNING,
                 "%s: at %d Hz nothing above %d Hz is left: loudness, MFCC, flux, alpha ratio and "
                 "Hammarberg index do not compare with those of 16 kHz",
                 j->path, j->rate, j->rate / 2);
}

static affect_status write_job(request *r, job *j) {
    if (j->status != AFFECT_OK)
        return base_fail(r->ctx, j->status, "%s", j->message ? j->message : j->path);
    affect_status status = AFFECT_OK;
    if (r->main.file) status = flush_text(r->ctx, &j->main, r->main.file);
    if (status == AFFECT_OK && r->descriptors.file)
        status = flush_text(r->ctx, &j->descriptors, r->descriptors.file);
    r->main.rows += j->main_rows;
    r->descriptors.rows += j->descriptor_rows;
    say_what_is_lost(r, j);
    return status;
}

static affect_status run_all(request *r, const char *const *paths, size_t count,
                             voice_features_result *result) {
    job *jobs = base_calloc(count, sizeof *jobs);
    if (!jobs) return base_fail_memory(r->ctx);
    double begun = base_now_s(), seconds = 0.0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (job){.r = r, .path = paths[i], .status = AFFECT_ERROR_INTERNAL};
        jobs[i].name = r->o->name ? base_strdup(r->o->name) : stem_of(paths[i]);
        if (!jobs[i].name) status = base_fail_memory(r->ctx);
    }
    base_pool *pool = NULL;
    if (status == AFFECT_OK)
        status = base_pool_create(r->ctx, affect_context_threads(r->ctx), &pool);
    if (status == AFFECT_OK && count == 1) {
        /* Straight to the file: memory stays flat however long it is. */
        jobs[0].main_file = r->main.file;
        jobs[0].descriptor_file = r->descriptors.file;
    }
    /* In batches, so that finished rows do not pile up. */
    size_t batch = 256;
    affect_status failed = AFFECT_OK;
    for (size_t i = 0; i < count && status == AFFECT_OK; i += batch) {
        size_t n = BASE_MIN(batch, count - i);
        base_pool_for(pool, n, run_nth, jobs + i);
        for (size_t k = i; k < i + n && status == AFFECT_OK; k++) {
            affect_status one = write_job(r, &jobs[k]);
            seconds += jobs[k].seconds;
            if (one == AFFECT_ERROR_OUTPUT || one == AFFECT_ERROR_MEMORY ||
                one == AFFECT_ERROR_CANCELLED || count == 1) {
                status = one;
            } else if (one != AFFECT_OK) { /* the others go on */
                r->o->failed(r->o->user, r->ctx, one);
                failed = one;
            }
            base_text_destroy(&jobs[k].main);
            base_text_destroy(&jobs[k].descriptors);
        }
    }
    double took = base_now_s() - begun;
    result->heard_s = seconds;
    result->took_s = took;
    for (size_t i = 0; i < count; i++) {
        base_text_destroy(&jobs[i].main);
        base_text_destroy(&jobs[i].descriptors);
        base_free(jobs[i].name);
        base_free(jobs[i].message);
    }
    base_pool_destroy(pool);
    base_free(jobs);
    if (status == AFFECT_OK && failed != AFFECT_OK && r->main.rows == 0) status = failed;
    return status == AFFECT_OK && failed != AFFECT_OK
               ? base_fail(r->ctx, failed, "some files failed")
               : status;
}

affect_status voice_features_write(affect_context *ctx, const voice_features_options *options,
                                   const char *const *paths, size_t count,
                                   voice_features_result *result) {
    request *r = base_calloc(1, sizeof *r);
    *result = (voice_features_result){0};
    if (!r) return base_fail_memory(ctx);
    r->ctx = ctx;
    r->o = options;
    r->mel = voice_log_mel_default();
    r->mel.bands = options->bands;
    name_columns(r);
    affect_status status = AFFECT_OK;
    if (options->output || !options->lld)
        status = table_open(ctx, &r->main, options->output, options->otherwise, options->force);
    if (status == AFFECT_OK && options->lld)
        status = table_open(ctx, &r->descriptors, options->lld, NULL, options->force);
    if (status == AFFECT_OK) {
        status = run_all(r, paths, count, result);
        /* A batch in which some files failed still has the others. */
        if (status == AFFECT_OK || (count > 1 && r->main.rows > 0)) {
            affect_status closed = table_close(ctx, &r->main, options->output, options->flush);
            if (closed == AFFECT_OK)
                closed = table_close(ctx, &r->descriptors, options->lld, options->flush);
            if (closed != AFFECT_OK) status = closed;
        }
    }
    base_output_abort(&r->main.output);
    base_output_abort(&r->descriptors.output);
    base_free(r);
    return status;
}
