/* What a network says of one input, as a line of text or JSON. */
#include <math.h>
#include <string.h>

#include "nn/model.h"
#include "train/train.h"

affect_status train_print_answer(affect_context *ctx, train_model *m, const char *name,
                                 const float *box, size_t face, size_t faces, const float *row,
                                 bool json) {
    const train_spec *spec = train_model_spec(m);
    double threshold = train_model_threshold(m) > 0 ? train_model_threshold(m) : .5;
    double in_distribution = (double)nn_model_in_distribution(train_model_network(m), 0),
           ood_score = (double)nn_model_ood_score(train_model_network(m), 0);
    if (spec->kind == TRAIN_TEXT)
        in_distribution *= (double)words_units_coverage(spec->words, name);
    size_t best = 0;
    for (size_t i = 1; i < spec->classes; i++)
        if (row[i] > row[best]) best = i;
    base_text line = {0};
    if (json) {
        base_text_append(&line, "{\"input\": ");
        base_text_append_json(&line, name);
        if (box)
            base_text_printf(&line, ", \"face\": %zu, \"box\": [%.4f, %.4f, %.4f, %.4f]", face,
                             (double)box[0], (double)box[1], (double)box[2], (double)box[3]);
        base_text_append(&line, ", \"label\": ");
        base_text_append_json(&line, spec->labels[best]);
        base_text_append(&line, ", \"classes\": {");
        for (size_t i = 0; i < spec->classes + spec->values; i++) {
            if (i == spec->classes) base_text_append(&line, "}");
            if (i) base_text_append(&line, ", ");
            base_text_append_json(&line, spec->labels[i]);
            base_text_printf(&line, ": %.6f", (double)row[i]);
        }
        if (!spec->values) base_text_append(&line, "}");
        base_text_printf(&line, ", \"in_distribution\": %.6f", in_distribution);
        if (isfinite(ood_score)) base_text_printf(&line, ", \"ood_score\": %.6f", ood_score);
        base_text_append(&line, "}\n");
    } else {
        base_text_append_clean(&line, name);
        if (faces > 1) base_text_printf(&line, ", face %zu of %zu", face, faces);
        base_text_append(&line, "\t");
        bool any = false;
        for (size_t i = 0; i < spec->classes; i++) {
            bool shown = spec->multi_label ? row[i] >= threshold : i == best;
            if (!shown) continue;
            base_text_append(&line, any ? ", " : "");
            base_text_append_clean(&line, spec->labels[i]);
            base_text_printf(&line, " %.2f", (double)row[i]);
            any = true;
        }
        if (!any) {
            base_text_append_clean(&line, spec->labels[best]);
            base_text_printf(&line, " %.2f", (double)row[best]);
        }
        for (size_t v = spec->classes; v < spec->classes + spec->values; v++) {
            base_text_append(&line, "\t");
            base_text_append_clean(&line, spec->labels[v]);
            base_text_printf(&line, " %+.2f", (double)row[v]);
        }
        if (in_distribution < .5)
            base_text_printf(&line, "\tunlike its training data (in-distribution score %.2f)",
                             in_distribution);
        base_text_append(&line, "\n");
    }
    affect_status status = line.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (status == AFFECT_OK) fwrite(line.data, 1, line.length, stdout);
    base_text_destroy(&line);
    return status;
}
