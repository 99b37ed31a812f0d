// ELF: section headers lead to the dynamic symbols and to the names of needed libraries.
#include "module_file.hpp"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "failure.hpp"

namespace trestle::conformance {
namespace {

/// The bytes of the file; every read is held against its size.
class Image {
 public:
  explicit Image(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary);
    expect(file.good(), path + ": expected a file that can be read, got none");
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    header_ = read<ElfW(Ehdr)>(0);
    const bool native = std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0 &&
                        header_.e_ident[EI_CLASS] == (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32);
    expect(native, path + ": expected an ELF module of this machine, got another file");
  }

  std::vector<ElfW(Shdr)> sections(std::uint32_t type) const {
    std::vector<ElfW(Shdr)> found;
    for (std::size_t i = 0; i < header_.e_shnum; ++i) {
      const auto section = section_at(i);
      if (section.sh_type == type) found.push_back(section);
    }
    return found;
  }

  template <class Entry>
  std::vector<Entry> entries(const ElfW(Shdr) & section) const {
    std::vector<Entry> found;
    for (std::size_t at = 0; at + sizeof(Entry) <= section.sh_size; at += sizeof(Entry)) {
      found.push_back(read<Entry>(section.sh_offset + at));
    }
    return found;
  }

  /// A name in the string table that belongs to `section`.
  std::string name(const ElfW(Shdr) & section, std::size_t at) const {
    const std::size_t start = section_at(section.sh_link).sh_offset + at;
    expect(start < bytes_.size(), path_ + ": expected a whole file, got a truncated one");
    return std::string(bytes_.data() + start,
                       ::strnlen(bytes_.data() + start, bytes_.size() - start));
  }

 private:
  template <class Entry>
  Entry read(std::size_t at) const {
    expect(at <= bytes_.size() && sizeof(Entry) <= bytes_.size() - at,
           path_ + ": expected a whole file, got a truncated one");
    Entry entry;
    std::memcpy(&entry, bytes_.data() + at, sizeof(Entry));
    return entry;
  }

  ElfW(Shdr) section_at(std::size_t number) const {
    return read<ElfW(Shdr)>(header_.e_shoff + number * sizeof(ElfW(Shdr)));
  }

  const std::string path_;
  std::vector<char> bytes_;
  ElfW(Ehdr) header_{};
};

bool is_export(const ElfW(Sym) & symbol) {
  const auto binding = symbol.st_info >> 4;
  const auto visibility = symbol.st_other & 3;
  return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS && binding != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

}  // namespace

ModuleFile read_module(const std::string& path) {
  const Image image(path);
  ModuleFile module;
  for (const auto& section : image.sections(SHT_DYNSYM)) {
    for (const auto& symbol : image.entries<ElfW(Sym)>(section)) {
      if (is_export(symbol)) module.exports.push_back(image.name(section, symbol.st_name));
    }
  }
  for (const auto& section : image.sections(SHT_DYNAMIC)) {
    for (const auto& entry : image.entries<ElfW(Dyn)>(section)) {
      if (entry.d_tag == DT_NEEDED) {
        module.needs.push_back(image.name(section, entry.d_un.d_val));
      }
    }
  }
  return module;
}

}  // namespace trestle::conformance
