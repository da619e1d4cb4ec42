/* machine.h - how the kit computes on this machine: which path of the processor, and by what float32
 * matrices are multiplied.
 *
 * Both are decided once in a process, by what the machine has, and may be decided by whoever runs it:
 * STAPES_CPU=baseline|avx2|avx512 and STAPES_PRODUCT=own|openblas|onednn. See docs/numbers.md.
 */
#ifndef STAPES_KIT_MACHINE_H
#define STAPES_KIT_MACHINE_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was decided. Texts live as long as the process. GROWS */
typedef struct stapes_machine {
    uint32_t size;
    uint32_t n_warnings;
    uint32_t n_mistakes; /* the first so many warnings: STAPES_CPU or STAPES_PRODUCT asks for what
                            is not there, and something else was taken */
    uint32_t           reserved;
    const char        *path;        /* "avx512" */
    const char        *paths;       /* all that this machine can run, best first: "avx512 avx2 baseline" */
    const char        *product;     /* "own", "openblas" or "onednn" */
    const char        *product_why; /* one line */
    const char *const *warnings;    /* what people should be told, one line each */
} stapes_machine;

/* Decides now what was not decided yet; that may load a library. [control] */
STAPES_EXPORT stapes_machine stapes_describe_machine(void);

/* One way to multiply, measured. Texts live as long as the process; those of a way that cannot be used are
 * "", its figures 0. GROWS */
typedef struct stapes_product_report {
    uint32_t    size;
    bool        usable, taken; /* taken: what stapes_describe_machine names */
    const char *name;          /* as STAPES_PRODUCT knows it */
    const char *title;         /* "OpenBLAS"; of the kit's own kernels "the kit's kernels" */
    const char *version;       /* "0.3.21" */
    const char *kernels;       /* what it uses here: "SkylakeX" */
    const char *choice;        /* who chose them, one line */
    const char *problem;       /* why it cannot be used, and what to do; or NULL */
    uint32_t    block;         /* rows that it always computes at once, 0: as many as there are */
    float       load_ms;       /* to load and to check it */
    uint64_t    memory;        /* bytes that it takes */
    float       few, many;     /* GFLOP/s of one thread, 8 and 512 rows by 640 inputs and 1,280 outputs */
} stapes_product_report;

/* The i-th way, whether taken or not, measured now: some 20 ms each, and it loads a library. False behind the
 * last. [control] */
STAPES_EXPORT bool stapes_measure_product(uint32_t i, stapes_product_report *report);

#ifdef __cplusplus
}
#endif
#endif
