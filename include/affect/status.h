/* Status codes. Every function of the library that can fail returns an affect_status; the text with
 * the particulars (which file, which stream, what to do) is on the context:
 * affect_context_message(). */
#ifndef AFFECT_STATUS_H
#define AFFECT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AFFECT_API __attribute__((visibility("default")))
#define AFFECT_MUST_USE __attribute__((warn_unused_result))
#define AFFECT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define AFFECT_API
#define AFFECT_MUST_USE
#define AFFECT_PRINTF(fmt, args)
#endif

/* One table yields the enum, its names and its texts. X(symbol, number, text). The number is also
 * the exit code of the command, and is documented in docs/exit-codes.md. Numbers are never reused.
 */
#define AFFECT_STATUS_TABLE(X)                                                                     \
    X(OK, 0, "success")                                                                            \
    X(ERROR_INTERNAL, 1, "a defect in affect itself")                                              \
    X(ERROR_USAGE, 2, "the command or call was not understood")                                    \
    X(ERROR_NOT_FOUND, 3, "a file or folder does not exist or cannot be read")                     \
    X(ERROR_FORMAT, 4, "a file is not in the expected format")                                     \
    X(ERROR_NO_STREAM, 5, "the recording holds no usable audio, video or text")                    \
    X(ERROR_OUTPUT, 6, "the output could not be written")                                          \
    X(ERROR_EXISTS, 7, "the output exists already")                                                \
    X(ERROR_MODEL, 8, "a model is missing, damaged or refused")                                    \
    X(ERROR_RUNTIME, 9, "a run-time library (ONNX Runtime, Vosk) is missing or failed")            \
    X(ERROR_MEMORY, 10, "out of memory")                                                           \
    X(ERROR_ARGUMENT, 11, "an argument is out of its range")                                       \
    X(ERROR_SHAPE, 12, "shapes do not fit together")                                               \
    X(ERROR_LIMIT, 13, "the input exceeds a documented limit")                                     \
    X(ERROR_UNSUPPORTED, 14, "valid, but not supported by this build")                             \
    X(ERROR_CANCELLED, 130, "interrupted")

typedef enum affect_status {
#define AFFECT_STATUS_ENUM(symbol, number, text) AFFECT_##symbol = number,
    AFFECT_STATUS_TABLE(AFFECT_STATUS_ENUM)
#undef AFFECT_STATUS_ENUM
} affect_status;

/* The version of this header; the library that a program runs with may be a later one. Within one
 * AFFECT_VERSION_MAJOR (from 1 on; before that, one minor) what is here keeps its meaning and its
 * place in memory. */
#define AFFECT_VERSION_MAJOR 0
#define AFFECT_VERSION_MINOR 1
#define AFFECT_VERSION_PATCH 0
#define AFFECT_VERSION_NUMBER                                                                      \
    (AFFECT_VERSION_MAJOR * 1000000 + AFFECT_VERSION_MINOR * 1000 + AFFECT_VERSION_PATCH)
/* Those of the library: "0.1.0", and as AFFECT_VERSION_NUMBER. */
AFFECT_API const char *affect_version(void);
AFFECT_API int affect_version_number(void);

/* The symbol without its prefix ("ERROR_FORMAT"), or "UNKNOWN". Static storage. */
AFFECT_API const char *affect_status_name(affect_status status);

/* One general sentence about the status. Static storage. */
AFFECT_API const char *affect_status_text(affect_status status);

#ifdef __cplusplus
}
#endif
#endif
