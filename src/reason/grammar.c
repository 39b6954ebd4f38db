/* The form of an answer: one JSON schema, for servers as it is and for llama.cpp as a grammar in its notation (GBNF: llama.cpp, grammars/README.md).
 * Everything in it is bounded, so that whatever a model does, its answer ends. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason_private.h"

enum { MOST_TEXT = 240, MOST_CITED = 8, DEEPEST = 16 };

static void put_claim_schema(const char *ids, int most_claims, base_text *out) {
    char claims[48] = "", text[32] = "", cited[48] = "";
    if (most_claims) {
        snprintf(claims, sizeof claims, "\"minItems\":1,\"maxItems\":%d,", most_claims);
        snprintf(text, sizeof text, ",\"maxLength\":%d", MOST_TEXT);
        snprintf(cited, sizeof cited, "\"minItems\":1,\"maxItems\":%d,", MOST_CITED);
    }
    base_text_printf(
        out,
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"claims\"],"
        "\"properties\":{\"claims\":{\"type\":\"array\",%s\"items\":{\"type\":\"object\","
        "\"additionalProperties\":false,\"required\":[\"text\",\"kind\",\"person\",\"modality\","
        "\"direction\",\"t0\",\"t1\",\"evidence\"],\"properties\":{\"text\":{\"type\":\"string\"%s}"
        ","
        "\"kind\":{\"type\":\"string\",\"enum\":[\"event\",\"state\",\"change\",\"order\",\"lag\","
        "\"cause\",\"contradiction\"]},\"person\":{\"type\":[\"integer\",\"null\"]},"
        "\"modality\":{\"type\":\"string\",\"enum\":[\"face\",\"voice\",\"words\",\"fused\"]},"
        "\"direction\":{\"anyOf\":[{\"type\":\"string\",\"enum\":[\"rise\",\"fall\",\"steady\"]},"
        "{\"type\":\"null\"}]},\"t0\":{\"type\":\"number\"},\"t1\":{\"type\":\"number\"},"
        "\"evidence\":{\"type\":\"array\",%s\"items\":{\"type\":\"string\"",
        claims, text, cited);
    if (ids) base_text_printf(out, ",\"enum\":%s", ids);
    base_text_append(out, "}}}}}}}");
}

static void put_label_schema(const char *episodes, const affect_llm_options *o, int most,
                             base_text *out) {
    base_text_append(out, "{\"type\":\"object\",\"additionalProperties\":false,\"required\":["
                          "\"labels\"],\"properties\":{\"labels\":{\"type\":\"array\",");
    if (most) base_text_printf(out, "\"minItems\":1,\"maxItems\":%d,", most);
    base_text_append(out, "\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
                          "\"required\":[\"episode\",\"words\"],\"properties\":{\"episode\":{"
                          "\"type\":\"string\"");
    if (episodes) base_text_printf(out, ",\"enum\":%s", episodes);
    base_text_append(out, "},\"words\":{\"type\":\"array\",");
    if (most) base_text_printf(out, "\"minItems\":1,\"maxItems\":%d,", REASON_LABEL_WORDS);
    base_text_append(out, "\"items\":{\"type\":\"string\"");
    if (most && !o->allowed_count) base_text_printf(out, ",\"maxLength\":%d", REASON_LABEL_LETTERS);
    for (size_t i = 0; i < o->allowed_count; i++) {
        base_text_append(out, i ? "," : ",\"enum\":[");
        base_text_append_json(out, o->allowed[i]);
    }
    base_text_append(out, o->allowed_count ? "]}}}}}}}" : "}}}}}}}");
}

void reason_put_form(const affect_llm_options *o, const reason_question_to *q, bool bounded,
                     base_text *out) {
    (q->labels ? put_label_schema(bounded ? q->ids : NULL, o, bounded ? q->most : 0, out)
               : put_claim_schema(bounded ? q->ids : NULL, bounded ? q->most : 0, out));
}

typedef struct writer {
    base_text rules; /* those that are done */
    int count, depth;
    bool unknown; /* the schema says what this does not know */
} writer;

static void put_node(writer *w, const json_t *node, base_text *out);

/* JSON's text of a value as a literal of the grammar. */
static void put_literal(const json_t *value, base_text *out) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    base_text_append(out, "\"");
    for (const char *at = text ? text : ""; *at; at++) {
        if (*at == '"' || *at == '\\') base_text_append(out, "\\");
        base_text_append_n(out, at, 1);
    }
    base_text_append(out, "\"");
    out->failed |= !text;
    free(text); /* Jansson's */
}

static void put_name(const char *name, base_text *out) {
    json_t *value = json_string(name);
    put_literal(value, out);
    json_decref(value);
}

/* A rule of its own for what is repeated; `out` gets its name. */
static void put_rule(writer *w, const json_t *node, base_text *out) {
    base_text rule = {0};
    int number = w->count++;
    put_node(w, node, &rule);
    base_text_printf(&w->rules, "r%d ::= %s\n", number, rule.data ? rule.data : "");
    w->rules.failed |= rule.failed;
    base_text_printf(out, "r%d", number);
    base_text_destroy(&rule);
}

static void put_object(writer *w, const json_t *node, base_text *out) {
    const char *name;
    json_t *member;
    bool first = true;
    base_text_append(out, "\"{\" ws");
    json_object_foreach(json_object_get(node, "properties"), name, member) {
        base_text_append(out, first ? " " : " \",\" ws ");
        put_name(name, out);
        base_text_append(out, " \":\" ws ");
        put_node(w, member, out);
        first = false;
    }
    base_text_append(out, " \"}\"");
}

static void put_array(writer *w, const json_t *node, base_text *out) {
    json_int_t least = json_integer_value(json_object_get(node, "minItems"));
    json_int_t most = json_integer_value(json_object_get(node, "maxItems"));
    base_text item = {0};
    put_rule(w, json_object_get(node, "items"), &item);
    if (least > 1 || most < 1) w->unknown = true;
    base_text_printf(out, "\"[\" ws (%s (\",\" ws %s){0,%d})%s \"]\"", item.data ? item.data : "",
                     item.data ? item.data : "", (int)most - 1, least ? "" : "?");
    out->failed |= item.failed;
    base_text_destroy(&item);
}

static void put_type(writer *w, const json_t *node, const char *type, base_text *out) {
    if (!type)
        w->unknown = true;
    else if (strcmp(type, "object") == 0)
        put_object(w, node, out);
    else if (strcmp(type, "array") == 0)
        put_array(w, node, out);
    else if (strcmp(type, "string") == 0)
        base_text_printf(out, "\"\\\"\" char{0,%d} \"\\\"\"",
                         json_object_get(node, "maxLength")
                             ? (int)json_integer_value(json_object_get(node, "maxLength"))
                             : MOST_TEXT);
    else if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        base_text_append(out, type); /* the rules below */
    else if (strcmp(type, "null") == 0)
        base_text_append(out, "\"null\"");
    else
        w->unknown = true;
}

static void put_alternatives(writer *w, const json_t *node, const json_t *list, base_text *out) {
    base_text_append(out, "(");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (i) base_text_append(out, " | ");
        if (json_object_get(node, "enum"))
            put_literal(one, out);
        else if (json_is_string(one))
            put_type(w, node, json_string_value(one), out);
        else
            put_node(w, one, out);
    }
    base_text_append(out, ")");
}

static void put_node(writer *w, const json_t *node, base_text *out) {
    const json_t *type = json_object_get(node, "type"), *listed = json_object_get(node, "enum");
    if (!listed) listed = json_object_get(node, "anyOf");
    if (!listed && json_is_array(type)) listed = type;
    if (++w->depth > DEEPEST || !json_is_object(node) || (listed && !json_array_size(listed)))
        w->unknown = true;
    else if (listed)
        put_alternatives(w, node, listed, out);
    else
        put_type(w, node, json_string_value(type), out);
    w->depth--;
}

affect_status reason_grammar(affect_context *ctx, const char *schema, base_text *out) {
    json_error_t error;
    json_t *root = json_loads(schema, JSON_REJECT_DUPLICATES, &error);
    writer w = {0};
    base_text_append(out, "root ::= ");
    put_node(&w, root, out);
    base_text_printf(out,
                     "\n%sws ::= [ \\n]?\n"
                     "char ::= [^\"\\\\\\x00-\\x1F\\x7F] | \"\\\\\" [\"\\\\/bfnrt]\n"
                     "integer ::= \"0\" | [1-9] [0-9]{0,5}\n"
                     "number ::= integer (\".\" [0-9]{1,3})?\n",
                     w.rules.data ? w.rules.data : "");
    affect_status status = AFFECT_OK;
    if (out->failed || w.rules.failed)
        status = base_fail_memory(ctx);
    else if (w.unknown)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "the schema cannot be written as a grammar");
    base_text_destroy(&w.rules);
    json_decref(root);
    return status;
}
