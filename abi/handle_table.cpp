#include "abi/handle_table.h"

#include "base/check.h"

namespace wjit {

uint32_t HandleTable::add(HandleRecord* record) {
  if (!free_.empty()) {
    uint32_t index = free_.back();
    free_.pop_back();
    entries_[index] = record;
    ++live_;
    return index;
  }
  if (entries_.size() > kMaxLength) return 0;
  entries_.push_back(record);
  ++live_;
  return static_cast<uint32_t>(entries_.size() - 1);
}

HandleRecord* HandleTable::remove(uint32_t index) {
  CHECK(index < entries_.size() && entries_[index] != nullptr);
  HandleRecord* record = entries_[index];
  entries_[index] = nullptr;
  free_.push_back(index);
  --live_;
  return record;
}

}  // namespace wjit
