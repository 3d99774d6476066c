// Streams and futures between guests, and the ends in handle tables. Host ends are abi/host_stream.cpp.
// Spec: CanonicalABI.md, "Stream State", "Future State".
#include "abi/stream.h"

#include <algorithm>
#include <cstring>

#include "abi/host_stream.h"
#include "abi/store.h"
#include "abi/trace.h"
#include "base/check.h"

namespace wjit {

// ---- ends in tables ----

void release(SharedStream* shared) {
  if (--shared->references == 0 && !shared->in_host_call) shared->payload->store->streams.free(shared);
}

// Puts an end that no guest holds into a table: its index, 0 when that is full.
static uint32_t hold_end(ComponentInstance& instance, SharedStream& shared, bool writable) {
  CopyEnd& end = shared.end(writable);
  end.kind = shared.payload->is_future ? HandleKind::FutureEnd : HandleKind::StreamEnd;
  end.copy_state = CopyState::Idle;
  end.instance = &instance;
  return end.index = instance.handles.add(&end);
}

SharedStream* make_stream(Store& store, const PayloadType* payload) {
  SharedStream* shared = store.streams.make();
  shared->payload = payload;
  return shared;
}

uint64_t stream_new(ComponentInstance& instance, const PayloadType* payload) {
  SharedStream* shared = make_stream(*instance.store, payload);
  shared->references = 2;
  uint64_t readable = hold_end(instance, *shared, false);
  uint64_t writable = readable != 0 ? hold_end(instance, *shared, true) : 0;
  return writable != 0 ? readable | writable << 32 : 0;  // the store is in lockdown after 0; what was made goes with it
}

uint32_t lower_readable(ComponentInstance& instance, SharedStream* shared) {
  return hold_end(instance, *shared, false);
}

SharedStream* lift_readable(ComponentInstance& instance, uint32_t index, const PayloadType* payload) {
  Store& store = *instance.store;
  const char* what = payload->is_future ? "future" : "stream";
  HandleKind kind = payload->is_future ? HandleKind::FutureEnd : HandleKind::StreamEnd;
  auto* end = instance.handles.get_as<CopyEnd>(index, kind);
  if (end == nullptr || end->writable) {
    store.trap(TrapCode::UnknownHandle, fmt::format("{} is no readable {} end", index, what));
    return nullptr;
  }
  if (end->shared()->payload != payload) {
    store.trap(TrapCode::CanonicalAbi, fmt::format("{} {} has another element type", what, index));
    return nullptr;
  }
  if (end->copy_state != CopyState::Idle) {
    store.trap(TrapCode::CanonicalAbi,
               end->copy_state == CopyState::Done
                   ? (payload->is_future ? "cannot lift future after previous read succeeded"
                                         : "cannot lift stream after being notified that the writable end dropped")
                   : fmt::format("cannot transfer {} {}: a copy is in progress", what, index));
    return nullptr;
  }
  if (end->set() != nullptr) {
    store.trap(TrapCode::CanonicalAbi, fmt::format("cannot lift {} while it's in a waitable set", what));
    return nullptr;
  }
  instance.handles.remove(index);
  end->instance = nullptr;
  return end->shared();
}

// ---- copying ----

static void* memory_of(const CopyBuffer& buffer, uint64_t element_size) {
  uint64_t address = buffer.address + uint64_t{buffer.progress} * element_size;
  if (buffer.options == nullptr) return reinterpret_cast<void*>(address);  // NOLINT
  if (buffer.options->memory == nullptr) return nullptr;                   // no payload
  return buffer.options->memory->base + address;
}

static AdapterSide side_of(const BuiltinContext* options) {
  AdapterSide side;
  if (options == nullptr) {
    side.kind = AdapterSide::Kind::Host;
    side.memory_is_64 = true;
    return side;
  }
  side.memory_is_64 = options->options.memory_is_64;
  side.encoding = options->options.string_encoding;
  side.has_memory = options->memory != nullptr;
  side.has_realloc = options->realloc.code != nullptr;
  return side;
}

CopierSpec copier_spec(const PayloadType& payload, const BuiltinContext* from, const BuiltinContext* to) {
  return {payload.types.get(), payload.element, side_of(from), side_of(to), "copy of " + payload.name};
}

bool copy_elements(Store& store, const PayloadType& payload, CopyBuffer& from, CopyBuffer& to, uint32_t count,
                   HostArena* arena) {
  if (payload.element != kNoType && count > 0) {
    bool from_64 = from.options == nullptr || from.options->options.memory_is_64;
    bool to_64 = to.options == nullptr || to.options->options.memory_is_64;
    void* source = memory_of(from, payload.size(from_64));
    void* destination = memory_of(to, payload.size(to_64));
    if (payload.is_plain) {
      memmove(destination, source, size_t{count} * payload.size(from_64));
    } else {
      auto code = store.engine().copier(copier_spec(payload, from.options, to.options));
      if (!code) return store.trap(TrapCode::NotSupported, code.error().message), false;
      AdapterContext context;
      context.store = &store.context();
      context.caller = from.options != nullptr ? from.options->instance : nullptr;
      context.callee = to.options != nullptr ? to.options->instance : nullptr;
      if (from.options != nullptr) context.caller_memory = from.options->memory;
      if (to.options != nullptr) {
        context.callee_memory = to.options->memory;
        context.callee_realloc = to.options->realloc;
      }
      context.resource_list = payload.resources;
      context.resources = context.resource_list.data();
      context.streams = payload.streams;
      Call call;
      call.arena = arena;
      RegisterArgs args;
      args.ints[0] = reinterpret_cast<uint64_t>(&context);     // NOLINT
      args.ints[1] = reinterpret_cast<uint64_t>(source);       // NOLINT
      args.ints[2] = reinterpret_cast<uint64_t>(destination);  // NOLINT
      args.ints[3] = count;
      args.ints[4] = reinterpret_cast<uint64_t>(&call);  // NOLINT
      if (!store.run_core({(*code)->copy, &context}, args, nullptr)) return false;
    }
  }
  from.progress += count;
  to.progress += count;
  return true;
}

static void finish_pending(SharedStream& shared, CopyResult result) {
  CopyEnd* end = shared.pending;
  shared.pending = nullptr;
  end->copy_result = result;
  set_pending(*end);
}

static void finish(CopyEnd& end, CopyResult result) {
  end.copy_result = result;
  set_pending(end);
}

void start_copy(CopyEnd& end) {
  SharedStream& shared = *end.shared();
  end.copy_state = CopyState::Copying;
  if (shared.dropped) return finish(end, CopyResult::Dropped);
  if (end.writable ? shared.sink() != nullptr : shared.source() != nullptr) {
    shared.pending = &end;
    return host_copy(shared);
  }
  CopyEnd* other = shared.pending;
  if (other == nullptr) {
    shared.pending = &end;
    return;
  }
  if (other->instance == end.instance && !shared.payload->is_none_or_number) {
    return shared.payload->store->trap(
        TrapCode::CanonicalAbi,
        fmt::format("cannot read from and write to intra-component {} with a payload that is no number",
                    shared.payload->is_future ? "future" : "stream"));
  }
  if (other->buffer.remain() > 0) {
    if (end.buffer.remain() > 0) {
      uint32_t count = std::min(end.buffer.remain(), other->buffer.remain());
      CopyBuffer& from = end.writable ? end.buffer : other->buffer;
      CopyBuffer& to = end.writable ? other->buffer : end.buffer;
      if (!copy_elements(*shared.payload->store, *shared.payload, from, to, count, nullptr)) return;
      if (shared.payload->store->tracer != nullptr) shared.payload->store->tracer->copied(end, *other, count);
      if (shared.payload->is_future) {
        finish_pending(shared, CopyResult::Completed);
      } else {
        finish(*other, CopyResult::Completed);  // stays pending: more may be copied until its event is delivered
      }
    }
    return finish(end, CopyResult::Completed);
  }
  if (end.writable && end.buffer.length == 0 && other->buffer.length == 0) return finish(end, CopyResult::Completed);
  finish_pending(shared, CopyResult::Completed);
  shared.pending = &end;
}

uint32_t finish_copy(CopyEnd& end) {
  SharedStream& shared = *end.shared();
  CHECK(end.copy_state == CopyState::Copying || end.copy_state == CopyState::Cancelling);
  if (shared.payload->store->tracer != nullptr) shared.payload->store->tracer->copy_finished(end);
  if (shared.pending == &end) shared.pending = nullptr;
  bool done = end.copy_result == CopyResult::Dropped || (end.is_future() && end.copy_result == CopyResult::Completed);
  end.copy_state = done ? CopyState::Done : CopyState::Idle;
  auto result = static_cast<uint32_t>(end.copy_result);
  return end.is_future() ? result : result | end.buffer.progress << 4;
}

void cancel_copy(CopyEnd& end) {
  end.copy_state = CopyState::Cancelling;
  SharedStream& shared = *end.shared();
  bool with_host = end.writable ? shared.sink() != nullptr : shared.source() != nullptr;
  // A copy that is through has nothing to cancel. One between guests that stays pending after a part was copied has:
  // its event then says cancelled, with what was copied, as the reference tests want (definitions.py says completed).
  if (end.pending && (with_host || shared.pending != &end)) return;
  CHECK(shared.pending == &end);
  if (with_host) return host_cancel(shared);
  finish_pending(shared, CopyResult::Cancelled);
}

static void drop_one_side(SharedStream& shared) {
  if (!shared.dropped) {
    shared.dropped = true;
    if (shared.pending != nullptr) finish_pending(shared, CopyResult::Dropped);
    if (shared.host != nullptr) host_end_dropped(shared);
  }
  release(&shared);
}

void drop_end(CopyEnd& end) {
  CHECK(end.copy_state == CopyState::Idle || end.copy_state == CopyState::Done);
  join(end, nullptr);
  end.instance = nullptr;
  drop_one_side(*end.shared());
}

void drop_shared_reader(SharedStream* shared) { drop_one_side(*shared); }

}  // namespace wjit
