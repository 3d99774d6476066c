// The interface is frontend/name_section.h.
#include "frontend/name_section.h"

#include "frontend/reader.h"

namespace wjit {
namespace {

constexpr uint8_t kModule = 0;

// Subsections by id; one of the two members is set.
struct Row {
  uint8_t id;
  NameMap ModuleNames::* names;
  IndirectNameMap ModuleNames::* indirect;
};
constexpr Row kRows[] = {
    {1, &ModuleNames::funcs, nullptr},   {2, nullptr, &ModuleNames::locals}, {3, nullptr, &ModuleNames::labels},
    {4, &ModuleNames::types, nullptr},   {5, &ModuleNames::tables, nullptr}, {6, &ModuleNames::memories, nullptr},
    {7, &ModuleNames::globals, nullptr}, {8, &ModuleNames::elems, nullptr},  {9, &ModuleNames::datas, nullptr},
    {10, nullptr, &ModuleNames::fields}, {11, &ModuleNames::tags, nullptr},
};

void write_names(const NameMap& names, Writer& out) {
  out.u32(static_cast<uint32_t>(names.size()));
  for (const auto& [index, name] : names) {
    out.u32(index);
    out.name(name);
  }
}

NameMap read_names(Reader& in) {
  NameMap names;
  const uint32_t count = in.count(UINT32_MAX, "names");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const uint32_t index = in.u32();
    const std::string_view name = in.name();
    if (!names.empty() && index <= names.back().first) in.malformed("names out of order");
    names.emplace_back(index, name);
  }
  return names;
}

}  // namespace

size_t ModuleNames::size() const {
  size_t count = 0;
  for (const Row& row : kRows) {
    if (row.names != nullptr) count += (this->*row.names).size();
    if (row.indirect == nullptr) continue;
    for (const auto& [index, names] : this->*row.indirect) count += names.size();
  }
  return count;
}

Writer ModuleNames::encode() const {
  Writer out;
  if (module) {
    Writer name;
    name.name(*module);
    out.section(kModule, name);
  }
  for (const Row& row : kRows) {
    Writer content;
    if (row.names != nullptr) {
      if ((this->*row.names).empty()) continue;
      write_names(this->*row.names, content);
    } else {
      const IndirectNameMap& all = this->*row.indirect;
      if (all.empty()) continue;
      content.u32(static_cast<uint32_t>(all.size()));
      for (const auto& [index, names] : all) {
        content.u32(index);
        write_names(names, content);
      }
    }
    out.section(row.id, content);
  }
  return out;
}

std::optional<ModuleNames> decode_names(std::span<const uint8_t> contents) {
  ModuleNames out;
  ErrorSink sink;
  Reader in(contents, {0, static_cast<uint32_t>(contents.size())}, sink);
  while (in.ok() && !in.at_end()) {
    const uint8_t id = in.byte();
    Reader part = in.sub(in.u32());
    if (!in.ok()) break;
    if (id == kModule) {
      out.module = std::string(part.name());
    } else {
      const Row* row = nullptr;
      for (const Row& each : kRows) {
        if (each.id == id) row = &each;
      }
      if (row == nullptr) return std::nullopt;
      if (row->names != nullptr) {
        out.*row->names = read_names(part);
      } else {
        IndirectNameMap& all = out.*row->indirect;
        const uint32_t count = part.count(UINT32_MAX, "names");
        for (uint32_t i = 0; i < count && in.ok(); ++i) {
          const uint32_t index = part.u32();
          if (!all.empty() && index <= all.back().first) part.malformed("names out of order");
          all.emplace_back(index, read_names(part));
        }
      }
    }
    part.expect_end();
  }
  if (!sink.ok()) return std::nullopt;
  return out;
}

}  // namespace wjit
