/* npy_file.c - see npy_file.h. Data is written as the machine has it, and the header says which end is
 * first. */
#include "npy_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 128 };

static int fail(const npy_file *npy, stapes_error *error)
{
    error->status = STAPES_ESYSTEM;
    (void)snprintf(error->text, sizeof error->text, "%s: cannot be written: %s", npy->output->path,
                   strerror(errno));
    return STAPES_ESYSTEM;
}

static size_t row_bytes(const npy_file *npy)
{
    return (size_t)npy->columns * (npy->type == NPY_FLOAT32 ? sizeof(float) : 1);
}

static int write_header(npy_file *npy, stapes_error *error)
{
    const uint16_t one = 1;
    char           header[HEADER + 1];
    bool           little = *(const unsigned char *)&one == 1;
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = HEADER - 10; /* length of the rest, low byte first */
    header[9] = 0;
    int n = snprintf(header + 10, HEADER - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ", %u), }",
                     npy->type == NPY_BYTES ? "|u1"
                     : little               ? "<f4"
                                            : ">f4",
                     npy->rows, npy->columns);
    memset(header + 10 + n, ' ', (size_t)(HEADER - 11 - n));
    header[HEADER - 1] = '\n';
    return stapes_write_output(npy->output, header, HEADER, error);
}

int npy_begin(npy_file *npy, stapes_output *output, uint32_t type, uint32_t columns, stapes_error *error)
{
    *npy = (npy_file){.output = output, .columns = columns, .type = type, .begun = true};
    return write_header(npy, error);
}

int npy_write(npy_file *npy, const void *data, uint32_t rows, stapes_error *error)
{
    int status = stapes_write_output(npy->output, data, rows * row_bytes(npy), error);
    if (status >= 0) npy->rows += rows;
    return status;
}

int npy_cut(npy_file *npy, uint64_t rows, stapes_error *error)
{
    off_t end = (off_t)(HEADER + rows * row_bytes(npy));
    if (ftruncate(npy->output->fd, end) != 0 || lseek(npy->output->fd, end, SEEK_SET) < 0)
        return fail(npy, error);
    npy->rows = rows;
    return STAPES_OK;
}

int npy_end(npy_file *npy, stapes_error *error)
{
    if (lseek(npy->output->fd, 0, SEEK_SET) < 0) return fail(npy, error);
    return write_header(npy, error);
}
