/* lanes_avx512.c - lanes_body.h compiled for this path; the flags are in core/kit/CMakeLists.txt. */
#define PATH avx512
#include "kit/features/lanes_body.h"
