/* Bytes of a file, a pipe or standard input for libavformat.
 *
 * An AVIOContext of our own instead of FFmpeg's protocols: a name with a colon stays a file name
 * and never becomes a network address, and a read that waits for a pipe can be cancelled. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/media_private.h"

enum { BUFFER_SIZE = 1 << 16, POLL_MS = 100 };

struct media_input {
    affect_context *ctx;
    int fd; /* -1: from a source */
    media_source source;
    bool seekable;
    int error; /* errno of the first read that failed for good; all later ones fail with it */
    int64_t base, position; /* where the recording begins in the file; read from base + position */
    AVIOContext *avio;
};

static int read_some(void *user, uint8_t *out, int size) {
    media_input *input = user;
    for (;;) {
        if (affect_context_cancelled(input->ctx)) return AVERROR_EXIT;
        if (input->error) return AVERROR(input->error);
        ssize_t got;
        if (input->source.read) {
            int64_t n = input->source.read(input->source.user, out, (size_t)size);
            got = n > size ? -1 : (ssize_t)n;
            errno = EIO;
        } else if (input->seekable) {
            got = pread(input->fd, out, (size_t)size, input->base + input->position);
        } else {
            struct pollfd wait = {.fd = input->fd, .events = POLLIN};
            int ready = poll(&wait, 1, POLL_MS);
            if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
            got = read(input->fd, out, (size_t)size);
        }
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) {
            input->error = errno;
            continue;
        }
        if (got == 0) return AVERROR_EOF;
        input->position += got;
        return (int)got;
    }
}

static int64_t seek_to(void *user, int64_t offset, int whence) {
    media_input *input = user;
    struct stat about = {0};
    if (!input->source.read && fstat(input->fd, &about) != 0) return AVERROR(errno);
    int64_t size =
        input->source.read ? input->source.length(input->source.user) : about.st_size - input->base;
    if (size < 0) return AVERROR(EIO);
    int64_t to;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE: return size;
    case SEEK_SET: to = offset; break;
    case SEEK_CUR: to = input->position + offset; break;
    case SEEK_END: to = size + offset; break;
    default: return AVERROR(EINVAL);
    }
    if (to < 0) return AVERROR(EINVAL);
    if (input->source.read && input->source.seek(input->source.user, to) < 0) return AVERROR(EIO);
    return input->position = to;
}

static affect_status open_descriptor(affect_context *ctx, const char *path, int *out) {
    bool standard = strcmp(path, "-") == 0;
    do {
        *out =
            standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    } while (*out < 0 && errno == EINTR && !affect_context_cancelled(ctx));
    if (*out >= 0) return AFFECT_OK;
    if (errno == EINTR) return base_fail(ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", path);
    if (errno == ENOENT)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: no such file; check the name", path);
    return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read: %s", path, strerror(errno));
}

bool media_input_read_at(const media_input *input, void *out, size_t size, int64_t at) {
    if (!input->source.read) return pread(input->fd, out, size, input->base + at) == (ssize_t)size;
    const media_source *source = &input->source;
    bool fine = source->seek(source->user, at) >= 0;
    for (size_t got = 0; fine && got < size;) {
        int64_t n = source->read(source->user, (uint8_t *)out + got, size - got);
        fine = n > 0 && (uint64_t)n <= size - got;
        if (fine) got += (size_t)n;
    }
    return source->seek(source->user, input->position) >= 0 && fine;
}

static affect_status make_avio(media_input *input) {
    uint8_t *buffer = media_ff.av_malloc(BUFFER_SIZE);
    if (buffer)
        input->avio = media_ff.avio_alloc_context(buffer, BUFFER_SIZE, 0, input, read_some, NULL,
                                                  input->seekable ? seek_to : NULL);
    if (input->avio) return AFFECT_OK;
    media_ff.av_freep(&buffer);
    return base_fail_memory(input->ctx);
}

affect_status media_input_of(affect_context *ctx, const media_source *source, media_input **out) {
    *out = NULL;
    media_input *input = base_calloc(1, sizeof *input);
    if (!input) return base_fail_memory(ctx);
    input->ctx = ctx;
    input->fd = -1;
    input->source = *source;
    input->seekable = source->seek && source->length;
    affect_status status = make_avio(input);
    if (status == AFFECT_OK)
        *out = input;
    else
        media_input_close(input);
    return status;
}

affect_status media_input_open(affect_context *ctx, const char *path, media_input **out) {
    *out = NULL;
    int fd = -1;
    affect_status status = open_descriptor(ctx, path, &fd);
    if (status != AFFECT_OK) return status;
    media_input *input = base_calloc(1, sizeof *input);
    if (!input) {
        close(fd);
        return base_fail_memory(ctx);
    }
    input->ctx = ctx;
    input->fd = fd;
    struct stat about;
    if (fstat(fd, &about) != 0) {
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
        goto cleanup;
    }
    if (S_ISDIR(about.st_mode)) {
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: is a folder; name a recording in it", path);
        goto cleanup;
    }
    if (S_ISREG(about.st_mode)) {
        off_t here = lseek(fd, 0, SEEK_CUR);
        input->seekable = here >= 0;
        input->base = here > 0 ? here : 0;
        if (input->seekable && about.st_size <= input->base) {
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: is empty", path);
            goto cleanup;
        }
    }
    status = make_avio(input);
    if (status != AFFECT_OK) goto cleanup;
    *out = input;
    return AFFECT_OK;
cleanup:
    media_input_close(input);
    return status;
}

static uint32_t little32(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Programs that write WAV to a pipe put about 2 or 4 GiB where they cannot know the length. */
#define WAV_UNKNOWN 0x7fff0000u

int64_t media_input_wav_bytes(const media_input *input) {
    uint8_t head[12];
    int64_t at = 0;
    if (!input->seekable || !media_input_read_at(input, head, 12, at)) return 0;
    if (memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) return 0;
    at += 12;
    for (int chunk = 0; chunk < 64 && media_input_read_at(input, head, 8, at); chunk++) {
        uint32_t size = little32(head + 4);
        if (memcmp(head, "data", 4) == 0) return size < WAV_UNKNOWN ? size : 0;
        at += 8 + (int64_t)size + (size & 1); /* chunks stand on even bytes */
    }
    return 0;
}

/* A data chunk that ends and is followed by what is no chunk: its size is wrong, as recorders leave
 * it that were stopped or wrote a block and never came back. Zeros behind it are padding. */
bool media_input_wav_is_longer(const media_input *input) {
    uint8_t head[12];
    int64_t at = 0;
    if (!input->seekable || !media_input_read_at(input, head, 12, at)) return false;
    if (memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) return false;
    bool data = false;
    at += 12;
    for (int chunk = 0; chunk < 64 && media_input_read_at(input, head, 8, at); chunk++) {
        uint32_t size = little32(head + 4);
        bool name = true, zeros = true;
        for (int i = 0; i < 4; i++) name &= head[i] >= 0x20 && head[i] < 0x7F;
        for (int i = 0; i < 8; i++) zeros &= head[i] == 0;
        if (zeros) return false;
        if (!name) return data;
        bool is_data = memcmp(head, "data", 4) == 0;
        if (is_data && (size == 0 || size >= WAV_UNKNOWN))
            return false; /* FFmpeg reads to the end */
        data |= is_data;
        at += 8 + (int64_t)size + (size & 1);
    }
    return false;
}

int media_input_error(const media_input *input) { return input->error; }

void media_input_forgive(media_input *input) { input->error = 0; }

AVIOContext *media_input_avio(media_input *input) { return input->avio; }
bool media_input_seekable(const media_input *input) { return input->seekable; }

void media_input_close(media_input *input) {
    if (!input) return;
    if (input->avio) {
        media_ff.av_freep(&input->avio->buffer); /* libavformat may have replaced the one given */
        media_ff.avio_context_free(&input->avio);
    }
    if (input->fd >= 0) close(input->fd);
    base_free(input);
}
