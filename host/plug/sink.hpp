// The host's side of the sink, through which a quantizer emits its results: checks each emitted tensor as it arrives.
// Only plug/quantizer uses it.
#pragma once

#include <assay.h>

#include <string>

#include "plug/quantizer.hpp"

namespace assay::plug {

class form_sink {
 public:
  explicit form_sink(const assay_linear &layer);
  form_sink(const form_sink &) = delete;
  form_sink &operator=(const form_sink &) = delete;

  const assay_sink *table() const { return &table_; }
  // Call this after the plugin's call. Returns the first fault of what the plugin emitted, as a text that follows the plugin's
  // name ("emitted 'codes' twice"); "" if there is none.
  std::string violation() const;
  emitted_form take() { return std::move(form_); }

 private:
  static int32_t emit(void *ctx, const char *role, assay_managed *tensor,
                      uint32_t packed_bits) noexcept;
  static int32_t note(void *ctx, const char *json_text) noexcept;
  std::string check(const std::string &role, const assay_managed &tensor,
                    uint32_t &packed_bits) const;
  std::string check_shape(const std::string &role, const assay_tensor &tensor) const;
  std::string check_integer_form() const;

  const assay_linear &layer_;
  assay_sink table_{};
  emitted_form form_;
  std::string violation_;
};

// Returns "" if all integers of a contiguous CPU tensor fit in `packed_bits` bits, else a text such as "the value 9,
// which does not fit in 3 bits". The text names the smallest value if this value is too small, else the largest.
std::string find_wide_value(const assay_tensor &tensor, uint32_t packed_bits);
// Returns "is not finite at [0, 3]" for the first NaN or infinity of a contiguous CPU tensor of floats, or ""
// if there is none.
std::string find_not_finite(const assay_tensor &tensor);

}  // namespace assay::plug
