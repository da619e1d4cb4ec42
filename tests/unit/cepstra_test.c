/* cepstra_test.c - MFCC and short-time spectra of the kit: options and recipes, refusals, lengths and cuts,
 * latency, what top_db holds back, silence, numbers that are none. That the values are those of other
 * programs is checked against tests/reference. */
#include "features_run.h"

static result one, two;

static void test_recipes(void)
{
    CHECK_TEXT(recipe_of("kind=mfcc"),
               "mfcc style=kaldi rate=16000 window=400 hop=160 fft=512 window_type=povey padding=none "
               "remove_dc=true preemphasis=0.97 mels=23 low=20 high=8000 scale=htk norm=none triangles=mel "
               "power=2 log=natural floor=1.1920929e-07 offset=0 ceps=13 lifter=22 energy=false "
               "normalize=none pad=0 stack=1 stride=1");
    CHECK_HAS(recipe_of("kind=mfcc style=librosa"),
              "log=db floor=1e-10 offset=0 top_db=80 ceps=20 lifter=0 energy=false");
    CHECK_HAS(recipe_of("kind=mfcc style=torchaudio"), "top_db=80 ceps=40 lifter=0");
    CHECK_HAS(recipe_of("kind=mfcc style=torchaudio log=natural offset=1e-6"),
              "log=natural floor=0 offset=1e-06 ceps=40");
    CHECK_HAS(recipe_of("kind=mfcc energy=true energy_floor=1"), "energy=true energy_floor=1 ");
    CHECK_TEXT(recipe_of("kind=stft"),
               "stft style=librosa rate=22050 window=2048 hop=512 fft=2048 window_type=hann_periodic "
               "padding=zero remove_dc=false preemphasis=0 values=magnitude log=none normalize=none pad=0 "
               "stack=1 stride=1");
    CHECK_HAS(recipe_of("kind=stft log=db top_db=60"), "log=db floor=1e-05 offset=0 top_db=60 ");
    CHECK_HAS(recipe_of("kind=stft log=db values=power"), "log=db floor=1e-10 offset=0 normalize");
    CHECK(!strstr(recipe_of("log=db"), "top_db"));
    stapes_features_settings s = settings_of("kind=stft values=complex fft=400 style=torchaudio stack=2");
    CHECK(stapes_features_columns(&s) == 2 * 2 * 201);
    s = settings_of("kind=stft fft=441 style=torchaudio");
    CHECK(stapes_features_columns(&s) == 221);
    s = settings_of("kind=mfcc ceps=7 stack=3");
    CHECK(stapes_features_columns(&s) == 21);
}

static void test_refusals(void)
{
    static const char *const wrong[][2] = {
        {"kind=mffc", "kind: 'mffc' is none of logmel|mfcc|stft"},
        {"kind=mfcc style=whisper", "style: whisper has no MFCC; allowed are kaldi, torchaudio and librosa"},
        {"kind=mfcc ceps=24", "24 coefficients of 23 mel filters: allowed are 1 to as many as there are"},
        {"kind=mfcc top_db=80", "top_db 80 with log: natural: it is meant for log: db"},
        {"kind=mfcc normalize=whisper", "normalize: whisper is for log-mel, this is mfcc"},
        {"kind=mfcc energy=2", "energy: '2' is neither true nor false"},
        {"kind=mfcc lifter=-1", "lifter: -1 is out of range"},
        {"kind=stft values=complex log=db",
         "values: complex with log: db: complex numbers have no logarithm"},
        {"kind=stft values=phase", "values: 'phase' is none of magnitude|power|complex"},
    };
    for (uint32_t i = 0; i < STAPES_COUNT(wrong); i++) {
        stapes_error             error = {0};
        stapes_features_settings s;
        CHECK(resolve(wrong[i][0], &s, &error) == STAPES_EUSAGE);
        CHECK_HAS(error.text, wrong[i][1]);
    }
}

static const char *const all[] = {
    "kind=mfcc",
    "kind=mfcc energy=true mels=40 ceps=40 lifter=0",
    "kind=mfcc style=librosa rate=16000 fft=512 hop=10",
    "kind=mfcc style=librosa rate=16000 fft=512 hop=10 energy=true normalize=running span=0.2 warmup=0.1",
    "kind=mfcc style=torchaudio mels=40 normalize=utterance stack=2",
    "kind=mfcc normalize=running span=0.2 warmup=0.1",
    "kind=stft style=torchaudio fft=128",
    "kind=stft style=torchaudio fft=150 values=complex",
    "kind=stft style=kaldi values=power fft=600",
    "kind=stft style=torchaudio fft=128 values=power log=db top_db=40 pad=0.3",
    "log=db top_db=30",
};

/* Every cut gives the same bits, also of nothing and of one sample; all of it finite. */
static void test_cuts(void)
{
    static const size_t lengths[] = {0, 1, 300, 401, 6000};
    static float        x[6000];
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = 0.3f * noise();
    for (size_t c = 0; c < STAPES_COUNT(all); c++) {
        for (size_t k = 0; k < STAPES_COUNT(lengths); k++) {
            stapes_features_settings s = settings_of(all[c]);
            int                      before = check_failures;
            compute(&s, x, lengths[k], lengths[k] + 1, &one);
            CHECK(lengths[k] < 6000 || one.rows > 10);
            compute(&s, x, lengths[k], 0, &two);
            CHECK(equal(&one, &two));
            compute(&s, x, lengths[k], 1, &two);
            CHECK(equal(&one, &two));
            for (size_t i = 0; i < one.rows * one.columns; i++)
                if (!isfinite(one.values[i])) {
                    CHECK(isfinite(one.values[i]));
                    break;
                }
            if (check_failures > before) fprintf(stderr, "  with %s, %zu samples\n", all[c], lengths[k]);
        }
    }
}

/* The first and the last of what the filters give; with as many coefficients as filters the transform keeps
 * lengths, as an orthonormal one does. */
static void test_transform(void)
{
    static float x[4000];
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = 0.3f * noise();
    stapes_features_settings s = settings_of("mels=23"), c = settings_of("kind=mfcc ceps=23 lifter=0");
    compute(&s, x, 4000, 500, &one);
    compute(&c, x, 4000, 500, &two);
    CHECK(one.rows == two.rows && one.columns == two.columns);
    for (size_t t = 0; t < one.rows; t++) {
        double squares[2] = {0}, sum = 0;
        for (size_t k = 0; k < 23; k++) {
            double a = (double)one.values[t * 23 + k], b = (double)two.values[t * 23 + k];
            squares[0] += a * a;
            squares[1] += b * b;
            sum += a;
        }
        CHECK(fabs(squares[0] - squares[1]) < 1e-5 * squares[0]);
        CHECK(fabs((double)two.values[t * 23] - sum / sqrt(23)) < 1e-4);
    }
    s = settings_of("kind=mfcc ceps=13 lifter=22");
    compute(&s, x, 4000, 500, &one);
    for (size_t t = 0; t < one.rows; t++)
        for (size_t k = 0; k < 13; k++) {
            double plain = (double)two.values[t * 23 + k],
                   lift = 1 + 11 * sin(3.14159265358979 * (double)k / 22);
            CHECK(fabs((double)one.values[t * 13 + k] - lift * plain) < 1e-4);
        }
}

/* A segment's greatest value holds the others up, and only once the segment has ended. */
static void test_top_db(void)
{
    static float             x[16000];
    stapes_features_settings s = settings_of("log=db mels=20 top_db=25"),
                             plain = settings_of("log=db mels=20");
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = (i < 8000 ? 0.5f : 1e-4f) * noise();
    CHECK(stapes_features_latency(&s) == INT64_MAX && stapes_features_latency(&plain) < 1000);
    compute(&plain, x, 16000, 700, &one);
    compute(&s, x, 16000, 700, &two);
    float  greatest = -INFINITY;
    size_t held = 0;
    for (size_t i = 0; i < one.rows * one.columns; i++) greatest = fmaxf(greatest, one.values[i]);
    for (size_t i = 0; i < one.rows * one.columns; i++) {
        CHECK(two.values[i] == fmaxf(one.values[i], greatest - 25.0f));
        held += two.values[i] > one.values[i];
    }
    CHECK(held > one.rows * one.columns / 3 && held < one.rows * one.columns);
}

/* NaN and infinity stay in the rows whose windows hold them; huge and tiny samples give numbers. */
static void test_not_finite(void)
{
    static float             clean[8000], bad[8000];
    static const char *const some[] = {"kind=mfcc", "kind=mfcc energy=true",
                                       "kind=stft style=kaldi values=complex"};
    for (size_t i = 0; i < STAPES_COUNT(clean); i++) bad[i] = clean[i] = 0.1f * noise();
    bad[3000] = NAN;
    bad[6000] = INFINITY;
    for (size_t c = 0; c < STAPES_COUNT(some); c++) {
        stapes_features_settings s = settings_of(some[c]);
        compute(&s, clean, 2000, 500, &one);
        compute(&s, bad, 8000, 500, &two);
        CHECK(!memcmp(one.values, two.values, one.rows * one.columns * sizeof(float)));
        compute(&s, bad, 8000, 77, &one);
        for (size_t t = 0; t < one.rows; t++) {
            bool hit = (t * 160 <= 3000 && 3000 < t * 160 + 400) || (t * 160 <= 6000 && 6000 < t * 160 + 400);
            CHECK(isnan(one.values[t * one.columns]) == hit);
            /* the last number of a complex row is the imaginary part of a real line: 0 */
            CHECK(isnan(one.values[(t + 1) * one.columns - 2]) == hit);
        }
    }
    stapes_features_settings top = settings_of("kind=mfcc style=librosa rate=16000 fft=400 hop=10");
    compute(&top, bad, 8000, 100, &two);
    size_t finite = 0;
    for (size_t t = 0; t < two.rows; t++) finite += isfinite(two.values[t * 20]) ? 1 : 0;
    CHECK(finite >= two.rows - 8 && finite < two.rows);
    for (int loud = 0; loud < 2; loud++) {
        for (size_t i = 0; i < STAPES_COUNT(clean); i++) clean[i] = (loud ? 1e15f : 1e-42f) * noise();
        for (size_t c = 0; c < STAPES_COUNT(all); c++) {
            stapes_features_settings s = settings_of(all[c]);
            compute(&s, clean, 3000, 500, &one);
            bool numbers = true;
            for (size_t i = 0; i < one.rows * one.columns; i++) numbers = numbers && isfinite(one.values[i]);
            CHECK(numbers);
            if (!numbers) fprintf(stderr, "  with %s, %s\n", all[c], loud ? "loud" : "quiet");
        }
    }
}

int main(void)
{
    test_recipes();
    test_refusals();
    test_cuts();
    test_transform();
    test_top_db();
    test_not_finite();
    return check_done();
}
