// The C ABI of this plugin: quantizers that use statistics of a linear's inputs. The functions that
// methods.hpp declares do the work.
#include <string>

#include "kquant/kquant.hpp"
#include "methods.hpp"

namespace {

using hessian::method_config;

// Each read_ function copies the keys of one method into method_config. hessian::read_grid reads the
// keys of the grid, which all methods have.
void read_opt_rtn(const assay_cpp::config &, method_config &config) {
  config.grid.has_feedback = false;
}

void read_solver(const assay_cpp::config &from, method_config &to) {
  to.act_order = from.flag("act_order");
  to.block_size = from.integer("block_size");
  to.damping = from.number("damping");
}

void read_gptq(const assay_cpp::config &from, method_config &to) {
  read_solver(from, to);
  to.static_groups = from.flag("static_groups");
}

void read_gptaq(const assay_cpp::config &from, method_config &to) {
  read_gptq(from, to);
  to.alpha = from.number("alpha");
}

void read_adaround(const assay_cpp::config &from, method_config &to) {
  to.damping = from.number("damping");
  to.from_gptq = from.text("start") == "gptq";
  to.descend = from.flag("descend");
  to.float_target = from.text("target") == "float";
  to.iterations = static_cast<int>(from.integer("iterations"));
  to.rate = from.number("learning_rate");
  to.regulariser = from.number("regulariser");
  to.warm_up = from.number("warm_up");
  to.beta_high = from.number("beta_start");
  to.beta_low = from.number("beta_end");
}

void read_salient(const assay_cpp::config &from, method_config &to) {
  read_solver(from, to);
  to.with_feedback = from.text("rounding") == "gptq";
  to.by_activation = from.text("rank") == "activation";
  to.dynamic = from.flag("dynamic");
  to.ratio = from.number("ratio");
  to.threshold = from.number("threshold");
  to.high_bits = static_cast<int>(from.integer("high_bits"));
  to.middle_bits = static_cast<int>(from.integer("middle_bits"));
  to.middle_ratio = from.number("middle_ratio");
}

using read_fn = void (*)(const assay_cpp::config &, method_config &);
using method_fn = void (*)(assay_cpp::host, const method_config &, const assay_linear *,
                           const assay_stats *, assay_cpp::sink);

// The class that assay_cpp::quantizer_table needs, made from a function of methods.hpp. `statistics` are those that
// the method asks the host for.
template <read_fn read, method_fn method, uint32_t statistics = ASSAY_NEED_HESSIAN>
class quantizer {
 public:
  explicit quantizer(assay_cpp::host host) : host_(host) {
    const assay_cpp::config config(host);
    config_.grid = hessian::read_grid(config);
    read(config, config_);
  }

  void needs(const assay_linear &, assay_needs &out) const { out.statistics = statistics; }

  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink) const {
    assay_cpp::require_finite(assay_cpp::matrix_of<const float>(linear.weight, "the weight"));
    method(host_, config_, &linear, stats, sink);
  }

  void dequantize(const assay_form &form, const assay_tensor &out) const {
    hessian::dequantize_form(host_, &form, &out);
  }

  // packed_bits: codes, and one scale (and zero point) for each group of each row. scratch_bytes: the
  // working copies of W and H.
  void estimate(const assay_linear &linear, assay_estimate &out) const {
    const auto &o = config_.grid;
    const auto rows = static_cast<double>(linear.out_features),
               columns = static_cast<double>(linear.in_features);
    const double scale_bits = assay_grid::scale_bits(o.stored);
    out.packed_bits = rows * (columns * o.bits + static_cast<double>(o.groups(linear.in_features)) *
                                                     (scale_bits + (o.symmetric ? 0 : o.bits)));
    out.scratch_bytes = static_cast<uint64_t>(rows * columns * 14 + columns * columns * 16);
    out.flops = rows * columns * columns * 1.5 + columns * columns * columns;
  }

 protected:
  assay_cpp::host host_;
  method_config config_;
};

struct opt_rtn : quantizer<read_opt_rtn, hessian::opt_rtn> {
  using quantizer::quantizer;
  void needs(const assay_linear &, assay_needs &out) const {
    const bool weighted = config_.grid.search == hessian::grid_search::weighted;
    out.statistics = weighted ? ASSAY_NEED_SQ_MEAN : 0u;
  }
};

using gptq = quantizer<read_gptq, hessian::gptq>;
using gptaq = quantizer<read_gptaq, hessian::gptaq, ASSAY_NEED_HESSIAN | ASSAY_NEED_CROSS>;

struct adaround : quantizer<read_adaround, hessian::adaround> {
  using quantizer::quantizer;
  void needs(const assay_linear &, assay_needs &out) const {
    out.statistics = ASSAY_NEED_HESSIAN | (config_.float_target ? ASSAY_NEED_CROSS : 0u);
  }
  void estimate(const assay_linear &linear, assay_estimate &out) const {
    quantizer::estimate(linear, out);
    const auto rows = static_cast<double>(linear.out_features),
               columns = static_cast<double>(linear.in_features);
    out.flops += 2 * rows * columns * columns * config_.iterations;
    out.scratch_bytes += static_cast<uint64_t>(rows * columns * 32);
  }
};

struct salient : quantizer<read_salient, hessian::salient> {
  using quantizer::quantizer;
  void needs(const assay_linear &, assay_needs &out) const {
    out.statistics = ASSAY_NEED_HESSIAN | (config_.by_activation ? ASSAY_NEED_ABS_MEAN : 0u);
  }
  void dequantize(const assay_form &form, const assay_tensor &out) const {
    hessian::dequantize_salient(host_, config_, &form, &out);
  }
  void estimate(const assay_linear &linear, assay_estimate &out) const {
    quantizer::estimate(linear, out);
    const auto weights = static_cast<double>(linear.out_features * linear.in_features);
    out.packed_bits += weights * config_.ratio * config_.high_bits;
    if (config_.middle_bits)
      out.packed_bits += weights * config_.middle_ratio * config_.middle_bits;
  }
};

class kquant {
 public:
  explicit kquant(assay_cpp::host host)
      : host_(host), config_(hessian::read_kquant(assay_cpp::config(host))) {}

  void needs(const assay_linear &linear, assay_needs &out) const {
    std::string asked;
    hessian::type_for(config_, linear, asked);  // refuses a row before any work is done
    out.statistics = config_.needs_hessian()   ? ASSAY_NEED_HESSIAN
                     : config_.needs_squares() ? ASSAY_NEED_SQ_MEAN
                                               : 0u;
  }
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink) const {
    assay_cpp::require_finite(assay_cpp::matrix_of<const float>(linear.weight, "the weight"));
    hessian::kquant(host_, config_, &linear, stats, sink);
  }
  void dequantize(const assay_form &form, const assay_tensor &out) const {
    hessian::dequantize_blocks(host_, &form, &out);
  }
  void estimate(const assay_linear &linear, assay_estimate &out) const {
    std::string asked;
    const auto rows = static_cast<double>(linear.out_features),
               columns = static_cast<double>(linear.in_features);
    out.packed_bits = rows * columns * hessian::type_for(config_, linear, asked).bits_per_weight();
    out.scratch_bytes = static_cast<uint64_t>(rows * columns * 12 + columns * columns * 16);
    out.flops = config_.with_feedback ? rows * columns * columns * 1.5 + columns * columns * columns
                                      : rows * columns * 300;
  }

 private:
  assay_cpp::host host_;
  hessian::kquant_config config_;
};

const auto k_opt_rtn = assay_cpp::quantizer_table<opt_rtn>();
const auto k_gptq = assay_cpp::quantizer_table<gptq>();
const auto k_gptaq = assay_cpp::quantizer_table<gptaq>();
const auto k_adaround = assay_cpp::quantizer_table<adaround>();
const auto k_salient = assay_cpp::quantizer_table<salient>();
const auto k_kquant = assay_cpp::quantizer_table<kquant>();

#include "kquant/schema.inc"
#include "schemas.inc"

constexpr const char *k_facts = R"({"bits": [2, 3, 4, 5, 6, 7, 8], "devices": ["cpu"]})";

const auto k_of_opt_rtn =
    assay_cpp::component("opt_rtn", "round to nearest on grids searched with mean x^2",
                         k_opt_rtn_schema, k_opt_rtn, k_facts);
const auto k_of_gptq = assay_cpp::component(
    "gptq", "error feedback through the inverse Hessian, on searched static grids", k_gptq_schema,
    k_gptq, k_facts);
const auto k_of_gptaq = assay_cpp::component(
    "gptaq", "gptq with the float model's outputs as target, by the cross-moment", k_gptaq_schema,
    k_gptaq, k_facts);
const auto k_of_adaround =
    assay_cpp::component("adaround", "learned rounding up or down, through the Hessian",
                         k_adaround_schema, k_adaround, k_facts, 2);
const auto k_of_salient = assay_cpp::component(
    "salient", "the most important columns at a higher width, the rest by gptq", k_salient_schema,
    k_salient, R"({"bits": [2, 3, 4, 5, 6, 7, 8], "devices": ["cpu"], "formats": ["salient/1"]})");
const auto k_of_kquant = assay_cpp::component(
    "kquant", "the blocks of GGUF files (K-quants, IQ4), searched and with error feedback",
    k_kquant_schema, k_kquant,
    R"({"devices": ["cpu"], "formats": ["kquant/1", "int/1", "codebook/1"], "columns_multiple": 32,
  "forms": {"when": {"raised_where": "nowhere"}, "by": "type", "values": {
    "Q4_0": {"format": "int/1", "bits": 4, "group_size": 32, "symmetric": true},
    "Q5_0": {"format": "int/1", "bits": 5, "group_size": 32, "symmetric": true},
    "Q8_0": {"format": "int/1", "bits": 8, "group_size": 32, "symmetric": true}}}})");
const assay_component *const k_components[] = {&k_of_opt_rtn,  &k_of_gptq,    &k_of_gptaq,
                                               &k_of_adaround, &k_of_salient, &k_of_kquant};

const auto k_plugin = assay_cpp::plugin(
    "org.assay.hessian", "1.1.0", "integer quantizers that use statistics of the inputs",
    "Apache-2.0", k_components, R"({"extensions": ["assay.linalg/1"]})");

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
