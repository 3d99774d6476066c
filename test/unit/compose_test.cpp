// Composition: who fills what, what stays an import, shared resource types, and what is refused. The result is decoded
// and validated, and its world printed.
#include "frontend/compose.h"

#include <gtest/gtest.h>

#include "frontend/text.h"
#include "frontend/wit_printer.h"

namespace wjit {
namespace {

ComposePart part(std::string name, std::string_view text) {
  Parsed<Bytes> bytes = assemble(text);
  if (!bytes) return ADD_FAILURE() << bytes.error().to_string(), ComposePart{};
  auto component = decode_component(std::make_shared<const Bytes>(std::move(*bytes)));
  if (!component) return ADD_FAILURE() << name << ": " << component.error().to_string(), ComposePart{};
  return {std::move(name), std::move(*component)};
}

// The world of the result, or what is wrong with it.
std::string composed(const ComposePart& app, const std::vector<ComposePart>& plugs) {
  Result<Composition> result = compose(app, plugs);
  if (!result) return result.error().message;
  auto component = decode_component(std::make_shared<const Bytes>(result->bytes));
  if (!component) return component.error().to_string();
  std::string out;
  for (const std::string& note : result->notes) out += note + "\n";
  const std::string world = print_wit(**component);
  return out + world.substr(world.find("world root"));
}

TEST(Compose, FillsByCompatibleName) {
  const ComposePart app = part("app.wasm", R"((component
    (import "a:b/math@1.2.0" (instance $math (export "twice" (func (param "n" u32) (result u32)))))
    (import "log" (func (param "s" string)))
    (alias export $math "twice" (func $twice))
    (export "run" (func $twice))))");
  const ComposePart plug = part("dir/math.wasm", R"((component
    (core module $m (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
    (core instance $i (instantiate $m))
    (func $twice (param "n" u32) (result u32) (canon lift (core func $i "twice")))
    (instance $math (export "twice" (func $twice)))
    (export "a:b/math@1.0.1" (instance $math))))");
  EXPECT_EQ(composed(app, {plug}),
            "world root {\n  import log: func(s: string);\n\n  export run: func(n: u32) -> u32;\n}\n");
}

TEST(Compose, Values) {
  const ComposePart app = part("app.wasm", R"((component
    (import "port" (value $port u16))
    (import "name" (value $name string))
    (import "again" (value $again string))
    (export "p" (value $port)) (export "n" (value $name)) (export "a" (value $again))))");
  const ComposePart plug = part("plug.wasm", R"((component
    (import "level" (value $level (option u8)))
    (value (export "name") string "x")
    (export "level" (value $level))))");
  const ComposePart second = part("second.wasm", R"((component (value (export "again") string "y")))");
  const Result<Composition> result = compose(app, std::vector{plug, second});
  ASSERT_TRUE(result) << result.error().message;
  const auto component = decode_component(std::make_shared<const Bytes>(result->bytes));
  ASSERT_TRUE(component) << component.error().to_string();
  const auto& type = (*(*component)->types)[(*component)->type];
  ASSERT_EQ(type.imports.size(), 2u);
  EXPECT_EQ(type.imports[0].sort, ExternSort::Value);
  EXPECT_EQ(type.exports.size(), 3u);
  const ComposePart other = part("other.wasm", R"((component
    (import "port" (value $port u16)) (value (export "name") string "x") (export "q" (value $port))))");
  EXPECT_EQ(composed(app, {other}), "`port` is a value, which can be used once: app.wasm and other.wasm import it");
}

TEST(Compose, ResourcesOfImportsAreShared) {
  const ComposePart app = part("app.wasm", R"((component
    (import "a:b/types@0.2.1" (instance $types
      (export "thing" (type $thing (sub resource)))
      (export "make" (func (result (own $thing))))))
    (alias export $types "thing" (type $thing))
    (import "a:b/user" (instance $user
      (export "thing" (type $t (eq $thing)))
      (export "use" (func (param "t" (own $t)))))) 
    (alias export $user "use" (func $use))
    (export "use" (func $use))))");
  const ComposePart plug = part("user.wasm", R"((component
    (import "a:b/types@0.2.7" (instance $types
      (export "thing" (type $thing (sub resource)))
      (export "[method]thing.get" (func (param "self" (borrow $thing)) (result u32)))))
    (alias export $types "thing" (type $thing))
    (core module $m (func (export "f") (param i32)))
    (core instance $i (instantiate $m))
    (func $use (param "t" (own $thing)) (canon lift (core func $i "f")))
    (instance $user (export "thing" (type $thing)) (export "use" (func $use)))
    (export "a:b/user" (instance $user))))");
  EXPECT_EQ(composed(app, {plug}), R"(world root {
  import a:b/types@0.2.7;

  export a:b/user;
  export %use: func(t: thing);
}
package a:b@0.2.7 {
  interface types {
    resource thing {
      get: func() -> u32;
    }

    make: func() -> thing;
  }
}


package a:b {
  interface user {
    use a:b/types@0.2.7.{thing};

    %use: func(t: thing);
  }
}
)");
}

TEST(Compose, ResourcesOfPlugsAreSharedAndExported) {
  const ComposePart types = part("types.wasm", R"((component
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core module $m (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 7))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func $make (result (own $r)) (canon lift (core func $i "make")))
    (instance $types (export "thing" (type $r)) (export "make" (func $make)))
    (export "a:b/types" (instance $types))))");
  const ComposePart user = part("user.wasm", R"((component
    (import "a:b/types" (instance $types (export "thing" (type $thing (sub resource)))))
    (alias export $types "thing" (type $thing))
    (core module $m (func (export "f") (param i32)))
    (core instance $i (instantiate $m))
    (func $use (param "t" (own $thing)) (canon lift (core func $i "f")))
    (instance $user (export "thing" (type $thing)) (export "use" (func $use)))
    (export "a:b/user" (instance $user))))");
  const ComposePart app = part("app.wasm", R"((component
    (import "a:b/types" (instance $types
      (export "thing" (type $thing (sub resource)))
      (export "make" (func (result (own $thing))))))
    (alias export $types "thing" (type $thing))
    (import "a:b/user" (instance $user
      (export "thing" (type $t (eq $thing)))
      (export "use" (func (param "t" (own $t))))))
    (alias export $user "use" (func $use))
    (export "use" (func $use))))");
  const char* world = R"(world root {
  export a:b/types;
  export a:b/user;
  export %use: func(t: thing);
}
package a:b {
  interface types {
    resource thing;

    make: func() -> thing;
  }
  interface user {
    use types.{thing};

    %use: func(t: thing);
  }
}
)";
  EXPECT_EQ(composed(app, {types, user}), world);
  EXPECT_EQ(composed(app, {user, types}), world);
  EXPECT_EQ(composed(app, {types}),
            "import `a:b/user` of app.wasm uses resource `thing` of `a:b/types`, which types.wasm fills: a plug has to "
            "fill `a:b/user` too");
}

TEST(Compose, TypesOfTheWorld) {
  const ComposePart app = part("app.wasm", R"((component
    (import "a:b/types" (instance $types
      (type $e (enum "x" "y")) (export "code" (type (eq $e)))
      (export "thing" (type (sub resource)))))
    (alias export $types "code" (type $code))
    (alias export $types "thing" (type $thing))
    (import "code" (type $c (eq $code)))
    (import "thing" (type $th (eq $thing)))
    (type $r (record (field "c" $c)))
    (import "rec" (type $rec (eq $r)))
    (import "f" (func (param "r" $rec)))
    (import "g" (func $g (param "t" (own $th))))
    (export "g" (func $g))))");
  const ComposePart f = part("f.wasm", R"((component
    (type $e (enum "x" "y")) (import "c" (type $c (eq $e)))
    (type $r (record (field "c" $c))) (import "r" (type $rec (eq $r)))
    (core module $m (func (export "f") (param i32)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "r" $rec) (canon lift (core func $i "f")))))");
  EXPECT_EQ(composed(app, {f}), R"(world root {
  import a:b/types;
  use a:b/types.{code, thing};

  record rec {
    c: code,
  }

  enum c {
    x,
    y,
  }

  record r {
    c: c,
  }
  import g: func(t: thing);

  export g: func(t: thing);
}
package a:b {
  interface types {
    enum code {
      x,
      y,
    }

    resource thing;
  }
}
)");
}

TEST(Compose, ChainsAndCircles) {
  const auto filter = [](const char* name) {
    return part(name, R"((component
      (import "a:b/handler" (instance $next (export "handle" (func))))
      (export "a:b/handler" (instance $next))))");
  };
  const ComposePart server = part("server.wasm", R"((component
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f")))
    (instance $h (export "handle" (func $f)))
    (export "a:b/handler" (instance $h))))");
  const ComposePart app = filter("app.wasm");
  const char* closed = R"(world root {
  export a:b/handler;
}
package a:b {
  interface handler {
    handle: func();
  }
}
)";
  EXPECT_EQ(composed(app, {server}), closed);
  EXPECT_EQ(composed(app, {filter("one.wasm"), filter("two.wasm"), server}), closed);
  EXPECT_EQ(composed(app, {filter("one.wasm"), filter("two.wasm")}),
            "plugs need each other in a circle: one.wasm -> two.wasm -> one.wasm (for `a:b/handler`)");
}

TEST(Compose, NearMissesAndUselessPlugs) {
  const ComposePart app = part("app.wasm", R"((component
    (import "a:b/store@2.0.0" (instance))
    (import "run" (func))))");
  const ComposePart plug = part("plug.wasm", R"((component
    (import "x" (func $f))
    (instance $i (export "f" (func $f)))
    (export "run" (func $f)) (export "a:b/store@1.0.0" (instance $i)) (export "z:b/store" (instance $i))))");
  EXPECT_EQ(composed(app, {plug}),
            R"(nothing fills import `a:b/store@2.0.0` of app.wasm; plug.wasm exports `a:b/store@1.0.0`
nothing fills import `a:b/store@2.0.0` of app.wasm; plug.wasm exports `z:b/store`
world root {
  import a:b/store@2.0.0;
  import x: func();
}
package a:b@2.0.0 {
  interface store {
  }
}
)");
  const ComposePart other = part("other.wasm", R"((component (import "x" (func $f)) (export "y" (func $f))))");
  EXPECT_EQ(composed(app, {other}),
            "other.wasm fills no import: it exports y; app.wasm imports a:b/store@2.0.0 and run");
}

TEST(Compose, ComponentAndModuleImports) {
  const ComposePart app = part("app.wasm", R"((component
    (import "c" (component (import "r" (type $r (sub resource))) (type $e (enum "a")) (export "e" (type $x (eq $e)))
       (export "f" (func (param "r" (own $r)) (result $x)))))
    (import "m" (core module (import "" "t" (table 1 funcref)) (import "" "g" (global (mut i64)))
       (export "f" (func (param i32) (result f64))) (export "mem" (memory i64 1 2))))
    (import "i" (instance (export "inner" (instance (export "t" (type (sub resource)))))))
    (import "run" (func $f))
    (export "run" (func $f))))");
  const ComposePart plug = part("plug.wasm", R"((component (import "other" (func $f)) (export "run" (func $f))))");
  EXPECT_EQ(composed(app, {plug}).substr(0, 130), R"(world root {
  // import c: component
  // import m: core module
  import i: interface {
    // inner: instance
  }
  import other)");
}

TEST(Compose, MismatchIsFoundByTheValidator) {
  const ComposePart app =
      part("app.wasm", R"((component (import "f" (func $f (param "x" u32))) (export "f" (func $f))))");
  const ComposePart plug =
      part("plug.wasm", R"((component (import "g" (func $f (param "x" string))) (export "f" (func $f))))");
  EXPECT_NE(composed(app, {plug}).find("type mismatch for import `f`"), std::string::npos);
}

}  // namespace
}  // namespace wjit
