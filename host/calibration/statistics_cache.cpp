// Remembers the statistics of one pass, and a copy of its decoder. Two decoders are the same if their
// weights have the same addresses. The copy keeps these weights alive, so that no other tensor can get
// one of the addresses.
#include "calibration/statistics_cache.hpp"

#include <mutex>

#include "calibration/expert_stops.hpp"
#include "core/resources.hpp"

namespace assay::quant {
namespace {

struct remembered_pass {
  std::vector<model::decoder> model;  // at most one
  std::string calibration_hash;
  statistics_needs needs;
  bool first_token = false, head = false;
  int64_t chunk_tokens = 0;
  expert_policy experts = expert_policy::borrow;
  std::vector<starved_input> starved;
  std::vector<calibration_stop> stops;
  json facts;
  uint64_t bytes = 0;
};

std::mutex guard;
remembered_pass last;

bool runs_plain(const model::decoder &decoder) {
  for (const auto *linear : decoder.linears())
    if (!linear->plain()) return false;
  return true;
}

bool wants_head(const calibrate_options &options) {
  return options.wanted && options.wanted(-1, {model::linear_group::head, -1});
}

// True for a pass that can be remembered and replayed: it keeps no raw inputs, gives no whole blocks to
// the visitor, and does not run a second model beside the first (float_model).
bool is_plain(const calibrate_options &options) {
  return !options.needs.raw_input && !options.whole && !options.float_model;
}

bool fits(const model::decoder &decoder, const calibration &data,
          const calibrate_options &options) {
  return is_plain(options) && !last.model.empty() && last.head >= wants_head(options) &&
         last.calibration_hash == data.hash() && last.needs.covers(options.needs) &&
         last.first_token >= options.first_token && last.chunk_tokens == options.chunk_tokens &&
         last.experts == options.experts && runs_plain(decoder) &&
         last.model.front().weight_addresses() == decoder.weight_addresses();
}

uint64_t bytes_of(const calibration_stop &stop) {
  const auto of = [](const at::Tensor &tensor) { return tensor.defined() ? tensor.nbytes() : 0; };
  return of(stop.statistics.hessian) + of(stop.first_token.hessian);
}

// The linears of `decoder` at a remembered stop.
std::vector<model::linear_op *> linears_at(model::decoder &decoder, const calibration_stop &stop) {
  if (stop.block < 0) return {&decoder.head()};
  return readers(decoder.block(stop.block), stop.input());
}

bool wanted(const calibrate_options &options, const calibration_stop &stop) {
  if (stop.block < 0) return wants_head(options);
  return !options.wanted || options.wanted(stop.block, stop.input());
}

// Tells of an expert with few tokens if the caller takes the statistics of this input.
void tell(const calibrate_options &options, const starved_input &one) {
  if (options.starved && (!options.wanted || options.wanted(one.block, one.input)))
    options.starved(one);
}

json replay(model::decoder &live, const calibrate_options &options,
            const std::function<void(calibration_stop &)> &visit) {
  for (const auto &kept : last.stops) {
    if (wanted(options, kept)) {
      calibration_stop stop = kept;
      stop.linears = linears_at(live, kept);
      if (!options.first_token) stop.first_token = {};
      visit(stop);
    }
    if (kept.last && options.block_done) options.block_done(kept.block);
  }
  for (const auto &one : last.starved) tell(options, one);
  json facts = last.facts;
  facts["shared"] = true;
  return facts;
}

}  // namespace

json calibrate_float(const model::decoder &float_model, const calibration &data,
                     const calibrate_options &options,
                     const std::function<void(calibration_stop &)> &visit) {
  std::lock_guard lock(guard);
  model::decoder live = float_model;
  if (fits(float_model, data, options)) return replay(live, options, visit);
  last = {};
  const bool keep_any =
      is_plain(options) && runs_plain(float_model) && !float_model.weight_addresses().empty();
  remembered_pass pass;
  bool keep = keep_any;
  calibrate_options all = options;
  if (keep_any) {
    // All stops are taken, because another recipe may keep other linears in float.
    all.wanted = [head = wants_head(options)](int64_t block, model::linear_input) {
      return block >= 0 || head;
    };
    // These cost little compared with the Hessian, and with them more methods can share the pass.
    all.needs.sq_mean |= all.needs.hessian;
    all.needs.abs_mean |= all.needs.hessian;
    all.needs.abs_max |= all.needs.hessian;
  }
  all.starved = [&](const starved_input &one) {
    pass.starved.push_back(one);
    tell(options, one);
  };
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
  pass.model.push_back(float_model);
  pass.calibration_hash = data.hash();
  pass.needs = all.needs;
  pass.first_token = options.first_token;
  pass.head = wants_head(options);
  pass.chunk_tokens = options.chunk_tokens;
  pass.experts = options.experts;
  last = std::move(pass);
  return last.facts;
}

void forget_statistics() {
  std::lock_guard lock(guard);
  last = {};
}

}  // namespace assay::quant
