// Sizes, alignments and flattening of component types against figures worked out by hand from CanonicalABI.md.
#include "frontend/canonical_layout.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

class CanonicalLayout : public testing::Test {
 protected:
  TypeId type(TypeKind kind, std::vector<TypeId> parts = {}, TypeId element = kNoType, TypeId second = kNoType) {
    ComponentTypeDef def;
    def.kind = kind;
    for (TypeId part : parts) def.parts.push_back({"p", part});
    def.element = element;
    def.second = second;
    return add_type(types, std::move(def));
  }
  TypeId labels(TypeKind kind, size_t count) { return type(kind, std::vector<TypeId>(count, kNoType)); }
  TypeId fixed_list(TypeId element, uint32_t length) {
    ComponentTypeDef def;
    def.kind = TypeKind::FixedList;
    def.element = element;
    def.length = length;
    return add_type(types, std::move(def));
  }
  void expect(TypeId t, uint32_t size32, uint32_t align32, uint32_t size64, uint32_t align64) {
    EXPECT_EQ(elem_size(types, t, false), size32);
    EXPECT_EQ(alignment(types, t, false), align32);
    EXPECT_EQ(elem_size(types, t, true), size64);
    EXPECT_EQ(alignment(types, t, true), align64);
  }
  std::string flat(TypeId t, bool is_64 = false) {
    std::string out;
    for (ValType v : flatten_type(types, t, is_64)) out += to_string(v) + " ";
    return out;
  }
  std::string flat(const FuncType& type) {
    std::string out;
    for (ValType v : type.params) out += to_string(v) + " ";
    out += "->";
    for (ValType v : type.results) out += " " + to_string(v);
    return out;
  }

  ComponentTypes types;
  TypeId u8 = type(TypeKind::U8), u16 = type(TypeKind::U16), u32 = type(TypeKind::U32), u64 = type(TypeKind::U64);
  TypeId f32 = type(TypeKind::F32), f64 = type(TypeKind::F64), string = type(TypeKind::String);
};

TEST_F(CanonicalLayout, SizesAndAlignments) {
  expect(string, 8, 4, 16, 8);
  expect(type(TypeKind::Record, {u8, u64, u16}), 24, 8, 24, 8);
  expect(type(TypeKind::Tuple, {u8, string}), 12, 4, 24, 8);
  expect(type(TypeKind::List, {}, u64), 8, 4, 16, 8);
  expect(fixed_list(u16, 5), 10, 2, 10, 2);
  expect(type(TypeKind::Option, {}, u8), 2, 1, 2, 1);
  expect(type(TypeKind::Result, {}, kNoType, string), 12, 4, 24, 8);
  expect(type(TypeKind::Variant, {kNoType, u64, u8}), 16, 8, 16, 8);
  expect(labels(TypeKind::Enum, 256), 1, 1, 1, 1);
  expect(labels(TypeKind::Enum, 257), 2, 2, 2, 2);
  expect(labels(TypeKind::Flags, 8), 1, 1, 1, 1);
  expect(labels(TypeKind::Flags, 17), 4, 4, 4, 4);
  expect(type(TypeKind::Stream, {}, string), 4, 4, 4, 4);
  EXPECT_EQ(payload_offset(types, type(TypeKind::Option, {}, u64), false), 8u);
  EXPECT_EQ(field_offsets(types, type(TypeKind::Record, {u8, u64, u16}), false), (std::vector<uint32_t>{0, 8, 16}));
}

TEST_F(CanonicalLayout, SizesSaturate) {
  TypeId big = fixed_list(u64, UINT32_MAX);
  EXPECT_EQ(elem_size(types, big, false), UINT32_MAX);
  EXPECT_EQ(elem_size(types, fixed_list(big, UINT32_MAX), true), UINT32_MAX);
}

TEST_F(CanonicalLayout, FlattensVariantsByJoining) {
  EXPECT_EQ(flat(type(TypeKind::Variant, {f32, u32})), "i32 i32 ");
  EXPECT_EQ(flat(type(TypeKind::Variant, {f32, f64})), "i32 i64 ");
  EXPECT_EQ(flat(type(TypeKind::Variant, {f32, f32})), "i32 f32 ");
  EXPECT_EQ(flat(type(TypeKind::Variant, {string, u64})), "i32 i64 i32 ");
  EXPECT_EQ(flat(type(TypeKind::Result, {}, f64, string), true), "i32 i64 i64 ");
  EXPECT_EQ(flat(type(TypeKind::Option, {}, type(TypeKind::Tuple, {f32, f64}))), "i32 f32 f64 ");
}

TEST_F(CanonicalLayout, Map) {
  TypeId map = type(TypeKind::Map, {}, string, u8);
  EXPECT_EQ(elem_size(types, types[map].entry, false), 12u);
  EXPECT_EQ(flat(map), "i32 i32 ");
  EXPECT_TRUE(contains_pointer(types, map));
}

TEST_F(CanonicalLayout, Functions) {
  TypeId pair = type(TypeKind::Tuple, {u32, u64});
  TypeId small = type(TypeKind::Func, {u32, f64}, pair);
  CanonOptions sync;
  EXPECT_EQ(flat(flatten_functype(types, sync, small, CanonContext::Lift)), "i32 f64 -> i32");
  EXPECT_EQ(flat(flatten_functype(types, sync, small, CanonContext::Lower)), "i32 f64 i32 ->");
  CanonOptions async{.is_async = true};
  EXPECT_EQ(flat(flatten_functype(types, async, small, CanonContext::Lift)), "i32 f64 ->");
  EXPECT_EQ(flat(flatten_functype(types, async, small, CanonContext::Lower)), "i32 f64 i32 -> i32");
  CanonOptions callback{.is_async = true, .callback = 0};
  EXPECT_EQ(flat(flatten_functype(types, callback, small, CanonContext::Lift)), "i32 f64 -> i32");

  TypeId five = type(TypeKind::Func, {u32, u32, u32, u32, u32});
  EXPECT_EQ(flat(flatten_functype(types, async, five, CanonContext::Lower)), "i32 -> i32");
  EXPECT_EQ(flat(flatten_functype(types, async, five, CanonContext::Lift)), "i32 i32 i32 i32 i32 ->");
  TypeId many = type(TypeKind::Func, {fixed_list(u8, 17)});
  CanonOptions memory64{.memory_is_64 = true};
  EXPECT_EQ(flat(flatten_functype(types, memory64, many, CanonContext::Lift)), "i64 ->");
  EXPECT_EQ(params_size(types, small, false).size, 16u);
}

// Sixty-four doublings: a walk of the tree would never end.
TEST_F(CanonicalLayout, SharedPartsTakeNoTime) {
  TypeId t = type(TypeKind::List, {}, u8);
  for (int i = 0; i < 64; i++) t = type(TypeKind::List, {}, type(TypeKind::Tuple, {t, t}));
  EXPECT_EQ(elem_size(types, t, false), 8u);
  EXPECT_EQ(types[t].layout.tree_size, UINT32_MAX);
}

}  // namespace
}  // namespace wjit
