/* One POST of JSON, or one GET, over libcurl, which is opened with dlopen when it is first wanted: a program that
 * names no server never loads it. */
#ifndef REASON_HTTP_H
#define REASON_HTTP_H

#include "base/base.h"

typedef struct reason_http_request {
    const char *url;
    const char *key;  /* sent as a bearer token; NULL for none; never in a message */
    const char *body; /* JSON; NULL: a GET */
    double timeout_s; /* for the whole exchange */
    size_t limit;     /* bytes of the answer; more is LIMIT */
} reason_http_request;

typedef struct reason_http_reply {
    long status;
    double retry_after_s; /* NaN where the server did not say */
    base_text body;
} reason_http_reply;

/* No redirect is followed, and only http and https are spoken. Errors: RUNTIME (no libcurl),
 * NOT_FOUND (refused, unknown host, TLS, cut off, too slow), LIMIT, MEMORY, CANCELLED, UNSUPPORTED
 * (built without it). A status of the server's is no error here. */
AFFECT_MUST_USE affect_status reason_http_ask(affect_context *ctx,
                                              const reason_http_request *request,
                                              reason_http_reply *reply);
void reason_http_clear(reason_http_reply *reply);

#endif
