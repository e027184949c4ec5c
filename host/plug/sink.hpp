// The receiving end of a quantizer's sink: checks each emitted tensor as it arrives.
// Internal to plug/quantizer.
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
  // After the plugin's call: the first thing that was wrong with what it emitted; ""
  // if nothing was.
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

// "code 9 does not fit in 3 bits" for the first element that does not; "" if all
// do. CPU, contiguous.
std::string find_wide_value(const assay_tensor &tensor, uint32_t packed_bits);
// "is not finite at [0, 3]" for the first such element of a float tensor; "" if there is none.
std::string find_not_finite(const assay_tensor &tensor);

}  // namespace assay::plug
