// Tests conversion between at::Tensor and the tensors of the plugin ABI (same memory, each deleter called once), and linear algebra.
#include "plug/bridge.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include "aten.hpp"
#include "catch.hpp"
#include "core/error.hpp"
#include "plug/linalg.hpp"
#include "plug/service_context.hpp"

using namespace assay;
using namespace assay::plug;

namespace {

struct with_host {
  with_host() : services(nullptr, {}) { services.begin_call(""); }
  const assay_host *table() const { return services.table(); }
  service_context services;
};

at::Tensor random(at::IntArrayRef shape, at::ScalarType type = at::kDouble) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  return at::randn(shape, generator, at::TensorOptions().dtype(type));
}

}  // namespace

TEST_CASE("bridge: a tensor keeps its memory, dtype, shape and strides") {
  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble, at::kByte, at::kChar,
                          at::kShort, at::kInt, at::kLong, at::kBool}) {
    const at::Tensor tensor = at::zeros({4, 6}, type).t().slice(0, 1, 5, 2);
    const tensor_ref ref(tensor);
    CHECK(ref.get()->data == tensor.data_ptr());
    const at::Tensor back = borrow(*ref.get());
    CHECK(back.data_ptr() == tensor.data_ptr());
    CHECK(back.sizes() == tensor.sizes());
    CHECK(back.strides() == tensor.strides());
    CHECK(back.scalar_type() == type);
  }
  CHECK(tensor_ref(at::Tensor()).get() == nullptr);
  CHECK_THROWS_AS(tensor_ref(at::zeros({1}, at::kComplexFloat)), error);
}

TEST_CASE("bridge: a byte offset and missing strides are understood") {
  float data[7] = {0, 1, 2, 3, 4, 5, 6};
  tensor_view view(data, k_f32, {2, 3});
  assay_tensor shifted = *view;
  shifted.byte_offset = 4;
  shifted.strides = nullptr;
  CHECK(borrow(shifted).sum().item<float>() == 21);
}

TEST_CASE("bridge: an adopted tensor calls the deleter when nothing uses it any more") {
  static int deleted;
  deleted = 0;
  static float data[2] = {1, 2};
  static int64_t shape[1] = {2};
  static assay_managed managed{};
  managed.version_major = 1;
  managed.deleter = [](assay_managed *) { ++deleted; };
  managed.tensor.data = data;
  managed.tensor.device = k_cpu;
  managed.tensor.ndim = 1;
  managed.tensor.dtype = k_f32;
  managed.tensor.shape = shape;
  {
    const at::Tensor slice = adopt(managed_tensor(&managed)).slice(0, 1);
    CHECK(slice.item<float>() == 2);
    CHECK(deleted == 0);
  }
  CHECK(deleted == 1);
}

TEST_CASE("bridge: a tensor that is handed over lives until its deleter is called") {
  at::Tensor tensor = at::ones({3});
  const auto *storage = tensor.unsafeGetTensorImpl();
  managed_tensor owned = hand_over(tensor);
  CHECK(tensor.use_count() == 2);
  CHECK(adopt(std::move(owned)).sum().item<float>() == 3);
  CHECK(tensor.use_count() == 1);
  CHECK(storage == tensor.unsafeGetTensorImpl());
}

TEST_CASE("linalg: each function computes what its name says, for any strides") {
  const with_host host;
  const assay_linalg &la = linalg_table();
  for (const auto type : {at::kFloat, at::kDouble}) {
    const double tolerance = type == at::kFloat ? 1e-4 : 1e-12;
    const at::Tensor a = random({5, 4}, type), b = random({6, 4}, type).t().contiguous().t();
    at::Tensor c = at::full({5, 6}, 7.0, type);
    CHECK(la.gemm(host.table(), 2.0, tensor_ref(a).get(), 0, tensor_ref(b).get(), 1, 0.5,
                  tensor_ref(c).get()) == 0);
    CHECK(at::allclose(c, 2 * a.mm(b.t()) + 3.5, tolerance, tolerance));
    c.fill_(std::numeric_limits<double>::quiet_NaN());
    CHECK(la.gemm(host.table(), 1.0, tensor_ref(a).get(), 0, tensor_ref(b).get(), 1, 0.0,
                  tensor_ref(c).get()) == 0);
    CHECK(at::allclose(c, a.mm(b.t()), tolerance, tolerance));

    at::Tensor h = at::eye(4, type);
    CHECK(la.syrk(host.table(), 1.0, tensor_ref(a).get(), 1.0, tensor_ref(h).get()) == 0);
    CHECK(at::allclose(h, a.t().mm(a) + at::eye(4, type), tolerance, tolerance));
    for (const int upper : {0, 1}) {
      at::Tensor factor = h.clone();
      CHECK(la.cholesky(host.table(), tensor_ref(factor).get(), upper) == 0);
      CHECK(at::allclose(upper ? factor.t().mm(factor) : factor.mm(factor.t()), h, tolerance,
                         tolerance));
      for (const int transpose : {0, 1})
        for (const int left : {0, 1}) {
          const at::Tensor op = transpose ? factor.t() : factor;
          at::Tensor x = random(left ? at::IntArrayRef{4, 3} : at::IntArrayRef{3, 4}, type);
          const at::Tensor rhs = x.clone();
          CHECK(la.triangular_solve(host.table(), tensor_ref(factor).get(), upper, transpose, left,
                                    tensor_ref(x).get()) == 0);
          CHECK(at::allclose(left ? op.mm(x) : x.mm(op), rhs, 10 * tolerance, 10 * tolerance));
        }
      CHECK(la.cholesky_inverse(host.table(), tensor_ref(factor).get(), upper) == 0);
      CHECK(at::allclose(factor.mm(h), at::eye(4, type), 10 * tolerance, 10 * tolerance));
    }
  }
}

TEST_CASE(
    "linalg: shapes that do not fit are refused with a reason, and a failed factorisation leaves "
    "its input unchanged") {
  with_host host;
  const assay_linalg &la = linalg_table();
  at::Tensor a = at::ones({2, 3}), b = at::ones({2, 3}), c = at::ones({2, 2});
  CHECK(la.gemm(host.table(), 1, tensor_ref(a).get(), 0, tensor_ref(b).get(), 0, 0,
                tensor_ref(c).get()) == ASSAY_INVALID_ARGUMENT);
  CHECK(host.services.failure_text() == "gemm: shapes do not fit: [2, 3] x [2, 3] -> [2, 2]");
  at::Tensor indefinite = at::tensor({1.0f, 2.0f, 2.0f, 1.0f}).view({2, 2});
  const at::Tensor before = indefinite.clone();
  host.services.begin_call("");
  CHECK(la.cholesky(host.table(), tensor_ref(indefinite).get(), 0) == ASSAY_NUMERICAL);
  CHECK(host.services.failure_text().empty());  // no error: the plugin can raise its damping
  CHECK(at::equal(indefinite, before));
  host.services.begin_call("");
  CHECK(la.syrk(host.table(), 1, nullptr, 0, tensor_ref(c).get()) == ASSAY_INVALID_ARGUMENT);
}
