/* index.html: the recordings with links to their reports, and what the tables are. One file, no
 * script, no request. */
#include <string.h>

#include "collection/collection_private.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<title>Collection: perceived expression</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c1b1f;--muted:#68656d;--paper:#fff;--line:#e2ddd4;"
    "--accent:#8a3a73}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#edebef;--muted:#a29da8;--paper:#1b1a1f;"
    "--line:#3a3740;--accent:#e39bca}}\n"
    "body{font:15px/1.5 Inter,ui-sans-serif,system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper);margin:2rem auto;max-width:70rem;padding:0 1rem}\n"
    "h1{font-size:1.4rem;margin:0}p{color:var(--muted)}a{color:var(--accent)}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);"
    "vertical-align:top}\nth{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}"
    "\n</style></head><body><main>\n<h1>Collection</h1>\n";

static void put(base_text *out, const char *text) { base_text_append_xml(out, text); }

/* A path as a relative address. */
static void put_address(base_text *out, const char *path) {
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            strchr("/._-~", *c))
            base_text_append_n(out, (const char *)c, 1);
        else
            base_text_printf(out, "%%%02X", *c);
}

/* Where a recording's folder lies from the page: below it as a rule, else by its whole path. */
static void put_link(base_text *out, const char *folder, const char *beside, const char *id) {
    size_t n = strlen(beside);
    while (n > 1 && beside[n - 1] == '/') n--;
    bool below = strncmp(folder, beside, n) == 0 && (folder[n] == '/' || beside[n - 1] == '/');
    const char *rest = below ? folder + n : folder;
    while (below && *rest == '/') rest++;
    base_text_append(out, "<a href=\"");
    if (!below && *rest != '/')
        base_text_append(out, "./"); /* as it was named: relative to where that was */
    put_address(out, rest);
    base_text_append(out, "/report.html\">");
    put(out, id);
    base_text_append(out, "</a>");
}

static void put_row(base_text *out, const collection_entry *e, const char *beside) {
    base_text_append(out, "<tr><td>");
    if (*e->folder)
        put_link(out, e->folder, beside, e->id);
    else
        put(out, e->id);
    const char *cells[] = {e->duration, e->persons, e->label, e->valence, e->arousal};
    for (size_t i = 0; i < BASE_COUNT(cells); i++) {
        base_text_append(out, i == 2 ? "</td><td>" : "</td><td class=\"n\">");
        put(out, cells[i]);
    }
    base_text_append(out, "</td><td>");
    put(out, e->status);
    if (*e->error) {
        base_text_append(out, ": ");
        put(out, e->error);
    }
    base_text_append(out, "</td></tr>\n");
}

void collection_put_page(const collection_entry *entries, size_t count, const char *beside,
                         base_text *out) {
    static const char *const tables[][2] = {
        {"summary.csv", "a row a person and recording"},
        {"by_participant.csv", "a row a participant"},
        {"episodes.csv", "labelled stretches with valence, arousal, dominance and their cues"},
        {"utterances.csv", "what was said"},
        {"events.csv", "smiles, pauses, negations and others"},
        {"recordings.csv", "what was analyzed, and what could not be"},
        {"codebook.csv", "what each column means"}};
    base_text_append(out, head);
    base_text_printf(out,
                     "<p>%zu recording%s. Perceived expression, not an inner state.</p>\n<ul>\n",
                     count, count == 1 ? "" : "s");
    for (size_t i = 0; i < BASE_COUNT(tables); i++)
        base_text_printf(out, "<li><a href=\"%s\">%s</a>: %s</li>\n", tables[i][0], tables[i][0],
                         tables[i][1]);
    base_text_append(out,
                     "</ul>\n<div class=\"wide\"><table><thead><tr><th>Recording</th>"
                     "<th class=\"n\">Seconds</th><th class=\"n\">Persons</th><th>Label</th>"
                     "<th class=\"n\">Valence</th><th class=\"n\">Arousal</th><th>Status</th></tr>"
                     "</thead><tbody>\n");
    for (size_t i = 0; i < count; i++) put_row(out, &entries[i], beside);
    base_text_append(out, "</tbody></table></div>\n</main></body></html>\n");
}
