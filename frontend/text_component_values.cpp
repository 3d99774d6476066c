// Values and the start function. A value's type says how its literal is encoded; compound types are known to the
// validator only, so a component with such literals is assembled twice. Interface: frontend/text_component_impl.h.
// Explainer.md, "Value Definitions", "Start Definitions". Test: test/unit/text_component_test.cpp.
#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/component_values.h"
#include "frontend/text_component_impl.h"
#include "frontend/text_numbers.h"

namespace wjit::component_text {

namespace {

class LiteralEncoder {
 public:
  LiteralEncoder(Cursor& c, const ComponentTypes& types) : c_(c), types_(types) {}

  // The literal at the cursor, a value of `type`.
  void encode(TypeId type, Writer& out) {
    const ComponentTypeDef& def = types_[type];
    switch (def.kind) {
      case TypeKind::Bool: {
        const bool is_true = c_.take_keyword("true");
        if (!is_true && !c_.take_keyword("false")) return mismatch(type);
        return out.byte(is_true ? 1 : 0);
      }
      case TypeKind::S8: return number(type, [&] { out.byte(static_cast<uint8_t>(parse_sint(c_, 8))); });
      case TypeKind::U8: return number(type, [&] { out.byte(static_cast<uint8_t>(parse_uint(c_, 8))); });
      case TypeKind::S16: return number(type, [&] { out.s64(parse_sint(c_, 16)); });
      case TypeKind::U16: return number(type, [&] { out.u64(parse_uint(c_, 16)); });
      case TypeKind::S32: return number(type, [&] { out.s64(parse_sint(c_, 32)); });
      case TypeKind::U32: return number(type, [&] { out.u64(parse_uint(c_, 32)); });
      case TypeKind::S64: return number(type, [&] { out.s64(parse_sint(c_, 64)); });
      case TypeKind::U64: return number(type, [&] { out.u64(parse_uint(c_, 64)); });
      case TypeKind::F32: return number(type, [&] { out.fixed32(parse_f32(c_)); });
      case TypeKind::F64: return number(type, [&] { out.fixed64(parse_f64(c_)); });
      case TypeKind::Char: {
        if (!c_.at(TokenKind::Char)) return mismatch(type);
        for (char byte : c_.list().string_value(c_.peek())) out.byte(static_cast<uint8_t>(byte));
        return c_.advance();
      }
      case TypeKind::String: return c_.at_string() ? out.name(c_.expect_name()) : mismatch(type);
      case TypeKind::Record:
      case TypeKind::Tuple: {
        if (!open(def.kind == TypeKind::Record ? "record" : "tuple", type)) return;
        for (const NamedType& part : def.parts) encode(part.type, out);
        return close(type);
      }
      case TypeKind::List:
      case TypeKind::Map: {
        if (!open("list", type)) return;
        Writer elements;
        uint32_t count = 0;
        for (; !c_.at_end(); ++count) encode(def.kind == TypeKind::Map ? def.entry : def.element, elements);
        out.u32(count);
        out.bytes(elements.span());
        return close(type);
      }
      case TypeKind::FixedList: {
        if (!open("list", type)) return;
        for (uint32_t i = 0; i < def.length && !c_.failed(); ++i) encode(def.element, out);
        return close(type);
      }
      case TypeKind::Flags: {
        if (!open("flags", type)) return;
        std::vector<uint8_t> set((def.parts.size() + 7) / 8);
        while (c_.at_string()) {
          if (const auto index = label(def, type)) set[*index / 8] |= static_cast<uint8_t>(1U << *index % 8);
        }
        out.bytes(set);
        return close(type);
      }
      case TypeKind::Enum: {
        if (!open("enum", type)) return;
        if (const auto index = label(def, type)) out.u32(*index);
        return close(type);
      }
      case TypeKind::Variant: {
        if (!open("variant", type)) return;
        if (const auto index = label(def, type)) {
          out.u32(*index);
          if (def.parts[*index].type != kNoType) encode(def.parts[*index].type, out);
        }
        return close(type);
      }
      case TypeKind::Option: return keyword_case(type, "none", "some", out);
      case TypeKind::Result: return keyword_case(type, "ok", "error", out);
      default: c_.fail(fmt::format("there are no values of type {}", to_string(types_, type)), InputFault::Invalid);
    }
  }

 private:
  void mismatch(TypeId type) {
    if (c_.at(TokenKind::Reserved)) return void(c_.unexpected());
    c_.fail(fmt::format("expected a value of type {}", to_string(types_, type)), InputFault::Invalid);
  }
  template <typename Parse>
  void number(TypeId type, Parse&& parse) {
    const bool is_float = types_[type].kind == TypeKind::F32 || types_[type].kind == TypeKind::F64;
    // NaN has one form.
    const bool is_nan = c_.at(TokenKind::Keyword) && c_.at_keyword("nan");
    const bool is_infinity = c_.at_keyword("inf");
    const bool is_signed_nan = c_.at(TokenKind::Number) && c_.spelling().contains("nan");
    if (is_signed_nan || !(c_.at(TokenKind::Number) || (is_float && (is_nan || is_infinity)))) return mismatch(type);
    parse();
  }
  // `(keyword`, where the type wants it.
  bool open(std::string_view keyword, TypeId type) {
    if (c_.take_open(keyword)) return true;
    mismatch(type);
    return false;
  }
  void close(TypeId type) {
    if (!c_.take(TokenKind::Close)) mismatch(type);
  }
  std::optional<uint32_t> label(const ComponentTypeDef& def, TypeId type) {
    if (!c_.at_string()) return mismatch(type), std::nullopt;
    const Token& at = c_.peek();
    const std::string name = c_.expect_name();
    for (uint32_t i = 0; i < def.parts.size(); ++i) {
      if (def.parts[i].name == name) return i;
    }
    c_.fail_at(at, fmt::format("type {} has no `{}`", to_string(types_, type), name), InputFault::Invalid);
    return std::nullopt;
  }
  // Option and Result: a word, in parentheses if the case has a payload.
  void keyword_case(TypeId type, std::string_view first, std::string_view second, Writer& out) {
    for (uint32_t i = 0; i < 2; ++i) {
      const std::string_view word = i == 0 ? first : second;
      const TypeId payload = case_type(types_[type], i);
      if (!(payload == kNoType ? c_.take_keyword(word) : c_.take_open(word))) continue;
      out.byte(static_cast<uint8_t>(i));
      if (payload == kNoType) return;
      encode(payload, out);
      return close(type);
    }
    mismatch(type);
  }

  Cursor& c_;
  const ComponentTypes& types_;
};

}  // namespace

void Literals::take(Cursor& c, Writer& out) {
  if (!encoded_) {
    out.u32(kLiteralToCome);
    out.u32(static_cast<uint32_t>(literals_.size()));
    literals_.push_back({c, std::nullopt});
  } else {
    const Writer& bytes = *literals_[next_++].bytes;
    out.u32(static_cast<uint32_t>(bytes.size()));
    out.bytes(bytes.span());
  }
  c.skip_form();
}

std::optional<InputError> Literals::encode(Bytes component) {
  std::optional<InputError> error;
  const auto decoded = decode_component(std::make_shared<const Bytes>(std::move(component)),
                                        [&](uint32_t number, const ComponentTypes& types, TypeId type) {
                                          if (number >= literals_.size() || error) return;
                                          Literal& literal = literals_[number];
                                          LiteralEncoder(literal.at, types).encode(type, literal.bytes.emplace());
                                          if (literal.at.failed()) error = literal.at.error();
                                        });
  if (error) return error;
  for (const Literal& literal : literals_) {
    if (literal.bytes) continue;
    CHECK(!decoded);  // it has not come so far
    return decoded.error();
  }
  encoded_ = true;
  return std::nullopt;
}

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
    Writer out;
    val_type(out);
    if (c_.take_open("binary")) {
      Writer contents;
      while (c_.at_string()) contents.bytes(c_.expect_string());
      c_.expect_close();
      out.u32(static_cast<uint32_t>(contents.size()));
      out.bytes(contents.span());
    } else {
      literals_.take(c_, out);
    }
    index = define(Section::Value, out, Space::Value, id);
  }
  export_all(exports, Space::Value, index);
}

}  // namespace wjit::component_text
