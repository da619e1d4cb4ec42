/* hook.h - the calls that a plugin makes into the C library, counted, and failed on purpose: for the
 * contract suite.
 *
 * After a plugin was loaded, the addresses through which it and the libraries that came with it call
 * malloc, open, pthread_mutex_lock and the like are replaced by functions of ours (in their global offset
 * tables; the program itself is not touched). Counters are the process's, since such a call brings no
 * context: only the suite's child processes use this file. Machines whose tables it cannot read (not
 * x86-64 or AArch64) count nothing, and st_hook_install says so. */
#ifndef ST_HOOK_H
#define ST_HOOK_H

#include <stdbool.h>
#include <stdint.h>

/* Remembers what is loaded now: these objects stay as they are. Before the plugin is loaded. */
void st_hook_prepare(void);

/* Hooks what was loaded since; `handle` is the plugin's, of dlopen. False where that is not possible. */
bool st_hook_install(void *handle);

enum st_hook_kind { ST_HOOK_MEMORY, ST_HOOK_LOCK, ST_HOOK_FILE, ST_HOOK_KINDS };

/* Calls counted while the thread was in a stream call of a stage. Locks and files are counted only
 * where the plugin itself calls them. */
void     st_hook_stream(bool in_stream_call);
void     st_hook_reset(void);
uint64_t st_hook_count(int kind);

/* The name of the first function that was counted, or NULL. */
const char *st_hook_first(int kind);

/* The n-th allocation from now on fails (malloc and the like where the plugin itself or libstapes-kit
 * calls them, and st_hook_fails); 0: none does. What counted so far is st_hook_allocations. */
void     st_hook_fail_at(uint64_t n);
uint64_t st_hook_allocations(void);

/* Counts an allocation that the host makes for the stage; true: let it fail. */
bool st_hook_fails(void);

/* The suite's own work inside a call of a stage is neither counted nor failed. */
void st_hook_pause(bool pause);

#endif
