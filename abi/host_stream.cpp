// The host's ends: sources, sinks and the pump between the two. See abi/stream.h.
#include "abi/host_stream.h"

#include <algorithm>

#include "abi/choice.h"
#include "abi/host.h"
#include "abi/store.h"
#include "abi/trace.h"
#include "base/check.h"

namespace wjit {
namespace {

constexpr uint32_t kPumpBytes = 64 * 1024;
constexpr uint64_t kForwardAgain = 1 << 20;  // bytes that the pump moves before it asks the sink again to forward

// Calls into a source or sink may complete at once, end the stream, or start the next copy: the shared record stays
// until the outermost call has returned.
class HostScope {
 public:
  explicit HostScope(SharedStream& shared) : shared_(shared), outer_(!shared.in_host_call) {
    shared.in_host_call = true;
  }
  ~HostScope() {
    if (!outer_) return;
    shared_.in_host_call = false;
    if (shared_.references == 0) shared_.payload->store->streams.free(&shared_);
  }
  HostScope(const HostScope&) = delete;
  HostScope& operator=(const HostScope&) = delete;

 private:
  SharedStream& shared_;
  bool outer_;
};

bool pumping(const SharedStream& shared) { return shared.host->pumps; }

void tell_closed(SharedStream& shared) {
  if (shared.sink() == nullptr || shared.host->sink_told || shared.host->busy) return;
  shared.host->sink_told = true;
  shared.sink()->closed();
  if (pumping(shared)) --shared.references;  // the pump's own: nobody else holds it
}

// The pump's next step: more bytes from the source, or what is left of the last ones to the sink.
void pump(SharedStream& shared) {
  const PayloadType& payload = *shared.payload;
  uint32_t element = std::max(payload.size64, 1u);
  if (shared.host->pump_buffer.remain() > 0) {
    shared.host->write.stream = &shared;
    shared.host->write.buffer = shared.host->pump_memory.get() + size_t{shared.host->pump_buffer.progress} * element;
    shared.host->write.count = shared.host->pump_buffer.remain();
    shared.host->busy = true;
    shared.sink()->write(shared.host->write);
    return;
  }
  if (shared.dropped || shared.source() == nullptr) return tell_closed(shared);
  shared.host->read.stream = shared.host->write.stream = &shared;
  if (payload.is_plain && !payload.is_future && payload.size64 == 1 && shared.host->pumped >= shared.host->forward_at) {
    shared.host->forward_at = shared.host->pumped + kForwardAgain;
    shared.host->busy = true;
    shared.host->pump_buffer = {};
    if (shared.sink()->forward(*shared.source(), shared.host->pumped, shared.host->read, shared.host->write)) return;
    shared.host->busy = false;
  }
  if (shared.host->pump_memory == nullptr) {
    shared.host->pump_memory = std::make_unique_for_overwrite<uint8_t[]>(kPumpBytes);
  }
  shared.host->read.buffer = payload.is_plain ? shared.host->pump_memory.get() : nullptr;
  shared.host->read.capacity =
      payload.is_future ? 1 : elements_for_host(shared.payload->store->choices, kPumpBytes / element);
  shared.host->pump_buffer = {};
  shared.host->busy = true;
  shared.source()->read(shared.host->read);
}

// A guest's pending copy has come to an end.
void finish_guest(SharedStream& shared, CopyResult result) {
  shared.host->busy = false;
  CopyEnd* end = shared.pending;
  shared.pending = nullptr;
  if (end == nullptr) return;
  end->copy_result = result;
  set_pending(*end);
}

void trace_supplied(SharedStream& shared, uint32_t count) {
  Tracer* tracer = shared.payload->store->tracer;
  if (tracer != nullptr && shared.pending != nullptr) tracer->host_supplied(*shared.pending, count);
}

}  // namespace

void host_copy(SharedStream& shared) {
  HostScope scope(shared);
  CopyEnd& end = *shared.pending;
  const PayloadType& payload = *shared.payload;
  bool is_64 = end.buffer.options->options.memory_is_64;
  MemoryInstance* memory = end.buffer.options->memory;
  uint8_t* data = memory != nullptr ? memory->base + end.buffer.address : nullptr;
  shared.host->busy = true;
  if (end.writable) {
    StreamWrite& write = shared.host->write;
    write.stream = &shared;
    write.count = elements_for_host(shared.payload->store->choices, end.buffer.length);
    write.buffer = data;
    if (!payload.is_plain && payload.element != kNoType) {
      write.arena = std::make_shared<HostArena>();
      CopyBuffer host;
      host.length = write.count;
      host.address = reinterpret_cast<uint64_t>(  // NOLINT
          write.arena->allocate(size_t{write.count} * payload.size64, payload.align64));
      uint64_t begin = host.address;
      CopyBuffer from = end.buffer;
      if (!copy_elements(*shared.payload->store, payload, from, host, write.count, write.arena.get())) return;
      write.buffer = reinterpret_cast<const void*>(begin);  // NOLINT
    }
    shared.sink()->write(write);
  } else {
    StreamRead& read = shared.host->read;
    read.stream = &shared;
    read.capacity = elements_for_host(shared.payload->store->choices, end.buffer.length);
    read.buffer = payload.is_plain && payload.size(is_64) == payload.size64 ? data : nullptr;
    shared.source()->read(read);
  }
}

void host_cancel(SharedStream& shared) {
  HostScope scope(shared);
  if (shared.pending->writable) {
    shared.sink()->cancel(shared.host->write);
  } else {
    shared.source()->cancel(shared.host->read);
  }
}

void host_end_dropped(SharedStream& shared) {
  HostScope scope(shared);
  if (shared.source() != nullptr && !shared.host->busy) shared.host->source.reset();
  tell_closed(shared);
}

// ---- a source's answers ----

void StreamRead::complete(uint32_t count) {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  CHECK(shared.host->busy);
  if (pumping(shared)) {
    shared.host->busy = false;
    shared.host->pump_buffer.length = count;
    return pump(shared);
  }
  if (shared.pending != nullptr) shared.pending->buffer.progress += count;
  trace_supplied(shared, count);
  finish_guest(shared, CopyResult::Completed);
}

void StreamRead::supply(const void* elements, uint32_t count) {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  CHECK(shared.host->busy && count <= std::max(capacity, 1u));
  if (pumping(shared)) {
    // The sink takes host layouts: it sees the source's own elements. Anything it does not take is offered again.
    size_t bytes = size_t{count} * shared.payload->size64;
    CHECK(bytes <= kPumpBytes);
    if (bytes > 0) __builtin_memcpy(shared.host->pump_memory.get(), elements, bytes);
    shared.host->busy = false;
    shared.host->pump_buffer.length = count;
    return pump(shared);
  }
  if (shared.pending != nullptr) {
    CopyBuffer from;
    from.address = reinterpret_cast<uint64_t>(elements);  // NOLINT
    from.length = count;
    if (!copy_elements(*shared.payload->store, *shared.payload, from, shared.pending->buffer, count, nullptr)) return;
  }
  trace_supplied(shared, count);
  finish_guest(shared, CopyResult::Completed);
}

void StreamRead::end() {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  shared.dropped = true;
  finish_guest(shared, CopyResult::Dropped);
  if (pumping(shared)) tell_closed(shared);
}

void StreamRead::cancelled(uint32_t count) {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  if (pumping(shared)) {  // only the end of the store cancels a pump
    shared.host->busy = false;
    return tell_closed(shared);
  }
  if (shared.pending != nullptr) shared.pending->buffer.progress += count;
  finish_guest(shared, CopyResult::Cancelled);
}

// ---- a sink's answers ----

void StreamWrite::complete(uint32_t taken) {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  CHECK(shared.host->busy && taken <= count);
  arena.reset();
  if (pumping(shared)) {
    shared.host->busy = false;
    shared.host->pump_buffer.progress += taken;
    shared.host->pumped += taken;
    return pump(shared);
  }
  if (shared.pending != nullptr) shared.pending->buffer.progress += taken;
  finish_guest(shared, CopyResult::Completed);
  if (shared.dropped) tell_closed(shared);
}

void StreamWrite::end() {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  arena.reset();
  shared.dropped = true;
  shared.host->sink_told = true;
  finish_guest(shared, CopyResult::Dropped);
  if (pumping(shared)) {
    shared.host->source.reset();
    --shared.references;
  }
}

void StreamWrite::cancelled(uint32_t taken) {
  SharedStream& shared = *stream;
  HostScope scope(shared);
  arena.reset();
  if (pumping(shared)) {
    shared.host->busy = false;
    return tell_closed(shared);
  }
  if (shared.pending != nullptr) shared.pending->buffer.progress += taken;
  finish_guest(shared, CopyResult::Cancelled);
}

// ---- making and taking ends ----

uint32_t make_host_stream(Store& store, const PayloadType* payload, std::unique_ptr<HostSource> source) {
  SharedStream* shared = make_stream(store, payload);
  shared->references = 1;
  shared->host_ends().source = std::move(source);
  return lower_readable(store.host_instance(), shared);
}

SharedStream* take_host_stream(Store& store, uint32_t handle) {
  HandleRecord* record = store.host_instance().handles.get(handle);
  CHECK(record != nullptr && (record->kind == HandleKind::StreamEnd || record->kind == HandleKind::FutureEnd));
  auto* end = static_cast<CopyEnd*>(record);
  store.host_instance().handles.remove(handle);
  end->instance = nullptr;
  return end->shared();
}

void attach_sink(SharedStream* shared, std::unique_ptr<HostSink> sink) {
  HostScope scope(*shared);
  shared->host_ends().sink = std::move(sink);
  if (shared->source() != nullptr) {
    shared->host->pumps = true;
    return pump(*shared);
  }
  // The writer's end keeps it from here on; without one it goes with `scope`.
  --shared->references;
  if (shared->pending != nullptr) return host_copy(*shared);
  if (shared->dropped) tell_closed(*shared);
}

}  // namespace wjit
