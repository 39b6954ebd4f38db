/* Export of a network for inference as an ONNX file (opset 13), for other programs and as a check:
 * run in ONNX Runtime it gives our own output. Float build only.
 *
 * Inputs, by kind of network:
 *   face_cnn            "image" float [n, 1, 48, 48], standardised as nn_standardise does
 *   voice_crnn          "spectrogram" float [n, t, bands]; "length" int64 [n], valid rows of each;
 *                       with side numbers "side" float [n, side], raw (the graph standardises them;
 *                       NaN = unknown)
 *   text_gru, text_bag  "units" int64 [n, t, p], the units of each token, -1 behind them;
 *                       "length" int64 [n], tokens of each; text_gru with side numbers also "side"
 *                       float [n, side]
 *
 * Output of all: "logits" float [n, outputs]: raw classes, then values. */
#ifndef NN_ONNX_H
#define NN_ONNX_H

#include "nn/net.h"

/* Errors: UNSUPPORTED (another kind), OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status nn_onnx_write(affect_context *ctx, nn_net *net, const char *path);

#endif
