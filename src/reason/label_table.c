/* The labels of a table of descriptions. */
#include "data/table.h"
#include "reason/reason_private.h"

static void put_cell(base_text *out, const char *text) {
    base_text_append(out, data_table_formula(text) ? "\"'" : "\"");
    for (; *text; text++) base_text_printf(out, *text == '"' ? "\"\"" : "%c", *text);
    base_text_append(out, "\"");
}

affect_status reason_label_table(affect_context *ctx, const char *path, base_text *out) {
    data_table *table = NULL;
    affect_reasoner *reasoner = NULL;
    affect_status status = data_table_open(ctx, path, NULL, &table);
    if (status == AFFECT_OK) status = affect_reasoner_create(ctx, NULL, &reasoner);
    int name = table ? data_table_column(table, "name") : -1;
    int text = table ? data_table_column(table, "text") : -1;
    if (status == AFFECT_OK && text < 0) text = data_table_column(table, "description");
    if (status == AFFECT_OK && (name < 0 || text < 0))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: has no column '%s'", path,
                           name < 0 ? "name" : "text");
    base_text_append(out, "name,openset\n");
    for (size_t r = 0; status == AFFECT_OK && r < table->rows; r++) {
        affect_labels *labels;
        status = affect_context_cancelled(ctx)
                     ? base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted")
                     : affect_labels_from_text(reasoner, data_table_cell(table, r, (size_t)text),
                                               &labels);
        if (status != AFFECT_OK) break;
        put_cell(out, data_table_cell(table, r, (size_t)name));
        base_text_append(out, ",\"[");
        for (size_t i = 0; i < labels->count; i++)
            base_text_printf(out, "%s'%s'", i ? ", " : "", labels->items[i].word);
        base_text_append(out, "]\"\n");
        affect_labels_destroy(labels);
    }
    if (status == AFFECT_OK && out->failed) status = base_fail_memory(ctx);
    affect_reasoner_destroy(reasoner);
    data_table_destroy(table);
    return status;
}
