/* resample_test.c - audio.resample through the runtime: tones stay tones and what cannot be kept is gone,
 * a click stays in its place, lengths are round(n * out / in), and nothing depends on how the audio was
 * cut. */
#include "check.h"
#include <stapes/runtime.h>

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

typedef struct result {
    float      *samples;
    size_t      count, room; /* samples, all channels */
    uint32_t    channels, rate;
    stapes_time start, expected; /* of the segment; where the next packet has to begin */
    bool        begun;
    unsigned    misplaced;
} result;

static int receive(void *user, const stapes_packet *packet)
{
    result *r = user;
    if (packet->kind != STAPES_AUDIO) return STAPES_OK;
    size_t more = (size_t)packet->rows * packet->columns;
    if (r->count + more > r->room) {
        r->room = 2 * (r->count + more);
        r->samples = realloc(r->samples, r->room * sizeof *r->samples);
    }
    memcpy(r->samples + r->count, packet->data, more * sizeof *r->samples);
    if (!r->begun) r->start = packet->start;
    r->begun = true;
    r->count += more;
    r->channels = packet->columns;
    r->rate = packet->format->rate;
    if (packet->start != r->start + stapes_time_of((int64_t)((r->count - more) / r->channels), r->rate))
        r->misplaced++;
    return STAPES_OK;
}

enum cut { WHOLE, ONES, PRIMES, RANDOM };

/* `frames` frames through audio.resample with these parameters, `segments` times the same. */
static result convert(const char *parameters, const float *in, size_t frames, uint32_t channels,
                      uint32_t rate, int cut, int segments, stapes_error *error)
{
    result          out = {0};
    char            text[300];
    unsigned        seed = 99;
    stapes_runtime *runtime = stapes_open_runtime(NULL, error);
    snprintf(text, sizeof text,
             "stages:\n  - app.audio\n  - convert: {use: audio.resample%s%s}\n  - end: {use: app.discard}\n",
             *parameters ? ", " : "", parameters);
    stapes_pipeline *pipeline = stapes_parse_pipeline(runtime, text, "test", error);
    int status = pipeline ? stapes_set_receiver(pipeline, "end", NULL, receive, &out, error) : STAPES_EUSAGE;
    for (int s = 0; s < segments && status == STAPES_OK; s++) {
        out.begun = s == 0 && out.begun;
        size_t before = out.count;
        for (size_t at = 0; at < frames && status == STAPES_OK;) {
            size_t piece = cut == WHOLE ? frames : cut == ONES ? 1 : cut == PRIMES ? 997 : 0;
            if (cut == RANDOM) piece = ((seed = seed * 1664525 + 1013904223) >> 20) + 1;
            if (piece > frames - at) piece = frames - at;
            status = stapes_push_audio(pipeline, in + at * channels, (uint32_t)piece, channels, rate, error);
            at += piece;
        }
        if (status == STAPES_OK) status = stapes_end_segment(pipeline, error);
        if (s > 0 && (out.count != 2 * before ||
                      memcmp(out.samples, out.samples + before, before * sizeof(float)) != 0))
            out.misplaced += 1000000;
    }
    if (status == STAPES_OK) status = stapes_end_audio(pipeline, error);
    CHECK((status == STAPES_OK) == (error->status == STAPES_OK));
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
    return out;
}

static float *tone(double frequency, uint32_t rate, size_t frames)
{
    float *samples = malloc(frames * sizeof *samples);
    for (size_t i = 0; i < frames; i++)
        samples[i] = (float)(0.5 * sin(2 * PI * frequency * (double)i / rate));
    return samples;
}

/* Power of the output beyond the ideal tone (frequency 0: none is wanted), in dB below a tone of that size.
 * The tone may come out a little smaller, by less than 0.02 dB (near the end of the pass band the filter
 * begins to fall); nothing may be added to it. */
static double error_db(const result *r, double frequency)
{
    const size_t edge = r->rate / 10;
    double       error = 0, same = 0, square = 0, gain = 0;
    for (size_t i = edge; frequency > 0 && i + edge < r->count; i++) {
        double ideal = 0.5 * sin(2 * PI * frequency * (double)i / r->rate);
        same += r->samples[i] * ideal;
        square += ideal * ideal;
    }
    if (frequency > 0) gain = same / square;
    CHECK(frequency <= 0 || fabs(20 * log10(gain)) < 0.02);
    for (size_t i = edge; i + edge < r->count; i++) {
        double ideal = frequency > 0 ? gain * 0.5 * sin(2 * PI * frequency * (double)i / r->rate) : 0;
        error += (r->samples[i] - ideal) * (r->samples[i] - ideal);
    }
    return 10 * log10(error / (double)(r->count - 2 * edge) / 0.125 + 1e-30);
}

static void test_rates(void)
{
    static const uint32_t rates[][2] = {{44100, 16000}, {48000, 16000}, {8000, 16000},  {192000, 16000},
                                        {16000, 44100}, {22050, 16000}, {96000, 48000}, {11025, 16000},
                                        {37800, 16000}, {16000, 8000}};
    for (size_t i = 0; i < STAPES_COUNT(rates); i++) {
        const uint32_t in = rates[i][0], out = rates[i][1], low = in < out ? in : out;
        const size_t   frames = in + in / 3 + 7;
        char           parameters[40];
        stapes_error   error = {0};
        snprintf(parameters, sizeof parameters, "rate: %u", out);
        static const double places[] = {0.02, 0.25, 0.45}; /* of the lower rate */
        for (size_t p = 0; p < 3; p++) {
            float *samples = tone(places[p] * low, in, frames);
            result r = convert(parameters, samples, frames, 1, in, PRIMES, 1, &error);
            double db = error_db(&r, places[p] * low);
            CHECK_TEXT(error.text, "");
            CHECK(r.rate == out && r.channels == 1 && r.misplaced == 0);
            CHECK(r.count == (frames * (uint64_t)out + in / 2) / in);
            if (db > -100)
                fprintf(stderr, "%u to %u Hz: %.0f Hz has an error of %.1f dB\n", in, out, places[p] * low,
                        db);
            CHECK(db < -100);
            free(r.samples);
            free(samples);
        }
        if (out < in) { /* what lies above the new Nyquist frequency is gone, not folded down */
            float *samples = tone(0.55 * out, in, frames);
            result r = convert(parameters, samples, frames, 1, in, PRIMES, 1, &error);
            double db = error_db(&r, 0);
            if (db > -100) fprintf(stderr, "%u to %u Hz: %.0f Hz leaves %.1f dB\n", in, out, 0.55 * out, db);
            CHECK(db < -100);
            free(r.samples);
            free(samples);
        }
    }
}

/* A click at a place that both rates have comes out there, and a segment of one sample has its length. */
static void test_places(void)
{
    enum { RATE = 44100, CLICK = 17640 }; /* 0.4 s: sample 6400 at 16 kHz */
    stapes_error error = {0};
    float       *samples = calloc(RATE, sizeof *samples);
    samples[CLICK] = 1;
    result r = convert("rate: 16000", samples, RATE, 1, RATE, RANDOM, 1, &error);
    size_t best = 0;
    for (size_t i = 0; i < r.count; i++)
        if (fabsf(r.samples[i]) > fabsf(r.samples[best])) best = i;
    CHECK(best == 6400 && r.count == 16000 && r.start == 0);
    /* linear phase: the same on both sides */
    for (size_t i = 1; i < 200; i++) CHECK(fabsf(r.samples[6400 - i] - r.samples[6400 + i]) < 1e-6f);
    free(r.samples);

    static const uint32_t lengths[] = {1, 2, 3, 100, 441, 442};
    for (size_t i = 0; i < STAPES_COUNT(lengths); i++) {
        r = convert("rate: 16000", samples, lengths[i], 1, RATE, WHOLE, 1, &error);
        CHECK(r.count == (lengths[i] * UINT64_C(16000) + RATE / 2) / RATE);
        free(r.samples);
    }
    CHECK_TEXT(error.text, "");
    free(samples);
}

static void test_cuts(void)
{
    enum { RATE = 48000, FRAMES = 30011 };
    float   *samples = malloc(2 * FRAMES * sizeof *samples);
    unsigned seed = 5;
    for (size_t i = 0; i < 2 * FRAMES; i++)
        samples[i] = (float)((seed = seed * 1664525 + 1013904223) >> 8) / 8388608.0f - 1.0f;
    static const char *const parameters[] = {"rate: 16000", "rate: 44100, channels: mix",
                                             "rate: 48000, channels: right", ""};
    for (size_t p = 0; p < STAPES_COUNT(parameters); p++) {
        stapes_error error = {0};
        result       whole = convert(parameters[p], samples, FRAMES, 2, RATE, WHOLE, 1, &error);
        CHECK(whole.count > 0 && whole.misplaced == 0);
        for (int cut = WHOLE; cut <= RANDOM; cut++) {
            result r = convert(parameters[p], samples, FRAMES, 2, RATE, cut, 1, &error);
            CHECK(r.count == whole.count && r.misplaced == 0);
            CHECK(r.count == whole.count && memcmp(r.samples, whole.samples, r.count * sizeof(float)) == 0);
            free(r.samples);
        }
        result twice = convert(parameters[p], samples, FRAMES, 2, RATE, PRIMES, 2, &error);
        CHECK(twice.count == 2 * whole.count && twice.misplaced < 1000000);
        free(twice.samples);
        CHECK_TEXT(error.text, "");
        free(whole.samples);
    }
    free(samples);
}

static void test_channels(void)
{
    const float  in[] = {0.25f, -0.5f, 0.125f, 1.0f, 0.5f, -0.25f};
    stapes_error error = {0};
    result       r = convert("channels: mix", in, 2, 3, 8000, ONES, 1, &error);
    CHECK(r.count == 2 && r.channels == 1 && fabsf(r.samples[0] + 0.125f / 3) < 1e-7f &&
          fabsf(r.samples[1] - 1.25f / 3) < 1e-7f);
    free(r.samples);
    r = convert("channels: 3", in, 2, 3, 8000, WHOLE, 1, &error);
    CHECK(r.count == 2 && r.samples[0] == 0.125f && r.samples[1] == -0.25f);
    free(r.samples);
    r = convert("channels: left", in, 6, 1, 8000, WHOLE, 1, &error);
    CHECK(r.count == 6 && memcmp(r.samples, in, sizeof in) == 0);
    free(r.samples);
    r = convert("channels: all", in, 2, 3, 8000, WHOLE, 1, &error);
    CHECK(r.count == 6 && r.channels == 3 && memcmp(r.samples, in, sizeof in) == 0);
    free(r.samples);
    CHECK_TEXT(error.text, "");

    r = convert("channels: right", in, 6, 1, 8000, WHOLE, 1, &error);
    CHECK_HAS(error.text, "channels: right: the input has 1 channel");
    free(r.samples);
    static const char *const bad[] = {"channels: both", "channels: 0", "channels: 1.5", "channels: ''"};
    for (size_t i = 0; i < STAPES_COUNT(bad); i++) {
        memset(&error, 0, sizeof error);
        r = convert(bad[i], in, 2, 3, 8000, WHOLE, 1, &error);
        CHECK(error.status == STAPES_EUSAGE);
        CHECK_HAS(error.text, "is none of all, mix, left, right, or a channel's number from 1");
        free(r.samples);
    }
}

int main(void)
{
    test_channels();
    test_places();
    test_cuts();
    test_rates();
    return check_done();
}
