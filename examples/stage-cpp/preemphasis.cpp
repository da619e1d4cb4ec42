// preemphasis.cpp - a stage for stapes in C++: y[n] = x[n] - coefficient * x[n - 1], each channel for itself.
#include <stapes/stage.h>

#include <vector>

namespace
{

struct settings {
    float coefficient;
};

// What one instance remembers. stapes owns `holder` (zeroed before open); the vector is ours.
struct holder {
    std::vector<float> *last; // of each channel
};

const stapes_parameter parameters[] = {
    {"coefficient", stapes_type_of(&settings::coefficient), offsetof(settings, coefficient), "0.97",
     "share of the last sample that is taken away", nullptr, 0, 1, nullptr, 0}};
const stapes_port in[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, nullptr}};
const stapes_port out[] = {{"out", STAPES_KIND(STAPES_AUDIO), 0, nullptr}};

holder *held(const stapes_instance *me) { return static_cast<holder *>(me->state); }

// No exception may leave a function that stapes calls.
template <typename Work> int guarded(const stapes_instance *me, Work work)
{
    try {
        work();
        return STAPES_OK;
    } catch (const std::bad_alloc &) {
        return me->host->fail(me, STAPES_ENOMEM, "no memory");
    }
}

int open(const stapes_instance *me)
{
    return guarded(me, [&] { held(me)->last = new std::vector<float>; });
}

int configure(const stapes_instance *me, const stapes_format *const *inputs, stapes_format *const *outputs,
              stapes_bounds *)
{
    *outputs[0] = *inputs[0];
    return guarded(me, [&] { held(me)->last->assign(inputs[0]->columns, 0.0f); });
}

int rows(const stapes_instance *me, const float *x, float *y, uint32_t n, uint32_t channels)
{
    const float a = static_cast<const settings *>(me->settings)->coefficient;
    float      *last = held(me)->last->data();
    for (size_t i = 0; i < size_t{n} * channels; i++) {
        y[i] = x[i] - a * last[i % channels];
        last[i % channels] = x[i];
    }
    return STAPES_OK;
}

// A segment ended: the next one starts afresh.
int flush(const stapes_instance *me, int)
{
    for (float &value : *held(me)->last) value = 0;
    return STAPES_OK;
}

void close(const stapes_instance *me) { delete held(me)->last; }

constexpr stapes_stage make()
{
    stapes_stage stage{};
    stage.size = sizeof stage;
    stage.name = "preemphasis.filter";
    stage.summary = "lifts high frequencies (pre-emphasis)";
    stage.inputs = in;
    stage.n_inputs = STAPES_COUNT(in);
    stage.outputs = out;
    stage.n_outputs = STAPES_COUNT(out);
    stage.parameters = parameters;
    stage.n_parameters = STAPES_COUNT(parameters);
    stage.parameter_size = sizeof parameters[0];
    stage.settings_size = sizeof(settings);
    stage.state_size = sizeof(holder);
    stage.open = open;
    stage.configure = configure;
    stage.rows = rows;
    stage.flush = flush;
    stage.close = close;
    return stage;
}

constexpr stapes_stage filter = make();

} // namespace

STAPES_PLUGIN("preemphasis", "0.1.0", "MIT", &filter);
