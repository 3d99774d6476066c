// Values and the start function. A value's type says how its literal is encoded; compound types are known to the
// validator only, so of those values only the form `(binary "…")` is there. Interface: frontend/text_component_impl.h.
// Explainer.md, "Value Definitions", "Start Definitions". Test: test/unit/text_component_test.cpp.
#include "frontend/text_component_impl.h"
#include "frontend/text_numbers.h"

namespace wjit::component_text {

// Behind `(start`: `$f (value $v)* (result (value $id?))*`.
void Assembler::start() {
  Writer out;
  out.u32(ref(Space::Func));
  uint32_t count = 0;
  Writer arguments;
  for (; c_.at_open("value"); ++count) arguments.u32(ref(Space::Value));
  out.u32(count);
  out.bytes(arguments.span());
  std::vector<NewId> results;
  while (c_.take_open("result")) {
    take_space(Space::Value);
    results.push_back(take_new_id(Space::Value));
    c_.expect_close();
    c_.expect_close();
  }
  out.u32(static_cast<uint32_t>(results.size()));
  scope_->definitions.append(Section::Start, out);
  for (const NewId& id : results) define(Space::Value, id);
}

// Behind `(value`: `$id? valtype val`.
void Assembler::value() {
  const NewId id = take_new_id(Space::Value);
  const std::vector<Writer> exports = inline_exports();
  uint32_t index = 0;
  if (!inline_import(Space::Value, id, index) && !inverted_alias(Space::Value, id, index)) {
    const std::string_view primitive = c_.at(TokenKind::Keyword) ? c_.spelling() : "";
    Writer out;
    val_type(out);
    Writer contents;
    if (c_.take_open("binary")) {
      while (c_.at_string()) contents.bytes(c_.expect_string());
      c_.expect_close();
    } else {
      literal(primitive, contents);
    }
    out.u32(static_cast<uint32_t>(contents.size()));
    out.bytes(contents.span());
    index = define(Section::Value, out, Space::Value, id);
  }
  export_all(exports, Space::Value, index);
}

void Assembler::literal(std::string_view primitive, Writer& out) {
  struct Integer {
    std::string_view name;
    bool is_signed;
    unsigned bits;
  };
  static constexpr Integer kIntegers[] = {{"u8", false, 8},   {"s8", true, 8},   {"u16", false, 16}, {"s16", true, 16},
                                          {"u32", false, 32}, {"s32", true, 32}, {"u64", false, 64}, {"s64", true, 64}};
  for (const Integer& type : kIntegers) {
    if (type.name != primitive) continue;
    if (type.bits == 8) return out.byte(static_cast<uint8_t>(type.is_signed ? parse_sint(c_, 8) : parse_uint(c_, 8)));
    return type.is_signed ? out.s64(parse_sint(c_, type.bits)) : out.u64(parse_uint(c_, type.bits));
  }
  if (primitive == "f32") return out.fixed32(parse_f32(c_));
  if (primitive == "f64") return out.fixed64(parse_f64(c_));
  if (primitive == "string") return out.name(c_.expect_name());
  if (primitive == "bool") {
    const bool is_true = c_.take_keyword("true");
    if (!is_true) c_.expect_keyword("false");
    return out.byte(is_true ? 1 : 0);
  }
  c_.fail("values of this type, other than (binary \"...\"), are not supported", InputFault::Unsupported);
}

}  // namespace wjit::component_text
