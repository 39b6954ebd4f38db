/* Export of a network for inference as an ONNX file (opset 13), for other programs and as a check:
 * run in ONNX Runtime it must give our own output. Float build only. */
#ifndef NN_ONNX_H
#define NN_ONNX_H

#include "nn/net.h"

/* face_cnn: input "image" float [n, 1, 48, 48] (standardised as nn_standardise does), output
 * "logits" [n, outputs]. Errors: UNSUPPORTED (another kind), OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status nn_onnx_write(affect_context *ctx, nn_net *net, const char *path);

#endif
