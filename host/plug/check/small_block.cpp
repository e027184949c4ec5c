// Builds the toy decoder layer with its groups of channels (assay_group), and computes its output.
#include "plug/check/small_block.hpp"

#include <cmath>

#include "plug/check/numbers.hpp"

namespace assay::check {
namespace {

constexpr int64_t k_tokens = 5;

struct linear_shape {
  const char *name, *role;
  int64_t rows, columns;
};
constexpr int64_t k_q_width = small_block::k_heads * small_block::k_head_dim;
constexpr int64_t k_kv_width = small_block::k_kv_heads * small_block::k_head_dim;
constexpr linear_shape k_linears[] = {
    {"model.layers.0.self_attn.q_proj", "attn.q", k_q_width, small_block::k_hidden},
    {"model.layers.0.self_attn.k_proj", "attn.k", k_kv_width, small_block::k_hidden},
    {"model.layers.0.self_attn.v_proj", "attn.v", k_kv_width, small_block::k_hidden},
    {"model.layers.0.self_attn.o_proj", "attn.o", small_block::k_hidden, k_q_width},
    {"model.layers.0.mlp.gate_proj", "mlp.gate", small_block::k_inner, small_block::k_hidden},
    {"model.layers.0.mlp.up_proj", "mlp.up", small_block::k_inner, small_block::k_hidden},
    {"model.layers.0.mlp.down_proj", "mlp.down", small_block::k_hidden, small_block::k_inner},
};
constexpr const char *k_norm_names[] = {"model.layers.0.input_layernorm",
                                        "model.layers.0.post_attention_layernorm"};
constexpr const char *k_arch =
    R"({"model_type": "llama", "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 6, "intermediate_size": 40, "num_hidden_layers": 1, "tied": true})";

}  // namespace

small_block::small_block(uint64_t seed) : biases_(n_linears), inputs_(k_tokens * k_hidden) {
  numbers random(seed + 77);
  for (double &x : inputs_) x = random.normal();
  for (const linear_shape &one : k_linears) {
    layers_.push_back(
        std::make_unique<bench_layer>(one.rows, one.columns, ++seed, one.name, one.role));
    layer_pointers_.push_back(&layers_.back()->layer());
  }
  for (int i = 0; i < 2; ++i) {
    norm_weights_[i].resize(k_hidden);
    for (float &w : norm_weights_[i]) w = static_cast<float>(std::exp(0.3 * random.normal()));
    norm_views_[i] = plug::tensor_view(norm_weights_[i].data(), plug::k_f32, {k_hidden});
    norms_[i] = {sizeof(assay_norm), 0, k_norm_names[i], norm_views_[i].get(), nullptr};
    norm_pointers_.push_back(&norms_[i]);
  }
  add_group("0.attn.in", "norm", &norms_[0], {}, {q, k, v});
  add_group("0.attn.v_o", "v_o", nullptr, {v}, {o});
  add_group("0.mlp.in", "norm", &norms_[1], {}, {gate, up});
  add_group("0.mlp.up_down", "up_down", nullptr, {up}, {down});
  block_.struct_size = sizeof block_;
  block_.n_blocks = 1;
  block_.n_linears = n_linears;
  block_.n_norms = 2;
  block_.n_groups = static_cast<uint32_t>(groups_.size());
  block_.arch_json = k_arch;
  block_.linears = layer_pointers_.data();
  block_.norms = norm_pointers_.data();
  block_.groups = group_pointers_.data();
}

void small_block::add_group(const char *name, const char *kind, const assay_norm *norm,
                            const std::vector<linear> &producers, std::vector<linear> consumers) {
  auto parts = std::make_unique<group_parts>();
  for (const linear one : producers) parts->producers.push_back(layer_pointers_[one]);
  for (const linear one : consumers) parts->consumers.push_back(layer_pointers_[one]);
  parts->readers = std::move(consumers);
  assay_group &group = parts->group;
  group.struct_size = sizeof group;
  group.n_producers = static_cast<uint32_t>(parts->producers.size());
  group.n_consumers = static_cast<uint32_t>(parts->consumers.size());
  group.name = name;
  group.kind = kind;
  group.norm = norm;
  group.producers = parts->producers.data();
  group.consumers = parts->consumers.data();
  group.channels = parts->consumers[0]->in_features;
  group.heads = k_heads;
  group.kv_heads = k_kv_heads;
  group.head_dim = k_head_dim;
  group_pointers_.push_back(&group);
  groups_.push_back(std::move(parts));
}

void small_block::provide(const assay_needs &needs) {
  for (const auto &parts : groups_) parts->group.stats = layers_[parts->readers[0]]->stats(needs);
}

void small_block::set_bias(const std::string &layer, const assay_tensor &bias) {
  for (size_t i = 0; i < layers_.size(); ++i)
    if (layer == layers_[i]->layer().name)
      biases_[i].assign(plug::data_of<float>(bias), plug::data_of<float>(bias) + bias.shape[0]);
}

std::vector<double> small_block::apply(linear which, const std::vector<double> &x) const {
  const assay_linear &layer = layers_[which]->layer();
  const int64_t rows = layer.out_features, columns = layer.in_features;
  std::vector<double> y(static_cast<size_t>(k_tokens * rows));
  for (int64_t t = 0; t < k_tokens; ++t)
    for (int64_t r = 0; r < rows; ++r) {
      double sum = biases_[which].empty() ? 0 : double{biases_[which][static_cast<size_t>(r)]};
      for (int64_t c = 0; c < columns; ++c)
        sum += double{layers_[which]->weight[static_cast<size_t>(r * columns + c)]} *
               x[static_cast<size_t>(t * columns + c)];
      y[static_cast<size_t>(t * rows + r)] = sum;
    }
  return y;
}

std::vector<double> small_block::normed(int which, const std::vector<double> &x) const {
  std::vector<double> y(x.size());
  for (size_t t = 0; t < k_tokens; ++t) {
    double square = 0;
    for (size_t j = 0; j < k_hidden; ++j) square += x[t * k_hidden + j] * x[t * k_hidden + j];
    const double scale = 1 / std::sqrt(square / k_hidden + 1e-6);
    for (size_t j = 0; j < k_hidden; ++j)
      y[t * k_hidden + j] = x[t * k_hidden + j] * scale * double{norm_weights_[which][j]};
  }
  return y;
}

// Softmax attention without positions or mask, then the gated MLP. Each adds its result to the stream (residual connections).
std::vector<double> small_block::output() const {
  const std::vector<double> x = normed(0, inputs_);
  const std::vector<double> qs = apply(q, x), ks = apply(k, x), vs = apply(v, x);
  const size_t heads = k_heads, dim = k_head_dim, kv_heads = k_kv_heads;
  std::vector<double> mixed(k_tokens * heads * dim);
  for (size_t h = 0; h < heads; ++h)
    for (size_t t = 0; t < k_tokens; ++t) {
      const size_t kv = h * kv_heads / heads;
      double total = 0;
      for (size_t s = 0; s < k_tokens; ++s) {
        double score = 0;
        for (size_t i = 0; i < dim; ++i)
          score += qs[(t * heads + h) * dim + i] * ks[(s * kv_heads + kv) * dim + i];
        const double weight = std::exp(score / std::sqrt(static_cast<double>(dim)));
        total += weight;
        for (size_t i = 0; i < dim; ++i)
          mixed[(t * heads + h) * dim + i] += weight * vs[(s * kv_heads + kv) * dim + i];
      }
      for (size_t i = 0; i < dim; ++i) mixed[(t * heads + h) * dim + i] /= total;
    }
  std::vector<double> stream = inputs_;
  const std::vector<double> attention = apply(o, mixed);
  for (size_t i = 0; i < stream.size(); ++i) stream[i] += attention[i];
  const std::vector<double> y = normed(1, stream), gates = apply(gate, y);
  std::vector<double> inner = apply(up, y);
  for (size_t i = 0; i < inner.size(); ++i) inner[i] *= gates[i] / (1 + std::exp(-gates[i]));
  const std::vector<double> mlp = apply(down, inner);
  for (size_t i = 0; i < stream.size(); ++i) stream[i] += mlp[i];
  return stream;
}

}  // namespace assay::check
