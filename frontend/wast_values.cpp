// The interface is frontend/wast_values.h. Core values are those of the interpreter's script grammar; component values
// those of the component model's reference tests, where a record's field has its value without parentheses of its own:
// (record.const (field "a" u32.const 1)).
#include "frontend/wast_values.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "frontend/reader.h"
#include "frontend/text_numbers.h"
#include "frontend/text_types.h"

namespace wjit::wast {
namespace {

using Kind = Value::Kind;
constexpr int kMaxDepth = 200;

class ValueParser {
 public:
  ValueParser(Cursor& c, bool of_component) : c_(c), of_component_(of_component) {}

  Value in_parentheses() {
    Value value;
    c_.expect_open();
    if (++depth_ > kMaxDepth) c_.fail("values nested too deeply");
    body(value);
    --depth_;
    c_.expect_close();
    return value;
  }

 private:
  // From the keyword up to the closing parenthesis of whatever surrounds it.
  void body(Value& value) {
    if (!c_.at(TokenKind::Keyword)) {
      c_.unexpected("a value");
    } else if (!number(value) && !reference(value) && !component_number(value) && !aggregate(value)) {
      c_.fail(fmt::format("value {:.40}", c_.spelling()), InputFault::Unsupported);
    }
  }

  bool number(Value& value) {
    if (c_.take_keyword("i32.const")) {
      value.kind = Kind::I32;
      value.bits = parse_int(c_, 32);
    } else if (c_.take_keyword("i64.const")) {
      value.kind = Kind::I64;
      value.bits = parse_int(c_, 64);
    } else if (c_.take_keyword("f32.const")) {
      value.kind = of_component_ ? Kind::CF32 : Kind::F32;
      value.bits = float_pattern(32, value.nan);
    } else if (c_.take_keyword("f64.const")) {
      value.kind = of_component_ ? Kind::CF64 : Kind::F64;
      value.bits = float_pattern(64, value.nan);
    } else if (c_.take_keyword("v128.const")) {
      vector(value);
    } else if (c_.take_keyword("either")) {
      value.kind = Kind::Either;
      children(value);
    } else {
      return false;
    }
    return true;
  }

  uint64_t float_pattern(unsigned bits, Value::Nan& nan) {
    if (c_.take_keyword("nan:canonical")) {
      nan = Value::Nan::Canonical;
    } else if (c_.take_keyword("nan:arithmetic")) {
      nan = Value::Nan::Arithmetic;
    } else {
      return bits == 32 ? parse_f32(c_) : parse_f64(c_);
    }
    return 0;
  }

  void vector(Value& value) {
    value.kind = Kind::V128;
    value.lane_float = c_.at_keyword("f32x4") || c_.at_keyword("f64x2");
    static constexpr std::pair<std::string_view, uint8_t> shapes[] = {{"i8x16", 8},  {"i16x8", 16}, {"i32x4", 32},
                                                                      {"i64x2", 64}, {"f32x4", 32}, {"f64x2", 64}};
    for (auto [name, bits] : shapes) {
      if (c_.at_keyword(name)) value.lane_bits = bits;
    }
    uint64_t halves[2] = {};
    if (!value.lane_float) {
      auto bytes = parse_v128(c_);
      std::memcpy(halves, bytes.data(), sizeof halves);
    } else {
      c_.advance();
      unsigned lanes = 128 / value.lane_bits;
      for (unsigned i = 0; i < lanes; ++i) {
        Value::Nan nan = Value::Nan::None;
        uint64_t lane = float_pattern(value.lane_bits, nan);
        value.lane_nans.push_back(nan);
        halves[i * value.lane_bits / 64] |= lane << (i * value.lane_bits % 64);
      }
    }
    value.bits = halves[0];
    value.high = halves[1];
  }

  bool reference(Value& value) {
    static constexpr std::pair<std::string_view, Kind> refs[] = {
        {"ref.func", Kind::RefFunc},     {"ref.extern", Kind::RefExtern}, {"ref.host", Kind::RefHost},
        {"ref.any", Kind::RefAny},       {"ref.eq", Kind::RefEq},         {"ref.i31", Kind::RefI31},
        {"ref.struct", Kind::RefStruct}, {"ref.array", Kind::RefArray},   {"ref.exn", Kind::RefExn}};
    if (c_.take_keyword("ref.null")) {
      value.kind = Kind::RefNull;
      value.any = c_.at_end();
      IndexSpace none("type");
      if (!value.any) value.heap = static_cast<HeapType>(parse_heap_type(c_, none));
      return true;
    }
    for (auto [name, kind] : refs) {
      if (!c_.take_keyword(name)) continue;
      value.kind = kind;
      value.any = c_.at_end();
      if (!value.any) value.bits = parse_u32(c_);
      return true;
    }
    return false;
  }

  bool component_number(Value& value) {
    struct Number {
      std::string_view name;
      Kind kind;
      unsigned bits;
      bool is_signed;
    };
    static constexpr Number numbers[] = {{"s8.const", Kind::S8, 8, true},    {"u8.const", Kind::U8, 8, false},
                                         {"s16.const", Kind::S16, 16, true}, {"u16.const", Kind::U16, 16, false},
                                         {"s32.const", Kind::S32, 32, true}, {"u32.const", Kind::U32, 32, false},
                                         {"s64.const", Kind::S64, 64, true}, {"u64.const", Kind::U64, 64, false}};
    if (c_.take_keyword("bool.const")) {
      value.kind = Kind::Bool;
      value.bits = c_.at_keyword("true") ? 1 : 0;
      if (!c_.take_keyword("true")) c_.expect_keyword("false");
      return true;
    }
    if (c_.take_keyword("char.const")) {
      value.kind = Kind::Char;
      const Token& token = c_.peek();
      value.bits = scalar(token, c_.expect_name());
      return true;
    }
    for (const Number& number : numbers) {
      if (!c_.take_keyword(number.name)) continue;
      value.kind = number.kind;
      value.bits = number.is_signed ? static_cast<uint64_t>(parse_sint(c_, number.bits)) : parse_uint(c_, number.bits);
      return true;
    }
    return false;
  }

  // The one character of a char.const; `utf8` has been checked to be UTF-8.
  uint32_t scalar(const Token& token, const std::string& utf8) {
    uint32_t code = 0;
    const auto* bytes = reinterpret_cast<const uint8_t*>(utf8.data());
    if (utf8.empty() || decode_utf8(bytes, utf8.size(), &code) != utf8.size()) {
      c_.fail_at(token, "char.const takes one character");
    }
    return code;
  }

  bool aggregate(Value& value) {
    // What is inside of a component value is one too.
    bool outer = std::exchange(of_component_, true);
    bool known = true;
    if (c_.take_keyword("str.const")) {
      value.kind = Kind::String;
      value.text = c_.expect_name();
    } else if (c_.take_keyword("list.const")) {
      value.kind = Kind::List;
      children(value);
    } else if (c_.take_keyword("tuple.const")) {
      value.kind = Kind::Tuple;
      children(value);
    } else if (c_.take_keyword("record.const")) {
      record(value);
    } else if (c_.take_keyword("variant.const")) {
      value.kind = Kind::Variant;
      value.text = c_.expect_name();
      children(value);
    } else if (c_.take_keyword("enum.const")) {
      value.kind = Kind::Enum;
      value.text = c_.expect_name();
    } else if (c_.take_keyword("flags.const")) {
      value.kind = Kind::Flags;
      while (c_.at_string()) value.labels.push_back(c_.expect_name());
    } else if (c_.at_keyword("option.none") || c_.at_keyword("option.some")) {
      payload(value, Kind::Option, c_.at_keyword("option.some"));
    } else if (c_.at_keyword("result.ok") || c_.at_keyword("result.err")) {
      payload(value, Kind::Result, c_.at_keyword("result.err"));
    } else {
      known = false;
    }
    of_component_ = outer;
    return known;
  }

  void payload(Value& value, Kind kind, bool second_case) {
    c_.advance();
    value.kind = kind;
    value.bits = second_case ? 1 : 0;
    children(value);
  }

  void record(Value& value) {
    value.kind = Kind::Record;
    while (c_.take_open("field")) {
      value.labels.push_back(c_.expect_name());
      Value& field = value.children.emplace_back();
      if (++depth_ > kMaxDepth) c_.fail("values nested too deeply");
      if (c_.at_open()) {
        field = in_parentheses();
      } else {
        body(field);
      }
      --depth_;
      c_.expect_close();
    }
  }

  void children(Value& value) {
    while (c_.at_open()) value.children.push_back(in_parentheses());
  }

  Cursor& c_;
  bool of_component_;
  int depth_ = 0;
};

}  // namespace

Value parse_value(Cursor& c, bool of_component) { return ValueParser(c, of_component).in_parentheses(); }

}  // namespace wjit::wast
