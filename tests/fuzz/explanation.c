/* The reader of explanations and the checker: any bytes give verdicts or an error, and what is
 * written is read again. */
#include <stdlib.h>
#include <string.h>

#include "affect/reason.h"
#include "base/base.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
static const char TIMELINE[] =
    "{\"schema\":\"affect-timeline/2\",\"duration\":20.000,\"properties\":{},"
    "\"persons\":[{\"id\":1,\"name\":\"Ann\",\"merged_into\":null,\"score\":null}],\"warnings\":[],"
    "\"tracks\":[{\"id\":\"trajectory/"
    "1\",\"modality\":\"fused\",\"person\":1,\"model\":\"\",\"channels\":[\"valence\",\"arousal\"],"
    "\"rows\":[[0.000,1,0.5,0.1],[8.000,1,0.4,0.1],[12.000,1,-0.4,0.3],[19.000,1,-0.5,0.2]]}],"
    "\"tiers\":[{\"id\":\"episodes\",\"modality\":\"fused\",\"intervals\":["
    "{\"id\":\"e1\",\"t0\":0.000,\"t1\":10.000,\"label\":\"happiness\",\"score\":0.7,\"person\":1,"
    "\"parent\":null,\"attributes\":null},{\"id\":\"e2\",\"t0\":10.000,\"t1\":20.000,\"label\":"
    "\"sadness\",\"score\":0.7,\"person\":1,\"parent\":null,\"attributes\":null}]}],\"events\":[{"
    "\"id\":\"f1\",\"onset\":1.000,\"apex\":1.500,\"offset\":2.000,\"kind\":\"smile\",\"modality\":"
    "\"face\",\"person\":1,\"model\":\"\",\"strength\":1,\"confidence\":1},{\"id\":\"v1\","
    "\"onset\":"
    "2.000,\"apex\":2.500,\"offset\":3.000,\"kind\":\"pitch_fall\",\"modality\":\"voice\","
    "\"person\":"
    "null,\"model\":\"\",\"strength\":1,\"confidence\":1}],\"links\":[{\"from\":\"f1\",\"to\":"
    "\"v1\","
    "\"kind\":\"matches\",\"lag\":1.000,\"lag_sd\":0.100,\"score\":0.5,\"person\":1}]}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static affect_reasoner *reasoner;
    static affect_timeline *timeline;
    if (!timeline && report_parse_json(NULL, "t", TIMELINE, sizeof TIMELINE - 1, &timeline))
        abort();
    if (!reasoner && affect_reasoner_create(NULL, "models/words.emotions", &reasoner)) return 0;
    affect_explanation *e, *again;
    const char *text;
    if (affect_explanation_parse(NULL, "fuzz", (const char *)bytes, length, &e)) return 0;
    if (affect_explanation_check(reasoner, timeline, e)) abort();
    if (affect_explanation_verdicts(NULL, e, &text) || affect_explanation_text(NULL, e, &text))
        abort();
    if (affect_explanation_json(NULL, e, &text)) abort();
    if (affect_explanation_parse(NULL, "again", text, strlen(text), &again)) abort();
    if (affect_explanation_count(again) != affect_explanation_count(e)) abort();
    affect_explanation_destroy(again);
    affect_explanation_destroy(e);
    return 0;
}
