#include "jit/instance.h"

#include "test/unit/jit_fixture.h"

namespace wjit {
namespace {

std::shared_ptr<Compiler> no_code() { return std::make_shared<TableCompiler>(std::vector<void*>(16)); }

constexpr const char* kExporter = R"((module
  (type $base (sub (func (param i32))))
  (type $sub (sub $base (func (param i32))))
  (func (export "f") (param i32) (result i64) (i64.const 0))
  (func (export "sub") (type $sub))
  (table (export "t") 10 20 funcref)
  (table (export "t-open") 10 funcref)
  (memory (export "m") 1 4)
  (memory (export "m64") i64 1 4)
  (global (export "g") i32 (i32.const 3))
  (global (export "g-mut") (mut i32) (i32.const 4))
  (global $fref (export "g-ref") (ref func) (ref.func 0))
  (tag (export "tag") (param i32))))";

// Links a module with one import of `name`, written as `import`, against the exporter; the error's text, "" if it
// links.
std::string try_import(std::string_view name, std::string_view import) {
  TestStore store;
  auto exporter = store.link(parse_module(kExporter), no_code());
  if (!exporter) return exporter.error().message;
  std::optional<Extern> given = (*exporter)->find_export(name);
  auto importer = store.link(parse_module(fmt::format(R"((module
    (type $base (sub (func (param i32)))) (type $sub (sub $base (func (param i32)))) (import "m" "x" {})))",
                                                      import)),
                             no_code(), {given.value_or(Extern{})});
  return importer ? "" : importer.error().message;
}

bool is_incompatible(std::string_view name, std::string_view import) {
  const std::string error = try_import(name, import);
  return error.starts_with("incompatible import type: \"m\" \"x\" ");
}

TEST(Import, Functions) {
  EXPECT_EQ(try_import("f", "(func (param i32) (result i64))"), "");
  EXPECT_EQ(try_import("f", "(func (param i64) (result i64))"),
            "incompatible import type: \"m\" \"x\" is a function [i32] -> [i64], the module wants [i64] -> [i64]");
  EXPECT_EQ(try_import("sub", "(func (type $sub))"), "");
  EXPECT_EQ(try_import("sub", "(func (type $base))"), "");
  EXPECT_TRUE(is_incompatible("sub", "(func (param i32))"));
  EXPECT_EQ(try_import("none", "(func)"), "unknown import: \"m\" \"x\" (function) is not defined");
  EXPECT_EQ(try_import("f", "(global i32)"),
            "incompatible import type: \"m\" \"x\" is a function, the module wants a global");
}

TEST(Import, TablesAndMemories) {
  EXPECT_EQ(try_import("t", "(table 10 20 funcref)"), "");
  EXPECT_EQ(try_import("t", "(table 5 funcref)"), "");
  EXPECT_EQ(try_import("t", "(table 5 25 funcref)"), "");
  EXPECT_TRUE(is_incompatible("t", "(table 11 20 funcref)"));
  EXPECT_TRUE(is_incompatible("t", "(table 10 19 funcref)"));
  EXPECT_TRUE(is_incompatible("t", "(table 10 20 externref)"));
  EXPECT_TRUE(is_incompatible("t", "(table i64 10 20 funcref)"));
  EXPECT_TRUE(is_incompatible("t-open", "(table 10 20 funcref)"));
  EXPECT_EQ(try_import("m", "(memory 1 4)"), "");
  EXPECT_EQ(try_import("m", "(memory 0)"), "");
  EXPECT_TRUE(is_incompatible("m", "(memory 2 4)"));
  EXPECT_TRUE(is_incompatible("m", "(memory 1 3)"));
  EXPECT_TRUE(is_incompatible("m", "(memory i64 1 4)"));
  EXPECT_EQ(try_import("m64", "(memory i64 1 5)"), "");
}

TEST(Import, GlobalsAndTags) {
  EXPECT_EQ(try_import("g", "(global i32)"), "");
  EXPECT_TRUE(is_incompatible("g", "(global i64)"));
  EXPECT_TRUE(is_incompatible("g", "(global (mut i32))"));
  EXPECT_TRUE(is_incompatible("g-mut", "(global i32)"));
  EXPECT_EQ(try_import("g-mut", "(global (mut i32))"), "");
  EXPECT_EQ(try_import("g-ref", "(global funcref)"), "");
  EXPECT_TRUE(is_incompatible("g-ref", "(global externref)"));
  EXPECT_EQ(try_import("tag", "(tag (param i32))"), "");
  EXPECT_TRUE(is_incompatible("tag", "(tag (param i64))"));
}

// A grown memory or table matches by its present size.
TEST(Import, CurrentSizeCounts) {
  TestStore store;
  auto exporter = store.link(parse_module(kExporter), no_code());
  ASSERT_TRUE(exporter);
  ASSERT_EQ(grow_memory(*(*exporter)->memory(0), 2), 1);
  EXPECT_TRUE(store.link(parse_module("(module (import \"m\" \"x\" (memory 3)))"), no_code(),
                         {*(*exporter)->find_export("m")}));
  EXPECT_FALSE(store.link(parse_module("(module (import \"m\" \"x\" (memory 4)))"), no_code(),
                          {*(*exporter)->find_export("m")}));
}

TEST(Instance, SharesWhatItImports) {
  TestStore store;
  auto exporter = store.link(parse_module(kExporter), no_code());
  ASSERT_TRUE(exporter);
  std::vector<Extern> imports;
  for (const char* name : {"m", "g-mut", "t", "f"}) imports.push_back(*(*exporter)->find_export(name));
  auto importer = store.link(parse_module(R"((module
    (import "a" "m" (memory 1)) (import "a" "g" (global (mut i32))) (import "a" "t" (table 1 funcref))
    (import "a" "f" (func $f (param i32) (result i64)))
    (func $own)
    (export "f2" (func $f)) (export "m2" (memory 0))
    (elem (i32.const 3) $own $f)
    (data (i32.const 10) "hello")))"),
                             no_code(), imports);
  ASSERT_TRUE(importer) << importer.error().message;
  ASSERT_TRUE((*importer)->initialize());
  EXPECT_EQ((*importer)->global(0), (*exporter)->global(1));
  EXPECT_EQ(memcmp((*exporter)->memory(0)->base + 10, "hello", 5), 0);
  auto* own = static_cast<FuncRef*>((*exporter)->table(0)->elements[3]);
  EXPECT_EQ(own, (*importer)->func_ref(1));
  auto* f = static_cast<FuncRef*>((*exporter)->table(0)->elements[4]);
  EXPECT_EQ(f->vmctx, (*exporter)->vmctx());
  EXPECT_EQ(f->type_id, (*exporter)->func_ref(0)->type_id);
  EXPECT_EQ((*importer)->find_export("m2")->memory, (*exporter)->memory(0));
  EXPECT_EQ((*importer)->exports().size(), 2u);
  EXPECT_FALSE((*importer)->find_export("m"));
}

// What was copied before the trap stays; dropped segments are empty.
TEST(Instance, InitializationTraps) {
  TestStore store;
  auto instance = store.link(parse_module(R"((module
    (memory 1) (table 2 funcref) (func $f)
    (elem (i32.const 1) $f)
    (data (i32.const 0) "ab")
    (data $passive "xyz")
    (data (i32.const 65535) "cd")))"),
                             no_code());
  ASSERT_TRUE(instance);
  CoreInstance& i = **instance;
  auto done = i.initialize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message_text(), "out of bounds memory access");
  EXPECT_EQ(i.memory(0)->base[1], 'b');
  EXPECT_EQ(i.table(0)->elements[1], i.func_ref(0));
  EXPECT_FALSE(i.memory_init(0, 0, 0, 0, 1));  // active: dropped
  EXPECT_TRUE(i.memory_init(0, 0, 65536, 0, 0));
  EXPECT_FALSE(i.memory_init(0, 0, 65537, 0, 0));
  EXPECT_TRUE(i.memory_init(0, 1, 65533, 0, 3));
  EXPECT_FALSE(i.memory_init(0, 1, 65534, 0, 3));
  EXPECT_FALSE(i.memory_init(0, 1, 0, 1, UINT64_MAX));
  i.data_drop(1);
  EXPECT_FALSE(i.memory_init(0, 1, 0, 0, 1));
  EXPECT_FALSE(i.table_init(0, 0, 0, 0, 1));
}

uint64_t start_calls = 0;
void count_start(VmContext*) { ++start_calls; }

TEST(Instance, StartFunction) {
  TestStore store;
  auto compiler = std::make_shared<TableCompiler>(std::vector<void*>{reinterpret_cast<void*>(&count_start)});
  auto module = parse_module("(module (func $main) (start $main))");
  auto instance = store.link(module, compiler);
  ASSERT_TRUE(instance);
  FuncRef* start = (*instance)->start_function();
  ASSERT_NE(start, nullptr);
  store.call(start->code, start->vmctx, module->function_type(start->function));
  EXPECT_EQ(start_calls, 1u);
}

TEST(Call, ArgumentsBeyondTheRegistersGoThroughTheArea) {
  FuncType type;
  for (int i = 0; i < 7; ++i) type.params.push_back(ValType::i64());
  type.params.push_back(ValType::v128());
  type.results = {ValType::f32(), ValType::v128(), ValType::i32()};
  TestStore store;
  RegisterArgs registers;
  int context = 0;
  place_arguments(&store.context, type, std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}, &context, registers);
  EXPECT_EQ(registers.ints[0], reinterpret_cast<uint64_t>(&context));
  EXPECT_EQ(registers.ints[5], 5u);
  EXPECT_EQ(store.context.argument_area[0][0], 6);
  EXPECT_EQ(store.context.argument_area[1][0], 7);
  EXPECT_EQ(registers.vectors[0][0], 8);
  EXPECT_EQ(registers.vectors[0][8], 9);

  RegisterResults results;
  memset(results.xmm0, 0xFF, 16);
  memset(store.context.argument_area[0], 0x11, 16);
  memset(store.context.argument_area[1], 0x22, 16);
  EXPECT_EQ(collect_results(&store.context, type, results),
            (std::vector<uint64_t>{0xFFFFFFFF, 0x1111111111111111, 0x1111111111111111, 0x22222222}));
}

}  // namespace
}  // namespace wjit
