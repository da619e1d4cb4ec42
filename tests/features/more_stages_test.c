/* more_stages_test.c - the stages features.mfcc, features.stft and features.deltas under a host of the tests'
 * own: the formats they state, what they refuse, a model of another kind, places of rows, gaps. */
#include "stage_bench.h"

#include <unistd.h>

static float noise[16000];
static bench one, two;

static void test_mfcc(const stapes_stage *stage)
{
    CHECK(begin(&one, stage, NULL) == STAPES_OK && configure(&one, 16000, 1) == STAPES_OK);
    CHECK(one.format.columns == 13 && one.format.hop == at(0.01));
    CHECK_HAS(one.format.recipe, "mfcc style=kaldi rate=16000 window=400 hop=160");
    CHECK_HAS(one.format.recipe, "ceps=13 lifter=22 energy=false");
    CHECK(one.bounds.latency == at(0.025) + 1);
    CHECK(push(&one, noise, 1600, at(2)) == STAPES_OK);
    CHECK(one.rows == 8 && one.starts[0] == at(2) && one.starts[7] == at(2.07));
    end(&one);

    CHECK(begin(&one, stage, "style", "librosa", "rate", "16000", NULL) == STAPES_OK);
    CHECK(configure(&one, 16000, 1) == STAPES_OK);
    CHECK(one.format.columns == 20 && one.bounds.latency == STAPES_WHOLE_SEGMENT);
    CHECK(push(&one, noise, 16000, at(1)) == STAPES_OK && one.rows == 0);
    CHECK(stage->flush(&one.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
    CHECK(one.rows == 32 && one.starts[0] == at(1) && one.starts[31] == at(1 + 31 * 0.032));
    end(&one);

    CHECK(begin(&one, stage, "style", "whisper", NULL) == STAPES_EUSAGE);
    CHECK_HAS(one.words, "style: whisper has no MFCC");
    end(&one);
    CHECK(begin(&one, stage, "ceps", "30", NULL) == STAPES_EUSAGE);
    CHECK_HAS(one.words, "30 coefficients of 23 mel filters");
    end(&one);
}

static void test_stft(const stapes_stage *stage)
{
    CHECK(begin(&one, stage, "style", "torchaudio", "values", "complex", NULL) == STAPES_OK);
    CHECK(configure(&one, 16000, 1) == STAPES_OK);
    CHECK(one.format.columns == 402 && one.format.hop == at(0.0125));
    CHECK_HAS(one.format.recipe, "stft style=torchaudio rate=16000 window=400 hop=200 fft=400");
    end(&one);
    CHECK(begin(&one, stage, NULL) == STAPES_OK);
    CHECK(configure(&one, 16000, 1) == STAPES_EFORMAT);
    CHECK_HAS(one.words, "the input has 16000 Hz, the features are made at 22050 Hz");
    end(&one);
    CHECK(begin(&one, stage, "values", "complex", "log", "db", NULL) == STAPES_EUSAGE);
    CHECK_HAS(one.words, "complex numbers have no logarithm here; take values: power or log: none");
    end(&one);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0);
    if (file) CHECK(fclose(file) == 0);
}

/* The features of a model are one stage's, and the others say whose. */
static void test_model(const stapes_stage *mfcc, const stapes_stage *logmel)
{
    char folder[] = "/tmp/stapes-kinds-XXXXXX", path[600];
    CHECK(mkdtemp(folder) != NULL);
    write_file(folder, "model.yaml",
               "stapes-model: 1\nname: tiny\nsummary: a test\nlicence: MIT\n"
               "features: {kind: mfcc, style: torchaudio, log: natural, offset: 1e-6, ceps: 13}\nnetwork:\n"
               "  - {layer: linear, name: head, in: 13, out: 3}\noutput: log_softmax\n"
               "vocabulary: vocabulary.txt\nblank: 0\n");
    write_file(folder, "vocabulary.txt", "<blank>\na\nb\n");
    CHECK(begin(&one, mfcc, "model", folder, NULL) == STAPES_OK);
    CHECK_TEXT(one.words, "");
    CHECK(configure(&one, 16000, 1) == STAPES_OK && one.format.columns == 13);
    CHECK_HAS(one.format.recipe, "mfcc style=torchaudio");
    CHECK_HAS(one.format.recipe, "log=natural floor=0 offset=1e-06 ceps=13 lifter=0");
    end(&one);
    CHECK(begin(&one, logmel, "model", folder, NULL) == STAPES_EUSAGE);
    CHECK_HAS(one.words, "are mfcc: take the stage features.mfcc");
    end(&one);
    static const char *const files[] = {"model.yaml", "vocabulary.txt"};
    for (uint32_t i = 0; i < STAPES_COUNT(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        CHECK(unlink(path) == 0);
    }
    CHECK(rmdir(folder) == 0);
}

/* rows (rows, 4) of frames */
static int push_frames(bench *b, const float *rows, uint32_t count, stapes_time start)
{
    stapes_packet packet = {
        .data = (void *)rows, .start = start, .kind = STAPES_FRAMES, .rows = count, .columns = 4};
    return b->stage->process(&b->me, 0, &packet);
}

static void test_deltas(const stapes_stage *stage)
{
    stapes_format in = {
        .size = sizeof in, .kind = STAPES_FRAMES, .columns = 4, .hop = at(0.01), .recipe = "x=1"};
    CHECK(begin(&one, stage, NULL) == STAPES_OK && configure_for(&one, &in) == STAPES_OK);
    CHECK(one.format.columns == 12 && one.format.hop == at(0.01) && one.bounds.latency == at(0.04));
    CHECK_TEXT(one.format.recipe, "x=1 deltas=kaldi width=5 order=2 keep=true");
    CHECK(push_frames(&one, noise, 20, at(3)) == STAPES_OK && one.rows == 16);
    CHECK(push_frames(&one, noise + 80, 10, at(3.2)) == STAPES_OK && one.rows == 26);
    CHECK(stage->flush(&one.me, STAPES_FLUSH_SEGMENT) == STAPES_OK && one.rows == 30);
    for (uint32_t i = 0; i < 30; i++) {
        CHECK(one.starts[i] == at(3) + i * at(0.01));
        CHECK(!memcmp(one.values + i * 12, noise + i * 4, 4 * sizeof *noise));
    }
    end(&one);

    /* behind a gap no row looks back across it: the same as two segments */
    CHECK(begin(&one, stage, "style", "librosa", NULL) == STAPES_OK && configure_for(&one, &in) == STAPES_OK);
    CHECK(one.bounds.latency == at(0.08));
    CHECK(push_frames(&one, noise, 20, 0) == STAPES_OK);
    CHECK(push_frames(&one, noise + 80, 20, at(0.26)) == STAPES_OK);
    CHECK(stage->flush(&one.me, STAPES_FLUSH_END) == STAPES_OK);
    CHECK(begin(&two, stage, "style", "librosa", NULL) == STAPES_OK && configure_for(&two, &in) == STAPES_OK);
    CHECK(push_frames(&two, noise, 20, 0) == STAPES_OK);
    CHECK(stage->flush(&two.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
    CHECK(push_frames(&two, noise + 80, 20, at(0.26)) == STAPES_OK);
    CHECK(stage->flush(&two.me, STAPES_FLUSH_END) == STAPES_OK);
    CHECK(one.rows == 40 && two.rows == 40 && one.starts[20] == at(0.26));
    CHECK(!memcmp(one.values, two.values, 40 * 12 * sizeof(float)));
    CHECK(!memcmp(one.starts, two.starts, 40 * sizeof *one.starts));
    end(&one);
    end(&two);

    in.recipe = NULL;
    CHECK(begin(&one, stage, "keep", "false", "order", "1", "width", "3", NULL) == STAPES_OK);
    CHECK(configure_for(&one, &in) == STAPES_OK && one.format.columns == 4);
    CHECK_TEXT(one.format.recipe, "frames deltas=kaldi width=3 order=1 keep=false");
    in.hop = 0;
    CHECK(configure_for(&one, &in) == STAPES_EFORMAT);
    CHECK_HAS(one.words, "the input's rows lie on no grid (hop 0)");
    end(&one);
    CHECK(begin(&one, stage, "width", "6", NULL) == STAPES_EUSAGE);
    CHECK_HAS(one.words, "width of 6 rows: allowed are odd numbers from 3 to 255");
    end(&one);
}

int main(void)
{
    const stapes_stage *mfcc = find_stage("features.mfcc"), *stft = find_stage("features.stft");
    const stapes_stage *deltas = find_stage("features.deltas"), *logmel = find_stage("features.logmel");
    unsigned            seed = 7;
    if (!mfcc || !stft || !deltas || !logmel) return check_done();
    for (size_t i = 0; i < STAPES_COUNT(noise); i++) {
        seed = seed * 1664525u + 1013904223u;
        noise[i] = (float)(seed >> 8) / (float)(1u << 24) - 0.5f;
    }
    test_mfcc(mfcc);
    test_stft(stft);
    test_model(mfcc, logmel);
    test_deltas(deltas);
    return check_done();
}
