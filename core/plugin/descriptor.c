/* descriptor.c - see descriptor.h.
 *
 * First the numbers that say how to read the rest (sizes, ABI, layout), then the tables, each copied
 * before it is looked at. A plugin of an older minor version has shorter structures: the fields it does
 * not know stay zero. descriptor_stage.c checks one stage. */
#include "plugin/descriptor.h"

#include "contract/error.h"
#include "plugin/descriptor_stage.h"

#include <string.h>

/* Sizes of the growing structures as of ABI 1.0, up to their last fields then: no plugin has smaller
 * ones. */
#define PLUGIN_SIZE_0 ((uint32_t)(offsetof(stapes_plugin, stages) + sizeof(void *)))
#define STAGE_SIZE_0 ((uint32_t)(offsetof(stapes_stage, process_many) + sizeof(void *)))
#define PARAMETER_SIZE_0 ((uint32_t)(offsetof(stapes_parameter, flags) + sizeof(uint32_t)))
#define MOST_SIZE 4096u /* nobody's structure will be larger */
#define MOST_STAGES 1000u
#define MOST_PARAMETERS 1000u

static int check_version(const stapes_plugin *theirs, stapes_error *error)
{
    if (theirs->abi_major != STAPES_ABI_MAJOR)
        return st_error_set(error, STAPES_EMODEL, "built for ABI %u, this is %u: %s", theirs->abi_major,
                            STAPES_ABI_MAJOR,
                            theirs->abi_major < STAPES_ABI_MAJOR ? "rebuild it" : "it needs a newer stapes");
    if (theirs->abi_minor > STAPES_ABI_MINOR_LATEST)
        return st_error_set(
            error, STAPES_EMODEL,
            "asks for ABI %u.%u, this is %u.%u: use a newer stapes, or build the plugin with a "
            "lower STAPES_ABI_MINOR",
            theirs->abi_major, theirs->abi_minor, STAPES_ABI_MAJOR, STAPES_ABI_MINOR_LATEST);
    if (theirs->size < PLUGIN_SIZE_0 || theirs->size > MOST_SIZE)
        return st_error_set(error, STAPES_EMODEL,
                            "its description has a size of %u bytes, wanted are %u to %u", theirs->size,
                            PLUGIN_SIZE_0, MOST_SIZE);
    if (theirs->layout != STAPES_LAYOUT)
        return st_error_set(error, STAPES_EMODEL,
                            "its structures are laid out differently (%08x, here %08x): rebuild it with the "
                            "stage.h of this stapes and without options that change the layout",
                            theirs->layout, STAPES_LAYOUT);
    return STAPES_OK;
}

static void copy_in(void *ours, size_t our_size, const void *theirs, size_t their_size)
{
    memset(ours, 0, our_size);
    memcpy(ours, theirs, our_size < their_size ? our_size : their_size);
}

static int copy_stage(const stapes_stage *theirs, uint32_t index, stapes_stage *ours, st_arena *arena,
                      stapes_error *error)
{
    stapes_parameter *rows;
    if (!theirs) return st_error_set(error, STAPES_EMODEL, "stage %u of its list is NULL", index);
    if (theirs->size < STAGE_SIZE_0 || theirs->size > MOST_SIZE)
        return st_error_set(error, STAPES_EMODEL,
                            "stage %u of its list has a size of %u bytes, wanted are %u to %u", index,
                            theirs->size, STAGE_SIZE_0, MOST_SIZE);
    copy_in(ours, sizeof *ours, theirs, theirs->size);
    ours->size = sizeof *ours;
    if (!ours->name || !ours->name[0])
        return st_error_set(error, STAPES_EMODEL, "stage %u of its list has no name", index);
    if (!ours->n_parameters) {
        ours->parameters = NULL;
        ours->parameter_size = sizeof *rows;
        return STAPES_OK;
    }
    if (!ours->parameters || ours->n_parameters > MOST_PARAMETERS)
        return st_error_set(error, STAPES_EMODEL, "stage '%s' says it has %u parameters and %s", ours->name,
                            ours->n_parameters,
                            ours->parameters ? "that is too many" : "has no table of them");
    if (ours->parameter_size < PARAMETER_SIZE_0 || ours->parameter_size > MOST_SIZE ||
        ours->parameter_size % 8)
        return st_error_set(
            error, STAPES_EMODEL,
            "stage '%s': parameter_size is %u bytes, wanted are %u to %u (sizeof(stapes_parameter), "
            "as STAPES_PARAMETERS sets it)",
            ours->name, ours->parameter_size, PARAMETER_SIZE_0, MOST_SIZE);
    rows = st_arena_take(arena, ours->n_parameters, sizeof *rows);
    if (!rows) return st_error_set(error, STAPES_ENOMEM, "no memory");
    for (uint32_t i = 0; i < ours->n_parameters; i++)
        copy_in(&rows[i], sizeof *rows, (const char *)theirs->parameters + (size_t)ours->parameter_size * i,
                ours->parameter_size);
    ours->parameters = rows;
    ours->parameter_size = sizeof *rows;
    return STAPES_OK;
}

int st_descriptor_read(const stapes_plugin *theirs, st_plugin *ours, st_arena *arena, stapes_error *error)
{
    stapes_stage *stages;
    int           status;
    if (!theirs) return st_error_set(error, STAPES_EMODEL, "%s() returned NULL", STAPES_ENTRY_NAME);
    status = check_version(theirs, error);
    if (status < 0) return status;
    copy_in(&ours->about, sizeof ours->about, theirs, theirs->size);
    ours->about.size = sizeof ours->about;
    if (!st_descriptor_is_word(ours->about.name, "-"))
        return st_error_set(error, STAPES_EMODEL, "its name '%.60s' is not of a to z, 0 to 9, _ and -",
                            ours->about.name ? ours->about.name : "");
    if (!st_descriptor_is_line(ours->about.version))
        return st_error_set(error, STAPES_EMODEL, "it has no version");
    if (!st_descriptor_is_line(ours->about.licence))
        return st_error_set(error, STAPES_EMODEL, "it has no licence");
    if (!ours->about.stages || !ours->about.n_stages || ours->about.n_stages > MOST_STAGES)
        return st_error_set(error, STAPES_EMODEL, "it has %u stages, wanted are 1 to %u",
                            ours->about.stages ? ours->about.n_stages : 0, MOST_STAGES);
    stages = st_arena_take(arena, ours->about.n_stages, sizeof *stages);
    if (!stages) return st_error_set(error, STAPES_ENOMEM, "no memory");
    for (uint32_t i = 0; i < ours->about.n_stages; i++) {
        status = copy_stage(ours->about.stages[i], i, &stages[i], arena, error);
        if (status >= 0) status = st_descriptor_check_stage(&stages[i], arena, error);
        if (status < 0) return status;
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(stages[i].name, stages[j].name))
                return st_error_set(error, STAPES_EMODEL, "it has two stages called '%s'", stages[i].name);
    }
    ours->stages = stages;
    return STAPES_OK;
}
