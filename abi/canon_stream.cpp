// canon stream.* and future.*, error-context.*. The copies themselves are abi/stream.cpp.
// Spec: CanonicalABI.md, "canon {stream,future}.*", "canon error-context.*".
#include "abi/canon.h"
#include "abi/trace.h"
#include "base/check.h"

namespace wjit {
namespace {

constexpr uint64_t kMaxBufferLength = (1u << 28) - 1;

// `blocks`: the built-in may block on it, unless it is async.
CopyEnd* find_end(BuiltinContext* context, uint32_t index, bool writable, bool blocks) {
  const PayloadType& payload = *context->payload;
  HandleKind kind = payload.is_future ? HandleKind::FutureEnd : HandleKind::StreamEnd;
  auto* end = context->instance->handles.get_as<CopyEnd>(index, kind);
  if (end == nullptr || end->writable != writable) {
    if (blocks && !may_block_at_all(context)) return nullptr;
    store_of(context).trap(TrapCode::UnknownHandle,
                           fmt::format("unknown handle index {}: it is no {} end of a {}", index,
                                       writable ? "writable" : "readable", payload.is_future ? "future" : "stream"));
    return nullptr;
  }
  if (end->shared()->payload != &payload) {
    store_of(context).trap(TrapCode::CanonicalAbi, fmt::format("handle index {} has another element type", index));
    return nullptr;
  }
  return end;
}

uint64_t end_resumed(GuestContext*, void* argument) {
  auto* end = static_cast<CopyEnd*>(argument);
  end->wait_synchronously(nullptr);
  return take_event(*end).payload;
}

// The common end of copies and cancellations: the result if it is there, else BLOCKED or waiting.
uint64_t result_or_wait(BuiltinContext* context, CopyEnd& end, bool async) {
  Store& store = store_of(context);
  if (store.propagate_trap()) return 0;
  if (end.pending) {
    uint64_t result = take_event(end).payload;
    return async ? result : give_way(store, result);
  }
  if (async) return kBlocked;
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  end.wait_synchronously(thread);
  thread->wait_waitable = &end;
  start_waiting(*thread, WaitKind::Waitable);
  return park(store, *thread, end_resumed, &end);
}

uint64_t copy(BuiltinContext* context, uint32_t index, uint64_t pointer, uint64_t count, bool writable) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  CopyEnd* end = find_end(context, index, writable, true);
  if (end == nullptr) return 0;
  const PayloadType& payload = *context->payload;
  if (end->copy_state != CopyState::Idle) {
    std::string why = end->copy_state != CopyState::Done ? "cannot have concurrent operations active on a future/stream"
                      : !payload.is_future
                          ? fmt::format("cannot {} stream after being notified that the {} end dropped",
                                        writable ? "write to" : "read from", writable ? "readable" : "writable")
                      : writable ? "cannot write to future after previous write succeeded or readable end dropped"
                                 : "cannot read from future after previous read succeeded";
    return store.trap(TrapCode::CanonicalAbi, std::move(why)), 0;
  }
  bool async = context->options.is_async;
  if (end->set() != nullptr && !async) {
    return store.trap(TrapCode::CanonicalAbi, "waitable cannot be used synchronously while added to a waitable set"), 0;
  }
  pointer = address(context, pointer);
  if (count > kMaxBufferLength) return store.trap(TrapCode::CanonicalAbi, "stream read/write count too large"), 0;
  if (payload.element != kNoType && count > 0) {
    bool is_64 = context->options.memory_is_64;
    if (pointer % payload.align(is_64) != 0) {
      return store.trap(TrapCode::UnalignedPointer, fmt::format("{} pointer not aligned", writable ? "write" : "read")),
             0;
    }
    uint64_t bytes = count * payload.size(is_64);
    uint64_t length = context->memory->byte_length;
    if (pointer > length || bytes > length - pointer) {
      return store.trap(TrapCode::MemoryOutOfBounds,
                        fmt::format("{} pointer out of bounds of memory", writable ? "write" : "read")),
             0;
    }
  }
  end->buffer = {context, pointer, static_cast<uint32_t>(count), 0};
  TraceSlice traced(store, *end, false);
  start_copy(*end);
  return result_or_wait(context, *end, async);
}

uint64_t cancel(BuiltinContext* context, uint32_t index, bool writable) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  CopyEnd* end = find_end(context, index, writable, true);
  if (end == nullptr) return 0;
  if (end->copy_state != CopyState::Copying || end->has_sync_waiter) {
    return store.trap(TrapCode::CanonicalAbi, fmt::format("{} cancelled when no {} is pending",
                                                          writable ? "write" : "read", writable ? "write" : "read")),
           0;
  }
  if (end->set() != nullptr && !context->is_async) {
    return store.trap(TrapCode::CanonicalAbi, "waitable cannot be used synchronously while added to a waitable set"), 0;
  }
  TraceSlice traced(store, *end, true);
  cancel_copy(*end);
  return result_or_wait(context, *end, context->is_async);
}

uint64_t drop(BuiltinContext* context, uint32_t index, bool writable) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  CopyEnd* end = find_end(context, index, writable, false);
  if (end == nullptr) return 0;
  const char* what = context->payload->is_future ? "future" : "stream";
  if (end->copy_state == CopyState::Copying || end->copy_state == CopyState::Cancelling) {
    return store.trap(TrapCode::CanonicalAbi,
                      fmt::format("cannot {} busy {} {}", writable ? "drop" : "remove", what, index)),
           0;
  }
  if (writable && context->payload->is_future && end->copy_state != CopyState::Done) {
    return store.trap(TrapCode::CanonicalAbi, "cannot drop future write end without first writing a value"), 0;
  }
  context->instance->handles.remove(index);
  drop_end(*end);
  return store.propagate_trap(), 0;
}

uint64_t make(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  uint64_t ends = stream_new(*context->instance, context->payload);
  if (ends == 0) store_of(context).trap(TrapCode::CanonicalAbi, "the handle table is full");
  return ends;
}

}  // namespace

extern "C" {

uint64_t builtin_canon_StreamNew(BuiltinContext* c) { return make(c); }
uint64_t builtin_canon_FutureNew(BuiltinContext* c) { return make(c); }
uint64_t builtin_canon_StreamRead(BuiltinContext* c, uint32_t i, uint64_t pointer, uint64_t count) {
  return copy(c, i, pointer, address(c, count), false);
}
uint64_t builtin_canon_StreamWrite(BuiltinContext* c, uint32_t i, uint64_t pointer, uint64_t count) {
  return copy(c, i, pointer, address(c, count), true);
}
uint64_t builtin_canon_FutureRead(BuiltinContext* c, uint32_t i, uint64_t pointer) {
  return copy(c, i, pointer, 1, false);
}
uint64_t builtin_canon_FutureWrite(BuiltinContext* c, uint32_t i, uint64_t pointer) {
  return copy(c, i, pointer, 1, true);
}
uint64_t builtin_canon_StreamCancelRead(BuiltinContext* c, uint32_t i) { return cancel(c, i, false); }
uint64_t builtin_canon_StreamCancelWrite(BuiltinContext* c, uint32_t i) { return cancel(c, i, true); }
uint64_t builtin_canon_FutureCancelRead(BuiltinContext* c, uint32_t i) { return cancel(c, i, false); }
uint64_t builtin_canon_FutureCancelWrite(BuiltinContext* c, uint32_t i) { return cancel(c, i, true); }
uint64_t builtin_canon_StreamDropReadable(BuiltinContext* c, uint32_t i) { return drop(c, i, false); }
uint64_t builtin_canon_StreamDropWritable(BuiltinContext* c, uint32_t i) { return drop(c, i, true); }
uint64_t builtin_canon_FutureDropReadable(BuiltinContext* c, uint32_t i) { return drop(c, i, false); }
uint64_t builtin_canon_FutureDropWritable(BuiltinContext* c, uint32_t i) { return drop(c, i, true); }

// Error contexts may lose their message (the specification leaves it open): they always do here.
uint32_t builtin_canon_ErrorContextNew(BuiltinContext* c, uint64_t, uint64_t) {
  if (!check_may_leave(c)) return 0;
  auto record = std::make_unique<ErrorContext>();
  uint32_t index = c->instance->handles.add(record.get());
  if (index == 0) return store_of(c).trap(TrapCode::CanonicalAbi, "the handle table is full"), 0;
  record.release();
  return index;
}

uint64_t builtin_canon_ErrorContextDebugMessage(BuiltinContext* c, uint32_t index, uint64_t pointer) {
  if (!check_may_leave(c)) return 0;
  Store& store = store_of(c);
  if (c->instance->handles.get_as<ErrorContext>(index, HandleKind::ErrorContext) == nullptr) {
    return store.trap(TrapCode::UnknownHandle, fmt::format("unknown error context {}", index)), 0;
  }
  pointer = address(c, pointer);
  uint64_t bytes = c->options.memory_is_64 ? 16 : 8;
  if (pointer % (bytes / 2) != 0) return store.trap(TrapCode::UnalignedPointer), 0;
  if (pointer > c->memory->byte_length || c->memory->byte_length - pointer < bytes) {
    return store.trap(TrapCode::MemoryOutOfBounds), 0;
  }
  // An empty string still asks realloc for its place.
  RegisterArgs args;
  args.ints[0] = reinterpret_cast<uint64_t>(c->realloc.vmctx);  // NOLINT
  args.ints[3] = 1;
  RegisterResults results;
  c->instance->may_leave = false;
  bool ok = store.run_core(c->realloc, args, &results);
  c->instance->may_leave = true;
  if (!ok) return store.propagate_trap(), 0;
  uint64_t where = address(c, results.rax);
  if (where > c->memory->byte_length) return store.trap(TrapCode::ReallocResult), 0;
  uint64_t text[2] = {where, 0};
  if (c->options.memory_is_64) {
    __builtin_memcpy(c->memory->base + pointer, text, 16);
  } else {
    uint32_t narrow[2] = {static_cast<uint32_t>(where), 0};
    __builtin_memcpy(c->memory->base + pointer, narrow, 8);
  }
  return 0;
}

uint64_t builtin_canon_ErrorContextDrop(BuiltinContext* c, uint32_t index) {
  if (!check_may_leave(c)) return 0;
  auto* record = c->instance->handles.get_as<ErrorContext>(index, HandleKind::ErrorContext);
  if (record == nullptr) {
    return store_of(c).trap(TrapCode::UnknownHandle, fmt::format("unknown error context {}", index)), 0;
  }
  c->instance->handles.remove(index);
  delete record;
  return 0;
}

}  // extern "C"

}  // namespace wjit
