/* Prints what a reader of data/ found, as JSON, for comparison with Python's own readers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/pickle.h"

static void print_text(const char *bytes, size_t n) {
    putchar('"');
    for (size_t i = 0; i < n; i++) printf("%02x", (unsigned char)bytes[i]);
    putchar('"');
}

static void print_number(double x) {
    if (isnan(x))
        printf("\"nan\"");
    else if (isinf(x))
        printf(x > 0 ? "\"inf\"" : "\"-inf\"");
    else
        printf("%.17g", x);
}

static void print(const data_value *v) {
    switch (v->kind) {
    case DATA_NONE: printf("null"); break;
    case DATA_BOOL: printf(v->as.truth ? "true" : "false"); break;
    case DATA_INT: printf("%lld", (long long)v->as.integer); break;
    case DATA_FLOAT: print_number(v->as.number); break;
    case DATA_TEXT:
    case DATA_BYTES: print_text(v->as.text.bytes, v->as.text.length); break;
    case DATA_ARRAY: {
        const data_array *a = &v->as.array;
        printf("{\"dtype\":\"%s\",\"shape\":[", data_type_name(a->type));
        for (size_t i = 0; i < a->rank; i++) printf(i ? ",%zu" : "%zu", a->shape[i]);
        printf("],\"items\":[");
        for (size_t i = 0; i < a->count; i++) {
            if (i) putchar(',');
            if (a->type == DATA_OBJECT)
                print(a->items[i]);
            else if (a->type == DATA_CHARS || a->type == DATA_UNICODE) {
                char *text = data_array_text(a, i);
                print_text(text ? text : "", text ? strlen(text) : 0);
                base_free(text);
            } else
                print_number(data_array_number(a, i));
        }
        printf("]}");
        break;
    }
    default:
        printf("[\"%s\"", data_kind_name(v->kind));
        for (size_t i = 0; i < v->as.list.count; i++) {
            putchar(',');
            print(v->as.list.items[i]);
        }
        putchar(']');
    }
}

int main(int argc, char **argv) {
    affect_context *ctx;
    data_document *document;
    if (argc < 2 || affect_context_create(&ctx) != AFFECT_OK) return 2;
    affect_status status = data_pickle_read(ctx, argv[1], &document);
    if (status != AFFECT_OK) {
        fprintf(stderr, "%s\n", affect_context_message(ctx));
    } else {
        /* Nesting as deep as a pickle allows would need as deep a stack to print. */
        if (argc < 3 || strcmp(argv[2], "--only-read") != 0) print(data_document_root(document));
        data_document_destroy(document);
    }
    affect_context_destroy(ctx);
    return (int)status;
}
