/* features_audio.h - what the stages that make frames of audio share: all but their parameters. */
#ifndef FEATURES_AUDIO_H
#define FEATURES_AUDIO_H

#include <stapes/kit.h>
#include <stapes/stage.h>

typedef struct features_audio_settings {
    stapes_features_options options; /* first: its rows serve these settings */
    const char             *model;
} features_audio_settings;

typedef struct features_audio_state {
    stapes_features_settings settings;
    stapes_features         *stream;
    char                     recipe[STAPES_RECIPE_TEXT];
    bool                     begun;  /* a segment */
    stapes_time              origin; /* of its first sample */
    int64_t                  samples, rows;
} features_audio_state;

/* stage: that of the instance, for its parameters; kind: enum stapes_features_kind */
int  features_audio_open(const stapes_instance *me, const stapes_stage *stage, int kind);
int  features_audio_configure(const stapes_instance *me, const stapes_format *const *inputs,
                              stapes_format *const *outputs, stapes_bounds *bounds);
int  features_audio_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet);
int  features_audio_flush(const stapes_instance *me, int how);
void features_audio_close(const stapes_instance *me);

extern const stapes_stage features_deltas_stage;

#endif
