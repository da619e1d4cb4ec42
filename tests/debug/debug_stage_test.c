/* debug_stage_test.c - debug.dump and debug.show under a host of this file's own: what they write is what
 * passed, and is there whole or not at all; everything is passed on. */
#include "check.h"

#include <stapes/stage.h>

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <png.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a host ----------------------------------------------------------------------------------------------
 */

typedef struct bench {
    const stapes_stage *stage;
    stapes_instance     me;
    char                words[1024];
    uint32_t            emitted, retained;
    stapes_format       in, out;
} bench;

STAPES_FORMAT_CHECK(3, 4) static int fail(const stapes_instance *me, int status, const char *format, ...)
{
    bench  *b = me->runtime;
    va_list arguments;
    va_start(arguments, format);
    if (!*b->words) (void)vsnprintf(b->words, sizeof b->words, format, arguments);
    va_end(arguments);
    return status;
}

static int emit(const stapes_instance *me, uint32_t port, stapes_packet *packet)
{
    bench *b = me->runtime;
    CHECK(port == 0 && packet->kind == b->in.kind);
    b->emitted++;
    return STAPES_OK;
}

static void retain(const stapes_packet *packet)
{
    ((bench *)(void *)(uintptr_t)packet->format->recipe)->retained++;
}

static const stapes_host host = {.size = sizeof host, .fail = fail, .emit = emit, .retain = retain};

static char folder[] = "/tmp/stapes-debug-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[4][600];
    static int  next;
    char       *text = path[next++ % 4];
    (void)snprintf(text, sizeof path[0], "%s/%s", folder, name);
    return text;
}

/* The settings by their rows; path and model are the text ones. */
static int begin(bench *b, const stapes_stage *stage, const char *path, uint32_t width, uint32_t height)
{
    *b = (bench){.stage = stage};
    b->me = (stapes_instance){.host = &host, .name = "debug", .runtime = b};
    b->me.settings = calloc(1, stage->settings_size);
    b->me.state = calloc(1, stage->state_size);
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = &stage->parameters[i];
        char                   *field = (char *)b->me.settings + row->offset;
        const char             *text = !strcmp(row->name, "path") ? path : "";
        if (row->type == STAPES_STRING) memcpy(field, &text, sizeof text);
        if (!strcmp(row->name, "width")) memcpy(field, &width, sizeof width);
        if (!strcmp(row->name, "height")) memcpy(field, &height, sizeof height);
    }
    return stage->open(&b->me);
}

static int configure(bench *b, uint32_t kind, uint32_t columns, uint32_t rate, stapes_time hop)
{
    /* retain finds its way back through the recipe */
    b->in = (stapes_format){.size = sizeof b->in, .kind = kind, .columns = columns, .rate = rate, .hop = hop};
    b->out = (stapes_format){.size = sizeof b->out};
    const stapes_format *const inputs[] = {&b->in};
    stapes_format *const       outputs[] = {&b->out};
    stapes_bounds              bounds = {.size = sizeof bounds};
    int                        status = b->stage->configure(&b->me, inputs, outputs, &bounds);
    if (status >= 0) CHECK(b->out.kind == kind && b->out.columns == columns);
    b->in.recipe = (const char *)b;
    return status;
}

static int pass(bench *b, const void *data, uint32_t rows, stapes_time start)
{
    stapes_packet packet = {
        .format = &b->in, .data = (void *)(uintptr_t)data, .start = start, .kind = b->in.kind};
    packet.rows = rows;
    packet.columns = b->in.columns;
    packet.duration = b->in.kind == STAPES_AUDIO ? stapes_time_of(rows, b->in.rate) : rows * b->in.hop;
    return b->stage->process(&b->me, 0, &packet);
}

static int tell(bench *b, uint32_t type, uint32_t segment, const char *name)
{
    stapes_event event = {.size = sizeof event, .type = type, .segment = segment, .name = name};
    return b->stage->event(&b->me, 0, &event);
}

static int end(bench *b)
{
    int status = b->stage->flush(&b->me, STAPES_FLUSH_END);
    b->stage->close(&b->me);
    free((void *)(uintptr_t)b->me.settings);
    free(b->me.state);
    return status;
}

/* The bytes of a file of the folder, terminated; its length. */
static size_t read_file(const char *name, char *bytes, size_t most)
{
    FILE  *file = fopen(path_of(name), "rb");
    size_t n = file ? fread(bytes, 1, most - 1, file) : 0;
    CHECK(file != NULL);
    if (file) (void)fclose(file);
    bytes[n] = 0;
    return n;
}

/* How many files the folder holds; they are removed. */
static int sweep(void)
{
    DIR *all = opendir(folder);
    int  count = 0;
    for (const struct dirent *file = all ? readdir(all) : NULL; file; file = readdir(all)) {
        if (file->d_name[0] == '.') continue;
        CHECK(unlink(path_of(file->d_name)) == 0);
        count++;
    }
    if (all) (void)closedir(all);
    return count;
}

/* ---- dump ------------------------------------------------------------------------------------------------
 */

static char bytes[1 << 16];

static void test_numbers(const stapes_stage *dump)
{
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    bench       b;
    CHECK(begin(&b, dump, path_of("a.npy"), 0, 0) == STAPES_OK);
    CHECK(configure(&b, STAPES_AUDIO, 2, 16000, 0) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_BEGIN, 0, "one\t.wav") == STAPES_OK);
    CHECK(tell(&b, STAPES_SEGMENT_BEGIN, 0, NULL) == STAPES_OK);
    CHECK(pass(&b, x, 2, 0) == STAPES_OK && pass(&b, x + 4, 1, stapes_time_of(2, 16000)) == STAPES_OK);
    CHECK(pass(&b, x + 6, 1, STAPES_SECOND) == STAPES_OK); /* behind a gap */
    CHECK(dump->flush(&b.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_END, 0, NULL) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_BEGIN, 0, "bad.wav") == STAPES_OK && pass(&b, x, 3, 0) == STAPES_OK);
    CHECK(dump->flush(&b.me, STAPES_FLUSH_SEGMENT) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_ABANDONED, 0, "bad.wav") == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_BEGIN, 0, "two.wav") == STAPES_OK);
    CHECK(tell(&b, STAPES_SEGMENT_BEGIN, 5, NULL) == STAPES_OK &&
          pass(&b, x, 1, STAPES_SECOND / 2) == STAPES_OK);
    CHECK(access(path_of("a.npy"), F_OK) != 0);
    CHECK(configure(&b, STAPES_AUDIO, 1, 16000, 0) == STAPES_EFORMAT);
    CHECK_HAS(b.words, "1 columns after 2: a .npy file holds one shape");
    CHECK(b.emitted == 5 && b.retained == 5);
    CHECK(end(&b) == STAPES_OK);
    CHECK(read_file("a.npy", bytes, sizeof bytes) == 128 + 5 * 2 * sizeof(float));
    CHECK(!memcmp(bytes, "\x93NUMPY\x01\x00\x76\x00", 10) && bytes[127] == '\n');
    CHECK_HAS(bytes + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 2), }   ");
    CHECK(!memcmp(bytes + 128, x, sizeof x) && !memcmp(bytes + 128 + sizeof x, x, 8));
    (void)read_file("a.npy.tsv", bytes, sizeof bytes);
    CHECK_TEXT(
        bytes,
        "recording\tsegment\tfirst_row\trows\tstart_flicks\tstart_seconds\tkind\trate\thop_flicks\trecipe\n"
        "one .wav\t0\t0\t3\t0\t0.000000\taudio\t16000\t44100\t\n"
        "one .wav\t0\t3\t1\t705600000\t1.000000\taudio\t16000\t44100\t\n"
        "two.wav\t5\t4\t1\t352800000\t0.500000\taudio\t16000\t44100\t\n");
    CHECK(sweep() == 2);
}

static void test_lines(const stapes_stage *dump)
{
    const stapes_token tokens[] = {{0, STAPES_SECOND / 10, 7, -0.5f},
                                   {STAPES_SECOND / 10, STAPES_SECOND, 3, -1}};
    bench              b;
    CHECK(begin(&b, dump, path_of("t.tsv"), 0, 0) == STAPES_OK);
    CHECK(configure(&b, STAPES_TOKENS, 1, 0, 0) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_BEGIN, 0, "a.wav") == STAPES_OK && pass(&b, tokens, 1, 0) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_ABANDONED, 0, NULL) == STAPES_OK);
    CHECK(tell(&b, STAPES_RECORDING_BEGIN, 0, "b.wav") == STAPES_OK && pass(&b, tokens, 2, 0) == STAPES_OK);
    CHECK(end(&b) == STAPES_OK);
    (void)read_file("t.tsv", bytes, sizeof bytes);
    CHECK_TEXT(bytes, "recording\tsegment\tstart_seconds\tend_seconds\tid\tscore\n"
                      "b.wav\t0\t0.000000\t0.100000\t7\t-0.5\nb.wav\t0\t0.100000\t1.000000\t3\t-1\n");
    const stapes_word words[] = {{"GO", 0, STAPES_SECOND / 4, 1, 0},
                                 {"ON", STAPES_SECOND / 2, STAPES_SECOND, 1, 0}};
    const stapes_text text = {.size = sizeof text,
                              .segment = 2,
                              .revision = 1,
                              .stable = 5,
                              .final = 1,
                              .n_words = 2,
                              .score = -2,
                              .text = "GO\tON",
                              .words = words};
    CHECK(begin(&b, dump, path_of("w.tsv"), 0, 0) == STAPES_OK &&
          configure(&b, STAPES_TEXT, 1, 0, 0) == STAPES_OK);
    CHECK(pass(&b, &text, 1, 0) == STAPES_OK && end(&b) == STAPES_OK);
    (void)read_file("w.tsv", bytes, sizeof bytes);
    CHECK_HAS(bytes, "words\n\t2\t1\t5\t1\t-2\tGO ON\tGO 0.000-0.250|ON 0.500-1.000\n");
    CHECK(sweep() == 2);
}

/* What goes wrong says so, and leaves nothing. */
static void test_failures(const stapes_stage *dump, const stapes_stage *show)
{
    const stapes_stage *const stages[] = {dump, show};
    static const float        x[4000];
    bench                     b;
    for (int k = 0; k < 2; k++) {
        CHECK(begin(&b, stages[k], path_of("no/where.npy"), 400, 200) == STAPES_ESYSTEM);
        CHECK_HAS(b.words, "there is no folder '");
        (void)end(&b);
        CHECK(begin(&b, stages[k], folder, 400, 200) == STAPES_EUSAGE);
        CHECK_HAS(b.words, "is a folder");
        (void)end(&b);
        /* a full disk */
        CHECK(begin(&b, stages[k], "/dev/full", 400, 200) == STAPES_OK);
        int status = configure(&b, STAPES_AUDIO, 1, 16000, 0);
        if (status >= 0) status = pass(&b, x, 4000, 0);
        if (status >= 0) status = tell(&b, STAPES_RECORDING_END, 0, NULL);
        CHECK(status == STAPES_ESYSTEM);
        CHECK_HAS(b.words, "/dev/full: cannot be written: No space left on device");
        (void)end(&b);
        /* given up before its end */
        CHECK(begin(&b, stages[k], path_of("x.npy"), 400, 200) == STAPES_OK);
        CHECK(configure(&b, STAPES_AUDIO, 1, 16000, 0) == STAPES_OK && pass(&b, x, 4000, 0) == STAPES_OK);
        b.stage->close(&b.me);
        free((void *)(uintptr_t)b.me.settings);
        free(b.me.state);
        /* nothing was there to be read */
        CHECK(begin(&b, stages[k], path_of("y.npy"), 400, 200) == STAPES_OK && end(&b) == STAPES_OK);
        CHECK(sweep() == 0);
    }
    CHECK(begin(&b, dump, "-", 0, 0) == STAPES_EUSAGE);
    (void)end(&b);
}

/* ---- show ------------------------------------------------------------------------------------------------
 */

/* A picture of the folder: (height, width, 3), malloc'd; NULL: none. */
static uint8_t *read_picture(const char *name, uint32_t *width, uint32_t *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint8_t  *pixels = NULL;
    if (png_image_begin_read_from_file(&image, path_of(name))) {
        image.format = PNG_FORMAT_RGB;
        pixels = malloc(PNG_IMAGE_SIZE(image));
        CHECK(pixels && png_image_finish_read(&image, NULL, pixels, 0, NULL));
    }
    *width = image.width;
    *height = image.height;
    return pixels;
}

static int count_colours(const uint8_t *pixels, uint32_t width, uint32_t height)
{
    static uint8_t seen[1 << 15];
    int            count = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < (size_t)width * height; i++) {
        int colour = pixels[3 * i] >> 3 << 10 | pixels[3 * i + 1] >> 3 << 5 | pixels[3 * i + 2] >> 3;
        count += !seen[colour];
        seen[colour] = 1;
    }
    return count;
}

static void test_pictures(const stapes_stage *show)
{
    static const struct {
        uint32_t    kind, columns, rate;
        stapes_time hop;
        uint32_t    rows, width, height;
        int         colours; /* at least */
    } cases[] = {
        {STAPES_AUDIO, 1, 16000, 0, 20000, 500, 200, 4},
        {STAPES_AUDIO, 24, 192000, 0, 1000, 300, 150, 4},
        {STAPES_AUDIO, 1, 8000, 0, 1, 300, 150, 3},
        {STAPES_FRAMES, 80, 0, STAPES_SECOND / 100, 250, 640, 300, 20},
        {STAPES_FRAMES, 1, 0, STAPES_SECOND / 100, 1, 300, 150, 3},
        {STAPES_FRAMES, 240, 0, 0, 24000, 2000, 800, 20},
        {STAPES_SCORES, 29, 0, 3 * STAPES_SECOND / 100, 300, 640, 300, 10},
        {STAPES_SCORES, 5000, 0, STAPES_SECOND / 50, 40, 640, 300, 3},
    };
    for (size_t k = 0; k < STAPES_COUNT(cases); k++) {
        size_t values = (size_t)cases[k].rows * cases[k].columns;
        float *x = malloc(values * sizeof *x);
        bench  b;
        CHECK(x != NULL);
        for (size_t i = 0; x && i < values; i++) {
            double at = (double)(i / cases[k].columns), c = (double)(i % cases[k].columns);
            x[i] = (float)(cases[k].kind == STAPES_SCORES ? -0.3 * fabs(fmod(at, cases[k].columns) - c)
                                                          : sin(at * 0.02 + c));
        }
        if (x && values > 50) x[values / 2] = NAN, x[values / 2 + 7] = INFINITY;
        CHECK(begin(&b, show, path_of("p.png"), cases[k].width, cases[k].height) == STAPES_OK);
        CHECK(configure(&b, cases[k].kind, cases[k].columns, cases[k].rate, cases[k].hop) == STAPES_OK);
        for (int lap = 0; lap < 2; lap++) {
            CHECK(tell(&b, STAPES_RECORDING_BEGIN, 0, "there/a \xc3\xa9\xe2\x82\xac.wav") == STAPES_OK);
            CHECK(pass(&b, x, cases[k].rows, lap * STAPES_SECOND) == STAPES_OK);
            CHECK(tell(&b, STAPES_RECORDING_END, 0, NULL) == STAPES_OK);
        }
        CHECK(b.emitted == 2 && b.retained == 2);
        CHECK(end(&b) == STAPES_OK);
        for (int lap = 0; lap < 2; lap++) {
            uint32_t width, height;
            uint8_t *pixels = read_picture(lap ? "p-2.png" : "p.png", &width, &height);
            CHECK(pixels && width == cases[k].width && height == cases[k].height);
            int colours = pixels ? count_colours(pixels, width, height) : 0;
            CHECK(colours >= cases[k].colours);
            if (colours < cases[k].colours) fprintf(stderr, "  case %zu: %d colours\n", k, colours);
            free(pixels);
        }
        CHECK(sweep() == 2);
        free(x);
    }
}

int main(void)
{
    void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    CHECK(plugin != NULL && mkdtemp(folder) != NULL);
    if (!plugin) {
        fprintf(stderr, "%s\n", dlerror());
        return check_done();
    }
    void *symbol = dlsym(plugin, STAPES_ENTRY_NAME);
    const stapes_plugin *(*entry)(void);
    memcpy(&entry, &symbol, sizeof entry);
    const stapes_stage *const *stages = entry()->stages;
    CHECK_TEXT(stages[0]->name, "debug.dump");
    CHECK_TEXT(stages[1]->name, "debug.show");
    test_numbers(stages[0]);
    test_lines(stages[0]);
    test_failures(stages[0], stages[1]);
    test_pictures(stages[1]);
    CHECK(rmdir(folder) == 0);
    return check_done();
}
