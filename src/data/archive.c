/* The central directory, and inflating what it names. */
#include "data/archive.h"

#include <string.h>
#include <zlib.h>

#include "data/data_private.h"

static uint64_t little(const unsigned char *b, size_t n) {
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;) v = v << 8 | b[i];
    return v;
}

/* Above LARGE bytes, what is packed tighter than this is taken for a bomb: a member, and all members
 * together, or many small bombs would be a large one. */
enum { LARGE = 1 << 28, MOST_RATIO = 200 };

typedef struct member {
    char *name;
    size_t start, packed, size; /* start of the data in the file */
    int method;                 /* 0 stored, 8 deflated */
} member;

struct data_archive {
    char *path;
    const uint8_t *bytes;
    size_t length;
    data_mapping map; /* of a file of ours */
    member *items;
    size_t count, capacity;
};

static affect_status bad_zip(affect_context *ctx, const data_archive *z, const char *what) {
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: not a usable zip archive: %s", z->path, what);
}

/* ZIP64 extra field: replaces the sizes that are all ones, in the standard's order. */
static void apply_zip64(const unsigned char *extra, size_t length, uint64_t *size, uint64_t *packed,
                        uint64_t *offset) {
    for (size_t at = 0; at + 4 <= length;) {
        size_t id = (size_t)little(extra + at, 2), n = (size_t)little(extra + at + 2, 2);
        at += 4;
        if (n > length - at) return;
        if (id == 1) {
            const unsigned char *p = extra + at, *end = p + n;
            uint64_t *fields[3] = {size, packed, offset};
            for (int i = 0; i < 3; i++)
                if (*fields[i] == 0xffffffffu && end - p >= 8) {
                    *fields[i] = little(p, 8);
                    p += 8;
                }
        }
        at += n;
    }
}

static affect_status read_directory(affect_context *ctx, data_archive *z) {
    const unsigned char *b = z->bytes;
    size_t length = z->length;
    if (length < 22) return bad_zip(ctx, z, "too short");
    size_t end = length - 22, least = length > 22 + 65535 ? length - 22 - 65535 : 0;
    while (little(b + end, 4) != 0x06054b50) {
        if (end == least) return bad_zip(ctx, z, "no end of central directory (cut off?)");
        end--;
    }
    uint64_t entries = little(b + end + 10, 2), at = little(b + end + 16, 4), packed_sum = 0,
             unpacked = 0, deflated = 0;                      /* of the deflated members */
    if (end >= 20 && little(b + end - 20, 4) == 0x07064b50) { /* ZIP64 */
        uint64_t where = little(b + end - 12, 8);
        if (length < 56 || where > length - 56 || little(b + where, 4) != 0x06064b50)
            return bad_zip(ctx, z, "broken ZIP64 directory");
        entries = little(b + where + 32, 8);
        at = little(b + where + 48, 8);
    }
    for (uint64_t i = 0; i < entries; i++) {
        if (at > length || length - at < 46 || little(b + at, 4) != 0x02014b50)
            return bad_zip(ctx, z, "broken central directory");
        const unsigned char *e = b + at;
        uint64_t packed = little(e + 20, 4), size = little(e + 24, 4), offset = little(e + 42, 4);
        size_t name = (size_t)little(e + 28, 2), extra = (size_t)little(e + 30, 2),
               comment = (size_t)little(e + 32, 2);
        if (length - at - 46 < name + extra + comment)
            return bad_zip(ctx, z, "broken central directory");
        apply_zip64(e + 46 + name, extra, &size, &packed, &offset);
        if (offset > length || length - offset < 30 || little(b + offset, 4) != 0x04034b50)
            return bad_zip(ctx, z, "a member's header is not where the directory says");
        uint64_t start = offset + 30 + little(b + offset + 26, 2) + little(b + offset + 28, 2);
        int method = (int)little(e + 10, 2);
        if (start > length || packed > length - start)
            return bad_zip(ctx, z, "a member is cut off");
        packed_sum += packed;
        if (packed_sum > length) return bad_zip(ctx, z, "members lie over each other");
        if (little(e + 8, 2) & 1) return bad_zip(ctx, z, "members are encrypted");
        if (method != 0 && method != 8)
            return bad_zip(ctx, z, "a member is neither stored nor deflated");
        /* Deflate expands at most 1032 times: more is a lie in the header. */
        if ((method == 0 && size != packed) || (method == 8 && size / 1100 > packed))
            return bad_zip(ctx, z, "a member's sizes contradict each other");
        if (method == 8) {
            unpacked += BASE_MIN(size, UINT64_MAX - unpacked);
            deflated += packed;
        }
        if (!base_grow((void **)&z->items, &z->capacity, z->count + 1, sizeof *z->items))
            return base_fail_memory(ctx);
        member m = {base_strndup((const char *)e + 46, name), start, packed, size, method};
        if (!m.name) return base_fail_memory(ctx);
        z->items[z->count++] = m;
        at += 46 + name + extra + comment;
    }
    if (unpacked > LARGE && unpacked / MOST_RATIO > deflated)
        return base_fail(
            ctx, AFFECT_ERROR_LIMIT,
            "%s: its members are packed to less than a %dth of their %llu bytes, like a "
            "bomb; unpack it to read it",
            z->path, MOST_RATIO, (unsigned long long)unpacked);
    return AFFECT_OK;
}

affect_status data_archive_parse(affect_context *ctx, const char *name, const void *bytes,
                                 size_t length, data_archive **out) {
    *out = NULL;
    data_archive *z = base_calloc(1, sizeof *z);
    if (!z) return base_fail_memory(ctx);
    z->path = base_strdup(name);
    z->bytes = bytes;
    z->length = length;
    affect_status status = z->path ? read_directory(ctx, z) : base_fail_memory(ctx);
    if (status)
        data_archive_destroy(z);
    else
        *out = z;
    return status;
}

affect_status data_archive_open(affect_context *ctx, const char *path, data_archive **out) {
    data_mapping map;
    *out = NULL;
    affect_status status = data_map(ctx, path, &map);
    if (!status) status = data_archive_parse(ctx, path, map.bytes, map.length, out);
    if (status)
        data_unmap(&map);
    else
        (*out)->map = map;
    return status;
}

void data_archive_destroy(data_archive *z) {
    if (!z) return;
    for (size_t i = 0; i < z->count; i++) base_free(z->items[i].name);
    base_free(z->items);
    base_free(z->path);
    data_unmap(&z->map);
    base_free(z);
}

const char *data_archive_path(const data_archive *z) { return z->path; }
size_t data_archive_count(const data_archive *z) { return z->count; }
const char *data_archive_name(const data_archive *z, size_t i) { return z->items[i].name; }

size_t data_archive_find(const data_archive *z, const char *name) {
    for (size_t i = 0; i < z->count; i++)
        if (strcmp(z->items[i].name, name) == 0) return i;
    return SIZE_MAX;
}

static affect_status inflate_member(affect_context *ctx, const data_archive *z, const member *m,
                                    unsigned char **out) {
    unsigned char *bytes = base_alloc(m->size);
    if (!bytes) return base_fail_memory(ctx);
    z_stream s = {0};
    bool fine = inflateInit2(&s, -15) == Z_OK;
    size_t in = 0, got = 0;
    int code = Z_OK;
    while (fine && code == Z_OK) { /* zlib counts in 32 bits: feed it in pieces */
        const size_t piece = 1u << 30;
        s.next_in = (Bytef *)(uintptr_t)(z->bytes + m->start + in);
        s.avail_in = (uInt)BASE_MIN(piece, m->packed - in);
        s.next_out = bytes + got;
        s.avail_out = (uInt)BASE_MIN(piece, m->size - got);
        uInt in_before = s.avail_in, out_before = s.avail_out;
        code = inflate(&s, Z_NO_FLUSH);
        in += in_before - s.avail_in;
        got += out_before - s.avail_out;
        if (in_before == s.avail_in && out_before == s.avail_out) break;
    }
    if (fine) inflateEnd(&s);
    if (got != m->size) {
        base_free(bytes);
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: member '%s' is damaged: %zu of %zu bytes could be unpacked", z->path,
                         m->name, got, m->size);
    }
    *out = bytes;
    return AFFECT_OK;
}

affect_status data_archive_read(affect_context *ctx, const data_archive *z, size_t i, size_t most,
                                const uint8_t **bytes, size_t *length, void **owned) {
    const member *m = &z->items[i];
    *bytes = z->bytes + m->start;
    *length = m->size;
    *owned = NULL;
    if (most && m->size > most)
        return base_fail(ctx, AFFECT_ERROR_LIMIT,
                         "%s: member '%s' has %zu bytes, at most %zu are "
                         "read",
                         z->path, m->name, m->size, most);
    if (m->method == 0) return AFFECT_OK;
    if (m->size > LARGE && m->size / MOST_RATIO > m->packed)
        return base_fail(ctx, AFFECT_ERROR_LIMIT,
                         "%s: member '%s' is packed to less than a %dth of its %zu bytes, like a "
                         "bomb; unpack it to read it",
                         z->path, m->name, MOST_RATIO, m->size);
    unsigned char *unpacked = NULL;
    affect_status status = inflate_member(ctx, z, m, &unpacked);
    if (!status) *bytes = *owned = unpacked;
    return status;
}

affect_status data_gunzip(affect_context *ctx, const char *path, char **bytes, size_t *length) {
    const unsigned char *in = (const unsigned char *)*bytes;
    if (*length < 18 || in[0] != 0x1F || in[1] != 0x8B) return AFFECT_OK;
    z_stream s = {0};
    size_t capacity = *length * 4 + 1024, got = 0;
    size_t most = BASE_MAX(
        (size_t)LARGE, *length > SIZE_MAX / MOST_RATIO / 2 ? SIZE_MAX / 2 : *length * MOST_RATIO);
    char *out = base_alloc(capacity + 1);
    affect_status status = AFFECT_OK;
    if (!out || inflateInit2(&s, 16 + 15) != Z_OK) { /* 16: gzip's wrapping */
        base_free(out);
        base_free(*bytes);
        *bytes = NULL;
        return base_fail_memory(ctx);
    }
    s.next_in = (Bytef *)(uintptr_t)in;
    size_t left = *length;
    for (int code = Z_OK; !status;) {
        uInt before_in = s.avail_in = (uInt)BASE_MIN(left, (size_t)1 << 30);
        uInt before_out = s.avail_out = (uInt)BASE_MIN(capacity - got, (size_t)1 << 30);
        s.next_out = (Bytef *)out + got;
        code = inflate(&s, Z_NO_FLUSH);
        left -= before_in - s.avail_in;
        got += before_out - s.avail_out;
        if (code == Z_STREAM_END && left >= 18 && s.next_in[0] == 0x1F && s.next_in[1] == 0x8B) {
            code = inflateReset(&s) == Z_OK ? Z_OK : Z_DATA_ERROR; /* several members in a row */
            continue;
        }
        if (code == Z_STREAM_END) break;
        if (got == capacity && got >= most) {
            status =
                base_fail(ctx, AFFECT_ERROR_LIMIT,
                          "%s: is packed to less than a %dth, like a bomb; unpack it to read it",
                          path, MOST_RATIO);
        } else if (got == capacity) {
            capacity = BASE_MIN(capacity * 2, most);
            char *larger = base_realloc(out, capacity + 1);
            if (larger)
                out = larger;
            else
                status = base_fail_memory(ctx);
        } else if ((code != Z_OK && code != Z_BUF_ERROR) || !left) {
            status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                               "%s: the gzip data are damaged or cut after %zu bytes", path, got);
        }
    }
    inflateEnd(&s);
    base_free(*bytes);
    *bytes = NULL;
    if (status) {
        base_free(out);
        return status;
    }
    out[got] = 0;
    *bytes = out;
    *length = got;
    return AFFECT_OK;
}
