/* The timeline reader: any bytes give a timeline or an error; what is read can be written by every
 * writer, and its JSON is a fixed point. */
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const affect_timeline *timeline, report_format format, size_t *length) {
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out) abort();
    affect_status status = report_print(NULL, timeline, format, NULL, NULL, out);
    fclose(out);
    if (status != AFFECT_OK) abort();
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    affect_timeline *timeline, *again;
    if (report_parse_json(NULL, "fuzz", (const char *)data, size, &timeline) != AFFECT_OK) return 0;
    size_t n, m;
    char *first = printed(timeline, REPORT_JSON, &n);
    if (report_parse_json(NULL, "again", first, n, &again) != AFFECT_OK) abort();
    char *second = printed(again, REPORT_JSON, &m);
    if (n != m || memcmp(first, second, n) != 0) abort();
    for (int f = 0; f < REPORT_FORMAT_COUNT; f++)
        if (f != REPORT_CSV && (REPORT_ALL >> f & 1U))
            free(printed(timeline, (report_format)f, &m));
    base_text summary = {0};
    report_summary(timeline, (int)(size % 120), size & 1, &summary);
    if (summary.failed) abort();
    base_text_destroy(&summary);
    free(first);
    free(second);
    affect_timeline_destroy(timeline);
    affect_timeline_destroy(again);
    return 0;
}
