// Reads the sections .dynsym (symbols) and .dynamic (libraries, search paths) of an ELF file, and judges what it found. The format
// is that of the "ELF-64 Object File Format", with the GNU extensions.
#include "plug/scan/elf.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/error.hpp"
#include "core/file.hpp"

namespace assay::plug {
namespace {

constexpr const char *k_entry = "assay_plugin_v1";
constexpr std::string_view k_entry_stem = "assay_plugin_v";
constexpr unsigned k_unique_binding = 10;  // STB_GNU_UNIQUE; not every elf.h has this name

class reader {
 public:
  reader(std::string bytes, const std::string &path) : bytes_(std::move(bytes)), path_(path) {}

  elf_facts facts() {
    const auto header = at<Elf64_Ehdr>(0, "header");
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
      refuse("not a shared library: no ELF magic");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
      refuse("not a 64-bit little-endian library");
    if (header.e_type != ET_DYN)
      refuse("not a shared library: ELF type " + std::to_string(header.e_type));
    if (header.e_shentsize != sizeof(Elf64_Shdr)) refuse("damaged: no section headers");
    elf_facts out;
    for (uint64_t i = 0; i < header.e_shnum; ++i) {
      const auto section =
          at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr), "section header");
      if (section.sh_type != SHT_DYNSYM && section.sh_type != SHT_DYNAMIC) continue;
      const auto strings = at<Elf64_Shdr>(
          header.e_shoff + uint64_t{section.sh_link} * sizeof(Elf64_Shdr), "string table");
      if (section.sh_type == SHT_DYNSYM) read_symbols(section, strings, out);
      if (section.sh_type == SHT_DYNAMIC) read_dynamic(section, strings, out);
    }
    return out;
  }

 private:
  [[noreturn]] void refuse(const std::string &message) const {
    throw error(error_kind::plugin, message).at(path_);
  }

  template <class T>
  T at(uint64_t offset, const char *what) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T))
      refuse(std::string("damaged: ") + what + " lies outside the file");
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::string text(const Elf64_Shdr &strings, uint64_t index) const {
    if (index >= strings.sh_size || strings.sh_offset > bytes_.size() ||
        strings.sh_size > bytes_.size() - strings.sh_offset)
      refuse("damaged: a name lies outside its string table");
    const std::string_view table(bytes_.data() + strings.sh_offset, strings.sh_size);
    const size_t end = table.find('\0', index);
    return std::string(table.substr(index, end == table.npos ? table.npos : end - index));
  }

  void read_symbols(const Elf64_Shdr &section, const Elf64_Shdr &strings, elf_facts &out) const {
    for (uint64_t i = 1; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = at<Elf64_Sym>(section.sh_offset + i * sizeof(Elf64_Sym), "symbol table");
      const unsigned binding = ELF64_ST_BIND(symbol.st_info);
      if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL) continue;
      const std::string name = text(strings, symbol.st_name);
      out.defined.push_back(name);
      if (binding == k_unique_binding) out.unique.push_back(name);
    }
  }

  void read_dynamic(const Elf64_Shdr &section, const Elf64_Shdr &strings, elf_facts &out) const {
    out.has_dynamic_table = true;
    for (uint64_t i = 0; i < section.sh_size / sizeof(Elf64_Dyn); ++i) {
      const auto entry = at<Elf64_Dyn>(section.sh_offset + i * sizeof(Elf64_Dyn), "dynamic table");
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_NEEDED) out.needed.push_back(text(strings, entry.d_un.d_val));
      if (entry.d_tag == DT_TEXTREL) out.text_relocations = true;
      if (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL) != 0)
        out.text_relocations = true;
      if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH)
        split(text(strings, entry.d_un.d_val), out.run_path);
    }
  }

  static void split(const std::string &list, std::vector<std::string> &out) {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(':', begin), list.size());
      if (end > begin) out.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  std::string bytes_;
  const std::string &path_;
};

std::string first_few(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 3; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
}

}  // namespace

elf_facts read_elf(const std::string &path) {
  constexpr uint64_t k_longest_library = uint64_t{2} << 30;  // bytes
  return reader(read_file(path, k_longest_library), path).facts();
}

std::string why_not_loadable(const elf_facts &facts) {
  std::vector<std::string> others;
  bool has_entry = false;
  for (const std::string &name : facts.defined) {
    if (name == k_entry)
      has_entry = true;
    else
      others.push_back(name);
  }
  if (!has_entry) {
    for (const std::string &name : others)
      if (name.starts_with(k_entry_stem))
        return "built for assay ABI " + name.substr(k_entry_stem.size()) +
               ", this host speaks ABI 1: rebuild it with plugin_api from this release";
    return "exports no assay_plugin_v1: not a plugin, or built with the entry hidden "
           "(ASSAY_EXPORT)";
  }
  if (!facts.unique.empty())
    return "exports the unique symbol " + first_few(facts.unique) +
           ", which all plugins would share: link with plugin_api/assay.map and "
           "-fvisibility=hidden";
  if (!others.empty())
    return "exports " + first_few(others) +
           " beside assay_plugin_v1: link with plugin_api/assay.map and -fvisibility=hidden";
  if (facts.text_relocations) return "has text relocations: compile with -fPIC";
  return "";
}

std::vector<std::string> elf_warnings(const elf_facts &facts) {
  std::vector<std::string> out;
  for (const std::string &library : facts.needed)
    if (library.starts_with("libgomp") || library.starts_with("libiomp") ||
        library.starts_with("libomp"))
      out.push_back("links " + library + ": a second OpenMP runtime; use host->parallel_for");
  for (const std::string &path : facts.run_path)
    if (!path.starts_with("$ORIGIN"))
      out.push_back("searches libraries in " + path +
                    ": only paths below $ORIGIN move with the plugin");
  return out;
}

}  // namespace assay::plug
