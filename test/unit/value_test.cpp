// abi/value.h: WAVE in and out, and values in host layout, over one type of every kind.
#include "abi/value.h"

#include <gtest/gtest.h>

#include <cstring>

#include "frontend/canonical_layout.h"

namespace wjit {
namespace {

struct Types {
  ComponentTypes all;
  TypeId add(TypeKind kind, std::vector<NamedType> parts = {}, TypeId element = kNoType, TypeId second = kNoType,
             uint32_t length = 0) {
    ComponentTypeDef def;
    def.kind = kind;
    def.parts = std::move(parts);
    def.element = element;
    def.second = second;
    def.length = length;
    return add_type(all, std::move(def));
  }
};

// Reads `text`, takes it through host layout, and prints it again.
std::string round_trip(const Types& types, TypeId type, std::string_view text) {
  auto value = parse_wave(types.all, type, text);
  if (!value) return "error: " + value.error().message;
  if (!text.empty()) return "rest: " + std::string(text);
  HostArena arena;
  const uint32_t size = elem_size(types.all, type, true);
  void* memory = arena.allocate(size, 16);
  if (auto stored = store_value(types.all, type, *value, memory, arena); !stored)
    return "error: " + stored.error().message;
  uint64_t left = 1 << 20;
  return to_wave(types.all, type, load_value(types.all, type, memory, left));
}

TEST(Value, Numbers) {
  Types t;
  const TypeId s8 = t.add(TypeKind::S8), u8 = t.add(TypeKind::U8), s64 = t.add(TypeKind::S64),
               u64 = t.add(TypeKind::U64), f32 = t.add(TypeKind::F32), f64 = t.add(TypeKind::F64),
               boolean = t.add(TypeKind::Bool);
  EXPECT_EQ(round_trip(t, s8, "-128"), "-128");
  EXPECT_EQ(round_trip(t, u8, "0xff"), "255");
  EXPECT_EQ(round_trip(t, s64, "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(round_trip(t, u64, "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(round_trip(t, f32, "0.1"), "0.1");
  EXPECT_EQ(round_trip(t, f64, "-1.5e300"), "-1.5e+300");
  EXPECT_EQ(round_trip(t, f64, "nan"), "nan");
  EXPECT_EQ(round_trip(t, f32, "-inf"), "-inf");
  EXPECT_EQ(round_trip(t, boolean, "true"), "true");
}

TEST(Value, NumbersThatDoNotFitAreErrors) {
  Types t;
  const TypeId s8 = t.add(TypeKind::S8), u32 = t.add(TypeKind::U32), boolean = t.add(TypeKind::Bool);
  for (std::string_view text : {"128", "-129", "", "x", "1x", "99999999999999999999999"}) {
    EXPECT_TRUE(round_trip(t, s8, text).starts_with("error")) << text;
  }
  EXPECT_TRUE(round_trip(t, u32, "-1").starts_with("error"));
  EXPECT_TRUE(round_trip(t, boolean, "1").starts_with("error"));
}

TEST(Value, Text) {
  Types t;
  const TypeId character = t.add(TypeKind::Char), string = t.add(TypeKind::String);
  EXPECT_EQ(round_trip(t, string, R"("a\"\\\n\u{1F600}ö")"), "\"a\\\"\\\\\\n\U0001F600ö\"");
  EXPECT_EQ(round_trip(t, string, R"("")"), R"("")");
  EXPECT_EQ(round_trip(t, character, R"('\'')"), R"('\'')");
  EXPECT_EQ(round_trip(t, character, "'é'"), "'é'");
  for (std::string_view text : {R"("open)", R"("\q")", R"("\u{D800}")", R"("\u{110000}")", "bare"}) {
    EXPECT_TRUE(round_trip(t, string, text).starts_with("error")) << text;
  }
  EXPECT_TRUE(round_trip(t, character, "'ab'").starts_with("error"));
  EXPECT_TRUE(round_trip(t, character, "''").starts_with("error"));
}

TEST(Value, Containers) {
  Types t;
  const TypeId u8 = t.add(TypeKind::U8), u64 = t.add(TypeKind::U64), string = t.add(TypeKind::String);
  const TypeId list = t.add(TypeKind::List, {}, string);
  const TypeId fixed = t.add(TypeKind::FixedList, {}, u8, kNoType, 3);
  const TypeId tuple = t.add(TypeKind::Tuple, {{"", u8}, {"", u64}, {"", list}});
  const TypeId option = t.add(TypeKind::Option, {}, u64);
  const TypeId record = t.add(TypeKind::Record, {{"a", u8}, {"long-name", option}, {"c", tuple}});
  EXPECT_EQ(round_trip(t, list, R"(["a", "", "bc"])"), R"(["a", "", "bc"])");
  EXPECT_EQ(round_trip(t, list, "[]"), "[]");
  EXPECT_EQ(round_trip(t, fixed, "[1, 2, 3]"), "[1, 2, 3]");
  EXPECT_TRUE(round_trip(t, fixed, "[1, 2]").starts_with("error"));
  EXPECT_EQ(round_trip(t, tuple, R"((1,2,["x"]))"), R"((1, 2, ["x"]))");
  EXPECT_TRUE(round_trip(t, tuple, "(1, 2)").starts_with("error"));
  // Fields come in any order, optional ones may be left out.
  EXPECT_EQ(round_trip(t, record, R"({c: (1, 2, []), a: 7})"), "{a: 7, long-name: none, c: (1, 2, [])}");
  EXPECT_EQ(round_trip(t, record, R"({a: 7, long-name: some(8), c: (1, 2, [])})"),
            "{a: 7, long-name: some(8), c: (1, 2, [])}");
  EXPECT_TRUE(round_trip(t, record, R"({a: 7})").starts_with("error"));
  EXPECT_TRUE(round_trip(t, record, R"({a: 7, b: 1})").starts_with("error"));
}

TEST(Value, VariantsAndFlags) {
  Types t;
  const TypeId u8 = t.add(TypeKind::U8), f64 = t.add(TypeKind::F64), string = t.add(TypeKind::String);
  const TypeId variant =
      t.add(TypeKind::Variant, {{"none-at-all", kNoType}, {"small", u8}, {"text", string}, {"real", f64}});
  const TypeId enumeration = t.add(TypeKind::Enum, {{"red", kNoType}, {"green", kNoType}});
  const TypeId result = t.add(TypeKind::Result, {}, u8, string);
  const TypeId empty_result = t.add(TypeKind::Result);
  std::vector<NamedType> labels;
  for (int i = 0; i < 20; ++i) labels.push_back({"f" + std::to_string(i), kNoType});
  const TypeId flags = t.add(TypeKind::Flags, labels);
  EXPECT_EQ(round_trip(t, variant, "none-at-all"), "none-at-all");
  EXPECT_EQ(round_trip(t, variant, "small(9)"), "small(9)");
  EXPECT_EQ(round_trip(t, variant, R"(text("x"))"), R"(text("x"))");
  EXPECT_EQ(round_trip(t, variant, "real(0.5)"), "real(0.5)");
  EXPECT_TRUE(round_trip(t, variant, "large(1)").starts_with("error"));
  EXPECT_TRUE(round_trip(t, variant, "small").starts_with("error"));
  EXPECT_EQ(round_trip(t, enumeration, "green"), "green");
  EXPECT_EQ(round_trip(t, result, "ok(3)"), "ok(3)");
  EXPECT_EQ(round_trip(t, result, R"(err("no"))"), R"(err("no"))");
  EXPECT_EQ(round_trip(t, empty_result, "err"), "err");
  EXPECT_EQ(round_trip(t, flags, "{f19, f0}"), "{f0, f19}");
  EXPECT_EQ(round_trip(t, flags, "{}"), "{}");
  EXPECT_TRUE(round_trip(t, flags, "{f20}").starts_with("error"));
}

// The layout is the canonical ABI's with 8-byte pointers.
TEST(Value, HostLayout) {
  Types t;
  const TypeId u8 = t.add(TypeKind::U8), string = t.add(TypeKind::String);
  const TypeId record = t.add(TypeKind::Record, {{"a", u8}, {"b", string}});
  EXPECT_EQ(elem_size(t.all, record, true), 24u);
  std::string_view text = R"({a: 5, b: "abc"})";
  auto value = parse_wave(t.all, record, text);
  ASSERT_TRUE(value.has_value());
  HostArena arena;
  auto* memory = static_cast<uint8_t*>(arena.allocate(24, 8));
  ASSERT_TRUE(store_value(t.all, record, *value, memory, arena).has_value());
  EXPECT_EQ(memory[0], 5);
  const char* pointer = nullptr;
  uint64_t length = 0;
  memcpy(&pointer, memory + 8, 8);
  memcpy(&length, memory + 16, 8);
  EXPECT_EQ(std::string_view(pointer, length), "abc");
}

}  // namespace
}  // namespace wjit
