// What a shared library says about itself before any of its code runs: symbols, libraries it needs.
// Reads 64-bit little-endian ELF, every offset checked; not a linker.
#pragma once

#include <string>
#include <vector>

namespace assay::plug {

struct elf_facts {
  std::vector<std::string> defined;   // symbols that it exports
  std::vector<std::string> unique;    // of these, STB_GNU_UNIQUE ones: shared with other plugins
  std::vector<std::string> needed;    // DT_NEEDED
  std::vector<std::string> run_path;  // RPATH and RUNPATH, split at colons
  bool text_relocations = false;
  bool has_dynamic_table = false;
};

// Throws error(plugin) at `path` if it is no such file or damaged.
elf_facts read_elf(const std::string &path);

// Why a file with these facts may not be loaded; "" if it may. Tested word for word.
std::string why_not_loadable(const elf_facts &facts);
// What is loadable but not as it should be.
std::vector<std::string> elf_warnings(const elf_facts &facts);

}  // namespace assay::plug
