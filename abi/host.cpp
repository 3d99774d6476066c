// Host functions as callees: the run-time calls `host_call`, `host_alloc` and `release` of adapters, and HostCall's
// life. See abi/host.h and abi/adapter.h.
#include "abi/host.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "abi/call.h"
#include "abi/choice.h"
#include "abi/store.h"
#include "abi/trace.h"
#include "base/check.h"
#include "frontend/canonical_layout.h"

namespace wjit {

struct HostArena::Chunk {
  Chunk* next;
};

void* HostArena::allocate(size_t bytes, size_t alignment) {
  size_t skip = (alignment - reinterpret_cast<uintptr_t>(at_) % alignment) % alignment;  // NOLINT
  if (at_ == nullptr || left_ < skip + bytes) {
    size_t size = std::max<size_t>(1024, bytes + 64);
    auto* chunk = static_cast<Chunk*>(calloc(1, size));
    CHECK(chunk != nullptr);
    chunk->next = chunks_;
    chunks_ = chunk;
    at_ = reinterpret_cast<char*>(chunk) + 16;  // NOLINT
    left_ = size - 16;
    skip = 0;
  }
  char* result = at_ + skip;
  at_ += skip + bytes;
  left_ -= skip + bytes;
  return result;
}

std::string_view HostArena::copy(std::string_view text) {
  char* to = static_cast<char*>(allocate(text.size(), 1));
  if (!text.empty()) memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

HostArena::~HostArena() {
  while (chunks_ != nullptr) {
    Chunk* next = chunks_->next;
    free(chunks_);
    chunks_ = next;
  }
}

extern "C" void* builtin_abi_host_alloc(AdapterContext*, Call* call, uint64_t bytes, uint64_t alignment) {
  if (call->arena == nullptr) call->arena = new HostArena;
  return call->arena->allocate(bytes, alignment);
}

extern "C" uint64_t builtin_abi_release(AdapterContext*, Call* call) {
  delete call->arena;
  call->arena = nullptr;
  return 0;
}

// Gives host.cpp the run time's part of a HostCall.
struct HostCallAccess {
  // Makes the call, and invokes the function.
  static HostCall* invoke(AdapterContext* adapter, Call* guest_call) {
    Store& store = Store::of(adapter->store);
    HostCall* call = store.host_calls.make();
    call->store = &store;
    call->adapter = adapter;
    call->function = adapter->host;
    call->params = guest_call->host_params;
    const ComponentTypes& types = *adapter->spec->types;
    const TypeId result = types[adapter->spec->type].element;
    if (result != kNoType) {
      if (guest_call->arena == nullptr) guest_call->arena = new HostArena;
      call->arena = guest_call->arena;
      // Results must outlive the guest's frame.
      if (adapter->spec->lower.is_async())
        guest_call->host_results = call->arena->allocate(elem_size(types, result, true), 16);
    }
    call->results = guest_call->host_results;
    call->guest_call_ = guest_call;
    TraceSlice traced(store, *adapter->host);
    call->inside_invoke_ = true;
    adapter->host->invoke(*call);
    call->inside_invoke_ = false;
    return call;
  }

  static uint64_t begin(AdapterContext* adapter, Call* guest_call) {
    Store& store = Store::of(adapter->store);
    if (!adapter->caller->may_leave) return store.trap(TrapCode::CannotLeave), 0;
    HostCall* call = invoke(adapter, guest_call);
    const bool async = adapter->spec->lower.is_async();
    switch (call->state_) {
      case HostCall::State::Finished:
        if (may_be_late(*call) && host_takes_its_time(store.choices)) break;
        store.host_calls.free(call);
        return static_cast<uint64_t>(kHostCallReady);
      case HostCall::State::Trapped: store.host_calls.free(call); return store.propagate_trap(), 0;
      case HostCall::State::Cancelled: UNREACHABLE_CASE("a host call cancelled itself");
      case HostCall::State::Running: break;
    }
    if (store.locked_down()) return store.propagate_trap(), 0;
    if (store.tracer != nullptr) store.tracer->host_call_goes_on(*call);
    if (call->finished()) finish_later(*call);
    Thread* thread = store.current();
    // Without a worker (an embedder instantiates outside of the scheduler) nothing can be waited for.
    if (!adapter->async_type && !store.stands_alone() && Worker::current() != nullptr)
      return wait_in_place(store, call);
    if (!async || !adapter->async_type) {
      if (thread == nullptr) {
        return store.trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning"), 0;
      }
      call->thread_ = thread;
      thread->host_done = false;
      start_waiting(*thread, WaitKind::HostCall);
      if (!adapter->async_type) store.atomic = thread;
      return park(store, *thread, resume_sync, call);
    }
    if (guest_call->arena != nullptr) {
      call->heap_call_ = std::make_unique<Call>(*guest_call);
      guest_call->arena = nullptr;
    }
    call->guest_call_ = call->heap_call_.get();
    Subtask* subtask = store.subtasks.make();
    subtask->caller = adapter->caller;
    subtask->subtask_state = SubtaskState::Started;
    subtask->host_call = call;
    subtask->index = adapter->caller->handles.add(subtask);
    if (subtask->index == 0) return store.trap(TrapCode::CanonicalAbi, "the handle table is full"), 0;
    subtask->in_table = true;
    call->subtask_ = subtask;
    return static_cast<uint64_t>(subtask->subtask_state) | uint64_t{subtask->index} << 4;
  }

  // The caller must not see that anything else ran meanwhile, nor may what called the caller go on, which stands on the
  // worker's stack.
  static uint64_t wait_in_place(Store& store, HostCall* call) {
    call->waits_in_place_ = true;
    Worker::current()->wait_inside(store, [&] { return call->finished() || store.locked_down(); });
    if (call->finished()) {
      store.host_calls.free(call);
    } else {
      outlive_guest(*call);
    }
    return store.propagate_trap() ? 0 : static_cast<uint64_t>(kHostCallReady);
  }

  // In lockdown: what is under way still answers, when the guest's frame is gone.
  static void outlive_guest(HostCall& call) {
    call.waits_in_place_ = false;
    call.heap_call_ = std::make_unique<Call>(*call.guest_call_);
    call.guest_call_->arena = nullptr;
    call.guest_call_ = call.heap_call_.get();
    const ComponentTypes& types = *call.adapter->spec->types;
    const TypeId result = types[call.adapter->spec->type].element;
    if (result != kNoType) call.results = call.arena->allocate(elem_size(types, result, true), 16);
  }

  static void begin_for_host(AdapterContext* adapter, std::unique_ptr<HostCaller> caller) {
    HostCall* call = invoke(adapter, &caller->call);
    if (call->state_ == HostCall::State::Running) {
      call->host_caller_ = caller.release();
      Store& store = *call->store;
      if (store.tracer != nullptr) store.tracer->host_call_goes_on(*call);
      return;
    }
    if (call->state_ == HostCall::State::Finished) caller->resolved(true);
    call->store->host_calls.free(call);
  }

  // Whether the guest cannot tell that an async function took its time from that it was done at once. (A caller that
  // runs for a function that is not async would trap.)
  static bool may_be_late(const HostCall& call) {
    const Thread* thread = call.store->current();
    return call.adapter->async_type && thread != nullptr && thread->task->is_async_type() && call.store->may_block();
  }

  static void finish_later(HostCall& call) {
    next_turn(*call.store, [&call] { settle(call, true); });
  }

  // A parked sync call goes on: its results lie where the emitted code put the space for them.
  static uint64_t resume_sync(GuestContext*, void* argument) {
    auto* call = static_cast<HostCall*>(argument);
    call->store->host_calls.free(call);
    return static_cast<uint64_t>(kHostCallReady);
  }

  // finish() or cancelled() of a call that went on.
  static void settle(HostCall& call, bool returned) {
    Store& store = *call.store;
    if (store.tracer != nullptr) store.tracer->host_call_ended(call);
    if (call.waits_in_place_) return;
    if (store.locked_down()) {
      free_call(call);
      return;
    }
    if (call.host_caller_ != nullptr) {
      call.host_caller_->resolved(returned);
      free_call(call);
      return;
    }
    if (call.thread_ != nullptr) {
      call.thread_->host_done = true;
      store.make_ready(*call.thread_);
      return;
    }
    Subtask* subtask = call.subtask_;
    if (returned && call.guest_call_ != nullptr) {
      RegisterArgs args;
      args.ints[0] = reinterpret_cast<uint64_t>(call.adapter);      // NOLINT
      args.ints[1] = reinterpret_cast<uint64_t>(call.guest_call_);  // NOLINT
      if (!store.run_core({call.adapter->code->finish, call.adapter}, args, nullptr)) return;
    }
    subtask->host_call = nullptr;
    subtask->subtask_state = returned ? SubtaskState::Returned : SubtaskState::CancelledBeforeReturned;
    free_call(call);
    progress(*subtask);
  }

  static void free_call(HostCall& call) {
    if (call.guest_call_ != nullptr) {
      delete call.guest_call_->arena;  // heap_call_'s, or a parked guest's that is never resumed
      call.guest_call_->arena = nullptr;
    }
    delete call.host_caller_;
    call.store->host_calls.free(&call);
  }
};

extern "C" uint64_t builtin_abi_host_call(AdapterContext* adapter, Call* call) {
  return HostCallAccess::begin(adapter, call);
}

void call_host_function(AdapterContext& adapter, std::unique_ptr<HostCaller> caller) {
  HostCallAccess::begin_for_host(&adapter, std::move(caller));
}

void HostCall::finish() {
  CHECK(state_ == State::Running);
  state_ = State::Finished;
  on_cancel = nullptr;
  if (!inside_invoke_) HostCallAccess::settle(*this, true);
}

void HostCall::cancelled() {
  CHECK(state_ == State::Running && !inside_invoke_ && subtask_ != nullptr);
  state_ = State::Cancelled;
  HostCallAccess::settle(*this, false);
}

void HostCall::trap(std::string text) {
  CHECK(state_ == State::Running);
  state_ = State::Trapped;
  store->trap(TrapCode::Host, std::move(text));
}

void HostCall::exit(int status) {
  CHECK(state_ == State::Running);
  state_ = State::Trapped;
  raise_exit(&store->context(), status);
}

}  // namespace wjit
