// Components as WIT text, modules as a list.
#include "frontend/wit_printer.h"

#include <gtest/gtest.h>

#include "frontend/decoder.h"
#include "frontend/text.h"
#include "frontend/wit_docs.h"

namespace wjit {
namespace {

std::string wit(std::string_view text) {
  Parsed<Bytes> bytes = assemble(text);
  if (!bytes) return bytes.error().to_string();
  auto component = decode_component(std::make_shared<const Bytes>(std::move(*bytes)));
  return component ? print_wit(**component) : component.error().to_string();
}

TEST(WitPrinter, InterfacesTypesAndUses) {
  EXPECT_EQ(wit(R"((component
    (import "a:b/types@1.0.0" (instance $types
      (export "thing" (type $thing (sub resource)))
      (type $e (enum "x" "y"))
      (export "code" (type $code (eq $e)))
      (export "[constructor]thing" (func (param "n" u32) (result (own $thing))))
      (export "[method]thing.get" (func async (param "self" (borrow $thing)) (result (result (list u8) (error $code)))))
      (export "[static]thing.all" (func (result (list (own $thing)))))))
    (alias export $types "thing" (type $thing))
    (alias export $types "code" (type $code))
    (import "a:c/user" (instance
      (export "thing" (type $t (eq $thing)))
      (export "error" (type $er (eq $code)))
      (export "f" (func (param "type" (borrow $t)) (result (tuple $er (stream u8) (future)))))))
    (import "g" (func $g (param "x" (option string))))
    (export "g" (func $g))))"),
            R"(package root:component;

world root {
  import a:b/types@1.0.0;
  import a:c/user;
  import g: func(x: option<string>);

  export g: func(x: option<string>);
}
package a:b@1.0.0 {
  interface types {
    resource thing {
      constructor(n: u32);
      get: async func() -> result<list<u8>, code>;
      all: static func() -> list<thing>;
    }

    enum code {
      x,
      y,
    }
  }
}


package a:c {
  interface user {
    use a:b/types@1.0.0.{thing, code as error};

    f: func(%type: borrow<thing>) -> tuple<error, stream<u8>, future>;
  }
}
)");
}

TEST(WitPrinter, InterfacesInTheWorld) {
  EXPECT_EQ(wit(R"((component
    (type $r (record (field "a" u8) (field "b" (list string 3))))
    (import "rec" (type $rec (eq $r)))
    (import "local" (instance (export "h" (func (result u64)))))
    (import "m" (core module))
    (import "f" (func (param "r" $rec)))))"),
            R"(package root:component;

world root {
  import local: interface {
    h: func() -> u64;
  }
  // import m: core module

  record rec {
    a: u8,
    b: list<string, 3>,
  }
  import f: func(r: rec);
}
)");
}

// A package in binary, whose documentation is a custom section.
TEST(WitPrinter, PackageWithDocumentation) {
  EXPECT_EQ(wit(R"((component
    (@custom "package-docs" "\01{\"docs\": \"All of it.\", \"interfaces\": {\"i\": {\"docs\": \"Two\\nlines \\u00e9.\","
      "\"funcs\": {\"f\": {\"docs\": \"Does.\", \"stability\": {\"unstable\": {\"feature\": \"new\"}}}},"
      "\"types\": {\"r\": {\"items\": {\"a\": \"A field.\"}, \"stability\": {\"stable\": {\"since\": \"1.0.0\","
      "\"deprecated\": \"1.1.0\"}}}}}},"
      "\"worlds\": {\"w\": {\"interface_import_docs\": {\"a:%b/i@1.0.0\": 1, \"a:use/i@1.0.0\": \"Import.\"},"
      "\"interface_import_stability\": {\"a:use/i@1.0.0\": {\"stable\": {\"since\": \"1.0.0\"}}},"
      "\"types\": {\"s\": {\"stability\": {\"stable\": {\"since\": \"1.0.1\"}}}}}}, \"more\": [1, true, null, {}]}")
    (type $i (component
      (export "a:use/i@1.0.0" (instance
        (export "q" (external-id "it's") (type $q (sub resource)))
        (type $own (own $q))
        (export "t" (type (eq $own)))
        (type $s' (list u8)) (export "s" (type $s (eq $s')))
        (type $r' (record (field "a" u8))) (export "r" (type $r (eq $r')))
        (export "f" (func))))))
    (export "i" (type $i))
    (type $w (component
      (export "a:use/w@1.0.0" (component
        (import "a:use/i@1.0.0" (instance $i
          (type $s' (list u8)) (export "s" (type $s (eq $s')))
          (type $r' (record (field "a" u8))) (export "r" (type $r (eq $r')))))
        (alias export $i "r" (type $r)) (alias export $i "s" (type $s))
        (import "r" (type (eq $r)))
        (import "s" (external-id "\"x\"") (type (eq $s)))))))
    (export "w" (type $w))))"),
            R"(/// All of it.
package a:%use@1.0.0;

/// Two
/// lines é.
interface i {
  @external-id("it\u{27}s")
  resource q;

  type t = own<q>;

  type s = list<u8>;

  @since(version = 1.0.0)
  @deprecated(version = 1.1.0)
  record r {
    /// A field.
    a: u8,
  }

  /// Does.
  @unstable(feature = new)
  f: func();
}

world w {
  /// Import.
  @since(version = 1.0.0)
  import i;
  use i.{r};
  @since(version = 1.0.1)
  @external-id("\"x\"")
  use i.{s};
}
)");
}

TEST(WitDocs, WhatIsNoDocumentationIsIgnored) {
  auto parse = [](std::string_view text) {
    return parse_wit_docs({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  };
  EXPECT_EQ(parse("\1{\"docs\": \"\\ud83d\\ude00\\n\\/\"}").find("docs")->text, "\U0001F600\n/");
  for (std::string_view bad :
       {"", "\1", "{}", "\2{\"docs\":\"\"}", "\1{\"docs\":\"\"", "\1{\"docs\":\"\"}}", "\1{\"docs\"}",
        "\1{\"docs\":\"\\ud83d\"}", "\1{\"docs\":\"\\x\"}", "\1{\"docs\":\"", "\1{,}"}) {
    EXPECT_TRUE(parse(bad).members.empty()) << bad;
  }
  EXPECT_TRUE(parse("\1" + std::string(1'000'000, '[')).members.empty());
}

TEST(WitPrinter, Modules) {
  Parsed<Bytes> bytes = assemble(R"((module (import "e" "f" (func (param i32 f64) (result i64)))
    (memory (export "m") 1 2) (global (export "g") (mut i32) (i32.const 0)) (table (export "t") 3 funcref)))");
  ASSERT_TRUE(bytes);
  auto module = decode_module(std::make_shared<const Bytes>(std::move(*bytes)));
  ASSERT_TRUE(module) << module.error().to_string();
  EXPECT_EQ(print_module(**module),
            "import function \"e\" \"f\" (i32, f64) -> (i64)\n"
            "export memory \"m\" 1..2 pages\n"
            "export global \"g\" mut i32\n"
            "export table \"t\" 3 (ref null func)\n");
}

}  // namespace
}  // namespace wjit
