#include "jit/code.h"

#include <atomic>
#include <thread>

#include "jit/range_map.h"
#include "test/unit/jit_fixture.h"

namespace wjit {
namespace {

// Takes every argument register, so that a lazy stub that loses one is seen.
uint64_t all_registers(VmContext* vmctx, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, double f, double g,
                       double h, double i, double j, double k, double l, double m) {
  if (vmctx->instance == nullptr) return 0;
  return a + 2 * b + 3 * c + 4 * d + 5 * e +
         static_cast<uint64_t>(6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l + 13 * m);
}

constexpr const char* kAllRegisters = R"((module
  (func (export "f") (param i64 i64 i64 i64 i64 f64 f64 f64 f64 f64 f64 f64 f64) (result i64) (i64.const 0))
  (func (export "g"))))";

TEST(LazyStub, KeepsRegistersAndCompilesOnce) {
  TestStore store;
  auto compiler = std::make_shared<TableCompiler>(std::vector<void*>{reinterpret_cast<void*>(&all_registers), nullptr});
  auto instance = store.link(parse_module(kAllRegisters), compiler);
  ASSERT_TRUE(instance) << instance.error().message;
  ModuleCode& code = (*instance)->code();
  EXPECT_FALSE(code.is_compiled(0));
  EXPECT_EQ(function_at(code.lazy_stub(0)), &code.module().functions[0]);
  EXPECT_EQ(function_at(code.lazy_stub(1)), &code.module().functions[1]);
  EXPECT_EQ(function_at(reinterpret_cast<void*>(&all_registers)), nullptr);
  std::vector<uint64_t> args;
  uint64_t expected = 0;
  for (uint64_t i = 1; i <= 13; ++i) {
    args.push_back(i <= 5 ? i * 100 : std::bit_cast<uint64_t>(static_cast<double>(i * 100)));
    expected += i * i * 100;
  }
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store.call(**instance, "f", args), std::vector<uint64_t>{expected});
  }
  EXPECT_TRUE(code.is_compiled(0));
  EXPECT_EQ(code.entry(0), reinterpret_cast<void*>(&all_registers));
  EXPECT_EQ(compiler->compiled, std::vector<uint32_t>{0});
  // The reference made before the compilation still leads through the stub.
  EXPECT_EQ((*instance)->func_ref(0)->code, code.lazy_stub(0));
}

TEST(LazyStub, FailureIsATrap) {
  TestStore store;
  auto compiler = std::make_shared<TableCompiler>(std::vector<void*>{nullptr, nullptr});
  auto instance = store.link(parse_module(kAllRegisters), compiler);
  ASSERT_TRUE(instance);
  EXPECT_TRUE(store.call(**instance, "g").empty());
  ASSERT_TRUE(has_trap(&store.context));
  const Trap trap = take_trap(&store.context);
  EXPECT_EQ(trap.code, TrapCode::NotSupported);
  EXPECT_EQ(trap.detail, "cannot compile function g: not supported yet: function 1");
  EXPECT_EQ(store.context.fiber, nullptr);
}

TEST(CodeMap, FindsAndRemoves) {
  auto range = [](uint64_t begin, uint64_t end, std::string name) {
    CodeRange result;
    result.begin = begin;
    result.end = end;
    result.name = std::move(name);
    return result;
  };
  code_map::add(range(0x1000, 0x1010, "a"));
  code_map::add(range(0x1020, 0x1030, "c"));
  code_map::add(range(0x1010, 0x1020, "b"));
  EXPECT_EQ(code_map::find(0xFFF), nullptr);
  EXPECT_EQ(code_map::find(0x1000)->name, "a");
  EXPECT_EQ(code_map::find(0x100F)->name, "a");
  EXPECT_EQ(code_map::find(0x1010)->name, "b");
  EXPECT_EQ(code_map::find(0x1030), nullptr);
  code_map::remove(0x1010);
  EXPECT_EQ(code_map::find(0x1018), nullptr);
  EXPECT_EQ(code_map::find(0x1028)->name, "c");
  code_map::remove(0x1000);
  code_map::remove(0x1020);
  EXPECT_EQ(code_map::find(0x1028), nullptr);
}

TEST(CodeMap, LinesAreReadOnce) {
  int reads = 0;
  CodeRange range;
  range.begin = 0x2000;
  range.end = 0x2100;
  range.load_lines = [&reads] {
    ++reads;
    return CodeRange::Lines{{4, 11}, {8, 12}, {8, 13}, {16, 0}};
  };
  code_map::add(std::move(range));
  const CodeRange* found = code_map::find(0x2000);
  EXPECT_EQ(code_map::wasm_offset(*found, 0x2000), 0u);
  EXPECT_EQ(code_map::wasm_offset(*found, 0x2004), 11u);
  EXPECT_EQ(code_map::wasm_offset(*found, 0x2007), 11u);
  EXPECT_EQ(code_map::wasm_offset(*found, 0x2008), 13u);
  EXPECT_EQ(code_map::wasm_offset(*found, 0x2020), 0u);
  EXPECT_EQ(reads, 1);
  code_map::remove(0x2000);
}

// Readers run without a lock while ranges come and go: one that stays must always be found, and found values be whole.
TEST(RangeMap, ReadersDuringChanges) {
  RangeMap<uint64_t> map;
  map.add(5000 * 16, 5000 * 16 + 8, 5000);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      uint64_t random = 1;
      while (!stop) {
        ASSERT_NE(map.find(5000 * 16 + 7), nullptr);
        random = random * 6364136223846793005 + 1442695040888963407;
        ASSERT_EQ(map.find((random >> 33) % 5000 * 16 + 8), nullptr);
      }
    });
  }
  uint64_t random = 7;
  std::vector<bool> there(10000);
  for (int i = 0; i < 20000; ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const uint64_t n = (random >> 33) % 10000;
    if (n == 5000) continue;
    if (there[n]) {
      ASSERT_TRUE(map.remove(n * 16));
    } else {
      map.add(n * 16, n * 16 + 8, n);
    }
    there[n] = !there[n];
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  for (uint64_t n = 0; n < there.size(); ++n) {
    const uint64_t* found = map.find(n * 16 + 3);
    ASSERT_EQ(found != nullptr, there[n] || n == 5000);
    if (!found) continue;
    ASSERT_EQ(*found, n);
    ASSERT_TRUE(map.remove(n * 16));
  }
}

}  // namespace
}  // namespace wjit
