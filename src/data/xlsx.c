/* A workbook is a zip of XML parts. Three passes of expat: which part is the first sheet, the
 * shared texts, the sheet itself, whose cells are written out as comma-separated text. */
#include "data/xlsx.h"

#include <expat.h>
#include <string.h>

#include "data/archive.h"
#include "data/data_private.h"

enum { COLUMNS = 16384, ROWS = 1048576 };         /* of a sheet, by the standard */
static const size_t PART_LIMIT = (size_t)1 << 28; /* bytes of a part, and of the cells */

typedef struct workbook {
    affect_context *ctx;
    const data_archive *zip;
    XML_Parser parser;
    affect_status status;
    char *relation, *sheet; /* id of the first sheet, and the part it stands for */
    struct {
        char **items;
        size_t count, capacity;
    } shared;
    base_text text, cells;
    bool in_text, in_phonetic, in_cell, row_open;
    char type;          /* of the cell: n, s(hared), t(ext), b, e */
    size_t row, column; /* of the cell, from 0 */
    size_t written;     /* rows that are complete */
    size_t next;        /* column of a cell that does not say which */
    size_t commas;      /* written in this row */
} workbook;

static void stop(workbook *w, affect_status status) {
    if (!w->status) w->status = status;
    XML_StopParser(w->parser, XML_FALSE);
}

AFFECT_PRINTF(2, 3)
static void refuse(workbook *w, const char *format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    stop(w, base_fail(w->ctx, AFFECT_ERROR_FORMAT, "%s: %s", data_archive_path(w->zip), text));
}

static const char *attribute(const XML_Char **attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0) return attributes[1];
    return NULL;
}

/* Names without their prefix: some writers put one before every element. */
static const char *local(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

/* ---- which part ---- */

static void XMLCALL workbook_start(void *user, const XML_Char *name, const XML_Char **a) {
    workbook *w = user;
    if (w->relation || strcmp(local(name), "sheet") != 0) return;
    for (; *a; a += 2)
        if (strcmp(local(a[0]), "id") == 0 && strchr(a[0], ':')) {
            w->relation = base_strdup(a[1]);
            if (!w->relation) stop(w, base_fail_memory(w->ctx));
            return;
        }
}

static void XMLCALL relation_start(void *user, const XML_Char *name, const XML_Char **a) {
    workbook *w = user;
    const char *id = attribute(a, "Id"), *target = attribute(a, "Target");
    if (w->sheet || strcmp(local(name), "Relationship") != 0 || !id || !target ||
        strcmp(id, w->relation) != 0)
        return;
    w->sheet = target[0] == '/' ? base_strdup(target + 1) : base_path_join("xl", target);
    if (!w->sheet) stop(w, base_fail_memory(w->ctx));
}

/* ---- shared texts ---- */

static void XMLCALL shared_start(void *user, const XML_Char *name, const XML_Char **a) {
    workbook *w = user;
    (void)a;
    name = local(name);
    if (strcmp(name, "si") == 0) base_text_clear(&w->text);
    if (strcmp(name, "rPh") == 0) w->in_phonetic = true; /* how it is pronounced */
    w->in_text = strcmp(name, "t") == 0 && !w->in_phonetic;
}

static void XMLCALL shared_end(void *user, const XML_Char *name) {
    workbook *w = user;
    name = local(name);
    w->in_text = false;
    if (strcmp(name, "rPh") == 0) w->in_phonetic = false;
    if (strcmp(name, "si") != 0) return;
    char *copy = base_strdup(w->text.length ? w->text.data : "");
    if (!copy || w->text.failed ||
        !base_grow((void **)&w->shared.items, &w->shared.capacity, w->shared.count + 1,
                   sizeof *w->shared.items)) {
        base_free(copy);
        stop(w, base_fail_memory(w->ctx));
        return;
    }
    w->shared.items[w->shared.count++] = copy;
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    workbook *w = user;
    if (!w->in_text || length <= 0) return;
    base_text_append_n(&w->text, text, (size_t)length);
    if (w->text.failed) stop(w, base_fail_memory(w->ctx));
}

/* ---- the sheet ---- */

static void end_row(workbook *w) {
    if (w->row_open) base_text_append_n(&w->cells, "\n", 1);
    w->written += w->row_open;
    w->row_open = false;
    w->next = w->commas = 0;
}

/* "BC17" into row 16, column 54; false when it is no reference or out of the sheet. */
static bool parse_reference(const char *text, size_t *row, size_t *column) {
    size_t c = 0, r = 0;
    for (; *text >= 'A' && *text <= 'Z' && c <= COLUMNS; text++)
        c = c * 26 + (size_t)(*text - 'A') + 1;
    for (; *text >= '0' && *text <= '9' && r <= ROWS; text++) r = r * 10 + (size_t)(*text - '0');
    *row = r - 1;
    *column = c - 1;
    return !*text && r >= 1 && r <= ROWS && c >= 1 && c <= COLUMNS;
}

static void XMLCALL sheet_start(void *user, const XML_Char *name, const XML_Char **a) {
    workbook *w = user;
    name = local(name);
    if (strcmp(name, "row") == 0) {
        const char *number = attribute(a, "r");
        int64_t r = (int64_t)w->written + 1;
        if (number &&
            (!base_parse_int64(number, strlen(number), &r) || r <= (int64_t)w->written || r > ROWS))
            refuse(w, "row '%.20s' is out of order or out of the sheet", number);
        /* Rows that are left out keep their place, so that messages name the sheet's rows. */
        for (; (int64_t)w->written + 1 < r && !w->status; w->written++)
            base_text_append_n(&w->cells, "\n", 1);
        w->row = w->written;
        w->row_open = true;
    } else if (strcmp(name, "c") == 0 && w->row_open) {
        const char *reference = attribute(a, "r"), *type = attribute(a, "t");
        size_t row = w->row, column = w->next;
        if (reference &&
            (!parse_reference(reference, &row, &column) || row != w->row || column < w->next))
            refuse(w, "cell '%.20s' is out of order or out of the sheet", reference);
        else if (column >= COLUMNS)
            refuse(w, "row %zu has over %d cells", row + 1, COLUMNS);
        w->column = column;
        w->next = column + 1;
        w->type = !type                                                        ? 'n'
                  : strcmp(type, "s") == 0                                     ? 's'
                  : strcmp(type, "e") == 0                                     ? 'e'
                  : strcmp(type, "str") == 0 || strcmp(type, "inlineStr") == 0 ? 't'
                                                                               : 'n';
        w->in_cell = true;
        base_text_clear(&w->text);
    }
    if (strcmp(name, "rPh") == 0) w->in_phonetic = true;
    w->in_text =
        w->in_cell && !w->in_phonetic && (strcmp(name, "v") == 0 || strcmp(name, "t") == 0);
}

static void put_cell(workbook *w) {
    const char *text = w->text.length && w->type != 'e' ? w->text.data : "";
    if (w->type == 's' && *text) {
        int64_t i;
        if (!base_parse_int64(text, strlen(text), &i) || i < 0 || (size_t)i >= w->shared.count) {
            refuse(w, "cell in row %zu names shared text '%.20s' of %zu", w->row + 1, text,
                   w->shared.count);
            return;
        }
        text = w->shared.items[i];
    }
    for (size_t n; w->commas < w->column; w->commas += n) {
        static const char commas[] = ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,";
        n = BASE_MIN(sizeof commas - 1, w->column - w->commas);
        base_text_append_n(&w->cells, commas, n);
    }
    base_text_append(&w->cells, "\"");
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        base_text_append_n(&w->cells, text, (size_t)(quote - text));
        base_text_append(&w->cells, "\"\"");
    }
    base_text_append(&w->cells, text);
    base_text_append(&w->cells, "\"");
    if (w->cells.failed || w->text.failed)
        stop(w, base_fail_memory(w->ctx));
    else if (w->cells.length > PART_LIMIT)
        stop(w, base_fail(w->ctx, AFFECT_ERROR_LIMIT, "%s: has over 256 MiB of cells",
                          data_archive_path(w->zip)));
}

static void XMLCALL sheet_end(void *user, const XML_Char *name) {
    workbook *w = user;
    name = local(name);
    w->in_text = false;
    if (strcmp(name, "rPh") == 0) w->in_phonetic = false;
    if (strcmp(name, "row") == 0) end_row(w);
    if (strcmp(name, "c") != 0 || !w->in_cell) return;
    w->in_cell = false;
    if (w->text.length) put_cell(w); /* cells that only carry a format are none */
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public_id, int internal) {
    workbook *w = user;
    (void)name, (void)system, (void)public_id, (void)internal;
    refuse(w, "a document type is declared: no workbook has one");
}

/* ---- parts ---- */

static affect_status parse_part(workbook *w, size_t part, XML_StartElementHandler start,
                                XML_EndElementHandler end) {
    static const XML_Memory_Handling_Suite memory = {base_alloc, base_realloc, base_free};
    const uint8_t *bytes;
    size_t length;
    void *owned = NULL;
    affect_status status =
        data_archive_read(w->ctx, w->zip, part, PART_LIMIT, &bytes, &length, &owned);
    if (status) return status;
    w->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    w->in_text = w->in_cell = w->in_phonetic = false;
    if (!w->parser) {
        w->status = base_fail_memory(w->ctx);
    } else {
        XML_SetUserData(w->parser, w);
        XML_SetElementHandler(w->parser, start, end);
        XML_SetCharacterDataHandler(w->parser, on_text);
        XML_SetStartDoctypeDeclHandler(w->parser, on_doctype);
        if (XML_Parse(w->parser, (const char *)bytes, (int)length, XML_TRUE) != XML_STATUS_OK &&
            !w->status) {
            enum XML_Error code = XML_GetErrorCode(w->parser);
            w->status = code == XML_ERROR_NO_MEMORY
                            ? base_fail_memory(w->ctx)
                            : base_fail(w->ctx, AFFECT_ERROR_FORMAT, "%s: %s: %s",
                                        data_archive_path(w->zip), data_archive_name(w->zip, part),
                                        XML_ErrorString(code));
        }
        XML_ParserFree(w->parser);
    }
    base_free(owned);
    return w->status;
}

/* Finds a part that must be there. */
static affect_status find_part(workbook *w, const char *name, size_t *part) {
    *part = data_archive_find(w->zip, name);
    return *part == SIZE_MAX ? base_fail(w->ctx, AFFECT_ERROR_FORMAT, "%s: no workbook: has no %s",
                                         data_archive_path(w->zip), name)
                             : AFFECT_OK;
}

static affect_status read_sheet(affect_context *ctx, const data_archive *zip,
                                const data_table_options *options, data_table **out) {
    workbook w = {.ctx = ctx, .zip = zip};
    size_t part;
    affect_status status = find_part(&w, "xl/workbook.xml", &part);
    if (!status) status = parse_part(&w, part, workbook_start, NULL);
    if (!status && !w.relation)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: has no sheet", data_archive_path(zip));
    if (!status) status = find_part(&w, "xl/_rels/workbook.xml.rels", &part);
    if (!status) status = parse_part(&w, part, relation_start, NULL);
    if (!status) status = find_part(&w, w.sheet ? w.sheet : "its first sheet", &part);
    size_t shared = data_archive_find(zip, "xl/sharedStrings.xml");
    if (!status && shared != SIZE_MAX) status = parse_part(&w, shared, shared_start, shared_end);
    if (!status) status = parse_part(&w, part, sheet_start, sheet_end);
    if (!status && w.cells.failed) status = base_fail_memory(ctx);
    data_table_options table = options ? *options : (data_table_options){0};
    table.delimiter = ',';
    table.ragged = true;
    table.plain = false;
    if (!status)
        status = data_table_parse(ctx, data_archive_path(zip), w.cells.length ? w.cells.data : "",
                                  w.cells.length, &table, out);
    for (size_t i = 0; i < w.shared.count; i++) base_free(w.shared.items[i]);
    base_free(w.shared.items);
    base_free(w.relation);
    base_free(w.sheet);
    base_text_destroy(&w.text);
    base_text_destroy(&w.cells);
    return status;
}

affect_status data_xlsx_open(affect_context *ctx, const char *path,
                             const data_table_options *options, data_table **out) {
    data_archive *zip;
    *out = NULL;
    affect_status status = data_archive_open(ctx, path, &zip);
    if (!status) status = read_sheet(ctx, zip, options, out);
    data_archive_destroy(zip);
    return status;
}

affect_status data_xlsx_parse(affect_context *ctx, const char *name, const void *bytes,
                              size_t length, const data_table_options *options, data_table **out) {
    data_archive *zip;
    *out = NULL;
    affect_status status = data_archive_parse(ctx, name, bytes, length, &zip);
    if (!status) status = read_sheet(ctx, zip, options, out);
    data_archive_destroy(zip);
    return status;
}
