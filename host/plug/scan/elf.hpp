// Reads from a shared library, without running its code, which symbols it exports and which libraries it needs.
// It reads 64-bit little-endian ELF (the Linux format of programs and libraries), and checks every offset.
#pragma once

#include <string>
#include <vector>

namespace assay::plug {

struct elf_facts {
  std::vector<std::string> defined;  // symbols that it exports
  // The exported symbols with the binding STB_GNU_UNIQUE: all plugins in a process would share one copy of them
  std::vector<std::string> unique;
  std::vector<std::string> needed;    // names of the libraries that it links (DT_NEEDED)
  std::vector<std::string> run_path;  // folders in which it looks for them (RPATH and RUNPATH)
  // True if its code must be changed when it is loaded, because it was compiled without -fPIC
  bool text_relocations = false;
  bool has_dynamic_table = false;
};

// Throws error(plugin) at `path` if the file is not such a library or is damaged, and error(failed) if it cannot be read.
elf_facts read_elf(const std::string &path);

// Why a file with these facts may not be loaded; "" if it may. Tests compare the texts word for word.
std::string why_not_loadable(const elf_facts &facts);
// Faults that do not prevent loading, one text for each.
std::vector<std::string> elf_warnings(const elf_facts &facts);

}  // namespace assay::plug
