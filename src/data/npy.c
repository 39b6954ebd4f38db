/* NumPy's npy (numpy.lib.format) and npz (a ZIP of npy members). */
#include "data/npy.h"

#include <string.h>

#include "data/archive.h"
#include "data/data_private.h"

/* ---- npy ---- */

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

/* The type string of a header, between its quotes. */
static bool parse_type(const char *text, data_array *a) {
    if (*text != '\'' && *text != '"') return false;
    const char *end = strchr(text + 1, *text);
    return end && data_type_parse(text + 1, (size_t)(end - text) - 1, a);
}

static bool parse_shape(const char *at, data_array *a) {
    if (*at++ != '(') return false;
    while (true) {
        while (*at == ' ' || *at == ',') at++;
        if (*at == ')') return data_array_measure(a);
        if (*at < '0' || *at > '9' || a->rank == DATA_MAX_RANK) return false;
        size_t n = 0;
        for (; *at >= '0' && *at <= '9'; at++)
            if (__builtin_mul_overflow(n, (size_t)10, &n) ||
                __builtin_add_overflow(n, (size_t)(*at - '0'), &n))
                return false;
        if (*at == 'L') at++; /* Python 2 */
        a->shape[a->rank++] = n;
    }
}

affect_status data_npy_parse(affect_context *ctx, const char *name, const void *bytes,
                             size_t length, data_npy **out) {
    *out = NULL;
    const uint8_t *b = bytes;
    if (length < 10 || memcmp(b, "\x93NUMPY", 6) != 0)
        return bad(ctx, name, "the magic bytes \\x93NUMPY at its start");
    size_t width = b[6] == 1 ? 2 : 4, header = 0;
    if (b[6] < 1 || b[6] > 3 || length < 8 + width)
        return bad(ctx, name, "format version 1, 2 or 3");
    for (size_t i = 0; i < width; i++) header |= (size_t)b[8 + i] << 8 * i;
    if (header > length - 8 - width || header > 1 << 20)
        return bad(ctx, name, "a header that fits into the file");
    char *text = base_strndup((const char *)b + 8 + width, header);
    data_npy *npy = base_calloc(1, sizeof *npy);
    affect_status status = text && npy ? AFFECT_OK : base_fail_memory(ctx);
    if (!status) {
        data_array *a = &npy->values;
        const char *type = value_of(text, "descr"), *order = value_of(text, "fortran_order"),
                   *shape = value_of(text, "shape");
        a->bytes = b + 8 + width + header;
        npy->length = length - 8 - width - header;
        if (!type || !parse_type(type, a))
            status = bad(ctx, name, "'descr' with a plain type such as '<f4', '|u1', '|O'");
        else if (!order || (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0))
            status = bad(ctx, name, "'fortran_order' True or False");
        else if (!shape || !parse_shape(shape, a))
            status = bad(ctx, name, "'shape' with at most 16 sizes whose product fits");
        if (!status) a->fortran = *order == 'T';
        if (!status && a->type != DATA_OBJECT) {
            if (a->count * a->item_size > npy->length)
                status =
                    base_fail(ctx, AFFECT_ERROR_FORMAT,
                              "%s: the header promises %zu elements of %zu bytes, %zu bytes follow",
                              name, a->count, a->item_size, npy->length);
            npy->length = a->count * a->item_size;
        }
    }
    base_free(text);
    if (status)
        base_free(npy);
    else
        *out = npy;
    return status;
}

affect_status data_npy_open(affect_context *ctx, const char *path, data_npy **out) {
    data_mapping map;
    *out = NULL;
    affect_status status = data_map(ctx, path, &map);
    if (!status) status = data_npy_parse(ctx, path, map.bytes, map.length, out);
    if (status)
        data_unmap(&map);
    else
        (*out)->map = map;
    return status;
}

void data_npy_destroy(data_npy *npy) {
    if (!npy) return;
    data_unmap(&npy->map);
    base_free(npy->owned);
    base_free(npy);
}

/* ---- npz ---- */

struct data_npz {
    data_archive *zip;
    char **names;
};

/* Takes the archive over. */
static affect_status name_arrays(affect_context *ctx, data_archive *zip, data_npz **out) {
    data_npz *z = base_calloc(1, sizeof *z);
    if (!z) {
        data_archive_destroy(zip);
        return base_fail_memory(ctx);
    }
    z->zip = zip;
    z->names = base_calloc(data_archive_count(zip) + 1, sizeof *z->names);
    bool fine = z->names != NULL;
    for (size_t i = 0; fine && i < data_archive_count(zip); i++) {
        const char *name = data_archive_name(zip, i);
        size_t n = strlen(name);
        z->names[i] = base_strndup(name, base_ends_with(name, ".npy") ? n - 4 : n);
        fine = z->names[i];
    }
    if (!fine) {
        data_npz_destroy(z);
        return base_fail_memory(ctx);
    }
    *out = z;
    return AFFECT_OK;
}

affect_status data_npz_open(affect_context *ctx, const char *path, data_npz **out) {
    data_archive *zip;
    *out = NULL;
    affect_status status = data_archive_open(ctx, path, &zip);
    return status ? status : name_arrays(ctx, zip, out);
}

affect_status data_npz_parse(affect_context *ctx, const char *name, const void *bytes,
                             size_t length, data_npz **out) {
    data_archive *zip;
    *out = NULL;
    affect_status status = data_archive_parse(ctx, name, bytes, length, &zip);
    return status ? status : name_arrays(ctx, zip, out);
}

void data_npz_destroy(data_npz *z) {
    if (!z) return;
    for (size_t i = 0; z->names && i < data_archive_count(z->zip); i++) base_free(z->names[i]);
    base_free(z->names);
    data_archive_destroy(z->zip);
    base_free(z);
}

size_t data_npz_count(const data_npz *z) { return data_archive_count(z->zip); }
const char *data_npz_name(const data_npz *z, size_t i) { return z->names[i]; }

affect_status data_npz_array_at(affect_context *ctx, data_npz *z, size_t i, data_npy **out) {
    const uint8_t *bytes;
    size_t length;
    void *owned = NULL;
    base_text text = {0};
    *out = NULL;
    base_text_printf(&text, "%s:%s", data_archive_path(z->zip), z->names[i]);
    affect_status status = text.failed
                               ? base_fail_memory(ctx)
                               : data_archive_read(ctx, z->zip, i, 0, &bytes, &length, &owned);
    if (!status) status = data_npy_parse(ctx, text.data, bytes, length, out);
    if (status)
        base_free(owned);
    else
        (*out)->owned = owned;
    base_text_destroy(&text);
    return status;
}

affect_status data_npz_array(affect_context *ctx, data_npz *z, const char *name, data_npy **out) {
    size_t count = data_npz_count(z);
    *out = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(z->names[i], name) == 0) return data_npz_array_at(ctx, z, i, out);
    base_text text = {0};
    for (size_t i = 0; i < count && i < 20; i++)
        base_text_printf(&text, "%s%s", i ? ", " : "", z->names[i]);
    affect_status status =
        base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: holds no array '%s', only: %s",
                  data_archive_path(z->zip), name, text.data ? text.data : "nothing");
    base_text_destroy(&text);
    return status;
}
