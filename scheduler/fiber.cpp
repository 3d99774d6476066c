// Creating, preparing and freeing fibers, and what __morestack calls when it needs another segment. The switches
// themselves are scheduler/switch.S; the picture is in fiber.h.
#include "scheduler/fiber.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <ucontext.h>

#include <algorithm>
#include <new>

#include "base/check.h"
#include "scheduler/segment.h"

namespace wjit {

static_assert(offsetof(Fiber, sp) == 0 && offsetof(Fiber, limit) == 8 && offsetof(Fiber, resume) == 16);
static_assert(offsetof(Fiber, context) == 24 && offsetof(Fiber, entry) == 32 && offsetof(Fiber, args) == 40);
static_assert(offsetof(Fiber, continuation) == 48 && offsetof(Fiber, continuation_argument) == 56);
static_assert(offsetof(Fiber, results) == 64 && offsetof(Fiber, state) == 96 && offsetof(Fiber, current) == 112);
static_assert(offsetof(Fiber, guest_sp) == fiber_offset::guest_sp && offsetof(Fiber, guest_fp) == fiber_offset::guest_fp);
static_assert(offsetof(Fiber, guest_limit) == fiber_offset::guest_limit && offsetof(Fiber, guest_fiber) == fiber_offset::guest_fiber);
static_assert(kParkedReturn == 18, "scheduler/switch.S: parked_return");
static_assert(static_cast<uint32_t>(FiberState::Running) == 1 && static_cast<uint32_t>(FiberState::Suspended) == 2 &&
              static_cast<uint32_t>(FiberState::Finished) == 3 && static_cast<uint32_t>(FiberState::Abandoned) == 4);
static_assert(sizeof(FiberExit) == 4 && static_cast<uint32_t>(HostRequest::Suspend) == 1);
static_assert(offsetof(RegisterArgs, vectors) == 48 && offsetof(RegisterResults, xmm0) == 16);
static_assert(offsetof(HostFrame, previous_context) == 8 && offsetof(HostFrame, fiber) == 24 &&
              offsetof(HostFrame, guest_fp) == 32 && offsetof(HostFrame, guest_sp) == 40 &&
              offsetof(HostFrame, host_sp) == 48);
static_assert(kLimitOffset == 576, "scheduler/switch.S: limit_offset");

extern "C" {
FiberExit wjit_fiber_enter(GuestContext* context, Fiber* fiber);
void wjit_fiber_begin();
void wjit_fiber_begin_integers();
void wjit_fiber_park();
void wjit_fiber_abandon();
Segment* wjit_fiber_grow(GuestContext* context, size_t frame_bytes);
// The innermost context of this thread; switch.S reads and writes it.
__attribute__((tls_model("initial-exec"),
               visibility("hidden"))) constinit thread_local GuestContext* wjit_current_context = nullptr;
}

namespace {

// What the innermost entry leaves to host functions of the thread's stack; they compile, too. Entries nest as deep as
// calls of component instances through each other do, and take about half a KiB each.
constexpr size_t kHostStackReserve = size_t{1} << 20;

// No fiber is entered from below this address; until it is known, above all addresses.
__attribute__((tls_model("initial-exec"))) constinit thread_local uintptr_t lowest_entry = UINTPTR_MAX;

uintptr_t host_stack_position() { return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)); }

[[gnu::cold]] bool host_stack_is_used_up() {
  pthread_attr_t attributes;
  void* lowest = nullptr;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    CHECK(pthread_attr_getstack(&attributes, &lowest, &bytes) == 0);
    pthread_attr_destroy(&attributes);
  } else {
    // The first thread, and no /proc to ask. It grows to the limit, of which arguments and environment take a quarter at
    // most: half of it below here is there.
    rlimit limit{};
    const bool known = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    bytes = (known ? limit.rlim_cur : size_t{8} << 20) / 2;
    lowest = reinterpret_cast<void*>(host_stack_position() - bytes);  // NOLINT
  }
  lowest_entry = reinterpret_cast<uintptr_t>(lowest) + std::min(kHostStackReserve, bytes / 2);
  return host_stack_position() < lowest_entry;
}

// A Fiber lies at the top of its first segment.
constexpr size_t kFiberBytes = (sizeof(Fiber) + 15) & ~size_t{15};

// Frees all segments after `last`.
void free_after(Fiber* fiber, Segment* last) {
  Segment* segment = last->next;
  last->next = nullptr;
  while (segment) {
    Segment* next = segment->next;
    fiber->stack_bytes -= segment->bytes;
    segment_free(segment);
    segment = next;
  }
}

}  // namespace

void init_guest_context(GuestContext* context) {
  context->park = reinterpret_cast<void*>(&wjit_fiber_park);
  context->abandon = reinterpret_cast<void*>(&wjit_fiber_abandon);
}

Fiber* fiber_create(size_t stack_limit) {
  Segment* segment = segment_allocate(kFirstSegmentBytes, kFiberBytes);
  if (!segment) return nullptr;
  Fiber* fiber = new (segment->top) Fiber;
  fiber->first = segment;
  fiber_reset(fiber);
  fiber->stack_bytes = segment->bytes;
  fiber->stack_limit = stack_limit;
  return fiber;
}

void fiber_reset(Fiber* fiber) {
  CHECK(fiber->state != FiberState::Running && fiber->state != FiberState::Suspended);
  fiber->state = FiberState::Fresh;
  fiber->sp = fiber->first->top;
  fiber->limit = fiber->first->limit;
  fiber->current = fiber->first;
  fiber->guest_sp = nullptr;
}

void fiber_prepare(Fiber* fiber, void* entry, RegisterArgs* args, bool vectors) {
  fiber_reset(fiber);
  fiber->resume = reinterpret_cast<void*>(vectors ? &wjit_fiber_begin : &wjit_fiber_begin_integers);
  fiber->entry = entry;
  fiber->args = args;
}

FiberExit fiber_enter(GuestContext* context, Fiber* fiber) {
  DCHECK(fiber->state == FiberState::Fresh || fiber->state == FiberState::Suspended);
  DCHECK(context->park && fiber->resume);
  if (host_stack_position() < lowest_entry && host_stack_is_used_up()) {
    if (context->stack_exhausted) context->stack_exhausted(context);
    context->request = HostRequest::Return;
    fiber->state = FiberState::Abandoned;
    return FiberExit::Abandoned;
  }
  [[clang::musttail]] return wjit_fiber_enter(context, fiber);
}

// Called by __morestack on the worker's stack: the segment after the one that the guest stands on, with room for a
// frame of `frame_bytes`; null when the fiber's limit is reached or memory cannot be had.
extern "C" __attribute__((visibility("hidden"))) Segment* wjit_fiber_grow(GuestContext* context, size_t frame_bytes) {
  Fiber* fiber = context->fiber;
  void* limit;
  asm("mov %%fs:0x70, %0" : "=r"(limit));
  Segment* current = segment_of_limit(limit);
  fiber->current = current;
  // What is linked behind is too small for this frame (otherwise __morestack had taken it); drop it.
  free_after(fiber, current);
  if (frame_bytes > fiber->stack_limit) return nullptr;
  size_t least = frame_bytes + kLimitOffset + kMorestackBytes;
  size_t bytes = std::max(std::min(current->bytes * 2, kLargestSegmentBytes), least);
  if (bytes > kLargestSegmentBytes) bytes = (bytes + 4095) & ~size_t{4095};
  size_t allowed = fiber->stack_limit - std::min(fiber->stack_limit, fiber->stack_bytes);
  // Near the limit a smaller segment will do, as long as the frame fits.
  while (bytes > allowed && bytes / 2 >= least && bytes / 2 >= kFirstSegmentBytes) bytes /= 2;
  if (bytes > allowed) return nullptr;
  Segment* segment = segment_allocate(bytes);
  if (!segment) return nullptr;
  fiber->stack_bytes += segment->bytes;
  current->next = segment;
  segment->previous = current;
  return segment;
}

void request_suspend(GuestContext* context, Continuation continuation, void* argument) {
  context->fiber->continuation = continuation;
  context->fiber->continuation_argument = argument;
  context->request = HostRequest::Suspend;
}

void fiber_trim(Fiber* fiber) {
  CHECK(fiber->state != FiberState::Running);
  free_after(fiber, fiber->state == FiberState::Suspended ? fiber->current : fiber->first);
}

void restore_stack_limit(GuestContext* context, void* sp) {
  for (Segment* segment = context->fiber->first; segment; segment = segment->next) {
    if (sp < static_cast<void*>(segment) || sp > segment->top) continue;
    asm volatile("mov %0, %%fs:0x70" : : "r"(segment->limit) : "memory");
    return;
  }
  UNREACHABLE_CASE("a landing pad's stack pointer lies on no segment of its fiber");
}

void fiber_destroy(Fiber* fiber) {
  CHECK(fiber->state != FiberState::Running);
  free_after(fiber, fiber->first);
  segment_free(fiber->first);  // the Fiber goes with it
}

void fiber_abandon(Fiber* fiber) { fiber->state = FiberState::Abandoned; }

GuestContext* current_guest_context() { return wjit_current_context; }

void abandon_from_signal(void* ucontext, GuestContext* context) {
  auto& registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  registers[REG_RBX] = reinterpret_cast<greg_t>(context);
  registers[REG_RSP] = reinterpret_cast<greg_t>(context->host_sp);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&wjit_fiber_abandon);
}

}  // namespace wjit
