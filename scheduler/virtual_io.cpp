// Host operations in a drawn order: see virtual_io.h.
#include "scheduler/virtual_io.h"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "scheduler/blocking.h"

namespace wjit {
namespace {

constexpr uint8_t kFromOutside = 1;  // backend_bits: how soon it can be carried out is not ours to say

bool from_outside(const Completion& completion) {
  switch (completion.kind) {
    case OperationKind::Poll: return true;
    case OperationKind::Read: {
      struct stat info{};
      return fstat(completion.fd, &info) != 0 || !S_ISREG(info.st_mode);
    }
    case OperationKind::Receive:
    case OperationKind::Send:
    case OperationKind::Accept:
    case OperationKind::Connect: return true;
    default: return false;
  }
}

}  // namespace

void VirtualIo::start(Completion* completion) {
  completion->backend_bits = from_outside(*completion) ? kFromOutside : 0;
  operations_.push_back(completion);
}

void VirtualIo::cancel(Completion* completion) {
  auto found = std::find(operations_.begin(), operations_.end(), completion);
  if (found == operations_.end()) return;
  operations_.erase(found);
  post(completion, -ECANCELED);
}

bool VirtualIo::run_one(bool idle) {
  auto can_run = [idle](const Completion* c) { return idle || c->backend_bits != kFromOutside; };
  auto count = static_cast<uint32_t>(std::count_if(operations_.begin(), operations_.end(), can_run));
  if (count == 0) return false;
  uint32_t skip = choices_.below(count);
  auto at =
      std::find_if(operations_.begin(), operations_.end(), [&](Completion* c) { return can_run(c) && skip-- == 0; });
  Completion* completion = *at;
  operations_.erase(at);
  post(completion, perform(*completion));
  return true;
}

int64_t VirtualIo::perform(Completion& completion) {
  if (completion.kind == OperationKind::Blocking) {
    auto* work = static_cast<BlockingWork*>(&completion);
    return work->work(work);
  }
  pollfd entry{completion.fd, POLLIN, 0};
  if (completion.kind == OperationKind::Poll) {
    entry.events = static_cast<short>(completion.length);
    while (poll(&entry, 1, -1) < 0) {
      if (errno != EINTR) return -errno;
    }
    return entry.revents;
  }
  if (is_socket_kind(completion.kind)) {
    bool outwards = completion.kind == OperationKind::Send || completion.kind == OperationKind::Connect;
    entry.events = outwards ? POLLOUT : POLLIN;
    for (bool waited = false;; waited = true) {
      int64_t result = attempt_socket(&completion, waited);
      if (result != -EAGAIN) return result;
      poll(&entry, 1, -1);
    }
  }
  // A part is as good as the whole, here as with the kernel.
  if (completion.length > 1 && choices_.coin()) {
    auto most = static_cast<uint32_t>(std::min<size_t>(completion.length, UINT32_MAX));
    completion.length = 1 + choices_.below(most);
  }
  if (completion.kind == OperationKind::Write) entry.events = POLLOUT;
  for (;;) {
    int64_t result = read_or_write(&completion);
    if (result != -EAGAIN) return result;
    poll(&entry, 1, -1);
  }
}

void VirtualIo::wait(int64_t deadline_ns) {
  if (deadline_ns == 0) return;
  std::unique_lock lock(mutex_);
  woken_.wait(lock, [&] { return wake_; });
  wake_ = false;
}

void VirtualIo::wake() {
  std::lock_guard lock(mutex_);
  wake_ = true;
  woken_.notify_one();
}

}  // namespace wjit
