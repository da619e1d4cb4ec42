/* shape.h - the shapes of windows. */
#ifndef ST_SHAPE_H
#define ST_SHAPE_H

#include <stdint.h>

/* shape (n) = scale * the window's; type is an enum stapes_features_window. */
void st_shape_fill(int32_t type, double scale, double *shape, uint32_t n);

#endif
