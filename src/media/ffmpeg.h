/* FFmpeg's libraries, opened when the first recording is.
 *
 * Linking them would load about 130 shared libraries into every run of the command and cost 35 to
 * 45 ms before main (docs/notes/media.md), more than `affect --help` may take. So their headers are
 * compiled against and their functions are looked up by name in the libraries of the same major
 * version. */
#ifndef MEDIA_FFMPEG_H
#define MEDIA_FFMPEG_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

#include "base/base.h"

/* X(library, function) */
#define FFMPEG_FUNCTIONS(X)                                                                        \
    X(avformat, avformat_alloc_context)                                                            \
    X(avformat, avformat_open_input)                                                               \
    X(avformat, avformat_close_input)                                                              \
    X(avformat, avformat_find_stream_info)                                                         \
    X(avformat, avformat_new_stream)                                                               \
    X(avformat, av_find_best_stream)                                                               \
    X(avformat, av_probe_input_buffer2)                                                            \
    X(avformat, av_read_frame)                                                                     \
    X(avformat, av_stream_get_side_data)                                                           \
    X(avformat, avio_alloc_context)                                                                \
    X(avformat, avio_context_free)                                                                 \
    X(avformat, avio_read)                                                                         \
    X(avformat, avio_seek)                                                                         \
    X(avformat, avio_size)                                                                         \
    X(avformat, avio_skip)                                                                         \
    X(avcodec, avcodec_find_decoder)                                                               \
    X(avcodec, avcodec_get_name)                                                                   \
    X(avcodec, avcodec_alloc_context3)                                                             \
    X(avcodec, avcodec_free_context)                                                               \
    X(avcodec, avcodec_parameters_to_context)                                                      \
    X(avcodec, avcodec_open2)                                                                      \
    X(avcodec, avcodec_send_packet)                                                                \
    X(avcodec, avcodec_receive_frame)                                                              \
    X(avcodec, av_new_packet)                                                                      \
    X(avcodec, av_packet_alloc)                                                                    \
    X(avcodec, av_packet_free)                                                                     \
    X(avcodec, av_packet_unref)                                                                    \
    X(avcodec, av_packet_move_ref)                                                                 \
    X(avutil, av_channel_layout_copy)                                                              \
    X(avutil, av_channel_layout_compare)                                                           \
    X(avutil, av_channel_layout_default)                                                           \
    X(avutil, av_channel_layout_uninit)                                                            \
    X(avutil, av_dict_free)                                                                        \
    X(avutil, av_dict_get)                                                                         \
    X(avutil, av_dict_set)                                                                         \
    X(avutil, av_frame_alloc)                                                                      \
    X(avutil, av_frame_free)                                                                       \
    X(avutil, av_frame_unref)                                                                      \
    X(avutil, av_frame_move_ref)                                                                   \
    X(avutil, av_frame_make_writable)                                                              \
    X(avutil, av_frame_get_side_data)                                                              \
    X(avutil, av_freep)                                                                            \
    X(avutil, av_log_format_line2)                                                                 \
    X(avutil, av_log_set_callback)                                                                 \
    X(avutil, av_malloc)                                                                           \
    X(avutil, av_strerror)                                                                         \
    X(swresample, swr_alloc_set_opts2)                                                             \
    X(swresample, swr_convert)                                                                     \
    X(swresample, swr_free)                                                                        \
    X(swresample, swr_get_out_samples)                                                             \
    X(swresample, swr_init)                                                                        \
    X(swresample, swr_set_matrix)                                                                  \
    X(swscale, sws_freeContext)                                                                    \
    X(swscale, sws_getCoefficients)                                                                \
    X(swscale, sws_getContext)                                                                     \
    X(swscale, sws_scale)                                                                          \
    X(swscale, sws_setColorspaceDetails)

typedef struct media_ffmpeg_functions {
#define FFMPEG_MEMBER(library, function) __typeof__(function) *function;
    FFMPEG_FUNCTIONS(FFMPEG_MEMBER)
#undef FFMPEG_MEMBER
} media_ffmpeg_functions;

/* Set once by media_ffmpeg_load and never changed after: the process-wide table that any dynamic
 * linker would keep. Call as media_ff.av_read_frame(...). */
extern media_ffmpeg_functions media_ff;

/* Loads the libraries on the first call (any thread). Errors: RUNTIME, which names the library. */
AFFECT_MUST_USE affect_status media_ffmpeg_load(affect_context *ctx);

/* While a thread is between these two, FFmpeg's own log lines go to `ctx` at debug level; outside
 * they are dropped. Nothing is ever written to stderr. */
void media_ffmpeg_log_begin(affect_context *ctx);
void media_ffmpeg_log_end(void);
/* The last line logged as an error on this thread since media_ffmpeg_log_begin, or "". */
const char *media_ffmpeg_log_error(void);
/* How many there were. */
long media_ffmpeg_log_errors(void);

#endif
