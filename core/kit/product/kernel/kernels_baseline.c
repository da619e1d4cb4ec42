/* kernels_baseline.c - kernel_body.h compiled for this path; the flags are in core/kit/CMakeLists.txt. */
#define PATH baseline
#include "kit/product/kernel/kernel_body.h"
