// Calls that need no run time (abi/adapter_enter.cpp): they allocate nothing, in whatever form; and what makes them need it (a callee
// that changes its task's record) costs no correctness. Every call of `operator new` in this process is counted.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "abi/linker.h"
#include "abi/store.h"
#include "frontend/component.h"
#include "frontend/text.h"
#include "scheduler/segment.h"

namespace {
std::atomic<uint64_t> allocations = 0;
}

// The sanitizers have operators of their own, and libraries use those.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;
void* operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace wjit {
namespace {

constexpr const char* kText = R"((component
  (component $Callee
    (core module $M
      (import "" "return" (func $return (param i32)))
      (import "" "set" (func $set (param i32)))
      (import "" "get" (func $get (result i32)))
      (import "" "yield" (func $yield (result i32)))
      (func $leaf (export "leaf") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func (export "sync") (param i32) (result i32) (call $leaf (local.get 0)))
      (func (export "callback") (param i32) (result i32)
        (call $return (i32.add (local.get 0) (i32.const 1))) (i32.const 0))
      (func (export "stackful") (param i32) (call $return (i32.add (local.get 0) (i32.const 1))))
      ;; adds what the task's storage holds (nothing: it is fresh), and leaves something there
      (func (export "storing") (param i32) (result i32)
        (call $return (i32.add (i32.add (local.get 0) (i32.const 1)) (call $get)))
        (call $set (i32.const 1000)) (i32.const 0))
      (func (export "yielding") (param i32) (result i32)
        (drop (call $yield)) (i32.add (local.get 0) (i32.const 1)))
      (func (export "never") (param i32 i32 i32) (result i32) unreachable))
    (canon task.return (result u32) (core func $return))
    (canon context.set i32 0 (core func $set))
    (canon context.get i32 0 (core func $get))
    (canon thread.yield (core func $yield))
    (core instance $m (instantiate $M (with "" (instance (export "return" (func $return)) (export "set" (func $set))
      (export "get" (func $get)) (export "yield" (func $yield))))))
    (func (export "sync") (param "x" u32) (result u32) (canon lift (core func $m "sync")))
    (func (export "leaf") (param "x" u32) (result u32) (canon lift (core func $m "leaf")))
    (func (export "lifted") async (param "x" u32) (result u32) (canon lift (core func $m "sync")))
    (func (export "yielding") async (param "x" u32) (result u32) (canon lift (core func $m "yielding")))
    (func (export "callback") async (param "x" u32) (result u32)
      (canon lift (core func $m "callback") async (callback (core func $m "never"))))
    (func (export "storing") async (param "x" u32) (result u32)
      (canon lift (core func $m "storing") async (callback (core func $m "never"))))
    (func (export "stackful") async (param "x" u32) (result u32) (canon lift (core func $m "stackful") async)))
  (component $Caller
    (import "sync" (func $sync (param "x" u32) (result u32)))
    (import "leaf" (func $leaf (param "x" u32) (result u32)))
    (import "lifted" (func $lifted async (param "x" u32) (result u32)))
    (import "yielding" (func $yielding async (param "x" u32) (result u32)))
    (import "callback" (func $callback async (param "x" u32) (result u32)))
    (import "storing" (func $storing async (param "x" u32) (result u32)))
    (import "stackful" (func $stackful async (param "x" u32) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func $sync (canon lower (func $sync)))
    (core func $leaf (canon lower (func $leaf)))
    (core func $lifted (canon lower (func $lifted)))
    (core func $yielding (canon lower (func $yielding)))
    (core func $callback (canon lower (func $callback)))
    (core func $storing (canon lower (func $storing)))
    (core func $callback-async (canon lower (func $callback) async (memory (core memory $mem "mem"))))
    (core func $stackful-async (canon lower (func $stackful) async (memory (core memory $mem "mem"))))
    (core module $M
      (import "" "mem" (memory 1))
      (import "" "sync" (func $sync (param i32) (result i32)))
      (import "" "leaf" (func $leaf (param i32) (result i32)))
      (import "" "lifted" (func $lifted (param i32) (result i32)))
      (import "" "yielding" (func $yielding (param i32) (result i32)))
      (import "" "callback" (func $callback (param i32) (result i32)))
      (import "" "storing" (func $storing (param i32) (result i32)))
      (import "" "callback-async" (func $callback-async (param i32 i32) (result i32)))
      (import "" "stackful-async" (func $stackful-async (param i32 i32) (result i32)))
      (type $f (func (param i32) (result i32)))
      (table funcref (elem $sync $leaf $lifted $yielding $callback $storing $by-callback $by-stackful))
      (func $by-callback (param i32) (result i32)
        (if (i32.ne (call $callback-async (local.get 0) (i32.const 16)) (i32.const 2)) (then unreachable))
        (i32.load (i32.const 16)))
      (func $by-stackful (param i32) (result i32)
        (if (i32.ne (call $stackful-async (local.get 0) (i32.const 16)) (i32.const 2)) (then unreachable))
        (i32.load (i32.const 16)))
      ;; n times the function of this number, each given the last one's result
      (func (export "run") (param $which i32) (param $n i32) (result i32) (local $x i32)
        (loop $l
          (local.set $x (call_indirect (type $f) (local.get $x) (local.get $which)))
          (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $x)))
    (core instance $m (instantiate $M (with "" (instance (export "mem" (memory $mem "mem"))
      (export "sync" (func $sync)) (export "leaf" (func $leaf)) (export "lifted" (func $lifted))
      (export "yielding" (func $yielding))
      (export "callback" (func $callback)) (export "storing" (func $storing))
      (export "callback-async" (func $callback-async)) (export "stackful-async" (func $stackful-async))))))
    (func (export "run") async (param "which" u32) (param "n" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "sync" (func $callee "sync")) (with "leaf" (func $callee "leaf"))
    (with "lifted" (func $callee "lifted"))
    (with "yielding" (func $callee "yielding")) (with "callback" (func $callee "callback"))
    (with "storing" (func $callee "storing")) (with "stackful" (func $callee "stackful"))))
  (export "run" (func $caller "run"))))";

enum Which : uint32_t { kSync, kLeaf, kLifted, kYielding, kCallback, kStoring, kCallbackAsync, kStackfulAsync, kCount };

class EagerCalls : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    engine = std::move(*Engine::create({}));
    StoreOptions options;
    options.eager_calls = GetParam();
    store = std::make_unique<Store>(*engine, scheduler, options);
    auto component = decode_component(std::make_shared<const Bytes>(*assemble(kText)));
    ASSERT_TRUE(component) << component.error().to_string();
    store->enqueue([&, component = *component] {
      auto instance = instantiate(*store, component, import_from_items({}), "main");
      ASSERT_TRUE(instance) << instance.error().message;
      function = *find_function(**instance, "run");
    });
    scheduler.run(*store, [&] { return function != nullptr; });
  }

  // The last result of n calls; and what they allocated.
  uint32_t run(Which which, uint32_t n) {
    struct {
      uint32_t which, n;
    } params{which, n};
    uint32_t result = 0;
    bool done = false;
    uint64_t before = allocations + segment_counters().taken;
    store->enqueue([&] {
      before = allocations + segment_counters().taken;
      auto started = store->start_call(function, &params, 4, [&](const void* value) {
        memcpy(&result, value, 4);
        done = true;
      });
      EXPECT_TRUE(started);
    });
    EXPECT_EQ(scheduler.run(*store, [&] { return done; }), RunResult::Done);
    allocated = allocations + segment_counters().taken - before;
    return result;
  }

  std::unique_ptr<Engine> engine;
  Scheduler scheduler;
  std::unique_ptr<Store> store;
  std::shared_ptr<RuntimeFunction> function;
  uint64_t allocated = 0;
};

INSTANTIATE_TEST_SUITE_P(OnAndOff, EagerCalls, testing::Bool());

TEST_P(EagerCalls, EveryFormGivesItsResults) {
  for (uint32_t which = 0; which < kCount; ++which) {
    EXPECT_EQ(run(static_cast<Which>(which), 1000), 1000u) << which;
  }
}

// A thousand calls allocate no more than ten: what starting `run` itself takes.
TEST_P(EagerCalls, AllocateNothing) {
  if (!kCounts) GTEST_SKIP() << "allocations are not counted in this build";
  for (uint32_t which = 0; which < kCount; ++which) {
    run(static_cast<Which>(which), 10);  // compiles
    run(static_cast<Which>(which), 10);
    uint64_t few = allocated;
    run(static_cast<Which>(which), 1000);
    EXPECT_LE(allocated, few) << which;
  }
}

}  // namespace
}  // namespace wjit
