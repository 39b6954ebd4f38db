/* Questions: any text gives an answer or a refusal, and what is answered is sure to a degree. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "reason/reason.h"
#include "report/report.h"
#include "tests/reason/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static affect_reasoner *reasoner;
    static affect_timeline *timeline;
    if (!timeline && report_parse_json(NULL, "t", TIMELINE, sizeof TIMELINE - 1, &timeline))
        abort();
    if (!reasoner && affect_reasoner_create(NULL, "models/words.emotions", &reasoner)) return 0;
    char *text = base_strndup((const char *)bytes, length);
    const affect_answer *answer;
    if (text && affect_ask(reasoner, timeline, text, &answer) == AFFECT_OK) {
        base_text out = {0};
        if (!*answer->text || (!answer->refused && !*answer->value)) abort();
        if (!answer->refused && !(answer->confidence >= 0 && answer->confidence <= 1)) abort();
        reason_put_answer(text, answer, true, &out);
        reason_put_answer(text, answer, false, &out);
        if (out.failed) abort();
        base_text_destroy(&out);
        affect_answer_destroy(answer);
    }
    base_free(text);
    return 0;
}
