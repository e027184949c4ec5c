// One remembered pass. The remembered decoder copy keeps its tensors alive, so their addresses identify them.
#include "calibration/statistics_cache.hpp"

#include <mutex>

#include "core/resources.hpp"

namespace assay::quant {
namespace {

struct remembered_pass {
  std::vector<model::decoder> model;  // at most one; keeps the tensors
  std::string calibration_hash;
  statistics_needs needs;
  bool sink = false, head = false;
  int64_t chunk_tokens = 0;
  std::vector<calibration_stop> stops;
  json facts;
  uint64_t bytes = 0;
};

std::mutex guard;
remembered_pass last;

std::vector<const void *> identity(const model::decoder &decoder) {
  std::vector<const void *> addresses = {decoder.embedding().const_data_ptr()};
  for (int64_t i = 0; i < decoder.n_blocks(); ++i) {
    const auto &block = decoder.block(i);
    addresses.push_back(block.attention_norm.const_data_ptr());
    addresses.push_back(block.mlp_norm.const_data_ptr());
    for (const auto *linear : block.linears()) {
      addresses.push_back(linear->weight.const_data_ptr());
      addresses.push_back(linear->bias.defined() ? linear->bias.const_data_ptr() : nullptr);
    }
  }
  return addresses;
}

bool runs_plain(const model::decoder &decoder) {
  for (const auto *linear : decoder.linears())
    if (!linear->plain()) return false;
  return true;
}

bool wants_head(const calibrate_options &options) {
  return options.wanted && options.wanted(-1, model::linear_group::head);
}

// A pass of single stops over one stream: what can be kept and replayed.
bool is_plain(const calibrate_options &options) {
  return !options.needs.raw_input && !options.whole && !options.reference;
}

bool fits(const model::decoder &decoder, const calibration &data,
          const calibrate_options &options) {
  return is_plain(options) && !last.model.empty() && last.head >= wants_head(options) &&
         last.calibration_hash == data.hash() && last.needs.covers(options.needs) &&
         last.sink >= options.sink && last.chunk_tokens == options.chunk_tokens &&
         runs_plain(decoder) && identity(last.model.front()) == identity(decoder);
}

uint64_t bytes_of(const calibration_stop &stop) {
  const auto of = [](const at::Tensor &tensor) { return tensor.defined() ? tensor.nbytes() : 0; };
  return of(stop.statistics.hessian) + of(stop.sink.hessian);
}

// The linears of the caller's decoder in place of the remembered ones.
std::vector<model::linear_op *> linears_at(model::decoder &decoder, const calibration_stop &stop) {
  if (stop.block < 0) return {&decoder.head()};
  std::vector<model::linear_op *> found;
  for (auto *linear : decoder.block(stop.block).linears())
    if (linear->group == stop.group) found.push_back(linear);
  return found;
}

bool wanted(const calibrate_options &options, const calibration_stop &stop) {
  if (stop.block < 0) return wants_head(options);
  return !options.wanted || options.wanted(stop.block, stop.group);
}

json replay(model::decoder &live, const calibrate_options &options,
            const std::function<void(calibration_stop &)> &visit) {
  for (const auto &kept : last.stops) {
    if (wanted(options, kept)) {
      calibration_stop stop = kept;
      stop.linears = linears_at(live, kept);
      if (!options.sink) stop.sink = {};
      visit(stop);
    }
    if (kept.group == model::linear_group::down && options.block_done)
      options.block_done(kept.block);
  }
  json facts = last.facts;
  facts["shared"] = true;
  return facts;
}

}  // namespace

json calibrate_float(const model::decoder &reference, const calibration &data,
                     const calibrate_options &options,
                     const std::function<void(calibration_stop &)> &visit) {
  std::lock_guard lock(guard);
  model::decoder live = reference;
  if (reference.on_demand()) return calibrate(live, data, options, visit);  // keeps nothing
  if (fits(reference, data, options)) return replay(live, options, visit);
  last = {};
  const bool keep_any = runs_plain(reference) && is_plain(options);
  remembered_pass pass;
  bool keep = keep_any;
  calibrate_options all = options;
  if (keep_any) {
    // complete, so that another recipe may keep other linears
    all.wanted = [head = wants_head(options)](int64_t block, model::linear_group) {
      return block >= 0 || head;
    };
    // Cheap beside the Hessian, and then every method of this calibration shares the pass.
    all.needs.sq_mean |= all.needs.hessian;
    all.needs.abs_mean |= all.needs.hessian;
    all.needs.abs_max |= all.needs.hessian;
  }
  const uint64_t limit = available_memory_bytes() / 4;
  pass.facts = calibrate(live, data, all, [&](calibration_stop &stop) {
    if (keep && (pass.bytes += bytes_of(stop)) > limit) {
      keep = false;
      pass.stops.clear();
    }
    if (keep) pass.stops.push_back(stop);
    if (wanted(options, stop)) visit(stop);
  });
  pass.facts["shared"] = false;
  if (!keep) return pass.facts;
  pass.model.push_back(reference);
  pass.calibration_hash = data.hash();
  pass.needs = all.needs;
  pass.sink = options.sink;
  pass.head = wants_head(options);
  pass.chunk_tokens = options.chunk_tokens;
  last = std::move(pass);
  return last.facts;
}

void forget_statistics() {
  std::lock_guard lock(guard);
  last = {};
}

}  // namespace assay::quant
