// Annotations that mean something: names that are no ids, custom sections, encodings that the text has no words for.
// frontend/print.h lists them; the lexer has cut them out (frontend/lexer.h), and each belongs to the token behind it.
// All others are white space. Core specification 3.0, appendix "Custom Sections" (@name, @custom).
// Users: text_*.cpp. Tests: test/unit/print_test.cpp, the public suite (custom/).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "frontend/name_section.h"
#include "frontend/text_cursor.h"

namespace wjit {

// Those in front of the current token.
std::span<const Annotation> annotations_here(const Cursor& c);
// The first of them called `id`, nullptr when there is none.
const Annotation* annotation_here(const Cursor& c, std::string_view id);
bool has_annotation(const Cursor& c, std::string_view id);

// The string of `(@name "…")` in front of the current token; fails when it has none, or when there are two.
std::optional<std::string> name_annotation(Cursor& c);
// Fails when there is a (@name …) in front of the current token, where nothing has a name.
void refuse_name_annotation(Cursor& c);
// `$id? (@name "…")?`: the id is taken, the name of the annotation or else of the id is added.
std::optional<std::string_view> take_named_id(Cursor& c, NameMap& names, uint32_t index);
// The name by which a module or component calls itself: `(@own-name "…")`, `(@own-name)` for none, or else `name`.
std::optional<std::string> own_name(Cursor& c, std::optional<std::string> name);

// The number of bytes that `(@leb n)` wants for the current token; 0 when it says nothing. `most`: the longest allowed.
unsigned leb_width(Cursor& c, unsigned most);

// `(@section keyword)` in a core module: the keyword.
std::string parse_section(Cursor& c, const Annotation& annotation);

// `(@custom "name" place? "…"*)`
struct CustomText {
  std::string name;
  // (before first), (after last), or a section's keyword; nothing: without a place.
  enum class Place : uint8_t { None, First, Last, Before, After } place = Place::None;
  std::string section;
  std::string contents;
};
CustomText parse_custom(Cursor& c, const Annotation& annotation);

}  // namespace wjit
