// Stores on several workers: each runs calls that suspend, streams and futures between two components, and timers in
// between, while workers steal the stores from each other. What each computes must be right; under the thread sanitizer
// nothing may race. Also that stores come and go while others run.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "abi/linker.h"
#include "abi/store.h"
#include "frontend/decoder.h"
#include "frontend/text.h"
#include "scheduler/timer.h"

namespace wjit {
namespace {

// run(n): n calls of `pause` (i + 1 each, after one or two suspensions), then a stream of 64 numbers 0…63, read in
// pieces, then a future with n.
constexpr const char* kComponent = R"((component
  (component $Callee
    (type $S (stream u32))
    (type $F (future u32))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "mem" (memory 1))
      (import "" "yield" (func $yield (result i32)))
      (import "" "new-s" (func $new-s (result i64)))
      (import "" "new-f" (func $new-f (result i64)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "write-f" (func $write-f (param i32 i32) (result i32)))
      (import "" "return" (func $return (param i32 i32)))
      (func (export "pause") (param $i i32) (result i32)
        (drop (call $yield))
        (if (i32.and (local.get $i) (i32.const 1)) (then (drop (call $yield))))
        (i32.add (local.get $i) (i32.const 1)))
      (func (export "open") (param $n i32) (local $s i64) (local $f i64) (local $w i32) (local $i i32) (local $k i32)
        (local.set $s (call $new-s))
        (local.set $f (call $new-f))
        (local.set $w (i32.wrap_i64 (i64.shr_u (local.get $s) (i64.const 32))))
        (call $return (i32.wrap_i64 (local.get $s)) (i32.wrap_i64 (local.get $f)))
        (loop $fill
          (i32.store (i32.mul (local.get $i) (i32.const 4)) (local.get $i))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $fill (i32.lt_u (local.get $i) (i32.const 64))))
        (loop $more
          (local.set $k (i32.add (local.get $k) (i32.shr_u (call $write (local.get $w)
            (i32.mul (local.get $k) (i32.const 4)) (i32.sub (i32.const 64) (local.get $k))) (i32.const 4))))
          (br_if $more (i32.lt_u (local.get $k) (i32.const 64))))
        (call $drop (local.get $w))
        (i32.store (i32.const 1024) (local.get $n))
        (drop (call $write-f (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 32))) (i32.const 1024)))))
    (canon thread.yield (core func $yield))
    (canon stream.new $S (core func $new-s))
    (canon future.new $F (core func $new-f))
    (canon stream.write $S (memory (core memory $mem "mem")) (core func $write))
    (canon stream.drop-writable $S (core func $drop))
    (canon future.write $F (memory (core memory $mem "mem")) (core func $write-f))
    (canon task.return (result (tuple $S $F)) (core func $return))
    (core instance $m (instantiate $M (with "" (instance (export "mem" (memory $mem "mem")) (export "yield" (func $yield))
      (export "new-s" (func $new-s)) (export "new-f" (func $new-f)) (export "write" (func $write)) (export "drop" (func $drop))
      (export "write-f" (func $write-f)) (export "return" (func $return))))))
    (func (export "pause") async (param "i" u32) (result u32) (canon lift (core func $m "pause")))
    (func (export "open") async (param "n" u32) (result (tuple $S $F)) (canon lift (core func $m "open") async)))
  (component $Caller
    (type $S (stream u32))
    (type $F (future u32))
    (import "pause" (func $pause async (param "i" u32) (result u32)))
    (import "open" (func $open async (param "n" u32) (result (tuple $S $F))))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "mem" (memory 1))
      (import "" "pause" (func $pause (param i32) (result i32)))
      (import "" "open" (func $open (param i32 i32)))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "read-f" (func $read-f (param i32 i32) (result i32)))
      (import "" "drop-f" (func $drop-f (param i32)))
      (func (export "run") (param $n i32) (result i64) (local $i i32) (local $k i32) (local $sum i64)
        (loop $call
          (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $pause (local.get $i)))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $call (i32.lt_u (local.get $i) (local.get $n))))
        (call $open (local.get $n) (i32.const 8))
        (block $end
          (loop $more
            (local.set $k (i32.shr_u (call $read (i32.load (i32.const 8)) (i32.const 64) (i32.const 20)) (i32.const 4)))
            (br_if $end (i32.eqz (local.get $k)))
            (loop $add
              (local.set $k (i32.sub (local.get $k) (i32.const 1)))
              (local.set $sum (i64.add (local.get $sum)
                (i64.load32_u offset=64 (i32.mul (local.get $k) (i32.const 4)))))
              (br_if $add (local.get $k)))
            (br $more)))
        (call $drop (i32.load (i32.const 8)))
        (drop (call $read-f (i32.load (i32.const 12)) (i32.const 64)))
        (call $drop-f (i32.load (i32.const 12)))
        (i64.add (local.get $sum) (i64.load32_u (i32.const 64)))))
    (canon lower (func $pause) (core func $pause'))
    (canon lower (func $open) (memory (core memory $mem "mem")) (core func $open'))
    (canon stream.read $S (memory (core memory $mem "mem")) (core func $read))
    (canon stream.drop-readable $S (core func $drop))
    (canon future.read $F (memory (core memory $mem "mem")) (core func $read-f))
    (canon future.drop-readable $F (core func $drop-f))
    (core instance $m (instantiate $M (with "" (instance (export "mem" (memory $mem "mem"))
      (export "pause" (func $pause')) (export "open" (func $open')) (export "read" (func $read)) (export "drop" (func $drop))
      (export "read-f" (func $read-f)) (export "drop-f" (func $drop-f))))))
    (func (export "run") async (param "n" u32) (result u64) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "pause" (func $callee "pause")) (with "open" (func $callee "open"))))
  (export "run" (func $caller "run"))))";

uint64_t expected(uint64_t n) { return n * (n + 1) / 2 + 63 * 64 / 2 + n; }

std::shared_ptr<const Component> component() {
  auto bytes = assemble(kComponent);
  EXPECT_TRUE(bytes) << bytes.error().to_string();
  auto decoded = decode_component(std::make_shared<const Bytes>(std::move(*bytes)));
  EXPECT_TRUE(decoded) << decoded.error().to_string();
  return *decoded;
}

// A store that calls `run` again and again, with a timer between two calls.
class Client {
 public:
  Client(Engine& engine, Scheduler& scheduler, std::shared_ptr<const Component> program, uint32_t rounds)
      : store_(engine, scheduler), program_(std::move(program)), rounds_(rounds), pause_(this, &store_) {}

  void run() {
    store_.enqueue([this] {
      auto instance = instantiate(store_, program_, import_from_items({}), "main");
      ASSERT_TRUE(instance) << instance.error().message;
      function_ = *find_function(**instance, "run");
      next();
    });
    EXPECT_EQ(store_.scheduler().run(store_, [this] { return round_ == rounds_ || store_.locked_down(); }),
              RunResult::Done);
    EXPECT_FALSE(store_.locked_down());
    EXPECT_EQ(round_, rounds_);
  }

 private:
  struct Pause : Timer {
    Pause(Client* c, Strand* strand) : Timer(&on_done, strand), client(c) {}
    static void on_done(Completion* self, int64_t) { static_cast<Pause*>(self)->client->next(); }
    Client* client;
  };

  void next() {
    count_ = 3 + round_ % 5;
    auto started = store_.start_call(function_, &count_, 8, [this](const void* result) {
      EXPECT_EQ(*static_cast<const uint64_t*>(result), expected(count_));
      if (++round_ < rounds_) timer_start(&pause_, ClockId::Monotonic, monotonic_now() + 20'000 * (round_ % 3));
    });
    EXPECT_TRUE(started);
  }

  Store store_;
  std::shared_ptr<const Component> program_;
  std::shared_ptr<RuntimeFunction> function_;
  uint32_t rounds_;
  uint32_t round_ = 0;
  uint32_t count_ = 0;
  Pause pause_;
};

class Workers : public testing::TestWithParam<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(, Workers, testing::Values(2u, 3u, 4u));

TEST_P(Workers, EightStoresAreStolenFromEachOther) {
  auto program = component();
  auto engine = std::move(*Engine::create({}));
  Scheduler scheduler({.workers = GetParam(), .caller_is_worker = false});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<Client>(*engine, scheduler, program, 150));
  std::vector<std::thread> threads;
  for (auto& client : clients) threads.emplace_back([&client] { client->run(); });
  for (std::thread& thread : threads) thread.join();
}

TEST_P(Workers, StoresComeAndGo) {
  auto program = component();
  auto engine = std::move(*Engine::create({}));
  Scheduler scheduler({.workers = GetParam(), .caller_is_worker = false});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int life = 0; life < 6; ++life) Client(*engine, scheduler, program, 5).run();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace wjit
