/* oneliner.h - a pipeline on one line: audio.file path=a.wav ! x@audio.resample rate=16000 ! ...
 *
 *   line  = stage { "!" stage }
 *   stage = [NAME "@"] FAMILY.WHAT { PARAMETER "=" value }
 *
 * Words are divided by blanks (line ends count as blanks); '!' is a word of its own. Quotes work as in
 * a shell: '...' as it is, "..." with \" and \\ in it, \ before any other character. from=NAME.PORT, or
 * from=PORT:NAME.PORT,PORT:NAME.PORT for several inputs. Lists have ',' between their items; a ',' in
 * quotes belongs to the item. */
#ifndef ST_ONELINER_H
#define ST_ONELINER_H

#include "pipeline/tree.h"

/* A text is YAML if it begins with one of # % - { [ " ' & * | > or if its first word is followed by
 * ':' and a blank or line end, as in 'stages:'. Everything else is a one-liner. */
bool st_oneliner_is(const char *text);

/* The same tree as of the YAML file that says the same. NULL if there is no stage in it. */
st_tree *st_oneliner_read(st_notes *notes, const st_page *page);

#endif
