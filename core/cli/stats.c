/* stats.c - see stats.h. */
#include "cli/stats.h"

#include <inttypes.h>
#include <string.h>

/* "-" where a stage has no such side, a latency as people say it. */
static void latency_text(stapes_time latency, char *text, size_t size)
{
    if (latency == STAPES_WHOLE_SEGMENT)
        (void)snprintf(text, size, "segment");
    else
        (void)snprintf(text, size, "%.1f ms", stapes_seconds(latency) * 1e3);
}

void st_stats_print(FILE *file, const stapes_pipeline *pipeline, double wall)
{
    stapes_stage_stats stats = {.size = sizeof stats};
    uint32_t           n = stapes_get_stats(pipeline, 0, NULL);
    size_t             name = 5, stage = 4;
    double             sum = 0, media = stapes_seconds(stapes_get_progress(pipeline));
    for (uint32_t i = 0; i < n; i++) {
        stapes_get_stats(pipeline, i, &stats);
        if (strlen(stats.name) > name) name = strlen(stats.name);
        if (strlen(stats.stage) > stage) stage = strlen(stats.stage);
        sum += stats.seconds;
    }
    fprintf(file, "%-*s  %-*s %10s %10s %11s %11s %7s %11s\n", (int)name, "stage", (int)stage, "kind",
            "packets in", "out", "rows out", "time", "share", "latency");
    for (uint32_t i = 0; i < n; i++) {
        char latency[32];
        stapes_get_stats(pipeline, i, &stats);
        latency_text(stats.latency, latency, sizeof latency);
        fprintf(file, "%-*s  %-*s %10" PRIu64 " %10" PRIu64 " %11" PRIu64 " %8.3f ms %5.1f %% %11s\n",
                (int)name, stats.name, (int)stage, stats.stage, stats.packets_in, stats.packets_out,
                stats.rows_out, stats.seconds * 1e3, sum > 0 ? stats.seconds / sum * 100 : 0.0, latency);
    }
    fprintf(file, "total %.3f s, stages %.3f s", wall, sum);
    if (media > 0 && wall > 0)
        fprintf(file, "; %.3f s of media: %.1f times real time (real-time factor %.4f)", media, media / wall,
                wall / media);
    fputc('\n', file);
}
