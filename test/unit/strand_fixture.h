// A strand for tests: runs closures one after the other, a few a quantum.
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "scheduler/worker.h"

namespace wjit {

class ClosureStrand : public Strand {
 public:
  using Strand::Strand;
  ~ClosureStrand() override { scheduler().retire(*this); }

  // Any thread.
  void add(std::function<void()> closure) {
    {
      std::lock_guard lock(mutex_);
      closures_.push_back(std::move(closure));
    }
    scheduler().wake(*this);
  }

  bool run_quantum(Worker&) override {
    for (int i = 0; i < 4; ++i) {
      std::function<void()> closure;
      {
        std::lock_guard lock(mutex_);
        if (closures_.empty()) return false;
        closure = std::move(closures_.front());
        closures_.pop_front();
      }
      closure();
    }
    std::lock_guard lock(mutex_);
    return !closures_.empty();
  }

  // Runs the scheduler until `done` holds; on the strand.
  RunResult run(const std::function<bool()>& done) { return scheduler().run(*this, done); }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> closures_;  // guarded by mutex_
};

// An operation that counts how often it was done.
struct Recorded : Completion {
  explicit Recorded(Strand& on) : Completion(&on_done, &on) {}
  static void on_done(Completion* self, int64_t value) {
    auto* recorded = static_cast<Recorded*>(self);
    ++recorded->times;
    recorded->value = value;
  }
  int times = 0;
  int64_t value = -12345;
};

}  // namespace wjit
