/* stage.h - the contract between stapes and a plugin.
 *
 * A plugin is one shared object. It includes this file, fills constant tables that say what its
 * stages are, and ends with STAPES_PLUGIN(name, version, licence, &stage, ...). It links nothing of
 * ours: what it needs from the program arrives as a table of functions (stapes_host).
 *
 * The story of the data. A pipeline is a graph of stages. A source (no inputs) makes packets, each
 * stage turns packets of its inputs into packets of its outputs, a sink (no outputs) keeps them.
 * A packet is a counted reference to memory that nobody changes any more. Every packet has a place
 * in time, and that time is the source's: a word that a search finds carries the place in the
 * original recording, whatever was resampled, cut or padded on the way. Events (a recording begins,
 * a segment ends, audio was lost) travel in the same stream, in order with the data.
 *
 *   open -> configure -> (process | event)* -> flush(segment) -> ... -> flush(end) -> close
 *
 * What comes out may not depend on how the input was cut into packets, on the number of threads, or
 * on what else is computed beside it. `stapes verify plugin.so` checks that and the rest of this file.
 *
 * Threads. Each function carries one tag:
 *   [load]     once, while the plugin is loaded, before anything else
 *   [control]  may allocate, block and read files; never beside another call on the same instance
 *   [stream]   the thread that carries data; one call at a time for one instance, but the thread may
 *              change between calls. In steady state: no allocation, no locks, no files (sources and
 *              sinks aside), no exit, no signal handlers, nothing printed
 *   [any]      from any thread at any time
 *
 * Ownership. Tables are constant data of the plugin and live as long as it is loaded. Settings, state
 * and packets belong to the host. A pointer given to a call is good until that call returns, unless
 * its comment says longer.
 *
 * Growth. Structures marked GROWS start with their size and get new fields only at the end; zero in a
 * new field means what older versions did. Structures marked FROZEN never change within one
 * STAPES_ABI_MAJOR. See docs/abi.md.
 */
#ifndef STAPES_STAGE_H
#define STAPES_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A host refuses a plugin of another major number or of a minor number above its own. So a plugin asks
 * for minor 0 unless its author defines STAPES_ABI_MINOR before this include, to use what says
 * "since minor N". */
#define STAPES_ABI_MAJOR 1u
#define STAPES_ABI_MINOR_LATEST 1u
#ifndef STAPES_ABI_MINOR
#define STAPES_ABI_MINOR 0u
#endif

#if defined(__GNUC__)
#define STAPES_EXPORT __attribute__((visibility("default")))
#define STAPES_FORMAT_CHECK(text, first) __attribute__((format(printf, text, first)))
#else
#define STAPES_EXPORT
#define STAPES_FORMAT_CHECK(text, first)
#endif

/* ---- status ----------------------------------------------------------------------------------- */

/* Zero or positive is success. Values are part of the ABI; an unknown negative is a failure. The
 * right column is the exit code that the program `stapes` gives. */
enum stapes_status {
    STAPES_OK = 0,
    STAPES_END = 1,        /* process of a source: nothing comes any more */
    STAPES_CONSUMED = 2,   /* event: do not pass it on */
    STAPES_EINPUT = -1,    /* this recording or line is bad; the others go on       1 */
    STAPES_EUSAGE = -2,    /* a parameter or the pipeline is wrong                  2 */
    STAPES_EFORMAT = -3,   /* two ports cannot agree on a format                    2 */
    STAPES_EMODEL = -4,    /* a model or plugin is wrong: do not retry              3 */
    STAPES_ESYSTEM = -5,   /* a device, the disk, a library: retry may help         4 */
    STAPES_ENOMEM = -6,    /* memory                                                4 */
    STAPES_ECANCELED = -7, /* somebody asked to stop                              130 */
    STAPES_ECONTRACT = -8, /* a promise of this file was broken                     3 */
    STAPES_EPIPE = -9      /* whoever reads the results has closed the pipe         0 */
};

/* The words of a failure. The first cause wins: who meets a record with a status adds its place and
 * keeps the rest. FROZEN */
typedef struct stapes_error {
    int32_t status; /* an enum stapes_status, 0 while nothing failed */
    char    text[1020];
} stapes_error;

/* ---- time --------------------------------------------------------------------------------------- */

/* Flicks: 1/705,600,000 s, exact for every audio rate in use and every usual hop. A place is counted
 * from the begin of the recording, or from when the live clock started. */
typedef int64_t stapes_time;
#define STAPES_SECOND ((stapes_time)705600000)
#define STAPES_WHOLE_SEGMENT INT64_MAX /* a latency: nothing comes before the segment ends */

/* The place of sample `n` at `rate` Hz, rounded to the flick below. [any] */
static inline stapes_time stapes_time_of(int64_t n, uint32_t rate)
{
    int64_t r = rate ? (int64_t)rate : 1;
    return n / r * STAPES_SECOND + n % r * STAPES_SECOND / r;
}

/* Seconds, to be shown; never to be computed with. [any] */
static inline double stapes_seconds(stapes_time t) { return (double)t / (double)STAPES_SECOND; }

/* ---- formats and packets -------------------------------------------------------------------------- */

enum stapes_kind {
    STAPES_NONE = 0,
    STAPES_AUDIO = 1,     /* float32, rows = sample frames, columns = channels, nominal range -1 to 1 */
    STAPES_FRAMES = 2,    /* float32, rows = time, columns = features */
    STAPES_SCORES = 3,    /* float32, rows = time, columns = labels: natural log probabilities */
    STAPES_TOKENS = 4,    /* rows of stapes_token, columns 1 */
    STAPES_TEXT = 5,      /* one stapes_text with all that it points to */
    STAPES_PREDICTOR = 6, /* a table of functions; extension "stapes.predictor", a draft */
    STAPES_BYTES = 7,     /* rows = bytes, columns 1 */
    STAPES_EVENT = 8      /* one stapes_event */
};
#define STAPES_KIND(kind) (1u << (kind)) /* for stapes_port.kinds: STAPES_KIND(STAPES_AUDIO) | ... */
#define STAPES_ANY_DATA 0xfeu            /* every kind but events */

/* What a port carries. Zero or NULL: undecided, or without meaning for the kind. GROWS */
typedef struct stapes_format {
    uint32_t    size;
    uint32_t    kind;       /* enum stapes_kind */
    uint32_t    columns;    /* channels, features or labels */
    uint32_t    rate;       /* audio: Hz */
    stapes_time hop;        /* frames, scores: from one row to the next; 0 where rows lie on no grid */
    const char *recipe;     /* frames: how they were made, one comparable line */
    const char *vocabulary; /* scores, tokens: hash of the labels, "sha256:..." */
} stapes_format;

/* A counted reference to memory of the host. Data is 64-byte aligned, rows x columns, row-major,
 * packed. Only who got it from host->packet writes, and only until it is emitted. FROZEN */
typedef struct stapes_packet {
    const stapes_format *format; /* of the port it went through; lives as long as the packet */
    void                *data;
    stapes_time          start;    /* of row 0, in the source's time */
    stapes_time          duration; /* 0 when emitted: rows x hop, or rows / rate */
    uint32_t             kind;
    uint32_t             rows;
    uint32_t             columns;
    uint32_t             capacity; /* rows that fit */
} stapes_packet;

/* A label that a search found. FROZEN */
typedef struct stapes_token {
    stapes_time start, end;
    int32_t     id;
    float       score; /* natural log probability */
} stapes_token;

/* A word of a text. FROZEN */
typedef struct stapes_word {
    const char *text; /* UTF-8, terminated */
    stapes_time start, end;
    float       confidence; /* 0 to 1; negative: not known */
    uint32_t    reserved;
} stapes_word;

/* A text with its words. What was once stable never changes; what comes after it may, with the next
 * revision; final closes the segment. The pointers lie inside the packet's memory. GROWS */
typedef struct stapes_text {
    uint32_t           size;
    uint32_t           segment;  /* number of the segment in its recording, from 0 */
    uint32_t           revision; /* of this segment's text, from 0 */
    uint32_t           stable;   /* bytes at the begin of `text` that never change */
    uint32_t           final;    /* 1: the last revision */
    uint32_t           n_words;
    uint32_t           n_alternatives;
    float              score; /* natural log probability of the whole */
    const char        *text;  /* UTF-8, terminated */
    const stapes_word *words;
    const char *const *alternatives; /* texts of the next best hypotheses */
} stapes_text;

enum stapes_event_type {
    STAPES_RECORDING_BEGIN = 1, /* name: the file or device; before its first segment */
    STAPES_RECORDING_END = 2,   /* position: its length */
    STAPES_SEGMENT_BEGIN = 3,
    STAPES_SEGMENT_END = 4, /* the runtime calls flush(segment) and then passes the event on */
    STAPES_SPEECH_BEGIN = 5,
    STAPES_SPEECH_END = 6,
    STAPES_TRIGGER = 7,
    STAPES_GAP = 8, /* audio from position on, of this length, was lost */
    STAPES_DEVICE_LOST = 9,
    STAPES_DEVICE_BACK = 10,
    STAPES_RECORDING_ABANDONED = 11 /* given up half-way: forget what was kept of it. The runtime tells every
                                       stage itself, after a flush(segment) whose output it threw away */
};

/* Something that happened at a place of the stream. GROWS */
typedef struct stapes_event {
    uint32_t    size;
    uint32_t    type;     /* enum stapes_event_type; an unknown one is passed on */
    stapes_time position; /* in the source's time */
    stapes_time length;
    uint32_t    segment; /* number of the segment in its recording, from 0 */
    float       score;
    const char *name; /* UTF-8 or NULL */
} stapes_event;

/* ---- parameters ------------------------------------------------------------------------------------ */

/* Lists, as fields of a settings structure. The items belong to the host. FROZEN */
typedef struct stapes_strings {
    uint32_t           count;
    const char *const *items;
} stapes_strings;
typedef struct stapes_ints {
    uint32_t       count;
    const int32_t *items;
} stapes_ints;
typedef struct stapes_floats {
    uint32_t     count;
    const float *items;
} stapes_floats;

enum stapes_parameter_type {
    STAPES_BOOL = 1, /* bool */
    STAPES_INT,      /* int32_t; with choices: the index of the chosen one */
    STAPES_FLOAT,    /* float */
    STAPES_STRING,   /* const char *, never NULL once set */
    STAPES_INTS,
    STAPES_FLOATS,
    STAPES_STRINGS
};

enum stapes_parameter_flags {
    STAPES_IS_INPUT_FILE = 1u,  /* a file (or "-") that is read: completed in the shell */
    STAPES_IS_OUTPUT_FILE = 2u, /* a file (or "-") that is written */
    STAPES_IS_MODEL = 4u,       /* a model's name or folder: the host replaces it by the folder's path */
    STAPES_IS_ADVANCED = 8u     /* last in the help */
};

/* One row of a parameter table: what the pipeline file may say and where it is kept. Help, completion,
 * documentation and checks are all made from it. GROWS through stapes_stage.parameter_size */
typedef struct stapes_parameter {
    const char *name;            /* [a-z][a-z0-9_]*, stable */
    uint32_t    type;            /* enum stapes_parameter_type */
    uint32_t    offset;          /* of the field in the settings structure */
    const char *initial;         /* the default as one would write it ("0.97"); NULL: must be given */
    const char *help;            /* one line */
    const char *unit;            /* "Hz", "ms", "dB", or NULL */
    double      least, greatest; /* numbers, each item of a list too; both 0: any */
    const char *choices;         /* "kaldi|whisper|torchaudio", or NULL */
    uint32_t    flags;           /* enum stapes_parameter_flags */
} stapes_parameter;

/* ---- what the host does for a stage ------------------------------------------------------------------ */

struct stapes_host;

/* One stage in one pipeline, as its functions see it. FROZEN */
typedef struct stapes_instance {
    const struct stapes_host *host;
    const void               *settings; /* settings_size bytes, filled from the parameters */
    void                     *state;    /* state_size bytes, zeroed before open, aligned to 64 */
    const char               *name;     /* what the pipeline calls it */
    void                     *runtime;  /* the host's own */
} stapes_instance;

enum stapes_level { STAPES_DEBUG = 0, STAPES_INFO = 1, STAPES_WARNING = 2 };

/* Services of the program. `me` is the instance that calls. GROWS */
typedef struct stapes_host {
    uint32_t size;
    uint32_t minor;

    /* Says why the call is about to fail: what was found, what is allowed, what to do. The first words
     * of a call are kept, the host adds the place. Returns `status`, so: return host->fail(me, ...).
     * [control] [stream] */
    int (*fail)(const stapes_instance *me, int status, const char *format, ...) STAPES_FORMAT_CHECK(3, 4);

    /* One line for the people who watch; level is an enum stapes_level. [control] [stream] */
    void (*log)(const stapes_instance *me, int level, const char *format, ...) STAPES_FORMAT_CHECK(3, 4);

    /* `bytes` zeroed bytes aligned to 64, freed by the host after close. NULL without memory, and fail
     * was called. [control] */
    void *(*allocate)(const stapes_instance *me, size_t bytes);

    /* True if the pipeline file or the command line set this parameter, false if it has its default.
     * [control] */
    bool (*is_set)(const stapes_instance *me, const char *parameter);

    /* A packet for output `port` with room for `rows` rows of the port's format (bytes for text and
     * bytes), rows already set, from a pool. Set start; fill data; then emit or release it. NULL
     * without memory, and fail was called. [stream] */
    stapes_packet *(*packet)(const stapes_instance *me, uint32_t port, uint32_t rows);

    /* Sends a packet on, one from host->packet or one that came in (retain it first). Takes the
     * reference in every case. Start may not be before the last one's of this recording. A negative
     * answer is to be returned at once; if it is STAPES_EINPUT, a stage after this one could not take the
     * recording: a source that is called again goes on with its next. [stream] */
    int (*emit)(const stapes_instance *me, uint32_t port, stapes_packet *packet);

    /* One more, one fewer reference. A packet given to process lives beyond it only if retained.
     * [stream] [control] */
    void (*retain)(const stapes_packet *packet);
    void (*release)(const stapes_packet *packet);

    /* Sends an event down `port`; the host copies it. [stream] */
    int (*event)(const stapes_instance *me, uint32_t port, const stapes_event *event);

    /* Promises that nothing that starts before `position` will be emitted on `port` any more. The host
     * makes these promises itself for a stage that keeps to the latency it configured. [stream] */
    int (*mark)(const stapes_instance *me, uint32_t port, stapes_time position);

    /* A source says what its next packets are; stages after it are configured. [stream] */
    int (*announce)(const stapes_instance *me, uint32_t port, const stapes_format *format);

    /* A source gives one of its inputs up, with words, and goes on with the next: reject(me, "a.wav", "is
     * empty"). What was begun of it is thrown away, its end is not sent. Format NULL: the words are those
     * of the failure that announce, emit or event has just answered. [stream] */
    void (*reject)(const stapes_instance *me, const char *input, const char *format, ...)
        STAPES_FORMAT_CHECK(3, 4);

    /* The object called `key` in this runtime: the one that is there, or made by `make`. It stays until
     * the last instance that asked for it is closed; then `destroy` is called. Keys begin with the name
     * of the plugin. Fails with make's status. [control] */
    int (*share)(const stapes_instance *me, const char *key,
                 int (*make)(const stapes_instance *me, void *argument, void **object),
                 void (*destroy)(void *object), void *argument, void **object);

    /* Runs work(argument, i) for each i below `count`, maybe on several threads, and returns when all
     * are done. Results may not depend on who ran what. [stream] [control] */
    void (*parallel)(const stapes_instance *me, uint32_t count, void (*work)(void *argument, uint32_t i),
                     void *argument);

    /* True once somebody asked to stop: long computations look now and then and return
     * STAPES_ECANCELED. [stream] [control] */
    bool (*canceled)(const stapes_instance *me);

    /* A further family of functions ("stapes.predictor/1"), or NULL. [control] */
    const void *(*extension)(const stapes_instance *me, const char *name);

    /* Since minor 1 (look at `size` first). How many threads parallel has, the caller's own counted: for
     * the cut of work into parts. Results may not depend on it. [stream] [control] */
    uint32_t (*threads)(const stapes_instance *me);
} stapes_host;

/* ---- what a stage is --------------------------------------------------------------------------------- */

enum stapes_port_flags {
    STAPES_OPTIONAL = 1u /* an input that may stay unconnected */
};

/* One port. FROZEN */
typedef struct stapes_port {
    const char *name;  /* "in", "out", ...; stable */
    uint32_t    kinds; /* STAPES_KIND(...) of what it takes or gives; an output with several gives what
                          configure says, by default the kind of input 0 */
    uint32_t    flags;
    const char *help; /* what it takes beyond the kind: "16 kHz, one channel"; or NULL */
} stapes_port;

/* What configure says beside the formats. GROWS */
typedef struct stapes_bounds {
    uint32_t    size;
    uint32_t    reserved;
    stapes_time latency; /* after input up to T was processed, all output before T - latency is out */
} stapes_bounds;

enum stapes_flush { STAPES_FLUSH_SEGMENT = 0, STAPES_FLUSH_END = 1 };

enum stapes_stage_flags {
    STAPES_TOUCHES_FILES = 1u, /* a source or sink that reads or writes files or devices in process; with
                                  inputs it may come last in a pipeline, even if it has outputs */
    STAPES_IS_CONVERTER = 2u   /* named as the remedy when formats do not fit */
};

/* A stage. Only size, name, summary and one of process and rows are required; NULL elsewhere means
 * "nothing to do". GROWS */
typedef struct stapes_stage {
    uint32_t                size;
    uint32_t                flags;
    const char             *name;    /* family.what, [a-z0-9_]+ each; stable, unique */
    const char             *summary; /* one line */
    const stapes_port      *inputs;
    const stapes_port      *outputs;
    uint32_t                n_inputs;
    uint32_t                n_outputs;
    const stapes_parameter *parameters;
    uint32_t                n_parameters;
    uint32_t                parameter_size; /* sizeof(stapes_parameter) as the plugin knows it */
    uint32_t                settings_size;
    uint32_t                state_size;

    /* Once, parameters set: load models, allocate. [control] */
    int (*open)(const stapes_instance *me);

    /* Formats of the inputs (NULL where unconnected), before the first packet and whenever one changes,
     * never inside a segment. Completes the outputs, which start as what the port says, or refuses with
     * words. NULL: each output is like input 0. [control] */
    int (*configure)(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds);

    /* One packet of one input; of a source: the next piece of work, with packet NULL, until it returns
     * STAPES_END. Any number of packets may be emitted. [stream] */
    int (*process)(const stapes_instance *me, uint32_t port, const stapes_packet *packet);

    /* Instead of process, for one input and one output of the same format: out has as many rows as in;
     * in and out do not alias. [stream] */
    int (*rows)(const stapes_instance *me, const float *in, float *out, uint32_t rows, uint32_t columns);

    /* An event on an input. STAPES_OK: the host passes it on, STAPES_CONSUMED: not. NULL: all are passed
     * on. Of several inputs only the first one's events are passed on. [stream] */
    int (*event)(const stapes_instance *me, uint32_t port, const stapes_event *event);

    /* Segment: emit what is held back, then be as after configure. End: the same, and nothing comes any
     * more. NULL: a stage without open gets its state zeroed, one with open has nothing to do. [stream] */
    int (*flush)(const stapes_instance *me, int how);

    /* Always after open, also after an open that failed or a half of one: state is zeroed before open.
     * [control] */
    void (*close)(const stapes_instance *me);

    /* The same as process(many[i], 0, packets[i]) for each i below `count`, to compute them in one batch:
     * different instances of one stage with equal settings and input formats. One that fails says so for
     * itself (host->fail, or an emit that was refused) and the others are computed all the same; the answer
     * is the status of the first that failed. Asked to stop for one of them, it may stop for all. [stream] */
    int (*process_many)(const stapes_instance *const *many, const stapes_packet *const *packets,
                        uint32_t count);

    /* Since minor 1. The same as flush(many[i], how) for each i below `count`, as process_many is for
     * process: a stage that keeps a segment until its end computes several segments in one batch. A host of
     * minor 0 calls flush instead, so a plugin may have this and ask for minor 0. [stream] */
    int (*flush_many)(const stapes_instance *const *many, uint32_t count, int how);
} stapes_stage;

/* What a shared object offers. GROWS */
typedef struct stapes_plugin {
    uint32_t                   size;
    uint16_t                   abi_major, abi_minor;
    uint32_t                   layout; /* STAPES_LAYOUT as compiled */
    uint32_t                   n_stages;
    const char                *name;
    const char                *version; /* "1.0.0" */
    const char                *licence; /* SPDX: "MIT" */
    const stapes_stage *const *stages;
} stapes_plugin;

/* Differs when the layout of a FROZEN structure differs, whatever the reason. */
#define STAPES_LAYOUT                                                                                        \
    ((uint32_t)(sizeof(stapes_packet) | sizeof(stapes_token) << 8 | sizeof(stapes_instance) << 16 |          \
                sizeof(stapes_port) << 24))

#define STAPES_ENTRY_NAME "stapes_plugin_entry"
STAPES_EXPORT const stapes_plugin *stapes_plugin_entry(void); /* [load] */

/* ---- short forms for the tables ------------------------------------------------------------------------ */

#define STAPES_COUNT(table) ((uint32_t)(sizeof(table) / sizeof((table)[0])))

#ifndef __cplusplus
/* The type of a parameter from the type of its field. */
#define STAPES_TYPE_OF(settings, field)                                                                      \
    _Generic(((settings *)0)->field, bool: STAPES_BOOL, int32_t: STAPES_INT, float: STAPES_FLOAT,       \
             const char *: STAPES_STRING, stapes_ints: STAPES_INTS, stapes_floats: STAPES_FLOATS,       \
             stapes_strings: STAPES_STRINGS)

/* A row: STAPES_PARAMETER(my_settings, gain, "0.5", "what it does", .least = 0, .greatest = 1). The help
 * comes fourth and always; what follows it is optional. */
#define STAPES_PARAMETER(settings, field, default_, ...)                                                     \
    {                                                                                                        \
        .name = #field, .type = STAPES_TYPE_OF(settings, field), .offset = offsetof(settings, field),        \
        .initial = default_, .help = __VA_ARGS__                                                             \
    }

#define STAPES_INPUTS(table) .inputs = (table), .n_inputs = STAPES_COUNT(table)
#define STAPES_OUTPUTS(table) .outputs = (table), .n_outputs = STAPES_COUNT(table)
#define STAPES_PARAMETERS(table)                                                                             \
    .parameters = (table), .n_parameters = STAPES_COUNT(table), .parameter_size = sizeof((table)[0])
#endif

#define STAPES_PLUGIN(name_, version_, licence_, ...)                                                        \
    const stapes_plugin *stapes_plugin_entry(void)                                                           \
    {                                                                                                        \
        static const stapes_stage *const stages_[] = {__VA_ARGS__};                                          \
        static const stapes_plugin       plugin_ = {sizeof(stapes_plugin),                                   \
                                                    STAPES_ABI_MAJOR,                                        \
                                                    STAPES_ABI_MINOR,                                        \
                                                    STAPES_LAYOUT,                                           \
                                                    STAPES_COUNT(stages_),                                   \
                                                    name_,                                                   \
                                                    version_,                                                \
                                                    licence_,                                                \
                                                    stages_};                                                \
        return &plugin_;                                                                                     \
    }                                                                                                        \
    typedef int stapes_plugin_needs_a_semicolon

#ifdef __cplusplus
}

/* The type of a parameter from the type of its field: stapes_type_of(&settings::field). */
template <typename S> constexpr uint32_t stapes_type_of(bool S::*) { return STAPES_BOOL; }
template <typename S> constexpr uint32_t stapes_type_of(int32_t S::*) { return STAPES_INT; }
template <typename S> constexpr uint32_t stapes_type_of(float S::*) { return STAPES_FLOAT; }
template <typename S> constexpr uint32_t stapes_type_of(const char *S::*) { return STAPES_STRING; }
template <typename S> constexpr uint32_t stapes_type_of(stapes_ints S::*) { return STAPES_INTS; }
template <typename S> constexpr uint32_t stapes_type_of(stapes_floats S::*) { return STAPES_FLOATS; }
template <typename S> constexpr uint32_t stapes_type_of(stapes_strings S::*) { return STAPES_STRINGS; }
#endif
#endif
