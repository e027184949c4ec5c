// Calls an exporter plugin. The host writes the files for the plugin, so that a full disk gives the same
// message with each exporter.
#include "plug/exporter.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/error.hpp"
#include "core/file.hpp"
#include "plug/service_context.hpp"

namespace assay::plug {
namespace {

struct file_closer {
  void operator()(FILE *file) const { std::fclose(file); }
};

// One file that is being written. All functions throw error(failed) with the system's reason.
class file_writer {
 public:
  file_writer(std::string name, const std::string &path)
      : path_(path), file_(std::fopen(path.c_str(), "wbx")) {
    written_.name = std::move(name);
    if (!file_) fail("cannot create the file");
    std::setvbuf(file_.get(), nullptr, _IOFBF, size_t{1} << 20);
  }
  void append(const void *bytes, uint64_t n_bytes) {
    if (std::fwrite(bytes, 1, n_bytes, file_.get()) != n_bytes) fail("cannot write the file");
    written_.bytes += n_bytes;
  }
  written_file end() {
    if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0)
      fail("cannot write the file");
    if (std::fclose(file_.release()) != 0) fail("cannot write the file");
    return written_;
  }

 private:
  [[noreturn]] void fail(const char *what) const { throw_file_error(path_, what, errno); }
  std::string path_;
  std::unique_ptr<FILE, file_closer> file_;
  written_file written_;
};

// What assay_export::ctx points to during one call of write.
struct export_context {
  service_context &services;
  export_source &source;
  const std::string &folder;
  std::unique_ptr<file_writer> open;
  std::vector<written_file> written;

  void begin(const char *name) {
    const std::string text = name != nullptr ? name : "";
    if (text.empty() || text[0] == '.' || text.find('/') != std::string::npos)
      throw error(error_kind::plugin,
                  "asked for the file name '" + text + "', which is not in the folder");
    if (open) throw error(error_kind::plugin, "began '" + text + "' while another file was open");
    open = std::make_unique<file_writer>(text, folder + "/" + text);
  }
  file_writer &current() const {
    if (!open) throw error(error_kind::plugin, "wrote to no file: begin_file comes first");
    return *open;
  }
};

export_context &of(void *ctx) {
  return *static_cast<export_context *>(ctx);
}

int32_t next_item(void *ctx, const assay_item **out) noexcept {
  const assay_item *item = nullptr;
  const int32_t status = of(ctx).services.guarded([&] { item = of(ctx).source.next(); });
  if (status < 0) return status;
  if (item == nullptr) return ASSAY_END;
  *out = item;
  return ASSAY_OK;
}

int32_t restart(void *ctx) noexcept {
  return of(ctx).services.guarded([&] { of(ctx).source.restart(); });
}

int32_t read_file(void *ctx, const char *name, const void **out_bytes,
                  uint64_t *out_n_bytes) noexcept {
  return of(ctx).services.guarded([&] {
    const std::string &bytes = of(ctx).source.file(name != nullptr ? name : "");
    *out_bytes = bytes.data();
    *out_n_bytes = bytes.size();
  });
}

int32_t begin_file(void *ctx, const char *name) noexcept {
  return of(ctx).services.guarded([&] { of(ctx).begin(name); });
}

int32_t append(void *ctx, const void *bytes, uint64_t n_bytes) noexcept {
  return of(ctx).services.guarded([&] { of(ctx).current().append(bytes, n_bytes); });
}

int32_t end_file(void *ctx) noexcept {
  return of(ctx).services.guarded([&] {
    of(ctx).written.push_back(of(ctx).current().end());
    of(ctx).open.reset();
  });
}

void refuse(void *ctx, const char *where, const char *reason) noexcept {
  try {
    static_cast<std::vector<refusal> *>(ctx)->push_back(
        {where != nullptr ? where : "", reason != nullptr ? reason : "for no reason"});
  } catch (...) {
    // Out of memory. This function has no status to report it with, so the refusal is lost.
  }
}

}  // namespace

exporter_instance::exporter_instance(const component &what, const json &config,
                                     const instance_options &options, const std::string &where)
    : instance(what, config, options, where) {}

const assay_exporter_vtable &exporter_instance::table() const {
  return *static_cast<const assay_exporter_vtable *>(vtable_);
}

std::vector<refusal> exporter_instance::check(const json &plan) {
  std::vector<refusal> out;
  assay_refusals refusals{};
  refusals.struct_size = sizeof refusals;
  refusals.ctx = &out;
  refusals.refuse = refuse;
  const std::string text = json_text(plan);
  call("check", "", [&] { return table().check(self_, text.c_str(), &refusals); });
  return out;
}

std::vector<written_file> exporter_instance::write(const json &plan, export_source &source,
                                                   const std::string &folder) {
  const std::vector<std::string> names = source.files();
  std::vector<const char *> name_pointers;
  name_pointers.reserve(names.size());
  for (const std::string &name : names) name_pointers.push_back(name.c_str());
  const std::string text = json_text(plan);
  export_context context{*services_, source, folder, nullptr, {}};
  assay_export job{};
  job.struct_size = sizeof job;
  job.n_files = static_cast<uint32_t>(names.size());
  job.ctx = &context;
  job.folder = folder.c_str();
  job.plan_json = text.c_str();
  job.file_names = name_pointers.data();
  job.next = next_item;
  job.restart = restart;
  job.read_file = read_file;
  job.begin_file = begin_file;
  job.append = append;
  job.end_file = end_file;
  source.restart();
  call("write", "", [&] { return table().write(self_, &job); });
  if (context.open) blame("", "write ended with a file still open");
  if (context.written.empty()) blame("", "write made no file");
  return std::move(context.written);
}

}  // namespace assay::plug
