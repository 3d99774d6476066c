// The interface is frontend/component_writer.h.
#include "frontend/component_writer.h"

#include <array>

namespace wjit::component_text {
namespace {

struct SpaceWords {
  const char* words;
  uint8_t core_sort;  // second byte of a core sort
  uint8_t sort;       // 0: core
};
// Binary.md, core:sort and sort. In the order of Space.
constexpr std::array<SpaceWords, kSpaceCount> kSpaces = {{
    {"core func", 0x00, 0},
    {"core table", 0x01, 0},
    {"core memory", 0x02, 0},
    {"core global", 0x03, 0},
    {"core tag", 0x04, 0},
    {"core type", 0x10, 0},
    {"core module", 0x11, 0},
    {"core instance", 0x12, 0},
    {"func", 0, 1},
    {"value", 0, 2},
    {"type", 0, 3},
    {"component", 0, 4},
    {"instance", 0, 5},
}};

const SpaceWords& row(Space space) { return kSpaces[static_cast<size_t>(space)]; }

// The first byte of a declarator: componentdecl and instancedecl, core:moduledecl.
uint8_t declarator_code(ScopeKind kind, Section section) {
  const bool module = kind == ScopeKind::ModuleType;
  switch (section) {
    case Section::CoreType: return module ? 0x01 : 0x00;
    case Section::Type: return 0x01;
    case Section::Alias: return 0x02;
    case Section::Import: return module ? 0x00 : 0x03;
    default: return module ? 0x03 : 0x04;  // Export
  }
}

// These hold one item each, without a count.
bool is_single(Section section) {
  return section == Section::CoreModule || section == Section::Component || section == Section::Start;
}

}  // namespace

const char* words(Space space) { return row(space).words; }

std::string_view keyword(Space space) {
  const std::string_view all = row(space).words;
  return is_core(space) ? all.substr(5) : all;
}

bool is_core(Space space) { return row(space).sort == 0; }
bool is_core_export(Space space) { return space <= Space::CoreTag; }
bool is_outer_aliasable(Space space) {
  return space == Space::CoreModule || space == Space::CoreType || space == Space::Component || space == Space::Type;
}

void write_sort(Space space, Writer& out) {
  out.byte(row(space).sort);
  if (is_core(space)) out.byte(row(space).core_sort);
}

void write_core_sort(Space space, Writer& out) { out.byte(row(space).core_sort); }

std::string_view words(Section section) {
  static constexpr std::string_view kWords[] = {"custom",   "core module", "core instance", "core type", "component",
                                                "instance", "alias",       "type",          "canon",     "start",
                                                "import",   "export",      "value"};
  return kWords[static_cast<size_t>(section)];
}

void DefinitionWriter::empty_section(Section section) {
  end_section();
  out.byte(static_cast<uint8_t>(section));
  out.u32(1);
  out.byte(0);
}

void DefinitionWriter::append(Section to, const Writer& entry) {
  if (kind_ != ScopeKind::Component) {
    out.byte(declarator_code(kind_, to));
    out.bytes(entry.span());
    ++count_;
    return;
  }
  if (to != section_) end_section();
  section_ = to;
  entries_.bytes(entry.span());
  ++count_;
  if (is_single(to)) end_section();
}

void DefinitionWriter::end_section() {
  if (kind_ != ScopeKind::Component) return;
  if (count_ != 0) {
    Writer content;
    if (!is_single(section_)) content.u32(count_);
    out.byte(static_cast<uint8_t>(section_));
    out.u64(content.size() + entries_.size());
    out.bytes(content.span());
    out.bytes(entries_.span());
  }
  count_ = 0;
  entries_.clear();
  section_ = Section::Custom;
}

Writer component_names(bool has_name, std::string_view name, const SortNames (&names)[kSpaceCount]) {
  Writer content;
  if (has_name) {
    Writer entry;
    entry.name(name);
    content.section(0x00, entry);
  }
  for (size_t i = 0; i < kSpaceCount; ++i) {
    if (names[i].empty()) continue;
    Writer entries;
    write_sort(static_cast<Space>(i), entries);
    entries.u32(static_cast<uint32_t>(names[i].size()));
    for (const auto& [index, item] : names[i]) {
      entries.u32(index);
      entries.name(item);
    }
    content.section(0x01, entries);
  }
  return content;
}

}  // namespace wjit::component_text
