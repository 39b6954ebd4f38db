/* A recording as a tuned language model is asked about it. */
#ifndef REASON_SEGMENT_H
#define REASON_SEGMENT_H

#include "reason/reason_private.h"

struct reason_recording {
    affect_reasoner *reasoner;
    reason_graph graph;
    affect_explanation *claims; /* ours, checked */
};

#endif
