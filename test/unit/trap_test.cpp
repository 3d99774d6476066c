// Traps of compiled code: by checks, by faults, out of host functions, on deep stacks. With compiled code also the line
// tables and frame descriptions that the linker registers.
#include "jit/trap.h"

#include <csignal>

#include "jit/unwind.h"
#include "test/unit/jit_fixture.h"

namespace wjit {
namespace {

constexpr const char* kModule = R"((module $m
  (memory 1)
  (func $leaf (export "leaf") (param i32) (result i32)
    (i32.load offset=8 (local.get 0)))
  (func $middle (export "middle") (param i32) (result i32)
    (i32.add (call $leaf (local.get 0)) (i32.const 1)))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $down (export "down") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (unreachable))))
  (func $forever (export "forever") (result i32) (i32.add (call $forever) (i32.const 1)))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 1) (local.get 1)))))";

class TrapTest : public testing::Test {
 protected:
  TrapTest() {
    auto compiler = load_compiler({});
    if (!compiler) {
      ADD_FAILURE() << compiler.error().message;
      return;
    }
    auto linked = store.link(parse_module(kModule), *compiler);
    if (linked) instance = *linked;
  }
  Trap trap_in(std::string_view name, std::vector<uint64_t> args) {
    EXPECT_TRUE(store.call(*instance, name, std::move(args)).empty());
    if (!has_trap(&store.context)) {
      ADD_FAILURE() << "no trap";
      return {};
    }
    return take_trap(&store.context);
  }

  TestStore store;
  std::shared_ptr<CoreInstance> instance;
};

TEST_F(TrapTest, MemoryFaultHasBacktraceAndOffsets) {
  ASSERT_TRUE(instance);
  EXPECT_EQ(store.call(*instance, "middle", {100}), std::vector<uint64_t>{1});
  for (uint32_t address : {65536u - 11, 65536u, 0xFFFFFFFFu}) {
    const Trap trap = trap_in("middle", {address});
    EXPECT_EQ(trap.code, TrapCode::MemoryOutOfBounds);
    ASSERT_EQ(trap.backtrace.size(), 2u);
    EXPECT_EQ(trap.backtrace[0].function_name, "leaf");
    EXPECT_EQ(trap.backtrace[0].module, "m");
    EXPECT_EQ(trap.backtrace[1].function_name, "middle");
    // The offsets are those of the instructions: i32.load is 0x28, call 0x10.
    const Bytes& bytes = *instance->module().bytes;
    EXPECT_EQ(bytes[trap.backtrace[0].wasm_offset], 0x28);
    EXPECT_EQ(bytes[trap.backtrace[1].wasm_offset], 0x10);
  }
  // The store goes on.
  EXPECT_EQ(store.call(*instance, "middle", {65536 - 12}), std::vector<uint64_t>{1});
}

TEST_F(TrapTest, Checks) {
  ASSERT_TRUE(instance);
  EXPECT_EQ(store.call(*instance, "divide", {7, 2}), std::vector<uint64_t>{3});
  EXPECT_EQ(trap_in("divide", {1, 0}).code, TrapCode::IntegerDivideByZero);
  EXPECT_EQ(trap_in("divide", {0x80000000, 0xFFFFFFFF}).code, TrapCode::IntegerOverflow);
  const Trap fill = trap_in("fill", {65536, 1});
  EXPECT_EQ(fill.to_string().substr(0, 40), "wasm trap: out of bounds memory access\n ");
  ASSERT_EQ(fill.backtrace.size(), 1u);
  EXPECT_EQ(fill.backtrace[0].function_name, "fill");
}

TEST_F(TrapTest, DeepStackAcrossSegments) {
  ASSERT_TRUE(instance);
  store.stack_limit = 8 << 20;
  const Trap trap = trap_in("down", {3000});
  EXPECT_EQ(trap.code, TrapCode::Unreachable);
  ASSERT_EQ(trap.backtrace.size(), 3001u);
  for (const Frame& frame : trap.backtrace) ASSERT_EQ(frame.function_name, "down");
  EXPECT_NE(trap.backtrace[0].wasm_offset, trap.backtrace[1].wasm_offset);
  EXPECT_EQ(trap.backtrace[1].wasm_offset, trap.backtrace[3000].wasm_offset);
  EXPECT_NE(trap.to_string().find("frames left out"), std::string::npos);
}

TEST_F(TrapTest, StackExhausted) {
  ASSERT_TRUE(instance);
  for (int round = 0; round < 2; ++round) {
    const Trap trap = trap_in("forever", {});
    EXPECT_EQ(trap.message_text(), "call stack exhausted");
    EXPECT_EQ(trap.backtrace.size(), kMaxFrames);
  }
}

std::vector<uint64_t> frames;

// From a prologue that finds the stack used up, through all segments, to the host.
TEST_F(TrapTest, UnwindsThroughAllSegments) {
  ASSERT_TRUE(instance);
  store.stack_limit = 64 << 10;
  store.context.stack_exhausted = [](GuestContext* context) {
    const auto* sp = static_cast<const uint64_t*>(context->guest_sp);
    const auto fp = reinterpret_cast<uint64_t>(context->guest_fp);
    frames = unwind(sp[0], reinterpret_cast<uint64_t>(sp + 1), fp, false, 100000);
    on_stack_exhausted(context);
  };
  trap_in("forever", {});
  ASSERT_GT(frames.size(), 500u);
  for (size_t i = 2; i < frames.size(); ++i) ASSERT_EQ(frames[i], frames[1]) << i;
}

TEST_F(TrapTest, RaisedByHostCode) {
  ASSERT_TRUE(instance);
  // Outside of guest code there is no backtrace; the first record stays.
  raise_trap(&store.context, TrapCode::CanonicalAbi, "first");
  raise_trap(&store.context, TrapCode::Unreachable, "second");
  EXPECT_EQ(store.context.request, HostRequest::Abandon);
  store.context.request = HostRequest::Return;
  Trap trap = take_trap(&store.context);
  EXPECT_EQ(trap.to_string(), "wasm trap: canonical ABI violation: first");
  EXPECT_TRUE(trap.backtrace.empty());
  raise_exit(&store.context, 3);
  store.context.request = HostRequest::Return;
  trap = take_trap(&store.context);
  EXPECT_TRUE(trap.exit_requested);
  EXPECT_EQ(trap.exit_status, 3);
}

TEST_F(TrapTest, FaultsOfHostCodeAreNotTraps) {
  EXPECT_DEATH(*reinterpret_cast<volatile int*>(8) = 1, "");
  EXPECT_DEATH(raise(SIGSEGV), "");
}

}  // namespace
}  // namespace wjit
