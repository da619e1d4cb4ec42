/* feature_settings.h - what the settings of features mean in numbers. */
#ifndef ST_FEATURE_SETTINGS_H
#define ST_FEATURE_SETTINGS_H

#include <stapes/kit/features.h>

/* The least power of two from n on. */
uint32_t st_feature_settings_power_of_two(uint32_t n);

/* Half the rate; torchaudio has an integer for it, whatever the rate. */
float st_feature_settings_half_rate(const stapes_features_settings *settings);

/* A length in ms as samples: rounded down, as Kaldi does, but not for want of a float's last digits. */
uint32_t st_feature_settings_samples(float ms, uint32_t rate);

/* The word for an enum stapes_features_padding. */
const char *st_feature_settings_padding(int32_t padding);

/* stft: numbers of a row. */
uint32_t st_feature_settings_lines(const stapes_features_settings *settings);

/* Numbers of a row before stacking. */
uint32_t st_feature_settings_width(const stapes_features_settings *settings);

#endif
