// The basic types for plugins in C++: exceptions that end a call with a status, views of tensors, and
// a class that owns a tensor. assay.hpp includes this file.
#ifndef ASSAY_VALUES_HPP
#define ASSAY_VALUES_HPP

#include <assay.h>

#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace assay_cpp {

// Throw it to end the present call with this status and text.
class failure : public std::runtime_error {
 public:
  failure(int32_t status, const std::string &text) : std::runtime_error(text), status_(status) {}
  int32_t status() const { return status_; }

 private:
  int32_t status_;
};

// The two failures that plugins throw most: a mistake of the caller, and a number that is not finite.
inline failure argument_problem(const std::string &text) {
  return {ASSAY_INVALID_ARGUMENT, text};
}
inline failure numerical_problem(const std::string &text) {
  return {ASSAY_NUMERICAL, text};
}

// Turns a negative status of a host function into an exception. The exception has no text, because the
// host function has recorded the reason already.
inline void pass_on(int32_t status) {
  if (status < 0) throw failure(status, "");
}

// Runs body and returns ASSAY_OK. If body throws, it returns the status of the exception and gives the
// text to host->fail. So no exception crosses the ABI.
template <class F>
int32_t guarded(const assay_host *host, F &&body) noexcept {
  const auto fail = [host](int32_t status, const char *text) {
    return text[0] == '\0' ? status : host->fail(host->ctx, status, text);
  };
  try {
    body();
    return ASSAY_OK;
  } catch (const failure &what) {
    return fail(what.status(), what.what());
  } catch (const std::bad_alloc &) {
    return fail(ASSAY_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &what) {
    return fail(ASSAY_INTERNAL, what.what());
  } catch (...) {
    return fail(ASSAY_INTERNAL, "an exception of unknown type");
  }
}

// The assay_dtype of a tensor whose elements have the C++ type T.
template <class T>
constexpr assay_dtype dtype_of() {
  static_assert(std::is_arithmetic_v<T>,
                "f16 and bf16 cross as uint16_t: name their dtype yourself");
  constexpr uint8_t bits = sizeof(T) * 8;
  if (std::is_floating_point_v<T>) return {ASSAY_FLOAT, bits, 1};
  return {std::is_signed_v<T> ? uint8_t{ASSAY_INT} : uint8_t{ASSAY_UINT}, bits, 1};
}
constexpr assay_dtype k_f16{ASSAY_FLOAT, 16, 1}, k_bf16{ASSAY_BFLOAT, 16, 1};

inline bool is_dtype(const assay_tensor &tensor, assay_dtype dtype) {
  return std::memcmp(&tensor.dtype, &dtype, sizeof dtype) == 0;
}

// A view of a contiguous matrix on the CPU, not its owner. A vector is a matrix of one row.
template <class T>
struct matrix {
  T *data = nullptr;
  int64_t rows = 0, columns = 0;
  T *row(int64_t i) const { return data + i * columns; }
  int64_t size() const { return rows * columns; }
};

// Returns the tensor as a matrix of T. Throws failure if the tensor is missing, is not on the CPU, has
// another dtype, or has neither one nor two dimensions. The tensor must be contiguous, which is not
// checked. name: the tensor's name for the message.
template <class T>
matrix<T> matrix_of(const assay_tensor *tensor, const char *name) {
  const auto refuse = [name](const char *what) {
    throw failure(ASSAY_INVALID_ARGUMENT, std::string(name) + " " + what);
  };
  if (tensor == nullptr) refuse("is missing");
  if (tensor->device.type != ASSAY_CPU)
    throw failure(ASSAY_UNSUPPORTED, std::string(name) + " is not on the CPU");
  if (!is_dtype(*tensor, dtype_of<std::remove_const_t<T>>())) refuse("has another dtype");
  if (tensor->ndim < 1 || tensor->ndim > 2) refuse("is neither a matrix nor a vector");
  matrix<T> out;
  out.columns = tensor->shape[tensor->ndim - 1];
  out.rows = tensor->ndim == 2 ? tensor->shape[0] : 1;
  out.data = reinterpret_cast<T *>(static_cast<char *>(tensor->data) + tensor->byte_offset);
  return out;
}

// Throws failure with the place of the first weight that is NaN or Inf, because such a weight would
// become a code like any other.
inline void require_finite(const matrix<const float> &weight) {
  for (int64_t i = 0; i < weight.size(); ++i)
    if (!std::isfinite(weight.data[i]))
      throw numerical_problem("weight [" + std::to_string(i / weight.columns) + ", " +
                              std::to_string(i % weight.columns) + "] is not finite");
}

// Owns an assay_managed: calls its deleter once. Can be moved, not copied.
class owned_tensor {
 public:
  owned_tensor() = default;
  explicit owned_tensor(assay_managed *owned) : owned_(owned) {}
  ~owned_tensor() {
    if (owned_ != nullptr) owned_->deleter(owned_);
  }
  owned_tensor(owned_tensor &&other) noexcept : owned_(other.release()) {}
  owned_tensor &operator=(owned_tensor &&other) noexcept {
    std::swap(owned_, other.owned_);
    return *this;
  }
  owned_tensor(const owned_tensor &) = delete;
  owned_tensor &operator=(const owned_tensor &) = delete;
  assay_managed *release() { return std::exchange(owned_, nullptr); }
  const assay_tensor &view() const { return owned_->tensor; }
  template <class T>  // for tensors of host->alloc, whose byte_offset is 0
  T *data() const {
    return static_cast<T *>(owned_->tensor.data);
  }

 private:
  assay_managed *owned_ = nullptr;
};

}  // namespace assay_cpp

#endif
