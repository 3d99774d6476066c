// See tools/wast_value.h.
#include "tools/wast_value.h"

#include <algorithm>

#include "frontend/canonical_layout.h"

namespace wjit::tools {
namespace {

using wast::Value;
using Kind = wast::Value::Kind;

// `(ref.extern N)` and `(ref.host N)` are opaque to guests: any word that is not null will do, one for each number.
uint64_t host_reference(uint64_t number) { return (number + 1) << 4; }

// Canonical: only the quiet bit is set in the payload; arithmetic: at least that bit. The sign is free.
bool is_nan(uint64_t bits, unsigned width, Value::Nan kind) {
  const unsigned mantissa = width == 32 ? 23 : 52;
  const uint64_t exponent = (uint64_t{1} << (width - 1)) - (uint64_t{1} << mantissa);
  const uint64_t quiet = uint64_t{1} << (mantissa - 1);
  const uint64_t payload = bits & ((uint64_t{1} << mantissa) - 1);
  if ((bits & exponent) != exponent) return false;
  return kind == Value::Nan::Canonical ? payload == quiet : (payload & quiet) != 0;
}

bool same_lane(uint64_t expected, uint64_t actual, unsigned width, Value::Nan nan) {
  return nan == Value::Nan::None ? expected == actual : is_nan(actual, width, nan);
}

bool same_vector(const Value& expected, const CoreValue& actual) {
  if (!expected.lane_float) return expected.bits == actual.low && expected.high == actual.high;
  const unsigned width = expected.lane_bits;
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  for (unsigned i = 0; i < expected.lane_nans.size(); ++i) {
    const unsigned at = i * width % 64;
    const uint64_t want = i * width < 64 ? expected.bits : expected.high;
    const uint64_t have = i * width < 64 ? actual.low : actual.high;
    if (!same_lane(want >> at & mask, have >> at & mask, width, expected.lane_nans[i])) return false;
  }
  return true;
}

bool is_reference(Kind kind) { return kind >= Kind::RefNull && kind <= Kind::RefExn; }

}  // namespace

Result<> append_argument(const Value& value, std::vector<uint64_t>& words) {
  switch (value.kind) {
    case Kind::I32:
    case Kind::I64:
    case Kind::F32:
    case Kind::F64: words.push_back(value.bits); return {};
    case Kind::V128:
      words.push_back(value.bits);
      words.push_back(value.high);
      return {};
    case Kind::RefNull: words.push_back(0); return {};
    case Kind::RefExtern:
    case Kind::RefHost: words.push_back(host_reference(value.bits)); return {};
    default: return fail("{} cannot be an argument of a core function", to_string(value));
  }
}

bool matches(const Value& expected, const CoreValue& actual) {
  switch (expected.kind) {
    case Kind::Either:
      return std::any_of(expected.children.begin(), expected.children.end(),
                         [&](const Value& v) { return matches(v, actual); });
    case Kind::I32: return actual.type.kind == ValKind::I32 && expected.bits == actual.low;
    case Kind::I64: return actual.type.kind == ValKind::I64 && expected.bits == actual.low;
    case Kind::F32: return actual.type.kind == ValKind::F32 && same_lane(expected.bits, actual.low, 32, expected.nan);
    case Kind::F64: return actual.type.kind == ValKind::F64 && same_lane(expected.bits, actual.low, 64, expected.nan);
    case Kind::V128: return actual.type.kind == ValKind::V128 && same_vector(expected, actual);
    case Kind::RefNull: return actual.type.is_ref() && actual.low == 0;
    case Kind::RefExtern:
    case Kind::RefHost:
      return actual.type.is_ref() && (expected.any ? actual.low != 0 : actual.low == host_reference(expected.bits));
    // The static type tells the kind, as far as there are no values of other kinds behind it.
    case Kind::RefFunc:
      return actual.type.is_ref() && (actual.type.heap >= 0 || actual.type.heap == heap::Func) && actual.low != 0;
    case Kind::RefAny: return actual.type.is_ref() && actual.type.heap == heap::Any && actual.low != 0;
    default: return false;
  }
}

Result<ComponentValue> to_component_value(const ComponentTypes& types, TypeId type, const Value& value) {
  const ComponentTypeDef& def = types[type];
  ComponentValue out;
  out.kind = def.kind;
  auto mismatch = [&] { return fail("{} is no value of type {}", to_string(value), to_string(types, type)); };
  auto add_child = [&](TypeId child_type, const Value& child) -> Result<> {
    auto converted = to_component_value(types, child_type, child);
    if (!converted) return std::unexpected(converted.error());
    out.children.push_back(std::move(*converted));
    return {};
  };
  auto number = [&](Kind kind) -> Result<ComponentValue> {
    if (value.kind != kind) return mismatch();
    out.bits = value.bits;
    return out;
  };
  switch (def.kind) {
    case TypeKind::Bool: return number(Kind::Bool);
    case TypeKind::S8: return number(Kind::S8);
    case TypeKind::U8: return number(Kind::U8);
    case TypeKind::S16: return number(Kind::S16);
    case TypeKind::U16: return number(Kind::U16);
    case TypeKind::S32: return number(Kind::S32);
    case TypeKind::U32: return number(Kind::U32);
    case TypeKind::S64: return number(Kind::S64);
    case TypeKind::U64: return number(Kind::U64);
    case TypeKind::F32: return number(value.kind == Kind::F32 ? Kind::F32 : Kind::CF32);
    case TypeKind::F64: return number(value.kind == Kind::F64 ? Kind::F64 : Kind::CF64);
    case TypeKind::Char: return number(Kind::Char);
    case TypeKind::String:
      if (value.kind != Kind::String) return mismatch();
      out.text = value.text;
      return out;
    case TypeKind::List:
    case TypeKind::FixedList:
    case TypeKind::Map:
      if (value.kind != Kind::List) return mismatch();
      for (const Value& child : value.children) {
        TypeId element = def.kind == TypeKind::Map ? def.entry : def.element;
        if (auto added = add_child(element, child); !added) return std::unexpected(added.error());
      }
      return out;
    case TypeKind::Tuple:
    case TypeKind::Record:
      if (value.kind != (def.kind == TypeKind::Tuple ? Kind::Tuple : Kind::Record)) return mismatch();
      if (value.children.size() != def.parts.size()) return mismatch();
      for (size_t i = 0; i < def.parts.size(); ++i) {
        if (def.kind == TypeKind::Record && value.labels[i] != def.parts[i].name) return mismatch();
        if (auto added = add_child(def.parts[i].type, value.children[i]); !added) return std::unexpected(added.error());
      }
      return out;
    case TypeKind::Flags:
      if (value.kind != Kind::Flags) return mismatch();
      for (const std::string& label : value.labels) {
        auto part =
            std::find_if(def.parts.begin(), def.parts.end(), [&](const NamedType& p) { return p.name == label; });
        if (part == def.parts.end()) return mismatch();
        out.bits |= uint64_t{1} << (part - def.parts.begin());
      }
      return out;
    case TypeKind::Variant:
    case TypeKind::Enum: {
      if (value.kind != (def.kind == TypeKind::Variant ? Kind::Variant : Kind::Enum)) return mismatch();
      auto part =
          std::find_if(def.parts.begin(), def.parts.end(), [&](const NamedType& p) { return p.name == value.text; });
      if (part == def.parts.end()) return mismatch();
      out.bits = static_cast<uint64_t>(part - def.parts.begin());
      break;
    }
    case TypeKind::Option:
    case TypeKind::Result:
      if (value.kind != (def.kind == TypeKind::Option ? Kind::Option : Kind::Result)) return mismatch();
      out.bits = value.bits;
      break;
    default: return mismatch();
  }
  // Variant-likes: the payload of the case.
  const TypeId payload = case_type(def, static_cast<uint32_t>(out.bits));
  if (value.children.size() != (payload == kNoType ? 0u : 1u)) return mismatch();
  if (payload != kNoType) {
    if (auto added = add_child(payload, value.children[0]); !added) return std::unexpected(added.error());
  }
  return out;
}

bool matches(const ComponentTypes& types, TypeId type, const Value& expected, const ComponentValue& actual) {
  if (expected.kind == Kind::Either) {
    return std::any_of(expected.children.begin(), expected.children.end(),
                       [&](const Value& v) { return matches(types, type, v, actual); });
  }
  const ComponentTypeDef& def = types[type];
  auto wanted = to_component_value(types, type, expected);
  if (!wanted) return false;
  if (def.kind == TypeKind::F32) return same_lane(wanted->bits, actual.bits, 32, expected.nan);
  if (def.kind == TypeKind::F64) return same_lane(wanted->bits, actual.bits, 64, expected.nan);
  // Signed numbers come back from memory without their upper bits.
  const uint64_t mask = def.kind == TypeKind::S8    ? 0xFF
                        : def.kind == TypeKind::S16 ? 0xFFFF
                        : def.kind == TypeKind::S32 ? 0xFFFFFFFF
                                                    : ~uint64_t{0};
  if ((wanted->bits & mask) != (actual.bits & mask) || wanted->text != actual.text) return false;
  if (wanted->children.size() != actual.children.size()) return false;
  for (size_t i = 0; i < actual.children.size(); ++i) {
    TypeId child = kNoType;
    switch (def.kind) {
      case TypeKind::Record:
      case TypeKind::Tuple: child = def.parts[i].type; break;
      case TypeKind::Map: child = def.entry; break;
      case TypeKind::List:
      case TypeKind::FixedList: child = def.element; break;
      default: child = case_type(def, static_cast<uint32_t>(actual.bits)); break;
    }
    if (!matches(types, child, expected.children[i], actual.children[i])) return false;
  }
  return true;
}

std::string to_string(const CoreValue& value) {
  if (value.type.kind == ValKind::V128) return fmt::format("v128 {:#018x} {:#018x}", value.low, value.high);
  return fmt::format("{} {:#x}", wjit::to_string(value.type), value.low);
}

std::string to_string(const Value& value) {
  static constexpr const char* names[] = {
      "i32",      "i64",     "f32",    "f64",     "v128",       "ref.null",  "ref.func", "ref.extern",
      "ref.host", "ref.any", "ref.eq", "ref.i31", "ref.struct", "ref.array", "ref.exn",  "bool",
      "s8",       "u8",      "s16",    "u16",     "s32",        "u32",       "s64",      "u64",
      "f32",      "f64",     "char",   "str",     "list",       "record",    "tuple",    "variant",
      "enum",     "option",  "result", "flags",   "either"};
  std::string text = names[static_cast<size_t>(value.kind)];
  if (value.nan != Value::Nan::None)
    return text + (value.nan == Value::Nan::Canonical ? " nan:canonical" : " nan:arithmetic");
  if (value.kind == Kind::V128) return fmt::format("v128 {:#018x} {:#018x}", value.bits, value.high);
  if (value.kind < Kind::Char && !(is_reference(value.kind) && value.any)) text += fmt::format(" {:#x}", value.bits);
  if (value.kind == Kind::Char) text += fmt::format(" {:#x}", value.bits);
  if (!value.text.empty()) text += fmt::format(" \"{}\"", value.text);
  for (const std::string& label : value.labels) text += " " + label;
  for (const Value& child : value.children) text += " (" + to_string(child) + ")";
  return text;
}

}  // namespace wjit::tools
