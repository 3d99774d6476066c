// Values in host layout. See abi/value.h.
#include "abi/value.h"

#include <algorithm>
#include <cstring>

#include "frontend/canonical_layout.h"

namespace wjit {
namespace {

uint32_t number_bytes(TypeKind kind) {
  switch (kind) {
    case TypeKind::Bool:
    case TypeKind::S8:
    case TypeKind::U8: return 1;
    case TypeKind::S16:
    case TypeKind::U16: return 2;
    case TypeKind::S64:
    case TypeKind::U64:
    case TypeKind::F64: return 8;
    default: return 4;
  }
}

TypeId list_element(const ComponentTypes& types, TypeId type) {
  return types[type].kind == TypeKind::Map ? type - 1 : types[type].element;
}

uint8_t* offset(void* base, size_t bytes) { return static_cast<uint8_t*>(base) + bytes; }
const uint8_t* offset(const void* base, size_t bytes) { return static_cast<const uint8_t*>(base) + bytes; }

}  // namespace

Result<> store_value(const ComponentTypes& types, TypeId type, const ComponentValue& value, void* to,
                     HostArena& arena) {
  const ComponentTypeDef& def = types[type];
  auto mismatch = [&] { return fail("a value does not fit type {}", to_string(types, type)); };
  switch (def.kind) {
    case TypeKind::String: {
      std::string_view copy = arena.copy(value.text);
      const void* pointer = copy.data();
      uint64_t length = copy.size();
      memcpy(to, &pointer, 8);
      memcpy(offset(to, 8), &length, 8);
      return {};
    }
    case TypeKind::List:
    case TypeKind::Map: {
      TypeId element = list_element(types, type);
      size_t size = elem_size(types, element, true);
      void* memory = arena.allocate(size * value.children.size(), alignment(types, element, true));
      for (size_t i = 0; i < value.children.size(); ++i) {
        if (auto done = store_value(types, element, value.children[i], offset(memory, i * size), arena); !done)
          return done;
      }
      uint64_t length = value.children.size();
      memcpy(to, &memory, 8);
      memcpy(offset(to, 8), &length, 8);
      return {};
    }
    case TypeKind::FixedList: {
      if (value.children.size() != def.length) return mismatch();
      size_t size = elem_size(types, def.element, true);
      for (size_t i = 0; i < value.children.size(); ++i) {
        if (auto done = store_value(types, def.element, value.children[i], offset(to, i * size), arena); !done)
          return done;
      }
      return {};
    }
    case TypeKind::Record:
    case TypeKind::Tuple: {
      if (value.children.size() != def.parts.size()) return mismatch();
      std::vector<uint32_t> offsets = field_offsets(types, type, true);
      for (size_t i = 0; i < offsets.size(); ++i) {
        if (auto done = store_value(types, def.parts[i].type, value.children[i], offset(to, offsets[i]), arena);
            !done) {
          return done;
        }
      }
      return {};
    }
    case TypeKind::Variant:
    case TypeKind::Enum:
    case TypeKind::Option:
    case TypeKind::Result: {
      uint32_t cases = case_count(def);
      if (value.bits >= cases) return mismatch();
      memcpy(to, &value.bits, discriminant_size(cases));
      TypeId payload = case_type(def, static_cast<uint32_t>(value.bits));
      if (payload == kNoType) return {};
      if (value.children.size() != 1) return mismatch();
      return store_value(types, payload, value.children[0], offset(to, payload_offset(types, type, true)), arena);
    }
    case TypeKind::Flags: memcpy(to, &value.bits, flags_size(def.parts.size())); return {};
    case TypeKind::Borrow: return fail("a value of type {} cannot be given here", to_string(types, type));
    // Handles as the host has them: an own one's representation, the others' in the table of the host's instance.
    default: memcpy(to, &value.bits, number_bytes(def.kind)); return {};
  }
}

// What growing vectors add to a node.
constexpr uint64_t kOverhead = sizeof(ComponentValue);

ComponentValue load_value(const ComponentTypes& types, TypeId type, const void* from, uint64_t& left) {
  const ComponentTypeDef& def = types[type];
  ComponentValue value;
  value.kind = def.kind;
  left -= std::min<uint64_t>(left, sizeof value + kOverhead);
  switch (def.kind) {
    case TypeKind::String:
    case TypeKind::List:
    case TypeKind::Map: {
      const char* memory = nullptr;
      uint64_t length = 0;
      memcpy(&memory, from, 8);
      memcpy(&length, offset(from, 8), 8);
      if (def.kind == TypeKind::String) {
        left -= std::min(left, length);
        if (left > 0) value.text.assign(memory, length);
        return value;
      }
      if (length > left / (sizeof value + kOverhead)) left = 0;  // before any of it is made
      TypeId element = list_element(types, type);
      size_t size = elem_size(types, element, true);
      for (uint64_t i = 0; i < length && left > 0; ++i)
        value.children.push_back(load_value(types, element, offset(memory, i * size), left));
      return value;
    }
    case TypeKind::FixedList: {
      size_t size = elem_size(types, def.element, true);
      for (uint32_t i = 0; i < def.length && left > 0; ++i)
        value.children.push_back(load_value(types, def.element, offset(from, i * size), left));
      return value;
    }
    case TypeKind::Record:
    case TypeKind::Tuple: {
      std::vector<uint32_t> offsets = field_offsets(types, type, true);
      for (size_t i = 0; i < offsets.size() && left > 0; ++i) {
        value.children.push_back(load_value(types, def.parts[i].type, offset(from, offsets[i]), left));
      }
      return value;
    }
    case TypeKind::Variant:
    case TypeKind::Enum:
    case TypeKind::Option:
    case TypeKind::Result: {
      memcpy(&value.bits, from, discriminant_size(case_count(def)));
      TypeId payload = case_type(def, static_cast<uint32_t>(value.bits));
      if (payload != kNoType)
        value.children.push_back(load_value(types, payload, offset(from, payload_offset(types, type, true)), left));
      return value;
    }
    case TypeKind::Flags: memcpy(&value.bits, from, flags_size(def.parts.size())); return value;
    default: memcpy(&value.bits, from, number_bytes(def.kind)); return value;
  }
}

}  // namespace wjit
