// Records of one type in chunks: making and freeing one costs a few instructions and, once warm, no allocation; all of
// them can be visited. Memory goes back when the pool does. Not thread-safe: a store has its own pools, used on its
// strand.
//
// A freed record keeps its first word for the list of free ones. Test: test/unit/pool_test.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

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
  static constexpr size_t kChunkBytes = 16 * 1024;
  static constexpr size_t kPerChunk = kChunkBytes / sizeof(Slot) > 0 ? kChunkBytes / sizeof(Slot) : 1;

  void grow() {
    chunks_.push_back(std::unique_ptr<Slot[]>(new Slot[kPerChunk]));
    Slot* slots = chunks_.back().get();
    for (size_t i = kPerChunk; i-- > 0;) {
      slots[i].next = free_;
      free_ = &slots[i];
    }
  }

  Slot* free_ = nullptr;
  std::vector<std::unique_ptr<Slot[]>> chunks_;
};

}  // namespace wjit
