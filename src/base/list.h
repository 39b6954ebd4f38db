/* Lists with commas, as options have them. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

/* Walks a list with commas: the next item and its length; false at the end, and then *list is NULL. What ends in a comma
 * has an empty item last. NULL is a list without items; so is to be treated what is empty. */
bool base_list_next(const char **list, const char **item, size_t *length);

#endif
