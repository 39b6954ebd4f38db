/* embed OUT.c HEADER.h NAME=FILE...: turns files into byte arrays. Build-time tool; C has no #embed yet. */
#include <stdio.h>
#include <string.h>

static int embed(FILE *out, const char *name, int name_length, const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        return 1;
    }
    size_t n = 0;
    int byte;
    fprintf(out, "const unsigned char %.*s[] = {", name_length, name);
    while ((byte = fgetc(in)) != EOF) fprintf(out, "%s%d,", n++ % 24 ? "" : "\n    ", byte);
    fprintf(out, "\n    0};\nconst size_t %.*s_length = %zu;\n", name_length, name, n);
    int failed = ferror(in);
    fclose(in);
    return failed;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    FILE *out = fopen(argv[1], "w");
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    fprintf(out, "#include \"%s\"\n\n", argv[2]);
    int failed = 0;
    for (int i = 3; !failed && i < argc; i++) {
        const char *equal = strchr(argv[i], '=');
        failed = !equal || embed(out, argv[i], (int)(equal - argv[i]), equal + 1);
    }
    if (fclose(out) != 0) failed = 1;
    return failed;
}
