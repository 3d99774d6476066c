// Records of one type in chunks: making and freeing one costs a few instructions and, once warm, no allocation; all of
// them can be visited. Memory goes back when the pool does. Not thread-safe: a store has its own pools, used on its
// strand.
//
// A freed record keeps its first word for the list of free ones. Test: test/unit/pool_test.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#include "base/huge_memory.h"

namespace wjit {

template <typename T>
class Pool {
 public:
  // Constructed with `args`.
  template <typename... Args>
  T* make(Args&&... args) {
    if (free_ == nullptr) grow();
    Slot* slot = free_;
    free_ = slot->next;
    return new (slot->bytes) T(std::forward<Args>(args)...);
  }
  void free(T* record) {
    record->~T();
    Slot* slot = std::launder(reinterpret_cast<Slot*>(record));  // NOLINT
    slot->next = free_;
    free_ = slot;
  }

 private:
  union Slot {
    Slot* next;
    alignas(T) std::byte bytes[sizeof(T)];
  };
  // Tuning, no effect on correctness: chunks double up to a huge page, and are one where the pool has so many already.
  static constexpr size_t kFirstChunkBytes = 16 * 1024;
  static constexpr size_t kChunksBeforeHugeOnes = 10;
  static_assert(sizeof(Slot) <= kFirstChunkBytes);

  // Slots of the newest chunk are taken in their order: its pages are touched as they are needed.
  void grow() {
    if (unused_ == end_) {
      chunk_bytes_ = chunks_.empty() ? kFirstChunkBytes : std::min(chunk_bytes_ * 2, HugeMemory::kPageBytes);
      chunks_.emplace_back(chunk_bytes_, chunks_.size() >= kChunksBeforeHugeOnes);
      unused_ = static_cast<Slot*>(chunks_.back().address());
      end_ = unused_ + chunk_bytes_ / sizeof(Slot);
    }
    Slot* slot = new (unused_++) Slot;
    slot->next = nullptr;
    free_ = slot;
  }

  Slot* free_ = nullptr;
  Slot* unused_ = nullptr;  // up to end_: slots that were never in use
  Slot* end_ = nullptr;
  size_t chunk_bytes_ = 0;
  std::vector<HugeMemory> chunks_;
};

}  // namespace wjit
