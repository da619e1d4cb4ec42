/* npy_file.h - a matrix of float32 or bytes written row by row as NumPy's .npy, version 1.0. The header
 * tells the number of rows, which is known at the end: it is written twice, at a fixed length. */
#ifndef NPY_FILE_H
#define NPY_FILE_H

#include <stapes/kit.h>

enum npy_type { NPY_FLOAT32 = 0, NPY_BYTES = 1 };

typedef struct npy_file {
    stapes_output *output; /* begun by the caller, nothing written */
    uint32_t       columns, type;
    uint64_t       rows;
    bool           begun;
} npy_file;

/* Each returns STAPES_OK, or a status with words in error. */
int npy_begin(npy_file *npy, stapes_output *output, uint32_t type, uint32_t columns, stapes_error *error);
int npy_write(npy_file *npy, const void *data, uint32_t rows, stapes_error *error);

/* Forgets the rows behind the first `rows`. */
int npy_cut(npy_file *npy, uint64_t rows, stapes_error *error);

/* The header as it is now. The output is the caller's to end. */
int npy_end(npy_file *npy, stapes_error *error);

#endif
