// Host functions of core modules: parameters of all kinds, results, waiting, traps.
#include "abi/core_host.h"

#include <gtest/gtest.h>

#include <bit>

#include "frontend/decoder.h"
#include "frontend/text.h"
#include "wasi/state.h"

namespace wjit {
namespace {

class CoreHost : public testing::Test {
 protected:
  void SetUp() override {
    engine = std::move(*Engine::create({}));
    scheduler = std::make_unique<Scheduler>();
    store = std::make_unique<Store>(*engine, *scheduler);
  }
  void TearDown() override {
    instance.reset();
    store.reset();
  }
  void link(std::string_view text, std::vector<CoreHostFunction*> functions) {
    auto bytes = assemble(text);
    ASSERT_TRUE(bytes) << bytes.error().to_string();
    auto module = decode_module(std::make_shared<const Bytes>(std::move(*bytes)));
    ASSERT_TRUE(module) << module.error().to_string();
    auto code = engine->code_of(*module);
    ASSERT_TRUE(code) << code.error().message;
    std::vector<Extern> imports;
    for (CoreHostFunction* f : functions) imports.push_back(f->as_extern(nullptr));
    auto linked = CoreInstance::link(&store->context(), *code, std::move(imports));
    ASSERT_TRUE(linked) << linked.error().message;
    instance = *linked;
  }
  FuncRef* function(std::string_view name) { return instance->find_export(name)->func; }

  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Store> store;
  std::shared_ptr<CoreInstance> instance;
};

TEST_F(CoreHost, ParametersAndResults) {
  // More of each kind than there are registers for.
  std::vector<uint64_t> seen;
  FuncType many;
  std::string params, args;
  for (int i = 0; i < 8; ++i) {
    many.params.push_back(ValType::i64());
    many.params.push_back({ValKind::F64, false, 0});
    params += " i64 f64";
    args += fmt::format(" (i64.const {}) (f64.const {}.5)", i + 100, i);
  }
  many.params.push_back(ValType::i64());
  many.params.push_back({ValKind::F32, false, 0});
  params += " i64 f32";
  args += " (i64.const 108) (f32.const 8.5)";
  many.results.push_back({ValKind::F64, false, 0});
  CoreHostFunction f(*store, many, [&](CoreHostCall& call) {
    for (size_t i = 0; i < call.arity(); ++i) seen.push_back(call.word(i));
    call.finish(std::bit_cast<uint64_t>(2.25));
  });
  link(fmt::format("(module (import \"h\" \"f\" (func $f (param{}) (result f64)))"
                   "(func (export \"g\") (result f64) (call $f{})))",
                   params, args),
       {&f});
  auto results = store->call_core(function("g"), FuncType{{}, {{ValKind::F64, false, 0}}}, {});
  ASSERT_TRUE(results) << results.error().to_string();
  EXPECT_EQ(std::bit_cast<double>((*results)[0]), 2.25);
  ASSERT_EQ(seen.size(), 18u);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(seen[2 * i], 100 + i);
    EXPECT_EQ(std::bit_cast<double>(seen[2 * i + 1]), static_cast<double>(i) + 0.5);
  }
  EXPECT_EQ(seen[16], 108u);
  EXPECT_EQ(std::bit_cast<float>(static_cast<uint32_t>(seen[17])), 8.5f);
}

TEST_F(CoreHost, WaitsWithoutItsWorker) {
  std::vector<CoreHostCall*> waiting;
  CoreHostFunction f(*store, FuncType{{}, {ValType::i32()}}, [&](CoreHostCall& call) { waiting.push_back(&call); });
  uint64_t told = 0;
  CoreHostFunction tell(*store, FuncType{{ValType::i32()}, {}}, [&](CoreHostCall& call) {
    told = call.i32(0);
    call.finish();
  });
  link(R"((module (import "h" "wait" (func $wait (result i32))) (import "h" "tell" (func $tell (param i32)))
           (func (export "run") (call $tell (i32.add (call $wait) (call $wait))))))",
       {&f, &tell});
  bool returned = false;
  run_core_function(*store, function("run"), [&] { returned = true; });
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_FALSE(returned);
  store->enqueue([&] { waiting[0]->finish(40); });
  EXPECT_EQ(scheduler->run(*store, [&] { return waiting.size() == 2; }), RunResult::Done);
  store->enqueue([&] { waiting[1]->finish(2); });
  EXPECT_EQ(scheduler->run(*store, [&] { return returned; }), RunResult::Done);
  EXPECT_EQ(told, 42u);
}

TEST_F(CoreHost, ArgumentsAndResultsOfAFunctionThatWaits) {
  CoreHostCall* waiting = nullptr;
  CoreHostFunction f(*store, FuncType{{}, {ValType::i32()}}, [&](CoreHostCall& call) { waiting = &call; });
  // Parameters in registers of both kinds and behind them, results too.
  link(R"((module (import "h" "wait" (func $wait (result i32)))
           (func (export "run") (param i64 f64 i64 i64 i64 i64 i64 i32) (result i64 f32 f64)
             (i64.sub (i64.extend_i32_s (local.get 7)) (i64.extend_i32_u (call $wait)))
             (f32.demote_f64 (local.get 1))
             (f64.convert_i64_s (i64.add (local.get 0) (local.get 6))))))",
       {&f});
  const ValType f64{ValKind::F64, false, 0};
  const ValType i64 = ValType::i64();
  FuncType type{{i64, f64, i64, i64, i64, i64, i64, ValType::i32()}, {i64, {ValKind::F32, false, 0}, f64}};
  std::optional<std::vector<uint64_t>> results;
  run_core_function(*store, function("run"), type, {1, std::bit_cast<uint64_t>(1.5), 2, 3, 4, 5, 6, 7},
                    [&](std::vector<uint64_t> words) { results = std::move(words); });
  ASSERT_NE(waiting, nullptr);
  EXPECT_FALSE(results);
  store->enqueue([&] { waiting->finish(10); });
  EXPECT_EQ(scheduler->run(*store, [&] { return results.has_value(); }), RunResult::Done);
  ASSERT_EQ(results->size(), 3u);
  EXPECT_EQ(static_cast<int64_t>((*results)[0]), -3);
  EXPECT_EQ((*results)[1], std::bit_cast<uint32_t>(1.5f));
  EXPECT_EQ(std::bit_cast<double>((*results)[2]), 7.0);
}

TEST_F(CoreHost, WaitingWhereNothingMayWaitTraps) {
  CoreHostCall* waiting = nullptr;
  CoreHostFunction f(*store, FuncType{}, [&](CoreHostCall& call) { waiting = &call; });
  f.name = "h wait";
  link(R"((module (import "h" "wait" (func $wait)) (func (export "run") (call $wait))))", {&f});
  auto results = store->call_core(function("run"), FuncType{}, {});
  ASSERT_FALSE(results);
  EXPECT_NE(results.error().to_string().find("h wait has to wait where nothing may wait"), std::string::npos)
      << results.error().to_string();
  waiting->finish();
}

TEST_F(CoreHost, TrapsAndExits) {
  CoreHostFunction f(*store, FuncType{{ValType::i32()}, {}}, [&](CoreHostCall& call) {
    if (call.i32(0) == 0) return call.trap("it was zero");
    call.exit(5);
  });
  link(R"((module (import "h" "f" (func $f (param i32))) (func (export "run") (param i32) (call $f (local.get 0)))))",
       {&f});
  FuncType type{{ValType::i32()}, {}};
  uint64_t zero[] = {0}, one[] = {1};
  auto results = store->call_core(function("run"), type, zero);
  ASSERT_FALSE(results);
  EXPECT_NE(results.error().to_string().find("it was zero"), std::string::npos);
  results = store->call_core(function("run"), type, one);
  ASSERT_FALSE(results);
  EXPECT_TRUE(results.error().exit_requested);
  EXPECT_EQ(results.error().exit_status, 5);
}

}  // namespace
}  // namespace wjit
