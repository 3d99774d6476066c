// A small pool of helper threads for what has no asynchronous form: BlockingWork (scheduler/io.h), and with the epoll
// backend reads and writes of regular files. Look-ups of names have one of their own. Threads start when there is work
// for them and stay; all signals that are not about themselves are blocked on them. Users: scheduler/io.cpp,
// scheduler/epoll.cpp. Tests: test/unit/completion_test.cpp.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "scheduler/completion.h"

namespace wjit {

class BlockingPool {
 public:
  static constexpr size_t kThreads = 8;  // most at a time

  BlockingPool() = default;
  ~BlockingPool();  // waits for work that has begun
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Queues a Blocking, Read or Write operation that has begun; it ends in post(). Any thread.
  void submit(Completion* completion);
  // Takes it out of the queue if no thread has begun it: true, and the caller posts it. Any thread; the record is not
  // yet done.
  bool cancel(Completion* completion);

 private:
  void thread_main();

  std::mutex mutex_;
  std::condition_variable work_;
  // All guarded by mutex_. The queue is linked both ways through the records.
  Completion* first_ = nullptr;
  Completion* last_ = nullptr;
  size_t queued_ = 0;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Carries out a Read or Write with the blocking system call: bytes or -errno. Any thread.
int64_t read_or_write(Completion* completion);
// Receive, Send, Accept, Connect.
bool is_socket_kind(OperationKind kind);
// Such an operation, at once: -EAGAIN if it would block now. `waited`: it has been begun before.
int64_t attempt_socket(Completion* completion, bool waited);

// Signals that workers and helpers do not take: all but those that a thread raises itself by a fault. For the caller's
// thread.
void block_foreign_signals();

}  // namespace wjit
