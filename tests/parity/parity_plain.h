/* parity_plain.h - the layers of a case written out once more in double precision, with noise where a
 * quantised form rounds: how far apart may results be that were rounded at these places?
 *
 * A quantised form rounds each weight to the nearest step, and int8 each number of an input row of a product,
 * too. Rounding errors lie evenly between minus and plus half a step, and are as good as random; their way
 * through a recurrent network has no bound worth having (worst cases grow with each step of time), but it can
 * be drawn: all roundings are replaced by random numbers of that size, several times. The half steps are
 *
 *   F16, BF16   2^(e - 11), 2^(e - 8) for a weight of 2^e <= |w| < 2^(e+1); of F16 not below 2^-25
 *   I8          weights: the output's largest |w| / 254; rows: the row's largest |x| / 254
 *
 * The answer of a form is one more such draw. Its largest distance from the reference may be three times that
 * of the furthest draw, and the root of the mean square over output.y, which scatters less, 1.4 times the
 * largest of the draws'. To both comes what the case allows single precision. So a step of another size, a
 * scale that is missing or of another output, or a row that is rounded too coarsely is seen. There are eight
 * draws, and 64 of cases that are small: there the largest of few draws of few numbers may be small by
 * chance. */
#ifndef PARITY_PLAIN_H
#define PARITY_PLAIN_H

#include "parity_case.h"

/* How far apart results may be. */
typedef struct parity_allowance {
    double largest; /* each output and state */
    double typical; /* output.y, root of the mean square */
} parity_allowance;

/* Whether a case has weights, and so has quantised forms. */
bool parity_has_forms(const parity_case *c);

/* What the form `number` (STAPES_I8, STAPES_BF16, STAPES_F16) of the case `name` is allowed; on failure the
 * error says why. Also computes the case without noise, and fails where that does not meet the reference:
 * what is derived from a wrong computation is worth nothing. */
parity_allowance parity_derive(const char *place, const char *name, uint32_t number, stapes_error *error);

#endif
