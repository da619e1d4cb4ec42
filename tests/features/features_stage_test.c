/* features_stage_test.c - the stage features.logmel under a host of the tests' own: the format it states,
 * what it refuses, places of rows, gaps, segments, settings of a model. */
#include "stage_bench.h"

#include <sys/stat.h>
#include <unistd.h>

static float        noise[40000];
static const float  zeros[40000];
static bench        one, two;
static const double ms = 0.001;

static void test_format(const stapes_stage *stage)
{
    CHECK(begin(&one, stage, "style", "kaldi", "mels", "80", "normalize", "utterance", "stack", "3", NULL) ==
          STAPES_OK);
    CHECK(configure(&one, 16000, 1) == STAPES_OK);
    CHECK(one.format.columns == 240 && one.format.hop == at(30 * ms));
    CHECK(one.bounds.latency == STAPES_WHOLE_SEGMENT);
    CHECK_HAS(one.format.recipe, "logmel style=kaldi rate=16000 window=400 hop=160");
    CHECK_HAS(one.format.recipe, "normalize=utterance pad=0 stack=3 stride=3");
    CHECK(configure(&one, 44100, 1) == STAPES_EFORMAT);
    CHECK_TEXT(one.words,
               "the input has 44100 Hz, the features are made at 16000 Hz: insert audio.resample: {rate: "
               "16000}");
    *one.words = 0;
    CHECK(configure(&one, 16000, 2) == STAPES_EFORMAT);
    CHECK_TEXT(one.words, "the input has 2 channels, the features are made of one: insert audio.resample: "
                          "{channels: mix}");
    end(&one);

    CHECK(begin(&one, stage, "style", "librosa", NULL) == STAPES_OK);
    CHECK(configure(&one, 22050, 1) == STAPES_OK);
    CHECK(one.format.columns == 128 && one.format.hop == 512 * (STAPES_SECOND / 22050));
    CHECK(one.bounds.latency >= stapes_time_of(1024, 22050) &&
          one.bounds.latency < stapes_time_of(1030, 22050));
    end(&one);

    CHECK(begin(&one, stage, "fft", "300", NULL) == STAPES_EUSAGE);
    CHECK_HAS(one.words,
              "fft of 300 samples is shorter than the window of 400 (25 ms): set fft to 512 or more");
    end(&one);
    CHECK(begin(&one, stage, "style", "torchaudio", NULL) == STAPES_OK);
    CHECK_HAS(one.logged,
              "of 128 mel filters hold no line of an FFT of 400 points: take fewer mels or a larger fft");
    end(&one);
}

/* Rows lie where their samples do, in each segment anew. */
static void test_places(const stapes_stage *stage)
{
    CHECK(begin(&one, stage, "mels", "20", NULL) == STAPES_OK && configure(&one, 16000, 1) == STAPES_OK);
    CHECK(push(&one, noise, 1000, at(3)) == STAPES_OK);
    CHECK(push(&one, noise + 1000, 600, at(3) + stapes_time_of(1000, 16000)) == STAPES_OK);
    CHECK(one.rows == 8);
    CHECK(stage->flush(&one.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
    for (uint32_t i = 0; i < 8; i++) CHECK(one.starts[i] == at(3 + i * 10 * ms));
    CHECK(push(&one, noise, 1600, at(7)) == STAPES_OK);
    CHECK(one.rows == 16 && one.starts[8] == at(7) &&
          !memcmp(one.values, one.values + 160, 160 * sizeof(float)));
    end(&one);
    CHECK(begin(&one, stage, "mels", "20", "style", "whisper", "pad", "0.5", NULL) == STAPES_OK);
    CHECK(configure(&one, 16000, 1) == STAPES_OK);
    CHECK(push(&one, noise, 16000, at(1)) == STAPES_OK && one.rows == 0);
    CHECK(stage->flush(&one.me, STAPES_FLUSH_END) == STAPES_OK);
    CHECK(one.rows == 50 && one.starts[0] == at(1) && one.starts[49] == at(1.49));
    CHECK_TEXT(one.logged, "a segment of 1.0 s was cut to 0.5 s (pad): 0.5 s are lost");
    end(&one);
}

/* What is missing is silence: the same as if it had been sent. */
static void test_gaps(const stapes_stage *stage)
{
    CHECK(begin(&one, stage, "mels", "20", NULL) == STAPES_OK && configure(&one, 16000, 1) == STAPES_OK);
    CHECK(push(&one, noise, 5000, 0) == STAPES_OK);
    CHECK(push(&one, noise + 5000, 5000, stapes_time_of(25000, 16000)) == STAPES_OK);
    end(&one);
    CHECK(begin(&two, stage, "mels", "20", NULL) == STAPES_OK && configure(&two, 16000, 1) == STAPES_OK);
    CHECK(push(&two, noise, 5000, 0) == STAPES_OK);
    CHECK(push(&two, zeros, 20000, stapes_time_of(5000, 16000)) == STAPES_OK);
    CHECK(push(&two, noise + 5000, 5000, stapes_time_of(25000, 16000)) == STAPES_OK);
    CHECK(one.rows == two.rows && one.rows == 186);
    CHECK(!memcmp(one.values, two.values, one.rows * 20 * sizeof(float)));
    CHECK(!memcmp(one.starts, two.starts, one.rows * sizeof *one.starts));
    CHECK(push(&two, noise, 16, at(7200)) == STAPES_EINPUT);
    CHECK_HAS(two.words, "7198 s are missing inside a segment, allowed is an hour: end it before");
    end(&two);
}

/* Resamplers round: less than half a hop is no gap, not even in many small steps; more is one. */
static void test_rounding(const stapes_stage *stage)
{
    for (int late = 79; late <= 80; late++) {
        bench *b = late == 79 ? &one : &two;
        CHECK(begin(b, stage, "mels", "20", NULL) == STAPES_OK && configure(b, 16000, 1) == STAPES_OK);
        CHECK(push(b, noise, 1600, 0) == STAPES_OK);
        CHECK(push(b, noise + 1600, 1600, stapes_time_of(1600 + late / 2, 16000)) == STAPES_OK);
        CHECK(push(b, noise + 3200, 1600, stapes_time_of(3200 + late, 16000)) == STAPES_OK);
        CHECK(push(b, noise + 4800, 1600, stapes_time_of(4800 - 30, 16000)) == STAPES_OK);
        end(b);
    }
    static bench whole;
    CHECK(begin(&whole, stage, "mels", "20", NULL) == STAPES_OK && configure(&whole, 16000, 1) == STAPES_OK);
    CHECK(push(&whole, noise, 6400, 0) == STAPES_OK);
    end(&whole);
    size_t size = whole.rows * 20 * sizeof(float);
    CHECK(whole.rows == 38 && one.rows == 38 && two.rows == 39);
    CHECK(!memcmp(one.values, whole.values, size) && memcmp(two.values, whole.values, size) != 0);
}

/* Nothing, one sample, less than a window: no rows, no harm, whatever the style. */
static void test_short(const stapes_stage *stage)
{
    static const char *const styles[] = {"kaldi", "whisper"};
    for (uint32_t k = 0; k < STAPES_COUNT(styles); k++) {
        CHECK(begin(&one, stage, "mels", "20", "style", styles[k], NULL) == STAPES_OK);
        CHECK(configure(&one, 16000, 1) == STAPES_OK);
        CHECK(stage->flush(&one.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
        CHECK(push(&one, noise, 1, 0) == STAPES_OK &&
              stage->flush(&one.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
        CHECK(push(&one, noise, 159, at(1)) == STAPES_OK &&
              stage->flush(&one.me, STAPES_FLUSH_END) == STAPES_OK);
        CHECK(one.rows == 0);
        end(&one);
    }
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0);
    if (file) CHECK(fclose(file) == 0);
}

static void write_model(const char *folder, const char *features)
{
    char text[600];
    (void)snprintf(text, sizeof text,
                   "stapes-model: 1\nname: tiny\nsummary: a test\nlicence: MIT\nfeatures: %s\nnetwork:\n"
                   "  - {layer: linear, name: head, in: 20, out: 3}\noutput: log_softmax\n"
                   "vocabulary: vocabulary.txt\nblank: 0\n",
                   features);
    write_file(folder, "model.yaml", text);
    write_file(folder, "vocabulary.txt", "<blank>\na\nb\n");
}

/* A model's settings are taken; what the pipeline sets goes before them. */
static void test_model(const stapes_stage *stage)
{
    char        folder[] = "/tmp/stapes-features-XXXXXX", path[600];
    struct stat about;
    CHECK(mkdtemp(folder) != NULL);
    write_model(folder, "{style: whisper, mels: 20, normalize: none}");
    CHECK(begin(&one, stage, "model", folder, "hop", "20", NULL) == STAPES_OK);
    CHECK_TEXT(one.words, "");
    CHECK(configure(&one, 16000, 1) == STAPES_OK);
    CHECK_HAS(one.format.recipe, "style=whisper rate=16000 window=400 hop=320 ");
    CHECK_HAS(one.format.recipe, " mels=20 ");
    CHECK_HAS(one.format.recipe, " normalize=none ");
    end(&one);
    write_model(folder, "{style: whisper, mells: 20}");
    CHECK(begin(&one, stage, "model", folder, NULL) == STAPES_EMODEL);
    CHECK_HAS(one.words,
              "model.yaml:5: features: 'mells' is no option of the features; there are kind, style, rate,");
    end(&one);
    static const char *const files[] = {"model.yaml", "vocabulary.txt"};
    for (uint32_t i = 0; i < STAPES_COUNT(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        CHECK(unlink(path) == 0);
    }
    CHECK(rmdir(folder) == 0);
    CHECK(begin(&one, stage, "model", folder, NULL) < 0);
    CHECK_HAS(one.words, folder);
    CHECK(stat(folder, &about) != 0);
    end(&one);
}

int main(void)
{
    const stapes_stage *stage = find_stage("features.logmel");
    unsigned            seed = 7;
    if (!stage) return check_done();
    for (size_t i = 0; i < STAPES_COUNT(noise); i++) {
        seed = seed * 1664525u + 1013904223u;
        noise[i] = (float)(seed >> 8) / (float)(1u << 24) - 0.5f;
    }
    test_format(stage);
    test_places(stage);
    test_gaps(stage);
    test_rounding(stage);
    test_short(stage);
    test_model(stage);
    return check_done();
}
