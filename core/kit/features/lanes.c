/* lanes.c - the table of the path that this process takes. */
#include "kit/features/lanes.h"

#include "kit/product/kernel/kernels.h"

#include <string.h>

const st_lanes *st_lanes_find(const char *name)
{
    const st_lanes *const all[] = {
#ifdef __x86_64__
        &st_lanes_avx512, &st_lanes_avx2,
#endif
        &st_lanes_baseline};
    if (!st_kernels_find(name)) return NULL;
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i]->name, name)) return all[i];
    return NULL;
}

const st_lanes *st_lanes_get(void)
{
    const st_lanes *lanes = st_lanes_find(st_kernels_get()->name);
    return lanes ? lanes : &st_lanes_baseline;
}
