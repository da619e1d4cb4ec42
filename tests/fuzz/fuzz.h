/* fuzz.h - what a fuzz target defines: one input, any bytes. Returns 0. Whatever the bytes are, it may
 * not crash, leak, hang or grow without bounds. */
#ifndef ST_FUZZ_H
#define ST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
