// Describing a deadlock: see abi/deadlock.h. A graph is made of the tasks that are there: each thread says what it
// waits for and which tasks could end that; then a circle is looked for.
#include "abi/deadlock.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "abi/call.h"
#include "abi/labels.h"
#include "abi/store.h"
#include "base/check.h"

namespace wjit {
namespace {

constexpr size_t kMaxLines = 16;
constexpr size_t kMaxMembers = 8;  // of a waitable set

// Who could end a wait: a task, or (`task` null) any task of an instance.
struct Actor {
  const Task* task = nullptr;
  const ComponentInstance* instance = nullptr;
  const void* key() const { return task != nullptr ? static_cast<const void*>(task) : instance; }
};

// What a thread waits for, and who could end that.
struct Wait {
  std::string text;
  std::vector<Actor> on;
};

std::string task_name(const Task& task) { return fmt::format("task {} ({})", task.id, task_label(task)); }

class Deadlock {
 public:
  explicit Deadlock(const Store& store) : store_(store) {
    for (const Task* task = store.tasks.front(); task != nullptr; task = task->store_next) {
      // One that has not started runs no code, so it can do nothing for others.
      if (task->state != TaskState::Initial) tasks_of_[task->instance].push_back(task);
      for (const Thread* t = task->threads.front(); t != nullptr; t = t->task_next) {
        CHECK(store.atomic != nullptr || t->state != Thread::State::Waiting || !ready_now(*t));  // a wake was forgotten
      }
    }
  }

  std::string describe() const {
    const std::vector<const Task*> circle = find_circle();
    std::string text;
    size_t lines = 0;
    auto describe_task = [&](const Task* task) {
      for (const Wait& wait : waits_of(*task)) {
        fmt::format_to(std::back_inserter(text), "\n  {} {}", task_name(*task), wait.text);
        ++lines;
      }
    };
    for (size_t i = 0; i < circle.size() && lines < kMaxLines; ++i) describe_task(circle[i]);
    if (lines >= kMaxLines) {
      fmt::format_to(std::back_inserter(text), "\n  and so on: {} tasks wait in a circle", circle.size());
      return text;
    }
    if (circle.size() > 1) text += fmt::format("\n  so these {} wait in a circle", circle.size());
    size_t left_out = 0;
    for (const Task* task = store_.tasks.front(); task != nullptr; task = task->store_next) {
      if (std::find(circle.begin(), circle.end(), task) != circle.end()) continue;
      if (lines < kMaxLines) {
        describe_task(task);
      } else {
        ++left_out;
      }
    }
    if (left_out > 0) text += fmt::format("\n  and {} more task{}", left_out, left_out == 1 ? "" : "s");
    return text;
  }

 private:
  // ---- what each thread waits for ----

  std::vector<Wait> waits_of(const Task& task) const {
    std::vector<Wait> waits;
    if (task.threads.empty()) waits.push_back(wait_of(task.implicit));
    for (const Thread* t = task.threads.front(); t != nullptr; t = t->task_next) waits.push_back(wait_of(*t));
    return waits;
  }

  Wait wait_of(const Thread& thread) const {
    const ComponentInstance& instance = *thread.task->instance;
    switch (thread.wait) {
      case WaitKind::None:
        return {"is suspended until another thread of its instance resumes it", {{nullptr, &instance}}};
      case WaitKind::Yield: return on_exclusive(instance, "waits for its turn");
      case WaitKind::Enter: return on_entry(instance);
      case WaitKind::HostCall: return {"waits for a host function", {}};
      case WaitKind::Waitable: return on_waitable(*thread.wait_waitable, "waits ");
      case WaitKind::Set: return on_set(thread);
    }
    return {};
  }

  // What could go on, were it not for another task of the instance.
  static Wait on_exclusive(const ComponentInstance& instance, std::string_view text) {
    const Thread* holder = instance.exclusive_thread;
    if (holder == nullptr) return {std::string(text), {}};
    return {fmt::format("{}, but {} has the exclusive lock of {}", text, task_name(*holder->task),
                        instance_label(instance)),
            {{holder->task, nullptr}}};
  }

  Wait on_entry(const ComponentInstance& instance) const {
    if (instance.gate.backpressure == 0) return on_exclusive(instance, "waits to start");
    std::string text = fmt::format(
        "waits to start: {} has backpressure on (backpressure.inc was called {} time{} more than "
        "backpressure.dec)",
        instance_label(instance), instance.gate.backpressure, instance.gate.backpressure == 1 ? "" : "s");
    if (!tasks_of_.contains(&instance)) text += " and runs no task that could end it";
    return {std::move(text), {{nullptr, &instance}}};
  }

  Wait on_set(const Thread& thread) const {
    const WaitableSet& set = *thread.wait_set;
    if (!set.ready.empty()) return on_exclusive(*thread.task->instance, "waits for an event that is there");
    if (set.idle.empty()) return {"waits for a waitable set that is empty", {{thread.task, nullptr}}};
    Wait wait{"waits for a waitable set with ", {}};
    size_t count = 0;
    for (const Waitable* w = set.idle.front(); w != nullptr; w = w->set_next, ++count) {
      Wait member = on_waitable(*w, "");
      if (count < kMaxMembers) wait.text += (count == 0 ? "" : "; ") + member.text;
      wait.on.insert(wait.on.end(), member.on.begin(), member.on.end());
    }
    if (count > kMaxMembers) wait.text += fmt::format("; and {} more", count - kMaxMembers);
    return wait;
  }

  // `prefix` is "waits " for what a thread waits for alone, "" for a member of a set.
  Wait on_waitable(const Waitable& waitable, std::string_view prefix) const {
    if (waitable.kind != HandleKind::Subtask) return on_copy(static_cast<const CopyEnd&>(waitable), prefix);
    const auto& subtask = static_cast<const Subtask&>(waitable);
    std::string what = subtask.task != nullptr ? task_name(*subtask.task) : "a host function";
    Wait wait{fmt::format(fmt::runtime(prefix.empty() ? "the call of {}" : "waits for {} to return"), what), {}};
    if (subtask.cancellation_requested) wait.text += ", and has asked to cancel it";
    if (subtask.task != nullptr) wait.on.push_back({subtask.task, nullptr});
    return wait;
  }

  Wait on_copy(const CopyEnd& end, std::string_view prefix) const {
    const SharedStream& shared = *end.shared();
    const char* kind = end.is_future() ? "future" : "stream";
    const char* which = end.writable ? "readable" : "writable";
    if (end.copy_state != CopyState::Copying && end.copy_state != CopyState::Cancelling) {
      return {fmt::format("the {} end {} of a {}, on which no copy is under way",
                          end.writable ? "writable" : "readable", end.index, kind),
              {{nullptr, end.instance}}};
    }
    Wait wait;
    wait.text = prefix.empty()
                    ? fmt::format("the {} of {} {}", end.writable ? "write" : "read", kind, end.index)
                    : fmt::format("{}to {} {} {}", prefix, end.writable ? "write to" : "read", kind, end.index);
    const CopyEnd* other = end.writable ? &shared.readable : &shared.writable;
    if (other->instance == nullptr || other->instance == &store_.host_instance()) {
      wait.text += fmt::format(", whose {} end the host holds", which);
      return wait;
    }
    wait.text += fmt::format(", whose {} end {} is held by {}", which, other->index, instance_label(*other->instance));
    auto holders = tasks_of_.find(other->instance);
    if (holders == tasks_of_.end()) {
      wait.text += ", which runs no task";
    } else if (holders->second.size() == 1) {
      wait.text += fmt::format(" (task {})", holders->second[0]->id);
    }
    wait.on.push_back({nullptr, other->instance});
    return wait;
  }

  // ---- the circle ----

  // Its tasks, from the first that is met; empty if there is none. Iterative: chains may be long.
  std::vector<const Task*> find_circle() const {
    enum class Mark : uint8_t { New, OnPath, Done };
    std::unordered_map<const void*, Mark> marks;
    struct Step {
      Actor actor;
      std::vector<Actor> next;
      size_t at = 0;
    };
    std::vector<Step> path;
    auto enter = [&](Actor actor) {
      marks[actor.key()] = Mark::OnPath;
      Step step{actor, {}};
      if (actor.task != nullptr) {
        for (Wait& wait : waits_of(*actor.task)) step.next.insert(step.next.end(), wait.on.begin(), wait.on.end());
      } else if (auto found = tasks_of_.find(actor.instance); found != tasks_of_.end()) {
        for (const Task* task : found->second) step.next.push_back({task, nullptr});
      }
      path.push_back(std::move(step));
    };
    for (const Task* root = store_.tasks.front(); root != nullptr; root = root->store_next) {
      if (marks[root] == Mark::New) enter({root, nullptr});
      while (!path.empty()) {
        Step& step = path.back();
        if (step.at == step.next.size()) {
          marks[step.actor.key()] = Mark::Done;
          path.pop_back();
          continue;
        }
        const Actor next = step.next[step.at++];
        const Mark mark = marks[next.key()];
        if (mark == Mark::New) {
          enter(next);
        } else if (mark == Mark::OnPath) {
          auto first =
              std::find_if(path.begin(), path.end(), [&](const Step& s) { return s.actor.key() == next.key(); });
          std::vector<const Task*> circle;
          for (; first != path.end(); ++first) {
            if (first->actor.task != nullptr) circle.push_back(first->actor.task);
          }
          return circle;
        }
      }
    }
    return {};
  }

  const Store& store_;
  std::unordered_map<const ComponentInstance*, std::vector<const Task*>> tasks_of_;  // that have started
};

}  // namespace

std::string describe_deadlock(const Store& store) { return Deadlock(store).describe(); }

}  // namespace wjit
