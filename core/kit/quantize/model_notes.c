/* model_notes.c - see model_notes.h. Only the summary's own bytes in model.yaml are replaced: comments and
 * the order of keys are people's work. */
#include "kit/quantize/model_notes.h"

#include "contract/amount.h"
#include "contract/error.h"
#include "kit/model/mapping.h"
#include "kit/model/yaml_map.h"
#include <stapes/kit/output.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_CARD = 16 << 20 };

static int fail_memory(stapes_error *error) { return st_error_set(error, STAPES_ENOMEM, "no memory"); }

static const char *type_name(uint32_t number)
{
    return number == STAPES_I8 ? "int8" : number == STAPES_BF16 ? "bfloat16" : "float16";
}

/* A file of up to three pieces. */
static int write_file(const char *path, const char *const pieces[3], const size_t lengths[3],
                      stapes_error *error)
{
    stapes_output output;
    int           status = stapes_begin_output(&output, path, error);
    for (int i = 0; i < 3 && status >= 0; i++)
        if (lengths[i]) status = stapes_write_output(&output, pieces[i], lengths[i], error);
    if (status >= 0) status = stapes_end_output(&output, error);
    stapes_drop_output(&output);
    return status;
}

/* ---- model.yaml -----------------------------------------------------------------------------------------
 */

/* The place in bytes of a place in characters, as libyaml counts. */
static size_t byte_of(const char *text, size_t size, size_t character)
{
    size_t at = 0;
    while (at < size && character--) do
            at++;
        while (at < size && ((unsigned char)text[at] & 0xc0) == 0x80);
    return at;
}

/* A scalar in double quotes, which may stand wherever the old one stood. */
static char *quote(const char *summary, const char *added, st_arena *arena)
{
    static const char hex[] = "0123456789abcdef";
    const char       *pieces[] = {summary, *summary ? "; " : "", added, " weights"};
    char             *text = st_arena_take(arena, 4 * strlen(summary) + 64, 1), *at = text;
    if (!text) return NULL;
    *at++ = '"';
    for (size_t i = 0; i < STAPES_COUNT(pieces); i++)
        for (const char *c = pieces[i]; *c; c++) {
            if (*c == '"' || *c == '\\') {
                *at++ = '\\';
                *at++ = *c;
            } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
                *at++ = '\\';
                *at++ = 'x';
                *at++ = hex[(unsigned char)*c >> 4];
                *at++ = hex[*c & 15];
            } else {
                *at++ = *c;
            }
        }
    *at = '"';
    return text;
}

int st_model_notes_yaml(const char *from, const char *to, uint32_t number, st_arena *arena,
                        stapes_error *error)
{
    size_t  size, begin = 0, end = 0;
    char   *path = st_arena_format(arena, "%s/model.yaml", from);
    char   *target = st_arena_format(arena, "%s/model.yaml", to), *summary = "";
    st_yaml yaml = {.path = path, .error = error, .arena = arena};
    if (!path || !target) return fail_memory(error);
    char        *text = st_mapping_read(path, ST_YAML_MOST, arena, &size, error);
    yaml_node_t *root = text ? st_yaml_open(&yaml, text, size) : NULL;
    if (!root) return STAPES_EMODEL; /* the record has the true status */
    yaml_node_t *node = st_yaml_get(&yaml, root, "summary");
    if (node) {
        begin = byte_of(text, size, node->start_mark.index);
        end = byte_of(text, size, node->end_mark.index);
        summary = quote((const char *)node->data.scalar.value, type_name(number), arena);
    }
    st_yaml_close(&yaml);
    if (!summary) return fail_memory(error);
    /* a block of text ends with the newline before the next key */
    bool              block = end > begin && text[end - 1] == '\n';
    const char *const pieces[] = {text, summary, text + end - block};
    const size_t      lengths[] = {begin, strlen(summary), size - end + block};
    return write_file(target, pieces, lengths, error);
}

/* ---- the card ---------------------------------------------------------------------------------------------
 */

/* The tensor that rounding changed the most. */
static const stapes_quantized_tensor *find_worst(const stapes_quantize_report *report)
{
    const stapes_quantized_tensor *worst = NULL;
    for (uint32_t i = 0; i < report->n_tensors; i++)
        if (!worst || report->tensors[i].noise > worst->noise) worst = report->tensors + i;
    return worst;
}

static const char *write_notes(const char *name, uint32_t number, const stapes_quantize_report *report,
                               st_arena *arena)
{
    char                           before[ST_AMOUNT_TEXT], after[ST_AMOUNT_TEXT];
    const stapes_quantized_tensor *worst = find_worst(report);
    return st_arena_format(
        arena,
        "## Quantised\n\n"
        "The weights were rounded to %s by `stapes quantize` from the model `%s`: %llu numbers, %s "
        "before,\n"
        "%s after. Biases are float32. Noise of rounding, root of mean squares over that of the numbers: at "
        "most\n"
        "%.2g %% (`%s`). What stands above was measured with the weights as they were before.\n",
        type_name(number), name, (unsigned long long)report->parameters,
        st_amount_write(report->bytes_before, before), st_amount_write(report->bytes_after, after),
        worst ? 100.0 * worst->noise : 0.0, worst ? worst->name : "");
}

int st_model_notes_card(const char *from, const char *to, const char *name, uint32_t number,
                        const stapes_quantize_report *report, st_arena *arena, stapes_error *error)
{
    size_t      size = 0;
    struct stat about;
    char       *path = st_arena_format(arena, "%s/CARD.md", from), *text = "";
    char       *target = st_arena_format(arena, "%s/CARD.md", to);
    const char *notes = write_notes(name, number, report, arena);
    if (!path || !target || !notes) return fail_memory(error);
    if (stat(path, &about) == 0 || errno != ENOENT) {
        if (!(text = st_mapping_read(path, MOST_CARD, arena, &size, error))) return STAPES_EMODEL;
    } else if (!(text = st_arena_format(arena, "# %s\n", name))) {
        return fail_memory(error);
    } else {
        size = strlen(text);
    }
    const char *const pieces[] = {text, size && text[size - 1] != '\n' ? "\n\n" : "\n", notes};
    const size_t      lengths[] = {size, strlen(pieces[1]), strlen(notes)};
    return write_file(target, pieces, lengths, error);
}
