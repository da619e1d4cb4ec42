/* amount.c - see amount.h. */
#include "contract/amount.h"

#include <stdio.h>

const char *st_amount_write(uint64_t bytes, char text[ST_AMOUNT_TEXT])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double                   value = (double)bytes;
    unsigned                 unit = 0;
    while (value >= 1000.0 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000.0;
        unit++;
    }
    (void)snprintf(text, ST_AMOUNT_TEXT, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}
