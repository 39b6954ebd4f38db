/* The loops of a crop that run several pixels at a time where the processor can (image_avx2.c). Private to image.c. */
#ifndef FACE_IMAGE_LANES_H
#define FACE_IMAGE_LANES_H

#include "media/media.h"

/* Where the samples of a row of the crop lie: 16.16 fixed point of pixels of the frame. */
typedef struct face_image_line {
    int32_t x, y, step_x, step_y;
} face_image_line;

/* May the others be called? */
bool face_image_has_avx2(void);
/* Bilinear samples times 65536 * gain, plus offset, three floats each; returns how many were made, fewer than `count`. All of
 * them need two pixels to the right and a row below in the frame; the float behind the last one is overwritten. */
int face_image_samples_avx2(const media_frame *frame, face_image_line line, int count, float gain,
                            float offset, float *out);
/* Column sums of `rows` (at least 1) rows of bytes; the last row counts `repeated` times more. At most 256 rows in all. */
void face_image_sum_rows_avx2(const uint8_t *from, size_t stride, int rows, int repeated,
                              size_t count, uint16_t *sums);
/* The means of `factor` (2 to 16) pixels of such sums side by side: 3 bytes each; the byte behind the last is overwritten, and
 * five numbers behind the last sum are read. */
void face_image_means_avx2(const uint16_t *sums, int count, int factor, uint8_t *to);

#endif
