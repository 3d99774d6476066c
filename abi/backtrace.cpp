// See abi/backtrace.h.
#include "abi/backtrace.h"

#include <algorithm>

#include "abi/call.h"
#include "abi/labels.h"
#include "abi/store.h"

namespace wjit {
namespace {

constexpr int kMaxCallers = 100;

Frame frame_of(const Task& task) {
  Frame frame;
  frame.function_name = fmt::format("task {} ({})", task.id, task_label(task));
  frame.is_adapter = true;
  return frame;
}

// The outermost of the threads whose frames are on the stacks now: each nested in the one before it.
Thread* outermost(const Store& store) {
  Thread* thread = store.current();
  for (const ResumeFrame* frame = store.resume_frame; frame != nullptr; frame = frame->outer) {
    if (frame->previous != nullptr) thread = frame->previous;
  }
  return thread != nullptr ? &root_of(*thread) : nullptr;
}

bool waits_for(const Thread& thread, const Subtask& subtask) {
  if (thread.state != Thread::State::Waiting) return false;
  if (thread.wait == WaitKind::Waitable) return thread.wait_waitable == &subtask;
  return thread.wait == WaitKind::Set && subtask.set() != nullptr && thread.wait_set == subtask.set();
}

Thread* waiter_of(const Store& store, const Subtask& subtask) {
  for (Task* task = store.tasks.front(); task != nullptr; task = task->store_next) {
    if (waits_for(task->implicit, subtask)) return &task->implicit;
    for (Thread* thread = task->threads.front(); thread != nullptr; thread = thread->task_next) {
      if (waits_for(*thread, subtask)) return thread;
    }
  }
  return nullptr;
}

}  // namespace

void add_waiting_callers(GuestContext* context, std::vector<Frame>& frames) {
  const Store& store = Store::of(static_cast<StoreContext*>(context));
  const Thread* thread = outermost(store);
  if (thread == nullptr) return;
  if (frames.empty()) frames.push_back(frame_of(*thread->task));
  for (int i = 0; i < kMaxCallers && frames.size() < kMaxFrames; ++i) {
    const Task& task = *thread->task;
    const Subtask* subtask = task.detached ? task.subtask : nullptr;
    if (subtask == nullptr) return;
    Thread* waiter = waiter_of(store, *subtask);
    if (waiter == nullptr) return;
    thread = &root_of(*waiter);
    void** sp = nullptr;
    void* fp = nullptr;
    if (thread == store.waiting_below().thread) {
      sp = static_cast<void**>(store.waiting_below().guest_sp);
      fp = store.waiting_below().guest_fp;
    } else if (thread->fiber != nullptr && thread->fiber->state == FiberState::Suspended) {
      sp = static_cast<void**>(thread->fiber->sp);
      fp = sp[-2];
    } else {
      frames.push_back(frame_of(*thread->task));
      continue;
    }
    std::ranges::move(backtrace(sp[0], sp + 1, fp, kMaxFrames - frames.size()), std::back_inserter(frames));
  }
}

}  // namespace wjit
