/* fuzz_pipeline.c - pipeline files. */
#include "fuzz.h"
#include "fuzz_graph.h"
#include "pipeline/oneliner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    if (!st_oneliner_is(text)) fuzz_graph(text);
    free(text);
    return 0;
}
