// Measures what units cost. The inputs of all blocks are remembered for one sequence, so that a
// swap runs the model only from the unit's block on. The backward pass holds the graph of one
// block at a time.
#include "insight/sensitivity.hpp"

#include <ATen/core/grad_mode.h>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "kernels/matmul.hpp"
#include "quant/tuning/divergence.hpp"
#include "quant/views/linear_view.hpp"

namespace assay::quant {
namespace {

struct unit {
  std::string name, role;
  int64_t block = 0;
  std::vector<std::string> linears;
  int64_t parameters = 0;
  double bits = 0;              // of all linears of the unit together, as counted
  double kl = 0, gradient = 0;  // sums over tokens
};

// One sequence with its states in the float model.
struct passage {
  at::Tensor ids;      // [1, tokens]
  at::Tensor counted;  // positions of the counted tokens, [n] int64
  model::forward_context context;
  std::vector<at::Tensor> inputs;  // of each block; then the output of the last block
  at::Tensor hidden;               // [n, hidden] of counted tokens, after the final norm
};

class attribution {
 public:
  attribution(const quantized_model &quantized, const model::decoder &float_model,
              const sensitivity_options &options)
      : quantized_(quantized), float_model_(float_model), options_(options) {
    if (!quantized.made_by.transforms.empty())
      throw error(error_kind::usage, "sensitivity: a transform ties the parts of a model together")
          .hint("Measure it on a recipe without transforms");
    collect_units();
    if (options.gradient) head_t_ = float_model.head().weight.t().contiguous();
  }

  json run(const calibration &data) {
    at::NoGradGuard no_grad;
    const auto n = data.sequences().size();
    const auto per_sequence = units_.size() + 1;
    for (size_t i = 0; i < n; ++i) {
      const auto seen = prepare(data.sequences()[i]);
      tokens_ += seen.counted.numel();
      full_ += divergence_of(quantized_.decoder.hidden(seen.ids), seen, quantized_.decoder);
      if (options_.swap) {
        control_ += run_from(float_model_.n_blocks() / 2,
                             float_model_.block(float_model_.n_blocks() / 2), seen);
        for (size_t u = 0; u < units_.size(); ++u) {
          throw_if_cancelled();
          report_progress(options_.progress, i * per_sequence + u, n * per_sequence,
                          units_[u].name);
          units_[u].kl += run_from(units_[u].block, swapped(units_[u]), seen);
        }
      }
      if (options_.gradient) add_gradients(seen);
    }
    return result();
  }

 private:
  void collect_units() {
    for (const auto *linear : float_model_.linears()) {
      const auto form = quantized_.forms.find(linear->name);
      if (form == quantized_.forms.end()) continue;
      const auto tie = options_.fused ? tie_group(*linear) : "";
      const auto name = tie.empty() ? linear->name : tie;
      if (units_.empty() || units_.back().name != name)
        units_.push_back({name, model::group_name(linear->group), linear->block, {}, 0, 0, 0, 0});
      auto &u = units_.back();
      u.linears.push_back(linear->name);
      u.parameters += linear->weight.numel();
      u.bits += form->second.packed_bits;
      if (tie.empty()) u.role = linear->role;
      unit_of_[linear->name] = units_.size() - 1;
    }
  }

  passage prepare(const calibration_sequence &sequence) const {
    passage out;
    out.ids = at::tensor(sequence.ids, at::kLong).unsqueeze(0).to(float_model_.device());
    std::vector<int64_t> counted;
    for (size_t t = 0; t < sequence.ids.size(); ++t)
      if (sequence.counted.empty() || sequence.counted[t])
        counted.push_back(static_cast<int64_t>(t));
    out.counted = at::tensor(counted, at::kLong).to(float_model_.device());
    out.context = float_model_.context(1, out.ids.size(1));
    out.inputs.push_back(float_model_.embed(out.ids));
    for (int64_t i = 0; i < float_model_.n_blocks(); ++i)
      out.inputs.push_back(float_model_.block(i).forward(out.inputs.back(), out.context));
    out.hidden = float_model_.final_norm(out.inputs.back())[0].index_select(0, out.counted);
    return out;
  }

  // The sum of KL(float || model) over counted tokens. hidden: [1, tokens, hidden],
  // after the final norm.
  double divergence_of(const at::Tensor &hidden, const passage &seen,
                       const model::decoder &model) const {
    return token_divergence(model, hidden[0].index_select(0, seen.counted), float_model_,
                            seen.hidden)
        .sum(at::kDouble)
        .item<double>();
  }

  // The float block of the unit, with the unit's linears quantized.
  model::decoder_block swapped(const unit &u) const {
    model::decoder_block block = float_model_.block(u.block);
    const auto &quantized = quantized_.decoder.block(u.block);
    const auto from = quantized.linears();
    const auto to = block.linears();
    for (size_t i = 0; i < to.size(); ++i)
      for (const auto &name : u.linears)
        if (to[i]->name == name) *to[i] = *from[i];
    return block;
  }

  // Runs the float model with this block in place of its own block `index`, and
  // returns the divergence.
  double run_from(int64_t index, const model::decoder_block &block, const passage &seen) const {
    at::Tensor h = block.forward(seen.inputs[static_cast<size_t>(index)], seen.context);
    for (int64_t i = index + 1; i < float_model_.n_blocks(); ++i)
      h = float_model_.block(i).forward(h, seen.context);
    return divergence_of(float_model_.final_norm(h), seen, float_model_);
  }

  // Returns the gradient of the summed negative log-likelihood with respect to the output of the
  // last block. The right token at each position is the next token of the data.
  at::Tensor gradient_at_end(const passage &seen) const {
    const int64_t n = seen.ids.size(1) - 1;
    at::Tensor last = seen.inputs.back().detach().clone().requires_grad_(true), normed;
    {
      at::AutoGradMode with_grad(true);
      normed = float_model_.final_norm(last);
    }
    auto gradient = at::zeros_like(normed);
    constexpr int64_t k_rows = 128;
    for (int64_t begin = 0; begin < n; begin += k_rows) {
      const int64_t rows = std::min(k_rows, n - begin);
      const auto logits = float_model_.logits(normed.detach()[0].narrow(0, begin, rows));
      auto slope = at::softmax(logits, 1);
      const auto target = seen.ids[0].narrow(0, begin + 1, rows).unsqueeze(1);
      slope.scatter_add_(1, target, at::full({rows, 1}, -1.0, slope.options()));
      slope = float_model_.before_logits(logits, slope);
      gradient[0].narrow(0, begin, rows).copy_(model::fast_linear(slope, head_t_));
    }
    normed.backward(gradient);
    return last.grad();
  }

  void add_gradients(const passage &seen) {
    auto gradient = gradient_at_end(seen);
    for (int64_t i = float_model_.n_blocks() - 1; i >= 0; --i) {
      throw_if_cancelled();
      gradient = through_block(i, seen, gradient);
    }
  }

  // Adds the predictions of the units of one block. gradient: with respect to the block's output.
  // Returns the gradient with respect to its input.
  at::Tensor through_block(int64_t index, const passage &seen, const at::Tensor &gradient) {
    model::decoder_block block = float_model_.block(index);
    struct product {
      at::Tensor x, y;
    };
    std::map<std::string, product> products;
    for (auto *linear : block.linears()) {
      const auto plain = *linear;
      linear->on_input = nullptr;
      linear->on_forward = [&products, plain](const at::Tensor &x) {
        auto y = plain(x);
        y.retain_grad();
        products[plain.name] = {x.detach(), y};
        return y;
      };
    }
    auto start = seen.inputs[static_cast<size_t>(index)].detach().clone().requires_grad_(true);
    {
      at::AutoGradMode with_grad(true);
      block.forward(start, seen.context).backward(gradient);
    }
    add_products(index, products);
    return start.grad();
  }

  // Adds 1/2 (sum over the unit's outputs of g dy)^2 for each token to the unit's prediction. g is the
  // gradient with respect to an output, dy the output's change by quantization.
  template <class Products>
  void add_products(int64_t index, const Products &products) {
    std::map<size_t, at::Tensor> dots;  // unit -> [tokens]
    const auto quantized = quantized_.decoder.block(index).linears();
    const auto plain = float_model_.block(index).linears();
    for (size_t i = 0; i < plain.size(); ++i) {
      const auto found = unit_of_.find(plain[i]->name);
      const auto product = products.find(plain[i]->name);
      if (found == unit_of_.end() || product == products.end())
        continue;  // an expert without tokens
      const auto &seen = product->second;
      const auto dy =
          model::fast_linear(seen.x, (quantized[i]->weight - plain[i]->weight).contiguous());
      const auto dot = (dy * seen.y.grad()).sum(-1).reshape({-1});
      auto &sum = dots[found->second];
      sum = sum.defined() ? sum + dot : dot;
    }
    for (const auto &[u, dot] : dots)
      units_[u].gradient += 0.5 * dot.square().sum(at::kDouble).template item<double>();
  }

  json result() const {
    const auto n = static_cast<double>(tokens_);
    json list = json::array();
    double sum = 0;
    for (const auto &u : units_) {
      json item = {{"name", u.name},
                   {"block", u.block},
                   {"role", u.role},
                   {"linears", u.linears},
                   {"parameters", u.parameters},
                   {"bits", u.bits / static_cast<double>(u.parameters)}};
      if (options_.swap) item["kl"] = u.kl / n, sum += u.kl;
      if (options_.gradient) item["gradient"] = u.gradient / n;
      list.push_back(std::move(item));
    }
    json out = {{"tokens", tokens_}, {"full", full_ / n}};
    if (options_.swap) {
      out["control"] = control_ / n;
      out["additivity"] = sum > 0 ? json(full_ / sum) : json();
    }
    out["units"] = std::move(list);
    return out;
  }

  const quantized_model &quantized_;
  const model::decoder &float_model_;
  const sensitivity_options &options_;
  std::vector<unit> units_;
  std::map<std::string, size_t> unit_of_;
  at::Tensor head_t_;
  int64_t tokens_ = 0;
  double full_ = 0, control_ = 0;  // sums over tokens
};

}  // namespace

json sensitivity(const quantized_model &quantized, const model::decoder &float_model,
                 const calibration &data, const sensitivity_options &options) {
  data.require_vocabulary(float_model.config().vocab_size);
  return attribution(quantized, float_model, options).run(data);
}

}  // namespace assay::quant
