// Iso-recursive equality of types by canonical numbers (frontend/type_registry.h).
#include "frontend/type_registry.h"

#include <gtest/gtest.h>

#include <vector>

#include "frontend/decoder_types.h"

namespace wjit {
namespace {

TypeDef func(std::vector<ValType> params, std::vector<ValType> results = {}) {
  TypeDef type;
  type.func = {.params = std::move(params), .results = std::move(results)};
  return type;
}

TypeDef structure(std::vector<ValType> fields, std::optional<uint32_t> super = {}) {
  TypeDef type;
  type.kind = CompositeKind::Struct;
  type.is_final = false;
  type.supertype = super;
  for (ValType field : fields) type.fields.push_back({.type = field});
  return type;
}

// Registers `types` as groups of the given sizes.
std::vector<TypeDef> registered(std::vector<TypeDef> types, std::vector<uint32_t> sizes) {
  uint32_t first = 0;
  for (uint32_t size : sizes) {
    canonicalize_rec_group(types, first, size);
    first += size;
  }
  return types;
}

ValType to(HeapType type) { return ValType::ref(type, true); }

TEST(TypeRegistry, EqualFunctionTypesOfAllModulesShareANumber) {
  auto a = registered({func({ValType::i32()}), func({ValType::i64()})}, {1, 1});
  auto b = registered({func({}), func({ValType::i64()}), func({ValType::i32()})}, {1, 1, 1});
  EXPECT_EQ(a[0].canonical_id, b[2].canonical_id);
  EXPECT_EQ(a[1].canonical_id, b[1].canonical_id);
  EXPECT_NE(a[0].canonical_id, a[1].canonical_id);
  EXPECT_EQ(canonical_id(FuncType{{ValType::i32()}, {}}), a[0].canonical_id);
  EXPECT_EQ(canonical_func_type(a[1].canonical_id), (FuncType{{ValType::i64()}, {}}));
  EXPECT_NE(canonical_id(FuncType{{}, {ValType::i32()}}), a[0].canonical_id);
}

TEST(TypeRegistry, GroupsAreComparedAsAWhole) {
  // The same structure at other indices is the same type …
  auto a = registered({structure({to(0)})}, {1});
  auto b = registered({func({}), structure({to(1)})}, {1, 1});
  EXPECT_EQ(a[0].canonical_id, b[1].canonical_id);
  // … but not in a larger group, …
  auto c = registered({structure({to(0)}), func({})}, {2});
  EXPECT_NE(c[0].canonical_id, a[0].canonical_id);
  // … nor where the reference goes to an equal type outside of the group.
  auto d = registered({structure({to(0)}), structure({to(0)})}, {1, 1});
  EXPECT_NE(d[1].canonical_id, d[0].canonical_id);
  // Members of one group are different types.
  auto e = registered({func({}), func({})}, {2});
  EXPECT_NE(e[0].canonical_id, e[1].canonical_id);
}

TEST(TypeRegistry, FinalityFieldsAndMutabilityCount) {
  TypeDef open = func({});
  open.is_final = false;
  auto a = registered({func({}), open}, {1, 1});
  EXPECT_NE(a[0].canonical_id, a[1].canonical_id);
  TypeDef immutable = structure({ValType::i32()});
  TypeDef is_mutable = immutable;
  is_mutable.fields[0].is_mutable = true;
  TypeDef packed = immutable;
  packed.fields[0].packed = PackedType::I8;
  auto b = registered({immutable, is_mutable, packed}, {1, 1, 1});
  EXPECT_NE(b[0].canonical_id, b[1].canonical_id);
  EXPECT_NE(b[0].canonical_id, b[2].canonical_id);
}

TEST(TypeRegistry, Subtyping) {
  auto types = registered({structure({}), structure({ValType::i32()}, 0),
                           structure({ValType::i32(), ValType::i64()}, 1), structure({ValType::i32()})},
                          {1, 1, 1, 1});
  EXPECT_TRUE(is_canonical_subtype(types[2].canonical_id, types[0].canonical_id));
  EXPECT_TRUE(is_canonical_subtype(types[1].canonical_id, types[1].canonical_id));
  EXPECT_FALSE(is_canonical_subtype(types[0].canonical_id, types[2].canonical_id));
  EXPECT_FALSE(is_canonical_subtype(types[3].canonical_id, types[0].canonical_id));  // not declared

  const ValType sub = canonical(types, to(2));
  EXPECT_TRUE(is_canonical_subtype(sub, canonical(types, to(0))));
  EXPECT_TRUE(is_canonical_subtype(sub, to(heap::Eq)));
  EXPECT_TRUE(is_canonical_subtype(to(heap::None), sub));
  EXPECT_FALSE(is_canonical_subtype(to(heap::NoFunc), sub));
  EXPECT_FALSE(is_canonical_subtype(sub, to(heap::Func)));
  EXPECT_FALSE(is_canonical_subtype(sub, ValType::ref(sub.heap, false)));
  EXPECT_TRUE(is_canonical_subtype(ValType::i32(), ValType::i32()));
}

TEST(TypeRegistry, SubtypingWithinAModule) {
  auto types = registered({func({}), structure({})}, {1, 1});
  EXPECT_TRUE(is_subtype(types, to(0), to(heap::Func)));
  EXPECT_FALSE(is_subtype(types, to(0), to(heap::Any)));
  EXPECT_TRUE(is_subtype(types, to(1), to(heap::Any)));
  EXPECT_TRUE(is_subtype(types, to(heap::I31), to(heap::Eq)));
  EXPECT_FALSE(is_subtype(types, to(heap::Eq), to(heap::I31)));
  EXPECT_TRUE(is_subtype(types, to(kBottomHeap), to(0)));
  EXPECT_FALSE(is_subtype(types, to(heap::Extern), to(heap::Any)));
  EXPECT_TRUE(is_subtype(types, ValType::ref(heap::NoExn, false), to(heap::Exn)));
}

}  // namespace
}  // namespace wjit
