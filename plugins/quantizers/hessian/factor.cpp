// Computes U with inverse(H) = U^T U from one Cholesky factor and one triangular inverse, in place.
// Let J reverse the order of indices. The Cholesky factor L gives J H J = L L^T. Then H = M M^T with
// M = J L J, which is upper triangular, so U = inverse(M) = J inverse(L) J. The published code needs
// three steps: Cholesky, inverse, Cholesky.
#include "factor.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <mutex>

#include "triangular.hpp"

namespace hessian {
namespace {

constexpr int k_tries = 4;        // attempts in f32, and as many in f64
constexpr double k_raise = 10.0;  // factor on the damping after a failed attempt

// Writes the lower triangle of J H J, [n, n]. The rows and columns of H are in the order of rounding,
// and lambda is added to its diagonal.
template <class T>
void fill(assay_cpp::host host, const factor_problem &p, double lambda, std::vector<T> &out) {
  const auto &order = *p.order;
  const auto n = static_cast<int64_t>(order.size());
  host.parallel_for(n, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto column = order[static_cast<size_t>(n - 1 - i)];
      const float *row = p.h + column * n;
      T *to = out.data() + i * n;
      for (int64_t j = 0; j <= i; ++j)
        to[j] = static_cast<T>(row[order[static_cast<size_t>(n - 1 - j)]]);
      to[i] = static_cast<T>((*p.diagonal)[static_cast<size_t>(column)]) + static_cast<T>(lambda);
    }
  });
}

// Writes U to work, [n, n]. Returns false if the damped Hessian is not positive definite.
template <class T>
bool try_factor(assay_cpp::host host, const factor_problem &p, double lambda,
                std::vector<T> &work) {
  const auto n = static_cast<int64_t>(p.order->size());
  work.resize(static_cast<size_t>(n * n));
  fill(host, p, lambda, work);
  if (!cholesky_in_place(host, work.data(), n)) return false;
  invert_lower_in_place(host, work.data(), n);
  std::reverse(work.begin(), work.end());  // J inverse(L) J
  return true;
}

void note_raise(assay_cpp::host host, factored &out, double damping) {
  char text[128];
  std::snprintf(text, sizeof text,
                "not positive definite; damping raised to %.3g of mean(diag H)%s", damping,
                out.double_precision ? " in fp64" : "");
  host.ledger("damping_raised", 1, text);
  out.raises.emplace_back(text);
}

factored make_factor(assay_cpp::host host, const factor_problem &p) {
  double mean = 0;
  for (const int64_t column : *p.order) mean += (*p.diagonal)[static_cast<size_t>(column)];
  mean /= static_cast<double>(p.order->size());
  factored out;
  out.damping = p.damping;
  for (int attempt = 0; attempt < k_tries; ++attempt) {
    if (attempt) {
      out.damping = std::max(out.damping * k_raise, 1e-4);
      note_raise(host, out, out.damping);
    }
    if (try_factor(host, p, out.damping * mean, out.u)) return out;
  }
  std::vector<double> wide;
  out.double_precision = true;
  out.damping = std::max(p.damping, 1e-4);
  for (int attempt = 0; attempt < k_tries; ++attempt, out.damping *= k_raise) {
    note_raise(host, out, out.damping);
    if (!try_factor(host, p, out.damping * mean, wide)) continue;
    out.u.assign(wide.begin(), wide.end());
    return out;
  }
  throw failure(ASSAY_NUMERICAL,
                "the Hessian cannot be factored, even with more damping and in fp64");
}

// ---- the last factor is kept ----

// Linears with the same input (q, k, v) are quantized one after another, each by its own instance of
// the quantizer. So a factor that they share is kept in a global variable.

struct fingerprint {
  uint64_t low = 0, high = 0;
  bool operator==(const fingerprint &) const = default;
};

// Two hashes of all bits of h in their order. Equal hashes are taken for equal Hessians.
fingerprint fingerprint_of(const float *h, size_t count) {
  fingerprint out{count, ~count};
  for (size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint32_t>(h[i]);
    out.low = (out.low ^ bits) * 0x9E3779B97F4A7C15u;
    out.high = (out.high + bits) * 0xD1342543DE82EF95u + (out.high >> 29);
  }
  return out;
}

// The last factor, with everything that decided it.
struct remembered {
  fingerprint hessian;
  std::vector<float> diagonal;
  std::vector<int64_t> order;
  double damping = 0;
  std::shared_ptr<const factored> factor;
};

std::mutex guard;
remembered last;

// Returns the last factor if it fits this problem. Otherwise frees it and returns null.
std::shared_ptr<const factored> recall(const fingerprint &seen, const factor_problem &p) {
  const std::lock_guard lock(guard);
  const bool same = p.shared && last.factor && last.hessian == seen && last.damping == p.damping &&
                    last.order == *p.order && last.diagonal == *p.diagonal;
  if (!same) last = {};  // frees memory for the next factor
  return last.factor;
}

}  // namespace

std::shared_ptr<const factored> factor_inverse(assay_cpp::host host, const factor_problem &p) {
  const auto size = p.shared ? p.order->size() * p.order->size() : 0;
  const auto seen = fingerprint_of(p.h, size);
  if (auto known = recall(seen, p)) {
    for (const auto &text : known->raises) host.ledger("damping_raised", 1, text);
    return known;
  }
  auto made = std::make_shared<const factored>(make_factor(host, p));
  if (!p.shared) return made;
  const std::lock_guard lock(guard);
  last = {seen, *p.diagonal, *p.order, p.damping, made};
  return made;
}

}  // namespace hessian
