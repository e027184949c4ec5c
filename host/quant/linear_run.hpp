// Calls a quantizer for one linear. The fake-quantized weight (quantized and dequantized again) comes
// from the plugin's own dequantize; the errors are measured here. The schedules (such as
// calibrated_schedule.hpp) decide the order of linears.
#pragma once

#include "quant/views/linear_view.hpp"

namespace assay::quant {

struct linear_result {
  quantized_linear form;
  at::Tensor weight;  // f32 [out, in], dequantized from the form
};

// weight: the float weight [out, in], against which errors are measured. hessian: sum x x^T of the
// linear's input, for the output error; may be undefined. stats: for the plugin; null = none.
// Throws assay::error that names the plugin and the linear.
linear_result run_linear(plug::quantizer_instance &quantizer, const linear_view &view,
                         const at::Tensor &weight, const assay_stats *stats,
                         const at::Tensor &hessian = {});
// Does what run_linear does after its call of the plugin. It is for a form that the plugin's
// quantize_block has emitted already.
linear_result finish_linear(plug::quantizer_instance &quantizer, plug::emitted_form emitted,
                            const linear_view &view, const at::Tensor &weight,
                            const at::Tensor &hessian = {});

// Dequantizes a form with a new instance of its quantizer, which needs only the form's component and
// configuration. Returns f32 [out, in] on the CPU.
at::Tensor dequantize(const quantized_linear &form);
// Dequantizes each form that has the name of a linear of the block. Puts the weight into that linear.
void put_weights(model::decoder_block &block, const std::vector<quantized_linear> &forms);

// Errors of the quantized weight q, measured against the float weight w, both [out, in]; 0 if the
// denominator is 0.
double relative_error(const at::Tensor &w, const at::Tensor &q);  // ||w - q|| / ||w||, Frobenius
// tr(d H d^T) / tr(w H w^T) with d = w - q and H = hessian: the squared error of the linear's output
// over the calibration tokens, as a share of the squared output.
double output_error(const at::Tensor &w, const at::Tensor &q, const at::Tensor &hessian);

}  // namespace assay::quant
