/* Any bytes as a safetensors file: tensors that can be read or an error, never a crash. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nn/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0) return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    nn_file *f = NULL;
    if (write(file, data, size) == (ssize_t)size && nn_file_open(NULL, path, &f) == AFFECT_OK) {
        for (size_t i = 0; i < nn_file_count(f); i++) {
            size_t count = nn_shape_count(nn_file_shape(f, i));
            float *values = count <= size ? base_alloc(count * sizeof *values) : NULL;
            if (values && nn_file_read(NULL, f, i, values, count) != AFFECT_OK)
                (void)nn_file_find(f, nn_file_name(f, i));
            base_free(values);
        }
        (void)nn_file_metadata(f, "key");
        nn_file_close(f);
    }
    close(file);
    return 0;
}
