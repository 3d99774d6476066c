// The component assembler: sugar assembles to the same bytes as what it stands for, encodings of Binary.md byte by
// byte, errors with their places. That whole components validate is shown by the public component suite.
#include "frontend/text_component.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace wjit {
namespace {

Parsed<Bytes> assemble_text(std::string_view text) {
  const TokenList tokens = lex(text);
  Cursor c(tokens);
  return assemble_component(c);
}

std::string hex(std::span<const uint8_t> bytes) {
  std::string out;
  for (const uint8_t b : bytes) out += fmt::format("{}{:02x}", out.empty() ? "" : " ", b);
  return out;
}

// What follows the preamble; "error: …" when it does not assemble.
std::string sections(std::string_view text) {
  const Parsed<Bytes> bytes = assemble_text(text);
  if (!bytes) return fmt::format("error: {}:{} {}", bytes.error().line, bytes.error().column, bytes.error().message);
  return hex(std::span(*bytes).subspan(8));
}

TEST(TextComponent, PreambleIsThatOfAComponent) {
  const Parsed<Bytes> bytes = assemble_text("(component)");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(hex(*bytes), "00 61 73 6d 0d 00 01 00");
}

TEST(TextComponent, Types) {
  EXPECT_EQ(sections("(component (type u8) (type (list string)))"), "07 04 02 7d 70 73");
  EXPECT_EQ(sections("(component (type (record (field \"a\" u8) (field \"b\" bool))))"),
            "07 09 01 72 02 01 61 7d 01 62 7f");
  EXPECT_EQ(sections("(component (type (variant (case \"a\") (case \"b\" u8))))"),
            "07 0c 01 71 02 01 61 00 00 01 62 01 7d 00");
  EXPECT_EQ(sections("(component (type (flags \"a\")) (type (enum \"a\")) (type (tuple u8 s8)))"),
            "07 0d 03 6e 01 01 61 6d 01 01 61 6f 02 7d 7e");
  EXPECT_EQ(sections("(component (type (result)) (type (result u8)) (type (result (error u8))))"),
            "07 0c 03 6a 00 00 6a 01 7d 00 6a 00 01 7d");
  EXPECT_EQ(sections("(component (type (list u8 4)) (type (map u8 char)) (type (stream)) (type (future u8)))"),
            "07 0c 04 67 7d 04 63 7d 74 66 00 65 01 7d");
  EXPECT_EQ(sections("(component (type (resource (rep i32))) (type (own 0)) (type (borrow 0)))"),
            "07 08 03 3f 7f 00 69 00 68 00");
  EXPECT_EQ(sections("(component (type (func async (param \"x\" u8) (result error-context))))"),
            "07 08 01 43 01 01 78 7d 00 64");
  // Value types are s33: index 64 needs a second byte. Indices are not checked here.
  EXPECT_EQ(sections("(component (type (option 64)))"), "07 04 01 6b c0 00");
}

TEST(TextComponent, CoreTypes) {
  EXPECT_EQ(sections("(component (core type (func (param i32))) (core type (sub (func))))"),
            "03 0b 02 60 01 7f 00 00 50 00 60 00 00");
  EXPECT_EQ(sections("(component (core rec (type $a (struct (field (ref $b)))) (type $b (func))))").substr(0, 38),
            "03 0b 01 4e 02 5f 01 64 01 00 60 00 00");
  // A module type: `import` and `export` share the anonymous type.
  EXPECT_EQ(sections("(component (core type (module (import \"a\" \"b\" (func)) (export \"c\" (func)) (export \"m\" "
                     "(memory 1)))))"),
            "03 19 01 50 04 01 60 00 00 00 01 61 01 62 00 00 03 01 63 00 00 03 01 6d 02 00 01");
}

TEST(TextComponent, ImportsAndExports) {
  EXPECT_EQ(sections("(component (import \"r\" (type (sub resource))) (export \"q\" (type 0)))"),
            "0a 06 01 00 01 72 03 01 0b 07 01 00 01 71 03 00 00");
  EXPECT_EQ(sections("(component (import \"a\" (implements \"x:y/z\") (external-id \"e\") (instance (type 0))))"),
            "0a 11 01 02 01 61 02 00 05 78 3a 79 2f 7a 02 01 65 05 00");
  EXPECT_EQ(sections("(component (export \"f\" (func 0) (func (type 1))))"), "0b 09 01 00 01 66 01 00 01 01 01");
}

TEST(TextComponent, CanonicalDefinitions) {
  EXPECT_EQ(sections("(component (canon lift (core func 1) async (callback (core func 2)) string-encoding=utf16 "
                     "(func (type 3))))"),
            "08 0a 01 00 00 01 03 06 07 02 01 03");
  EXPECT_EQ(sections("(component (canon lower (func 1) (memory 2) (realloc 3) (core func)))"),
            "08 09 01 01 00 01 02 03 02 04 03");
  EXPECT_EQ(
      sections("(component (canon task.return (result u8) (memory 0) (core func)) (canon task.return (core func)))"),
      "08 0b 02 09 00 7d 01 03 00 09 01 00 00");
  EXPECT_EQ(
      sections("(component (canon context.get i32 1 (core func)) (canon subtask.cancel async (core func)) "
               "(canon waitable-set.wait (memory 0) (core func)) (canon thread.yield (core func)) "
               "(canon thread.new-indirect 1 (core table 2) (core func)) (canon stream.cancel-read 5 (core func)))"),
      "08 11 06 0a 7f 01 06 01 20 00 00 0c 00 27 01 02 11 05 00");
}

TEST(TextComponent, NameSection) {
  EXPECT_EQ(sections("(component $C (type $t u8))"),
            "07 02 01 7d 00 1a 0e 63 6f 6d 70 6f 6e 65 6e 74 2d 6e 61 6d 65 00 02 01 43 01 05 03 01 00 01 74");
}

struct Sugar {
  const char* sugar;
  const char* plain;
};
const Sugar kSugar[] = {
    // Anonymous types go in front of their use, innermost first.
    {"(component (type (list (option (list u8)))))", "(component (type (list u8)) (type (option 0)) (type (list 1)))"},
    {"(component (import \"f\" (func (param \"a\" (tuple u8)) (result (result)))))",
     "(component (type (tuple u8)) (type (result)) (type (func (param \"a\" 0) (result 1))) (import \"f\" (func (type "
     "2))))"},
    {"(component (import \"i\" (instance (export \"t\" (type $t (sub resource))) (export \"f\" (func (param \"x\" (own "
     "$t)))))))",
     "(component (type (instance (export \"t\" (type (sub resource))) (type (own 0)) (type (func (param \"x\" 1))) "
     "(export \"f\" (func (type 2))))) (import \"i\" (instance (type 0))))"},
    // Inverted forms.
    {"(component (core func (canon lower (func 0) (memory (core memory 1)))))",
     "(component (canon lower (func 0) (memory 1) (core func)))"},
    {"(component (func (type 0) (canon lift (core func 1))))",
     "(component (canon lift (core func 1) (func (type 0))))"},
    {"(component (func (alias export 0 \"f\")) (core memory (alias core export 1 \"m\")) (type (alias outer 0 2)))",
     "(component (alias export 0 \"f\" (func)) (alias core export 1 \"m\" (core memory)) (alias outer 0 2 (type)))"},
    {"(component (func (import \"f\") (type 0)))", "(component (import \"f\" (func (type 0))))"},
    // A nested component that begins with an alias is not an inverted alias.
    {"(component (component (alias export 0 \"c\")))", "(component (alias export 0 \"c\" (component)))"},
    {"(component (component $x (alias outer 1 0 (type)) (type u8)))",
     "(component (component $x (type (alias outer 1 0)) (type u8)))"},
    // Inline aliases.
    {"(component (import \"i\" (instance $i (type 0))) (core func (canon lower (func $i \"a\" \"f\"))))",
     "(component (import \"i\" (instance $i (type 0))) (alias export 0 \"a\" (instance)) (alias export 1 \"f\" (func)) "
     "(canon lower (func 0) (core func)))"},
    {"(component (canon waitable-set.poll (memory (core memory 3 \"m\")) (core func)))",
     "(component (alias core export 3 \"m\" (core memory)) (canon waitable-set.poll (memory 0) (core func)))"},
    {"(component (core instance (instantiate (module 0 \"m\") (with \"a\" (instance (export \"f\" (func 7 \"g\")))))))",
     "(component (alias export 0 \"m\" (core module)) (alias core export 7 \"g\" (core func)) "
     "(core instance (export \"f\" (func 0))) (core instance (instantiate 0 (with \"a\" (instance 0)))))"},
    {"(component (instance (instantiate 3 (with \"a\" (instance (export \"f\" (func 1)))) (with \"b\" (type 2 "
     "\"t\")))))",
     "(component (instance (export \"f\" (func 1))) (alias export 2 \"t\" (type)) "
     "(instance (instantiate 3 (with \"a\" (instance 0)) (with \"b\" (type 0)))))"},
    // Inline exports come last and make new indices then.
    {"(component (type (export \"a\") (export \"b\") u8) (type (list 0)))",
     "(component (type u8) (type (list 0)) (export \"a\" (type 0)) (export \"b\" (type 0)))"},
    // Ids of enclosing components, once for each scope.
    {"(component (type $t u8) (component (component (type (tuple $t $t)))))",
     "(component (type $t u8) (component (component (alias outer 2 0 (type)) (type (tuple 0 0)))))"},
    {"(component (component $c) (component (instance (instantiate $c))))",
     "(component (component $c) (component (alias outer 1 0 (component)) (instance (instantiate 0))))"},
    {"(component (type $t u8) (type (instance (export \"x\" (type (eq $t))))))",
     "(component (type $t u8) (type (instance (alias outer 1 0 (type)) (export \"x\" (type (eq 0))))))"},
    {"(component (core type $f (func)) (core type (module (import \"\" \"f\" (func (type $f))) (import \"\" \"g\" "
     "(func (type $f))))))",
     "(component (core type $f (func)) (core type (module (alias outer 1 0 (type)) (import \"\" \"f\" (func (type 0))) "
     "(import \"\" \"g\" (func (type 0))))))"},
    // The innermost definition of an id counts.
    {"(component (type $t u8) (component (type $t s8) (component (type (list $t)))))",
     "(component (type $t u8) (component (type $t s8) (component (alias outer 1 0 (type)) (type (list 0)))))"},
    {"(component $A (type $t u8) (component $B (alias outer $A $t (type)) (alias outer $B 0 (type))))",
     "(component $A (type $t u8) (component $B (alias outer 1 0 (type)) (alias outer 0 0 (type))))"},
    {"(component quote \"(type u8)\" \" (type (list 0))\")", "(component (type u8) (type (list 0)))"},
    {"(component (component binary \"\\00asm\" \"\\0d\\00\\01\\00\"))", "(component (component))"},
};

TEST(TextComponent, SugarIsWhatItStandsFor) {
  for (const Sugar& s : kSugar) {
    const std::string plain = sections(s.plain);
    EXPECT_FALSE(plain.starts_with("error")) << s.plain << '\n' << plain;
    EXPECT_EQ(sections(s.sugar), plain) << s.sugar;
  }
}

struct Wrong {
  const char* text;
  uint32_t line, column;
  const char* message;  // a part of it
};
const Wrong kWrong[] = {
    {"(component\n  (type (list $t)))", 2, 15, "unknown type $t"},
    {"(component (type (list $t)) (type $t u8))", 1, 24, "unknown type $t"},
    {"(component (type $t u8)\n(type $t u8))", 2, 7, "duplicate type identifier $t"},
    {"(component (import \"f\" (func $f (type 0))) (component (export \"g\" (func $f))))", 1, 73, "outer item `f`"},
    {"(component (type (list)))", 1, 23, "unexpected token"},
    {"(component (type (list u8)", 1, 27, "unexpected"},
    {"(component (frob))", 1, 12, "unexpected token"},
    {"(component (import \"a\" (external-id \"x\") (external-id \"y\") (func)))", 1, 42, "unexpected token"},
    {"(component (import \"a\" (memory 1)))", 1, 24, "unexpected token"},
    {"(component (alias outer $X 0 (type)))", 1, 25, "unknown component $X"},
    {"(component (alias export 0 \"m\" (core memory)))", 1, 44, "cannot be aliased as core memory"},
    {"(component (canon resource.new $r (core func)))", 1, 32, "unknown type $r"},
    {"(component (core func (canon lift (core func 0))))", 1, 30, "unexpected token"},
    {"(component (type (func (result u8) (result u8))))", 1, 36, "unexpected token"},
    {"(component (core func (canon thread.yield cancellable)))", 1, 43, "unexpected token"},
    {"(component (import \"\\ff\" (func)))", 1, 20, "UTF-8"},
};

TEST(TextComponent, ErrorsHaveTheirPlace) {
  for (const Wrong& w : kWrong) {
    const Parsed<Bytes> bytes = assemble_text(w.text);
    ASSERT_FALSE(bytes) << w.text;
    EXPECT_NE(bytes.error().message.find(w.message), std::string::npos) << w.text << '\n' << bytes.error().message;
    EXPECT_EQ(bytes.error().line, w.line) << w.text << '\n' << bytes.error().message;
    EXPECT_EQ(bytes.error().column, w.column) << w.text << '\n' << bytes.error().message;
    EXPECT_EQ(bytes.error().fault, InputFault::Malformed) << w.text;
  }
}

// A literal's bytes are the same as if they had been written.
TEST(TextComponent, LiteralsOfCompoundTypes) {
  struct Literal {
    std::string_view type, text, bytes;
  };
  const Literal kLiterals[] = {
      {"bool", "false", R"("\00")"},
      {"s16", "-2", R"("\7e")"},
      {"u64", "300", R"("\ac\02")"},
      {"f32", "nan", R"("\00\00\c0\7f")"},
      {"f64", "-inf", R"("\00\00\00\00\00\00\f0\ff")"},
      {"char", R"('\'')", R"("'")"},
      {"char", "'\u{20ac}'", R"("\e2\82\ac")"},
      {"char", "'\xe2\x82\xac'", R"("\e2\82\ac")"},
      {"string", R"("a\00")", R"("\02a\00")"},
      {"(tuple u8 (list s8))", "(tuple 255 (list -1 1))", R"("\ff\02\ff\01")"},
      {"(list u8 3)", "(list 1 2 3)", R"("\01\02\03")"},
      {"(record (field \"a\" u8) (field \"b\" char))", "(record 1 ';') ;; a comment", R"("\01;")"},
      {"(variant (case \"a\") (case \"b\" u8))", R"((variant "b" 3))", R"("\01\03")"},
      {"(enum \"a\" \"b\")", R"((enum "b"))", R"("\01")"},
      {R"((flags "a" "b" "c" "d" "e" "f" "g" "h" "i"))", R"((flags "i" "a"))", R"("\01\01")"},
      {"(option (option u8))", "(some none)", R"("\01\00")"},
      {"(result u8 (error string))", R"((error "x"))", R"("\01\01x")"},
      {"(result (error u8))", "ok", R"("\00")"},
      {"(map string u8)", R"((list (tuple "k" 1)))", R"("\01\01k\01")"},
  };
  for (const Literal& literal : kLiterals) {
    const auto component = [&](std::string_view value) {
      return assemble_text(
          fmt::format("(component (component (type $t {})\n(value $a $t {}\n) (value $b (type $t) {}\n)))",
                      literal.type, value, value));
    };
    const Parsed<Bytes> text = component(literal.text);
    const Parsed<Bytes> bytes = component(fmt::format("(binary {})", literal.bytes));
    ASSERT_TRUE(text) << literal.text << ": " << text.error().to_string();
    ASSERT_TRUE(bytes) << literal.text << ": " << bytes.error().to_string();
    EXPECT_EQ(*text, *bytes) << literal.text;
  }
}

TEST(TextComponent, LiteralsMustFitTheirTypes) {
  const std::pair<std::string_view, std::string_view> kUnfit[] = {
      {"(value u8 true)", "expected a value of type u8"},
      {"(value f32 nan:0x1)", "expected a value of type f32"},
      {"(value f64 -nan)", "expected a value of type f64"},
      {"(value (list u8 2) (list 1))", "expected a value of type u8"},
      {"(value (list u8 2) (list 1 2 3))", "expected a value of type list<u8, 2>"},
      {"(value (flags \"a\") (flags \"b\"))", "has no `b`"},
      {"(value (variant (case \"a\")) (variant \"a\" 1))", "expected a value of type"},
      {"(value (option u8) some)", "expected a value of type option<u8>"},
      {"(value (stream u8) 1)", "there are no values of type stream<u8>"},
      // What is wrong before it is found first.
      {"(value (tuple u8) (tuple 1)) (type (list 7)) (value (tuple u8) (tuple 2))", "unknown type 7"},
  };
  for (const auto& [text, message] : kUnfit) {
    const Parsed<Bytes> bytes = assemble_text(fmt::format("(component {})", text));
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().fault, InputFault::Invalid) << text;
    EXPECT_NE(bytes.error().message.find(message), std::string::npos) << text << '\n' << bytes.error().message;
  }
  EXPECT_FALSE(assemble_text("(component (value u8))"));
  EXPECT_FALSE(assemble_text("(component (value char ''))"));
}

TEST(TextComponent, DepthIsLimited) {
  for (const std::string_view level : {"(component ", "(type (component ", "(type (list "}) {
    std::string text = level == "(component " ? "" : "(component ";
    for (int i = 0; i < 20000; ++i) text += level;
    EXPECT_FALSE(assemble_text(text)) << level;
    const auto parens = std::count(text.begin(), text.end(), '(');
    text.append(static_cast<size_t>(parens), ')');
    EXPECT_FALSE(assemble_text(text)) << level;
  }
}

// No beginning of a component is one, and none brings the assembler down.
TEST(TextComponent, TruncatedTextFails) {
  const std::string text =
      "(component $C (core module $m (func (export \"f\")))(core instance $i (instantiate $m (with \"x\" (instance $q "
      "\"z\"))))"
      "(type $t (func async (param \"a\" (list u8 3)) (result (result u8 (error string)))))"
      "(import \"i\" (implements \"a:b/c\") (instance $j (export \"t\" (type $r (sub resource))) (alias outer $C $t "
      "(type))))"
      "(func $f (export \"f\") (type $t) (canon lift (core func $i \"f\") async (memory $i \"m\") "
      "string-encoding=utf8))"
      "(component $D (type (component (import \"x\" (func (type $t))))) (instance (instantiate $D)))"
      "(core type (module (type $q (func)) (import \"\" \"\" (func (type $q)))))(export $e \"g\" (func $f) (func (type "
      "$t))))";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(assemble_text(std::string_view(text).substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace wjit
