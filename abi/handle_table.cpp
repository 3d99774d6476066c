#include "abi/handle_table.h"

#include "base/check.h"

namespace wjit {

uint64_t HandleTable::cost(HandleKind kind) {
  switch (kind) {
    case HandleKind::Resource:
    case HandleKind::ErrorContext: return 64;
    case HandleKind::WaitableSet: return 128;
    case HandleKind::StreamEnd:
    case HandleKind::FutureEnd: return 256;
    case HandleKind::Subtask: return 1024;
    case HandleKind::Thread: return 3072;
    case HandleKind::Free: break;
  }
  UNREACHABLE_CASE("a handle of no kind");
}

uint32_t HandleTable::add(HandleRecord* record) {
  if (free_ == 0 && entries_.size() > kMaxLength) return 0;
  if (memory_ != nullptr && !memory_->take(cost(record->kind))) return 0;
  auto entry = reinterpret_cast<uint64_t>(record);  // NOLINT
  if (free_ != 0) {
    uint32_t index = free_;
    free_ = static_cast<uint32_t>(entries_[index] >> 1);
    entries_[index] = entry;
    ++live_;
    return index;
  }
  entries_.push_back(entry);
  ++live_;
  return static_cast<uint32_t>(entries_.size() - 1);
}

HandleRecord* HandleTable::remove(uint32_t index) {
  HandleRecord* removed = get(index);
  CHECK(removed != nullptr);
  if (memory_ != nullptr) memory_->give(cost(removed->kind));
  entries_[index] = uint64_t{free_} << 1 | 1;
  free_ = index;
  --live_;
  return removed;
}

}  // namespace wjit
