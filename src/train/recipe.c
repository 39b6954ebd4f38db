/* Recipes: "[section]", "key = value", comments from # or ; at the start of a line or after a
 * blank. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "train/train.h"

static char *trim(char *text) {
    while (isspace((unsigned char)*text)) text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) text[--n] = '\0';
    return text;
}

enum { MOST_KEYS = 1000 };

static affect_status parse(train_recipe *r) {
    char *copy = base_strdup(r->text), *section = NULL, *rest = copy;
    if (!copy) return base_fail_memory(r->ctx);
    affect_status status = AFFECT_OK;
    for (size_t line = 1; rest && status == AFFECT_OK; line++) {
        char *text = strsep(&rest, "\n");
        for (char *c = text; *c; c++)
            if ((*c == '#' || *c == ';') && (c == text || isspace((unsigned char)c[-1]))) {
                *c = '\0';
                break;
            }
        text = trim(text);
        if (!*text) continue;
        char *equal = strchr(text, '=');
        if (*text == '[') {
            char *close = strchr(text, ']');
            if (!close || close[1] || close == text + 1)
                status = base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                                   "%s:%zu: expected [section], not '%s'", r->path, line, text);
            else
                *close = '\0';
            section = trim(text + 1);
            continue;
        }
        if (!section || !equal || equal == text) {
            status =
                base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s:%zu: expected 'key = value'%s, not '%s'",
                          r->path, line, section ? "" : " below a [section]", text);
            continue;
        }
        if (r->count == MOST_KEYS) {
            status = base_fail(r->ctx, AFFECT_ERROR_LIMIT, "%s:%zu: over %d keys", r->path, line,
                               MOST_KEYS);
            continue;
        }
        *equal = '\0';
        train_recipe_item item = {base_strdup(section), base_strdup(trim(text)),
                                  base_strdup(trim(equal + 1)), line, false};
        for (size_t i = 0; i < r->count && item.section && item.key; i++)
            if (strcmp(r->items[i].section, item.section) == 0 &&
                strcmp(r->items[i].key, item.key) == 0)
                status = base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                                   "%s:%zu: '%s' is given twice, first on line %zu", r->path, line,
                                   item.key, r->items[i].line);
        if (!item.section || !item.key || !item.value ||
            !base_grow((void **)&r->items, &r->capacity, r->count + 1, sizeof item)) {
            base_free(item.section);
            base_free(item.key);
            base_free(item.value);
            status = base_fail_memory(r->ctx);
        } else {
            r->items[r->count++] = item;
        }
    }
    base_free(copy);
    return status;
}

affect_status train_recipe_open(affect_context *ctx, const char *path, train_recipe **out) {
    char *text;
    size_t length;
    *out = NULL;
    affect_status status = base_read_file(ctx, path, 1 << 20, &text, &length);
    if (status != AFFECT_OK) return status;
    status = train_recipe_parse(ctx, path, text, length, out);
    base_free(text);
    return status;
}

affect_status train_recipe_parse(affect_context *ctx, const char *name, const char *text,
                                 size_t length, train_recipe **out) {
    *out = NULL;
    train_recipe *r = base_calloc(1, sizeof *r);
    if (!r) return base_fail_memory(ctx);
    r->ctx = ctx;
    r->path = base_strdup(name);
    r->text = base_strndup(text, length);
    affect_status status = r->path && r->text ? parse(r) : base_fail_memory(ctx);
    if (status != AFFECT_OK) {
        train_recipe_destroy(r);
        return status;
    }
    *out = r;
    return AFFECT_OK;
}

void train_recipe_destroy(train_recipe *r) {
    if (!r) return;
    for (size_t i = 0; i < r->count; i++) {
        base_free(r->items[i].section);
        base_free(r->items[i].key);
        base_free(r->items[i].value);
    }
    base_free(r->items);
    base_free(r->text);
    base_free(r->path);
    base_free(r);
}

static train_recipe_item *find(train_recipe *r, const char *section, const char *key) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->items[i].section, section) == 0 && strcmp(r->items[i].key, key) == 0) {
            r->items[i].used = true;
            return &r->items[i];
        }
    return NULL;
}

void train_recipe_mistake(train_recipe *r, const char *section, const char *key, const char *format,
                          ...) {
    if (r->status != AFFECT_OK) return;
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const train_recipe_item *item = find(r, section, key);
    if (item)
        r->status = base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s:%zu: [%s] %s = %s: %s", r->path,
                              item->line, section, key, item->value, text);
    else
        r->status =
            base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: [%s] %s: %s", r->path, section, key, text);
}

const char *train_recipe_text(train_recipe *r, const char *section, const char *key,
                              const char *fallback) {
    const train_recipe_item *item = find(r, section, key);
    if (item) return item->value;
    if (!fallback) train_recipe_mistake(r, section, key, "is missing and has no default");
    return fallback ? fallback : "";
}

double train_recipe_number(train_recipe *r, const char *section, const char *key, double fallback,
                           double least, double most) {
    const train_recipe_item *item = find(r, section, key);
    if (!item) return fallback;
    double value;
    if (!base_parse_double(item->value, strlen(item->value), &value) ||
        !(value >= least && value <= most)) {
        train_recipe_mistake(r, section, key, "expected a number from %g to %g", least, most);
        return fallback;
    }
    return value;
}

size_t train_recipe_count(train_recipe *r, const char *section, const char *key, size_t fallback,
                          size_t least, size_t most) {
    double value =
        train_recipe_number(r, section, key, (double)fallback, (double)least, (double)most);
    if (value != floor(value)) train_recipe_mistake(r, section, key, "expected a whole number");
    return (size_t)value;
}

const char *train_recipe_choice(train_recipe *r, const char *section, const char *key,
                                const char *fallback, const char *choices) {
    const char *value = train_recipe_text(r, section, key, fallback);
    size_t n = strlen(value);
    for (const char *at = choices; at && n; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, value, n) == 0 && (at[n] == '|' || !at[n])) return value;
    train_recipe_mistake(r, section, key, "expected one of %s", choices);
    return fallback ? fallback : "";
}

bool train_recipe_second(train_recipe *r, const char *section, const char *key,
                         const char *choices) {
    char first[32];
    size_t n = strcspn(choices, "|");
    snprintf(first, sizeof first, "%.*s", (int)n, choices);
    const char *value = train_recipe_choice(r, section, key, first, choices);
    return strcmp(value, choices + n + 1) == 0;
}

size_t train_recipe_counts(train_recipe *r, const char *section, const char *key, size_t *out,
                           size_t room) {
    const char *text = train_recipe_text(r, section, key, "");
    size_t count = 0;
    while (*text) {
        size_t n = strcspn(text, " ,");
        int64_t value;
        if (n && (count == room || !base_parse_int64(text, n, &value) || value < 0)) {
            train_recipe_mistake(r, section, key, "expected up to %zu whole numbers", room);
            return 0;
        }
        if (n) out[count++] = (size_t)value;
        text += n + (text[n] != '\0');
    }
    return count;
}

affect_status train_recipe_finish(train_recipe *r) {
    for (size_t i = 0; i < r->count && r->status == AFFECT_OK; i++)
        if (!r->items[i].used)
            r->status = base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s:%zu: [%s] knows no key '%s'",
                                  r->path, r->items[i].line, r->items[i].section, r->items[i].key);
    return r->status;
}
