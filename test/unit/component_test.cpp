// Decoding and validation of components: what the definitions carry for the engine, resource identity, limits, broken
// input. The rules themselves are covered by the public suite (validation/, binary/), run by `wjit wast`.
#include "frontend/component.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "frontend/text.h"

namespace wjit {
namespace {

Parsed<std::shared_ptr<const Component>> decode_text(std::string_view text) {
  Parsed<Bytes> bytes = assemble(text);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().to_string();
    return std::unexpected(bytes.error());
  }
  return decode_component(std::make_shared<const Bytes>(std::move(*bytes)));
}

std::shared_ptr<const Component> component(std::string_view text) {
  auto result = decode_text(text);
  if (result) return *result;
  ADD_FAILURE() << result.error().to_string();
  return std::make_shared<const Component>();
}

std::string error(std::string_view text) {
  auto result = decode_text(text);
  return result ? "valid" : result.error().message;
}

template <typename T>
std::vector<const T*> all(const Component& component) {
  std::vector<const T*> out;
  for (const Definition& definition : component.definitions) {
    if (const T* found = std::get_if<T>(&definition)) out.push_back(found);
  }
  return out;
}

TEST(Component, CanonicalDefinitions) {
  auto c = component(R"((component
    (import "f" (func $f async (param "s" string) (result u64)))
    (core module $m (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
                    (func (export "g") (param i32 i32)))
    (core instance $i (instantiate $m))
    (alias core export $i "m" (core memory $mem))
    (core func $low (canon lower (func $f) async (memory $mem) string-encoding=utf16))
    (type $s (stream string))
    (core func $read (canon stream.read $s async (memory $mem) (realloc (core func $i "r"))))
    (core func $ret (canon task.return (result string) (memory $mem)))
    (func (export "g") async (param "s" string)
      (canon lift (core func $i "g") async (memory $mem) (realloc (core func $i "r"))))
  ))");
  auto lowers = all<def::CanonLower>(*c);
  ASSERT_EQ(lowers.size(), 1u);
  EXPECT_TRUE(lowers[0]->options.is_async);
  EXPECT_EQ(lowers[0]->options.string_encoding, StringEncoding::Utf16);
  EXPECT_EQ(lowers[0]->core_type, (FuncType{{ValType::i32(), ValType::i32(), ValType::i32()}, {ValType::i32()}}));
  EXPECT_EQ(to_string(*c->types, lowers[0]->type), "async func(s: string) -> u64");
  auto builtins = all<def::CanonDefine>(*c);
  ASSERT_EQ(builtins.size(), 2u);
  EXPECT_STREQ(text_name(builtins[0]->builtin), "stream.read");
  EXPECT_TRUE(builtins[0]->is_async);
  EXPECT_EQ(to_string(*c->types, builtins[0]->type), "stream<string>");
  EXPECT_EQ(builtins[1]->core_type.params.size(), 2u);
  EXPECT_EQ(all<def::CanonLift>(*c).size(), 1u);
}

// Two instances of one component have resources of their own, and their functions are about these.
TEST(Component, InstantiationMakesFreshResources) {
  auto c = component(R"((component
    (component $C
      (type $r (resource (rep i32)))
      (export $r' "r" (type $r))
      (core func $drop (canon resource.drop $r))
      (func (export "f") (param "x" (own $r')) (canon lift (core func $drop))))
    (instance $a (instantiate $C))
    (instance $b (instantiate $C))))");
  auto instances = all<def::Instantiate>(*c);
  ASSERT_EQ(instances.size(), 2u);
  std::vector<ResourceId> ids;
  for (const def::Instantiate* instance : instances) {
    const ComponentTypeDef& type = (*c->types)[instance->type];
    ASSERT_EQ(type.exports.size(), 2u);
    EXPECT_TRUE(type.exports[0].is_sub_resource);
    ResourceId id = (*c->types)[type.exports[0].type].resource;
    const ComponentTypeDef& func = (*c->types)[type.exports[1].type];
    EXPECT_EQ((*c->types)[func.parts[0].type].resource, id);
    ids.push_back(id);
  }
  EXPECT_NE(ids[0], ids[1]);
}

// What an instantiation is given takes the place of the import in what it exports.
TEST(Component, InstantiationSubstitutesArguments) {
  auto c = component(R"((component
    (type $R (resource (rep i32)))
    (component $C
      (import "t" (type $t (sub resource)))
      (export "u" (type $t))
      (import "f" (func $f (result (own $t))))
      (export "g" (func $f)))
    (core module $m (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func $f (result (own $R)) (canon lift (core func $i "f")))
    (instance $c (instantiate $C (with "t" (type $R)) (with "f" (func $f))))
    (alias export $c "u" (type $R2))
    (core func (canon resource.rep $R2))))");
  ResourceId local = all<def::Resource>(*c).at(0)->resource;
  const ComponentTypeDef& instance = (*c->types)[all<def::Instantiate>(*c).at(0)->type];
  EXPECT_FALSE(instance.exports[0].is_sub_resource);
  EXPECT_EQ((*c->types)[instance.exports[0].type].resource, local);
  TypeId result = (*c->types)[instance.exports[1].type].element;
  EXPECT_EQ((*c->types)[result].resource, local);
}

TEST(Component, FirstExportBindsAResource) {
  auto c = component(R"((component
    (type $r (resource (rep i32)))
    (instance $bag (export "r" (type $r)))
    (export "i" (instance $bag))
    (export "again" (type $r))
    (export "opaque" (type $r) (type (sub resource)))))");
  auto exports = all<def::Export>(*c);
  ASSERT_EQ(exports.size(), 3u);
  EXPECT_TRUE((*c->types)[exports[0]->decl.type].exports[0].is_sub_resource);
  EXPECT_FALSE(exports[1]->decl.is_sub_resource);
  EXPECT_TRUE(exports[2]->decl.is_sub_resource);
  EXPECT_NE((*c->types)[exports[2]->decl.type].resource, all<def::Resource>(*c).at(0)->resource);
}

TEST(Component, ComponentSubtyping) {
  constexpr const char* kTemplate = R"((component
    (component $C (import "f" (func)) (type $r (resource (rep i32))) (export "r" (type $r)) (export "x" (type $r)))
    (component $D (import "c" (component {})))
    (instance (instantiate $D (with "c" (component $C))))))";
  auto with = [&](std::string_view type) { return error(fmt::format(fmt::runtime(kTemplate), type)); };
  EXPECT_EQ(with("(import \"f\" (func)) (import \"g\" (func)) (export \"r\" (type (sub resource)))"), "valid");
  EXPECT_EQ(with("(import \"f\" (func)) (export \"r\" (type $r (sub resource))) (export \"x\" (type (eq $r)))"),
            "valid");
  EXPECT_NE(with("(export \"r\" (type (sub resource)))").find("missing expected import `f`"), std::string::npos);
  EXPECT_NE(with("(import \"f\" (func)) (export \"z\" (func))").find("missing expected export `z`"), std::string::npos);
}

// Two names that the component holds apart cannot be promised to be one.
TEST(Component, OpaqueExportsStayApart) {
  EXPECT_NE(error(R"((component
    (component $C
      (type $r (resource (rep i32)))
      (export "r" (type $r))
      (export "x" (type $r) (type (sub resource))))
    (component $D (import "c" (component (export "r" (type $r (sub resource))) (export "x" (type (eq $r))))))
    (instance (instantiate $D (with "c" (component $C))))))")
                .find("resource types are not the same"),
            std::string::npos);
}

TEST(Component, UnsupportedIsSaid) {
  // thread.available-parallelism, shared
  Bytes spawn = {0, 'a', 's', 'm', 0x0d, 0, 1, 0, 8, 3, 1, 0x42, 1};
  auto result = decode_component(std::make_shared<const Bytes>(spawn));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, InputFault::Unsupported);
}

// Before component-model#716 these built-ins had an immediate `cancellable`.
TEST(Component, NothingIsCancellable) {
  for (uint8_t code : {0x0c, 0x29, 0x2a, 0x2b, 0x2c, 0x2d}) {
    for (uint8_t immediate : {0, 1}) {
      Bytes bytes = {0, 'a', 's', 'm', 0x0d, 0, 1, 0, 8, 3, 1, code, immediate};
      EXPECT_EQ(decode_component(std::make_shared<const Bytes>(bytes)).has_value(), immediate == 0) << int{code};
    }
  }
  EXPECT_EQ(error("(component (core module $m (memory (export \"m\") 1)) (core instance $i (instantiate $m))"
                  "(canon waitable-set.wait (memory (core memory $i \"m\")) (core func)))"),
            "valid");
}

// --- Values ---

TEST(Component, ValuesAreUsedOnce) {
  EXPECT_EQ(error(R"((component (import "a" (value $v string)) (export "b" (value $v))))"), "valid");
  EXPECT_EQ(error(R"((component (import "a" (value string))))"),
            "value index 0 was not used as part of an instantiation, start function, or export");
  EXPECT_EQ(error(R"((component (import "a" (value $v string)) (export "b" (value $v)) (export "c" (value $v))))"),
            "value 0 cannot be used more than once");
  EXPECT_EQ(error(R"((component (import "a" (value $v string)) (export $w "b" (value $v)) (export "c" (value $w))))"),
            "value 1 cannot be used more than once");
  EXPECT_EQ(error(R"((component (import "i" (instance $i (export "v" (value u8)))) (export "w" (value $i "v"))))"),
            "valid");
  EXPECT_EQ(error(R"((component (import "a" (value $v string)) (instance $i (export "v" (value $v)))))"), "valid");
  EXPECT_EQ(error(R"((component (type (component (import "a" (value string)) (export "b" (value (eq 0)))))))"),
            "valid");
}

TEST(Component, ValuesHaveTypes) {
  constexpr const char* with = R"((component
    (component $C (import "v" (value {})) (export "w" (value 0)))
    (import "a" (value $v string)) (instance $i (instantiate $C (with "v" (value $v)))) (export "x" (value $i "w"))))";
  EXPECT_EQ(error(fmt::format(fmt::runtime(with), "string")), "valid");
  EXPECT_EQ(error(fmt::format(fmt::runtime(with), "u8")), "type mismatch for import `v`: expected u8, found string");
  EXPECT_EQ(error(R"((component (import "r" (type $r (sub resource))) (import "a" (value $v (borrow $r)))
    (export "b" (value $v))))"),
            "exported value type cannot contain a `borrow` type");
  EXPECT_EQ(error(R"((component (type $e (enum "a")) (import "v" (value $v $e)) (export "w" (value $v))))"),
            "value not valid to be used as import `v`");
}

TEST(Component, StartTakesValuesAndMakesOne) {
  constexpr const char* with = R"((component (import "f" (func $f (param "s" string) (result u8)))
    (import "v" (value $v {})) (start $f {}(result (value $w))) (export "w" (value $w))))";
  EXPECT_EQ(error(fmt::format(fmt::runtime(with), "string", "(value $v) ")), "valid");
  EXPECT_EQ(error(fmt::format(fmt::runtime(with), "string", "")),
            "component start function requires 1 arguments but was given 0");
  EXPECT_EQ(error(fmt::format(fmt::runtime(with), "char", "(value $v) ")),
            "value type mismatch for component start function argument 0: expected string, found char");
  EXPECT_EQ(error(R"((component (import "f" (func $f)) (start $f (result (value $w))) (export "w" (value $w))))"),
            "component start function has a result count of 0 but was given 1");
}

TEST(Component, ValueLiterals) {
  auto literal = [](std::string_view type, std::string_view contents) {
    return error(fmt::format("(component (type $t {}) (value $v (type $t) (binary \"{}\")))", type, contents));
  };
  const std::string valid = "value index 0 was not used as part of an instantiation, start function, or export";
  for (auto [type, contents] : std::vector<std::pair<const char*, const char*>>{
           {"bool", "\\01"},
           {"s8", "\\80"},
           {"u16", "\\ff\\ff\\03"},
           {"s64", "\\7f"},
           {"f32", "\\00\\00\\c0\\7f"},
           {"f64", "\\00\\00\\00\\00\\00\\00\\f0\\ff"},
           {"char", "\\e2\\98\\83"},
           {"string", "\\02hi"},
           {"(record (field \"a\" u8) (field \"b\" string))", "\\05\\01x"},
           {"(variant (case \"a\") (case \"b\" u8))", "\\01\\07"},
           {"(list bool)", "\\03\\00\\01\\00"},
           {"(list u8 2)", "ab"},
           {"(tuple char u8)", "a\\01"},
           {"(flags \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" \"i\")", "\\ff\\01"},
           {"(enum \"a\" \"b\")", "\\01"},
           {"(option u8)", "\\00"},
           {"(option u8)", "\\01\\05"},
           {"(result u8 (error string))", "\\01\\01e"},
           {"(result)", "\\01"},
           {"(map string u8)", "\\01\\01k\\09"}}) {
    EXPECT_EQ(literal(type, contents), valid) << type << " " << contents;
  }
  for (auto [type, contents] : std::vector<std::pair<const char*, const char*>>{{"bool", "\\02"},
                                                                                {"u8", ""},
                                                                                {"u8", "ab"},
                                                                                {"u16", "\\ff\\ff\\04"},
                                                                                {"f32", "\\01\\00\\c0\\7f"},
                                                                                {"char", "\\e2\\98"},
                                                                                {"char", "\\ff"},
                                                                                {"string", "\\03hi"},
                                                                                {"string", "\\01\\ff"},
                                                                                {"(enum \"a\" \"b\")", "\\02"},
                                                                                {"(option u8)", "\\02"},
                                                                                {"(list u8)", "\\ff\\ff\\ff\\ff\\0f"},
                                                                                {"error-context", "\\00"},
                                                                                {"(stream u8)", "\\00"}}) {
    EXPECT_NE(literal(type, contents), valid) << type << " " << contents;
  }
  EXPECT_EQ(
      error(
          R"((component (value $a bool true) (value $b s32 -5) (value $c f64 0.5) (value $d string "x") (value $e u8 255)
    (export "a" (value $a)) (export "b" (value $b)) (export "c" (value $c)) (export "d" (value $d)) (export "e" (value $e))))"),
      "valid");
}

// --- Hostile input ---

TEST(Component, ExponentialTypesAreRefused) {
  std::string text = "(component (type $t0 (list u8))";
  for (int i = 1; i < 60; i++) text += fmt::format("(type $t{} (list (tuple $t{} $t{})))", i, i - 1, i - 1);
  EXPECT_NE(error(text + ")").find("effective type size exceeds the limit"), std::string::npos);
}

TEST(Component, DeepTypesAreRefused) {
  std::string text = "(component (type $t0 u8)";
  for (int i = 1; i < 1000; i++) text += fmt::format("(type $t{} (list $t{}))", i, i - 1);
  EXPECT_NE(error(text + ")").find("nested more than"), std::string::npos);

  Bytes nested = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
  for (int i = 0; i < 300; i++) {
    Bytes outer = {0, 'a', 's', 'm', 0x0d, 0, 1, 0, 4};
    for (size_t n = nested.size();; n >>= 7) {
      outer.push_back(static_cast<uint8_t>((n & 0x7f) | (n >= 0x80 ? 0x80 : 0)));
      if (n < 0x80) break;
    }
    outer.insert(outer.end(), nested.begin(), nested.end());
    nested = std::move(outer);
  }
  auto result = decode_component(std::make_shared<const Bytes>(nested));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, InputFault::Unsupported);
}

// Each level instantiates the one below twice and exports both instances: 2^n resources.
TEST(Component, ExponentialInstancesAreRefused) {
  std::string text = "(component (component $c0 (type $r (resource (rep i32))) (export \"r\" (type $r)))";
  for (int i = 1; i < 40; i++) {
    text += fmt::format(
        "(component $c{} (instance $a (instantiate $c{})) (instance $b (instantiate $c{}))"
        " (export \"a\" (instance $a)) (export \"b\" (instance $b)))",
        i, i - 1, i - 1);
  }
  auto result = decode_text(text + ")");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, InputFault::Unsupported) << result.error().message;
}

// Every prefix of a component is an error with a place in it, or a component (it ends between two sections).
TEST(Component, TruncationsAreErrors) {
  Parsed<Bytes> bytes = assemble(R"((component
    (type $r (record (field "a" u8) (field "b" (list string))))
    (import "r" (type $r' (eq $r)))
    (import "i" (instance $i (export "t" (type (sub resource))) (export "f" (func (param "x" u32)))))
    (component $C (import "x" (func (param "x" u32))) (export "y" (func 0)))
    (instance $c (instantiate $C (with "x" (func $i "f"))))
    (export "y" (func $c "y"))))");
  ASSERT_TRUE(bytes) << bytes.error().to_string();
  size_t valid = 0;
  for (size_t size = 0; size <= bytes->size(); size++) {
    auto prefix = std::make_shared<const Bytes>(bytes->begin(), bytes->begin() + static_cast<ptrdiff_t>(size));
    auto result = decode_component(prefix);
    valid += result.has_value();
    if (!result) EXPECT_LE(result.error().offset, size);
  }
  EXPECT_GT(valid, 3u);
  EXPECT_LT(valid, 20u);
}

}  // namespace
}  // namespace wjit
