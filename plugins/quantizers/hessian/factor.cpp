// With J the reversal of indices and J H J = L L^T (Cholesky), H = (J L J)(J L J)^T with J L J
// upper, hence
// inverse(H) = U^T U for U = inverse(J L J) = J inverse(L) J: one factorisation and one triangular
// inverse in
// place of Cholesky, inverse, Cholesky (performance.md 2.3, trick 5).
#include "factor.hpp"

#include <algorithm>
#include <cstdio>

#include "common.hpp"

namespace hessian {
namespace {

constexpr int k_tries = 4;        // in each precision
constexpr double k_raise = 10.0;  // factor on damping between tries

const assay_linalg *linalg_of(const assay_host *host) {
  const auto *found =
      static_cast<const assay_linalg *>(host->get_extension(host->ctx, ASSAY_EXT_LINALG));
  if (!found) throw failure(ASSAY_UNSUPPORTED, "the host offers no " ASSAY_EXT_LINALG);
  return found;
}

// reversed(i, j) = h(n-1-i, n-1-j) + lambda on the diagonal
template <class T>
void reverse_damped(const float *h, int64_t n, double lambda, T *out) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      out[i * n + j] = static_cast<T>(h[(n - 1 - i) * n + (n - 1 - j)]);
  for (int64_t i = 0; i < n; ++i) out[i * n + i] += static_cast<T>(lambda);
}

template <class T>
bool try_factor(const assay_host *host, const assay_linalg *linalg, const float *h, int64_t n,
                double lambda, std::vector<T> &lower, std::vector<T> &inverse) {
  lower.resize(static_cast<size_t>(n * n));
  reverse_damped(h, n, lambda, lower.data());
  matrix_view l(lower.data(), n, n, n);
  const int32_t status = linalg->cholesky(host, &l.tensor, 0);
  if (status == ASSAY_NUMERICAL) return false;
  if (status < 0) throw failure(status, "the host's Cholesky failed");
  inverse.assign(static_cast<size_t>(n * n), T{0});
  for (int64_t i = 0; i < n; ++i) inverse[static_cast<size_t>(i * n + i)] = T{1};
  matrix_view b(inverse.data(), n, n, n);
  const int32_t solved = linalg->triangular_solve(host, &l.tensor, 0, 0, 1, &b.tensor);
  if (solved < 0) throw failure(solved, "the host's triangular solve failed");
  return true;
}

template <class T>
void unreverse(const std::vector<T> &inverse, int64_t n, float *out) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      out[i * n + j] =
          j < i ? 0.0f
                : static_cast<float>(inverse[static_cast<size_t>((n - 1 - i) * n + (n - 1 - j))]);
}

void note_raise(const assay_host *host, double damping, bool wide) {
  char text[128];
  std::snprintf(text, sizeof text,
                "not positive definite; damping raised to %.3g of mean(diag H)%s", damping,
                wide ? " in fp64" : "");
  host->ledger(host->ctx, "damping_raised", 1, text);
}

}  // namespace

factor_result factor_inverse(const assay_host *host, float *h, int64_t n, double damping) {
  const auto *linalg = linalg_of(host);
  double mean = 0;
  for (int64_t i = 0; i < n; ++i) mean += h[i * n + i];
  mean /= static_cast<double>(n);
  double used = damping;
  {
    std::vector<float> lower, inverse;
    for (int attempt = 0; attempt < k_tries; ++attempt) {
      if (attempt) used = std::max(used * k_raise, 1e-4), note_raise(host, used, false);
      if (!try_factor(host, linalg, h, n, used * mean, lower, inverse)) continue;
      unreverse(inverse, n, h);
      return {used, false};
    }
  }
  std::vector<double> lower, inverse;
  used = std::max(damping, 1e-4);
  for (int attempt = 0; attempt < k_tries; ++attempt, used *= k_raise) {
    note_raise(host, used, true);
    if (!try_factor(host, linalg, h, n, used * mean, lower, inverse)) continue;
    unreverse(inverse, n, h);
    return {used, true};
  }
  throw failure(ASSAY_NUMERICAL, "the Hessian cannot be factored, even damped by its mean in fp64");
}

}  // namespace hessian
