/* What leaves the command: error lines, standard output, and how it is interrupted. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"

/* ---- lines on standard error ---- */

static void put_error(const char *verb, const char *text) {
    base_put_line(stderr, "affect%s%s: %s", *verb ? " " : "", verb, text);
}

int cli_fail_text(const char *verb, affect_status status, const char *format, ...) {
    base_text text = {0};
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(&text, format, arguments);
    va_end(arguments);
    put_error(verb, text.failed ? affect_status_text(AFFECT_ERROR_MEMORY) : text.data);
    base_text_destroy(&text);
    return (int)status;
}

int cli_fail(const char *verb, const affect_context *ctx, affect_status status) {
    const char *text = affect_context_message(ctx);
    put_error(verb, *text ? text : affect_status_text(status));
    return (int)status;
}

void cli_log(void *verb, affect_log_level level, const char *line) {
    (void)level;
    put_error(verb, line);
}

/* ---- standard output ---- */

/* A file that is opened while standard output is closed would get its number, and our text. Such a
 * number is given to /dev/null, opened so that using it fails. */
void cli_open_standard(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

affect_status cli_print_json(affect_context *ctx, json_t *root, int digits) {
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(root);
    base_text safe = {0};
    if (text) base_text_append_safe_json(&safe, text);
    free(text); /* the C library's own */
    bool whole = text && !safe.failed;
    if (whole) puts(safe.data);
    base_text_destroy(&safe);
    return whole ? AFFECT_OK : base_fail_memory(ctx);
}

affect_status cli_flush(affect_context *ctx) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_OUTPUT, "standard output: %s",
                     errno ? strerror(errno) : "cannot be written");
}

static base_text last_line;

void cli_last_line(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    base_text_clear(&last_line);
    base_text_vprintf(&last_line, format, arguments);
    va_end(arguments);
}

int cli_close(const char *verb, int code) {
    errno = 0;
    bool lost = ferror(stdout) != 0;
    lost = fclose(stdout) != 0 || lost;
    int number = errno;
    if (!lost && code == AFFECT_OK && last_line.length) base_put_line(stderr, "%s", last_line.data);
    base_text_destroy(&last_line);
    if (!lost || code != AFFECT_OK) return code;
    errno = number;
    return cli_fail_text(verb, AFFECT_ERROR_OUTPUT, "standard output: %s",
                         errno ? strerror(errno) : "cannot be written");
}

/* ---- Ctrl-C: the first asks to stop, the second ends the program at once ---- */

static affect_context *volatile interrupted_context;

static void interrupt(int signal_number) {
    (void)signal_number;
    affect_context *ctx = interrupted_context;
    if (ctx) affect_context_cancel(ctx);
}

affect_status cli_context_create(affect_context **out) {
    affect_status status = affect_context_create(out);
    if (status != AFFECT_OK) return status;
    interrupted_context = *out;
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < BASE_COUNT(signals); i++) {
        struct sigaction before; /* nohup has said that it is to be ignored */
        bool ignored = signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
                       before.sa_handler == SIG_IGN;
        if (!ignored) sigaction(signals[i], &action, NULL);
    }
    return AFFECT_OK;
}

void cli_context_destroy(affect_context *ctx) {
    if (interrupted_context == ctx) interrupted_context = NULL;
    affect_context_destroy(ctx);
}

int cli_run(const cli_usage *usage, int argc, char **argv, size_t least, size_t most,
            const char *wants, cli_body body) {
    cli_list operands = {0};
    bool help;
    affect_context *ctx = NULL;
    affect_status status = cli_parse(usage, argc, argv, &operands, &help);
    if (status == AFFECT_OK && !help && (operands.count < least || operands.count > most)) {
        status = AFFECT_ERROR_USAGE;
        cli_fail_text(usage->verb, status, "wants %s; see affect %s --help", wants, usage->verb);
    } else if (status == AFFECT_OK && !help) {
        status = cli_context_create(&ctx);
        affect_context_set_log(ctx, AFFECT_LOG_WARNING, cli_log, (void *)(uintptr_t)usage->verb);
        if (status == AFFECT_OK) status = body(ctx, usage->into, &operands);
        if (status != AFFECT_OK) cli_fail(usage->verb, ctx, status);
    }
    cli_context_destroy(ctx);
    base_free(operands.items);
    return (int)status;
}
