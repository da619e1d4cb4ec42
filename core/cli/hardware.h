/* hardware.h - what this machine is, for figures and for `stapes doctor`. */
#ifndef ST_HARDWARE_H
#define ST_HARDWARE_H

#include <stddef.h>

/* "AMD EPYC 9B14, 2 cores, Linux 6.1.0". Returns text. */
char *st_hardware_text(char *text, size_t size);

/* The instruction sets that matter to stages: "sse4.2 avx2 fma avx512f ...". Returns text. */
char *st_hardware_features(char *text, size_t size);

/* Bytes of memory that the machine has. */
unsigned long long st_hardware_memory(void);

#endif
