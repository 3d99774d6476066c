// See component_values.h.
#include "frontend/component_values.h"

#include "base/utf8.h"
#include "frontend/canonical_layout.h"

namespace wjit {

namespace {

// The number of a case; those of bool, option and result are a byte.
uint32_t read_case(Reader& in, TypeKind kind, size_t count) {
  const size_t at = in.offset();
  const bool is_index = kind == TypeKind::Variant || kind == TypeKind::Enum;
  const uint32_t index = is_index ? in.u32() : in.byte();
  if (in.ok() && index >= count) in.malformed_at(at, "malformed value: case {} of {}", index, count);
  return index;
}

uint32_t read_char(Reader& in) {
  uint8_t bytes[4] = {in.byte(), 0, 0, 0};
  const size_t at = in.offset() - 1;
  uint32_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
  for (uint32_t i = 1; i < length && in.ok(); i++) bytes[i] = in.byte();
  uint32_t code = 0;
  if (in.ok() && decode_utf8(bytes, length, &code) != length) in.malformed_at(at, "malformed UTF-8 encoding");
  return code;
}

// NaN has one form.
template <typename Bits>
Bits read_float(Reader& in, Bits infinity, Bits nan) {
  const size_t at = in.offset();
  Bits bits = 0;
  for (size_t i = 0; i < sizeof(Bits); i++) bits |= Bits{in.byte()} << (8 * i);
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  if ((bits & ~kSign) > infinity && bits != nan) in.malformed_at(at, "a NaN that is not canonical");
  return bits;
}

}  // namespace

void read_value(Reader& in, const ComponentTypes& types, TypeId type, ComponentValue* out) {
  if (!in.ok()) return;
  const ComponentTypeDef& def = types[type];
  if (out != nullptr) out->kind = def.kind;
  auto bits = [&](auto number) {
    if (out != nullptr) out->bits = static_cast<uint64_t>(number);
  };
  auto child = [&](TypeId id) { read_value(in, types, id, out != nullptr ? &out->children.emplace_back() : nullptr); };
  // Each element takes a byte at least, so a count that is too large fails at the end of the bytes.
  auto elements = [&](TypeId element, uint32_t count) {
    for (uint32_t i = 0; i < count && in.ok(); i++) child(element);
  };
  switch (def.kind) {
    case TypeKind::Bool: return bits(read_case(in, def.kind, 2));
    case TypeKind::S8: return bits(static_cast<int8_t>(in.byte()));
    case TypeKind::U8: return bits(in.byte());
    case TypeKind::S16: return bits(in.s16());
    case TypeKind::U16: return bits(in.u16());
    case TypeKind::S32: return bits(in.s32());
    case TypeKind::U32: return bits(in.u32());
    case TypeKind::S64: return bits(in.s64());
    case TypeKind::U64: return bits(in.u64());
    case TypeKind::F32: return bits(read_float<uint32_t>(in, 0x7F80'0000, 0x7FC0'0000));
    case TypeKind::F64: return bits(read_float<uint64_t>(in, 0x7FF0'0000'0000'0000, 0x7FF8'0000'0000'0000));
    case TypeKind::Char: return bits(read_char(in));
    case TypeKind::String: {
      const std::string_view text = in.name();
      if (out != nullptr) out->text = text;
      return;
    }
    case TypeKind::List: return elements(def.element, in.u32());
    case TypeKind::Map: return elements(def.entry, in.u32());
    case TypeKind::FixedList: return elements(def.element, def.length);
    case TypeKind::Record:
    case TypeKind::Tuple:
      for (const NamedType& part : def.parts) child(part.type);
      return;
    case TypeKind::Flags: {
      uint64_t set = 0;
      for (size_t i = 0; i < def.parts.size(); i += 8) set |= uint64_t{in.byte()} << i;
      return bits(set & ((uint64_t{1} << def.parts.size()) - 1));
    }
    case TypeKind::Variant:
    case TypeKind::Enum:
    case TypeKind::Option:
    case TypeKind::Result: {
      const uint32_t index = read_case(in, def.kind, case_count(def));
      const TypeId payload = in.ok() ? case_type(def, index) : kNoType;
      bits(index);
      if (payload != kNoType) child(payload);
      return;
    }
    default: in.invalid("`{}` has no values that can be written", to_string(types, type));
  }
}

}  // namespace wjit
