// One linear through one quantizer: the call, the fake-quant weight from the plugin's own
// dequantize, the errors.
// Not the schedule over linears (quantize.cpp).
#pragma once

#include "quant/views/layer_view.hpp"

namespace assay::quant {

struct linear_result {
  quantized_linear form;
  at::Tensor weight;  // f32 [out, in]: what the form stands for
};

// weight: the float weight that `view` shows. hessian may be undefined. Throws assay::error naming
// plugin and layer.
linear_result run_linear(plug::quantizer_instance &quantizer, const layer_view &view,
                         const at::Tensor &weight, const assay_stats *stats,
                         const at::Tensor &hessian = {});
// The same from a form that exists already (whole-block quantizers).
linear_result finish_linear(plug::quantizer_instance &quantizer, plug::emitted_form emitted,
                            const layer_view &view, const at::Tensor &weight,
                            const at::Tensor &hessian = {});

// Dequantizes a form again, from its component and configuration alone.
at::Tensor dequantize(const quantized_linear &form);

double relative_error(const at::Tensor &w, const at::Tensor &q);  // Frobenius
double output_error(const at::Tensor &w, const at::Tensor &q,
                    const at::Tensor &hessian);  // tr(DHD')/tr(WHW')

}  // namespace assay::quant
