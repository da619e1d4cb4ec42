/* whisper_logmel_test.c - the pipeline audio.file ! features.logmel gives Whisper's log-mel of a recording,
 * padded to 30 s, within 1e-3 of what openai/whisper computed. The data are not part of the repository. */
#include "check.h"

#include <stapes/kit.h>
#include <stapes/runtime.h>

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { MELS = 80, ROWS = 3000 };

typedef struct heard {
    uint32_t rows, packets;
    float    values[ROWS * MELS];
} heard;

static heard found;

static int receive(void *user, const stapes_packet *packet)
{
    heard *h = user;
    if (packet->kind != STAPES_FRAMES) return STAPES_OK;
    CHECK(packet->columns == MELS && packet->start == h->rows * STAPES_SECOND / 100);
    if (packet->columns != MELS || packet->rows > ROWS - h->rows) return STAPES_ECONTRACT;
    memcpy(h->values + (size_t)h->rows * MELS, packet->data, (size_t)packet->rows * MELS * sizeof(float));
    h->rows += packet->rows;
    h->packets++;
    return STAPES_OK;
}

static void run(const char *recording)
{
    stapes_error     error = {0};
    stapes_runtime  *runtime = stapes_open_runtime(NULL, &error);
    stapes_pipeline *pipeline = NULL;
    if (runtime)
        pipeline = stapes_parse_pipeline(
            runtime, "audio.file ! features.logmel style=whisper pad=30 ! app.discard", "whisper", &error);
    CHECK(pipeline != NULL);
    if (pipeline) {
        CHECK(stapes_set_option(pipeline, "file.path", recording, &error) == STAPES_OK);
        CHECK(stapes_set_receiver(pipeline, "logmel", NULL, receive, &found, &error) == STAPES_OK);
        CHECK(stapes_run_pipeline(pipeline, &error) == STAPES_OK);
    }
    CHECK_TEXT(error.text, "");
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
}

int main(void)
{
    const char *shared = getenv("STAPES_SHARED");
    char        recording[1024], expected[1024];
    if (!shared) shared = STAPES_SOURCE_DIR "/../shared";
    (void)snprintf(recording, sizeof recording, "%s/models/silero-vad/jfk-16k.flac", shared);
    (void)snprintf(expected, sizeof expected, "%s/models/whisper-tiny.en-blocks/expected-jfk.safetensors",
                   shared);
    if (access(recording, R_OK) != 0 || access(expected, R_OK) != 0) {
        printf("skipped: %s is not there\n", access(recording, R_OK) != 0 ? recording : expected);
        return 77;
    }
    run(recording);
    CHECK(found.rows == ROWS && found.packets == 1);

    stapes_error         error = {0};
    stapes_tensors      *tensors = stapes_open_tensors(expected, &error);
    const uint64_t       shape[2] = {MELS, ROWS};
    const stapes_tensor *mel = tensors ? stapes_expect_tensor(tensors, "log_mel", 2, shape, &error) : NULL;
    static float         theirs[MELS * ROWS];
    CHECK_TEXT(error.text, "");
    CHECK(mel && stapes_convert_tensor(mel, 0, MELS * ROWS, theirs));
    double worst = 0;
    for (uint32_t t = 0; mel && t < ROWS; t++) {
        for (uint32_t m = 0; m < MELS; m++) {
            double far = fabs((double)found.values[t * MELS + m] - (double)theirs[m * ROWS + t]);
            if (!(far <= worst)) worst = far;
        }
    }
    printf("largest difference from openai/whisper: %.2g\n", worst);
    CHECK(worst < 1e-3);
    stapes_close_tensors(tensors);
    return check_done();
}
