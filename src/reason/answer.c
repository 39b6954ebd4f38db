/* What a language model says is searched for its JSON. */
#include <string.h>

#include "reason/reason_private.h"

json_t *reason_object_in(const char *content) {
    json_error_t error;
    const char *thought = strstr(content, "</think>");
    const char *first = strchr(thought ? thought : content, '{'), *last = strrchr(content, '}');
    if (!first || !last || last < first) return NULL;
    json_t *root = json_loadb(first, (size_t)(last - first) + 1, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(root)) return root;
    json_decref(root);
    return NULL;
}
