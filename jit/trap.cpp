// Records of traps, and the fault handlers that make them. Interface: jit/trap.h.
//
// The handlers run on an alternate stack. A fault is the guest's when a guest context is current on the thread and the
// pc is in the code map, or in a leaf function of the C library (memcpy, memset) that compiled code called: then the
// word at the stack pointer is a return address into compiled code. The interrupted code is guest code in both cases
// and holds no lock, so the handler may allocate and take locks to make the backtrace. Then the scheduler's hook lets
// the handler return into the abandonment of the fiber. Everything else goes to the handler that was there before.
// Covered by test/unit/trap_test.cpp.
#include "jit/trap.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <mutex>

#include "base/check.h"
#include "jit/code.h"
#include "jit/memory.h"
#include "jit/unwind.h"

namespace wjit {

const char* message(TrapCode code) {
  static constexpr const char* kMessages[] = {
#define TRAP(name, message) message,
#include "jit/traps.def"
#undef TRAP
  };
  const auto i = static_cast<size_t>(code);
  return i < std::size(kMessages) ? kMessages[i] : "unknown trap";
}

std::string Trap::message_text() const {
  if (exit_requested) return fmt::format("exit with status {}", exit_status);
  if (detail.empty()) return message(code);
  if (detail.starts_with(message(code))) return detail;  // a compiler's error that says it already
  return fmt::format("{}: {}", message(code), detail);
}

std::string Trap::to_string() const {
  constexpr size_t kFirst = 32, kLast = 8;  // of a deep stack the two ends tell the story
  constexpr std::string_view kPrefix = "wasm trap: ";
  std::string text = message_text();
  if (!exit_requested && !text.starts_with(kPrefix)) text.insert(0, kPrefix);
  for (size_t i = 0; i < backtrace.size(); ++i) {
    if (i == kFirst && backtrace.size() > kFirst + kLast) {
      i = backtrace.size() - kLast;
      text += fmt::format("\n    … {} frames left out", i - kFirst);
    }
    const Frame& frame = backtrace[i];
    text += fmt::format("\n  {:>3}: ", i);
    if (!frame.module.empty()) text += frame.module + "!";
    text += frame.function_name;
    if (frame.wasm_offset != 0) text += fmt::format(" at {:#x}", frame.wasm_offset);
  }
  return text;
}

static TrapHooks hooks;

static StoreContext* store_of(GuestContext* context) { return static_cast<StoreContext*>(context); }

// The first trap of a store wins; its fiber is abandoned in any case.
static void record(GuestContext* context, Trap trap) {
  if (!store_of(context)->trap) store_of(context)->trap = new Trap(std::move(trap));
}

// Adds the guest code that a host function called on a fiber of its own is nested in, innermost first.
static void add_outer_frames(const GuestContext* context, std::vector<Frame>& frames) {
  const auto* outer = static_cast<const HostFrame*>(context->host_sp);
  for (; outer->fiber && outer->guest_sp && frames.size() < kMaxFrames; outer = outer->host_sp) {
    void** sp = static_cast<void**>(outer->guest_sp);
    std::vector<Frame> more = backtrace(sp[0], sp + 1, outer->guest_fp, kMaxFrames - frames.size());
    std::ranges::move(more, std::back_inserter(frames));
  }
}

// Of the guest code that called the current host function.
static std::vector<Frame> caller_backtrace(GuestContext* context) {
  std::vector<Frame> frames;
  if (context->fiber && context->guest_sp) {
    void** sp = static_cast<void**>(context->guest_sp);
    frames = backtrace(sp[0], sp + 1, context->guest_fp);
    add_outer_frames(context, frames);
  }
  if (hooks.add_callers) hooks.add_callers(context, frames);
  return frames;
}

void raise_trap(GuestContext* context, TrapCode code, std::string detail) {
  if (!has_trap(context)) {
    Trap trap;
    trap.code = code;
    trap.detail = std::move(detail);
    trap.backtrace = caller_backtrace(context);
    record(context, std::move(trap));
  }
  context->request = HostRequest::Abandon;
}

void raise_exit(GuestContext* context, int status) {
  Trap trap;
  trap.code = TrapCode::Host;
  trap.exit_requested = true;
  trap.exit_status = status;
  record(context, std::move(trap));
  context->request = HostRequest::Abandon;
}

void on_stack_exhausted(GuestContext* context) { raise_trap(context, TrapCode::StackExhausted); }

bool has_trap(const GuestContext* context) { return static_cast<const StoreContext*>(context)->trap != nullptr; }

const Trap& trap_of(const GuestContext* context) {
  CHECK(has_trap(context));
  return *static_cast<const StoreContext*>(context)->trap;
}

Trap take_trap(GuestContext* context) {
  CHECK(has_trap(context));
  Trap trap = std::move(*store_of(context)->trap);
  discard_trap(context);
  return trap;
}

void discard_trap(GuestContext* context) {
  delete store_of(context)->trap;
  store_of(context)->trap = nullptr;
}

std::vector<Frame> backtrace(void* pc, void* sp, void* fp, size_t limit, bool exact) {
  std::vector<Frame> frames;
  for (uint64_t at : unwind(reinterpret_cast<uint64_t>(pc), reinterpret_cast<uint64_t>(sp),
                            reinterpret_cast<uint64_t>(fp), exact, limit)) {
    const uint64_t inside = at - (exact && frames.empty() ? 0 : 1);  // a return address may be past the function's end
    const CodeRange* range = code_map::find(inside);
    if (!range) continue;
    Frame& frame = frames.emplace_back();
    frame.pc = at;
    if (range->module) {
      const Module& module = range->module->module();
      frame.module = module.name;
      frame.function = range->function;
      frame.function_name = module.function_display_name(range->function);
      frame.wasm_offset = code_map::wasm_offset(*range, inside);
    } else {
      frame.function_name = range->name;
      frame.is_adapter = true;
    }
  }
  return frames;
}

// ---- fault handlers ----

namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
// Room for the handler's frame, the saved vector state, libunwind and reading of line tables.
constexpr size_t kSignalStackSize = 256 * 1024;

struct sigaction previous[NSIG];

void to_previous_handler(int signal, siginfo_t* info, void* ucontext) {
  const struct sigaction& before = previous[signal];
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, ucontext);
  } else if (before.sa_handler == SIG_IGN && info->si_code <= 0) {
    return;
  } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
    // The instruction runs again and faults again, now with the default action; a signal that was sent is sent again.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    if (info->si_code <= 0) raise(signal);
  } else {
    before.sa_handler(signal);
  }
}

void report_internal_fault(int signal, uint64_t pc, const siginfo_t* info) {
  char text[256];
  const int n = snprintf(text, sizeof text, "wjit: internal error: signal %d in compiled code at pc %#lx, address %p\n",
                         signal, pc, info->si_addr);
  if (n > 0) {
    auto unused = write(STDERR_FILENO, text, static_cast<size_t>(n));
    (void)unused;
  }
}

void handle_fault(int signal, siginfo_t* info, void* ucontext) {
  const greg_t* registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  auto pc = static_cast<uint64_t>(registers[REG_RIP]);
  auto sp = static_cast<uint64_t>(registers[REG_RSP]);
  const auto fp = static_cast<uint64_t>(registers[REG_RBP]);
  const bool sent = info->si_code <= 0;  // by kill and the like
  GuestContext* context = hooks.current && !sent ? hooks.current() : nullptr;
  const bool is_memory =
      (signal == SIGSEGV || signal == SIGBUS) && is_guest_memory(reinterpret_cast<uint64_t>(info->si_addr));
  bool exact = true;
  bool is_guest = !sent && code_map::find(pc) != nullptr;
  if (!is_guest && context && is_memory) {
    const uint64_t return_address = *reinterpret_cast<const uint64_t*>(sp);
    if (code_map::find(return_address - 1)) {
      is_guest = true;
      exact = false;
      pc = return_address;
      sp += sizeof(uint64_t);
    }
  }
  if (!is_guest) return to_previous_handler(signal, info, ucontext);

  TrapCode code;
  if (is_memory) {
    code = TrapCode::MemoryOutOfBounds;
  } else if (signal == SIGFPE) {
    code = TrapCode::IntegerDivideByZero;
  } else if (signal == SIGILL) {
    code = TrapCode::Unreachable;
  } else {
    context = nullptr;
  }
  if (!context) {
    report_internal_fault(signal, pc, info);
    return to_previous_handler(signal, info, ucontext);
  }
  Trap trap;
  trap.code = code;
  trap.backtrace = backtrace(reinterpret_cast<void*>(pc), reinterpret_cast<void*>(sp), reinterpret_cast<void*>(fp),
                             kMaxFrames, exact);
  add_outer_frames(context, trap.backtrace);
  if (hooks.add_callers) hooks.add_callers(context, trap.backtrace);
  record(context, std::move(trap));
  hooks.abandon_from_signal(ucontext, context);
}

struct SignalStack {
  void* memory = nullptr;
  ~SignalStack() {
    if (!memory) return;
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
    munmap(memory, kSignalStackSize);
  }
};
thread_local SignalStack signal_stack;

}  // namespace

void set_trap_hooks(TrapHooks new_hooks) { hooks = new_hooks; }
const TrapHooks& trap_hooks() { return hooks; }

void install_trap_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (int signal : kSignals) {
      struct sigaction action = {};
      action.sa_sigaction = handle_fault;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      sigemptyset(&action.sa_mask);
      CHECK(sigaction(signal, &action, &previous[signal]) == 0);
    }
  });
  install_thread_signal_stack();
}

void install_thread_signal_stack() {
  if (signal_stack.memory) return;
  stack_t current = {};
  if (sigaltstack(nullptr, &current) == 0 && !(current.ss_flags & SS_DISABLE) && current.ss_size >= kSignalStackSize) {
    return;  // somebody else's, and large enough
  }
  void* memory = mmap(nullptr, kSignalStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = kSignalStackSize;
  CHECK(sigaltstack(&stack, nullptr) == 0);
  signal_stack.memory = memory;
}

}  // namespace wjit
