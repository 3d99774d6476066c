// Streams and futures: a rendezvous of one reader and one writer. Whoever comes first leaves its buffer pending;
// whoever comes second copies, once, straight from memory to memory. An end is held by a component instance (a CopyEnd
// in its handle table) or by the host (HostSource: the host writes, HostSink: the host reads), and moves between them.
//
//   guest write ─▶ SharedStream ◀─ guest read        both guests: copy
//   HostSource  ─▶ SharedStream ◀─ guest read        the source fills the guest's buffer (io_uring may write there
//   directly) guest write ─▶ SharedStream ◀─ HostSink          the sink takes from the guest's buffer HostSource  ─▶
//   SharedStream ◀─ HostSink          a pump with a buffer of the host's
//
// Spec: CanonicalABI.md, "Stream State", "Future State", "canon {stream,future}.*". Strand only. abi/stream.cpp.
#pragma once

#include <cstdint>
#include <memory>

#include "abi/payload.h"
#include "abi/task.h"

namespace wjit {

struct SharedStream;
struct BuiltinContext;

// A range of elements in somebody's memory.
struct CopyBuffer {
  const BuiltinContext* options = nullptr;  // guest: memory, realloc, encoding; null: host memory
  uint64_t address = 0;                     // guest: offset in options->memory; host: pointer
  uint32_t length = 0;                      // elements
  uint32_t progress = 0;
  uint32_t remain() const { return length - progress; }
};

// A readable or writable end, in the handle table of `instance`; null: no guest holds it.
struct CopyEnd : Waitable {
  explicit CopyEnd(bool w) : Waitable(HandleKind::Free) {
    writable = w;
    copy_state = CopyState::Idle;
  }
  SharedStream* shared();  // what it is a part of
  const SharedStream* shared() const { return const_cast<CopyEnd*>(this)->shared(); }
  ComponentInstance* instance = nullptr;
  CopyBuffer buffer;
  bool is_future() const { return kind == HandleKind::FutureEnd; }
};

// The host's side of a read by a guest (or by a pump): fill and complete, now or later. Lives until it is completed.
class StreamRead {
 public:
  void* buffer =
      nullptr;            // memory for `capacity` elements when the payload is plain; null otherwise, or for capacity 0
  uint32_t capacity = 0;  // elements wanted; 0 asks only whether there is something
  // Exactly one of these ends the read:
  void complete(uint32_t count);                      // `count` elements are in `buffer`
  void supply(const void* elements, uint32_t count);  // gives elements in host layout (any payload)
  void end();                                         // no more elements: the writer's end is dropped
  void cancelled(uint32_t count);                     // answer to HostSource::cancel
  SharedStream* stream = nullptr;
};

// The host at the writable end. Owned by its SharedStream; destroyed when the reader has dropped its end or after
// end().
class HostSource {
 public:
  virtual ~HostSource() = default;
  // The reader wants elements. One read at a time.
  virtual void read(StreamRead& read) = 0;
  // The reader takes its read back: complete, end or cancelled must follow, now or later.
  virtual void cancel(StreamRead& read) = 0;
};

class StreamWrite {
 public:
  const void* buffer =
      nullptr;  // `count` elements when the payload is plain; else host-layout copies made for this write
  uint32_t count = 0;
  void complete(uint32_t taken);   // so many were taken (> 0, unless count is 0)
  void end();                      // takes no more, ever: the reader's end is dropped
  void cancelled(uint32_t taken);  // answer to HostSink::cancel
  SharedStream* stream = nullptr;
  std::shared_ptr<class HostArena> arena;  // of `buffer`, payload not plain
};

// The host at the readable end. Owned by its SharedStream; destroyed after closed() or end().
class HostSink {
 public:
  virtual ~HostSink() = default;
  virtual void write(StreamWrite& write) = 0;
  virtual void cancel(StreamWrite& write) = 0;
  // The writer has dropped its end; nothing more comes.
  virtual void closed() = 0;
  // Asked when the writer is `source`, of the host as well, and the elements are bytes: whether this sink has them
  // moved without the pump's memory in between. If so, it ends that with one of read.complete(0) (the pump goes on and
  // asks again after some time), read.cancelled(0) or write.end(). `pumped`: the bytes that the pump has moved.
  virtual bool forward(HostSource& source, uint64_t pumped, StreamRead& read, StreamWrite& write) {
    (void)source, (void)pumped, (void)read, (void)write;
    return false;
  }
};

// The host at one or both ends of a stream.
struct HostEnds {
  std::unique_ptr<HostSource> source;
  std::unique_ptr<HostSink> sink;
  StreamRead read;    // the one read that `source` is working on
  StreamWrite write;  // the one write that `sink` is working on
  bool busy = false;
  bool sink_told = false;  // sink->closed() was called
  bool pumps = false;      // source and sink are both the host's; then also:
  CopyBuffer pump_buffer;
  std::unique_ptr<uint8_t[]> pump_memory;  // made when it is needed
  uint64_t pumped = 0;                     // bytes
  uint64_t forward_at = 0;                 // of `pumped`: the sink is asked to forward
};

// What the two ends share, and the ends themselves, where guests hold them: a record of Store::streams.
// Reference-counted: each end holds one.
struct SharedStream {
  const PayloadType* payload = nullptr;
  uint32_t references = 0;
  bool dropped = false;            // one of the ends is gone
  bool in_host_call = false;       // a source's or sink's method is on the stack: nothing is freed yet
  CopyEnd* pending = nullptr;      // the guest end that waits for the other
  std::unique_ptr<HostEnds> host;  // once one end is the host's
  CopyEnd readable{false}, writable{true};
  CopyEnd& end(bool is_writable) { return is_writable ? writable : readable; }
  HostSource* source() const { return host != nullptr ? host->source.get() : nullptr; }
  HostSink* sink() const { return host != nullptr ? host->sink.get() : nullptr; }
  HostEnds& host_ends() {
    if (host == nullptr) host = std::make_unique<HostEnds>();
    return *host;
  }
};

inline SharedStream* CopyEnd::shared() {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"  // a base class with members: fine with every compiler we use
  constexpr size_t readable = offsetof(SharedStream, readable), writable_end = offsetof(SharedStream, writable);
#pragma clang diagnostic pop
  auto* bytes = reinterpret_cast<std::byte*>(this);                                      // NOLINT
  return reinterpret_cast<SharedStream*>(bytes - (writable ? writable_end : readable));  // NOLINT
}

// A new stream or future with both ends in `instance`'s table: readable index | writable index << 32; 0 when full.
uint64_t stream_new(ComponentInstance& instance, const PayloadType* payload);

// stream.read/write, future.read/write as far as they do not wait: true when the end has an event now.
// Preconditions were checked by the built-in.
void start_copy(CopyEnd& end);
// Cancels the copy that is under way; the end may or may not have an event afterwards.
void cancel_copy(CopyEnd& end);
// Drops an end (handle already removed); requires not copying.
void drop_end(CopyEnd& end);
// The packed result of the end's finished copy, state updated.
uint32_t finish_copy(CopyEnd& end);

// Lifting a readable end out of an instance's table: checks kind, payload, state; null and a trap where it does not
// fit.
SharedStream* lift_readable(ComponentInstance& instance, uint32_t index, const PayloadType* payload);
// Lowering into a table; 0 when full.
uint32_t lower_readable(ComponentInstance& instance, SharedStream* shared);

// Without ends yet. abi/stream.cpp.
SharedStream* make_stream(Store& store, const PayloadType* payload);

// Host ends. make_host_stream: the host writes; the result is what a host function returns for a stream or future (a
// number of the store's host table). take_host_stream: what a host function was given; it attaches a sink.
uint32_t make_host_stream(Store& store, const PayloadType* payload, std::unique_ptr<HostSource> source);
SharedStream* take_host_stream(Store& store, uint32_t handle);
void attach_sink(SharedStream* shared, std::unique_ptr<HostSink> sink);
// Drops a readable end that is in no table.
void drop_shared_reader(SharedStream* shared);

// What the code that copies elements from a write to a read is made from (not used where payload.is_plain); null: the
// host's.
CopierSpec copier_spec(const PayloadType& payload, const BuiltinContext* from, const BuiltinContext* to);

}  // namespace wjit
