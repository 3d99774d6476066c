// How it works: the key of a recursion group is its serialisation, in which references into the group are relative and
// references out of it are canonical numbers (which exist already: groups are registered in their order). Equal keys
// are iso-recursively equal groups, which share one run of consecutive numbers.
#include "frontend/type_registry.h"

#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "frontend/decoder_types.h"

namespace wjit {
namespace {

struct Registry {
  std::mutex mutex;
  // Guarded by `mutex`:
  std::unordered_map<std::string, uint32_t> first_of_group;  // key -> first number
  // All heap types and supertypes in it are canonical numbers. A deque, so that references stay good; a definition does
  // not change once it is in, so that it may be read without the lock.
  std::deque<TypeDef> types;

  const TypeDef& at(uint32_t id) {
    std::lock_guard lock(mutex);
    CHECK(id < types.size());
    return types[id];
  }
};

Registry& registry() {
  static Registry* instance = new Registry;  // never destroyed: numbers outlive every module
  return *instance;
}

class KeyBuilder {
 public:
  KeyBuilder(std::span<const TypeDef> types, uint32_t first, uint32_t size)
      : types_(types), first_(first), size_(size) {}

  std::string build() {
    for (uint32_t i = first_; i < first_ + size_; ++i) add(types_[i]);
    return std::move(key_);
  }

 private:
  void add(const TypeDef& type) {
    number(static_cast<uint32_t>(type.kind) | (type.is_final ? 4u : 0u) | (type.supertype ? 8u : 0u));
    if (type.supertype) type_index(*type.supertype);
    if (type.kind == CompositeKind::Func) {
      vector(type.func.params);
      vector(type.func.results);
      return;
    }
    number(static_cast<uint32_t>(type.fields.size()));
    for (const FieldType& field : type.fields) {
      number(static_cast<uint32_t>(field.packed) | (field.is_mutable ? 4u : 0u));
      value(field.type);
    }
  }
  void vector(const std::vector<ValType>& list) {
    number(static_cast<uint32_t>(list.size()));
    for (ValType type : list) value(type);
  }
  void value(ValType type) {
    const bool concrete = type.is_ref() && type.heap >= 0;
    number(static_cast<uint32_t>(type.kind) | (type.nullable ? 16u : 0u) | (concrete ? 32u : 0u));
    if (concrete) {
      type_index(static_cast<uint32_t>(type.heap));
    } else if (type.is_ref()) {
      number(static_cast<uint32_t>(-type.heap));
    }
  }
  void type_index(uint32_t index) {
    if (index >= first_) {
      number((index - first_) * 2 + 1);
    } else {
      number(types_[index].canonical_id * 2);
    }
  }
  void number(uint32_t n) {
    for (; n >= 0x80; n >>= 7) key_.push_back(static_cast<char>(n | 0x80));
    key_.push_back(static_cast<char>(n));
  }

  std::span<const TypeDef> types_;
  uint32_t first_;
  uint32_t size_;
  std::string key_;
};

}  // namespace

void canonicalize_rec_group(std::span<TypeDef> types, uint32_t first, uint32_t size) {
  std::string key = KeyBuilder(types, first, size).build();
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  const auto next = static_cast<uint32_t>(all.types.size());
  CHECK(next < (1u << 30) - size);
  const auto [it, is_new] = all.first_of_group.try_emplace(std::move(key), next);
  for (uint32_t i = 0; i < size; ++i) types[first + i].canonical_id = it->second + i;
  if (!is_new) return;
  auto canonical_heap = [&](ValType& type) {
    if (type.is_ref() && type.heap >= 0) {
      type.heap = static_cast<HeapType>(types[static_cast<uint32_t>(type.heap)].canonical_id);
    }
  };
  for (uint32_t i = 0; i < size; ++i) {
    TypeDef& copy = all.types.emplace_back(types[first + i]);
    for (ValType& type : copy.func.params) canonical_heap(type);
    for (ValType& type : copy.func.results) canonical_heap(type);
    for (FieldType& field : copy.fields) canonical_heap(field.type);
    if (copy.supertype) copy.supertype = types[*copy.supertype].canonical_id;
    copy.rec_group = it->second;
  }
}

uint32_t canonical_id(const FuncType& type) {
  // In front of the type stand the ones that it refers to, of which only the number matters.
  std::vector<TypeDef> types;
  FuncType func = type;
  for (std::vector<ValType>* list : {&func.params, &func.results}) {
    for (ValType& each : *list) {
      if (!each.is_ref() || each.heap < 0) continue;
      types.emplace_back().canonical_id = static_cast<uint32_t>(each.heap);
      each.heap = static_cast<HeapType>(types.size() - 1);
    }
  }
  types.emplace_back().func = std::move(func);
  canonicalize_rec_group(types, static_cast<uint32_t>(types.size() - 1), 1);
  return types.back().canonical_id;
}

bool is_canonical_subtype(uint32_t sub, uint32_t super) {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  for (std::optional<uint32_t> up = sub; up; up = all.types[*up].supertype) {
    if (*up == super) return true;
  }
  return false;
}

const FuncType& canonical_func_type(uint32_t id) {
  const TypeDef& type = registry().at(id);
  CHECK(type.kind == CompositeKind::Func);
  return type.func;
}

CompositeKind canonical_kind(uint32_t id) { return registry().at(id).kind; }

ValType canonical(std::span<const TypeDef> types, ValType type) {
  if (type.is_ref() && type.heap >= 0) {
    type.heap = static_cast<HeapType>(types[static_cast<uint32_t>(type.heap)].canonical_id);
  }
  return type;
}

bool is_canonical_subtype(ValType sub, ValType super) {
  if (!sub.is_ref() || !super.is_ref()) return sub == super;
  if (sub.nullable && !super.nullable) return false;
  if (sub.heap >= 0 && super.heap >= 0) {
    return is_canonical_subtype(static_cast<uint32_t>(sub.heap), static_cast<uint32_t>(super.heap));
  }
  // At most one of the two is concrete: a module with that one type is context enough.
  TypeDef only;
  if (sub.heap >= 0 || super.heap >= 0) {
    HeapType& concrete = sub.heap >= 0 ? sub.heap : super.heap;
    only.kind = canonical_kind(static_cast<uint32_t>(concrete));
    concrete = 0;
  }
  return is_heap_subtype(std::span(&only, 1), sub.heap, super.heap);
}

}  // namespace wjit
