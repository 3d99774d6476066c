// What becomes of the hooks: see abi/trace.h. Every event gets a time of its own, later than the last one, so that what
// is inside what does not depend on a clock's steps. Arrows are written when both their ends are known: none stays
// open.
#include "abi/trace.h"

#include <algorithm>
#include <chrono>

#include "abi/labels.h"
#include "base/check.h"

namespace wjit {
namespace {

constexpr uint32_t kHost = 1;          // the process of host operations
constexpr size_t kMostLanes = 1024;    // host operations at a time that are shown
constexpr size_t kMostHandovers = 64;  // arrows into one read
constexpr int64_t kVirtualStep = 100;  // between two events, with a seed
constexpr auto kPatience = std::chrono::seconds(1);

uint64_t bytes_of(const CopyEnd& end, uint32_t elements) {
  const CopyBuffer& buffer = end.buffer;
  return uint64_t{elements} *
         end.shared()->payload->size(buffer.options == nullptr || buffer.options->options.memory_is_64);
}

std::string copy_label(const CopyEnd& end) {
  return fmt::format("{} {} {}", end.is_future() ? "future" : "stream", end.writable ? "write" : "read", end.index);
}

std::string waitable_label(const Waitable& waitable) {
  if (waitable.kind != HandleKind::Subtask) return copy_label(static_cast<const CopyEnd&>(waitable));
  const auto& subtask = static_cast<const Subtask&>(waitable);
  return subtask.task != nullptr ? fmt::format("call of task {}", subtask.task->id) : "host call";
}

// The name and what more is known of a wait.
const char* describe_wait(const Thread& thread, TraceArgs& args) {
  switch (thread.wait) {
    case WaitKind::None: return "suspended";
    case WaitKind::Yield: return "waits: its turn";
    case WaitKind::Enter: return "waits: to start";
    case WaitKind::HostCall: return "waits: host";
    case WaitKind::Waitable:
      args.add("for", waitable_label(*thread.wait_waitable));
      return thread.wait_waitable->kind == HandleKind::Subtask     ? "waits: call"
             : thread.wait_waitable->kind == HandleKind::StreamEnd ? "waits: stream"
                                                                   : "waits: future";
    case WaitKind::Set: {
      std::string members;
      int count = 0;
      for (const Waitable* w = thread.wait_set->idle.front(); w != nullptr && count < 8; w = w->set_next, ++count) {
        if (count > 0) members += ", ";
        members += waitable_label(*w);
      }
      args.add("for", members);
      return "waits: waitable set";
    }
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<Tracer>> Tracer::start(const std::string& path, Store& store) {
  auto file = TraceFile::create(path);
  if (!file) return std::unexpected(file.error());
  return std::unique_ptr<Tracer>(new Tracer(std::move(*file), store));
}

Tracer::Tracer(std::unique_ptr<TraceFile> file, Store& store) : store_(store), file_(std::move(file)) {
  CHECK(!store.options().eager_calls);
  start_ns_ = store.scheduler().peek(ClockId::Monotonic);
  store.tracer = this;
  store.observe(this);
  file_->name_process(kHost, "host", kHost);
}

Tracer::~Tracer() { (void)finish(); }

// Only peeks: a run goes on in the same way whether it is traced or not.
int64_t Tracer::now() {
  const int64_t step = store_.choices != nullptr ? kVirtualStep : 1;
  return last_ns_ = std::max(last_ns_ + step, store_.scheduler().peek(ClockId::Monotonic) - start_ns_);
}

// ---- tracks ----

uint32_t Tracer::process_of(const ComponentInstance& instance) {
  auto [entry, fresh] = processes_.try_emplace(&instance, kHost + 1 + static_cast<uint32_t>(processes_.size()));
  if (fresh) file_->name_process(entry->second, instance_label(instance), entry->second);
  return entry->second;
}

Tracer::Track& Tracer::track_of(const Thread& thread) {
  auto [entry, fresh] = tracks_.try_emplace(&thread);
  if (!fresh) return *entry->second;
  const Task& task = *thread.task;
  entry->second = std::make_unique<Track>();
  Track& track = *entry->second;
  track.thread = &thread;
  track.place = {process_of(*task.instance), static_cast<uint32_t>(kMostLanes) + ++last_thread_};
  std::string name = fmt::format("{} #{}", function_label(task), task.id);
  if (thread.is_explicit) name += fmt::format(" thread {}", thread.index);
  file_->name_thread(track.place, name, track.place.thread);
  TraceArgs args;
  args.add("task", task.id).add("instance", instance_label(*task.instance));
  file_->begin(track.place, now(), "task", name, args);
  return track;
}

Tracer::Cause Tracer::here(const char* name) {
  if (!running_.empty()) return {name, running_.back()->place, now()};
  return {delivered_.name != nullptr ? name : nullptr, delivered_.place, delivered_.ns};
}

void Tracer::open_wait(Track& track) {
  TraceArgs args;
  const char* name = describe_wait(*track.thread, args);
  file_->begin(track.place, now(), "wait", name, args);
  track.waits = true;
}

void Tracer::close_run(Track& track) {
  for (; track.slices > 0; --track.slices) file_->end(track.place, now());
  if (track.runs) file_->end(track.place, now());
  track.runs = false;
}

void Tracer::close_track(Track& track) {
  close_run(track);
  if (track.waits) file_->end(track.place, now());
  file_->end(track.place, now());
}

// ---- threads and tasks ----

void Tracer::resumed(const Thread& thread) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  Track& track = track_of(thread);
  running_.push_back(&track);
  if (track.runs) {  // goes on within itself: a callback whose next event is there
    ++track.again;
    return;
  }
  if (track.waits) file_->end(track.place, now());
  track.waits = false;
  file_->begin(track.place, now(), "run", "runs");
  track.runs = true;
  if (track.cause.name != nullptr) {
    file_->arrow(track.cause.name, track.cause.place, track.cause.ns, track.place, now());
  }
  track.cause = {};
}

void Tracer::left() {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  CHECK(!running_.empty());
  Track& track = *running_.back();
  running_.pop_back();
  if (track.again > 0) {
    --track.again;
  } else if (track.thread == nullptr) {
    close_track(track);
    std::erase_if(gone_, [&](const auto& t) { return t.get() == &track; });
  } else {
    close_run(track);
    if (!store_.locked_down()) return open_wait(track);
    if (!said_trap_ && has_trap(&store_.context())) {
      const Trap& trap = trap_of(&store_.context());
      file_->instant(track.place, now(), trap.exit_requested ? "exit" : "trap",
                     TraceArgs().add("message", trap.exit_requested ? fmt::format("status {}", trap.exit_status)
                                                                    : trap.message_text()));
      said_trap_ = true;
    }
  }
}

void Tracer::woken(const Thread& thread) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  Track& track = track_of(thread);
  const bool by_itself = !running_.empty() && running_.back() == &track;
  if (track.cause.name == nullptr && !by_itself) track.cause = here("wake");
}

void Tracer::gone(const Thread& thread) {
  std::lock_guard lock(mutex_);
  auto found = tracks_.find(&thread);
  if (file_ == nullptr || found == tracks_.end()) return;
  std::unique_ptr<Track> track = std::move(found->second);
  tracks_.erase(found);
  track->thread = nullptr;
  if (std::find(running_.begin(), running_.end(), track.get()) != running_.end()) {
    gone_.push_back(std::move(track));
  } else {
    close_track(*track);
  }
}

void Tracer::resolved(const Task& task, bool returned) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  Place place = running_.empty() ? track_of(task.implicit).place : running_.back()->place;
  file_->instant(place, now(), returned ? "returns" : "cancelled", TraceArgs().add("task", task.id));
}

// ---- slices in what runs ----

bool Tracer::open_slice(std::string_view category, std::string_view name, const TraceArgs& args) {
  if (running_.empty()) return false;
  Track& track = *running_.back();
  file_->begin(track.place, now(), category, name, args);
  ++track.slices;
  return true;
}

bool Tracer::begin_call(const Task& callee) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr || !open_slice("call", task_label(callee), TraceArgs().add("task", callee.id))) return false;
  track_of(callee.implicit).cause = here("call");
  return true;
}

bool Tracer::begin_host_call(const HostFunction& function) {
  std::lock_guard lock(mutex_);
  return file_ != nullptr && open_slice("host", function.name, {});
}

bool Tracer::begin_copy(const CopyEnd& end, bool cancel) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr || running_.empty()) return false;
  TraceArgs args;
  if (!cancel) args.add("elements", end.buffer.length).add("bytes", bytes_of(end, end.buffer.length));
  open_slice("copy", cancel ? "cancel " + copy_label(end) : copy_label(end), args);
  if (!cancel) copies_[&end] = {here(end.is_future() ? "future" : "stream"), {}};
  return true;
}

void Tracer::end_slice() {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  CHECK(!running_.empty() && running_.back()->slices > 0);
  Track& track = *running_.back();
  --track.slices;
  file_->end(track.place, now());
}

// ---- streams and futures ----

void Tracer::copied(const CopyEnd& end, const CopyEnd& other, uint32_t count) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  const CopyEnd& writer = end.writable ? end : other;
  const CopyEnd& reader = end.writable ? other : end;
  auto from = copies_.find(&writer);
  auto to = copies_.find(&reader);
  if (from == copies_.end() || to == copies_.end() || from->second.begun.name == nullptr) return;
  Cause cause = from->second.begun;
  if (&writer == &end) cause.ns = now();
  std::vector<Handover>& received = to->second.received;
  if (received.size() < kMostHandovers) {
    received.push_back({cause, count});
  } else {
    received.back().count += count;
  }
}

void Tracer::host_supplied(const CopyEnd& reader, uint32_t count) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr || delivered_.name == nullptr) return;
  auto to = copies_.find(&reader);
  if (to == copies_.end()) return;
  Cause cause = delivered_;
  cause.name = reader.is_future() ? "future" : "stream";
  to->second.received.push_back({cause, count});
}

void Tracer::copy_finished(const CopyEnd& end) {
  std::lock_guard lock(mutex_);
  auto found = copies_.find(&end);
  if (found == copies_.end()) return;
  Copy copy = std::move(found->second);
  copies_.erase(found);
  if (file_ == nullptr || running_.empty()) return;
  Place place = running_.back()->place;
  static constexpr const char* kResults[] = {"completed", "dropped", "cancelled"};
  TraceArgs args;
  args.add("elements", end.buffer.progress)
      .add("bytes", bytes_of(end, end.buffer.progress))
      .add("result", kResults[static_cast<size_t>(end.copy_result)]);
  file_->begin(place, now(), "copy", copy_label(end) + " done", args);
  for (const Handover& handover : copy.received) {
    file_->arrow(handover.from.name, handover.from.place, handover.from.ns, place, now());
  }
  file_->end(place, now());
}

// ---- the host ----

void Tracer::open_operation(const void* key) {
  Operation& operation = operations_[key];
  size_t lane = static_cast<size_t>(std::find(lanes_.begin(), lanes_.end(), false) - lanes_.begin());
  if (lane == kMostLanes) return;
  operation.lane = static_cast<uint32_t>(lane) + 1;
  if (lane == lanes_.size()) {
    lanes_.push_back(false);
    file_->name_thread({kHost, operation.lane}, fmt::format("operations {}", operation.lane), operation.lane);
  }
  lanes_[lane] = true;
  Cause from = running_.empty() ? Cause{} : here("host");
  operation.begun_ns = now();
  if (from.name != nullptr) file_->arrow(from.name, from.place, from.ns, {kHost, operation.lane}, now());
}

void Tracer::close_operation(const void* key, std::string_view category, std::string_view name, const TraceArgs& args) {
  auto found = operations_.find(key);
  if (found == operations_.end()) return;
  Operation operation = found->second;
  operations_.erase(found);
  if (operation.lane == 0) return;
  lanes_[operation.lane - 1] = false;
  Place place{kHost, operation.lane};
  delivered_ = {"host", place, now()};
  file_->complete(place, operation.begun_ns, now() - operation.begun_ns, category, name, args);
}

void Tracer::host_call_goes_on(const HostCall& call) {
  std::lock_guard lock(mutex_);
  if (file_ != nullptr) open_operation(&call);
}

void Tracer::host_call_ended(const HostCall& call) {
  std::lock_guard lock(mutex_);
  if (file_ != nullptr) close_operation(&call, "host call", call.function->name, {});
}

void Tracer::operation_began(const Completion& completion) {
  std::lock_guard lock(mutex_);
  if (file_ != nullptr) open_operation(&completion);
}

void Tracer::operation_ended(const Completion& completion, int64_t result) {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  static constexpr const char* kNames[] = {"",       "read",    "write", "poll",          "receive", "send",
                                           "accept", "connect", "timer", "blocking work", "external"};
  static_assert(std::size(kNames) == static_cast<size_t>(OperationKind::External) + 1);
  const OperationKind kind = completion.kind;
  const bool moves = kind == OperationKind::Read || kind == OperationKind::Write || kind == OperationKind::Receive ||
                     kind == OperationKind::Send;
  const bool forwards = kind == OperationKind::Blocking &&
                        static_cast<const BlockingWork&>(completion).blocking_kind == BlockingKind::MovesBytes;
  TraceArgs args;
  if (completion.fd >= 0) args.add("fd", completion.fd);
  if (moves) args.add("asked", completion.length);
  if ((moves || forwards) && result >= 0) args.add("bytes", result);
  if (result < 0) args.add("error", -result);
  close_operation(&completion, "operation", forwards ? "forward" : kNames[static_cast<size_t>(kind)], args);
}

void Tracer::operation_delivered() {
  std::lock_guard lock(mutex_);
  delivered_ = {};
}

// ---- the end ----

Result<> Tracer::finish() {
  std::unique_lock lock(mutex_, kPatience);
  if (!lock) return fail("it is being written right now");
  if (file_ == nullptr) return {};
  // Not now(): it is another thread that asks when the user interrupts.
  std::vector<Track*> open;
  for (auto& [thread, track] : tracks_) open.push_back(track.get());
  for (auto& track : gone_) open.push_back(track.get());
  std::sort(open.begin(), open.end(), [](const Track* a, const Track* b) { return a->place.thread < b->place.thread; });
  auto end = [&](const Track& track) { file_->end(track.place, ++last_ns_); };
  for (Track* track : open) {
    for (uint32_t slices = track->slices + track->runs + track->waits + 1; slices > 0; --slices) end(*track);
  }
  std::vector<Operation> unfinished;
  for (auto& [key, operation] : operations_) unfinished.push_back(operation);
  std::sort(unfinished.begin(), unfinished.end(),
            [](const Operation& a, const Operation& b) { return a.lane < b.lane; });
  for (const Operation& operation : unfinished) {
    if (operation.lane == 0) continue;
    file_->complete({kHost, operation.lane}, operation.begun_ns, ++last_ns_ - operation.begun_ns, "operation",
                    "under way at the end", {});
  }
  Result<> written = file_->finish();
  file_ = nullptr;
  return written;
}

}  // namespace wjit
