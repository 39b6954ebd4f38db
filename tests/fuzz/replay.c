/* Runs a fuzz target over every file of a folder: the seeds, and what fuzzers have found, stay
 * tests in builds without libFuzzer. */
#include <dirent.h>
#include <stdio.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 1;
    }
    int count = 0, broken = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char *path = base_path_join(argv[1], entry->d_name), *data = NULL;
        size_t length = 0;
        if (path && base_read_file(NULL, path, 0, &data, &length) == AFFECT_OK) {
            LLVMFuzzerTestOneInput((const uint8_t *)data, length);
            count++;
        } else {
            broken = 1;
        }
        base_free(data);
        base_free(path);
    }
    closedir(folder);
    printf("%d inputs replayed\n", count);
    return broken || count == 0;
}
