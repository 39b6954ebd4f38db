/* The database of the project: statements with values in, rows out. */
#include <stdarg.h>
#include <string.h>

#include "serve/serve_private.h"

void serve_store_lock(serve_project *project) { pthread_mutex_lock(&project->mutex); }
void serve_store_unlock(serve_project *project) { pthread_mutex_unlock(&project->mutex); }

static affect_status fail(affect_context *ctx, const serve_project *project) {
    return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s/%s/project.db: %s", project->folder, SERVE_STATE,
                     sqlite3_errmsg(project->db));
}

affect_status serve_store_run(affect_context *ctx, serve_project *project, const char *sql) {
    serve_store_lock(project);
    affect_status status = AFFECT_OK;
    if (sqlite3_exec(project->db, sql, NULL, NULL, NULL) != SQLITE_OK) status = fail(ctx, project);
    serve_store_unlock(project);
    return status;
}

static json_t *value_of(sqlite3_stmt *statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return json_integer(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: return json_real(sqlite3_column_double(statement, column));
    case SQLITE_NULL: return json_null();
    default: {
        const char *text = (const char *)sqlite3_column_text(statement, column);
        return text ? json_string(text) : NULL;
    }
    }
}

static bool add_row(json_t *rows, sqlite3_stmt *statement) {
    json_t *row = json_array();
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        if (json_array_append_new(row, value_of(statement, i)) != 0) {
            json_decref(row);
            return false;
        }
    return json_array_append_new(rows, row) == 0;
}

affect_status serve_store_ask(affect_context *ctx, serve_project *project, json_t **rows,
                              const char *sql, const char *types, ...) {
    sqlite3_stmt *statement = NULL;
    json_t *found = rows ? json_array() : NULL;
    if (rows) *rows = NULL;
    if (rows && !found) return base_fail_memory(ctx);
    serve_store_lock(project);
    int code = sqlite3_prepare_v2(project->db, sql, -1, &statement, NULL);
    va_list values;
    va_start(values, types);
    for (int i = 0; code == SQLITE_OK && types[i]; i++) {
        if (types[i] == 'i')
            code = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        else if (types[i] == 'd')
            code = sqlite3_bind_double(statement, i + 1, va_arg(values, double));
        else
            code = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1,
                                     SQLITE_TRANSIENT);
    }
    va_end(values);
    bool memory = true;
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW && found && !(memory = add_row(found, statement))) break;
    }
    affect_status status = AFFECT_OK;
    if (!memory)
        status = base_fail_memory(ctx);
    else if (code != SQLITE_DONE)
        status = fail(ctx, project);
    sqlite3_finalize(statement);
    serve_store_unlock(project);
    if (status == AFFECT_OK && rows)
        *rows = found;
    else
        json_decref(found);
    return status;
}

affect_status serve_store_begin(affect_context *ctx, serve_project *project) {
    serve_store_lock(project);
    return serve_store_run(ctx, project, "BEGIN IMMEDIATE;");
}

affect_status serve_store_end(affect_context *ctx, serve_project *project, affect_status status) {
    if (status == AFFECT_OK) status = serve_store_run(ctx, project, "COMMIT;");
    /* A transaction that stays open would keep every later one from beginning. */
    if (status != AFFECT_OK) (void)!serve_store_run(NULL, project, "ROLLBACK;");
    serve_store_unlock(project);
    return status;
}
