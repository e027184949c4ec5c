// Multiplies rotations into weights. When the residual stream h becomes h R, a linear W that reads h
// becomes W diag(g) R, where g are the weights of the norm before it. A linear that writes h becomes
// R^T W and its bias b R; a row e of the embedding becomes e R. g moves into W first, because a norm
// (RMSNorm) commutes with an orthogonal matrix only if its weights are all 1.
#include "rotation.hpp"

#include <cstring>

#include "assay_json.hpp"

namespace rotation {
namespace {

using assay_cpp::failure;
using assay_cpp::matrix_of;

weight_view weight_of(const assay_linear &linear) {
  return matrix_of<float>(linear.weight, "a weight");
}

// Returns a vector [n] as a matrix of n rows and one column.
weight_view as_column(const assay_tensor *vector) {
  auto view = matrix_of<float>(vector, "a bias");
  return {view.data, view.rows * view.columns, 1};
}

// Multiplies the weights of the norm into the linears that read it and sets the norm's weights to 1.
void fold_norm(const assay_group &group) {
  if (group.norm->bias || (group.norm->flags & ASSAY_NORM_CENTERED))
    throw failure(ASSAY_UNSUPPORTED,
                  std::string(group.norm->name) +
                      " has a bias or subtracts a mean: it does not commute with a rotation");
  const auto norm = matrix_of<float>(group.norm->weight, "the norm");
  const bool one_plus = group.norm->flags & ASSAY_NORM_ONE_PLUS;
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    const auto w = weight_of(*group.consumers[i]);
    for (int64_t row = 0; row < w.rows; ++row)
      for (int64_t c = 0; c < w.columns; ++c)
        w.row(row)[c] *= one_plus ? 1.0f + norm.data[c] : norm.data[c];
  }
  for (int64_t c = 0; c < group.channels; ++c) norm.data[c] = one_plus ? 0.0f : 1.0f;
}

// The operation that the forward pass must run on the input of a linear, as JSON.
std::string online_json(const hadamard &h) {
  std::string text = "{\"op\": \"hadamard\", \"size\": " + std::to_string(h.order);
  if (h.base_order > 1) {
    text += ", \"base\": [";
    const char *separator = "";
    for (const auto &row : h.base_rows())
      text += separator + assay_json::quoted(row), separator = ", ";
    text += "]";
  }
  return text + "}";
}

}  // namespace

rotate::rotate(assay_cpp::host host)
    : host_(host), seed_r1_(host.seed("r1")), seed_r2_(host.seed("r2")) {
  const assay_cpp::config config(host);
  r1_ = config.flag("r1");
  r2_ = config.flag("r2");
  r4_ = config.flag("r4");
  random_ = config.text("signs") == "random";
}

void rotate::check(const char *arch_json) {
  const auto arch = assay_json::parse(arch_json);
  if (r1_ && arch.bool_or("post_norms", false))
    throw failure(
        ASSAY_UNSUPPORTED,
        "the family '" + arch.string_or("family", "") +
            "' has norms behind attention and MLP, whose weights keep the residual stream "
            "from being turned: set r1 = false");
  if (r2_ && arch.number_or("qkv_clip", 0) > 0)
    throw failure(ASSAY_UNSUPPORTED,
                  "this model clips its values (clip_qkv), which keeps them from being turned: set "
                  "r2 = false");
  const auto require = [&](bool wanted, const char *key, const char *what) {
    const auto n = static_cast<int64_t>(arch.number_or(key, 0));
    if (wanted && !hadamard::exists(n))
      throw failure(ASSAY_UNSUPPORTED, std::string(what) + " has " + std::to_string(n) +
                                           " channels, for which no Hadamard matrix is known here");
  };
  require(r1_, "hidden_size", "the residual stream");
  require(r2_, "head_dim", "a head");
  require(r4_ && arch.number_or("dense_layers", 1) > 0, "intermediate_size",
          "the input of down_proj");
  require(r4_ && arch.number_or("experts", 0) > 0, "expert_size",
          "the input of an expert's down_proj");
}

void rotate::needs(const assay_block &, assay_needs &out) {
  if (r1_) out.schedule = ASSAY_SCHEDULE_MODEL;
}

const turn &rotate::turn_of(int64_t size, const char *label, uint64_t seed, bool random) {
  const std::string key = label + std::to_string(size);
  auto found = turns_.find(key);
  if (found == turns_.end()) found = turns_.emplace(key, turn(hadamard(size), random, seed)).first;
  return found->second;
}

void rotate::turn_stream(const assay_group &group) {
  const turn &r = turn_of(group.channels, "r1.", seed_r1_, random_);
  for (uint32_t i = 0; i < group.n_consumers; ++i) r.rows(host_, weight_of(*group.consumers[i]));
  for (uint32_t i = 0; i < group.n_producers; ++i) {
    const assay_linear &writer = *group.producers[i];
    if (writer.flags & ASSAY_LINEAR_EMBEDDING) {
      r.rows(host_, weight_of(writer));
      continue;
    }
    r.columns(host_, weight_of(writer));
    if (writer.bias) r.columns(host_, as_column(writer.bias));
  }
}

void rotate::turn_values(const assay_group &group) {
  const turn &r = turn_of(group.head_dim, "r2.", seed_r2_, random_);
  for (int64_t head = 0; head < group.kv_heads; ++head) {
    const assay_linear &v = *group.producers[0];
    r.columns(host_, weight_of(v), head * group.head_dim);
    if (v.bias) r.columns(host_, as_column(v.bias), head * group.head_dim);
  }
  for (int64_t head = 0; head < group.heads; ++head)
    r.rows(host_, weight_of(*group.consumers[0]), head * group.head_dim);
}

void rotate::turn_down(const assay_group &group, const assay_edit &edit) {
  const turn &r = turn_of(group.channels, "r4.", 0, false);
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    r.rows(host_, weight_of(*group.consumers[i]));
    assay_cpp::pass_on(
        edit.set_online(edit.ctx, group.consumers[i]->name, online_json(r.matrix()).c_str()));
  }
}

void rotate::apply(const assay_block &block, const assay_edit &edit) {
  std::string done;
  for (uint32_t i = 0; i < block.n_groups; ++i) {
    const auto &group = *block.groups[i];
    const std::string kind = group.kind;
    host_.progress(i, block.n_groups, group.name);
    if (kind == "norm" && r1_) {
      fold_norm(group);
      continue;
    }
    const char *name = nullptr;
    if (kind == "residual" && r1_) turn_stream(group), name = "r1";
    if (kind == "v_o" && r2_) turn_values(group), name = "r2";
    if (kind == "up_down" && r4_) turn_down(group, edit), name = "r4";
    if (name) done += (done.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  }
  assay_cpp::pass_on(edit.note(edit.ctx, ("{\"rotations\": [" + done + "]}").c_str()));
}

}  // namespace rotation
