// The functions of the host table. Each is noexcept, because an exception must not pass through the code of a plugin.
#include "plug/services.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "plug/parallel.hpp"
#include "plug/service_context.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {
namespace {

device_services g_devices;

// The extensions by id. They are added when the program starts, and plugins read them on any thread.
struct extension_table {
  std::mutex guard;
  std::map<std::string, const void *> tables;
};
extension_table &extensions() {
  static auto *only = new extension_table();
  return *only;
}

std::string or_empty(const char *text) {
  return text == nullptr ? "" : text;
}

const char *level_name(int32_t level) {
  if (level <= ASSAY_LOG_DEBUG) return "debug";
  if (level == ASSAY_LOG_INFO) return "info";
  if (level == ASSAY_LOG_WARNING) return "warning";
  if (level == ASSAY_LOG_HOST_MISBEHAVES) return "the host misbehaves";
  return "error";
}

bool is_sane_prototype(const assay_tensor *prototype) {
  if (prototype == nullptr || prototype->ndim < 0 || prototype->ndim > 8) return false;
  if (prototype->ndim > 0 && prototype->shape == nullptr) return false;
  int64_t count = 1;
  for (int32_t i = 0; i < prototype->ndim; ++i) {
    if (prototype->shape[i] < 0) return false;
    if (__builtin_mul_overflow(count, prototype->shape[i], &count)) return false;
  }
  return is_known_dtype(prototype->dtype) && count < (int64_t{1} << 50);
}

// Counts calls of alloc and scratch. Returns true for the one call that must fail. With it the conformance suite (`assay check`) tests
// what a plugin does without memory.
bool refused_on_purpose() {
  allocation_probe &probe = allocations();
  return ++probe.calls == probe.fail_at;
}

}  // namespace

struct service_functions {
  static service_context &of(void *ctx) { return *static_cast<service_context *>(ctx); }

  static void log(void *ctx, int32_t level, const char *text) noexcept {
    service_context &self = of(ctx);
    self.guarded([&] {
      const std::lock_guard<std::mutex> lock(self.guard_);
      if (self.options_.log) return self.options_.log(level, or_empty(text));
      if (level < ASSAY_LOG_WARNING) return;
      const char *who = self.component_ != nullptr ? self.component_->id.c_str() : "plugin";
      std::fprintf(stderr, "%s: %s: %s\n", who, level_name(level), or_empty(text).c_str());
    });
  }

  static int32_t progress(void *ctx, uint64_t done, uint64_t total, const char *what) noexcept {
    service_context &self = of(ctx);
    self.guarded([&] {
      const std::lock_guard<std::mutex> lock(self.guard_);
      report_progress(self.options_.progress, done, total, or_empty(what));
    });
    return cancelled(ctx) != 0 ? ASSAY_CANCELLED : ASSAY_OK;
  }

  static int32_t cancelled(void *) noexcept { return cancel_requested() ? 1 : 0; }

  static int32_t fail(void *ctx, int32_t status, const char *text) noexcept {
    return record(ctx, status, text, true);
  }

  // A service of the host refuses a request. `text` becomes the reason if the call then fails and the plugin gives no reason itself.
  static int32_t deny(void *ctx, int32_t status, const char *text) noexcept {
    return record(ctx, status, text, false);
  }

  static int32_t record(void *ctx, int32_t status, const char *text, bool by_plugin) noexcept {
    try {
      return of(ctx).fail(status, or_empty(text), by_plugin);
    } catch (...) {
      return status;
    }
  }

  static void ledger(void *ctx, const char *event, uint64_t count, const char *detail) noexcept {
    service_context &self = of(ctx);
    self.guarded([&] {
      const std::lock_guard<std::mutex> lock(self.guard_);
      if (!self.options_.ledger) return;
      self.options_.ledger({or_empty(event), self.layer_, count, or_empty(detail)});
    });
  }

  static int32_t alloc(void *ctx, const assay_tensor *prototype, assay_managed **out) noexcept {
    if (out == nullptr || !is_sane_prototype(prototype))
      return deny(ctx, ASSAY_INVALID_ARGUMENT, "alloc: not a tensor's shape and dtype");
    if (refused_on_purpose()) return deny(ctx, ASSAY_OUT_OF_MEMORY, "alloc: not enough memory");
    try {
      if (g_devices.alloc != nullptr && prototype->device.type != ASSAY_CPU)
        return g_devices.alloc(prototype, out);
      if (prototype->device.type != ASSAY_CPU)
        return deny(ctx, ASSAY_UNSUPPORTED, "alloc: this program has no such device");
      const std::vector<int64_t> shape(prototype->shape, prototype->shape + prototype->ndim);
      *out = new_cpu_tensor(prototype->dtype, shape).release();
      return ASSAY_OK;
    } catch (const std::exception &reason) {
      return deny(ctx, ASSAY_OUT_OF_MEMORY, reason.what());
    }
  }

  static int32_t scratch(void *ctx, uint64_t bytes, const assay_device *device,
                         void **out) noexcept {
    service_context &self = of(ctx);
    if (refused_on_purpose()) return deny(ctx, ASSAY_OUT_OF_MEMORY, "scratch: not enough memory");
    try {
      std::shared_ptr<void> owner;
      if (device != nullptr && device->type != ASSAY_CPU) {
        if (g_devices.scratch == nullptr)
          return deny(ctx, ASSAY_UNSUPPORTED, "scratch: this program has no such device");
        const int32_t status = g_devices.scratch(bytes, device, &owner, out);
        if (status < 0) return deny(ctx, status, "scratch: not enough device memory");
      } else {
        void *memory =
            bytes < (uint64_t{1} << 50) ? std::aligned_alloc(64, (bytes + 64) / 64 * 64) : nullptr;
        if (memory == nullptr) return deny(ctx, ASSAY_OUT_OF_MEMORY, "scratch: not enough memory");
        owner = std::shared_ptr<void>(memory, std::free);
        *out = memory;
      }
      const std::lock_guard<std::mutex> lock(self.guard_);
      self.scratch_.push_back(std::move(owner));
      return ASSAY_OK;
    } catch (const std::exception &reason) {
      return deny(ctx, ASSAY_OUT_OF_MEMORY, reason.what());
    }
  }

  static int32_t stream(void *ctx, const assay_device *device, void **out) noexcept {
    if (device == nullptr || device->type == ASSAY_CPU) {
      *out = nullptr;
      return ASSAY_OK;
    }
    if (g_devices.stream == nullptr)
      return deny(ctx, ASSAY_UNSUPPORTED, "stream: this program has no such device");
    return g_devices.stream(device, out);
  }

  static int32_t parallel_for(void *ctx, int64_t n, int64_t grain, assay_range_fn body,
                              void *arg) noexcept {
    if (body == nullptr) return deny(ctx, ASSAY_INVALID_ARGUMENT, "parallel_for: no body");
    return run_in_pieces(n, grain, body, arg);
  }

  static uint64_t seed(void *ctx, const char *label) noexcept {
    service_context &self = of(ctx);
    try {
      const std::string id = self.component_ != nullptr ? self.component_->id : "";
      return labelled_seed(self.options_.seed, id, self.layer_, or_empty(label));
    } catch (...) {
      return 0;
    }
  }

  static const void *get_extension(void *, const char *id) noexcept {
    if (id == nullptr) return nullptr;
    try {
      const std::lock_guard<std::mutex> lock(extensions().guard);
      const auto found = extensions().tables.find(id);
      return found == extensions().tables.end() ? nullptr : found->second;
    } catch (...) {
      return nullptr;
    }
  }
};

// The hash functions for plugins. Each hash is an object of core/hash that hash_begin makes and hash_end deletes.
struct hash_functions {
  static int32_t begin(void *ctx, void **out_hash) noexcept {
    if (out_hash == nullptr)
      return service_functions::deny(ctx, ASSAY_INVALID_ARGUMENT, "hash_begin: no place for it");
    *out_hash = new (std::nothrow) sha256();
    if (*out_hash != nullptr) return ASSAY_OK;
    return service_functions::deny(ctx, ASSAY_OUT_OF_MEMORY, "hash_begin: not enough memory");
  }

  static int32_t update(void *ctx, void *hash, const void *bytes, uint64_t n_bytes) noexcept {
    if (hash == nullptr || (bytes == nullptr && n_bytes > 0))
      return service_functions::deny(ctx, ASSAY_INVALID_ARGUMENT, "hash_update: no hash or bytes");
    static_cast<sha256 *>(hash)->update(bytes, n_bytes);
    return ASSAY_OK;
  }

  static int32_t end(void *ctx, void *hash, char out_hex[65]) noexcept {
    if (hash == nullptr)
      return service_functions::deny(ctx, ASSAY_INVALID_ARGUMENT, "hash_end: no hash");
    const std::unique_ptr<sha256> mine(static_cast<sha256 *>(hash));
    if (out_hex == nullptr) return ASSAY_OK;
    try {
      const std::string hex = mine->hex();
      hex.copy(out_hex, 64);
      out_hex[64] = '\0';
      return ASSAY_OK;
    } catch (...) {
      return service_functions::deny(ctx, ASSAY_OUT_OF_MEMORY, "hash_end: not enough memory");
    }
  }
};

// Reads the configuration by key. A plugin that asks for a key that its schema does not have is faulty. The error is kept, so that
// the call fails even if the plugin ignores the status.
struct config_functions {
  static int32_t refuse(void *ctx, const char *kind, const std::string &key,
                        const std::string &reason) noexcept {
    service_functions::of(ctx).guarded([&] {
      throw error(error_kind::plugin, std::string("asked its configuration for the ") + kind +
                                          " `" + key + "`, " + reason)
          .hint("The schema and the code of the plugin must name the same keys");
    });
    return ASSAY_INTERNAL;
  }

  template <class Fits, class Take>
  static int32_t read(void *ctx, const char *key, const char *kind, const void *out,
                      const Fits &fits, const Take &take) noexcept {
    if (key == nullptr || out == nullptr)
      return refuse(ctx, kind, or_empty(key), "without a place for the answer");
    const json &config = service_functions::of(ctx).config();
    const auto found = config.find(key);
    if (found == config.end()) return refuse(ctx, kind, key, "which is not there");
    if (!fits(*found))
      return refuse(ctx, kind, key, std::string("which is of type ") + found->type_name());
    take(*found);
    return ASSAY_OK;
  }

  static int32_t integer(void *ctx, const char *key, int64_t *out) noexcept {
    return read(
        ctx, key, "integer", out, [](const json &value) { return value.is_number_integer(); },
        [out](const json &value) { *out = value.get<int64_t>(); });
  }
  static int32_t number(void *ctx, const char *key, double *out) noexcept {
    return read(
        ctx, key, "number", out, [](const json &value) { return value.is_number(); },
        [out](const json &value) { *out = value.get<double>(); });
  }
  static int32_t flag(void *ctx, const char *key, int32_t *out) noexcept {
    return read(
        ctx, key, "flag", out, [](const json &value) { return value.is_boolean(); },
        [out](const json &value) { *out = value.get<bool>() ? 1 : 0; });
  }
  static int32_t text(void *ctx, const char *key, const char **out) noexcept {
    return read(
        ctx, key, "text", out, [](const json &value) { return value.is_string(); },
        [out](const json &value) { *out = value.get_ref<const std::string &>().c_str(); });
  }
};

service_context::service_context(const component *what, instance_options options, json config)
    : component_(what), options_(std::move(options)), config_(std::move(config)) {
  table_.struct_size = sizeof table_;
  table_.abi_minor = ASSAY_ABI_MINOR;
  table_.ctx = this;
  table_.name = "assay";
  table_.version = ASSAY_VERSION;
  table_.log = service_functions::log;
  table_.progress = service_functions::progress;
  table_.cancelled = service_functions::cancelled;
  table_.fail = service_functions::fail;
  table_.ledger = service_functions::ledger;
  table_.alloc = service_functions::alloc;
  table_.scratch = service_functions::scratch;
  table_.stream = service_functions::stream;
  table_.parallel_for = service_functions::parallel_for;
  table_.seed = service_functions::seed;
  table_.get_extension = service_functions::get_extension;
  table_.hash_begin = hash_functions::begin;
  table_.hash_update = hash_functions::update;
  table_.hash_end = hash_functions::end;
  table_.config_integer = config_functions::integer;
  table_.config_number = config_functions::number;
  table_.config_flag = config_functions::flag;
  table_.config_text = config_functions::text;
}

void service_context::begin_call(const std::string &layer) {
  const std::lock_guard<std::mutex> lock(guard_);
  layer_ = layer;
  failed_ = failed_by_plugin_ = false;
  failure_.clear();
  kept_ = nullptr;
}

void service_context::end_call() {
  const std::lock_guard<std::mutex> lock(guard_);
  scratch_.clear();
}

int32_t service_context::fail(int32_t status, const std::string &text, bool by_plugin) {
  const std::lock_guard<std::mutex> lock(guard_);
  // The first text of the plugin counts. If the plugin gave none, the first text of a service that refused something counts.
  if (!failed_ || (by_plugin && !failed_by_plugin_)) failure_ = text;
  failed_ = true;
  failed_by_plugin_ = failed_by_plugin_ || by_plugin;
  return status;
}

void service_context::keep_exception(std::exception_ptr what) {
  const std::lock_guard<std::mutex> lock(guard_);
  if (!kept_) kept_ = std::move(what);
}

void service_context::rethrow_kept() {
  std::exception_ptr what;
  {
    const std::lock_guard<std::mutex> lock(guard_);
    std::swap(what, kept_);
  }
  if (what) std::rethrow_exception(what);
}

void install_device_services(const device_services &services) {
  g_devices = services;
}

void provide_extension(const char *id, const void *table) {
  const std::lock_guard<std::mutex> lock(extensions().guard);
  extensions().tables[id] = table;
}

}  // namespace assay::plug
