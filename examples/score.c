/* The field's metrics from C: concordance of two traces, accuracy and UAR of labels.
 *     cc score.c $(pkg-config --cflags --libs affect) -o score && ./score */
#include <stdio.h>

#include "affect/score.h"

int main(void) {
    const double gold[] = {0.1, 0.4, -0.2}, predicted[] = {0.2, 0.3, -0.1};
    const int32_t truth[] = {0, 0, 0, 1, 1}, said[] = {0, 0, 0, 1, 0};
    affect_context *context;
    affect_score_confusion counts;
    affect_score_classes scores;
    if (affect_context_create(&context) != AFFECT_OK) return 1;
    affect_status status = affect_score_confusion_init(context, 2, &counts);
    if (status == AFFECT_OK) status = affect_score_confusion_add(context, &counts, truth, said, 5);
    if (status == AFFECT_OK) {
        affect_score_classes_from(&counts, AFFECT_SCORE_CLASSES_UNION, &scores, NULL);
        printf("CCC %.6f, accuracy %.6f, UAR %.6f\n",
               affect_score_ccc(gold, predicted, 3, AFFECT_SCORE_POPULATION), scores.accuracy,
               scores.uar);
    } else {
        fprintf(stderr, "%s\n", affect_context_message(context));
    }
    affect_score_confusion_clear(&counts);
    affect_context_destroy(context);
    return (int)status;
}
