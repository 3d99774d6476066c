// Covers frontend/wast.h.
#include "frontend/wast.h"

#include <gtest/gtest.h>

using namespace wjit;
using namespace wjit::wast;

namespace {

using Kind = Command::Kind;

std::vector<Command> parse(std::string_view text) {
  Parsed<std::vector<Command>> commands = parse_script(text);
  if (!commands) {
    ADD_FAILURE() << commands.error().to_string();
    return {};
  }
  return std::move(*commands);
}

// The one value that an assertion expects.
Value expected(std::string_view value, bool of_component = false) {
  auto commands =
      parse(fmt::format("{} (assert_return (invoke \"f\") {})", of_component ? "(component)" : "(module)", value));
  if (commands.size() != 2 || commands[1].expected.size() != 1) {
    ADD_FAILURE() << value;
    return {};
  }
  return commands[1].expected[0];
}

TEST(Wast, CommandsAndLines) {
  auto commands = parse(R"(
    (module $M (func (export "f")))
    (module definition $D)
    (module instance $I $D)
    (register "m" $M)
    (invoke $M "f" (i32.const 1))
    (assert_return (get $M "g") (i64.const -1))
    (assert_trap (invoke "f") "unreachable")
    (assert_trap (module (func $s unreachable) (start $s)) "unreachable")
    (assert_exhaustion (invoke "f") "call stack exhausted")
    (assert_exception (invoke "f"))
    (assert_invalid (module (func (result i32))) "type mismatch")
    (assert_malformed (module quote "(func") "unexpected end")
    (assert_unlinkable (module (import "a" "b" (func))) "unknown import")
    (thread $T (module))
    (input "file"))");
  Kind kinds[] = {Kind::Definition,       Kind::Definition,      Kind::Instance,      Kind::Register,
                  Kind::Action,           Kind::AssertReturn,    Kind::AssertTrap,    Kind::AssertUninstantiable,
                  Kind::AssertExhaustion, Kind::AssertException, Kind::AssertInvalid, Kind::AssertMalformed,
                  Kind::AssertUnlinkable, Kind::Unsupported,     Kind::Unsupported};
  ASSERT_EQ(commands.size(), std::size(kinds));
  for (size_t i = 0; i < commands.size(); ++i) {
    EXPECT_EQ(commands[i].kind, kinds[i]) << i;
    EXPECT_EQ(commands[i].line, i + 2);
  }
  EXPECT_EQ(commands[0].definition.id, "$M");
  EXPECT_TRUE(commands[1].definition.is_definition);
  EXPECT_EQ(commands[2].name, "$I");
  EXPECT_EQ(commands[2].module_id, "$D");
  EXPECT_EQ(commands[3].name, "m");
  EXPECT_EQ(commands[3].module_id, "$M");
  EXPECT_EQ(commands[4].action.module, "$M");
  EXPECT_EQ(commands[4].action.args.at(0).bits, 1u);
  EXPECT_EQ(commands[5].action.kind, Action::Kind::Get);
  EXPECT_EQ(commands[7].message, "unreachable");
  EXPECT_TRUE(commands[11].definition.is_quote);
  EXPECT_FALSE(commands[11].definition.bytes);
}

TEST(Wast, AMalformedModuleDoesNotEndTheScript) {
  auto commands = parse("(module (func \"\\x\"))\n(module)\n(assert_malformed (module (nonsense)) \"x\")");
  ASSERT_EQ(commands.size(), 3u);
  ASSERT_FALSE(commands[0].definition.bytes);
  EXPECT_EQ(commands[0].definition.bytes.error().message, "illegal escape");
  EXPECT_TRUE(commands[1].definition.bytes);
  EXPECT_EQ(commands[2].definition.bytes.error().fault, InputFault::Malformed);
}

TEST(Wast, WhatIsNoScriptIsAnError) {
  EXPECT_FALSE(parse_script("(module"));
  EXPECT_FALSE(parse_script("(module) )"));
  EXPECT_FALSE(parse_script("(register)"));
  EXPECT_FALSE(parse_script("(assert_return (invoke \"f\" (i32.const x)))"));
  EXPECT_EQ(parse_script("(module)\n(assert_trap (invoke \"f\"))").error().line, 2u);
}

TEST(Wast, BareFieldsAreOneModule) {
  auto commands = parse("(func) (memory 0)");
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_TRUE(commands[0].definition.bytes);
}

TEST(Wast, CoreValuesAndPatterns) {
  EXPECT_EQ(expected("(i32.const -1)").bits, 0xFFFFFFFFu);
  EXPECT_EQ(expected("(f32.const 1)").kind, Value::Kind::F32);
  EXPECT_EQ(expected("(f64.const nan:arithmetic)").nan, Value::Nan::Arithmetic);
  EXPECT_EQ(expected("(ref.extern 7)").bits, 7u);
  EXPECT_TRUE(expected("(ref.func)").any);
  EXPECT_TRUE(expected("(ref.null)").any);
  EXPECT_EQ(expected("(ref.null nofunc)").heap, heap::NoFunc);
  Value lanes = expected("(v128.const f32x4 1 nan:canonical 0 -0)");
  EXPECT_TRUE(lanes.lane_float);
  EXPECT_EQ(lanes.lane_bits, 32);
  EXPECT_EQ(lanes.bits, 0x3F800000u);
  EXPECT_EQ(lanes.high, 0x8000000000000000u);
  EXPECT_EQ(lanes.lane_nans.at(1), Value::Nan::Canonical);
  EXPECT_EQ(expected("(v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 255)").high, 0xFF0E0D0C0B0A0908u);
  Value either = expected("(either (i32.const 1) (i32.const 2))");
  EXPECT_EQ(either.kind, Value::Kind::Either);
  EXPECT_EQ(either.children.size(), 2u);
}

TEST(Wast, ComponentValues) {
  EXPECT_EQ(expected("(f32.const 1)", true).kind, Value::Kind::CF32);
  EXPECT_EQ(expected("(s8.const -1)", true).bits, UINT64_MAX);
  EXPECT_EQ(expected("(char.const \"\\u{26f3}\")", true).bits, 0x26F3u);
  Value record = expected("(record.const (field \"a\" u32.const 1) (field \"b\" list.const (f64.const 2)))", true);
  ASSERT_EQ(record.children.size(), 2u);
  EXPECT_EQ(record.labels.at(1), "b");
  EXPECT_EQ(record.children[1].kind, Value::Kind::List);
  EXPECT_EQ(record.children[1].children.at(0).kind, Value::Kind::CF64);
  Value result = expected("(result.err (str.const \"no\"))", true);
  EXPECT_EQ(result.bits, 1u);
  EXPECT_EQ(result.children.at(0).text, "no");
  EXPECT_EQ(expected("(option.none)", true).bits, 0u);
  EXPECT_EQ(expected("(flags.const \"a\" \"b\")", true).labels.size(), 2u);
  EXPECT_EQ(expected("(variant.const \"x\" (bool.const true))", true).children.at(0).bits, 1u);
  EXPECT_FALSE(parse_script("(invoke \"f\" (s8.const 128))"));
  EXPECT_FALSE(parse_script("(invoke \"f\" (char.const \"ab\"))"));
}

TEST(Wast, DeepValuesDoNotExhaustTheStack) {
  std::string text = "(invoke \"f\" ";
  for (int i = 0; i < 100'000; ++i) text += "(list.const ";
  text.append(100'001, ')');
  EXPECT_FALSE(parse_script(text));
}

}  // namespace
