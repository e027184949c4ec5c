// Tests the host's classes for tensors of the plugin ABI: views of memory, and owners that call the deleter.
#include "plug/tensor.hpp"

#include "catch.hpp"

using namespace assay::plug;

TEST_CASE("a view knows its layout, and keeps it when it is moved") {
  float data[6] = {};
  tensor_view view(data, k_f32, {2, 3});
  tensor_view moved = std::move(view);
  CHECK(describe(*moved) == "f32 [2, 3] on cpu");
  CHECK(byte_count(*moved) == 24);
  CHECK(is_contiguous(*moved));
  CHECK(moved.get()->strides[0] == 3);
}

// NULL strides mean row order. The stride of a dimension with fewer than 2 elements is never
// used, so it may have any value.
TEST_CASE(
    "NULL strides count as contiguous, and the stride of a dimension with fewer than 2 elements is "
    "ignored") {
  int64_t shape[2] = {1, 3}, strides[2] = {999, 1}, gaps[2] = {4, 1};
  assay_tensor tensor{};
  tensor.ndim = 2;
  tensor.dtype = k_u8;
  tensor.shape = shape;
  CHECK(is_contiguous(tensor));
  tensor.strides = strides;
  CHECK(is_contiguous(tensor));
  shape[0] = 2;
  tensor.strides = gaps;
  CHECK_FALSE(is_contiguous(tensor));
}

TEST_CASE(
    "a tensor without dimensions has one element, and a tensor with an extent of 0 has none") {
  CHECK(element_count(*tensor_view(nullptr, k_f32, {})) == 1);
  CHECK(element_count(*tensor_view(nullptr, k_f32, {0, 7})) == 0);
}

TEST_CASE("an owner calls the deleter once") {
  static int deleted;
  deleted = 0;
  assay_managed managed{};
  managed.deleter = [](assay_managed *) { ++deleted; };
  {
    managed_tensor owner(&managed);
    managed_tensor other = std::move(owner);
    owner = std::move(other);
  }
  CHECK(deleted == 1);
}
