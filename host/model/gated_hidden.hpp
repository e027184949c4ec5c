// Computes the hidden channels of a gated MLP: act(gate(x)) * up(x). A dense layer has one such MLP. A layer with experts
// has one for each of its experts.
#pragma once

#include "aten.hpp"
#include "model/decoder_config.hpp"
#include "model/linear_op.hpp"

namespace assay::model {

// True if the fused loops of kernels/ can run on x: fp32 on the CPU, contiguous, without autograd.
bool runs_fused(const at::Tensor &x);

// x [.., hidden] -> act(gate(x)) * up(x), [.., width of the MLP], a new tensor.
at::Tensor gated_hidden(const linear_op &gate, const linear_op &up, activation act,
                        const at::Tensor &x);

}  // namespace assay::model
