/* One file over HTTPS, by libcurl (http.c opens it). */
#ifndef REASON_DOWNLOAD_H
#define REASON_DOWNLOAD_H

#include "base/base.h"

typedef struct reason_download {
    const char *url;
    int fd;        /* gets the file */
    int64_t bytes; /* in it: before, of an earlier attempt, which is gone on with; and after */
    /* total: 0 if unknown */
    void (*progress)(void *user, int64_t bytes, int64_t total);
    void *user;
    long status;    /* of the answer; only 200 and 206 bring bytes */
    char *redirect; /* where the file is instead (base_free), or NULL */
} reason_download;

/* No redirect is followed. Errors: RUNTIME (no libcurl), NOT_FOUND (refused, unknown host, TLS, cut
 * off, a minute without a byte), OUTPUT (the disk is full), MEMORY, CANCELLED, UNSUPPORTED (built
 * without libcurl). What came before an error is in the file and counted. */
AFFECT_MUST_USE affect_status reason_download_run(affect_context *ctx, reason_download *download);

#endif
