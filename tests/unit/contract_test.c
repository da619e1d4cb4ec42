/* contract_test.c - time, error records, arenas and formats of core/contract. */
#include "check.h"
#include "contract/arena.h"
#include "contract/error.h"
#include "contract/format.h"

#include <stdint.h>

int main(void)
{
    /* time: exact where the rate divides a second of flicks, without overflow for a year of audio */
    const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000};
    for (uint32_t i = 0; i < STAPES_COUNT(rates); i++) {
        CHECK(STAPES_SECOND % rates[i] == 0);
        CHECK(stapes_time_of(rates[i], rates[i]) == STAPES_SECOND);
        CHECK(stapes_time_of((int64_t)rates[i] * 31536000 + 1, rates[i]) ==
              STAPES_SECOND * 31536000 + STAPES_SECOND / rates[i]);
    }
    CHECK(stapes_time_of(1, 37800) == STAPES_SECOND / 37800);

    stapes_error error = {0};
    CHECK(st_error_set(&error, STAPES_EMODEL, "tensor '%s' is missing", "a") == STAPES_EMODEL);
    CHECK(st_error_set(&error, STAPES_ENOMEM, "later") == STAPES_ENOMEM);
    CHECK(st_error_within(&error, "%s:%d", "asr.yaml", 4) == STAPES_EMODEL);
    CHECK_TEXT(error.text, "asr.yaml:4: tensor 'a' is missing");
    CHECK(st_error_set(NULL, STAPES_EINPUT, "nobody listens") == STAPES_EINPUT);

    st_arena arena = {0};
    for (size_t size = 0; size < 10000; size += 777) {
        unsigned char *piece = st_arena_take(&arena, size, 1);
        CHECK(piece && (uintptr_t)piece % 64 == 0);
        for (size_t i = 0; i < size; i++) CHECK(piece[i] == 0);
        memset(piece, 255, size);
    }
    CHECK(st_arena_take(&arena, SIZE_MAX / 2, 4) == NULL);
    CHECK_TEXT(st_arena_format(&arena, "%d and %s", 3, "four"), "3 and four");
    st_arena_close(&arena);

    char          text[200];
    stapes_format a = {.size = sizeof a, .kind = STAPES_AUDIO, .columns = 2, .rate = 44100}, b = a;
    CHECK(st_format_equal(&a, &b));
    b.columns = 1;
    CHECK(!st_format_equal(&a, &b));
    CHECK_TEXT(st_format_text(&a, text, sizeof text), "audio, 44100 Hz, 2 channels");
    a = (stapes_format){.size = sizeof a, .kind = STAPES_FRAMES, .columns = 80, .hop = STAPES_SECOND / 100};
    CHECK_TEXT(st_format_text(&a, text, sizeof text), "frames, 80 features every 10 ms, no recipe");
    a.recipe = "logmel mels=80 log=natural";
    CHECK_TEXT(st_format_text(&a, text, sizeof text), "frames, 80 features every 10 ms, logmel");
    CHECK_TEXT(
        st_format_kinds_text(STAPES_KIND(STAPES_AUDIO) | STAPES_KIND(STAPES_FRAMES), text, sizeof text),
        "audio or frames");
    return check_done();
}
