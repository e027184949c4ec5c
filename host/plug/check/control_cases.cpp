// Cases for the behaviour of a quantizer: memory, stopping, threads, and the order of calls.
#include <chrono>
#include <thread>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "plug/check/bench.hpp"

namespace assay::check {
namespace {

run_options checked() {
  run_options options;
  options.instance.checked = true;
  return options;
}

void process_is_left_alone(const subject &on) {
  bench_layer layer(8, 64, on.seed);
  run(on, layer, checked());  // a changed locale or rounding mode is an error of the call
}

void destroy_from_every_state(const subject &on) {
  bench_layer layer(8, 64, on.seed);
  { plug::quantizer_instance idle(*on.what, on.config); }
  {
    plug::quantizer_instance needed(*on.what, on.config);
    needed.needs(layer.layer());
  }
  plug::quantizer_instance done(*on.what, on.config);
  run(done, layer);
}

void gives_memory_back(const subject &on) {
  bench_layer layer(8, 64, on.seed);
  const int64_t before = plug::allocations().live;
  run(on, layer);
  const int64_t kept = plug::allocations().live - before;
  if (kept > 0) fail("it took tensors from the host and did not give back " + std::to_string(kept));
}

// Lets the k-th request for memory fail, for k = 1, 2, ... until the quantizer makes fewer than k requests (199 at most).
void survives_without_memory(const subject &on) {
  bench_layer layer(8, 64, on.seed);
  plug::allocation_probe &probe = plug::allocations();
  for (int64_t k = 1; k < 200; ++k) {
    const int64_t live = probe.live;
    probe.calls = 0;
    probe.fail_at = k;
    bool failed = false;
    try {
      run(on, layer);
    } catch (const error &reason) {
      failed = true;
      if (reason.kind() == error_kind::plugin)
        fail("without memory at its request " + std::to_string(k) + ": " + reason.what());
    }
    const bool reached = probe.calls >= k;
    probe.fail_at = 0;
    if (probe.live != live)
      fail("without memory at its request " + std::to_string(k) + " it leaves " +
           std::to_string(probe.live - live) + " tensors behind");
    if (!reached) return;
    if (!failed) fail("without memory at its request " + std::to_string(k) + " it reports success");
  }
}

// A call must return within 200 ms after the user asked to stop. A call that takes up to 1 s gets only a warning.
void stops_when_asked(const subject &on) {
  bench_layer layer(256, 512, on.seed);
  plug::quantizer_instance quantizer(*on.what, on.config);
  const assay_needs needs = quantizer.needs(layer.layer());
  if ((needs.schedule & ASSAY_SCHEDULE_WHOLE_BLOCK) != 0)
    skip("it works on whole blocks, which this program cannot run");
  const assay_stats *stats = layer.stats(needs);
  request_cancel();
  const auto start = std::chrono::steady_clock::now();
  std::string wrong;
  try {
    quantizer.quantize(layer.layer(), stats);
  } catch (const error &reason) {
    if (reason.kind() != error_kind::cancelled) wrong = reason.what();
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  clear_cancel();
  if (!wrong.empty()) fail("asked to stop, it fails for another reason: " + wrong);
  if (seconds > 1.0)
    fail("asked to stop, it works on for " + std::to_string(seconds) + " s (200 ms are allowed)");
  if (seconds > 0.2) warn("asked to stop, it works on for " + std::to_string(seconds) + " s");
}

void threads_do_not_matter(const subject &on) {
  bench_layer layer(64, 128, on.seed);
  plug::set_plugin_threads(1);
  const std::string alone = bytes_of(run(on, layer));
  plug::set_plugin_threads(3);
  const std::string shared = bytes_of(run(on, layer));
  plug::set_plugin_threads(0);
  if (alone != shared) fail("the result depends on the number of threads");
}

void instances_in_parallel(const subject &on) {
  if ((on.what->flags & ASSAY_COMPONENT_SERIAL) != 0) skip("it says ASSAY_COMPONENT_SERIAL");
  constexpr size_t k_threads = 4;
  std::string expected[k_threads], got[k_threads], failed;
  for (size_t i = 0; i < k_threads; ++i) {
    bench_layer layer(16, 96, on.seed + i);
    expected[i] = bytes_of(run(on, layer));
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < k_threads; ++i)
    threads.emplace_back([&, i] {
      try {
        bench_layer layer(16, 96, on.seed + i);
        got[i] = bytes_of(run(on, layer));
      } catch (const std::exception &reason) {
        got[i] = reason.what();
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (size_t i = 0; i < k_threads; ++i)
    if (got[i] != expected[i]) fail("instances at work at the same time disturb each other");
}

}  // namespace

const std::vector<test_case> &control_cases() {
  static const std::vector<test_case> cases = {
      {"process_is_left_alone", process_is_left_alone},
      {"destroy_from_every_state", destroy_from_every_state},
      {"gives_memory_back", gives_memory_back},
      {"survives_without_memory", survives_without_memory},
      {"stops_when_asked", stops_when_asked},
      {"threads_do_not_matter", threads_do_not_matter},
      {"instances_in_parallel", instances_in_parallel},
  };
  return cases;
}

}  // namespace assay::check
