// What adapters name by number: the resources and the stream and future types of a function type; and the keys by which
// generated code and payload types are shared. See abi/adapter.h.
#include <algorithm>

#include "abi/adapter.h"
#include "abi/padding.h"
#include "abi/store.h"
#include "base/check.h"
#include "frontend/canonical_layout.h"

namespace wjit {
namespace {

// Calls `visit` for each type in `id`, depth first, parts in their order, `id` itself before its parts. Elements of
// streams and futures are not entered: their values do not travel with the handle.
template <typename F>
void walk(const ComponentTypes& types, TypeId id, F&& visit) {
  if (id == kNoType) return;
  const ComponentTypeDef& type = types[id];
  visit(id, type);
  if (type.kind == TypeKind::Stream || type.kind == TypeKind::Future) return;
  for (const NamedType& part : type.parts) walk(types, part.type, visit);
  walk(types, type.element, visit);
  walk(types, type.second, visit);
}

template <typename T>
void append_new(std::vector<T>& list, T value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

// The structure of a type as text; resources through `resource`.
void describe(const ComponentTypes& types, TypeId id, const std::function<std::string(ResourceId)>& resource,
              std::string& out) {
  if (id == kNoType) {
    out += '_';
    return;
  }
  const ComponentTypeDef& type = types[id];
  fmt::format_to(std::back_inserter(out), "{}", static_cast<int>(type.kind));
  switch (type.kind) {
    case TypeKind::Own:
    case TypeKind::Borrow: out += resource(type.resource); return;
    case TypeKind::FixedList: fmt::format_to(std::back_inserter(out), "x{}", type.length); break;
    case TypeKind::Func: out += type.is_async ? "async" : "sync"; break;
    case TypeKind::Flags:
    case TypeKind::Enum: fmt::format_to(std::back_inserter(out), "n{}", type.parts.size()); return;
    default: break;
  }
  if (type.parts.empty() && type.element == kNoType && type.second == kNoType &&
      (type.kind <= TypeKind::ErrorContext)) {
    out += ';';
    return;
  }
  out += '(';
  for (const NamedType& part : type.parts) {
    describe(types, part.type, resource, out);
    out += ',';
  }
  out += '|';
  describe(types, type.element, resource, out);
  describe(types, type.second, resource, out);
  out += ')';
}

// As `describe`, with labels: what makes two payload types equal (structural equality of the specification).
void describe_labels(const ComponentTypes& types, TypeId id, std::string& out) {
  walk(types, id, [&](TypeId, const ComponentTypeDef& type) {
    for (const NamedType& part : type.parts) out += part.name + ' ';
  });
}

void describe_side(const AdapterSide& side, std::string& out) {
  fmt::format_to(std::back_inserter(out), " {}{}{}{}{}{}", static_cast<int>(side.kind), side.memory_is_64 ? 'l' : 'i',
                 static_cast<int>(side.encoding), side.has_memory ? 'm' : '-', side.has_realloc ? 'r' : '-',
                 side.has_post_return ? 'p' : '-');
}

std::string key_of(const ComponentTypes& types, TypeId type, const AdapterSide& a, const AdapterSide& b) {
  std::vector<ResourceId> resources = resource_occurrences(types, type);
  std::vector<TypeId> streams = stream_occurrences(types, type);
  std::string key;
  describe(
      types, type,
      [&](ResourceId r) {
        return fmt::format("#{};", std::find(resources.begin(), resources.end(), r) - resources.begin());
      },
      key);
  // Streams are numbered by TypeId: equal structures may be numbered differently.
  walk(types, type, [&](TypeId id, const ComponentTypeDef& t) {
    if (t.kind != TypeKind::Stream && t.kind != TypeKind::Future) return;
    key += fmt::format("@{}", std::find(streams.begin(), streams.end(), id) - streams.begin());
  });
  describe_side(a, key);
  describe_side(b, key);
  return key;
}

// Sets what a value of a type of numbers has at `at`.
void mark_numbers(const ComponentTypes& types, TypeId id, uint8_t* at) {
  const ComponentTypeDef& type = types[id];
  uint64_t offset = 0;
  if (type.kind == TypeKind::FixedList) {
    const uint32_t size = elem_size(types, type.element, false);
    for (uint32_t i = 0; i < type.length; ++i) mark_numbers(types, type.element, at + uint64_t{i} * size);
  } else if (type.kind == TypeKind::Record || type.kind == TypeKind::Tuple) {
    for (const NamedType& part : type.parts) {
      offset = align_to(offset, alignment(types, part.type, false));
      mark_numbers(types, part.type, at + offset);
      offset += elem_size(types, part.type, false);
    }
  } else {
    std::fill_n(at, elem_size(types, id, false), uint8_t{0xFF});
  }
}

}  // namespace

bool has_padding(const ComponentTypes& types, TypeId id) {
  const ComponentTypeDef& type = types[id];
  if (type.kind == TypeKind::FixedList) return has_padding(types, type.element);
  if (type.kind != TypeKind::Record && type.kind != TypeKind::Tuple) return false;
  uint64_t bytes = 0;
  for (const NamedType& part : type.parts) {
    if (has_padding(types, part.type)) return true;
    bytes += elem_size(types, part.type, false);
  }
  return bytes != elem_size(types, id, false);
}

std::vector<uint8_t> padding_mask(const ComponentTypes& types, TypeId id) {
  std::vector<uint8_t> mask(elem_size(types, id, false));
  mark_numbers(types, id, mask.data());
  return mask;
}

bool all_numbers(const ComponentTypes& types, TypeId id) {
  bool plain = true;
  walk(types, id, [&](TypeId, const ComponentTypeDef& type) {
    switch (type.kind) {
      case TypeKind::S8:
      case TypeKind::U8:
      case TypeKind::S16:
      case TypeKind::U16:
      case TypeKind::S32:
      case TypeKind::U32:
      case TypeKind::S64:
      case TypeKind::U64:
      case TypeKind::F32:
      case TypeKind::F64:
      case TypeKind::Record:
      case TypeKind::Tuple:
      case TypeKind::FixedList: return;
      default: plain = false;
    }
  });
  return plain;
}

bool is_plain_value(const ComponentTypes& types, TypeId id) {
  bool plain = true;
  walk(types, id, [&](TypeId, const ComponentTypeDef& type) {
    switch (type.kind) {
      case TypeKind::String:
      case TypeKind::List:
      case TypeKind::Map:
      case TypeKind::Own:
      case TypeKind::Borrow:
      case TypeKind::Stream:
      case TypeKind::Future:
      case TypeKind::ErrorContext: plain = false; return;
      default: return;
    }
  });
  return plain;
}

bool may_be_leaf(const AdapterSpec& spec) {
  const ComponentTypes& types = *spec.types;
  return !types[spec.type].is_async && spec.lower.kind == AdapterSide::Kind::Sync &&
         spec.lift.kind == AdapterSide::Kind::Sync && !spec.lift.has_post_return && is_plain_value(types, spec.type) &&
         flat_param_count(types, spec.type) <= kMaxFlatParams && flat_result_count(types, spec.type) <= kMaxFlatResults;
}

std::vector<ResourceId> resource_occurrences(const ComponentTypes& types, TypeId type) {
  std::vector<ResourceId> found;
  walk(types, type, [&](TypeId, const ComponentTypeDef& t) {
    if (t.kind == TypeKind::Own || t.kind == TypeKind::Borrow) append_new(found, t.resource);
  });
  return found;
}

std::vector<TypeId> stream_occurrences(const ComponentTypes& types, TypeId type) {
  std::vector<TypeId> found;
  walk(types, type, [&](TypeId id, const ComponentTypeDef& t) {
    if (t.kind == TypeKind::Stream || t.kind == TypeKind::Future) append_new(found, id);
  });
  return found;
}

std::string code_key(const AdapterSpec& spec) {
  return (spec.leaf ? "l" : spec.eager ? "e" : "a") + key_of(*spec.types, spec.type, spec.lower, spec.lift);
}
std::string code_key(const CopierSpec& spec) {
  return "c" + key_of(*spec.types, spec.element, spec.source, spec.destination);
}

const PayloadType* Store::intern_payload(const std::shared_ptr<const ComponentTypes>& types, TypeId stream_or_future,
                                         const std::unordered_map<ResourceId, ResourceType*>& resources) {
  const ComponentTypeDef& type = (*types)[stream_or_future];
  CHECK(type.kind == TypeKind::Stream || type.kind == TypeKind::Future);
  auto resource_of = [&](ResourceId id) {
    auto found = resources.find(id);
    return found != resources.end() ? found->second : nullptr;
  };
  std::string key = type.kind == TypeKind::Future ? "future " : "stream ";
  describe(
      *types, type.element, [&](ResourceId id) { return fmt::format("@{};", static_cast<void*>(resource_of(id))); },
      key);
  if (type.element != kNoType) describe_labels(*types, type.element, key);
  auto [entry, fresh] = payloads_.try_emplace(key);
  if (!fresh) return entry->second.get();
  entry->second = std::make_unique<PayloadType>();
  entry->second->store = this;
  PayloadType* payload = entry->second.get();
  payload->key = key;
  payload->types = types;
  payload->element = type.element;
  payload->is_future = type.kind == TypeKind::Future;
  payload->name = to_string(*types, stream_or_future);
  payload->is_none_or_number = payload->is_plain = true;
  if (type.element == kNoType) return payload;
  TypeKind kind = (*types)[type.element].kind;
  payload->is_none_or_number = kind >= TypeKind::S8 && kind <= TypeKind::F64;
  payload->is_plain = all_numbers(*types, type.element) && !has_padding(*types, type.element);
  payload->size32 = elem_size(*types, type.element, false);
  payload->align32 = alignment(*types, type.element, false);
  payload->size64 = elem_size(*types, type.element, true);
  payload->align64 = alignment(*types, type.element, true);
  for (ResourceId id : resource_occurrences(*types, type.element)) payload->resources.push_back(resource_of(id));
  for (TypeId id : stream_occurrences(*types, type.element)) {
    const PayloadType* nested = intern_payload(types, id, resources);
    payload->streams.push_back(nested);
  }
  return payload;
}

}  // namespace wjit
