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

void read_char(Reader& in) {
  uint8_t bytes[4] = {in.byte(), 0, 0, 0};
  const size_t at = in.offset() - 1;
  uint32_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
  for (uint32_t i = 1; i < length && in.ok(); i++) bytes[i] = in.byte();
  uint32_t code;
  if (in.ok() && decode_utf8(bytes, length, &code) != length) in.malformed_at(at, "malformed UTF-8 encoding");
}

// NaN has one form.
template <typename Bits>
void read_float(Reader& in, Bits infinity, Bits nan) {
  const size_t at = in.offset();
  Bits bits = 0;
  for (size_t i = 0; i < sizeof(Bits); i++) bits |= Bits{in.byte()} << (8 * i);
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  if ((bits & ~kSign) > infinity && bits != nan) in.malformed_at(at, "a NaN that is not canonical");
}

}  // namespace

void read_value(Reader& in, const ComponentTypes& types, TypeId type) {
  if (!in.ok()) return;
  const ComponentTypeDef& def = types[type];
  // Each element takes a byte at least, so a count that is too large fails at the end of the bytes.
  auto elements = [&](TypeId element, uint32_t count) {
    for (uint32_t i = 0; i < count && in.ok(); i++) read_value(in, types, element);
  };
  switch (def.kind) {
    case TypeKind::Bool: read_case(in, def.kind, 2); return;
    case TypeKind::S8:
    case TypeKind::U8: in.byte(); return;
    case TypeKind::S16: in.s16(); return;
    case TypeKind::U16: in.u16(); return;
    case TypeKind::S32: in.s32(); return;
    case TypeKind::U32: in.u32(); return;
    case TypeKind::S64: in.s64(); return;
    case TypeKind::U64: in.u64(); return;
    case TypeKind::F32: return read_float<uint32_t>(in, 0x7F80'0000, 0x7FC0'0000);
    case TypeKind::F64: return read_float<uint64_t>(in, 0x7FF0'0000'0000'0000, 0x7FF8'0000'0000'0000);
    case TypeKind::Char: return read_char(in);
    case TypeKind::String: in.name(); return;
    case TypeKind::List: return elements(def.element, in.u32());
    case TypeKind::Map: return elements(def.entry, in.u32());
    case TypeKind::FixedList: return elements(def.element, def.length);
    case TypeKind::Record:
    case TypeKind::Tuple:
      for (const NamedType& part : def.parts) read_value(in, types, part.type);
      return;
    case TypeKind::Flags:
      for (size_t i = 0; i < def.parts.size(); i += 8) in.byte();
      return;
    case TypeKind::Variant:
    case TypeKind::Enum:
    case TypeKind::Option:
    case TypeKind::Result: {
      const uint32_t index = read_case(in, def.kind, case_count(def));
      const TypeId payload = in.ok() ? case_type(def, index) : kNoType;
      if (payload != kNoType) read_value(in, types, payload);
      return;
    }
    default: in.invalid("`{}` has no values that can be written", to_string(types, type));
  }
}

}  // namespace wjit
