/* embed.c - stapes inside a program: reads a WAV file itself, pushes its audio into a pipeline in small
 * pieces as a microphone would, and gets words back by callback while it does. Ctrl-C cancels.
 *
 *   embed FILE.wav [PIPELINE.yaml]     16-bit PCM; the pipeline begins with app.audio, and its last
 *                                      stage is called "text"
 */
#include <stapes/runtime.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static stapes_pipeline *pipeline; /* for the signal handler, which may call nothing but cancel */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    stapes_cancel_pipeline(pipeline);
}

/* A line for people, from a stage. */
static void on_message(void *user, int level, const char *from, const char *text)
{
    (void)user;
    if (level >= STAPES_WARNING) fprintf(stderr, "%s: %s\n", from, text);
}

/* Called with each text: partial ones may still change, a final one closes its segment. */
static int on_text(void *user, const stapes_packet *packet)
{
    unsigned *count = user;
    if (packet->kind != STAPES_TEXT) return STAPES_OK; /* events come here too */
    const stapes_text *text = packet->data;
    if (!text->final) {
        fprintf(stderr, "\r... %s", text->text);
        return STAPES_OK;
    }
    printf("%8.2f s  %s\n", stapes_seconds(packet->start), text->text);
    for (uint32_t i = 0; i < text->n_words; i++)
        printf("%8.2f s    %s\n", stapes_seconds(text->words[i].start), text->words[i].text);
    fflush(stdout);
    ++*count;
    return STAPES_OK; /* a negative status would stop the pipeline */
}

static unsigned number(const unsigned char *bytes, int count)
{
    unsigned value = 0;
    while (count-- > 0) value = value << 8 | bytes[count];
    return value;
}

/* The header of a WAV file with 16-bit samples; false if it is something else. */
static bool read_header(FILE *file, uint32_t *rate, uint32_t *channels)
{
    unsigned char head[12], chunk[8], format[16] = {0};
    if (fread(head, 1, 12, file) != 12 || memcmp(head, "RIFF", 4) || memcmp(head + 8, "WAVE", 4))
        return false;
    while (fread(chunk, 1, 8, file) == 8 && memcmp(chunk, "data", 4) != 0) {
        unsigned bytes = number(chunk + 4, 4), skip = bytes + (bytes & 1);
        if (memcmp(chunk, "fmt ", 4) == 0 && bytes >= 16) {
            if (fread(format, 1, 16, file) != 16) return false;
            skip -= 16;
        }
        if (fseek(file, (long)skip, SEEK_CUR) != 0) return false;
    }
    *channels = number(format + 2, 2);
    *rate = number(format + 4, 4);
    return number(format + 14, 2) == 16 && *channels >= 1 && *channels <= 8 && *rate > 0 && !feof(file);
}

/* Everything in the file, 100 ms at a time. */
static int push_file(FILE *file, uint32_t rate, uint32_t channels, stapes_error *error)
{
    static unsigned char bytes[16000 * 2];
    static float         samples[16000];
    size_t               frame = 2 * (size_t)channels, piece = rate / 10 + 1;
    int                  status = STAPES_OK;
    if (piece > sizeof bytes / frame) piece = sizeof bytes / frame;
    for (size_t got; status == STAPES_OK && (got = fread(bytes, frame, piece, file)) > 0;) {
        for (size_t i = 0; i < got * channels; i++) {
            int value = (int)number(bytes + 2 * i, 2);
            samples[i] = (float)(value < 32768 ? value : value - 65536) / 32768.0f;
        }
        status = stapes_push_audio(pipeline, samples, (uint32_t)got, channels, rate, error);
    }
    /* One segment here; a program that knows where speech pauses ends one at each pause. */
    if (status == STAPES_OK) status = stapes_end_segment(pipeline, error);
    if (status == STAPES_OK) status = stapes_end_audio(pipeline, error);
    return status;
}

int main(int argc, char **argv)
{
    const stapes_runtime_options options = {.size = sizeof options, .message = on_message};
    stapes_error                 error = {0};
    stapes_runtime              *runtime = NULL;
    unsigned                     texts = 0;
    uint32_t                     rate, channels;
    FILE                        *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (argc < 2 || argc > 3) {
        fputs("usage: embed FILE.wav [PIPELINE.yaml]\n", stderr);
        return 2;
    }
    if (!file) {
        perror(argv[1]);
        return 1;
    }
    if (!read_header(file, &rate, &channels)) {
        fprintf(stderr, "%s: is no WAV file of 16-bit samples\n", argv[1]);
        fclose(file);
        return 1;
    }
    runtime = stapes_open_runtime(&options, &error);
    if (runtime) pipeline = stapes_load_pipeline(runtime, argc > 2 ? argv[2] : "./embed.yaml", &error);
    if (pipeline && stapes_set_receiver(pipeline, "text", NULL, on_text, &texts, &error) == STAPES_OK) {
        signal(SIGINT, on_interrupt);
        push_file(file, rate, channels, &error);
        signal(SIGINT, SIG_DFL);
    }
    if (error.status)
        fprintf(stderr, "%s\n", error.text);
    else
        fprintf(stderr, "%u text%s\n", texts, texts == 1 ? "" : "s");
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
    fclose(file);
    return error.status == STAPES_ECANCELED ? 130 : error.status ? 1 : 0;
}
