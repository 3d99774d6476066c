// `--trace=FILE`: what a store does, as a picture. Each component instance is a process, each task a row of slices in
// it (and each explicit thread of a task one of its own): the task from its making to its end, in it when it runs and
// when it waits and for what, in those the calls that it makes. Arrows go from a call to what it started, from whoever
// made a thread ready to where that goes on, from the writer of a stream or future to its reader. Host operations are
// rows of a process `host`, with their bytes.
//
// Store::tracer is null unless somebody traces; each hook below then costs a look at that. A store that is traced has
// StoreOptions::eager_calls off, so that the hooks see every call. Times are the real ones,
// or with a seed the virtual ones, so that equal runs give equal traces.
//
// Hooks: on the strand. finish: any thread. Tests: test/lit/trace.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "abi/store.h"
#include "abi/trace_file.h"
#include "scheduler/completion.h"

namespace wjit {

class Tracer final : public OperationObserver {
 public:
  // Traces `store` into a new file from here on, until finish. Fails when the file cannot be made. Outlives the store.
  static Result<std::unique_ptr<Tracer>> start(const std::string& path, Store& store);
  ~Tracer() override;

  // Ends what is open and closes the file; hooks do nothing afterwards. Fails if it is not complete: not all could be
  // written, or the lock cannot be had within a second (the file's reader does not read). Any thread.
  Result<> finish();

  // ---- threads and tasks ----
  void resumed(const Thread& thread);
  void left();                       // the last one resumed has parked or ended (it may be gone)
  void woken(const Thread& thread);  // was made ready
  void gone(const Thread& thread);   // is about to be freed
  void resolved(const Task& task, bool returned);
  // ---- slices in whatever runs; false: nothing does, and there is no slice to end ----
  bool begin_call(const Task& callee);
  bool begin_host_call(const HostFunction& function);
  bool begin_copy(const CopyEnd& end, bool cancel);  // a copy begins, or is cancelled
  void end_slice();
  // ---- streams and futures ----
  void copied(const CopyEnd& end, const CopyEnd& other, uint32_t count);  // `end` is the one whose copy began later
  void host_supplied(const CopyEnd& reader, uint32_t count);
  void copy_finished(const CopyEnd& end);
  // ---- the host ----
  void host_call_goes_on(const HostCall& call);
  void host_call_ended(const HostCall& call);
  void operation_began(const Completion& completion) override;
  void operation_ended(const Completion& completion, int64_t result) override;
  void operation_delivered() override;

 private:
  using Place = TraceFile::Place;
  // Where an arrow starts.
  struct Cause {
    const char* name = nullptr;  // null: there is none
    Place place;
    int64_t ns = 0;
  };
  struct Track {
    Place place;
    const Thread* thread = nullptr;  // null: gone
    Cause cause;                     // why it will be resumed
    bool waits = false;              // a slice that says what for is open
    bool runs = false;
    uint32_t slices = 0;  // open in the running one
    uint32_t again = 0;   // resumed so often while it ran
  };
  struct Handover {
    Cause from;
    uint32_t count = 0;
  };
  struct Copy {
    Cause begun;
    std::vector<Handover> received;  // a reader's, until its event is delivered
  };
  struct Operation {
    uint32_t lane = 0;  // 0: too many at a time, not shown
    int64_t begun_ns = 0;
  };

  Tracer(std::unique_ptr<TraceFile> file, Store& store);
  int64_t now();
  uint32_t process_of(const ComponentInstance& instance);
  Track& track_of(const Thread& thread);
  Cause here(const char* name);  // in what runs, or the host operation that has ended
  bool open_slice(std::string_view category, std::string_view name, const TraceArgs& args);
  void open_wait(Track& track);
  void close_run(Track& track);
  void close_track(Track& track);
  void open_operation(const void* key);
  void close_operation(const void* key, std::string_view category, std::string_view name, const TraceArgs& args);

  std::timed_mutex mutex_;  // all below
  Store& store_;
  std::unique_ptr<TraceFile> file_;  // null after finish
  bool said_trap_ = false;
  int64_t start_ns_ = 0;
  int64_t last_ns_ = 0;
  uint32_t last_thread_ = 0;
  std::unordered_map<const ComponentInstance*, uint32_t> processes_;
  std::unordered_map<const Thread*, std::unique_ptr<Track>> tracks_;
  std::vector<std::unique_ptr<Track>> gone_;  // that still run
  std::vector<Track*> running_;               // innermost last
  std::unordered_map<const CopyEnd*, Copy> copies_;
  std::unordered_map<const void*, Operation> operations_;  // by completion or host call
  std::vector<bool> lanes_;                                // in use
  Cause delivered_;                                        // the operation whose `done` runs
};

// ---- what the hooks' places write ----

// A thread runs from here to the end of the scope.
class TraceRun {
 public:
  TraceRun(Store& store, const Thread& thread) : tracer_(store.tracer) {
    if (tracer_ != nullptr) [[unlikely]]
      tracer_->resumed(thread);
  }
  ~TraceRun() {
    if (tracer_ != nullptr) [[unlikely]]
      tracer_->left();
  }
  TraceRun(const TraceRun&) = delete;
  TraceRun& operator=(const TraceRun&) = delete;

 private:
  Tracer* tracer_;
};

// A slice in what runs, from here to the end of the scope: a call of `callee` or of a host function, or a copy's
// built-in.
class TraceSlice {
 public:
  TraceSlice(Store& store, const Task& callee)
      : tracer_(store.tracer != nullptr && store.tracer->begin_call(callee) ? store.tracer : nullptr) {}
  TraceSlice(Store& store, const HostFunction& function)
      : tracer_(store.tracer != nullptr && store.tracer->begin_host_call(function) ? store.tracer : nullptr) {}
  TraceSlice(Store& store, const CopyEnd& end, bool cancel)
      : tracer_(store.tracer != nullptr && store.tracer->begin_copy(end, cancel) ? store.tracer : nullptr) {}
  ~TraceSlice() {
    if (tracer_ != nullptr) [[unlikely]]
      tracer_->end_slice();
  }
  TraceSlice(const TraceSlice&) = delete;
  TraceSlice& operator=(const TraceSlice&) = delete;

 private:
  Tracer* tracer_;
};

}  // namespace wjit
