/* Requests as handlers see them, and their answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/serve_private.h"

/* ---- requests ---- */

bool serve_request_matches(serve_request *request, const char *pattern) {
    snprintf(request->split, sizeof request->split, "%s", request->path);
    char *at = request->split;
    size_t parts = 0;
    memset(request->parts, 0, sizeof request->parts);
    for (; *pattern; pattern++) {
        if (*pattern == '?' && parts < SERVE_PARTS) {
            size_t length = strcspn(at, "/");
            if (!length) return false;
            request->parts[parts++] = at;
            at += length;
            /* The part ends here; what follows in the pattern is a slash or nothing. */
            if (!pattern[1]) return !*at;
            if (*at != '/') return false;
            *at++ = '\0';
            pattern++;
        } else if (*at++ != *pattern) {
            return false;
        }
    }
    return !*at;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(const char *from, size_t length, char *out, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        char c = from[i];
        if (c == '+') c = ' ';
        if (c == '%') {
            if (i + 2 >= length) return false;
            int high = hex(from[i + 1]), low = hex(from[i + 2]);
            if (high < 0 || low < 0) return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (!c || n + 1 >= size) return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return base_utf8_valid(out, n);
}

bool serve_request_query(const serve_request *request, const char *key, char *out, size_t size) {
    size_t length = strlen(key);
    if (!size) return false;
    *out = '\0';
    for (const char *at = request->query; *at;) {
        size_t part = strcspn(at, "&");
        if (part > length && at[length] == '=' && strncmp(at, key, length) == 0)
            return decode(at + length + 1, part - length - 1, out, size);
        at += part;
        if (*at) at++;
    }
    return false;
}

/* Deeper nesting than anything of ours has; Jansson's own limit lies at 2048. */
static bool is_shallow(const char *text, size_t length) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > 32)
            return false;
        else if (!quoted && (c == ']' || c == '}'))
            depth--;
    }
    return true;
}

affect_status serve_parse_object(affect_context *ctx, const char *text, size_t length,
                                 json_t **out) {
    json_error_t error = {.line = 0};
    *out = NULL;
    if (length && !is_shallow(text, length))
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "the message is nested too deeply");
    json_t *root = length ? json_loadb(text, length, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (!root)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "the message is no JSON: %s",
                         length ? error.text : "it is empty");
    if (!json_is_object(root)) {
        json_decref(root);
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "the message is no JSON object");
    }
    *out = root;
    return AFFECT_OK;
}

affect_status serve_request_json(serve_request *request, json_t **out) {
    return serve_parse_object(request->ctx, request->body ? request->body : "",
                              request->body_length, out);
}

/* ---- answers ---- */

static void start(serve_request *request, const char *type) {
    request->code = 200;
    snprintf(request->type, sizeof request->type, "%s", type);
}

affect_status serve_reply_text(serve_request *request, const char *type, const char *text,
                               size_t length) {
    start(request, type);
    base_text_clear(&request->text);
    base_text_append_n(&request->text, text, length);
    return request->text.failed ? base_fail_memory(request->ctx) : AFFECT_OK;
}

affect_status serve_reply_json(serve_request *request, json_t *given_up) {
    char *text = given_up ? json_dumps(given_up, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(given_up);
    affect_status status = text ? serve_reply_text(request, "application/json", text, strlen(text))
                                : base_fail_memory(request->ctx);
    free(text); /* Jansson's own */
    return status;
}

affect_status serve_reply_constant(serve_request *request, const char *type,
                                   const unsigned char *bytes, size_t length) {
    start(request, type);
    request->constant = bytes;
    request->constant_length = length;
    return AFFECT_OK;
}

void serve_reply_header(serve_request *request, const char *name, const char *value) {
    size_t used = strlen(request->extra);
    /* A name of a file may hold anything but what ends a header. */
    if (strpbrk(value, "\r\n") || used + strlen(name) + strlen(value) + 4 > sizeof request->extra)
        return;
    snprintf(request->extra + used, sizeof request->extra - used, "%s: %s\n", name, value);
}

/* "bytes=a-b", "bytes=a-", "bytes=-n" (RFC 9110, 14.1.2); of several ranges and of what is none, the
 * whole file is the answer. False: it lies beyond the file. */
void serve_range_parse(const char *text, int64_t length, serve_range *out) {
    *out = (serve_range){200, 0, length};
    if (!base_starts_with(text, "bytes=") || strchr(text, ',')) return;
    text += 6;
    const char *dash = strchr(text, '-');
    if (!dash) return;
    int64_t a = -1, b = -1;
    size_t before = (size_t)(dash - text), behind = strlen(dash + 1);
    if ((before && (!base_parse_int64(text, before, &a) || a < 0)) ||
        (behind && (!base_parse_int64(dash + 1, behind, &b) || b < 0)) || (!before && !behind) ||
        (before && behind && b < a))
        return;
    if (!before) { /* the last b bytes */
        a = b >= length ? 0 : length - b;
        if (b == 0) a = length;
        b = length - 1;
        behind = 1;
    }
    if (a >= length) {
        *out = (serve_range){416, 0, 0};
        return;
    }
    *out = (serve_range){206, a, behind && b < length - 1 ? b + 1 : length};
}

affect_status serve_reply_file(serve_request *request, const char *type, int fd) {
    struct stat about;
    if (fstat(fd, &about) != 0) {
        close(fd);
        return base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND, "a file: %s", strerror(errno));
    }
    start(request, type);
    request->file = fd;
    request->file_length = about.st_size;
    serve_reply_header(request, "accept-ranges", "bytes");
    char text[96];
    serve_range range;
    serve_range_parse(request->range, request->file_length, &range);
    request->code = range.code;
    request->from = range.from;
    request->end = range.end;
    if (range.code == 416) {
        snprintf(text, sizeof text, "bytes */%lld", (long long)about.st_size);
        serve_reply_header(request, "content-range", text);
    } else if (request->code == 206) {
        snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)request->from,
                 (long long)request->end - 1, (long long)about.st_size);
        serve_reply_header(request, "content-range", text);
    }
    return AFFECT_OK;
}

static int code_of(affect_status status) {
    switch (status) {
    case AFFECT_OK: return 200;
    case AFFECT_ERROR_NOT_FOUND: return 404;
    case AFFECT_ERROR_USAGE:
    case AFFECT_ERROR_ARGUMENT:
    case AFFECT_ERROR_FORMAT:
    case AFFECT_ERROR_NO_STREAM: return 400;
    case AFFECT_ERROR_EXISTS: return 409;
    case AFFECT_ERROR_LIMIT: return 413;
    case AFFECT_ERROR_OUTPUT: return 507;
    case AFFECT_ERROR_CANCELLED:
    case AFFECT_ERROR_MEMORY: return 503;
    default: return 500;
    }
}

void serve_reply_failure(serve_request *request, affect_status status, const char *message) {
    if (request->file >= 0) close(request->file);
    request->file = -1;
    request->constant = NULL;
    *request->extra = '\0';
    start(request, "application/json");
    request->code = code_of(status);
    base_text_clear(&request->text);
    request->text.failed = false;
    base_text_append(&request->text, "{\"error\":");
    base_text_append_json(&request->text,
                          message && *message ? message : affect_status_text(status));
    base_text_append(&request->text, "}");
}
