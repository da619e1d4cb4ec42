/* logmel_test.c - the log-mel of the kit: options and recipe, lengths and ends, the same bits for every cut,
 * normalisation and stacking. That the values are those of other programs is checked against
 * tests/reference. */
#include "features_run.h"

#include "kit/features/normalize.h"

static result one, two;

static void test_recipes(void)
{
    CHECK_TEXT(
        recipe_of("mels=80 normalize=utterance rate=16000 stack=3 stride=3 style=kaldi"),
        "logmel style=kaldi rate=16000 window=400 hop=160 fft=512 window_type=povey padding=none "
        "remove_dc=true preemphasis=0.97 mels=80 low=20 high=8000 scale=htk norm=none triangles=mel power=2 "
        "log=natural floor=1.1920929e-07 offset=0 normalize=utterance pad=0 stack=3 stride=3");
    CHECK_TEXT(
        recipe_of("style=whisper pad=30"),
        "logmel style=whisper rate=16000 window=400 hop=160 fft=400 window_type=hann_periodic "
        "padding=reflect remove_dc=false preemphasis=0 mels=80 low=0 high=8000 scale=slaney norm=slaney "
        "triangles=hertz power=2 log=log10 floor=1e-10 offset=0 normalize=whisper pad=480000 stack=1 "
        "stride=1");
    CHECK_HAS(recipe_of("style=librosa"), "rate=22050 window=2048 hop=512 fft=2048 window_type=hann_periodic "
                                          "padding=zero");
    CHECK_HAS(recipe_of("style=torchaudio"), "window=400 hop=200 fft=400");
    CHECK_HAS(recipe_of("style=torchaudio window=50 rate=8000"), "window=400 hop=200 fft=400");
    CHECK_HAS(recipe_of("style=kaldi rate=22050"), "window=551 hop=220 fft=1024");
    CHECK_HAS(recipe_of("style=librosa hop=23.219954"), "hop=512 ");
    CHECK_HAS(recipe_of("style=kaldi center=true"), "padding=mirror");
    CHECK_HAS(recipe_of("style=kaldi high=-400"), "high=7600 ");
    CHECK_HAS(recipe_of("offset=1e-6"), "floor=0 offset=1e-06");
    CHECK_HAS(recipe_of("normalize=running"), "normalize=running span=600 warmup=100");
    CHECK_HAS(recipe_of("stack=4"), "stack=4 stride=4");
    char a[STAPES_RECIPE_TEXT];
    (void)snprintf(a, sizeof a, "%s", recipe_of("mels=40"));
    CHECK_TEXT(recipe_of("mels=40 high=8000 window=25 fft=512 log=natural"), a);

    stapes_features_settings longest =
        settings_of("style=torchaudio rate=767999 mels=1023 fft=262144 window=100");
    longest.window_type = STAPES_WINDOW_HAMMING_PERIODIC;
    longest.preemphasis = longest.floor = longest.offset = longest.low = 1.23456789e-30f;
    longest.normalize = STAPES_NORMALIZE_RUNNING;
    longest.span = longest.warmup = 999999;
    longest.pad = 2764800000u;
    CHECK_HAS(stapes_features_recipe(&longest, a), "stride=1");
    CHECK(strlen(a) < STAPES_RECIPE_TEXT - 64);
}

static void test_refusals(void)
{
    static const char *const wrong[][2] = {
        {"mel=80", "'mel' is no option of the features; there are kind, style, rate, window"},
        {"style=kaldy", "style: 'kaldy' is none of kaldi|whisper|torchaudio|librosa"},
        {"mels=eighty", "mels: 'eighty' is no number"},
        {"mels=", "mels: '' is no number"},
        {"mels=80.5", "mels: 80.5 is no whole number"},
        {"mels=5000", "mels: 5000 is out of range, allowed are 0 to 1024"},
        {"window=-3", "window: -3 is out of range, allowed are 0 to 10000 ms"},
        {"remove_dc=perhaps", "remove_dc: 'perhaps' is neither true nor false"},
        {"low=nan", "low: 'nan' is no number"},
        {"fft=256", "fft of 256 samples is shorter than the window of 400 (25 ms): set fft to 512 or more"},
        {"low=5000 high=4000", "filters from 5000 to 4000 Hz: low must be below high"},
        {"high=9000", "high at most half the rate, 8000"},
        {"high=-9000", "low must be below high"},
        {"floor=0", "floor 0 and offset 0"},
        {"padding=reflect", "padding: reflect without center"},
        {"style=whisper center=false padding=zero", "padding: zero with center: false"},
        {"rate=50", "rate 50 Hz: allowed are 100 to 768000"},
        {"hop=0.001", "hop of 0 samples"},
        {"window=0.05", "window of 0 samples"},
        {"normalize=running span=0.5 warmup=1", "warmup 1 to span + 1"},
    };
    for (uint32_t i = 0; i < STAPES_COUNT(wrong); i++) {
        stapes_error             error = {0};
        stapes_features_settings s;
        CHECK(resolve(wrong[i][0], &s, &error) == STAPES_EUSAGE);
        CHECK_HAS(error.text, wrong[i][1]);
    }
}

static void test_merge(void)
{
    stapes_features_options  a, b;
    stapes_features_settings s;
    stapes_features_options_init(&a);
    stapes_features_options_init(&b);
    CHECK(stapes_features_options_set(&a, "style", "whisper", NULL) == STAPES_OK);
    CHECK(stapes_features_options_set(&a, "mels", "128", NULL) == STAPES_OK);
    CHECK(stapes_features_options_set(&b, "mels", "40", NULL) == STAPES_OK);
    CHECK(stapes_features_options_set(&b, "center", "false", NULL) == STAPES_OK);
    stapes_features_options_merge(&a, &b);
    CHECK(stapes_features_resolve(&a, &s, NULL) == STAPES_OK);
    CHECK(s.style == STAPES_FEATURES_WHISPER && s.mels == 40 && s.padding == STAPES_PADDING_NONE);
}

/* Rows for a number of samples, and that every cut gives the same bits. */
static void test_lengths(void)
{
    static const struct {
        const char *settings;
        size_t      samples, rows;
    } cases[] = {
        {"style=kaldi", 0, 0},
        {"style=kaldi", 1, 0},
        {"style=kaldi", 399, 0},
        {"style=kaldi", 400, 1},
        {"style=kaldi", 559, 1},
        {"style=kaldi", 560, 2},
        {"style=kaldi", 16000, 98},
        {"style=kaldi center=true", 0, 0},
        {"style=kaldi center=true", 1, 0},
        {"style=kaldi center=true", 80, 1},
        {"style=kaldi center=true", 1000, 6},
        {"style=kaldi center=true", 16000, 100},
        {"style=kaldi center=true padding=reflect", 16000, 101},
        {"style=whisper", 1, 0},
        {"style=whisper", 160, 1},
        {"style=whisper", 16000, 100},
        {"style=whisper pad=2", 1, 200},
        {"style=whisper pad=1", 20000, 100},
        {"style=whisper pad=1", 0, 0},
        {"style=torchaudio mels=40", 0, 0},
        {"style=torchaudio mels=40", 1, 1},
        {"style=torchaudio mels=40", 2, 1},
        {"style=torchaudio mels=40", 199, 1},
        {"style=torchaudio mels=40", 200, 2},
        {"style=torchaudio mels=40 hop=100", 9000, 6},
        {"style=librosa mels=40", 300, 1},
        {"style=librosa mels=40", 22050, 44},
        {"style=librosa mels=40 center=false", 2047, 0},
        {"style=kaldi hop=100", 20000, 13},
        {"style=kaldi center=true hop=100", 20000, 13},
        {"style=kaldi mels=20 stack=3 stride=2", 16000, 48},
        {"style=kaldi mels=20 stack=3", 16000, 32},
        {"style=kaldi mels=20 stack=2 stride=5", 16000, 20},
        {"style=kaldi normalize=running span=0.2 warmup=0.1", 16000, 98},
        {"style=kaldi normalize=running", 8000, 48},
        {"style=kaldi normalize=utterance mels=20 stack=4", 16000, 24},
    };
    static float x[22050];
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = 0.3f * noise();
    for (size_t i = 0; i < STAPES_COUNT(cases); i++) {
        stapes_features_settings s = settings_of(cases[i].settings);
        int                      before = check_failures;
        compute(&s, x, cases[i].samples, cases[i].samples + 1, &one);
        CHECK(one.rows == cases[i].rows);
        compute(&s, x, cases[i].samples, 0, &two);
        CHECK(equal(&one, &two));
        compute(&s, x, cases[i].samples, 1, &two);
        CHECK(equal(&one, &two));
        for (size_t k = 0; k < one.rows * one.columns; k++)
            if (!isfinite(one.values[k])) {
                CHECK(isfinite(one.values[k]));
                break;
            }
        if (check_failures > before)
            fprintf(stderr, "  with %s, %zu samples: %zu rows\n", cases[i].settings, cases[i].samples,
                    one.rows);
    }
}

/* A row is out once `latency` samples after its place were pushed, and not held any longer. */
static void test_latency(void)
{
    static const char *const all[] = {"style=kaldi",
                                      "style=kaldi mels=20 stack=3 stride=2",
                                      "style=kaldi center=true",
                                      "style=torchaudio mels=40",
                                      "style=kaldi normalize=running warmup=0.1",
                                      "style=whisper normalize=none",
                                      "style=whisper normalize=none hop=20"};
    static float             x[12000];
    for (size_t c = 0; c < STAPES_COUNT(all); c++) {
        stapes_features_settings s = settings_of(all[c]);
        stapes_features         *l = stapes_features_open(&s, NULL);
        int64_t                  latency = stapes_features_latency(&s), rows = 0, worst = 0;
        CHECK(l && latency > 0);
        for (int64_t n = 1; l && n <= 12000; n++) {
            CHECK(stapes_features_push(l, &x[n - 1], 1) == STAPES_OK);
            while (stapes_features_ready(l)) {
                int64_t late = n - rows * stapes_features_step(&s);
                if (late > worst) worst = late;
                rows += (int64_t)stapes_features_pull(l, one.values, 1);
            }
        }
        CHECK(rows > 5);
        CHECK(worst == latency);
        if (worst != latency)
            fprintf(stderr, "  %s: worst %lld, declared %lld\n", all[c], (long long)worst,
                    (long long)latency);
        stapes_features_close(l);
    }
    stapes_features_settings whole = settings_of("normalize=utterance");
    CHECK(stapes_features_latency(&whole) == INT64_MAX);
}

/* A NaN stays in the rows whose windows hold it. */
static void test_not_finite(void)
{
    static float clean[8000], bad[8000];
    for (size_t i = 0; i < STAPES_COUNT(clean); i++) bad[i] = clean[i] = 0.1f * noise();
    bad[3000] = NAN;
    bad[6000] = INFINITY;
    stapes_features_settings s = settings_of("style=kaldi mels=20");
    compute(&s, clean, 8000, 500, &one);
    compute(&s, bad, 8000, 500, &two);
    CHECK(one.rows == two.rows);
    for (size_t t = 0; t < one.rows; t++) {
        bool hit = (t * 160 <= 3000 && 3000 < t * 160 + 400) || (t * 160 <= 6000 && 6000 < t * 160 + 400);
        bool same = !memcmp(one.values + t * 20, two.values + t * 20, 20 * sizeof(float));
        CHECK(same != hit);
        CHECK(isnan(two.values[t * 20]) == hit);
    }
    static const char *const normalized[] = {"mels=20 normalize=utterance",
                                             "mels=20 normalize=running warmup=0.2", "mels=20 style=whisper"};
    for (size_t c = 0; c < STAPES_COUNT(normalized); c++) {
        s = settings_of(normalized[c]);
        compute(&s, bad, 8000, 500, &two);
        size_t finite = 0;
        for (size_t t = 0; t < two.rows; t++) finite += isfinite(two.values[t * 20]) ? 1 : 0;
        CHECK(finite >= two.rows - 6 && finite < two.rows);
    }
}

static void test_silence(void)
{
    static float             zeros[16000];
    stapes_features_settings s = settings_of("style=kaldi mels=20");
    compute(&s, zeros, 16000, 333, &one);
    for (size_t i = 0; i < one.rows * one.columns; i++) CHECK(one.values[i] == logf(1.1920929e-07f));
    s = settings_of("style=whisper");
    compute(&s, zeros, 16000, 333, &one);
    for (size_t i = 0; i < one.rows * one.columns; i++) CHECK(one.values[i] == -1.5f);
    s = settings_of("style=kaldi mels=20 normalize=utterance");
    compute(&s, zeros, 16000, 333, &one);
    for (size_t i = 0; i < one.rows * one.columns; i++) CHECK(one.values[i] == 0.0f);
}

/* Normalised rows have mean 0 and variance 1; the running ones equal the definition, computed plainly. */
static void test_normalization(void)
{
    enum { ROWS = 50, COLUMNS = 3, SPAN = 12, WARMUP = 7 };
    float  x[ROWS * COLUMNS], y[ROWS * COLUMNS];
    double work[3 * COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = 5.0f + (float)(i % COLUMNS) * noise();
    memcpy(y, x, sizeof y);
    st_normalize_utterance(y, ROWS, COLUMNS, work);
    for (int c = 0; c < COLUMNS; c++) {
        double sum = 0, squares = 0;
        for (int t = 0; t < ROWS; t++) {
            sum += (double)y[t * COLUMNS + c];
            squares += (double)y[t * COLUMNS + c] * (double)y[t * COLUMNS + c];
        }
        CHECK(fabs(sum / ROWS) < 1e-6);
        CHECK(c == 0 ? squares == 0.0 : fabs(squares / ROWS - 1.0) < 1e-5);
    }

    st_running *running = st_running_open(COLUMNS, SPAN, WARMUP);
    CHECK(running != NULL);
    for (int lap = 0; running && lap < 2; lap++) {
        int out = 0;
        for (int t = 0; t < ROWS; t++) {
            uint32_t due = st_running_push(running, x + t * COLUMNS);
            CHECK(due == (t + 1 < WARMUP ? 0u : t + 1 == WARMUP ? WARMUP : 1u));
            st_running_pull(running, y + out * COLUMNS);
            out += (int)due;
        }
        CHECK(out == ROWS && st_running_flush(running) == 0);
        st_running_reset(running);
    }
    st_running_close(running);
    for (int t = 0; t < ROWS; t++) {
        int from = t - SPAN > 0 ? t - SPAN : 0, to = t + 1 < WARMUP ? WARMUP : t + 1;
        for (int c = 1; c < COLUMNS; c++) {
            double sum = 0, squares = 0, mean;
            for (int k = from; k < to; k++) sum += (double)x[k * COLUMNS + c];
            mean = sum / (to - from);
            for (int k = from; k < to; k++) squares += pow((double)x[k * COLUMNS + c] - mean, 2);
            double expected = ((double)x[t * COLUMNS + c] - mean) / sqrt(squares / (to - from));
            CHECK(fabs((double)y[t * COLUMNS + c] - expected) < 1e-5);
        }
    }
}

/* Stacking puts rows side by side, and one instance serves segment after segment. */
static void test_stacking(void)
{
    static float x[9000];
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = noise();
    stapes_features_settings plain = settings_of("mels=16"),
                             stacked = settings_of("mels=16 stack=3 stride=2");
    compute(&plain, x, 9000, 100, &one);
    stapes_features *l = stapes_features_open(&stacked, NULL);
    CHECK(l != NULL);
    for (int lap = 0; l && lap < 3; lap++) {
        segment(l, &stacked, x, 9000, lap ? 0 : 777, &two);
        CHECK(two.rows == 1 + (one.rows - 3) / 2);
        for (size_t t = 0; t < two.rows; t++)
            CHECK(!memcmp(two.values + t * 48, one.values + t * 32, 48 * sizeof(float)));
    }
    stapes_features_close(l);
}

static void test_cut_and_empty(void)
{
    static float             x[20000];
    stapes_features_settings s = settings_of("style=whisper pad=1");
    stapes_features         *l = stapes_features_open(&s, NULL);
    CHECK(l && stapes_features_push(l, x, 20000) == STAPES_OK && stapes_features_cut(l) == 4000);
    CHECK(l && stapes_features_empty_filters(l) == 0);
    stapes_features_close(l);
    s = settings_of("style=torchaudio");
    l = stapes_features_open(&s, NULL);
    CHECK(l && stapes_features_empty_filters(l) > 0);
    stapes_features_close(l);
    stapes_features_close(NULL);
}

int main(void)
{
    test_recipes();
    test_refusals();
    test_merge();
    test_lengths();
    test_latency();
    test_not_finite();
    test_silence();
    test_normalization();
    test_stacking();
    test_cut_and_empty();
    return check_done();
}
