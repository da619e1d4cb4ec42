/* hash.h - SHA-256 (FIPS 180-4), for the hash of a vocabulary. */
#ifndef STAPES_KIT_HASH_H
#define STAPES_KIT_HASH_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STAPES_HASH_TEXT = 7 + 64 + 1 };

/* "sha256:" and 64 hexadecimal digits of `bytes` bytes, as stapes_format.vocabulary has it. Returns text.
 * [any] */
STAPES_EXPORT char *stapes_hash_bytes(const void *data, size_t bytes, char text[STAPES_HASH_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
