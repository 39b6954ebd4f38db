/* HTTP for language models: see http.h. */
#include "reason/http.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "reason/download.h"

void reason_http_clear(reason_http_reply *reply) { base_text_destroy(&reply->body); }

#ifndef REASON_HAVE_CURL

affect_status reason_http_ask(affect_context *ctx, const reason_http_request *request,
                              reason_http_reply *reply) {
    (void)request;
    *reply = (reason_http_reply){.retry_after_s = NAN};
    return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "this build has no libcurl");
}

affect_status reason_download_run(affect_context *ctx, reason_download *download) {
    download->status = 0;
    download->redirect = NULL;
    return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "this build has no libcurl");
}

#else

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* What is used of libcurl, under the names of its own header. */
typedef struct curl_library {
    void *handle;
    CURLcode (*global_init)(long flags);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *curl);
    CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *curl);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
    void (*slist_free_all)(struct curl_slist *list);
} curl_library;

static bool find(void *handle, const char *name, void *function) {
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol); /* a function pointer from an object pointer: POSIX */
    return symbol != NULL;
}

static affect_status open_curl(affect_context *ctx, curl_library *c) {
    *c = (curl_library){.handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL)};
    if (!c->handle)
        return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                         "libcurl.so.4 is not installed (Debian: apt-get install libcurl4)");
    if (find(c->handle, "curl_global_init", &c->global_init) &&
        find(c->handle, "curl_global_cleanup", &c->global_cleanup) &&
        find(c->handle, "curl_easy_init", &c->easy_init) &&
        find(c->handle, "curl_easy_setopt", &c->easy_setopt) &&
        find(c->handle, "curl_easy_perform", &c->easy_perform) &&
        find(c->handle, "curl_easy_getinfo", &c->easy_getinfo) &&
        find(c->handle, "curl_easy_cleanup", &c->easy_cleanup) &&
        find(c->handle, "curl_easy_strerror", &c->easy_strerror) &&
        find(c->handle, "curl_slist_append", &c->slist_append) &&
        find(c->handle, "curl_slist_free_all", &c->slist_free_all))
        return AFFECT_OK;
    dlclose(c->handle);
    c->handle = NULL;
    return base_fail(ctx, AFFECT_ERROR_RUNTIME, "libcurl.so.4 lacks a function");
}

typedef struct transfer {
    affect_context *ctx;
    const reason_http_request *request;
    reason_http_reply *reply;
    bool too_long;
} transfer;

static size_t take_body(char *bytes, size_t size, size_t n, void *user) {
    transfer *t = user;
    if (t->reply->body.length + size * n > t->request->limit) {
        t->too_long = true;
        return 0;
    }
    base_text_append_n(&t->reply->body, bytes, size * n);
    return t->reply->body.failed ? 0 : size * n;
}

static size_t take_header(char *line, size_t size, size_t n, void *user) {
    transfer *t = user;
    static const char name[] = "retry-after:";
    size_t length = size * n;
    if (length > sizeof name && strncasecmp(line, name, sizeof name - 1) == 0) {
        const char *at = line + sizeof name - 1;
        size_t left = length - (sizeof name - 1);
        while (left && (*at == ' ' || *at == '\t')) at++, left--;
        while (left && (at[left - 1] == '\r' || at[left - 1] == '\n' || at[left - 1] == ' '))
            left--;
        double seconds;
        if (base_parse_double(at, left, &seconds) && seconds >= 0)
            t->reply->retry_after_s = seconds;
    }
    return length;
}

static int look_for_cancel(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    return affect_context_cancelled(((transfer *)user)->ctx);
}

static affect_status perform(const curl_library *c, CURL *curl, transfer *t) {
    CURLcode code = c->easy_perform(curl);
    if (code == CURLE_OK) {
        c->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->reply->status);
        return AFFECT_OK;
    }
    if (affect_context_cancelled(t->ctx))
        return base_fail(t->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (t->reply->body.failed) return base_fail_memory(t->ctx);
    if (t->too_long)
        return base_fail(t->ctx, AFFECT_ERROR_LIMIT, "the answer has more than %zu MiB",
                         t->request->limit >> 20);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return base_fail(t->ctx, AFFECT_ERROR_NOT_FOUND, "no complete answer within %.3g s",
                         t->request->timeout_s);
    return base_fail(t->ctx, AFFECT_ERROR_NOT_FOUND, "%s", c->easy_strerror(code));
}

affect_status reason_http_ask(affect_context *ctx, const reason_http_request *request,
                              reason_http_reply *reply) {
    *reply = (reason_http_reply){.retry_after_s = NAN};
    curl_library c;
    affect_status status = open_curl(ctx, &c);
    if (status != AFFECT_OK) return status;
    base_text bearer = {0};
    struct curl_slist *headers = NULL;
    transfer t = {ctx, request, reply, false};
    c.global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = c.easy_init();
    headers = c.slist_append(headers, "Content-Type: application/json");
    if (request->key) {
        base_text_printf(&bearer, "Authorization: Bearer %s", request->key);
        if (!bearer.failed) headers = c.slist_append(headers, bearer.data);
    }
    if (!curl || !headers || bearer.failed) {
        status = base_fail_memory(ctx);
    } else {
        long milliseconds = (long)fmax(1, request->timeout_s * 1000);
        c.easy_setopt(curl, CURLOPT_URL, request->url);
        c.easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        if (request->body) {
            c.easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
            c.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
        }
        c.easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds);
        c.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
        c.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        c.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
        c.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
        c.easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
        c.easy_setopt(curl, CURLOPT_USERAGENT, "affect");
        c.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
        c.easy_setopt(curl, CURLOPT_WRITEDATA, &t);
        c.easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
        c.easy_setopt(curl, CURLOPT_HEADERDATA, &t);
        c.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        c.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
        c.easy_setopt(curl, CURLOPT_XFERINFODATA, &t);
        status = perform(&c, curl, &t);
    }
    if (curl) c.easy_cleanup(curl);
    c.slist_free_all(headers);
    c.global_cleanup(); /* the library stays: TLS libraries do not like to be unloaded */
    if (bearer.data) explicit_bzero(bearer.data, bearer.capacity);
    base_text_destroy(&bearer);
    return status;
}

/* ---- files ---- */

typedef struct file_transfer {
    affect_context *ctx;
    const curl_library *c;
    CURL *curl;
    reason_download *download;
    bool begun;
    int error; /* errno of a write */
} file_transfer;

static bool write_whole(int fd, const char *bytes, size_t n, int64_t at) {
    while (n > 0) {
        ssize_t wrote = pwrite(fd, bytes, n, at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        bytes += wrote;
        n -= (size_t)wrote;
        at += wrote;
    }
    return true;
}

static size_t take_file(char *bytes, size_t size, size_t n, void *user) {
    file_transfer *t = user;
    reason_download *d = t->download;
    long status = 0;
    t->c->easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) return size * n; /* a page about an error */
    if (!t->begun && status == 200) {                    /* the whole file, whatever was asked */
        d->bytes = 0;
        if (ftruncate(d->fd, 0) != 0) t->error = errno;
    }
    t->begun = true;
    errno = ENOSPC;
    if (!t->error && !write_whole(d->fd, bytes, size * n, d->bytes)) t->error = errno;
    if (t->error) return 0;
    d->bytes += (int64_t)(size * n);
    return size * n;
}

static int tell_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t a, curl_off_t b) {
    file_transfer *t = user;
    (void)a, (void)b;
    int64_t before = t->download->bytes - now;
    if (t->begun && t->download->progress)
        t->download->progress(t->download->user, t->download->bytes, total ? before + total : 0);
    return affect_context_cancelled(t->ctx);
}

static affect_status run_file(file_transfer *t) {
    const curl_library *c = t->c;
    reason_download *d = t->download;
    char range[32];
    c->easy_setopt(t->curl, CURLOPT_URL, d->url);
    c->easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    c->easy_setopt(t->curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
    c->easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    c->easy_setopt(t->curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    c->easy_setopt(t->curl, CURLOPT_USERAGENT, "affect");
    c->easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, 30L);
    c->easy_setopt(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    c->easy_setopt(t->curl, CURLOPT_LOW_SPEED_TIME, 60L);
    c->easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, take_file);
    c->easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    c->easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
    c->easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
    c->easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
    snprintf(range, sizeof range, "%lld-", (long long)d->bytes);
    if (d->bytes > 0) c->easy_setopt(t->curl, CURLOPT_RANGE, range);
    CURLcode code = c->easy_perform(t->curl);
    if (affect_context_cancelled(t->ctx))
        return base_fail(t->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (t->error)
        return base_fail(t->ctx, AFFECT_ERROR_OUTPUT, "cannot be written: %s", strerror(t->error));
    if (code == CURLE_OUT_OF_MEMORY) return base_fail_memory(t->ctx);
    if (code != CURLE_OK)
        return base_fail(t->ctx, AFFECT_ERROR_NOT_FOUND, "%s", c->easy_strerror(code));
    char *redirect = NULL;
    c->easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &d->status);
    c->easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect && !(d->redirect = base_strdup(redirect))) return base_fail_memory(t->ctx);
    return AFFECT_OK;
}

affect_status reason_download_run(affect_context *ctx, reason_download *download) {
    download->status = 0;
    download->redirect = NULL;
    curl_library c;
    affect_status status = open_curl(ctx, &c);
    if (status != AFFECT_OK) return status;
    c.global_init(CURL_GLOBAL_DEFAULT);
    file_transfer t = {.ctx = ctx, .c = &c, .curl = c.easy_init(), .download = download};
    status = t.curl ? run_file(&t) : base_fail_memory(ctx);
    if (t.curl) c.easy_cleanup(t.curl);
    c.global_cleanup();
    return status;
}

#endif
