/* tensors_writer.h - the begin of a safetensors file; what reads it again is safetensors.c. */
#ifndef ST_TENSORS_WRITER_H
#define ST_TENSORS_WRITER_H

#include "contract/arena.h"
#include <stapes/kit/tensors.h>

/* Fills in count and bytes from number, rank and shape. False where they are beyond 64 bits. */
bool st_tensors_writer_measure(stapes_tensor *tensor);

/* Length and header of a file that holds these tensors (name, number, rank, shape, count, bytes), their data
 * one behind the other in this order; the data begin at a multiple of 64 bytes. In the arena; its bytes in
 * *size, the bytes of all data in *data. NULL: no memory, or the sum is beyond 64 bits. */
char *st_tensors_writer_header(const stapes_tensor *tensors, uint32_t count, st_arena *arena, size_t *size,
                               uint64_t *data);

#endif
