/* Lists with commas (list.h). */
#include "base/list.h"

#include <string.h>

bool base_list_next(const char **list, const char **item, size_t *length) {
    if (!*list) return false;
    *item = *list;
    *length = strcspn(*list, ",");
    *list = (*list)[*length] ? *list + *length + 1 : NULL;
    return true;
}
