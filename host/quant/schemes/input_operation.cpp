// Applies an orthogonal operation to a linear's input as two small dense products. Here S_n is
// Sylvester's matrix of size n, m is the size of `base`, p and q are powers of two, and (x) is the
// Kronecker product. The operation is base (x) S_pq, which equals (base (x) S_p) (x) S_q. So a piece of
// m p q channels, seen as a matrix [m p, q], is multiplied by base (x) S_p from the left and by S_q from
// the right. A row of n channels takes about n (m p + q) multiplications, at the speed of matrix products.
#include "quant/schemes/input_operation.hpp"

#include <cmath>

#include "core/error.hpp"

namespace assay::quant {
namespace {

// The largest size q of the right factor. For usual widths the left factor is then about as large.
constexpr int64_t k_right = 64;

error broken(const std::string &why) {
  return error(error_kind::plugin, "the online operation is not possible: " + why);
}

// Reads rows of '+' and '-' into a matrix [m, m] f32.
at::Tensor signs_of(const json &rows) {
  const auto m = static_cast<int64_t>(rows.size());
  at::Tensor base = at::empty({m, m}, at::kFloat);
  for (int64_t i = 0; i < m; ++i) {
    const auto row = rows[static_cast<size_t>(i)].get<std::string>();
    if (static_cast<int64_t>(row.size()) != m) throw broken("its base matrix is not square");
    for (int64_t j = 0; j < m; ++j) base[i][j] = row[static_cast<size_t>(j)] == '+' ? 1.0f : -1.0f;
  }
  const at::Tensor product = at::matmul(base, base.t());
  if (!at::equal(product, at::eye(m) * static_cast<double>(m)))
    throw broken("its base is no Hadamard matrix");
  return base;
}

}  // namespace

at::Tensor sylvester(int64_t n) {
  at::Tensor h = at::ones({1, 1}, at::kFloat);
  while (h.size(0) < n) h = at::cat({at::cat({h, h}, 1), at::cat({h, -h}, 1)}, 0);
  return h;
}

std::function<at::Tensor(const at::Tensor &)> make_input_operation(const json &operation,
                                                                   int64_t width) {
  if (!operation.is_object() || operation.value("op", "") != "hadamard")
    throw broken("only 'hadamard' is known");
  const auto size = operation.value("size", int64_t{0});
  if (size < 1 || width % size != 0)
    throw broken("pieces of " + std::to_string(size) + " do not divide " + std::to_string(width) +
                 " channels");
  const at::Tensor base =
      operation.contains("base") ? signs_of(operation["base"]) : at::ones({1, 1}, at::kFloat);
  const int64_t power = size / base.size(0);
  if (power < 1 || power * base.size(0) != size || (power & (power - 1)) != 0)
    throw broken("its size is not the size of its base matrix times a power of two");
  const int64_t q = std::min(power, k_right);
  const at::Tensor left =
      at::kron(base, sylvester(power / q)).t().contiguous() / std::sqrt(static_cast<double>(size));
  const at::Tensor right = sylvester(q);
  return [left, right](const at::Tensor &x) {
    const auto options = x.options();
    const at::Tensor pieces = x.reshape({-1, left.size(0), right.size(0)});
    const at::Tensor turned = at::matmul(left.to(options), at::matmul(pieces, right.to(options)));
    return turned.reshape(x.sizes());
  };
}

}  // namespace assay::quant
