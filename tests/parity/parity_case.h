/* parity_case.h - one reference case as a folder holds it: case.json and case.safetensors.
 *
 * Asking for a parameter or tensor that the case lacks notes a failure in the case and answers with
 * zero or NULL; a runner asks for all it needs, looks at parity_failed once, and then computes.
 */
#ifndef PARITY_CASE_H
#define PARITY_CASE_H

#include <stapes/kit.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct parity_case parity_case;

/* What came out of a case. */
typedef struct parity_result {
    bool   covered;     /* stapes-parity knows the kind and has these parameters */
    bool   met;         /* every output within its tolerance, every id equal */
    bool   has_ids;     /* sequences of integers were compared ... */
    bool   ids_equal;   /* ... and were the same */
    double largest;     /* largest |ours - reference| */
    double share;       /* largest |ours - reference| / allowed; above 1 is not met */
    char   words[1020]; /* why not covered or not met; empty otherwise */
} parity_result;

/* A tensor of floats, with the numbers copied to aligned memory of the case. */
typedef struct parity_tensor {
    float *data; /* NULL: there is none */
    size_t count;
    size_t shape[STAPES_TENSOR_RANK];
} parity_tensor;

/* Opens `folder`/`name`. NULL on failure, the words are in error. Close with parity_close. */
parity_case *parity_open(const char *folder, const char *name, stapes_error *error);
void         parity_close(parity_case *c);

/* The word in "kind". */
const char *parity_kind(const parity_case *c);

/* Members of "parameters". */
uint32_t    parity_integer(parity_case *c, const char *name);
double      parity_number(parity_case *c, const char *name);
bool        parity_flag(parity_case *c, const char *name);
const char *parity_word(parity_case *c, const char *name);

/* The float32 tensor of that name and rank; of parity_try also none, without failure. */
parity_tensor parity_get(parity_case *c, const char *name, uint32_t rank);
parity_tensor parity_try(parity_case *c, const char *name, uint32_t rank);

/* The int32 or int64 tensor of that name as a list; parity_count of an absent one is 0. */
const int64_t *parity_integers(parity_case *c, const char *name, size_t *count);
size_t         parity_count(const parity_case *c, const char *name);

/* Weights, for functions of the kit that look for theirs. */
const stapes_tensors *parity_tensors(const parity_case *c);

/* From now on parity_tensors gives the weights quantised to `number` (STAPES_I8, STAPES_BF16, STAPES_F16),
 * and answers may be further from the reference: each by `largest`, and output.y in the root of the mean
 * square by `typical`. False, with words in the failure record: not possible. */
bool parity_quantize(parity_case *c, uint32_t number, double largest, double typical);

/* Memory of the case: zeroed, aligned to 64, freed with it. Ends the program without memory. */
void *parity_memory(parity_case *c, size_t count, size_t size);

/* The failure record, for functions of the kit; its words, unless it holds some; true once it does. */
stapes_error *parity_error(parity_case *c);
void          parity_fail(parity_case *c, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);
bool          parity_failed(const parity_case *c);

/* Compares `count` values with the tensor `name`, element by element, and notes what is found. */
void parity_compare(parity_case *c, parity_result *result, const char *name, const float *ours, size_t count);

/* The same for integers, which must be equal. */
void parity_compare_ids(parity_case *c, parity_result *result, const char *name, const int64_t *ours,
                        size_t count);

#endif
