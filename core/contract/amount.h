/* amount.h - amounts of memory as people read them. */
#ifndef ST_AMOUNT_H
#define ST_AMOUNT_H

#include <stdint.h>

enum { ST_AMOUNT_TEXT = 32 };

/* "512 bytes", "8.4 MB": units of 1000. Returns text. */
const char *st_amount_write(uint64_t bytes, char text[ST_AMOUNT_TEXT]);

#endif
