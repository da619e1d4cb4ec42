/* list.h - a plugin as `stapes list --json` and `stapes inspect FILE.so --json` print it. */
#ifndef ST_LIST_H
#define ST_LIST_H

#include "plugin/registry.h"

/* One JSON object on standard output, no newline. */
void st_list_plugin_json(const st_listed *listed);

#endif
