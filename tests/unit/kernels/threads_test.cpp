// Tests parallel_for: it runs every index once, passes an exception on, and starts no threads for
// a loop inside another loop.
#include "catch.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "kernels/threads.hpp"

using assay::model::parallel_for;

TEST_CASE("a parallel loop covers every index once, for every grain (least length of a piece)") {
  for (const int64_t n : {0, 1, 7, 1000})
    for (const int64_t grain : {0, 1, 3, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      parallel_for(5, 5 + n, grain, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) ++seen[static_cast<size_t>(i - 5)];
      });
      for (const auto &count : seen) CHECK(count == 1);
    }
}

TEST_CASE("an exception inside a parallel loop reaches the caller, and the next loop works") {
  const auto loop = [](bool fails) {
    parallel_for(0, 64, 1, [&](int64_t first, int64_t) {
      if (fails && first == 0) throw std::runtime_error("piece 0");
    });
  };
  CHECK_THROWS_WITH(loop(true), "piece 0");
  CHECK_NOTHROW(loop(false));
}

TEST_CASE("a loop inside a parallel loop runs in its caller's thread") {
  std::atomic<int> strangers{0};
  parallel_for(0, 4, 1, [&](int64_t, int64_t) {
    const auto mine = std::this_thread::get_id();
    parallel_for(0, 100, 1, [&](int64_t, int64_t) {
      if (std::this_thread::get_id() != mine) ++strangers;
    });
  });
  CHECK(strangers == 0);
}
