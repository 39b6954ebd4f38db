/* The program that runs libhdf5 for data/hdf5. usage: affect-hdf5 FILE, with the socket to whoever asks
 * as standard input. It can read its file, compute, answer, and nothing else (seccomp, no_new_privs,
 * limits); of the program that starts it it has no memory and no descriptor.
 * HDF5 1.10 reference manual; file format specification 3.0. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "data/hdf5_pipe.h"
#include "data/lzf.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

/* Everything that is called. The macros of hdf5.h choose a version (H5Oget_info is H5Oget_info1):
 * naming happens after they have spoken. */
#define HDF5_FUNCTIONS(X)                                                                          \
    X(H5open)                                                                                      \
    X(H5get_libversion)                                                                            \
    X(H5PLset_loading_state)                                                                       \
    X(H5Eset_auto2)                                                                                \
    X(H5Fopen)                                                                                     \
    X(H5Gopen2)                                                                                    \
    X(H5Gclose)                                                                                    \
    X(H5Literate)                                                                                  \
    X(H5Oopen)                                                                                     \
    X(H5Oclose)                                                                                    \
    X(H5Oget_info)                                                                                 \
    X(H5Dopen2)                                                                                    \
    X(H5Dclose)                                                                                    \
    X(H5Dget_space)                                                                                \
    X(H5Dget_type)                                                                                 \
    X(H5Dget_create_plist)                                                                         \
    X(H5Dget_storage_size)                                                                         \
    X(H5Dread)                                                                                     \
    X(H5Dvlen_reclaim)                                                                             \
    X(H5Pcreate)                                                                                   \
    X(H5Pclose)                                                                                    \
    X(H5Pget_layout)                                                                               \
    X(H5Pget_chunk)                                                                                \
    X(H5Pget_nfilters)                                                                             \
    X(H5Pget_filter2)                                                                              \
    X(H5Pget_external_count)                                                                       \
    X(H5Pset_chunk_cache)                                                                          \
    X(H5Zregister)                                                                                 \
    X(H5allocate_memory)                                                                           \
    X(H5free_memory)                                                                               \
    X(H5Zfilter_avail)                                                                             \
    X(H5Screate_simple)                                                                            \
    X(H5Sclose)                                                                                    \
    X(H5Sget_simple_extent_type)                                                                   \
    X(H5Sget_simple_extent_ndims)                                                                  \
    X(H5Sget_simple_extent_dims)                                                                   \
    X(H5Sselect_hyperslab)                                                                         \
    X(H5Sselect_all)                                                                               \
    X(H5Tget_class)                                                                                \
    X(H5Tget_size)                                                                                 \
    X(H5Tget_sign)                                                                                 \
    X(H5Tget_super)                                                                                \
    X(H5Tget_cset)                                                                                 \
    X(H5Tis_variable_str)                                                                          \
    X(H5Tcopy)                                                                                     \
    X(H5Tset_size)                                                                                 \
    X(H5Tset_cset)                                                                                 \
    X(H5Tclose)                                                                                    \
    X(H5Aiterate2)                                                                                 \
    X(H5Aopen)                                                                                     \
    X(H5Aclose)                                                                                    \
    X(H5Aget_space)                                                                                \
    X(H5Aget_type)                                                                                 \
    X(H5Aread)

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
#define SLOT(name) __typeof__(name) *name##_;

enum { READ_ONLY = 0 }; /* H5F_ACC_RDONLY, whose macro calls the library that is not linked */

static struct {
    HDF5_FUNCTIONS(SLOT)
    hid_t number, text, access; /* H5T_NATIVE_DOUBLE, H5T_C_S1, the class of access lists */
} h5;

/* ---- the socket ---- */

enum { line = STDIN_FILENO }; /* the socket */

/* What the file has cost and what it may: a file may be large, but not tiresome. The sums are for
 * the whole file, or a thousand slow answers would be a thousand times as long. */
static struct {
    double answer_s; /* until the next answer; more where a chunk must be unpacked for it */
    double total_s;  /* grows with what was answered */
} allowed = {.answer_s = 1, .total_s = 10};

enum { UNPACK_RATE = 64 << 20, ANSWER_RATE = 16 << 20 }; /* bytes/s of a slow machine */
#define ANSWER_S 0.0005                                  /* of opening a small dataset */

static void arm(void) {
    struct timespec used = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    double left = allowed.total_s - (double)used.tv_sec - (double)used.tv_nsec * 1e-9;
    double s = BASE_MAX(BASE_MIN(allowed.answer_s, left), 0.001); /* 0 would mean for ever */
    const struct itimerval until = {
        .it_value = {.tv_sec = (time_t)s, .tv_usec = (suseconds_t)((s - floor(s)) * 1e6)}};
    setitimer(ITIMER_PROF, &until, NULL);
}

static void answer(data_hdf5_answer kind, affect_status status, const void *bytes, size_t length) {
    const data_hdf5_header header = {(uint32_t)kind, (uint32_t)status, length};
    if (!data_hdf5_send(line, &header, sizeof header) || !data_hdf5_send(line, bytes, length))
        _exit(0);
    allowed.total_s += ANSWER_S + (double)length / ANSWER_RATE;
    arm();
}

AFFECT_PRINTF(2, 3)
static void fail(affect_status status, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    answer(HDF5_FAILED, status, text, strlen(text));
}

/* ---- the library ---- */

static bool find(void *library, const char *name, void *slot) {
    void *address = dlsym(library, name);
    memcpy(slot, &address, sizeof address);
    return address;
}

static bool find_number(void *library, const char *name, hid_t *out) {
    hid_t *address = dlsym(library, name);
    if (address) *out = *address;
    return address;
}

enum { MOST_CHUNK = 256 << 20 }; /* bytes, unpacked; unpacking needs up to three times that */

/* h5py's LZF (registered number 32000): its third number is the size of a chunk unpacked. */
static size_t lzf_filter(unsigned flags, size_t count, const unsigned values[], size_t length,
                         size_t *size, void **buffer) {
    if (!(flags & H5Z_FLAG_REVERSE)) return 0; /* nothing is packed here */
    const size_t room = count >= 3 && values[2] ? values[2] : 0;
    if (!room || room > MOST_CHUNK) return 0;
    uint8_t *out = h5.H5allocate_memory_(room, false);
    const size_t made = out ? data_lzf_unpack(*buffer, length, out, room) : 0;
    if (!made) {
        h5.H5free_memory_(out);
        return 0;
    }
    h5.H5free_memory_(*buffer);
    *buffer = out;
    *size = room;
    return made;
}

static bool load(void) {
    static const char *const names[] = {"libhdf5_serial.so.103", "libhdf5.so.103"};
    void *library = NULL;
    for (size_t i = 0; i < BASE_COUNT(names) && !library; i++)
        library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        fail(AFFECT_ERROR_RUNTIME, "libhdf5 cannot be loaded (%s); install libhdf5-103-1",
             dlerror());
        return false;
    }
    bool fine = true;
#define HDF5_FIND(name) fine = find(library, NAME_OF(name), (void *)&h5.name##_) && fine;
    HDF5_FUNCTIONS(HDF5_FIND)
#undef HDF5_FIND
    unsigned major = 0, minor = 0, release = 0;
    fine = fine && h5.H5open_() >= 0 && h5.H5get_libversion_(&major, &minor, &release) >= 0;
    fine = fine && major == H5_VERS_MAJOR && minor == H5_VERS_MINOR; /* hid_t and the structs */
    fine = fine && find_number(library, "H5T_NATIVE_DOUBLE_g", &h5.number) &&
           find_number(library, "H5T_C_S1_g", &h5.text) &&
           find_number(library, "H5P_CLS_DATASET_ACCESS_ID_g", &h5.access);
    if (!fine) {
        fail(AFFECT_ERROR_RUNTIME, "libhdf5 %u.%u.%u is not the %d.%d this was built for", major,
             minor, release, H5_VERS_MAJOR, H5_VERS_MINOR);
        return false;
    }
    h5.H5Eset_auto2_(H5E_DEFAULT, NULL, NULL);
    static const H5Z_class2_t lzf = {.version = H5Z_CLASS_T_VERS,
                                     .id = 32000,
                                     .decoder_present = 1,
                                     .name = "lzf",
                                     .filter = lzf_filter};
    h5.H5Zregister_(&lzf);        /* without it such a dataset is not read, and said */
    h5.H5PLset_loading_state_(0); /* no filter out of a file's or a user's folder */
    return true;
}

static size_t virtual_memory(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%lu", &pages) != 1) pages = 0;
        fclose(file);
    }
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void confine(void) {
    const struct rlimit nothing = {0, 0};
    setrlimit(RLIMIT_CORE, &nothing);
    setrlimit(RLIMIT_FSIZE, &nothing);
#ifndef UNDER_ASAN /* whose shadow alone is larger */
    size_t used = virtual_memory();
    const struct rlimit room = {used + ((size_t)1 << 30), used + ((size_t)1 << 30)};
    if (used) setrlimit(RLIMIT_AS, &room);
#else
    (void)virtual_memory;
#endif
    arm();
}

#ifndef UNDER_ASAN
/* A condition on an argument of a call; the library's own macros leave a field out. */
static struct scmp_arg_cmp argument(unsigned at, enum scmp_compare op, scmp_datum_t a,
                                    scmp_datum_t b) {
    return (struct scmp_arg_cmp){.arg = at, .op = op, .datum_a = a, .datum_b = b};
}
#endif

/* What reading needs, in two steps: before the file is open it may also be opened, for reading;
 * afterwards nothing more is. Whatever else is tried (a write, a socket, a process) fails with EPERM;
 * libhdf5 is the code that hostile bytes take over, if any. no_new_privs comes with it. */
static bool allow_only(bool opening) {
#ifdef UNDER_ASAN /* which needs calls of its own */
    (void)opening;
    return true;
#else
    static const int always[] = {
        SCMP_SYS(read),          SCMP_SYS(pread64),      SCMP_SYS(lseek),
        SCMP_SYS(fstat),         SCMP_SYS(newfstatat),   SCMP_SYS(statx),
        SCMP_SYS(close),         SCMP_SYS(brk),          SCMP_SYS(mmap),
        SCMP_SYS(munmap),        SCMP_SYS(mremap),       SCMP_SYS(mprotect),
        SCMP_SYS(madvise),       SCMP_SYS(recvfrom),     SCMP_SYS(setitimer),
        SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(futex),
        SCMP_SYS(getrandom),     SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(exit),          SCMP_SYS(exit_group),   SCMP_SYS(restart_syscall)};
    /* The second filter is added to the first, and the stricter of two answers holds. */
    static const int first[] = {
        SCMP_SYS(stat),   SCMP_SYS(lstat), SCMP_SYS(access),  SCMP_SYS(fcntl),  SCMP_SYS(readlink),
        SCMP_SYS(getcwd), SCMP_SYS(prctl), SCMP_SYS(seccomp), SCMP_SYS(getuid), SCMP_SYS(geteuid)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter) return false;
    bool fine = true;
    for (size_t i = 0; i < BASE_COUNT(always); i++)
        fine &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, always[i], 0) == 0;
    for (size_t i = 0; opening && i < BASE_COUNT(first); i++)
        fine &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, first[i], 0) == 0;
    /* Only into the socket that it answers on, and to no address. */
    fine &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2,
                             argument(0, SCMP_CMP_EQ, (scmp_datum_t)line, 0),
                             argument(4, SCMP_CMP_EQ, 0, 0)) == 0;
    const scmp_datum_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    if (opening)
        fine &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                                 argument(1, SCMP_CMP_MASKED_EQ, writing, 0)) == 0 &&
                seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                 argument(2, SCMP_CMP_MASKED_EQ, writing, 0)) == 0;
    fine = fine && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return fine;
#endif
}

/* ---- describing ---- */

typedef struct walk {
    hid_t file;
    size_t count, depth;
    bool failed;
    char path[HDF5_MOST_NAME];
    size_t path_length;
    struct {
        uint64_t *items;
        size_t count, capacity;
    } groups; /* addresses of the groups we are in: a hard link back is a cycle */
} walk;

typedef struct attribute_list {
    base_text text;
    uint32_t count;
} attribute_list;

/* What elements of a file's type are to us. */
static data_hdf5_content content_of(hid_t type, data_type *out) {
    static const data_type integers[2][4] = {{DATA_U8, DATA_U16, DATA_U32, DATA_U64},
                                             {DATA_I8, DATA_I16, DATA_I32, DATA_I64}};
    size_t size = h5.H5Tget_size_(type);
    int place = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
    switch (h5.H5Tget_class_(type)) {
    case H5T_INTEGER:
        if (place < 0) return DATA_HDF5_OTHER;
        *out = integers[h5.H5Tget_sign_(type) == H5T_SGN_2][place];
        return DATA_HDF5_NUMBERS;
    case H5T_FLOAT:
        if (place < 1) return DATA_HDF5_OTHER;
        *out = place == 1 ? DATA_F16 : place == 2 ? DATA_F32 : DATA_F64;
        return DATA_HDF5_NUMBERS;
    case H5T_ENUM: /* h5py's booleans */
        if (place) return DATA_HDF5_OTHER;
        *out = DATA_BOOL8;
        return DATA_HDF5_NUMBERS;
    case H5T_STRING: return DATA_HDF5_TEXTS;
    default: return DATA_HDF5_OTHER;
    }
}

static bool shape_of(hid_t space, size_t *rank, uint64_t shape[DATA_MAX_RANK], uint64_t *count) {
    hsize_t sizes[H5S_MAX_RANK];
    int n = h5.H5Sget_simple_extent_ndims_(space);
    if (n < 0 || n > DATA_MAX_RANK) return false;
    *rank = (size_t)n;
    *count = h5.H5Sget_simple_extent_type_(space) == H5S_NULL ? 0 : 1;
    if (*count == 0) { /* an empty dataset: one axis of nothing */
        *rank = 1;
        shape[0] = 0;
        return true;
    }
    if (n && h5.H5Sget_simple_extent_dims_(space, sizes, NULL) < 0) return false;
    for (int i = 0; i < n; i++) {
        shape[i] = sizes[i];
        if (__builtin_mul_overflow(*count, shape[i], count)) return false;
    }
    return true;
}

/* One text element, whether the file stores it in place or elsewhere. `read` reads it. */
static bool text_element(hid_t type, hid_t space, base_text *out,
                         bool (*read)(void *user, hid_t memory, void *to), void *user) {
    bool variable = h5.H5Tis_variable_str_(type) > 0, fine = false;
    size_t size = variable ? 0 : h5.H5Tget_size_(type);
    if (size > HDF5_MOST_TEXT) return false;
    hid_t memory = h5.H5Tcopy_(h5.text);
    if (memory < 0) return false;
    h5.H5Tset_cset_(memory, h5.H5Tget_cset_(type));
    if (variable && h5.H5Tset_size_(memory, H5T_VARIABLE) >= 0) {
        char *text = NULL;
        fine = read(user, memory, &text);
        if (fine && text && strlen(text) <= HDF5_MOST_TEXT) base_text_append(out, text);
        if (fine) h5.H5Dvlen_reclaim_(memory, space, H5P_DEFAULT, &text);
    } else if (!variable && h5.H5Tset_size_(memory, size + 1) >= 0) {
        char *text = base_calloc(size + 2, 1);
        fine = text && read(user, memory, text);
        if (fine) base_text_append_n(out, text, strnlen(text, size + 1));
        base_free(text);
    }
    h5.H5Tclose_(memory);
    return fine && !out->failed;
}

static bool read_attribute(void *user, hid_t memory, void *to) {
    return h5.H5Aread_(*(hid_t *)user, memory, to) >= 0;
}

static herr_t take_attribute(hid_t object, const char *name, const H5A_info_t *info, void *user) {
    enum { MOST = 64, ELEMENTS = 16 };
    attribute_list *list = user;
    (void)info;
    if (list->count == MOST || list->text.length > HDF5_MOST_NAME * MOST) return 1;
    hid_t attribute = h5.H5Aopen_(object, name, H5P_DEFAULT);
    if (attribute < 0) return 0;
    hid_t type = h5.H5Aget_type_(attribute), space = h5.H5Aget_space_(attribute);
    uint64_t shape[DATA_MAX_RANK], count = 0;
    size_t rank;
    data_type kind;
    base_text value = {0};
    base_text_append(&value, "");
    data_hdf5_content content = DATA_HDF5_OTHER;
    if (type >= 0 && space >= 0 && shape_of(space, &rank, shape, &count))
        content = content_of(type, &kind);
    if (content == DATA_HDF5_NUMBERS && count && count <= ELEMENTS) {
        double numbers[ELEMENTS];
        if (h5.H5Aread_(attribute, h5.number, numbers) >= 0)
            for (uint64_t i = 0; i < count; i++)
                base_text_printf(&value, i ? ", %.17g" : "%.17g", numbers[i]);
    } else if (content == DATA_HDF5_TEXTS && count == 1) {
        if (!text_element(type, space, &value, read_attribute, &attribute)) base_text_clear(&value);
    } else {
        base_text_printf(&value, "(%llu values)", (unsigned long long)count);
    }
    if (value.length < HDF5_MOST_NAME && strlen(name) < HDF5_MOST_NAME) {
        base_text_append_n(&list->text, name, strlen(name) + 1);
        base_text_append_n(&list->text, value.data ? value.data : "", value.length);
        base_text_append_n(&list->text, "", 1);
        list->count++;
    }
    base_text_destroy(&value);
    if (space >= 0) h5.H5Sclose_(space);
    if (type >= 0) h5.H5Tclose_(type);
    h5.H5Aclose_(attribute);
    return 0;
}

static void send_item(walk *w, data_hdf5_described *d, hid_t object, const char *problem) {
    attribute_list list = {0};
    base_text out = {0};
    if (object >= 0) {
        hsize_t from = 0;
        h5.H5Aiterate2_(object, H5_INDEX_NAME, H5_ITER_INC, &from, take_attribute, &list);
    }
    d->path = (uint32_t)w->path_length + 1;
    d->problem = (uint32_t)strlen(problem) + 1;
    d->attributes = list.text.failed ? 0 : list.count;
    base_text_append_n(&out, (const char *)d, sizeof *d);
    base_text_append_n(&out, w->path, d->path);
    base_text_append_n(&out, problem, d->problem);
    if (d->attributes) base_text_append_n(&out, list.text.data, list.text.length);
    if (out.failed) {
        fail(AFFECT_ERROR_MEMORY, "out of memory");
        w->failed = true;
    } else {
        answer(HDF5_ITEM, AFFECT_OK, out.data, out.length);
        w->count++;
    }
    base_text_destroy(&list.text);
    base_text_destroy(&out);
}

/* Says in `problem` why the elements cannot be read, or leaves it empty. */
static void examine_storage(hid_t dataset, data_hdf5_described *d, char *problem, size_t room) {
    hid_t list = h5.H5Dget_create_plist_(dataset);
    if (list < 0) {
        snprintf(problem, room, "its storage is not described");
        return;
    }
    H5D_layout_t layout = h5.H5Pget_layout_(list);
    d->chunked = layout == H5D_CHUNKED;
    if (layout == H5D_VIRTUAL || h5.H5Pget_external_count_(list) > 0)
        snprintf(problem, room, "its data lie in another file, which is not opened");
    if (d->chunked) {
        hsize_t chunk[H5S_MAX_RANK];
        uint64_t elements = 1;
        int n = h5.H5Pget_chunk_(list, H5S_MAX_RANK, chunk);
        for (int i = 0; i < n; i++)
            if (__builtin_mul_overflow(elements, (uint64_t)chunk[i], &elements))
                elements = UINT64_MAX;
        hid_t type = h5.H5Dget_type_(dataset);
        uint64_t size = type >= 0 ? h5.H5Tget_size_(type) : 1;
        if (type >= 0) h5.H5Tclose_(type);
        if (elements > MOST_CHUNK / BASE_MAX(size, (uint64_t)1))
            snprintf(problem, room, "its chunks of %llu elements are too large",
                     (unsigned long long)elements);
    }
    int filters = h5.H5Pget_nfilters_(list);
    for (int i = 0; i < filters; i++) {
        unsigned flags, config;
        char name[64] = "";
        size_t none = 0;
        H5Z_filter_t id =
            h5.H5Pget_filter2_(list, (unsigned)i, &flags, &none, NULL, sizeof name, name, &config);
        d->compressed |= id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SZIP || id > 6;
        if (id > 0 && h5.H5Zfilter_avail_(id) <= 0)
            snprintf(problem, room, "it is packed by filter %d (%.40s), which is not here", (int)id,
                     name[0] ? name : "unnamed");
    }
    h5.H5Pclose_(list);
}

static void send_dataset(walk *w, hid_t dataset) {
    data_hdf5_described d = {.content = DATA_HDF5_OTHER};
    char problem[160] = "";
    hid_t type = h5.H5Dget_type_(dataset), space = h5.H5Dget_space_(dataset);
    uint64_t count;
    size_t rank = 0;
    data_type kind = DATA_U8;
    if (type < 0 || space < 0 || !shape_of(space, &rank, d.shape, &count)) {
        snprintf(problem, sizeof problem, "its type or shape is damaged or not supported");
    } else {
        d.rank = (uint32_t)rank;
        d.content = content_of(type, &kind);
        d.type = kind;
        examine_storage(dataset, &d, problem, sizeof problem);
        /* Deflate packs at most 1032 to 1: what promises more was never written. */
        uint64_t stored = h5.H5Dget_storage_size_(dataset);
        if (!problem[0] && count > (uint64_t)8 << 20 && count / 1100 > stored)
            snprintf(problem, sizeof problem, "it promises %llu elements, %llu bytes are stored",
                     (unsigned long long)count, (unsigned long long)stored);
    }
    if (space >= 0) h5.H5Sclose_(space);
    if (type >= 0) h5.H5Tclose_(type);
    send_item(w, &d, dataset, problem);
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *user);

static bool walk_group(walk *w, hid_t group) {
    H5O_info_t info;
    data_hdf5_described d = {.content = DATA_HDF5_GROUP};
    bool cycle = h5.H5Oget_info_(group, &info) < 0;
    for (size_t i = 0; i < w->groups.count; i++) cycle |= w->groups.items[i] == info.addr;
    send_item(w, &d, group, cycle ? "it contains itself" : "");
    if (w->failed) return false;
    if (cycle) return true;
    if (w->groups.count == HDF5_DEPTH) {
        fail(AFFECT_ERROR_LIMIT, "groups lie more than %d deep", HDF5_DEPTH);
        w->failed = true;
    } else if (!base_grow((void **)&w->groups.items, &w->groups.capacity, w->groups.count + 1,
                          sizeof *w->groups.items)) {
        fail(AFFECT_ERROR_MEMORY, "out of memory");
        w->failed = true;
    } else {
        hsize_t from = 0;
        w->groups.items[w->groups.count++] = info.addr;
        if (h5.H5Literate_(group, H5_INDEX_NAME, H5_ITER_INC, &from, visit_link, w) < 0 &&
            !w->failed) {
            fail(AFFECT_ERROR_FORMAT, "group %.100s is damaged", w->path_length ? w->path : "/");
            w->failed = true;
        }
        w->groups.count--;
    }
    return !w->failed;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *user) {
    walk *w = user;
    size_t before = w->path_length, length = strlen(name);
    if (before + length + 2 > sizeof w->path || w->count == DATA_HDF5_MOST) {
        fail(AFFECT_ERROR_LIMIT, "names are too long, or there are more than %d groups and sets",
             DATA_HDF5_MOST);
        w->failed = true;
        return -1;
    }
    if (before > 1) w->path[w->path_length++] = '/'; /* "/" itself ends in one */
    memcpy(w->path + w->path_length, name, length + 1);
    w->path_length += length;
    data_hdf5_described d = {.content = DATA_HDF5_OTHER};
    hid_t object = link->type == H5L_TYPE_HARD ? h5.H5Oopen_(group, name, H5P_DEFAULT) : -1;
    H5O_info_t info;
    if (link->type != H5L_TYPE_HARD) {
        send_item(w, &d, -1,
                  link->type == H5L_TYPE_SOFT ? "it is a link to another name"
                                              : "it is a link to another file");
    } else if (object < 0 || h5.H5Oget_info_(object, &info) < 0) {
        send_item(w, &d, -1, "it is damaged");
    } else if (info.type == H5O_TYPE_GROUP) {
        walk_group(w, object);
    } else if (info.type == H5O_TYPE_DATASET) {
        send_dataset(w, object);
    } else {
        send_item(w, &d, object, "");
    }
    if (object >= 0) h5.H5Oclose_(object);
    w->path_length = before;
    w->path[before] = 0;
    return w->failed ? -1 : 0;
}

/* ---- reading ---- */

enum { LEAST_CACHE = 32 << 20, MOST_CACHE = 384 << 20 }; /* bytes of unpacked chunks */

typedef struct opened { /* the dataset of the last request: its chunk cache is worth keeping */
    char path[HDF5_MOST_NAME];
    hid_t set, type, space;
    size_t rank;
    uint64_t shape[DATA_MAX_RANK], count;
} opened;

static void close_set(opened *o) {
    if (o->space >= 0) h5.H5Sclose_(o->space);
    if (o->type >= 0) h5.H5Tclose_(o->type);
    if (o->set >= 0) h5.H5Dclose_(o->set);
    *o = (opened){.set = -1, .type = -1, .space = -1};
}

/* Rows are asked for in order, a piece at a time, and a piece needs all chunks beside each other. A
 * cache that does not hold them, or whose slots they share, unpacks each chunk again for each piece:
 * these are their bytes and their number. */
static void chunks_of_a_row(const opened *o, uint64_t *bytes, uint64_t *chunks) {
    hid_t list = h5.H5Dget_create_plist_(o->set);
    hsize_t chunk[H5S_MAX_RANK];
    *bytes = h5.H5Tget_size_(o->type);
    *chunks = 1;
    if (list < 0) return;
    if (h5.H5Pget_layout_(list) == H5D_CHUNKED &&
        h5.H5Pget_chunk_(list, H5S_MAX_RANK, chunk) == (int)o->rank)
        for (size_t i = 0; i < o->rank && chunk[i]; i++) {
            uint64_t beside = i && o->shape[i] ? (o->shape[i] - 1) / chunk[i] + 1 : 1;
            if (__builtin_mul_overflow(*chunks, beside, chunks) ||
                __builtin_mul_overflow(*bytes, beside * chunk[i], bytes))
                *bytes = *chunks = UINT64_MAX / 4;
        }
    h5.H5Pclose_(list);
}

static bool open_set_cached(hid_t file, const char *path, opened *o, size_t slots, size_t bytes) {
    hid_t access = h5.H5Pcreate_(h5.access);
    if (access >= 0) h5.H5Pset_chunk_cache_(access, slots, bytes, 1);
    o->set = h5.H5Dopen2_(file, path, access >= 0 ? access : H5P_DEFAULT);
    if (access >= 0) h5.H5Pclose_(access);
    return o->set >= 0;
}

static bool open_set(hid_t file, const char *path, opened *o) {
    if (o->set >= 0 && strcmp(o->path, path) == 0) return true;
    close_set(o);
    if (!open_set_cached(file, path, o, 521, LEAST_CACHE)) return false;
    o->type = h5.H5Dget_type_(o->set);
    o->space = h5.H5Dget_space_(o->set);
    if (o->type < 0 || o->space < 0 || !shape_of(o->space, &o->rank, o->shape, &o->count))
        return false;
    uint64_t bytes, chunks;
    chunks_of_a_row(o, &bytes, &chunks);
    allowed.answer_s = 1 + (double)BASE_MIN(bytes, (uint64_t)MOST_CACHE) / UNPACK_RATE;
    arm();
    if (bytes > LEAST_CACHE || chunks > 128) {
        h5.H5Dclose_(o->set);
        if (!open_set_cached(file, path, o, (size_t)BASE_MIN(4 * chunks + 1, (uint64_t)1 << 20),
                             (size_t)BASE_MIN(bytes + LEAST_CACHE, (uint64_t)MOST_CACHE)))
            return false;
    }
    snprintf(o->path, sizeof o->path, "%s", path);
    return true;
}

/* Selects rows of the file's space; returns the memory space (or -1) and the elements. */
static hid_t select_rows(opened *o, uint64_t row, uint64_t rows, uint64_t *elements) {
    hsize_t start[DATA_MAX_RANK] = {0}, size[DATA_MAX_RANK], flat;
    *elements = 1;
    for (size_t i = 0; i < o->rank; i++) size[i] = i ? o->shape[i] : rows;
    if (o->rank) {
        start[0] = row;
        if (row > o->shape[0] || rows > o->shape[0] - row) return -1;
        if (h5.H5Sselect_hyperslab_(o->space, H5S_SELECT_SET, start, NULL, size, NULL) < 0)
            return -1;
    } else if (row || rows != 1 || h5.H5Sselect_all_(o->space) < 0) {
        return -1;
    }
    for (size_t i = 0; i < o->rank; i++)
        if (__builtin_mul_overflow(*elements, (uint64_t)size[i], elements)) return -1;
    flat = *elements;
    return h5.H5Screate_simple_(1, &flat, NULL);
}

typedef struct element {
    opened *set;
    hid_t memory;
} element;

static bool read_element(void *user, hid_t type, void *to) {
    const element *e = user;
    return h5.H5Dread_(e->set->set, type, e->memory, e->set->space, H5P_DEFAULT, to) >= 0;
}

static void read_text(opened *o, uint64_t i) {
    /* Element i of any rank: one element per axis, from the last axis up. */
    hsize_t start[DATA_MAX_RANK] = {0}, size[DATA_MAX_RANK], one = 1;
    uint64_t rest = i;
    base_text text = {0};
    for (size_t d = o->rank; d-- > 0;) {
        size[d] = 1;
        start[d] = o->shape[d] ? rest % o->shape[d] : 0;
        rest = o->shape[d] ? rest / o->shape[d] : 1;
    }
    hid_t memory = h5.H5Screate_simple_(1, &one, NULL);
    element e = {o, memory};
    bool fine = memory >= 0 && i < o->count && h5.H5Tget_class_(o->type) == H5T_STRING;
    fine = fine && (o->rank ? h5.H5Sselect_hyperslab_(o->space, H5S_SELECT_SET, start, NULL, size,
                                                      NULL) >= 0
                            : h5.H5Sselect_all_(o->space) >= 0);
    fine = fine && text_element(o->type, memory, &text, read_element, &e);
    if (fine)
        answer(HDF5_TEXT, AFFECT_OK, text.data ? text.data : "", text.length);
    else
        fail(AFFECT_ERROR_FORMAT, "text %llu of %.100s cannot be read", (unsigned long long)i,
             o->path);
    if (memory >= 0) h5.H5Sclose_(memory);
    base_text_destroy(&text);
}

static void read_numbers(opened *o, uint64_t row, uint64_t rows) {
    uint64_t elements;
    hid_t memory = select_rows(o, row, rows, &elements);
    double *numbers = NULL;
    if (memory >= 0 && elements <= ((uint64_t)256 << 20) / sizeof *numbers)
        numbers = base_alloc((size_t)elements * sizeof *numbers);
    if (memory < 0)
        fail(AFFECT_ERROR_SHAPE, "%.100s has no rows %llu to %llu", o->path,
             (unsigned long long)row, (unsigned long long)(row + rows));
    else if (!numbers)
        fail(AFFECT_ERROR_LIMIT, "a row of %.100s is over 256 MiB", o->path);
    else if (h5.H5Dread_(o->set, h5.number, memory, o->space, H5P_DEFAULT, numbers) < 0)
        fail(AFFECT_ERROR_FORMAT, "rows %llu to %llu of %.100s are damaged",
             (unsigned long long)row, (unsigned long long)(row + rows), o->path);
    else
        answer(HDF5_NUMBERS, AFFECT_OK, numbers, (size_t)elements * sizeof *numbers);
    base_free(numbers);
    if (memory >= 0) h5.H5Sclose_(memory);
}

int main(int count, char **arguments) {
    static walk w; /* too large for a thread's small stack */
    static opened o;
    if (count != 2) return 2;
    confine();
    if (!load()) _exit(0);
    if (!allow_only(true)) {
        fail(AFFECT_ERROR_RUNTIME,
             "the process that reads HDF5 cannot give up its rights (seccomp)");
        _exit(0);
    }
    w.file = h5.H5Fopen_(arguments[1], READ_ONLY, H5P_DEFAULT);
    hid_t root = w.file < 0 ? -1 : h5.H5Gopen2_(w.file, "/", H5P_DEFAULT);
    if (root < 0) {
        fail(AFFECT_ERROR_FORMAT, "is no HDF5 file, or is damaged or cut off");
        _exit(0);
    }
    if (!allow_only(false)) {
        fail(AFFECT_ERROR_RUNTIME,
             "the process that reads HDF5 cannot give up its rights (seccomp)");
        _exit(0);
    }
    w.path[0] = '/';
    w.path_length = 1;
    if (!walk_group(&w, root)) _exit(0);
    h5.H5Gclose_(root);
    answer(HDF5_LISTED, AFFECT_OK, "", 0);
    o = (opened){.set = -1, .type = -1, .space = -1};
    while (true) {
        data_hdf5_request request;
        char name[HDF5_MOST_NAME];
        if (!data_hdf5_receive(line, &request, sizeof request) || request.path > sizeof name ||
            !data_hdf5_receive(line, name, request.path))
            _exit(0);
        arm();
        if (!open_set(w.file, name, &o))
            fail(AFFECT_ERROR_FORMAT, "%.100s cannot be opened", name);
        else if (request.rows)
            read_numbers(&o, request.row, request.rows);
        else
            read_text(&o, request.row);
    }
}
