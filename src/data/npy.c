/* NumPy's npy (numpy.lib.format) and npz (a ZIP of npy members, stored or deflated, ZIP64 too). */
#include "data/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* ---- mapping ---- */

typedef struct mapping {
    unsigned char *bytes;
    size_t length;
} mapping;

static affect_status map_file(affect_context *ctx, const char *path, mapping *out) {
    *out = (mapping){0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        int error = errno;
        if (file >= 0) close(file);
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read: %s", path,
                         file < 0 ? strerror(error) : "not a regular file");
    }
    out->length = (size_t)info.st_size;
    if (out->length) {
        void *bytes = mmap(NULL, out->length, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED) {
            close(file);
            return base_fail(ctx, AFFECT_ERROR_MEMORY, "%s: cannot be mapped: %s", path,
                             strerror(errno));
        }
        out->bytes = bytes;
    }
    close(file);
    return AFFECT_OK;
}

static void unmap(mapping *m) {
    if (m->bytes) munmap(m->bytes, m->length);
    *m = (mapping){0};
}

/* ---- npy ---- */

static uint64_t little(const unsigned char *b, size_t n) {
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;) v = v << 8 | b[i];
    return v;
}

static affect_status bad(affect_context *ctx, const char *name, const char *expected) {
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: npy header: expected %s", name, expected);
}

/* Finds 'key': in the header's dictionary and returns what follows, or NULL. */
static const char *value_of(const char *header, const char *key) {
    char pattern[32];
    for (int quote = 0; quote < 2; quote++) {
        snprintf(pattern, sizeof pattern, quote ? "\"%s\"" : "'%s'", key);
        const char *at = strstr(header, pattern);
        if (!at) continue;
        at += strlen(pattern);
        while (*at == ' ') at++;
        if (*at++ != ':') return NULL;
        while (*at == ' ') at++;
        return at;
    }
    return NULL;
}

static bool parse_type(const char *text, data_npy *a) {
    if ((*text != '\'' && *text != '"') || !text[1] || !text[2]) return false;
    char order = text[1], kind = text[2];
    size_t size = 0, digits = 0;
    for (const char *at = text + 3; *at >= '0' && *at <= '9' && digits < 9; at++, digits++)
        size = size * 10 + (size_t)(*at - '0');
    if (text[3 + digits] != *text || !strchr("<>|=", order)) return false;
    a->big_endian = order == '>' && size > 1;
    a->item = size;
    static const struct {
        char kind;
        size_t size;
        data_npy_type type;
    } table[] = {{'b', 1, DATA_NPY_BOOL}, {'u', 1, DATA_NPY_U8},  {'i', 1, DATA_NPY_I8},
                 {'u', 2, DATA_NPY_U16},  {'i', 2, DATA_NPY_I16}, {'u', 4, DATA_NPY_U32},
                 {'i', 4, DATA_NPY_I32},  {'u', 8, DATA_NPY_U64}, {'i', 8, DATA_NPY_I64},
                 {'f', 2, DATA_NPY_F16},  {'f', 4, DATA_NPY_F32}, {'f', 8, DATA_NPY_F64}};
    for (size_t i = 0; i < BASE_COUNT(table); i++)
        if (table[i].kind == kind && table[i].size == size) {
            a->type = table[i].type;
            return true;
        }
    if (kind == 'S') {
        a->type = DATA_NPY_BYTES;
        return true;
    }
    if (kind == 'U') {
        a->type = DATA_NPY_UNICODE;
        a->item = size * 4;
        return true;
    }
    if (kind == 'O') {
        a->type = DATA_NPY_OBJECT;
        a->item = 0;
        return true;
    }
    return false;
}

static bool parse_shape(const char *at, data_npy *a) {
    if (*at++ != '(') return false;
    a->count = 1;
    while (true) {
        while (*at == ' ' || *at == ',') at++;
        if (*at == ')') return true;
        if (*at < '0' || *at > '9' || a->rank == DATA_NPY_MAX_RANK) return false;
        size_t n = 0;
        for (; *at >= '0' && *at <= '9'; at++)
            if (__builtin_mul_overflow(n, (size_t)10, &n) ||
                __builtin_add_overflow(n, (size_t)(*at - '0'), &n))
                return false;
        if (*at == 'L') at++; /* Python 2 */
        a->shape[a->rank++] = n;
        if (__builtin_mul_overflow(a->count, n, &a->count)) return false;
    }
}

affect_status data_npy_parse(affect_context *ctx, const char *name, const void *bytes,
                             size_t length, data_npy **out) {
    *out = NULL;
    const unsigned char *b = bytes;
    if (length < 10 || memcmp(b, "\x93NUMPY", 6) != 0)
        return bad(ctx, name, "the magic bytes \\x93NUMPY at its start");
    size_t width = b[6] == 1 ? 2 : 4;
    if (b[6] < 1 || b[6] > 3 || length < 8 + width)
        return bad(ctx, name, "format version 1, 2 or 3");
    size_t header = (size_t)little(b + 8, width);
    if (header > length - 8 - width || header > 1 << 20)
        return bad(ctx, name, "a header that fits into the file");
    char *text = base_strndup((const char *)b + 8 + width, header);
    data_npy *a = base_calloc(1, sizeof *a);
    affect_status status = text && a ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK) {
        const char *type = value_of(text, "descr"), *order = value_of(text, "fortran_order"),
                   *shape = value_of(text, "shape");
        if (!type || !parse_type(type, a))
            status = bad(ctx, name, "'descr' with a plain type such as '<f4', '|u1', '|O'");
        else if (!order || (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0))
            status = bad(ctx, name, "'fortran_order' True or False");
        else if (!shape || !parse_shape(shape, a))
            status = bad(ctx, name, "'shape' with at most 16 sizes whose product fits");
        if (status == AFFECT_OK) a->fortran = *order == 'T';
    }
    if (status == AFFECT_OK) {
        size_t wanted;
        a->data = b + 8 + width + header;
        a->bytes = length - 8 - width - header;
        if (a->type != DATA_NPY_OBJECT &&
            (__builtin_mul_overflow(a->count, a->item, &wanted) || wanted > a->bytes))
            status =
                base_fail(ctx, AFFECT_ERROR_FORMAT,
                          "%s: the header promises %zu elements of %zu bytes, %zu bytes follow",
                          name, a->count, a->item, a->bytes);
        else if (a->type != DATA_NPY_OBJECT)
            a->bytes = wanted;
    }
    base_free(text);
    if (status != AFFECT_OK) {
        base_free(a);
        return status;
    }
    *out = a;
    return AFFECT_OK;
}

affect_status data_npy_open(affect_context *ctx, const char *path, data_npy **out) {
    *out = NULL;
    mapping m;
    affect_status status = map_file(ctx, path, &m);
    if (status != AFFECT_OK) return status;
    status = data_npy_parse(ctx, path, m.bytes, m.length, out);
    if (status != AFFECT_OK) {
        unmap(&m);
        return status;
    }
    (*out)->owned = m.bytes;
    (*out)->owned_bytes = m.length;
    (*out)->mapped = true;
    return AFFECT_OK;
}

void data_npy_destroy(data_npy *a) {
    if (!a) return;
    if (a->owned && a->mapped)
        munmap(a->owned, a->owned_bytes);
    else
        base_free(a->owned);
    base_free(a);
}

static double from_half(uint16_t h) {
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, sign = h & 0x8000 ? -1 : 1;
    if (exponent == 0) return sign * ldexp(fraction, -24);
    if (exponent == 31) return fraction != 0 ? (double)NAN : sign * (double)INFINITY;
    return sign * ldexp(1024 + fraction, exponent - 25);
}

double data_npy_get(const data_npy *a, size_t i) {
    if (i >= a->count || a->item == 0 || a->item > 8 || a->type >= DATA_NPY_BYTES)
        return (double)NAN;
    unsigned char b[8] = {0};
    const unsigned char *at = a->data + i * a->item;
    for (size_t k = 0; k < a->item; k++) b[k] = a->big_endian ? at[a->item - 1 - k] : at[k];
    uint64_t v = little(b, a->item);
    switch (a->type) {
    case DATA_NPY_BOOL: return v != 0;
    case DATA_NPY_I8: return (int8_t)v;
    case DATA_NPY_I16: return (int16_t)v;
    case DATA_NPY_I32: return (int32_t)v;
    case DATA_NPY_I64: return (double)(int64_t)v;
    case DATA_NPY_F16: return from_half((uint16_t)v);
    case DATA_NPY_F32: {
        uint32_t bits = (uint32_t)v;
        float f;
        memcpy(&f, &bits, sizeof f);
        return f;
    }
    case DATA_NPY_F64: {
        double d;
        memcpy(&d, &v, sizeof d);
        return d;
    }
    default: return (double)v;
    }
}

/* ---- npz ---- */

typedef struct member {
    char *name;
    size_t start, packed, size; /* start of the data in the file */
    int method;                 /* 0 stored, 8 deflated */
} member;

struct data_npz {
    char *path;
    mapping file;
    member *items;
    size_t count, capacity;
};

static affect_status bad_zip(affect_context *ctx, const data_npz *z, const char *what) {
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: not a usable npz (zip): %s", z->path, what);
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

static affect_status read_directory(affect_context *ctx, data_npz *z) {
    const unsigned char *b = z->file.bytes;
    size_t length = z->file.length;
    if (length < 22) return bad_zip(ctx, z, "too short");
    size_t end = length - 22, least = length > 22 + 65535 ? length - 22 - 65535 : 0;
    while (little(b + end, 4) != 0x06054b50) {
        if (end == least) return bad_zip(ctx, z, "no end of central directory (cut off?)");
        end--;
    }
    uint64_t entries = little(b + end + 10, 2), at = little(b + end + 16, 4);
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
        if (little(e + 8, 2) & 1) return bad_zip(ctx, z, "members are encrypted");
        if (method != 0 && method != 8)
            return bad_zip(ctx, z, "a member is neither stored nor deflated");
        /* Deflate expands at most 1032 times: more is a lie in the header. */
        if ((method == 0 && size != packed) || (method == 8 && size / 1100 > packed))
            return bad_zip(ctx, z, "a member's sizes contradict each other");
        if (!base_grow((void **)&z->items, &z->capacity, z->count + 1, sizeof *z->items))
            return base_fail_memory(ctx);
        size_t stem = name > 4 && memcmp(e + 46 + name - 4, ".npy", 4) == 0 ? name - 4 : name;
        member m = {base_strndup((const char *)e + 46, stem), start, packed, size, method};
        if (!m.name) return base_fail_memory(ctx);
        z->items[z->count++] = m;
        at += 46 + name + extra + comment;
    }
    return AFFECT_OK;
}

affect_status data_npz_open(affect_context *ctx, const char *path, data_npz **out) {
    *out = NULL;
    data_npz *z = base_calloc(1, sizeof *z);
    if (z) z->path = base_strdup(path);
    if (!z || !z->path) {
        base_free(z);
        return base_fail_memory(ctx);
    }
    affect_status status = map_file(ctx, path, &z->file);
    if (status == AFFECT_OK) status = read_directory(ctx, z);
    if (status != AFFECT_OK) {
        data_npz_destroy(z);
        return status;
    }
    *out = z;
    return AFFECT_OK;
}

void data_npz_destroy(data_npz *z) {
    if (!z) return;
    for (size_t i = 0; i < z->count; i++) base_free(z->items[i].name);
    base_free(z->items);
    base_free(z->path);
    unmap(&z->file);
    base_free(z);
}

size_t data_npz_count(const data_npz *z) { return z->count; }
const char *data_npz_name(const data_npz *z, size_t i) { return z->items[i].name; }

static affect_status inflate_member(affect_context *ctx, const data_npz *z, const member *m,
                                    unsigned char **out) {
    unsigned char *bytes = base_alloc(m->size);
    if (!bytes) return base_fail_memory(ctx);
    z_stream s = {0};
    bool fine = inflateInit2(&s, -15) == Z_OK;
    size_t in = 0, got = 0;
    int code = Z_OK;
    while (fine && code == Z_OK) { /* zlib counts in 32 bits: feed it in pieces */
        const size_t piece = 1u << 30;
        s.next_in = z->file.bytes + m->start + in;
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

affect_status data_npz_array(affect_context *ctx, data_npz *z, const char *name, data_npy **out) {
    *out = NULL;
    const member *m = NULL;
    for (size_t i = 0; i < z->count && !m; i++)
        if (strcmp(z->items[i].name, name) == 0) m = &z->items[i];
    if (!m) {
        base_text names = {0};
        for (size_t i = 0; i < z->count && i < 20; i++)
            base_text_printf(&names, "%s%s", i ? ", " : "", z->items[i].name);
        affect_status status =
            base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: holds no array '%s', only: %s", z->path,
                      name, names.data ? names.data : "nothing");
        base_text_destroy(&names);
        return status;
    }
    base_text label = {0};
    base_text_printf(&label, "%s:%s", z->path, m->name);
    unsigned char *bytes = NULL;
    affect_status status = label.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (status == AFFECT_OK && m->method == 8) status = inflate_member(ctx, z, m, &bytes);
    if (status == AFFECT_OK)
        status =
            data_npy_parse(ctx, label.data, bytes ? bytes : z->file.bytes + m->start, m->size, out);
    base_text_destroy(&label);
    if (status != AFFECT_OK) {
        base_free(bytes);
        return status;
    }
    (*out)->owned = bytes;
    (*out)->owned_bytes = m->size;
    return AFFECT_OK;
}
