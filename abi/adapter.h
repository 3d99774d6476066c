// Adapters: the code generated for one (caller's lower, callee's lift, function type) triple. This header is the contract
// between the generator (abi/adapter_*.cpp, in libwjit-compiler) and the run time (abi/call.cpp). No LLVM here.
//
// The host is a component instance like any other: its "linear memory" starts at address 0, its pointers have 64 bits, its
// layouts are the canonical ABI's with 8-byte pointers, and allocations come from the call's HostArena. So guest to guest,
// guest to host and host to guest are one generator.
//
// Emitted functions of an adapter (all are guest code: they run on a fiber, with split stacks, registers as in ir/signature.h):
//
//   lower(AdapterContext*, flat params…) -> flat result       the core function that `canon lower` defines
//       Guest callee: enters the callee at once where nothing stands against it (abi/adapter_enter.cpp), with the Task that
//           its instance has ready and, if it may block, on that task's fiber. No run time is called on that path.
//           Otherwise it is as `slow`.
//       Host callee: lifts its parameters into a tuple in host layout (on its stack; strings and lists of plain elements are
//           views of guest memory, others are built in the call's arena), sets call->host_params and call->host_results
//           (stack space, zeroed), then  i32 status = wjit.abi.host_call(context, call);
//           status READY (-1): calls finish(context, call); sync: returns call->result; async: returns 2 (RETURNED)
//           other status (async only): returns it; the run time calls `finish` when the host function is done.
//       Absent when the caller is the host.
//
//   slow(AdapterContext*, flat params…) -> flat result        guest callee: lets the run time make and run the task
//       Stores its parameters (widened to 64 bits: i32 zero-extended, floats as bits) into a Call on its stack, the return
//           pointer also into call->result, then  u64 word = wjit.abi.call(context, call);
//           sync:  returns the word narrowed to the flat result type (nothing if there is none)
//           async: returns it, the status
//
//   start(AdapterContext*, Task*) -> i32                       runs on the callee's fiber; absent when the callee is the host
//       Lifts the parameters out of task->call->params (flat, or behind params[0] in caller memory when there are more than
//       16 (sync lower) or 4 (async lower) flats; host caller: the tuple at call->host_params) and lowers them into the callee
//       (flat, or into a realloc'd tuple when more than 16), then calls the core function.
//       sync lift:  results to the caller (below), wjit.abi.resolve(context, task), then post-return
//                   (with callee may_leave off) given the flat result; returns 0
//       callback:   returns the packed code that the core function returned
//       stackful:   returns 0
//
//   task_return(AdapterContext*, flat results…; r10: Task*)     async lifts: what canon task.return does once it is clear that the
//       task that runs is this adapter's (wjit_task_return_entry): results to the caller (below), and the task is resolved.
//       Of plain values: r10 is read, and nothing called; else the task is found again by StoreContext::current. A task that is not
//       eager, and a trap, are left to task_return_slow, which nothing else calls.
//
//   complete(AdapterContext*, Task*, u64 flat result)          sync lift of an async type, eager `lower`: what is left to do when the
//       core function has returned after `lower` was left: as the end of `start`.
//
//   finish(AdapterContext*, Call*)                             host callee: the results at call->host_results go to the caller:
//       call->result (flat), or the memory behind the return pointer, which is the last flat parameter.
//
//   Results to the caller: sync lower with one flat: task->result (widened); other lowers: the memory that task->result points
//   to; host caller: task->call->host_results. Sources with too many flats are behind a pointer, as the specification says.
//
//   copy(CopyContext*, source, destination, u32 count, Call*)  stream and future elements, memory to memory: host pointers to the
//       first element on both sides, in bounds and aligned; the Call is only for host_alloc
//
// Everything that the Canonical ABI says traps in lifting and lowering does so here: alignment, bounds, lengths, discriminants,
// chars, strings' encoding, realloc's result. NaNs are passed on unchanged. realloc is called with its instance's may_leave
// off. Spec: CanonicalABI.md, "Lifting", "Loading", "Storing", "Flattening", "canon lift", "canon lower".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "frontend/component.h"
#include "ir/vmctx.h"

namespace wjit {

struct ComponentInstance;
struct ResourceType;
struct HostFunction;
class HostArena;
struct Task;

// One side of an adapter, as far as code depends on it.
struct AdapterSide {
  enum class Kind : uint8_t { Host, Sync, Callback, Stackful } kind = Kind::Sync;  // a lower: Host, Sync, or Stackful = async
  bool memory_is_64 = false;
  StringEncoding encoding = StringEncoding::Utf8;
  bool has_memory = false, has_realloc = false, has_post_return = false;

  bool is_host() const { return kind == Kind::Host; }
  bool is_async() const { return kind == Kind::Callback || kind == Kind::Stackful; }
  bool operator==(const AdapterSide&) const = default;
};

struct AdapterSpec {
  const ComponentTypes* types = nullptr;  // arena of `type`; alive while compiling
  TypeId type = kNoType;                  // Func type; its own/borrow occurrences are numbered as in resource_occurrences
  AdapterSide lower, lift;
  bool eager = true;                      // `lower` may enter the callee itself: the callee is the only instance that is entered
  bool leaf = false;                      // the callee's core function calls nothing (Function::is_leaf)
  std::string name;                       // for symbols and dumps: "caller.fn -> callee.fn"
};

// What a copier is for: element type (kNoType: no payload, never compiled) from one side's memory into another's.
struct CopierSpec {
  const ComponentTypes* types = nullptr;
  TypeId element = kNoType;
  AdapterSide source, destination;        // Kind Host or Sync
  std::string name;
};

// The resources of own/borrow handles in a type, in depth-first order of first occurrence (parameters, then result), each
// ResourceId once: AdapterContext::resources has this order.
std::vector<ResourceId> resource_occurrences(const ComponentTypes& types, TypeId type);
// The stream and future types in a type (not those inside their elements), in depth-first order, each TypeId once:
// transfer_stream and transfer_future name them by this number.
std::vector<TypeId> stream_occurrences(const ComponentTypes& types, TypeId type);
// Numbers and aggregates of numbers: the same bytes on every side, none of them invalid.
bool all_numbers(const ComponentTypes& types, TypeId type);
// Without handles, strings and lists: translating it changes nothing but its target.
bool is_plain_value(const ComponentTypes& types, TypeId type);
// Whether a call needs no task if the callee's core function calls nothing: both sides are sync, and only values that need
// neither memory nor handles pass between them.
bool may_be_leaf(const AdapterSpec& spec);
// A text that is equal for specs whose code can be shared: structure of the type (resources by occurrence number) and sides.
std::string code_key(const AdapterSpec& spec);
std::string code_key(const CopierSpec& spec);

struct AdapterCode {
  void* lower = nullptr;
  void* start = nullptr;
  void* finish = nullptr;
  void* task_return = nullptr;
  void* complete = nullptr;
  void* copy = nullptr;        // copiers only
  std::shared_ptr<void> memory;
};

// The parameters of one call. Emitted code fills it.
struct Call {
  uint64_t params[17] = {};       // 0: flat parameters, return pointer last
  uint64_t result = 0;            // 136: flat result of a sync lower; before: the return pointer, if there is one
  void* host_params = nullptr;    // 144
  void* host_results = nullptr;   // 152
  HostArena* arena = nullptr;     // 160: made on first use by wjit.abi.host_alloc
};
namespace call_offset {
constexpr size_t params = 0, result = 136, host_params = 144, host_results = 152, arena = 160;
}
static_assert(offsetof(Call, result) == call_offset::result);
static_assert(offsetof(Call, arena) == call_offset::arena);

struct CodePointer {
  void* code = nullptr;
  void* vmctx = nullptr;
};

// First argument of every adapter function. One for each lowered function of an instance, or each lifted one for a host caller.
struct AdapterContext {
  StoreContext* store = nullptr;            // 0
  ComponentInstance* caller = nullptr;      // 8: null for the host
  ComponentInstance* callee = nullptr;      // 16: null for the host
  void* lower_entry = nullptr;              // 24: what wjit_adapter_entry jumps to once compiled
  MemoryInstance* caller_memory = nullptr;  // 32
  CodePointer caller_realloc;               // 40
  MemoryInstance* callee_memory = nullptr;  // 56
  CodePointer callee_realloc;               // 64
  CodePointer callee_function;              // 80
  CodePointer callback;                     // 96
  CodePointer post_return;                  // 112
  ResourceType** resources = nullptr;       // 128: as resource_occurrences
  const struct ReturnKey* return_key = nullptr;  // 136: async lifts: what task.return must match
  void* task_return = nullptr;              // 144: code->task_return
  void** callee_entry = nullptr;            // 152: holds callee_function's code, without the jump through a lazy stub
  // Run time only:
  std::vector<void**> entries;              // where wjit_adapter_entry stands for it: `lower` itself, once it is compiled
  std::shared_ptr<AdapterCode> code;
  std::shared_ptr<AdapterSpec> spec;
  const HostFunction* host = nullptr;
  std::shared_ptr<struct RuntimeFunction> function;  // keeps `host` alive
  std::vector<ResourceType*> resource_list;
  std::vector<const struct PayloadType*> streams;  // as stream_occurrences, resolved
  bool async_type = false;                  // the function type is `async`
  TypeId lift_type = kNoType;               // guest callee: the function type in the callee's arena
  std::shared_ptr<const FuncType> callee_core;  // sync lift of an async type: its core function
};
namespace adapter_offset {
constexpr size_t store = 0, caller = 8, callee = 16, lower_entry = 24, caller_memory = 32, caller_realloc = 40,
                 callee_memory = 56, callee_realloc = 64, callee_function = 80, callback = 96, post_return = 112,
                 resources = 128, return_key = 136, task_return = 144, callee_entry = 152;
}
static_assert(offsetof(AdapterContext, lower_entry) == adapter_offset::lower_entry);
static_assert(offsetof(AdapterContext, callee_function) == adapter_offset::callee_function);
static_assert(offsetof(AdapterContext, resources) == adapter_offset::resources);
static_assert(offsetof(AdapterContext, task_return) == adapter_offset::task_return);
static_assert(offsetof(AdapterContext, callee_entry) == adapter_offset::callee_entry);

// First argument of a copier. The layout is AdapterContext's as far as copiers read it: source is the caller's side,
// destination the callee's.
using CopyContext = AdapterContext;

// What emitted code knows of a ComponentInstance (abi/instance.h). may_leave is off around realloc and post-return.
namespace instance_offset {
constexpr size_t may_leave = 0, gate = 8, exclusive_thread = 24, sync_task = 32, async_task = 40;
}

constexpr int32_t kHostCallReady = -1;

class AdapterCompiler {
 public:
  virtual ~AdapterCompiler() = default;
  virtual Result<std::shared_ptr<AdapterCode>> compile(const AdapterSpec& spec) = 0;
  virtual Result<std::shared_ptr<AdapterCode>> compile(const CopierSpec& spec) = 0;
  // `wjit compile --emit=adapters` prints them with it.
  virtual Result<std::string> emit_ir(const AdapterSpec& spec) = 0;
  virtual Result<std::string> emit_ir(const CopierSpec& spec) = 0;
};
// Through libwjit-compiler: symbol `wjit_create_adapter_compiler`.
Result<std::shared_ptr<AdapterCompiler>> load_adapter_compiler();

}  // namespace wjit
