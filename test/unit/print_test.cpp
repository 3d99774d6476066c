// Text out and in again: the same bytes. Modules and components are assembled, printed and assembled again; binaries
// that no text gives are written by hand. Every module and component of the public suites goes the same way (skipped
// where the suites are absent).
#include "frontend/print.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "frontend/name_section.h"
#include "frontend/text.h"
#include "frontend/wast.h"

namespace wjit {
namespace {

Bytes binary(std::string_view text) {
  Parsed<Bytes> bytes = assemble(text);
  if (!bytes) ADD_FAILURE() << bytes.error().to_string() << "\n" << text.substr(0, 4000);
  return bytes ? std::move(*bytes) : Bytes();
}

std::string printed(const Bytes& bytes) {
  Parsed<std::string> text = print_text(bytes, {.exact = true});
  return text ? std::move(*text) : text.error().to_string();
}

// The text, which must give `bytes` again.
std::string round_trip(const Bytes& bytes) {
  std::string text = printed(bytes);
  EXPECT_EQ(binary(text), bytes) << text.substr(0, 4000);
  return text;
}
std::string round_trip(std::string_view text) { return round_trip(binary(text)); }

Bytes raw(std::initializer_list<int> bytes) {
  Bytes out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (int b : bytes) out.push_back(static_cast<uint8_t>(b));
  return out;
}

TEST(Print, ValuesAndThreads) {
  const std::string threads = round_trip(R"((component
    (core type $start (func (param i32)))
    (core module $m (table (export "t") 1 funcref))
    (core instance $i (instantiate $m))
    (core func (canon thread.spawn-ref $start))
    (core func (canon thread.spawn-indirect shared $start (core table $i "t")))
    (core func (canon thread.available-parallelism shared))))");
  for (const char* line : {"(canon thread.spawn-ref $start)", "(canon thread.spawn-indirect shared $start (core table ",
                           "(canon thread.available-parallelism shared)"}) {
    EXPECT_NE(threads.find(line), std::string::npos) << threads;
  }
  const std::string values = round_trip(R"((component
    (import "f" (func $f (param "a" u8) (param "b" (tuple char string)) (result u8)))
    (import "v" (value $v u8))
    (value $w (tuple char string) (tuple '\"' "x\00"))
    (start $f (value $v) (value $w) (result (value $r)))
    (export "r" (value $r))))");
  EXPECT_NE(values.find("(start $f (value $v) (value $w) (result (value $r"), std::string::npos) << values;
}

TEST(Print, Module) {
  EXPECT_EQ(round_trip(R"((module $m
    (type $t (func (param i32 i64) (result f32)))
    (import "a" "f\22\n\c3\a4" (func $imported (type $t)))
    (memory $mem 1 2)
    (table $tab i64 1 funcref)
    (global $g (mut i32) (i32.const -1))
    (export "go" (func $f))
    (start $s)
    (elem $e (i64.const 0) func $f)
    (elem declare funcref (ref.null func) (ref.func $f))
    (func $f (type $t) (param $x i32) (param i64) (result f32) (local $y v128) (local i32 i32 i64)
      block $l (result i32)
        loop
          local.get $x
          br_if $l
          br 0
        end
        i32.load offset=4 align=2
      end
      drop
      f32.const 0x1.8p1)
    (func $s)
    (data $d (i32.const 8) "x\00\ff\22")))"),
            R"((module $m
  (type $t (;0;) (func (param i32 i64) (result f32)))
  (type (;1;) (func))
  (import "a" "f\"\nä" (func $imported (;0;) (type $t) (param i32 i64) (result f32)))
  (table $tab (;0;) i64 1 funcref)
  (memory $mem (;0;) 1 2)
  (global $g (;0;) (mut i32) i32.const -1)
  (export "go" (func $f))
  (start $s)
  (elem $e (;0;) (i64.const 0) func $f)
  (elem (;1;) declare funcref (ref.null func) (ref.func $f))
  (func $f (;1;) (type $t) (param $x i32) (param i64) (result f32)
    (local $y v128) (local i32 i32 i64)
    block $l (result i32)
      loop
        local.get $x
        br_if $l
        br 0
      end
      i32.load offset=4 align=2
    end
    drop
    f32.const 3
  )
  (func $s (;2;) (type 1)
  )
  (data $d (;0;) (i32.const 8) "x\00\ff\"")
)
)");
}

TEST(Print, Names) {
  // Twice the same, empty, odd characters; of everything that can have a name.
  const std::string text = round_trip(R"((module $"my module" (@name "own")
    (rec (type $s (struct (field $a i8) (field $"b c" (mut i32)))) (type $r (array (ref null $s))))
    (type $tt (func (param i32)))
    (tag $tag (type $tt))
    (func $x (@name "f") (param $p i32) (param $q (@name "p") i32))
    (func $y (@name "f") (local $"#local2 p" i32) (local $l i64) block $b block $c (@name "b") br $c end end)
    (func $z (@name ""))
    (func (@name "no id"))
    (table $t 0 funcref) (memory $m 0) (global $g i32 (i32.const 0)) (elem $e func) (data $d "")))");
  EXPECT_NE(text.find("(module $own\n"), std::string::npos) << text;
  EXPECT_NE(text.find("(func $f (;0;)"), std::string::npos) << text;
  EXPECT_NE(text.find("(func $\"#func1 f\" (@name \"f\") (;1;)"), std::string::npos) << text;
  EXPECT_NE(text.find("(func $#func2 (@name \"\") (;2;)"), std::string::npos) << text;
  EXPECT_NE(text.find("(field $\"b c\" (mut i32))"), std::string::npos) << text;
  EXPECT_NE(text.find("block $\"#label1 b\" (@name \"b\")"), std::string::npos) << text;
  EXPECT_EQ(text.find("@custom"), std::string::npos) << text;
}

TEST(Print, NameSectionsThatIdsCannotSay) {
  // Of a function that is not there; out of order; in front of the type section; of an imported function's parameter.
  for (const char* text : {R"((module (@custom "name" "\01\04\01\05\01x")))",
                           R"((module (func) (func) (@custom "name" "\01\07\02\01\01x\00\01y")))",
                           R"((module (@custom "name" (before first) "\01\04\01\00\01x") (func)))",
                           R"((module (import "" "" (func (param i32))) (@custom "name" "\02\06\01\00\01\00\01x")))",
                           R"((module (@custom "name")))", R"((module (@custom "name" "\ff")))"}) {
    EXPECT_NE(round_trip(text).find("(@custom \"name\""), std::string::npos) << text;
  }
}

TEST(Print, CustomSections) {
  const char* text = R"((module
  (@custom "a" (before first) "1")
  (type (;0;) (func))
  (@custom "b" (after type) "\00")
  (@custom "b" (after type) "")
  (func $f (;0;) (type 0)
  )
  (@custom "c" (after code) "2")
  (@custom "d" "3")
  (@custom "e" "4")
)
)";
  EXPECT_EQ(round_trip(text), text);
  EXPECT_EQ(binary("(module (@custom \"x\" (after data) \"1\" \"2\") (memory 1))"),
            binary("(module (memory 1) (@custom \"x\" \"12\"))"));
  for (const char* bad : {"(func (@custom \"x\"))", "(@custom)", "(@custom \"x\" (after types))", "(@leb x)",
                          "(func (drop (i32.const (@leb 6) 1)))", "(@section nothing)"}) {
    EXPECT_EQ(assemble(bad).has_value(), std::string_view(bad) == "(@leb x)") << bad;
  }
}

TEST(Print, EncodingsThatTextHasNoWordsFor) {
  // Padded numbers as linkers leave them: call, i32.const, offset, call_indirect's type and table.
  Bytes code = raw({1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 4, 4, 1, 0x70, 0, 0, 5, 3, 1, 0, 0});
  const std::initializer_list<int> body = {0,                                               // locals
                                           0x10, 0x80, 0x80, 0x80, 0x80, 0x00,              // call
                                           0x41, 0x80, 0x88, 0x80, 0x80, 0x00,              // i32.const
                                           0x28, 0x02, 0x84, 0x80, 0x80, 0x80, 0x00, 0x1A,  // i32.load, drop
                                           0x41, 0x7F, 0x1A,                                // -1
                                           0x41, 0xFF, 0x7F, 0x1A,                          // -1 in two bytes
                                           0x41, 0x00, 0x11, 0x80, 0x80, 0x80, 0x80, 0x00,  // call_indirect
                                           0x80, 0x80, 0x80, 0x80, 0x00, 0x0B};
  for (size_t b : {size_t{10}, body.size() + 2, size_t{1}, body.size()}) code.push_back(static_cast<uint8_t>(b));
  for (int b : body) code.push_back(static_cast<uint8_t>(b));
  const std::string text = round_trip(code);
  for (const char* line :
       {"call (@leb 5) 0\n", "i32.const (@leb 5) 1024\n", "i32.load (@leb 5) offset=4\n", "i32.const -1\n",
        "i32.const (@leb 2) -1\n", "call_indirect (@leb 5) 0 (type (@leb 5) 0)\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  const auto plain = print_text(code, {});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->find("@leb"), std::string::npos);
  // Empty sections, a data count that nobody needs, explicit zero indices, a recursion group of one.
  round_trip(raw({1, 1, 0, 5, 1, 0, 12, 1, 0, 11, 1, 0}));
  round_trip(raw({1, 5, 1, 0x4E, 1, 0x5F, 0}));
  round_trip(
      raw({4, 4, 1, 0x70, 0, 0, 5, 3, 1, 0, 0, 9, 8, 1, 2, 0, 0x41, 0, 0x0B, 0, 0, 11, 7, 1, 2, 0, 0x41, 0, 0x0B, 0}));
}

TEST(Print, NumbersAndVectors) {
  const std::string text = round_trip(R"((func (result v128)
    (f32.const nan) drop (f32.const -nan:0x200000) drop (f64.const nan:0x1) drop (f64.const -inf) drop
    (f64.const -0) drop (f64.const 5e-324) drop (f32.const 3.4028234e38) drop (f32.const 0.1) drop (f64.const 1e16) drop
    (i64.const -9223372036854775808) drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.const i64x2 1 -1)
    (v128.const f32x4 1 2 3 nan)))
    (memory 1) (memory 1)
    (func (param i32 v128) (v128.load8_lane 1 offset=0 3 (local.get 0) (local.get 1)) drop
      (v128.load8_lane 3 (local.get 0) (local.get 1)) drop (memory.copy 1 0 (local.get 0) (local.get 0) (local.get 0))
      (i32.load 1 (local.get 0)) drop))");
  for (const char* word : {"f32.const nan\n", "-nan:0x200000", "f64.const nan:0x1\n", "-inf", "-0\n", "5e-324", "0.1\n",
                           "1e+16", "v128.load8_lane 1 offset=0 3\n", "v128.load8_lane 3\n", "memory.copy 1 0\n"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  }
}

TEST(Print, Values) {
  const std::string text = round_trip(R"((component
    (import "f" (func $f (param "s" string) (result u8)))
    (type $t (tuple u8 string))
    (value $v $t (binary "\01\02hi"))
    (value $s string "x")
    (start $f (value $s) (result (value $r)))
    (export "v" (value $v))
    (export "r" (value $r))
  ))");
  EXPECT_NE(text.find("(binary \"\\01\\02hi\")"), std::string::npos) << text;
}

TEST(Print, Component) {
  EXPECT_EQ(round_trip(R"((component $c
    (core module $main (@own-name "main.wasm") (func $f (export "f")))
    (core module $twice (@name "main") (@own-name) (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
    (@custom "between" "x")
    (core instance $i (instantiate $main))
    (core instance $j (instantiate $twice (with "x" (instance $i))))
    (type $r (resource (rep i32)))
    (type $ft (func async (param "x" (list u8 4)) (result (result (error string)))))
    (@section)
    (type $it (instance (export "t" (type $t (sub resource))) (export "f" (func (param "t" (borrow $t))))
      (alias outer $c $r (type $o)) (type (tuple u8 (map string u32)))))
    (import "a:b/c@1" (versionsuffix ".2.3") (instance $imp (type $it)))
    (alias export $imp "t" (type $at))
    (@section core type)
    (core func $drop (canon resource.drop $at))
    (alias core export $i "f" (core func $cf))
    (alias core export $j "m" (core memory $mem))
    (alias core export $j "r" (core func $realloc))
    (func $g (canon lift (core func $cf)))
    (core func (canon waitable-set.wait (memory $mem)))
    (core func (canon task.return (result $at) string-encoding=utf16 (memory $mem)))
    (core func (canon lower (func $g) async (memory $mem) (realloc $realloc)))
    (core func (canon context.get i32 0))
    (core func (canon subtask.cancel async))
    (component $inner (@own-name "y") (type $a u32))
    (instance $n (instantiate $inner (with "x" (func $g)) (with "m" (core module $main))))
    (core type $ct (func (param i32)))
    (core type (module (alias outer 1 0 (type $z)) (import "a" "b" (func (type $z))) (export "m" (memory 1))))
    (export $e "g" (func $g))
    (@custom "producers" (after last) "p")))"),
            R"((component $c
  (core module $main (;0;) (@own-name "main.wasm")
    (type (;0;) (func))
    (export "f" (func $f))
    (func $f (;0;) (type 0)
    )
  )
  (core module $"#core module1 main" (@name "main") (;1;) (@own-name)
    (type (;0;) (func (param i32 i32 i32 i32) (result i32)))
    (memory (;0;) 1)
    (export "m" (memory 0))
    (export "r" (func 0))
    (func (;0;) (type 0) (param i32 i32 i32 i32) (result i32)
      unreachable
    )
  )
  (@custom "between" "x")
  (core instance $i (;0;) (instantiate $main))
  (core instance $j (;1;) (instantiate $"#core module1 main" (with "x" (instance $i))))
  (type $r (;0;) (resource (rep i32)))
  (type (;1;) (list u8 4))
  (type (;2;) (result (error string)))
  (type $ft (;3;) (func async (param "x" 1) (result 2)))
  (@section)
  (type $it (;4;)
    (instance
      (export "t" (type (;0;) (sub resource)))
      (type (;1;) (borrow 0))
      (type (;2;) (func (param "t" 1)))
      (export "f" (func (;0;) (type 2)))
      (alias outer 1 0 (type (;3;)))
      (type (;4;) (map string u32))
      (type (;5;) (tuple u8 4))
    )
  )
  (import "a:b/c@1" (versionsuffix ".2.3") (instance $imp (;0;) (type $it)))
  (alias export $imp "t" (type $at (;5;)))
  (@section core type)
  (core func $drop (;0;) (canon resource.drop $at))
  (alias core export $i "f" (core func $cf (;1;)))
  (alias core export $j "m" (core memory $mem (;0;)))
  (alias core export $j "r" (core func $realloc (;2;)))
  (type (;6;) (func))
  (func $g (;0;) (type 6) (canon lift (core func $cf)))
  (core func (;3;) (canon waitable-set.wait (memory $mem)))
  (core func (;4;) (canon task.return (result $at) string-encoding=utf16 (memory $mem)))
  (core func (;5;) (canon lower (func $g) async (memory $mem) (realloc $realloc)))
  (core func (;6;) (canon context.get i32 0))
  (core func (;7;) (canon subtask.cancel async))
  (component $inner (;0;) (@own-name "y")
    (type $a (;0;) u32)
  )
  (instance $n (;1;) (instantiate $inner (with "x" (func $g)) (with "m" (core module $main))))
  (core type $ct (;0;) (func (param i32)))
  (core type (;1;)
    (module
      (alias outer 1 0 (type (;0;)))
      (import "a" "b" (func (type 0)))
      (export "m" (memory 1))
    )
  )
  (export $e (;1;) "g" (func $g))
  (@custom "producers" (after last) "p")
)
)");
}

// --- the public suites ---

std::string read(const std::filesystem::path& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(Print, PublicSuites) {
  const std::filesystem::path suites = "../shared/spec";
  if (!std::filesystem::is_directory(suites)) GTEST_SKIP() << suites << " is absent";
  size_t same = 0, equal = 0, refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(suites)) {
    if (entry.path().extension() != ".wast" || entry.path().string().find("/proposals/") != std::string::npos) continue;
    const std::string script = read(entry.path());
    const auto commands = wast::parse_script(script);
    if (!commands) continue;
    for (const wast::Command& command : *commands) {
      if (!command.definition.bytes) continue;
      const Bytes& bytes = *command.definition.bytes;
      const std::string where = entry.path().string() + ":" + std::to_string(command.line);
      const bool is_valid = command.kind == wast::Command::Kind::Definition;
      // What cannot be read is refused, and the text format has no words for some of what is wrong.
      const Parsed<std::string> text = print_text(bytes, {.exact = true});
      if (!text && is_valid && text.error().fault != InputFault::Unsupported) {
        // One component of binary.wast has `cancellable` (component-model#716).
        EXPECT_TRUE(where.find("binary.wast") != std::string::npos && ++refused == 1)
            << where << ": " << text.error().to_string();
      }
      if (!text) continue;
      const Parsed<Bytes> again = assemble(*text);
      if (is_valid) ASSERT_TRUE(again) << where << ": " << again.error().to_string() << "\n" << *text;
      if (!again || !is_valid) continue;
      ++(*again == bytes ? same : equal);
      if (*again != bytes) EXPECT_EQ(printed(*again), *text) << where;
    }
  }
  // Sizes with padding, adjacent locals of one type: written by hand in binary.wast and its like.
  EXPECT_LE(equal, 30u);
  EXPECT_GT(same, 2000u);
}

}  // namespace
}  // namespace wjit
