// Tests the functions that the host offers a plugin (assay_host), and the threads of parallel_for.
#include <atomic>
#include <numeric>
#include <thread>

#include "catch.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "plug/parallel.hpp"
#include "plug/service_context.hpp"
#include "plug/tensor.hpp"

using namespace assay;
using namespace assay::plug;

namespace {

int32_t add_range(void *arg, int64_t begin, int64_t end) {
  auto *counts = static_cast<std::vector<std::atomic<int>> *>(arg);
  for (int64_t i = begin; i < end; ++i) ++(*counts)[static_cast<size_t>(i)];
  return ASSAY_OK;
}

// Fails for pieces that reach beyond 100, with a status that depends on the piece: -10 - begin / 50.
int32_t fail_from_100(void *, int64_t begin, int64_t end) {
  return end > 100 ? static_cast<int32_t>(-10 - begin / 50) : ASSAY_OK;
}

int32_t throws(void *, int64_t, int64_t) {
  throw 1;
}

}  // namespace

TEST_CASE(
    "parallel_for visits every index once, for every number of threads and every grain (length of "
    "a piece)") {
  for (const int threads : {1, 2, 5})
    for (const int64_t grain : {int64_t{1}, int64_t{7}, int64_t{5000}}) {
      set_plugin_threads(threads);
      std::vector<std::atomic<int>> counts(1003);
      CHECK(run_in_pieces(1003, grain, add_range, &counts) == ASSAY_OK);
      for (const auto &count : counts) REQUIRE(count == 1);
    }
  set_plugin_threads(0);
}

TEST_CASE(
    "parallel_for returns the status of the lowest piece that failed, and survives an exception") {
  set_plugin_threads(1);
  CHECK(run_in_pieces(400, 50, fail_from_100, nullptr) == -12);
  CHECK(run_in_pieces(4, 1, throws, nullptr) == ASSAY_INTERNAL);
  set_plugin_threads(3);
  for (int i = 0; i < 50; ++i) REQUIRE(run_in_pieces(6000, 50, fail_from_100, nullptr) < -9);
  CHECK(run_in_pieces(0, 1, throws, nullptr) == ASSAY_OK);
  set_plugin_threads(0);
}

TEST_CASE("nested and simultaneous loops work") {
  set_plugin_threads(3);
  std::vector<std::atomic<int>> counts(100);
  const auto nested = [](void *arg, int64_t, int64_t) {
    return run_in_pieces(100, 1, add_range, arg);
  };
  const auto start = [&] { CHECK(run_in_pieces(10, 1, nested, &counts) == ASSAY_OK); };
  std::thread other(start);
  start();
  other.join();
  const int visits = std::accumulate(counts.begin(), counts.end(), 0,
                                     [](int sum, const auto &count) { return sum + count.load(); });
  CHECK(visits % 100 == 0);
  CHECK(visits > 0);
  set_plugin_threads(0);
}

TEST_CASE("a cancelled loop stops, and progress and cancelled say so") {
  service_context services(nullptr, {});
  const assay_host *host = services.table();
  CHECK(host->progress(host->ctx, 1, 2, nullptr) == ASSAY_OK);
  request_cancel();
  std::vector<std::atomic<int>> counts(10);
  CHECK(run_in_pieces(10, 1, add_range, &counts) == ASSAY_CANCELLED);
  CHECK(host->progress(host->ctx, 1, 2, "half") == ASSAY_CANCELLED);
  CHECK(host->cancelled(host->ctx) == 1);
  clear_cancel();
}

TEST_CASE(
    "alloc gives aligned memory that its deleter frees, and refuses what it cannot allocate") {
  service_context services(nullptr, {});
  const assay_host *host = services.table();
  tensor_view prototype(nullptr, k_f16, {3, 5});
  assay_managed *made = nullptr;
  REQUIRE(host->alloc(host->ctx, prototype.get(), &made) == ASSAY_OK);
  CHECK(describe(made->tensor) == "f16 [3, 5] on cpu");
  CHECK(reinterpret_cast<uintptr_t>(made->tensor.data) % 64 == 0);
  CHECK(made->tensor.strides[0] == 5);
  made->deleter(made);

  services.begin_call("");
  tensor_view negative(nullptr, k_f16, {3, -5}), foreign(nullptr, {3, 4, 7}, {3}),
      huge(nullptr, k_u8, {1 << 30, 1 << 30, 9});
  for (const assay_tensor *bad :
       {negative.get(), foreign.get(), huge.get(), static_cast<const assay_tensor *>(nullptr)})
    CHECK(host->alloc(host->ctx, bad, &made) == ASSAY_INVALID_ARGUMENT);
  CHECK(services.failure_text() == "alloc: not a tensor's shape and dtype");
  tensor_view elsewhere(nullptr, k_f32, {3}, {ASSAY_CUDA, 0});
  services.begin_call("");
  CHECK(host->alloc(host->ctx, elsewhere.get(), &made) == ASSAY_UNSUPPORTED);
}

TEST_CASE("seeds depend on layer and label, not on the order of the requests") {
  instance_options options;
  options.seed = 5;
  service_context services(nullptr, options);
  const assay_host *host = services.table();
  services.begin_call("a");
  const uint64_t first = host->seed(host->ctx, "x");
  CHECK(first != host->seed(host->ctx, "y"));
  CHECK(first == host->seed(host->ctx, "x"));
  services.begin_call("b");
  CHECK(first != host->seed(host->ctx, "x"));
}

TEST_CASE("a configuration gives values by key and type, and names a key that it does not have") {
  service_context services(
      nullptr, {}, json::parse(R"({"bits": 4, "share": 0.5, "dense": true, "mode": "full"})"));
  const assay_host *host = services.table();
  int64_t bits = 0;
  double share = 0, whole = 0;
  int32_t dense = 0;
  const char *mode = nullptr;
  CHECK(host->config_integer(host->ctx, "bits", &bits) == ASSAY_OK);
  CHECK(host->config_number(host->ctx, "share", &share) == ASSAY_OK);
  CHECK(host->config_number(host->ctx, "bits", &whole) == ASSAY_OK);
  CHECK(host->config_flag(host->ctx, "dense", &dense) == ASSAY_OK);
  CHECK(host->config_text(host->ctx, "mode", &mode) == ASSAY_OK);
  CHECK(bits == 4);
  CHECK(share == 0.5);
  CHECK(whole == 4.0);
  CHECK(dense == 1);
  CHECK(std::string(mode) == "full");

  const auto complaint = [&](auto &&ask) {
    services.begin_call("");
    CHECK(ask() == ASSAY_INTERNAL);
    try {
      services.rethrow_kept();
    } catch (const error &problem) {
      CHECK(problem.kind() == error_kind::plugin);
      return problem.message();
    }
    return std::string("nothing");
  };
  CHECK(complaint([&] { return host->config_integer(host->ctx, "bit", &bits); }) ==
        "asked its configuration for the integer `bit`, which is not there");
  CHECK(complaint([&] { return host->config_integer(host->ctx, "share", &bits); }) ==
        "asked its configuration for the integer `share`, which is of type number");
  CHECK(complaint([&] { return host->config_flag(host->ctx, "mode", &dense); }) ==
        "asked its configuration for the flag `mode`, which is of type string");
  CHECK(complaint([&] { return host->config_text(host->ctx, "mode", nullptr); }) ==
        "asked its configuration for the text `mode`, without a place for the answer");
  CHECK(bits == 4);  // a failed request does not change the result
  CHECK(dense == 1);
}

TEST_CASE("an extension that nobody offers is NULL, also for a NULL name") {
  service_context services(nullptr, {});
  const assay_host *host = services.table();
  CHECK(host->get_extension(host->ctx, "no.such/1") == nullptr);
  CHECK(host->get_extension(host->ctx, nullptr) == nullptr);
  static const int table = 0;
  provide_extension("test.some/1", &table);
  CHECK(host->get_extension(host->ctx, "test.some/1") == &table);
  CHECK(host->get_extension(host->ctx, "test.some/12") == nullptr);
}

TEST_CASE(
    "The host hashes bytes that a plugin gives in pieces, and a hash may end without a result") {
  service_context services(nullptr, {});
  const assay_host &host = *services.table();
  void *hash = nullptr;
  char hex[65] = {};
  REQUIRE(host.hash_begin(host.ctx, &hash) == ASSAY_OK);
  CHECK(host.hash_update(host.ctx, hash, "a", 1) == ASSAY_OK);
  CHECK(host.hash_update(host.ctx, hash, nullptr, 0) == ASSAY_OK);
  CHECK(host.hash_update(host.ctx, hash, "bc", 2) == ASSAY_OK);
  CHECK(host.hash_end(host.ctx, hash, hex) == ASSAY_OK);
  CHECK(std::string(hex) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(host.hash_begin(host.ctx, &hash) == ASSAY_OK);
  CHECK(host.hash_end(host.ctx, hash, nullptr) == ASSAY_OK);
  CHECK(host.hash_update(host.ctx, nullptr, "a", 1) == ASSAY_INVALID_ARGUMENT);
  CHECK(host.hash_end(host.ctx, nullptr, hex) == ASSAY_INVALID_ARGUMENT);
  CHECK(host.hash_begin(host.ctx, nullptr) == ASSAY_INVALID_ARGUMENT);
}
