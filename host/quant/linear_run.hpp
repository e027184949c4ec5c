// Calls a quantizer for one linear: the fake-quantized weight comes from the plugin's own
// dequantize, the errors are measured here. The order of linears is the schedules' work.
#pragma once

#include "quant/views/linear_view.hpp"

namespace assay::quant {

struct linear_result {
  quantized_linear form;
  at::Tensor weight;  // f32 [out, in], dequantized from the form
};

// weight: the float weight that `view` shows. hessian may be undefined. Throws assay::error naming
// plugin and layer.
linear_result run_linear(plug::quantizer_instance &quantizer, const linear_view &view,
                         const at::Tensor &weight, const assay_stats *stats,
                         const at::Tensor &hessian = {});
// The same for a form that a whole-block quantizer has emitted already.
linear_result finish_linear(plug::quantizer_instance &quantizer, plug::emitted_form emitted,
                            const linear_view &view, const at::Tensor &weight,
                            const at::Tensor &hessian = {});

// Dequantizes a form again, from its component and configuration alone. f32 [out, in].
at::Tensor dequantize(const quantized_linear &form);
// Puts the dequantized weights of forms into the linears of a block that have their names.
void put_weights(model::decoder_block &block, const std::vector<quantized_linear> &forms);

double relative_error(const at::Tensor &w, const at::Tensor &q);  // ||W - Q|| / ||W||, Frobenius
// tr(D H D^T) / tr(W H W^T) with D = W - Q.
double output_error(const at::Tensor &w, const at::Tensor &q, const at::Tensor &hessian);

}  // namespace assay::quant
