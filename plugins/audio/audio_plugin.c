/* audio_plugin.c - what audio.so offers. */
#include <stapes/stage.h>

extern const stapes_stage audio_file_stage, audio_resample_stage, audio_write_stage;

STAPES_PLUGIN("audio", "1.0.0", "MIT", &audio_file_stage, &audio_resample_stage, &audio_write_stage);
