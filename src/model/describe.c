/* What a card says, for people. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"

double model_card_bytes(const model_card *card) {
    double bytes = 0;
    for (size_t i = 0; i < card->file_count; i++) {
        char *path = model_card_path(card, card->files[i].name);
        FILE *file = path ? fopen(path, "rb") : NULL;
        if (file && fseek(file, 0, SEEK_END) == 0) bytes += (double)ftell(file);
        if (file) fclose(file);
        base_free(path);
    }
    return bytes;
}

void model_card_print(FILE *to, const model_card *card) {
    base_put_line(to, "%s %s: %s", card->name, card->version, card->task);
    base_put_line(to, "  licence        %s (commercial use: %s)", card->licence,
                  card->commercial ? "yes" : "no");
    base_put_line(to, "  source         %s", card->source);
    base_put_line(to, "  training data  %s", card->training_data);
    base_put_line(to, "  folder         %s", card->folder);
    for (size_t i = 0; i < card->file_count; i++)
        base_put_line(to, "  file           %s", card->files[i].name);
    base_text labels = {0};
    for (size_t i = 0; i < card->label_count; i++)
        base_text_printf(&labels, "%s%s", i ? ", " : "", card->labels[i]);
    if (labels.length) base_put_line(to, "  labels         %s", labels.data);
    base_text_destroy(&labels);
    json_t *whole = json_loads(card->json, 0, NULL);
    const char *limits = json_string_value(json_object_get(whole, "limits"));
    if (limits) base_put_line(to, "  limits         %s", limits);
    json_t *measured = json_object_get(whole, "measured");
    char *text = measured ? json_dumps(measured, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (text) base_put_line(to, "  measured       %s", text);
    free(text);
    json_decref(whole);
}
