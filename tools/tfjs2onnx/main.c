/* usage: tfjs2onnx MODEL.json OUT.onnx */
#include <stdio.h>

#include "tfjs2onnx/tfjs2onnx.h"

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: tfjs2onnx MODEL.json OUT.onnx\n");
        return AFFECT_ERROR_USAGE;
    }
    affect_context *ctx = NULL;
    affect_status status = affect_context_create(&ctx);
    if (!status) status = tfjs_convert_file(ctx, argv[1], argv[2]);
    if (status) fprintf(stderr, "tfjs2onnx: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
