/* lanes_baseline.c - lanes_body.h compiled for this path; the flags are in core/kit/CMakeLists.txt. */
#define PATH baseline
#include "kit/features/lanes_body.h"
