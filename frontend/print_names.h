// What all printers share: quoted strings, ids that are unique in their index space, lines with indentation. Internal
// to frontend/print*.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/name_section.h"
#include "frontend/print.h"

namespace wjit::print {

// "…" with escapes. `bytes` that are UTF-8 and known to be a name stay readable; of other data, only ASCII does.
std::string quote_name(std::string_view name);
std::string quote_data(std::span<const uint8_t> bytes);

// The ids of one index space, made from its names; `what` is put into the ids that have to be made up.
class Ids {
 public:
  Ids() = default;
  // Names of indices from `count` on are ignored.
  Ids(const NameMap& names, std::string_view what, uint32_t count = UINT32_MAX);

  // `$x`, or the number.
  std::string ref(uint32_t index) const;
  // `$x` or `$"#func3 x" (@name "x")`, with a space behind; "" where there is none.
  std::string definition(uint32_t index) const;
  // Only `$x`; "" where there is none.
  std::string_view id(uint32_t index) const;

  size_t size() const { return ids_.size(); }

 private:
  struct Id {
    uint32_t index;
    std::string text;
    std::string annotation;
  };
  const Id* find(uint32_t index) const;
  std::vector<Id> ids_;
};

// `$x (;3;)`: what stands behind the keyword of a definition.
std::string definition_head(const Ids& ids, uint32_t index);

// `(@custom "name" place "…")`; `place` is "" or "(after code)".
std::string custom_annotation(std::string_view name, std::string_view place, std::span<const uint8_t> contents);

// Text that grows by lines.
class Lines {
 public:
  explicit Lines(std::string& out) : out_(out) {}
  void line(std::string_view text) {
    out_.append(2 * std::min(depth_, kDeepest), ' ');
    out_ += text;
    out_ += '\n';
  }
  // `text` opens a form that close() ends, on a line of its own.
  void open(std::string_view text) {
    line(text);
    ++depth_;
  }
  void close() {
    --depth_;
    line(")");
  }
  void indent() { ++depth_; }
  void dedent() { --depth_; }

 private:
  // A deeper line would be mostly space: half of the text of a large program.
  static constexpr size_t kDeepest = 40;
  std::string& out_;
  size_t depth_ = 0;
};

}  // namespace wjit::print
