#include "abi/handle_table.h"

#include "base/check.h"

namespace wjit {

uint32_t HandleTable::add(HandleRecord* record) {
  auto entry = reinterpret_cast<uint64_t>(record);  // NOLINT
  if (free_ != 0) {
    uint32_t index = free_;
    free_ = static_cast<uint32_t>(entries_[index] >> 1);
    entries_[index] = entry;
    ++live_;
    return index;
  }
  if (entries_.size() > kMaxLength) return 0;
  entries_.push_back(entry);
  ++live_;
  return static_cast<uint32_t>(entries_.size() - 1);
}

HandleRecord* HandleTable::remove(uint32_t index) {
  HandleRecord* removed = get(index);
  CHECK(removed != nullptr);
  entries_[index] = uint64_t{free_} << 1 | 1;
  free_ = index;
  --live_;
  return removed;
}

}  // namespace wjit
