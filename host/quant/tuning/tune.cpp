// Trains scales and norms. One step computes the distributions of both models and the gradient of
// their divergence at the head. Then it computes gradients from the last block to the first; each
// block runs forward again to build its autograd graph.
#include "quant/tuning/tune.hpp"

#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <numeric>

#include "calibration/calibration_stream.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/schema.hpp"
#include "model/decoder_layout.hpp"
#include "quant/linear_run.hpp"
#include "quant/tuning/divergence.hpp"
#include "quant/tuning/tune_parameters.hpp"

namespace assay::quant {
namespace {

constexpr double k_pi = 3.14159265358979323846;
// The first steps have a smaller rate, because Adam knows few gradients then.
constexpr int64_t k_warm_steps = 3;

// One norm that is trained, in the dtype of the decoder. At the end it is stored in the dtype that it
// has in the checkpoint.
struct tuned_norm {
  at::Tensor *place;  // a member of the decoder; borrowed
  std::string name;   // of the tensor in a checkpoint
  adam optimizer;
};

class training {
 public:
  training(quantized_model &model, const model::decoder &float_model, const calibration &data,
           const json &options, uint64_t seed)
      : model_(model), float_model_(float_model), options_(options), seed_(seed) {
    collect_scales();
    if (options["norms"].get<bool>()) collect_norms();
    const auto tokens = options["batch"].get<int64_t>() * data.longest();
    batches_ = make_chunks(data, tokens);
    head_t_ = model_.decoder.head().weight.t().contiguous();
  }

  json run(const model::checkpoint &subject, const progress_fn &progress) {
    const auto asked = options_["steps"].get<int64_t>();
    const auto steps = asked > 0 ? asked : static_cast<int64_t>(batches_.size());
    json losses = json::array();
    int64_t tokens = 0;
    for (int64_t i = 0; i < steps; ++i) {
      throw_if_cancelled();
      report_progress(progress, static_cast<uint64_t>(i), static_cast<uint64_t>(steps), "tuning");
      const auto &batch = batch_of(i);
      losses.push_back(step(batch, rate_at(i, steps)));
      tokens += batch.ids.numel();
    }
    report_progress(progress, static_cast<uint64_t>(steps), static_cast<uint64_t>(steps), "tuning");
    json before = finish(subject);
    int64_t count = 0;
    for (const auto &[name, scales] : scales_) count += scales.count();
    return {
        {"steps", steps},  {"rate", options_["rate"]}, {"tokens", tokens},        {"kl", losses},
        {"scales", count}, {"norms", norms_.size()},   {"linears_before", before}};
  }

 private:
  void collect_scales() {
    for (const auto *linear : model_.decoder.linears()) {
      const auto form = model_.forms.find(linear->name);
      if (form == model_.forms.end()) continue;
      std::string why;
      if (auto found = tuned_scales::of(form->second, why))
        scales_.emplace(linear->name, std::move(*found));
      else
        model_.incidents.add({"skip", linear->name, "not tuned: " + why, {}});
    }
  }

  void collect_norms() {
    const auto add = [&](at::Tensor &norm, const std::string &name) {
      if (!norm.defined()) return;
      norm = norm.clone();
      norms_.push_back({&norm, name + ".weight", {}});
    };
    for (int64_t i = 0; i < model_.decoder.n_blocks(); ++i) {
      auto &block = model_.decoder.block(i);
      for (const model::norm_layout &norm : model::norms_of(model_.decoder.config()))
        add(block.*norm.part, model::block_prefix(i) + norm.module);
    }
    add(model_.decoder.norm(), model::k_final_norm_name);
  }

  // Returns the batch of a step. If there are n batches, every n steps use each batch once. Their order
  // is a new one each time.
  const calibration_chunk &batch_of(int64_t step) {
    const auto n = static_cast<int64_t>(batches_.size());
    if (step % n == 0) {
      order_.resize(static_cast<size_t>(n));
      std::iota(order_.begin(), order_.end(), size_t{0});
      for (int64_t i = n - 1; i > 0; --i) {
        const auto label = std::to_string(step / n) + "/" + std::to_string(i);
        const auto j = labelled_seed(seed_, "tune", label, "order") % static_cast<uint64_t>(i + 1);
        std::swap(order_[static_cast<size_t>(i)], order_[j]);
      }
    }
    return batches_[order_[static_cast<size_t>(step % n)]];
  }

  // The learning rate of a step. It rises over the first k_warm_steps steps, then falls along a cosine
  // to a tenth of the option `rate`.
  double rate_at(int64_t step, int64_t steps) const {
    const auto at = static_cast<double>(step + 1), all = static_cast<double>(steps);
    const double rise = std::min(1.0, at / static_cast<double>(k_warm_steps));
    const double fall = 0.55 + 0.45 * std::cos(k_pi * static_cast<double>(step) / all);
    return options_["rate"].get<double>() * rise * fall;
  }

  // Returns the block with weights of the present multipliers. Everything else is
  // shared with the decoder.
  model::decoder_block present(int64_t index) const {
    model::decoder_block block = model_.decoder.block(index);
    for (auto *linear : block.linears()) {
      const auto found = scales_.find(linear->name);
      if (found != scales_.end())
        linear->weight = found->second.weight().to(linear->weight.scalar_type());
    }
    return block;
  }

  // Updates scales and norms once. Returns the mean divergence over counted tokens before
  // the update, in nats.
  double step(const calibration_chunk &batch, double rate) {
    at::NoGradGuard no_grad;
    const auto ids = batch.ids.to(float_model_.device());
    const auto context = model_.decoder.context(ids.size(0), ids.size(1));
    std::vector<at::Tensor> inputs = {model_.decoder.embed(ids)};
    for (int64_t i = 0; i < model_.decoder.n_blocks(); ++i)
      inputs.push_back(present(i).forward(inputs.back(), context));
    double loss = 0;
    at::Tensor gradient = through_head(inputs.back(), float_model_.hidden(ids), batch, rate, loss);
    inputs.pop_back();
    for (int64_t i = model_.decoder.n_blocks() - 1; i >= 0; --i) {
      throw_if_cancelled();
      gradient = through_block(i, inputs.back(), context, gradient, rate);
      inputs.pop_back();
    }
    return loss;
  }

  // Computes `loss`, the mean KL(float || quantized) over the counted tokens, and updates the final
  // norm. last: output of the last block; wanted: hidden states of the float model. Returns the
  // gradient with respect to `last`.
  at::Tensor through_head(const at::Tensor &last, const at::Tensor &wanted,
                          const calibration_chunk &batch, double rate, double &loss) {
    at::Tensor input = last.detach().clone().requires_grad_(true), output;
    {
      at::AutoGradMode with_grad(true);
      track(model_.decoder.norm(), true);
      output = model_.decoder.final_norm(input);
    }
    const auto flat = [&](const at::Tensor &t) {
      const auto rows = t.detach().reshape({-1, t.size(-1)});
      return batch.counted.defined() ? rows.index_select(0, batch.counted.to(rows.device())) : rows;
    };
    const auto mine = flat(output);
    const auto n = static_cast<double>(mine.size(0));
    at::Tensor gradient;
    loss =
        divergence_gradient(model_.decoder, mine, float_model_, flat(wanted), head_t_, gradient) /
        n;
    gradient.div_(n);
    if (batch.counted.defined()) {
      auto all = at::zeros({batch.ids.numel(), gradient.size(1)}, gradient.options());
      gradient = all.index_copy_(0, batch.counted.to(all.device()), gradient);
    }
    output.backward(gradient.view(output.sizes()));
    update(model_.decoder.norm(), rate);
    return input.grad();
  }

  // Updates the scales and norms of one block. gradient: with respect to the block's output.
  // Returns the gradient with respect to its input.
  at::Tensor through_block(int64_t index, const at::Tensor &input,
                           const model::forward_context &context, const at::Tensor &gradient,
                           double rate) {
    auto block = present(index);
    at::Tensor start = input.detach().clone().requires_grad_(true);
    for (auto *linear : block.linears())
      if (scales_.count(linear->name)) linear->weight.set_requires_grad(true);
    {
      at::AutoGradMode with_grad(true);
      for (auto *norm : block.norms()) track(*norm, !norms_.empty());
      block.forward(start, context).backward(gradient);
    }
    for (auto *linear : block.linears())
      if (linear->weight.requires_grad())
        scales_.at(linear->name).step(linear->weight.grad(), rate);
    auto &own = model_.decoder.block(index);
    for (auto *norm : own.norms()) update(*norm, rate);
    return start.grad();
  }

  // Lets autograd compute the gradient of a norm, if norms are trained.
  void track(const at::Tensor &norm, bool wanted) const {
    if (norm.defined() && wanted && !norms_.empty()) norm.set_requires_grad(true);
  }

  // Updates one norm by its gradient. Entries of a norm are near 1, like the multipliers, so that
  // the same rate serves both.
  void update(at::Tensor &norm, double rate) {
    if (!norm.defined() || !norm.requires_grad()) return;
    for (auto &known : norms_)
      if (known.place == &norm) {
        const auto gradient = norm.grad();
        norm = norm.detach();
        known.optimizer.step(norm, gradient, rate);
      }
  }

  // Rounds the scales to their stored dtype, and replaces weights by what the plugins dequantize
  // from the new forms. Returns the errors of the forms before tuning.
  json finish(const model::checkpoint &subject) {
    at::NoGradGuard no_grad;
    json before = json::object();
    for (auto *linear : model_.decoder.linears()) {
      const auto found = scales_.find(linear->name);
      if (found == scales_.end()) continue;
      auto &form = model_.forms.at(linear->name);
      before[linear->name] = {{"relative_error", form.relative_error},
                              {"output_error", form.output_error}};
      if (const auto lost = found->second.store(); lost > 0)
        model_.incidents.add({"clamped_scale",
                              linear->name,
                              "tuned scales that their dtype cannot hold were left as they were",
                              {{"count", lost}}});
      linear->weight = dequantize(form).to(linear->weight.options());
      form.output_error = -1;  // unknown: the Hessian is not kept
    }
    for (auto &norm : norms_) {
      const auto *known = subject.tensors().find(norm.name);
      const auto stored = known ? known->dtype : norm.place->scalar_type();
      const auto rounded = norm.place->detach().to(stored);
      *norm.place = rounded.to(norm.place->scalar_type());
      model_.edited[norm.name] = rounded;
    }
    return before;
  }

  quantized_model &model_;
  const model::decoder &float_model_;
  const json &options_;
  uint64_t seed_;
  std::map<std::string, tuned_scales> scales_;
  std::vector<tuned_norm> norms_;
  std::vector<calibration_chunk> batches_;
  std::vector<size_t> order_;
  at::Tensor head_t_;  // [hidden, vocab]
};

}  // namespace

json complete_tune(const json &given) {
  static const schema k_schema = schema::parse(R"({"type": "object", "additionalProperties": false,
    "properties": {
    "steps": {"type": "integer", "minimum": 0, "default": 0,
      "description": "batches; 0 = every sequence of the calibration once"},
    "batch": {"type": "integer", "minimum": 1, "default": 2, "description": "sequences of a step"},
    "rate": {"type": "number", "minimum": 0, "maximum": 0.1, "default": 0.001,
      "description": "largest step of a scale, relative"},
    "norms": {"type": "boolean", "default": true, "description": "train the norms too"}}})",
                                               "recipe.tune");
  return k_schema.complete(given, "recipe.tune");
}

json tune(quantized_model &model, const model::decoder &float_model,
          const model::checkpoint &subject, const calibration *data, const json &options,
          uint64_t seed, const progress_fn &progress) {
  if (!data)
    throw error(error_kind::usage, "tune needs calibration data")
        .at("recipe.tune")
        .hint("Give quantize a calibration");
  const auto start = std::chrono::steady_clock::now();
  for (const auto *linear : model.decoder.linears())
    if (!linear->plain())
      throw error(error_kind::usage,
                  "tune needs linears whose inputs are not rounded or rotated: "
                  "rounding has no gradient")
          .at("recipe.tune")
          .layer(linear->name)
          .hint("Leave tune out, or activation and rotation");
  training work(model, float_model, *data, options, seed);
  json facts = work.run(subject, progress);
  facts["sequences"] = data->sequences().size();
  facts["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return facts;
}

}  // namespace assay::quant
