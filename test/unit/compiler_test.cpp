// The compiler library as the run time sees it; what the code computes is the core suite's business.
#include "jit/compiler.h"

#include <thread>

#include "test/unit/jit_fixture.h"

namespace wjit {
namespace {

constexpr const char* kModule = R"((module $m
  (func $unused (export "unused") (result i32) (i32.const 1))
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func (export "sum") (param i32 i32) (result i32)
    (i32.add (call $square (local.get 0)) (call $square (local.get 1))))
  (func (export "pick") (param i32) (result i32)
    (block (block (block (block (br_table 0 1 2 3 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 11))) (return (i32.const 12)))
    (f32.store (i32.const 0) (f32.const 1.5))
    (i32.load (i32.const 0)))
  (memory 1)))";

class CompilerTest : public testing::TestWithParam<CompileOptions::Level> {
 protected:
  CompilerTest() {
    auto loaded = load_compiler({GetParam()});
    if (loaded) {
      compiler = *loaded;
    } else {
      ADD_FAILURE() << loaded.error().message;
    }
  }
  std::shared_ptr<Compiler> compiler;
};

TEST_P(CompilerTest, CompilesWhatIsCalled) {
  ASSERT_TRUE(compiler);
  TestStore store;
  auto instance = store.link(parse_module(kModule), compiler);
  ASSERT_TRUE(instance);
  EXPECT_EQ(store.call(**instance, "sum", {3, 4}), std::vector<uint64_t>{25});
  EXPECT_FALSE((*instance)->code().is_compiled(0));
  EXPECT_EQ(store.call(**instance, "pick", {1}), std::vector<uint64_t>{11});
  EXPECT_EQ(store.call(**instance, "pick", {9}), std::vector<uint64_t>{0x3fc00000});
}

TEST_P(CompilerTest, CompilesAllAndRegistersRanges) {
  ASSERT_TRUE(compiler);
  auto code = ModuleCode::create(parse_module(kModule), compiler);
  ASSERT_TRUE(code);
  ASSERT_TRUE((*code)->compile_all());
  for (uint32_t i = 0; i < (*code)->defined_functions(); ++i) {
    ASSERT_TRUE((*code)->is_compiled(i));
    const auto pc = reinterpret_cast<uint64_t>((*code)->entry(i));
    const CodeRange* range = code_map::find(pc);
    ASSERT_NE(range, nullptr);
    EXPECT_EQ(range->begin, pc);
    EXPECT_EQ(range->module, code->get());
    EXPECT_EQ(range->function, i);
  }
  const auto pc = reinterpret_cast<uint64_t>((*code)->entry(1));
  code->reset();
  EXPECT_EQ(code_map::find(pc), nullptr);
}

TEST_P(CompilerTest, FromManyThreads) {
  ASSERT_TRUE(compiler);
  auto code = ModuleCode::create(parse_module(kModule), compiler);
  ASSERT_TRUE(code);
  std::vector<std::thread> threads;
  std::vector<void*> entries(8);
  for (uint32_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      auto entry = (*code)->ensure_compiled(t % 4);
      if (entry) entries[t] = *entry;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint32_t t = 0; t < 8; ++t) {
    EXPECT_NE(entries[t], nullptr);
    EXPECT_EQ(entries[t], (*code)->entry(t % 4));
  }
}

TEST_P(CompilerTest, Emits) {
  ASSERT_TRUE(compiler);
  auto module = parse_module(kModule);
  auto ir = compiler->emit(*module, EmitKind::LlvmIr, "square");
  ASSERT_TRUE(ir);
  EXPECT_NE(ir->find("define i32 @wasm.1.square("), std::string::npos);
  EXPECT_EQ(ir->find("define i32 @wasm.2.sum("), std::string::npos);
  EXPECT_NE(compiler->emit(*module, EmitKind::LlvmIrOptimized, "2")->find("@wasm.2.sum("), std::string::npos);
  EXPECT_NE(compiler->emit(*module, EmitKind::Assembly, "sum")->find("__morestack"), std::string::npos);
  EXPECT_EQ(compiler->emit(*module, EmitKind::Object, std::nullopt)->substr(1, 3), "ELF");
  EXPECT_FALSE(compiler->emit(*module, EmitKind::LlvmIr, "none"));
}

INSTANTIATE_TEST_SUITE_P(Levels, CompilerTest,
                         testing::Values(CompileOptions::Level::Fast, CompileOptions::Level::Full));

}  // namespace
}  // namespace wjit
