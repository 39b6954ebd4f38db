/* What the server parses itself: messages of WebSockets (live, JSON), queries, ranges, paths of routes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/live.h"
#include "serve/serve_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void parse_live(const uint8_t *bytes, size_t length) {
    serve_live_message m;
    if (!serve_live_parse(bytes, length, &m)) return;
    size_t size = m.picture ? (size_t)m.width * (size_t)m.height * 4 : m.count * sizeof(float);
    const uint8_t *data = m.data;
    if (data < bytes || data + size != bytes + length || !(m.time_s >= 0)) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static serve_request request;
    char out[64];
    json_t *root;
    parse_live(bytes, length);
    if (serve_parse_object(NULL, (const char *)bytes, length, &root) == AFFECT_OK)
        json_decref(root);
    size_t n = BASE_MIN(length, sizeof request.query - 1);
    memcpy(request.query, bytes, n);
    request.query[n] = '\0';
    if (serve_request_query(&request, "q", out, sizeof out) &&
        (strlen(out) >= sizeof out || !base_utf8_valid(out, strlen(out))))
        __builtin_trap();
    request.path[0] = '/';
    memcpy(request.path + 1, request.query, BASE_MIN(n + 1, sizeof request.path - 1));
    request.path[sizeof request.path - 1] = '\0';
    for (size_t i = 0; i < SERVE_PARTS; i++) request.parts[i] = NULL;
    static const char *const patterns[] = {"/", "/a/?", "/a/?/b", "/a/?/b/?"};
    for (size_t i = 0; i < BASE_COUNT(patterns); i++)
        if (serve_request_matches(&request, patterns[i]) && i && !*request.parts[0])
            __builtin_trap();
    serve_range range;
    serve_range_parse(request.query, 1000, &range);
    if (range.code != 416 && (range.from < 0 || range.end > 1000 || range.from >= range.end))
        __builtin_trap();
    return 0;
}
