// The extension assay.linalg/1: checks its arguments and calls LibTorch, on the device where the tensors lie.
#include "plug/linalg.hpp"

#include <c10/core/GradMode.h>

#include <string>

#include "plug/bridge.hpp"

namespace assay::plug {
namespace {

struct refused {
  std::string text;
};

at::Tensor matrix(const assay_tensor *view, const char *name) {
  if (view == nullptr) throw refused{std::string(name) + " is NULL"};
  if (view->ndim != 2) throw refused{std::string(name) + " is not 2-D: " + describe(*view)};
  if (!same_dtype(view->dtype, k_f32) && !same_dtype(view->dtype, k_f64))
    throw refused{std::string(name) + " is neither f32 nor f64: " + describe(*view)};
  return borrow(*view);
}

void same_type(const at::Tensor &a, const at::Tensor &b) {
  if (a.scalar_type() != b.scalar_type() || a.device() != b.device())
    throw refused{"the tensors differ in dtype or device"};
}

std::string size_of(const at::Tensor &t) {
  return "[" + std::to_string(t.size(0)) + ", " + std::to_string(t.size(1)) + "]";
}

void square(const at::Tensor &a, const char *name) {
  if (a.size(0) != a.size(1)) throw refused{std::string(name) + " is not square: " + size_of(a)};
}

product_fn fast_product = nullptr;
// If each sum has this many terms or more, fast_product saves more time than its copies cost
constexpr int64_t k_deep = 256;

bool use_fast_product(const at::Tensor &left) {
  return fast_product && left.scalar_type() == at::kFloat && left.is_cpu() &&
         left.is_contiguous() && left.size(1) >= k_deep;
}

// Runs `body` and turns every exception, of this file or of LibTorch, into a status and a text for the plugin.
template <class F>
int32_t guarded(const assay_host *host, const char *verb, F &&body) noexcept {
  try {
    const c10::NoGradGuard no_grad;
    return body();
  } catch (const refused &reason) {
    return host->fail(host->ctx, ASSAY_INVALID_ARGUMENT,
                      (std::string(verb) + ": " + reason.text).c_str());
  } catch (const std::exception &reason) {
    const std::string text = reason.what();
    return host->fail(host->ctx, ASSAY_INTERNAL,
                      (std::string(verb) + ": " + text.substr(0, text.find('\n'))).c_str());
  }
}

int32_t gemm(const assay_host *host, double alpha, const assay_tensor *a, int32_t transpose_a,
             const assay_tensor *b, int32_t transpose_b, double beta,
             const assay_tensor *c) noexcept {
  return guarded(host, "gemm", [&] {
    at::Tensor left = matrix(a, "a"), right = matrix(b, "b"), out = matrix(c, "c");
    if (transpose_a != 0) left = left.t();
    if (transpose_b != 0) right = right.t();
    same_type(left, right);
    same_type(left, out);
    if (left.size(1) != right.size(0) || out.size(0) != left.size(0) ||
        out.size(1) != right.size(1))
      throw refused{"shapes do not fit: " + size_of(left) + " x " + size_of(right) + " -> " +
                    size_of(out)};
    if (!use_fast_product(left)) {
      // With beta 0, addmm_ does not read the old contents, which may be NaN.
      out.addmm_(left, right, beta, alpha);
      return ASSAY_OK;
    }
    const at::Tensor product = fast_product(left, right.t().contiguous());
    if (beta == 0)
      at::mul_out(out, product, at::scalar_tensor(alpha, out.options()));
    else
      out.mul_(beta).add_(product, alpha);
    return ASSAY_OK;
  });
}

int32_t syrk(const assay_host *host, double alpha, const assay_tensor *x, double beta,
             const assay_tensor *c) noexcept {
  return guarded(host, "syrk", [&] {
    const at::Tensor in = matrix(x, "x");
    at::Tensor out = matrix(c, "c");
    same_type(in, out);
    square(out, "c");
    if (out.size(0) != in.size(1))
      throw refused{"shapes do not fit: " + size_of(in) + " -> " + size_of(out)};
    out.addmm_(in.t(), in, beta, alpha);
    return ASSAY_OK;
  });
}

int32_t cholesky(const assay_host *host, const assay_tensor *a, int32_t upper) noexcept {
  return guarded(host, "cholesky", [&] {
    at::Tensor in = matrix(a, "a");
    square(in, "a");
    auto [factor, info] = at::linalg_cholesky_ex(in, upper != 0, false);
    const int64_t failed_at = info.item<int64_t>();
    // A matrix that is not positive definite is an answer, so no failure text is recorded: the plugin adds more to the diagonal
    // (damping) and tries again, or fails with a text of its own.
    if (failed_at != 0) return ASSAY_NUMERICAL;
    in.copy_(factor);
    return ASSAY_OK;
  });
}

int32_t cholesky_inverse(const assay_host *host, const assay_tensor *a, int32_t upper) noexcept {
  return guarded(host, "cholesky_inverse", [&] {
    at::Tensor in = matrix(a, "a");
    square(in, "a");
    in.copy_(at::cholesky_inverse(in, upper != 0));
    return ASSAY_OK;
  });
}

int32_t triangular_solve(const assay_host *host, const assay_tensor *t, int32_t upper,
                         int32_t transpose, int32_t left, const assay_tensor *b) noexcept {
  return guarded(host, "triangular_solve", [&] {
    at::Tensor factor = matrix(t, "t"), out = matrix(b, "b");
    same_type(factor, out);
    square(factor, "t");
    if (factor.size(0) != out.size(left != 0 ? 0 : 1))
      throw refused{"shapes do not fit: " + size_of(factor) + " and " + size_of(out)};
    const bool is_upper =
        (upper != 0) != (transpose != 0);  // the transpose of an upper factor is a lower one
    if (transpose != 0) factor = factor.t();
    out.copy_(at::linalg_solve_triangular(factor, out, is_upper, left != 0, false));
    return ASSAY_OK;
  });
}

}  // namespace

void use_product(product_fn product) {
  fast_product = product;
}

const assay_linalg &linalg_table() {
  static const assay_linalg table = [] {
    assay_linalg made{};
    made.struct_size = sizeof made;
    made.gemm = gemm;
    made.syrk = syrk;
    made.cholesky = cholesky;
    made.cholesky_inverse = cholesky_inverse;
    made.triangular_solve = triangular_solve;
    return made;
  }();
  return table;
}

}  // namespace assay::plug
