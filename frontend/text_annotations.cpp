// The interface is frontend/text_annotations.h.
#include "frontend/text_annotations.h"

#include <algorithm>

#include "frontend/text_numbers.h"

namespace wjit {
namespace {

// Parses the content of an annotation with `parse(cursor)`; its failures become failures of `c` at the annotation.
template <typename Parse>
void parse_content(Cursor& c, const Annotation& annotation, Parse&& parse) {
  const TokenList list = lex(c.list().text.substr(annotation.begin, annotation.end - annotation.begin));
  Cursor inside(list);
  parse(inside);
  if (!inside.failed() && !inside.at(TokenKind::End)) inside.fail("unexpected token");
  if (!inside.failed()) return;
  Token at;
  at.offset = annotation.offset;
  c.fail_at(at, fmt::format("@{} annotation: {}", annotation.id, inside.error().message));
}

bool is_section(std::string_view keyword) {
  static constexpr std::string_view kSections[] = {"type",  "import", "func", "table", "memory",    "global", "export",
                                                   "start", "elem",   "code", "data",  "datacount", "tag"};
  return std::ranges::find(kSections, keyword) != std::end(kSections);
}

}  // namespace

std::span<const Annotation> annotations_here(const Cursor& c) {
  const auto& all = c.list().annotations;
  if (all.empty()) return {};
  const auto range = std::ranges::equal_range(all, c.position(), {}, &Annotation::before);
  return {range.begin(), range.end()};
}

const Annotation* annotation_here(const Cursor& c, std::string_view id) {
  for (const Annotation& each : annotations_here(c)) {
    if (each.id == id) return &each;
  }
  return nullptr;
}

bool has_annotation(const Cursor& c, std::string_view id) { return annotation_here(c, id) != nullptr; }

std::optional<std::string> name_annotation(Cursor& c) {
  const Annotation* found = annotation_here(c, "name");
  if (found == nullptr) return std::nullopt;
  std::string name;
  parse_content(c, *found, [&](Cursor& inside) { name = inside.expect_name(); });
  if (std::ranges::count(annotations_here(c), "name", &Annotation::id) > 1) c.fail("@name annotation: more than one");
  return name;
}

void refuse_name_annotation(Cursor& c) {
  if (has_annotation(c, "name")) c.fail("misplaced @name annotation");
}

std::optional<std::string_view> take_named_id(Cursor& c, NameMap& names, uint32_t index) {
  const auto id = c.take_id();
  if (auto name = name_annotation(c)) {
    names.emplace_back(index, std::move(*name));
  } else if (id) {
    names.emplace_back(index, *id);
  }
  return id;
}

std::optional<std::string> own_name(Cursor& c, std::optional<std::string> name) {
  const Annotation* found = annotation_here(c, "own-name");
  if (found == nullptr) return name;
  std::optional<std::string> own;
  parse_content(c, *found, [&](Cursor& inside) {
    if (!inside.at(TokenKind::End)) own = inside.expect_name();
  });
  return own;
}

unsigned leb_width(Cursor& c, unsigned most) {
  const Annotation* found = annotation_here(c, "leb");
  if (found == nullptr) return 0;
  uint64_t width = 0;
  parse_content(c, *found, [&](Cursor& inside) { width = parse_unsigned(inside, most); });
  return static_cast<unsigned>(width);
}

std::string parse_section(Cursor& c, const Annotation& annotation) {
  std::string section;
  parse_content(c, annotation, [&](Cursor& inside) {
    section = inside.at(TokenKind::Keyword) ? std::string(inside.spelling()) : "";
    if (!is_section(section)) inside.fail("malformed section kind");
    inside.advance();
  });
  return section;
}

CustomText parse_custom(Cursor& c, const Annotation& annotation) {
  CustomText custom;
  parse_content(c, annotation, [&](Cursor& inside) {
    if (!inside.at_string()) {
      inside.fail("missing section name");
      return;
    }
    custom.name = inside.expect_name();
    if (inside.at_open()) {
      inside.expect_open();
      const bool before = inside.take_keyword("before");
      if (!before && !inside.take_keyword("after")) {
        inside.fail("malformed placement");
        return;
      }
      custom.section = inside.at(TokenKind::Keyword) ? std::string(inside.spelling()) : "";
      if (custom.section == (before ? "first" : "last")) {
        custom.place = before ? CustomText::Place::First : CustomText::Place::Last;
      } else if (is_section(custom.section)) {
        custom.place = before ? CustomText::Place::Before : CustomText::Place::After;
      } else {
        inside.fail("malformed section kind");
        return;
      }
      inside.advance();
      inside.expect_close();
    }
    while (inside.at_string()) custom.contents += inside.expect_string();
  });
  return custom;
}

}  // namespace wjit
