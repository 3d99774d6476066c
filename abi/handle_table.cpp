#include "abi/handle_table.h"

#include <algorithm>
#include <cstdlib>

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

HandleTable::~HandleTable() { std::free(entries_); }

// Room for one more entry. False when the table is full or there is no memory.
bool HandleTable::grow() {
  constexpr uint32_t kFirst = 16;
  if (size_ > kMaxLength) return false;
  const uint32_t capacity = std::max(kFirst, std::min(capacity_ * 2, kMaxLength + 1));
  void* entries = std::realloc(entries_, size_t{capacity} * sizeof(uint64_t));
  if (entries == nullptr) return false;
  entries_ = static_cast<uint64_t*>(entries);
  capacity_ = capacity;
  if (size_ == 0) entries_[size_++] = 1;
  return true;
}

uint32_t HandleTable::add(HandleRecord* record) {
  if (free_ == 0 && size_ == capacity_ && !grow()) return 0;
  if (memory_ != nullptr && !memory_->take(cost(record->kind))) return 0;
  auto entry = reinterpret_cast<uint64_t>(record);  // NOLINT
  if (free_ != 0) {
    uint32_t index = free_;
    free_ = static_cast<uint32_t>(entries_[index] >> 1);
    entries_[index] = entry;
    ++live_;
    return index;
  }
  entries_[size_] = entry;
  ++live_;
  return size_++;
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
