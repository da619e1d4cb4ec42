/* commands.c - see commands.h. What is said here is said nowhere else. */
#include "cli/call.h"

#include <string.h>

const st_command_option st_commands_global[] = {
    {.name = "help", .letter = 'h', .flag = true, .help = "shows the help of this command"},
    {.name = "quiet", .letter = 'q', .flag = true, .help = "says nothing but errors, and no progress line"},
    {.name = "verbose", .letter = 'v', .flag = true, .help = "also prints what stages tell"},
    {.name = "threads",
     .value = "N",
     .help = "threads that stages may compute on; results are the same for any number",
     .initial = "one for each core"},
    {.name = "plugin-path",
     .completes = ST_DIRECTORIES,
     .value = "FOLDERS",
     .help = "folders (':' between) where plugins are looked for first; also $STAPES_PLUGIN_PATH"},
    {.name = "pipeline-path",
     .completes = ST_DIRECTORIES,
     .value = "FOLDERS",
     .help = "the same for pipeline files; also $STAPES_PIPELINE_PATH"},
    {.name = "model-path",
     .completes = ST_DIRECTORIES,
     .value = "FOLDERS",
     .help = "the same for models; also $STAPES_MODEL_PATH"},
};
const uint32_t st_commands_global_count = STAPES_COUNT(st_commands_global);

static const st_command_option run_options[] = {
    {.name = "set",
     .value = "STAGE.PARAMETER=VALUE",
     .help = "sets a parameter of a stage, whatever the pipeline file says; may be given often"},
    {.name = "stats",
     .flag = true,
     .help = "prints what each stage did and how long it took to standard error at the end"},
    {.name = "trace",
     .completes = ST_FILES,
     .value = "FILE.json",
     .help = "writes a trace for ui.perfetto.dev or chrome://tracing: a span for each call of a stage, the "
             "words on the audio's time axis"},
};

static const st_command_option json_options[] = {
    {.name = "json", .flag = true, .help = "prints JSON"},
};

static const st_command_option inspect_options[] = {
    {.name = "json", .flag = true, .help = "prints JSON"},
    {.name = "markdown", .flag = true, .help = "prints Markdown; without an argument, of all stages"},
};

static const st_command_option check_options[] = {
    {.name = "shallow", .flag = true, .help = "reads the files only; opens no stages (and so no models)"},
};

static const st_command_option graph_options[] = {
    {.name = "svg",
     .completes = ST_FILES,
     .value = "FILE.svg",
     .help = "draws it into this file (- is standard output) with Graphviz instead of printing DOT"},
};

static const st_command_option new_options[] = {
    {.name = "cpp", .flag = true, .help = "in C++17 instead of C11"},
    {.name = "dir",
     .completes = ST_DIRECTORIES,
     .value = "DIR",
     .help = "where the new folder is made",
     .initial = "."},
};

static const st_command_option verify_options[] = {
    {.name = "stage", .completes = ST_STAGE_NAMES, .value = "STAGE", .help = "tests this stage only"},
    {.name = "test", .value = "NAME", .help = "runs this test only; --list names them"},
    {.name = "seed",
     .value = "N",
     .help = "where random tests begin; the results name it, so that a failure can be repeated",
     .initial = "another in every run"},
    {.name = "set",
     .value = "[STAGE.]PARAMETER=VALUE",
     .help = "a parameter for the tests, for stages that need a model or a file; may be given often"},
    {.name = "format",
     .value = "FORMAT",
     .help =
         "what inputs get: \"audio rate=8000 columns=2\", \"frames columns=80 hop=10ms recipe=...\"; may be "
         "given often"},
    {.name = "limit", .value = "SECONDS", .help = "time that each test may take", .initial = "60"},
    {.name = "here", .flag = true, .help = "runs in this process, for a debugger; the first crash ends all"},
    {.name = "json", .flag = true, .help = "prints JSON"},
    {.name = "junit", .flag = true, .help = "prints JUnit's XML"},
    {.name = "list", .flag = true, .help = "prints the names of the tests and what they claim"},
};

static const st_command_option bench_options[] = {
    {.name = "json",
     .flag = true,
     .help = "prints JSON: a list of objects {name, unit, median, low, high, threads}"},
    {.name = "runs", .value = "N", .help = "how often each figure is measured", .initial = "what it needs"},
};

static const st_command_option quantize_options[] = {
    {.name = "type",
     .completes = ST_CHOICES,
     .choices = "int8|bf16|f16",
     .value = "TYPE",
     .help = "int8 (a scale for each output), bf16 or f16; must be given"},
    {.name = "force", .flag = true, .help = "replaces a model folder that is there"},
};

static const st_command_option help_options[] = {
    {.name = "markdown", .flag = true, .help = "prints the page of all commands as Markdown"},
};

const st_command st_commands[] = {
    {.name = "run",
     .arguments = "FILE|NAME|'STAGE ! STAGE' [ARGUMENT...]",
     .most = ST_ANY_NUMBER,
     .completes = ST_PIPELINE_NAMES,
     .summary = "runs a pipeline: a file, a name, or one line with '!' between stages",
     .details =
         "A name is looked for on the pipeline path; 'stapes NAME' is the same as 'stapes run NAME'. The "
         "options and the arguments that a pipeline declares come after it; 'stapes run NAME --help' shows "
         "them. Ctrl-C stops the run, a second one ends the program at once.",
     .examples = "stapes run transcribe recording.wav\n"
                 "stapes run 'audio.file path=a.wav ! features.logmel ! debug.dump path=a.npy'\n"
                 "stapes run mine.yaml --stats --set features.bins=40 a.wav\n",
     .options = run_options,
     .n_options = STAPES_COUNT(run_options),
     .first = st_run_first,
     .run = st_run_command},
    {.name = "list",
     .arguments = "[stages|pipelines|models]",
     .most = 1,
     .completes = ST_CHOICES,
     .choices = "stages|pipelines|models",
     .summary = "lists the stages of all plugins, the pipelines or the models that are found",
     .details =
         "Plugins are looked at in a process of their own with a time limit; those that are no good are "
         "named with the reason, the others are not hidden by them.",
     .examples = "stapes list\nstapes list models --json\n",
     .options = json_options,
     .n_options = STAPES_COUNT(json_options),
     .run = st_list_command},
    {.name = "inspect",
     .arguments = "STAGE|PLUGIN.so",
     .most = 1,
     .completes = ST_STAGE_NAMES,
     .summary = "shows what a stage takes, gives and can be told, or why a file is no plugin",
     .examples = "stapes inspect features.logmel\nstapes inspect ./mine.so\n",
     .options = inspect_options,
     .n_options = STAPES_COUNT(inspect_options),
     .run = st_inspect_command},
    {.name = "check",
     .arguments = "FILE|NAME|'STAGE ! STAGE'...",
     .least = 1,
     .most = ST_ANY_NUMBER,
     .completes = ST_PIPELINE_NAMES,
     .summary = "finds every mistake of pipeline files, and whether their stages open",
     .details = "Exit code 2: a mistake in a file; 3: a model or a plugin that it needs is wrong.",
     .examples = "stapes check mine.yaml\n",
     .options = check_options,
     .n_options = STAPES_COUNT(check_options),
     .run = st_diagnose_command},
    {.name = "graph",
     .arguments = "FILE|NAME|'STAGE ! STAGE'",
     .least = 1,
     .most = 1,
     .completes = ST_PIPELINE_NAMES,
     .summary = "prints a pipeline as a graph for Graphviz (DOT), or draws it",
     .examples = "stapes graph transcribe --svg transcribe.svg\n",
     .options = graph_options,
     .n_options = STAPES_COUNT(graph_options),
     .run = st_picture_command},
    {.name = "new",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .summary = "writes a new plugin with one stage, ready to build, load and verify",
     .details =
         "NAME is that of the plugin, or PLUGIN.STAGE. A folder of that name is made with one source file, a "
         "Makefile and a README; nothing that is there is overwritten.",
     .examples = "stapes new tilt\ncd tilt && make && stapes verify ./tilt.so\n",
     .options = new_options,
     .n_options = STAPES_COUNT(new_options),
     .run = st_new_command},
    {.name = "verify",
     .arguments = "PLUGIN.so...",
     .most = ST_ANY_NUMBER,
     .completes = ST_FILES,
     .summary = "tests the stages of a plugin against the contract",
     .details = "Each test runs in a process of its own with a time limit. A failure prints the command that "
                "repeats "
                "it.",
     .examples = "stapes verify ./tilt.so\n"
                 "stapes verify ./tilt.so --test cuts --seed 7 --verbose\n"
                 "gdb --args stapes verify ./tilt.so --test cuts --here\n",
     .options = verify_options,
     .n_options = STAPES_COUNT(verify_options),
     .run = st_conform_command},
    {.name = "bench",
     .arguments = "[NAME...]",
     .most = ST_ANY_NUMBER,
     .summary = "measures this machine: start, packets, stages; GStreamer beside it where it is installed",
     .examples = "stapes bench\nstapes bench startup packet --json\n",
     .options = bench_options,
     .n_options = STAPES_COUNT(bench_options),
     .run = st_bench_command},
    {.name = "quantize",
     .arguments = "MODEL OUT",
     .least = 2,
     .most = 2,
     .completes = ST_MODEL_NAMES,
     .summary = "writes a model with smaller weights: int8, bfloat16 or float16",
     .details =
         "MODEL is a name or a folder, OUT a folder that is made: whole or not at all. It loads like any "
         "other "
         "model. Prints what became of each tensor, the largest rounding error, and the sizes before and "
         "after. "
         "int8 weights are a quarter of float32 and make long rows faster; bf16 and f16 are half of it and "
         "compute in float32.",
     .examples = "stapes quantize an4 ./an4-int8 --type int8\n"
                 "stapes transcribe --model ./an4-int8 recording.wav\n",
     .options = quantize_options,
     .n_options = STAPES_COUNT(quantize_options),
     .run = st_quantize_command},
    {.name = "doctor",
     .arguments = "",
     .summary = "looks at the installation: versions, plugins, libraries, models, and what to do",
     .options = NULL,
     .run = st_doctor_command},
    {.name = "version", .arguments = "", .summary = "prints the version", .run = st_help_version},
    {.name = "help",
     .arguments = "[COMMAND|PIPELINE]",
     .most = 1,
     .completes = ST_COMMANDS,
     .summary = "shows the help of a command or pipeline",
     .options = help_options,
     .n_options = STAPES_COUNT(help_options),
     .run = st_help_command},
    {.name = "completion",
     .arguments = "bash|zsh",
     .least = 1,
     .most = ST_ANY_NUMBER,
     .completes = ST_CHOICES,
     .choices = "bash|zsh",
     .summary = "prints the script that lets the shell complete commands, options and names",
     .examples = "source <(stapes completion bash)\n",
     .run = st_completion_command},
};
const uint32_t st_commands_count = STAPES_COUNT(st_commands);

const st_command *st_commands_find(const char *name)
{
    for (uint32_t i = 0; i < st_commands_count; i++)
        if (strcmp(st_commands[i].name, name) == 0) return &st_commands[i];
    return NULL;
}
