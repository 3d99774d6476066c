// The name section of core modules as data: which index has which name, with the subsections of the
// extended-name-section proposal. The assembler fills and encodes it, the printer decodes it, and knows by encoding it
// again whether the text will give the same bytes. Core specification 3.0, appendix "Custom Sections". Test:
// test/unit/print_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/binary_writer.h"

namespace wjit {

// In the order of indices.
using NameMap = std::vector<std::pair<uint32_t, std::string>>;
using IndirectNameMap = std::vector<std::pair<uint32_t, NameMap>>;

struct ModuleNames {
  std::optional<std::string> module;
  NameMap funcs, types, tables, memories, globals, elems, datas, tags;
  IndirectNameMap locals, labels, fields;  // by function, function, type

  // All names but the module's, for a count.
  size_t size() const;
  // The section's contents (without its name): a subsection for each map that has entries, in the order of their ids.
  // Empty when there are no names at all.
  Writer encode() const;
};

// Nothing when the contents are malformed or have a subsection that ModuleNames does not know.
std::optional<ModuleNames> decode_names(std::span<const uint8_t> contents);

}  // namespace wjit
