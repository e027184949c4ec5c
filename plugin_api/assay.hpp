// Helps to write plugins in C++17: wraps the host's services, turns exceptions into statuses and
// makes a table of functions from a class. It is header-only and compiled into the plugin; only the
// structs of assay.h cross to the host.
//
//   class my_quantizer {
//    public:
//     explicit my_quantizer(assay_cpp::host host);  // or (host, const char *config_json)
//     void needs(const assay_linear &linear, assay_needs &out);
//     void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
//     void dequantize(const assay_form &form, const assay_tensor &out);
//   };
//   static const auto k_table = assay_cpp::quantizer_table<my_quantizer>();
//   static const auto k_mine = assay_cpp::component("mine", "what it does", k_schema, k_table);
//   static const assay_component *const k_components[] = {&k_mine};
//   static const auto k_plugin = assay_cpp::plugin("org.example.mine", "1.0.0", "what is in it",
//                                                  "Apache-2.0", k_components);
//
// A method fails by an exception. assay_cpp::failure carries the status, std::bad_alloc becomes
// ASSAY_OUT_OF_MEMORY, any other exception becomes ASSAY_INTERNAL.
#ifndef ASSAY_HPP
#define ASSAY_HPP

#include <assay_values.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace assay_cpp {

// The services of host.h with exceptions in place of statuses. An object only borrows the instance's
// table, so it can be copied freely.
class host {
 public:
  host(const assay_host *table) : table_(table) {}  // NOLINT: meant to be implicit
  const assay_host *table() const { return table_; }

  void log(int32_t level, const std::string &text) const {
    table_->log(table_->ctx, level, text.c_str());
  }
  void progress(uint64_t done, uint64_t total, const char *what = nullptr) const {
    pass_on(table_->progress(table_->ctx, done, total, what));
  }
  bool cancelled() const { return table_->cancelled(table_->ctx) != 0; }
  void ledger(const char *event, uint64_t count, const std::string &detail = "") const {
    table_->ledger(table_->ctx, event, count, detail.empty() ? nullptr : detail.c_str());
  }
  uint64_t seed(const char *label) const { return table_->seed(table_->ctx, label); }

  // A contiguous, uninitialised tensor on the CPU.
  owned_tensor alloc(assay_dtype dtype, std::vector<int64_t> shape) const {
    assay_tensor prototype{};
    prototype.device.type = ASSAY_CPU;
    prototype.ndim = static_cast<int32_t>(shape.size());
    prototype.dtype = dtype;
    prototype.shape = shape.data();
    assay_managed *made = nullptr;
    pass_on(table_->alloc(table_->ctx, &prototype, &made));
    return owned_tensor(made);
  }
  // n uninitialised elements on the CPU, freed when the present call returns.
  template <class T>
  T *scratch(int64_t n) const {
    void *memory = nullptr;
    pass_on(table_->scratch(table_->ctx, static_cast<uint64_t>(n) * sizeof(T), nullptr, &memory));
    return static_cast<T *>(memory);
  }

  // Runs body(begin, end) over pieces of [0, n) on the host's threads. body may throw; its results must
  // not depend on how [0, n) is cut.
  template <class F>
  void parallel_for(int64_t n, int64_t grain, const F &body) const {
    struct call {
      const assay_host *table;
      const F &body;
    } arg{table_, body};
    const auto piece = [](void *opaque, int64_t begin, int64_t end) -> int32_t {
      const call &self = *static_cast<call *>(opaque);
      return guarded(self.table, [&] { self.body(begin, end); });
    };
    pass_on(table_->parallel_for(table_->ctx, n, grain, piece, &arg));
  }

  // The table of a host extension. If the host has no such extension, extension() returns nullptr and
  // require() throws UNSUPPORTED.
  template <class T>
  const T *extension(const char *id) const {
    return static_cast<const T *>(table_->get_extension(table_->ctx, id));
  }
  template <class T>
  const T &require(const char *id) const {
    const T *found = extension<T>(id);
    if (found == nullptr) throw failure(ASSAY_UNSUPPORTED, std::string("this host has no ") + id);
    return *found;
  }

 private:
  const assay_host *table_;
};

// Reads the configuration of an instance by key. The host has checked the configuration and filled in
// the schema's defaults. So an absent key is a mistake in the plugin: the call fails, and the message
// names the key.
class config {
 public:
  explicit config(const host &owner) : table_(owner.table()) {}
  int64_t integer(const char *key) const { return read<int64_t>(table_->config_integer, key); }
  double number(const char *key) const { return read<double>(table_->config_number, key); }
  bool flag(const char *key) const { return read<int32_t>(table_->config_flag, key) != 0; }
  std::string text(const char *key) const { return read<const char *>(table_->config_text, key); }

 private:
  template <class T>
  T read(int32_t (*getter)(void *, const char *, T *), const char *key) const {
    T value{};
    pass_on(getter(table_->ctx, key, &value));
    return value;
  }
  const assay_host *table_;
};

// Receives the results of a quantizer; wraps assay_sink, which it borrows.
class sink {
 public:
  sink(const assay_sink *table) : table_(table) {}  // NOLINT: meant to be implicit
  void emit(const char *role, owned_tensor tensor, uint32_t packed_bits = 0) const {
    pass_on(table_->emit(table_->ctx, role, tensor.release(), packed_bits));
  }
  void note(const std::string &json) const { pass_on(table_->note(table_->ctx, json.c_str())); }

 private:
  const assay_sink *table_;
};

// The tensor of the form with this role, or nullptr; borrowed from the form.
inline const assay_tensor *find(const assay_form &form, const char *role) {
  for (uint32_t i = 0; i < form.n_tensors; ++i)
    if (std::strcmp(form.roles[i], role) == 0) return form.tensors[i];
  return nullptr;
}

// ---- tables from classes ----

// The object behind the ABI's void *instance: one T. The constructor of T takes (host) or
// (host, const char *config_json).
template <class T>
struct instance {
  const assay_host *table;
  T object;

  static int32_t create(const assay_host *table, const char *config_json, void **out) {
    return guarded(table, [&] {
      if constexpr (std::is_constructible_v<T, host>)
        *out = new instance{table, T(host(table))};
      else
        *out = new instance{table, T(host(table), config_json)};
    });
  }
  static void destroy(void *self) noexcept { delete static_cast<instance *>(self); }
  template <class F>
  static int32_t call(void *self, F &&body) noexcept {
    auto &one = *static_cast<instance *>(self);
    return guarded(one.table, [&] { body(one.object); });
  }
};

// True if the class T has the member that `member` names, such as observe.
template <template <class> class member, class T, class = void>
struct has : std::false_type {};
template <template <class> class member, class T>
struct has<member, T, std::void_t<member<T>>> : std::true_type {};
template <class T>
using observe_of = decltype(&T::observe);
template <class T>
using estimate_of = decltype(&T::estimate);
template <class T>
using check_of = decltype(&T::check);
template <class T>
using quantize_block_of = decltype(&T::quantize_block);

// The table of a quantizer class T. T has needs(linear, out), quantize(linear, stats, sink) and
// dequantize(form, out). It may have observe(linear, tokens), quantize_block(block, stats, sinks) and
// estimate(linear, out). These functions do what assay/quantizer.h says.
template <class T>
assay_quantizer_vtable quantizer_table() {
  using self = instance<T>;
  assay_quantizer_vtable v{};
  v.struct_size = sizeof v;
  v.create = self::create;
  v.destroy = self::destroy;
  v.needs = [](void *i, const assay_linear *linear, assay_needs *out) {
    return self::call(i, [&](T &t) { t.needs(*linear, *out); });
  };
  v.quantize = [](void *i, const assay_linear *linear, const assay_stats *stats,
                  const assay_sink *to) {
    return self::call(i, [&](T &t) { t.quantize(*linear, stats, sink(to)); });
  };
  v.dequantize = [](void *i, const assay_form *form, const assay_tensor *out) {
    return self::call(i, [&](T &t) { t.dequantize(*form, *out); });
  };
  if constexpr (has<observe_of, T>::value)
    v.observe = [](void *i, const assay_linear *linear, const assay_tensor *tokens) {
      return self::call(i, [&](T &t) { t.observe(*linear, *tokens); });
    };
  if constexpr (has<quantize_block_of, T>::value)
    v.quantize_block = [](void *i, const assay_block *block, const assay_stats *const *stats,
                          const assay_sink *const *sinks) {
      return self::call(i, [&](T &t) { t.quantize_block(*block, stats, sinks); });
    };
  if constexpr (has<estimate_of, T>::value)
    v.estimate = [](void *i, const assay_linear *linear, assay_estimate *out) {
      return self::call(i, [&](T &t) { t.estimate(*linear, *out); });
    };
  return v;
}

// The table of a transform class T. T has needs(block, out) and apply(block, edit). It may have
// check(arch_json) and observe(group, tokens).
template <class T>
assay_transform_vtable transform_table() {
  using self = instance<T>;
  assay_transform_vtable v{};
  v.struct_size = sizeof v;
  v.create = self::create;
  v.destroy = self::destroy;
  v.needs = [](void *i, const assay_block *block, assay_needs *out) {
    return self::call(i, [&](T &t) { t.needs(*block, *out); });
  };
  v.apply = [](void *i, const assay_block *block, const assay_edit *edit) {
    return self::call(i, [&](T &t) { t.apply(*block, *edit); });
  };
  if constexpr (has<check_of, T>::value)
    v.check = [](void *i, const char *arch_json) {
      return self::call(i, [&](T &t) { t.check(arch_json); });
    };
  if constexpr (has<observe_of, T>::value)
    v.observe = [](void *i, const assay_group *group, const assay_tensor *tokens) {
      return self::call(i, [&](T &t) { t.observe(*group, *tokens); });
    };
  return v;
}

// The table of an exporter class T, which has check(plan_json, refusals) and write(job).
template <class T>
assay_exporter_vtable exporter_table() {
  using self = instance<T>;
  assay_exporter_vtable v{};
  v.struct_size = sizeof v;
  v.create = self::create;
  v.destroy = self::destroy;
  v.check = [](void *i, const char *plan_json, const assay_refusals *refusals) {
    return self::call(i, [&](T &t) { t.check(plan_json, *refusals); });
  };
  v.write = [](void *i, const assay_export *job) {
    return self::call(i, [&](T &t) { t.write(*job); });
  };
  return v;
}

// ---- descriptors of components and of the plugin ----

// The kind of component that a type of table belongs to.
template <class Table>
inline constexpr uint32_t k_kind = 0;
template <>
inline constexpr uint32_t k_kind<assay_quantizer_vtable> = ASSAY_KIND_QUANTIZER;
template <>
inline constexpr uint32_t k_kind<assay_transform_vtable> = ASSAY_KIND_TRANSFORM;
template <>
inline constexpr uint32_t k_kind<assay_dataset_vtable> = ASSAY_KIND_DATASET;
template <>
inline constexpr uint32_t k_kind<assay_metric_vtable> = ASSAY_KIND_METRIC;
template <>
inline constexpr uint32_t k_kind<assay_exporter_vtable> = ASSAY_KIND_EXPORTER;

// Describes one component. Texts and table must be static. facts may be nullptr. Raise the revision
// when the same input gives other results.
template <class Table>
constexpr assay_component component(const char *id, const char *summary, const char *schema,
                                    const Table &table, const char *facts = nullptr,
                                    uint32_t revision = 1) {
  return {sizeof(assay_component),
          k_kind<Table>,
          id,
          revision,
          0,
          summary,
          schema,
          facts,
          &table,
          nullptr};
}
template <class Table>  // refuses a temporary table, which would not live long enough
constexpr assay_component component(const char *, const char *, const char *, const Table &&,
                                    const char * = nullptr, uint32_t = 1) = delete;

// Describes the plugin. id: in reverse DNS ("org.example.mine"); version: "1.2.3"; licence: an SPDX
// identifier; requires_json: as in assay/base.h. All texts are static.
template <size_t n>
constexpr assay_plugin plugin(const char *id, const char *version, const char *summary,
                              const char *licence, const assay_component *const (&components)[n],
                              const char *requires_json = nullptr) {
  return {sizeof(assay_plugin),
          ASSAY_ABI_MINOR,
          id,
          version,
          summary,
          licence,
          nullptr,
          requires_json,
          n,
          0,
          components};
}

}  // namespace assay_cpp

#endif
