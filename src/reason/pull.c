/* Model files of others that a user asks for by name or address: fetched over HTTPS, told by their sum
 * from what they should be, and under their name only when they are whole. */
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reason/download.h"
#include "reason/reason.h"

/* whisper.cpp's models, with the SHA-1 sums that its models/README.md prints (1.7); those that have no
 * sum there want one by the user. The addresses are those of its download-ggml-model.sh. */
static const struct {
    const char *name, *sha1;
} known[] = {
    {"tiny", "bd577a113a864445d4c299885e0cb97d4ba92b5f"},
    {"tiny.en", "c78c86eb1a8faa21b369bcd33207cc90d64ae9df"},
    {"base", "465707469ff3a37a2b9b8d8f89f2f99de7299dac"},
    {"base.en", "137c40403d78fd54d454da0f9bd998f78703390c"},
    {"small", "55356645c2b361a969dfd0ef2c5a50d530afd8d5"},
    {"small.en", "db8a495a91d927739e50b3fc1cc4c6b8f6c2d022"},
    {"small.en-tdrz", "b6c6e7e89af1a35c08e6de56b66ca6a02a2fdfa1"},
    {"medium", "fd9727b6e1217c2f614f9b698455c4ffd82463b4"},
    {"medium.en", "8c30f0e44ce9560643ebd10bbe50cd20eafd3723"},
    {"large-v1", "b1caaf735c4cc1429223d5a74f0f4d0b9b59a299"},
    {"large-v2", "0f4c8e34f21cf1a914c59d8b3ce882345ad349d6"},
    {"large-v2-q5_0", "00e39f2196344e901b3a2bd5814807a769bd1630"},
    {"large-v3", "ad82bf6a9043ceed055076d0fd39f5f186ff8062"},
    {"large-v3-q5_0", "e6e2ed78495d403bef4b7cff42ef4aaadcfea8de"},
    {"large-v3-turbo", "4af2b29d7ec73d781377bfd1758ca957a807e941"},
    {"large-v3-turbo-q5_0", "e050f7970618a659205450ad97eb95a18d69c9ee"},
};
#define WHISPER "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-%s.bin"
#define DIARIZE "https://huggingface.co/akashmjn/tinydiarize-whisper.cpp/resolve/main/ggml-%s.bin"

enum { MOST_REDIRECTS = 8, HEX_SIZE = 2 * SHA256_DIGEST_SIZE + 1 };

typedef struct sums {
    char sha1[HEX_SIZE], sha256[HEX_SIZE];
} sums;

typedef struct pull {
    affect_context *ctx;
    const reason_pull *asked;
    char *url, *path, *partial;
    const char *sha1; /* of a known name, else NULL */
} pull;

/* The host in an address, and its length; NULL where there is none. */
static const char *host_of(const char *url, size_t *length) {
    const char *at = strstr(url, "://");
    if (!at) return NULL;
    at += 3;
    *length = strcspn(at, "/?#");
    return *length ? at : NULL;
}

/* https, or http on this machine. */
static affect_status check_address(affect_context *ctx, const char *url) {
    static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
    size_t n = 0;
    const char *host = host_of(url, &n);
    if (host && !memchr(host, '@', n)) {
        if (base_starts_with(url, "https://")) return AFFECT_OK;
        for (size_t i = 0; i < BASE_COUNT(local) && base_starts_with(url, "http://"); i++)
            if (base_starts_with(host, local[i]) && strchr(":/?#", host[strlen(local[i])]))
                return AFFECT_OK;
    }
    return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                     "%s: an address that begins with https:// expected", url);
}

static affect_status find_known(pull *p, const char *name) {
    base_text url = {0}, path = {0}, list = {0};
    size_t skip = base_starts_with(name, "ggml-") ? 5 : 0, n = strlen(name + skip);
    if (base_ends_with(name + skip, ".bin")) n -= 4;
    for (size_t i = 0; i < BASE_COUNT(known) && !p->sha1; i++) {
        base_text_printf(&list, "%s%s", i ? ", " : "", known[i].name);
        if (strlen(known[i].name) != n || memcmp(known[i].name, name + skip, n) != 0) continue;
        p->sha1 = known[i].sha1;
        base_text_printf(&url, base_ends_with(known[i].name, "-tdrz") ? DIARIZE : WHISPER,
                         known[i].name);
        base_text_printf(&path, "ggml-%s.bin", known[i].name);
    }
    affect_status status = AFFECT_OK;
    if (!p->sha1)
        status = base_fail(p->ctx, AFFECT_ERROR_MODEL,
                           "%s: no such model is known; an address (https://...) with --sha256, or "
                           "one of %s",
                           name, list.data ? list.data : "");
    p->url = url.data;
    p->path = path.data;
    if (!status && (url.failed || path.failed)) status = base_fail_memory(p->ctx);
    base_text_destroy(&list);
    return status;
}

static affect_status find_address(pull *p, const char *url) {
    affect_status status = check_address(p->ctx, url);
    if (status != AFFECT_OK) return status;
    if (!p->asked->sha256)
        return base_fail(p->ctx, AFFECT_ERROR_USAGE,
                         "%s: --sha256 SUM says what it must be; whoever publishes a model prints "
                         "it",
                         url);
    const char *end = url + strcspn(url, "?#"), *begin = end;
    size_t host_length = 0;
    const char *host = host_of(url, &host_length);
    while (begin > host + host_length && begin[-1] != '/') begin--;
    bool named = end > begin && begin > host + host_length && *begin != '.';
    if (!named && !p->asked->output)
        return base_fail(p->ctx, AFFECT_ERROR_USAGE, "%s: names no file; --output FILE does", url);
    p->url = base_strdup(url);
    if (named) p->path = base_strndup(begin, (size_t)(end - begin));
    return p->url && (p->path || !named) ? AFFECT_OK : base_fail_memory(p->ctx);
}

static affect_status find_names(pull *p) {
    const char *what = p->asked->what, *sum = p->asked->sha256;
    if (sum && (strlen(sum) != 64 || strspn(sum, "0123456789abcdefABCDEF") != 64))
        return base_fail(p->ctx, AFFECT_ERROR_USAGE, "--sha256: 64 hexadecimal digits expected");
    affect_status status = strstr(what, "://") ? find_address(p, what) : find_known(p, what);
    if (!status && p->asked->output) {
        base_free(p->path);
        p->path = base_strdup(p->asked->output);
        if (!p->path) status = base_fail_memory(p->ctx);
    }
    if (status != AFFECT_OK) return status;
    base_text partial = {0};
    base_text_printf(&partial, "%s.partial", p->path);
    p->partial = partial.data;
    return partial.failed ? base_fail_memory(p->ctx) : AFFECT_OK;
}

static void put_hex(char *out, const uint8_t *digest, size_t n) {
    for (size_t i = 0; i < n; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static affect_status take_sums(affect_context *ctx, const char *path, sums *out) {
    struct sha1_ctx one;
    struct sha256_ctx two;
    uint8_t block[1 << 16], digest[SHA256_DIGEST_SIZE];
    sha1_init(&one);
    sha256_init(&two);
    FILE *file = fopen(path, "rbe");
    if (!file) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;) {
        sha1_update(&one, n, block);
        sha256_update(&two, n, block);
        if (affect_context_cancelled(ctx)) break;
    }
    bool bad = ferror(file) != 0;
    fclose(file);
    if (affect_context_cancelled(ctx)) return base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (bad) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    sha1_digest(&one, SHA1_DIGEST_SIZE, digest);
    put_hex(out->sha1, digest, SHA1_DIGEST_SIZE);
    sha256_digest(&two, SHA256_DIGEST_SIZE, digest);
    put_hex(out->sha256, digest, SHA256_DIGEST_SIZE);
    return AFFECT_OK;
}

static bool is_right(const pull *p, const sums *got) {
    bool right = !p->sha1 || strcmp(p->sha1, got->sha1) == 0;
    return right && (!p->asked->sha256 || strcasecmp(p->asked->sha256, got->sha256) == 0);
}

static affect_status say_host_changes(affect_context *ctx, const char *from, const char *to) {
    size_t n = 0, m = 0;
    const char *a = host_of(from, &n), *b = host_of(to, &m);
    affect_status status = check_address(ctx, to);
    if (status == AFFECT_OK && base_starts_with(from, "https://") &&
        !base_starts_with(to, "https://"))
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%.*s sends on to an address without TLS",
                           (int)n, a);
    if (status == AFFECT_OK && (n != m || memcmp(a, b, n) != 0))
        base_log(ctx, AFFECT_LOG_WARNING, "%.*s sends on to %.*s", (int)n, a, (int)m, b);
    return status;
}

/* The file comes into p->partial; how many bytes were there already is gone on with. */
static affect_status transfer(pull *p, int fd, int64_t bytes) {
    affect_context *ctx = p->ctx;
    char *url = base_strdup(p->url);
    affect_status status = url ? AFFECT_OK : base_fail_memory(ctx);
    for (int turn = 0; status == AFFECT_OK; turn++) {
        reason_download d = {.url = url,
                             .fd = fd,
                             .bytes = bytes,
                             .progress = p->asked->progress,
                             .user = p->asked->user};
        status = reason_download_run(ctx, &d);
        if (status == AFFECT_ERROR_NOT_FOUND || status == AFFECT_ERROR_OUTPUT) {
            char why[256];
            snprintf(why, sizeof why, "%s", affect_context_message(ctx));
            status = base_fail(ctx, status, "%s: %s%s", url, why,
                               d.bytes ? "; the same command goes on where it stopped" : "");
        }
        bytes = d.bytes;
        /* Nothing follows what is there: it is all, or of another file. */
        bool whole = d.status == 200 || d.status == 206 || (d.status == 416 && bytes > 0);
        if (status != AFFECT_OK || whole) break;
        if (!d.redirect || turn == MOST_REDIRECTS) {
            status =
                base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: the server answers %ld", url, d.status);
            base_free(d.redirect);
            break;
        }
        status = say_host_changes(ctx, url, d.redirect);
        base_free(url);
        url = d.redirect;
    }
    base_free(url);
    return status;
}

static affect_status fetch(pull *p, sums *got) {
    affect_context *ctx = p->ctx;
    struct stat about;
    int fd = open(p->partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        affect_status status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot be written: %s",
                                         p->partial, strerror(fd < 0 ? errno : EINVAL));
        if (fd >= 0) close(fd);
        return status;
    }
    affect_status status = transfer(p, fd, about.st_size);
    if (status == AFFECT_OK && fsync(fd) != 0 && errno != EINVAL)
        status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", p->partial, strerror(errno));
    bool nothing = fstat(fd, &about) == 0 && about.st_size == 0;
    close(fd);
    if (status == AFFECT_OK) status = take_sums(ctx, p->partial, got);
    if (status == AFFECT_OK && !is_right(p, got)) {
        unlink(p->partial);
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "%s: not what it should be: its %s is %s, expected %s; it was thrown away",
                         p->url, p->asked->sha256 ? "SHA-256" : "SHA-1",
                         p->asked->sha256 ? got->sha256 : got->sha1,
                         p->asked->sha256 ? p->asked->sha256 : p->sha1);
    }
    if (status == AFFECT_OK && rename(p->partial, p->path) != 0)
        status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", p->path, strerror(errno));
    if (status != AFFECT_OK && nothing) unlink(p->partial);
    return status;
}

affect_status reason_pull_file(affect_context *ctx, const reason_pull *asked, base_text *path,
                               char sha256[65]) {
    pull p = {.ctx = ctx, .asked = asked};
    sums got = {.sha1 = ""};
    affect_status status = find_names(&p);
    if (status == AFFECT_OK && base_file_exists(p.path)) {
        status = take_sums(ctx, p.path, &got);
        if (status == AFFECT_OK && !is_right(&p, &got))
            status =
                base_fail(ctx, AFFECT_ERROR_EXISTS,
                          "%s exists and is another file; --output FILE, or remove it", p.path);
    } else if (status == AFFECT_OK) {
        status = fetch(&p, &got);
    }
    if (status == AFFECT_OK) {
        snprintf(sha256, HEX_SIZE, "%s", got.sha256);
        base_text_append(path, p.path);
        if (path->failed) status = base_fail_memory(ctx);
    }
    base_free(p.url);
    base_free(p.path);
    base_free(p.partial);
    return status;
}
