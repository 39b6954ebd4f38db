/* Who a face is: a network's features of the upright face, as a direction. Two pictures of one person
 * point the same way, of two persons less so. Embeddings are biometric data: they live in memory
 * only, and nothing writes or sends them. */
#include <math.h>
#include <string.h>

#include "face/face_private.h"

struct face_identifier {
    face_square net;
    size_t output, width; /* which output holds the features, and how many */
};

affect_status face_identifier_create(affect_context *ctx, const char *model,
                                     face_identifier **out) {
    *out = NULL;
    face_identifier *m = base_calloc(1, sizeof *m);
    if (!m) return base_fail_memory(ctx);
    affect_status status = face_square_open(ctx, model, 1024, &m->net);
    if (!status) {
        size_t outputs = infer_model_output_count(m->net.model);
        for (size_t k = 0; k < outputs && k < FACE_SQUARE_OUTPUTS; k++) {
            /* the widest output is the embedding */
            infer_tensor t = infer_model_output(m->net.model, k);
            size_t n = 1;
            for (size_t d = 0; d < t.rank; d++) n *= t.shape[d] > 0 ? (size_t)t.shape[d] : 1;
            if (n > m->width) m->width = n, m->output = k;
        }
        if (!m->net.size || m->width < 16 || m->width > FACE_IDENTITY_MAX)
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "model %s is no face identity: it should take [1,S,S,3] and give 16 "
                               "to %d features",
                               infer_model_card(m->net.model)->name, FACE_IDENTITY_MAX);
    }
    if (status) {
        face_identifier_destroy(m);
        return status;
    }
    *out = m;
    return AFFECT_OK;
}

void face_identifier_destroy(face_identifier *m) {
    if (!m) return;
    face_square_close(&m->net);
    base_free(m);
}

affect_status face_identifier_run(affect_context *ctx, face_identifier *m, const media_frame *frame,
                                  const face_mesh *mesh, face_identity *out) {
    const face_roi roi = face_expression_roi(mesh, 1, 0, 1);
    infer_tensor outputs[FACE_SQUARE_OUTPUTS];
    size_t count;
    /* bytes as they are, as the card says */
    affect_status status = face_square_run(ctx, &m->net, frame, &roi, 1, 0, outputs, &count);
    if (status) return status;
    const float *features = outputs[m->output].data;
    double square = 0;
    for (size_t i = 0; i < m->width; i++) square += (double)(features[i] * features[i]);
    out->width = m->width;
    out->weight = 0;
    if (!(square > 0) || !isfinite(square)) return AFFECT_OK; /* says nothing */
    for (size_t i = 0; i < m->width; i++) out->direction[i] = (float)(features[i] / sqrt(square));
    out->weight = 1;
    return AFFECT_OK;
}

void face_identity_add(face_identity *to, const face_identity *one) {
    if (!(one->weight > 0)) return;
    if (!(to->weight > 0)) {
        *to = *one;
        return;
    }
    /* Directions add up: the sum's length is kept as the weight times that of the mean. */
    double square = 0, all = (double)to->weight + (double)one->weight;
    for (size_t i = 0; i < to->width; i++) {
        to->direction[i] = (float)(((double)to->direction[i] * (double)to->weight +
                                    (double)one->direction[i] * (double)one->weight) /
                                   all);
        square += (double)(to->direction[i] * to->direction[i]);
    }
    for (size_t i = 0; i < to->width && square > 0; i++)
        to->direction[i] = (float)((double)to->direction[i] / sqrt(square));
    to->weight = (float)all;
}

float face_identity_likeness(const face_identity *a, const face_identity *b) {
    if (!(a->weight > 0) || !(b->weight > 0) || a->width != b->width) return NAN;
    double dot = 0;
    for (size_t i = 0; i < a->width; i++) dot += (double)(a->direction[i] * b->direction[i]);
    return (float)dot;
}
