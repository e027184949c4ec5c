// Computes the loss of scales s from the Hessian H = sum x x^T: tr(D H D^T) with D = Q(W s) / s - W,
// where s multiplies columns and Q rounds. This is the exact output error of the linears that read the
// scaled channels. For o and down it is the loss of the paper (awq). For q, k, v and gate, up the paper
// takes the error of the output of attention or the MLP instead (parent.hpp).
#pragma once

#include <vector>

#include "channels.hpp"
#include "grid.hpp"

namespace scaling {

class gram_trial {
 public:
  gram_trial(assay_cpp::host host, const channel_group &channels, const plain_grid &grid);
  double loss(const std::vector<float> &scale);  // scale: one for each producer channel

 private:
  void multiply(int64_t in);

  assay_cpp::host host_;
  const assay_linalg &linalg_;
  const channel_group &channels_;
  plain_grid grid_;
  int64_t rows_ = 0;
  std::vector<float> weight_, difference_, product_;  // [rows, columns], all consumers
};

}  // namespace scaling
