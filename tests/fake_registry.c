/* fake_registry.c - a registry that knows the fake stages and nothing else: no folders are searched and
 * no processes started while pipelines are fuzzed or run out of memory. Takes the place of
 * core/plugin/registry.c. */
#include "plugin/registry.h"

#include "contract/error.h"
#include "fake_stages.h"

#include <stdlib.h>
#include <string.h>

struct st_registry {
    st_plugin    plugin;
    stapes_stage stages[STAPES_COUNT(fake_list)];
};

st_registry *st_registry_open(const char *extra, stapes_error *error)
{
    st_registry *registry = calloc(1, sizeof *registry);
    (void)extra;
    if (!registry) {
        st_error_set(error, STAPES_ENOMEM, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < STAPES_COUNT(fake_list); i++) registry->stages[i] = *fake_list[i];
    registry->plugin = (st_plugin){.path = "", .about = fake_plugin, .stages = registry->stages};
    return registry;
}

void st_registry_close(st_registry *registry) { free(registry); }

const stapes_stage *st_registry_find(st_registry *registry, const char *stage, stapes_error *error)
{
    for (size_t i = 0; i < STAPES_COUNT(fake_list); i++)
        if (!strcmp(registry->stages[i].name, stage)) return &registry->stages[i];
    st_error_set(error, STAPES_EUSAGE, "unknown stage '%.200s'", stage);
    return NULL;
}

const st_plugin *st_registry_plugin_of(const st_registry *registry, const stapes_stage *stage)
{
    (void)stage;
    return &registry->plugin;
}

const st_listed *st_registry_list(st_registry *registry, uint32_t *count)
{
    (void)registry;
    *count = 0;
    return NULL;
}
