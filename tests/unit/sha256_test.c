/* sha256_test.c - the examples of FIPS 180-4, and lengths about the block's edge against sha256sum. */
#include "check.h"
#include <stapes/kit.h>

#include <stdlib.h>

int main(void)
{
    char text[STAPES_HASH_TEXT];
    CHECK_TEXT(stapes_hash_bytes("", 0, text),
               "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_TEXT(stapes_hash_bytes("abc", 3, text),
               "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_TEXT(stapes_hash_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, text),
               "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");

    char *million = malloc(1000000);
    CHECK(million != NULL);
    if (!million) return check_done();
    memset(million, 'a', 1000000);
    CHECK_TEXT(stapes_hash_bytes(million, 1000000, text),
               "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK_TEXT(stapes_hash_bytes(million, 55, text),
               "sha256:9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    CHECK_TEXT(stapes_hash_bytes(million, 64, text),
               "sha256:ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    free(million);
    return check_done();
}
