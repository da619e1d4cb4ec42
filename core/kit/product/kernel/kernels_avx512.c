/* kernels_avx512.c - kernel_body.h compiled for this path; the flags are in core/kit/CMakeLists.txt. */
#define PATH avx512
#include "kit/product/kernel/kernel_body.h"
