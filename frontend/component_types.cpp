// See component_types.h: equality (by way of component_subtyping.h) and types as text for messages.
#include "frontend/component_types.h"

#include "base/check.h"
#include "frontend/component_subtyping.h"

namespace wjit {

const char* name(ExternSort sort) {
  switch (sort) {
    case ExternSort::CoreModule: return "core module";
    case ExternSort::Func: return "func";
    case ExternSort::Value: return "value";
    case ExternSort::Type: return "type";
    case ExternSort::Component: return "component";
    case ExternSort::Instance: return "instance";
  }
  UNREACHABLE_CASE("extern sort");
}

bool types_equal(const ComponentTypes& types, TypeId a, TypeId b) {
  WorkBudget budget;
  // equal() only reads; the arena grows where component types are matched, which have no equality.
  return Matcher(const_cast<ComponentTypes&>(types), budget).equal(a, b);
}

namespace {

const char* plain_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::Bool: return "bool";
    case TypeKind::S8: return "s8";
    case TypeKind::U8: return "u8";
    case TypeKind::S16: return "s16";
    case TypeKind::U16: return "u16";
    case TypeKind::S32: return "s32";
    case TypeKind::U32: return "u32";
    case TypeKind::S64: return "s64";
    case TypeKind::U64: return "u64";
    case TypeKind::F32: return "f32";
    case TypeKind::F64: return "f64";
    case TypeKind::Char: return "char";
    case TypeKind::String: return "string";
    case TypeKind::ErrorContext: return "error-context";
    case TypeKind::Component: return "component";
    case TypeKind::Instance: return "instance";
    case TypeKind::CoreModule: return "core module";
    default: return nullptr;
  }
}

// Writes a type; stops with an ellipsis once the text is long enough for a message.
class TypeWriter {
 public:
  explicit TypeWriter(const ComponentTypes& types) : types_(types) {}

  void write(TypeId id) {
    if (id == kNoType) return put("_");
    if (out.size() > kLongEnough) return put("…");
    const ComponentTypeDef& def = types_[id];
    if (const char* plain = plain_name(def.kind)) return put(plain);
    switch (def.kind) {
      case TypeKind::Record: return parts("record {", def, "}");
      case TypeKind::Variant: return parts("variant {", def, "}");
      case TypeKind::Flags: return parts("flags {", def, "}");
      case TypeKind::Enum: return parts("enum {", def, "}");
      case TypeKind::Tuple: return parts("tuple<", def, ">");
      case TypeKind::List: return of("list", def.element);
      case TypeKind::FixedList:
        put("list<");
        write(def.element);
        return put(", " + std::to_string(def.length) + ">");
      case TypeKind::Option: return of("option", def.element);
      case TypeKind::Stream: return of("stream", def.element);
      case TypeKind::Future: return of("future", def.element);
      case TypeKind::Map: return pair("map", def.element, def.second);
      case TypeKind::Result:
        if (def.second == kNoType) return of("result", def.element);
        return pair("result", def.element, def.second);
      case TypeKind::Own: return put(resource_name(def.resource));
      case TypeKind::Borrow: return put("borrow<" + resource_name(def.resource) + ">");
      case TypeKind::Resource: return put("resource " + resource_name(def.resource));
      case TypeKind::Func:
        parts(def.is_async ? "async func(" : "func(", def, ")");
        if (def.element != kNoType) {
          put(" -> ");
          write(def.element);
        }
        return;
      default: UNREACHABLE_CASE("type kind");
    }
  }

  std::string out;

 private:
  static constexpr size_t kLongEnough = 300;

  void put(std::string_view text) { out += text; }
  std::string resource_name(ResourceId id) const {
    if (id < types_.resource_names.size() && !types_.resource_names[id].empty()) return types_.resource_names[id];
    return "resource-" + std::to_string(id);
  }
  void of(const char* constructor, TypeId element) {
    put(constructor);
    if (element == kNoType) return;
    put("<");
    write(element);
    put(">");
  }
  void pair(const char* constructor, TypeId first, TypeId second) {
    put(constructor);
    put("<");
    write(first);
    put(", ");
    write(second);
    put(">");
  }
  void parts(const char* open, const ComponentTypeDef& def, const char* close) {
    put(open);
    bool is_first = true;
    for (const NamedType& part : def.parts) {
      if (!is_first) put(", ");
      is_first = false;
      if (out.size() > kLongEnough) {
        put("…");
        break;
      }
      put(part.name);
      if (part.type == kNoType) continue;
      if (!part.name.empty()) put(": ");
      write(part.type);
    }
    put(close);
  }

  const ComponentTypes& types_;
};

}  // namespace

std::string to_string(const ComponentTypes& types, TypeId id) {
  TypeWriter writer(types);
  writer.write(id);
  return std::move(writer.out);
}

}  // namespace wjit
