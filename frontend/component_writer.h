// Writing the binary format of components: the index spaces (sorts) and their encodings, and DefinitionWriter, which
// puts definitions into sections or, inside a component or instance type, into declarators. Shared by the text
// assembler (frontend/text_component_impl.h) and by what makes components itself (frontend/component_encoder.h); the
// printer reads the same tables (frontend/print_component.h).
// Binary.md, "Component Definitions". Test: test/unit/text_component_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/binary_writer.h"

namespace wjit::component_text {

// The index spaces of a component, one for each sort.
enum class Space : uint8_t {
  CoreFunc,
  CoreTable,
  CoreMemory,
  CoreGlobal,
  CoreTag,
  CoreType,
  CoreModule,
  CoreInstance,
  Func,
  Value,
  Type,
  Component,
  Instance,
};
constexpr size_t kSpaceCount = 13;

// "core func", …
const char* words(Space space);
// The last of these words: what stands behind `(` or `(core`.
std::string_view keyword(Space space);
bool is_core(Space space);
// Exports of core instances: what `alias core export` can name. Core modules are exports of component instances.
bool is_core_export(Space space);
bool is_outer_aliasable(Space space);
void write_sort(Space space, Writer& out);
// Only the second byte of a core sort.
void write_core_sort(Space space, Writer& out);

// Section ids of the binary format; in types they say what kind of declarator an entry is.
enum class Section : uint8_t {
  Custom,
  CoreModule,
  CoreInstance,
  CoreType,
  Component,
  Instance,
  Alias,
  Type,
  Canon,
  Start,
  Import,
  Export,
  Value,
};

// "core module", "import", …: what (@section …) calls a section that is there and empty.
std::string_view words(Section section);

// What has its own index spaces; outer aliases count these outwards.
enum class ScopeKind : uint8_t { Component, ComponentType, InstanceType, ModuleType };

constexpr uint8_t kComponentPreamble[] = {0x00, 'a', 's', 'm', 0x0D, 0x00, 0x01, 0x00};

// The definitions of one scope in their order. For a component: sections, without the preamble; for the types:
// declarators, without their count.
class DefinitionWriter {
 public:
  explicit DefinitionWriter(ScopeKind kind) : kind_(kind) {}

  // Appends a definition: to a section (consecutive ones of a kind share it), or as a declarator of a type.
  void append(Section section, const Writer& entry);
  // Ends the section that append() has open; the next definition begins a new one.
  void end_section();
  void empty_section(Section section);

  // Finished sections, or declarators.
  Writer out;
  // Entries of the open section; declarators so far.
  uint32_t count() const { return count_; }

 private:
  ScopeKind kind_;
  uint32_t count_ = 0;
  Section section_ = Section::Custom;  // the open one
  Writer entries_;
};

// Indices and their names, for each sort.
using SortNames = std::vector<std::pair<uint32_t, std::string>>;

// The contents of the custom section "component-name": the component's name ("" for none) and a name map for each sort
// that has any; indices ascend. Empty when there are no names.
Writer component_names(bool has_name, std::string_view name, const SortNames (&names)[kSpaceCount]);

}  // namespace wjit::component_text
