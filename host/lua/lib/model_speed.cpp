// The methods of a model that time it (engine/speed.hpp). Two functions describe the machine: its rates,
// with which the times are compared, and the name of its packed kernel.
#include "engine/speed.hpp"
#include "kernels/machine_rates.hpp"
#include "lua/state.hpp"
#include "lua/subject.hpp"
#include "packed/packed_kernel.hpp"

namespace assay::lua {
namespace {

int64_t positive(const option_table &given, const char *name, int64_t otherwise) {
  const int64_t value = given.integer(name).value_or(otherwise);
  if (value < 1)
    throw error(error_kind::usage,
                std::string("'") + name + "' must be 1 or more, not " + std::to_string(value));
  return value;
}

// m:time_prefill { tokens = 512 } -> { tokens, seconds, tokens_per_second, operations_per_token }; it runs
// a prompt of `tokens` tokens once
int time_prefill(lua_State *L) {
  const subject &m = self(L);
  const option_table given(L, 2, {"tokens"});
  const engine::speed s = engine::time_prefill(m.decoder, positive(given, "tokens", 512));
  push_json(L, {{"tokens", s.tokens},
                {"seconds", s.seconds},
                {"tokens_per_second", s.tokens_per_second()},
                {"operations_per_token", engine::operations_of_token(m.decoder)}});
  return 1;
}

// m:time_decode { batch = 1, context = 16, steps = 64 } -> { tokens, seconds, tokens_per_second,
// bytes_per_token, operations_per_token }. batch: sequences at a time; context: tokens before the first
// step; steps: new tokens of each sequence. bytes_per_token: what is read for one token, namely the
// bytes of the weights divided by the batch, plus the bytes of keys and values of one sequence.
int time_decode(lua_State *L) {
  const subject &m = self(L);
  const option_table given(L, 2, {"batch", "context", "steps"});
  const int64_t batch = positive(given, "batch", 1), context = positive(given, "context", 16),
                steps = positive(given, "steps", 64);
  const engine::speed s = engine::time_decode(m.decoder, batch, context, steps);
  const double bytes =
      static_cast<double>(engine::weight_bytes_of_step(m.decoder)) / static_cast<double>(batch) +
      static_cast<double>(engine::cache_bytes_of_step(m.decoder, context + steps / 2));
  push_json(L, {{"tokens", s.tokens},
                {"seconds", s.seconds},
                {"tokens_per_second", s.tokens_per_second()},
                {"bytes_per_token", bytes},
                {"operations_per_token", engine::operations_of_token(m.decoder)}});
  return 1;
}

}  // namespace

// machine_rates() -> { read_bytes, fp32_operations }: bytes read from memory per second and fp32
// operations per second, as measured by this call
int machine_rates(lua_State *L) {
  push_json(L, {{"read_bytes", model::read_rate()}, {"fp32_operations", model::fp32_rate()}});
  return 1;
}

// packed_kernel() -> the name of the kernel that multiplies from codes on this processor
int packed_kernel(lua_State *L) {
  push_string(L, model::packed_kernel_here().name);
  return 1;
}

const luaL_Reg k_speed_methods[] = {{"time_prefill", guarded<time_prefill>},
                                    {"time_decode", guarded<time_decode>},
                                    {nullptr, nullptr}};

}  // namespace assay::lua
