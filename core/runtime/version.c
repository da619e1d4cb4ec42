/* version.c - which stapes this is. */
#include <stapes/runtime.h>

const char *stapes_version(void) { return STAPES_VERSION; }
