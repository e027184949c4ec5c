// Cases for a whole plugin file: its entry function always gives the same answer and accepts a longer host table,
// and loading the file leaves no traces.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cfenv>
#include <clocale>
#include <cstring>
#include <filesystem>

#include "plug/check/check.hpp"
#include "plug/loader.hpp"
#include "plug/scan/elf.hpp"
#include "plug/service_context.hpp"

namespace assay::check {
namespace {

void entry_is_pure(const subject &on) {
  plug::service_context services(nullptr, {});
  const assay_plugin *first = plug::ask_entry_again(on.file, services.table());
  const assay_plugin *second = plug::ask_entry_again(on.file, services.table());
  if (first != second)
    fail("assay_plugin_v1 returned two different pointers: it must be one static descriptor");
}

// Calls the entry function with the table of a later host: it is longer, and its new members are not NULL.
void longer_host_table(const subject &on) {
  struct {
    assay_host known;
    void (*future[8])();
  } table;
  plug::service_context services(nullptr, {});
  table.known = *services.table();
  table.known.struct_size = sizeof table;
  table.known.abi_minor = ASSAY_ABI_MINOR + 7;
  for (auto &member : table.future) member = [] {};
  if (plug::ask_entry_again(on.file, &table.known) == nullptr)
    fail("assay_plugin_v1 refuses a host of ABI 1." + std::to_string(ASSAY_ABI_MINOR + 7) +
         ": a longer table is always good");
}

void unknown_extension(const subject &on) {
  const plug::gated_plugin &plugin = plug::load_plugin(on.file);
  for (const plug::gated_component &one : plugin.components) {
    if (one.facts.get_extension == nullptr) continue;
    for (const char *id : {"no.such/1", "", "assay.linalg/1 "})
      if (one.facts.get_extension(id) != nullptr)
        fail(std::string(one.facts.id) + " answers the unknown extension '" + id + "'");
  }
}

size_t entries_in(const char *folder) {
  size_t count = 0;
  std::error_code ignored;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator(folder, ignored))
    ++count;
  return count;
}

struct process_state {
  size_t threads = entries_in("/proc/self/task"), files = entries_in("/proc/self/fd");
  int rounding = std::fegetround();
  std::string locale = std::setlocale(LC_ALL, nullptr);
  std::vector<void *> handlers;
  process_state() {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action = {};
      sigaction(number, nullptr, &action);
      handlers.push_back(reinterpret_cast<void *>(action.sa_handler));
    }
  }
};

void loading_leaves_no_trace(const subject &on) {
  const process_state before;
  plug::load_plugin(on.file);
  const process_state after;
  if (after.files > before.files) fail("loading it leaves a file open");
  if (after.rounding != before.rounding)
    fail("loading it changes the floating-point rounding mode");
  if (after.locale != before.locale) fail("loading it changes the locale");
  if (after.handlers != before.handlers) fail("loading it installs a signal handler");
  // The memory allocator of a linked library may start a thread. This is allowed, but the author should know it.
  if (after.threads > before.threads)
    warn("loading it, or a library that it links, starts a thread");
}

void needs_nothing_odd(const subject &on) {
  const std::vector<std::string> warnings = plug::elf_warnings(plug::read_elf(on.file));
  if (!warnings.empty()) warn(warnings[0]);
}

}  // namespace

const std::vector<test_case> &library_cases() {
  static const std::vector<test_case> cases = {
      {"loading_leaves_no_trace", loading_leaves_no_trace},
      {"entry_is_pure", entry_is_pure},
      {"longer_host_table", longer_host_table},
      {"unknown_extension", unknown_extension},
      {"needs_nothing_odd", needs_nothing_odd},
  };
  return cases;
}

}  // namespace assay::check
