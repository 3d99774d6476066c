// A work-stealing deque of ready strands (Chase and Lev, with the memory orders of Lê, Pop, Cohen and Zappa Nardelli).
// The owner pushes at the bottom; everybody, the owner included, takes the oldest at the top: strands are put back
// after each quantum, so taking the newest would starve the others. Arrays that were outgrown are kept until the end,
// because a thief may still read them; their sizes double, so they add up to less than the last one. Used by
// scheduler/worker.cpp. Tests: test/unit/worker_test.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace wjit {

class Strand;

class StrandDeque {
 public:
  StrandDeque() { arrays_.push_back(std::make_unique<Array>(64)), array_.store(arrays_.back().get()); }

  // The owner's thread.
  void push(Strand* strand) {
    int64_t bottom = bottom_.load(std::memory_order_relaxed);
    int64_t top = top_.load(std::memory_order_acquire);
    Array* array = array_.load(std::memory_order_relaxed);
    if (bottom - top >= array->size) array = grow(array, top, bottom);
    array->at(bottom).store(strand, std::memory_order_relaxed);
    // Release: a thief that sees the new bottom sees the slot, and what the pusher wrote to the strand.
    bottom_.store(bottom + 1, std::memory_order_release);
  }

  // Any thread; null if it is empty.
  Strand* take_oldest() {
    while (true) {
      int64_t top = top_.load(std::memory_order_seq_cst);
      int64_t bottom = bottom_.load(std::memory_order_seq_cst);
      if (top >= bottom) return nullptr;
      Strand* strand = array_.load(std::memory_order_acquire)->at(top).load(std::memory_order_relaxed);
      if (top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst)) return strand;
    }
  }

  // How many there are; for the owner while nobody else takes any.
  int64_t size() const { return bottom_.load(std::memory_order_relaxed) - top_.load(std::memory_order_relaxed); }
  bool empty() const { return top_.load(std::memory_order_seq_cst) >= bottom_.load(std::memory_order_seq_cst); }

 private:
  struct Array {
    explicit Array(int64_t capacity) : size(capacity), slots(new std::atomic<Strand*>[static_cast<size_t>(capacity)]) {}
    std::atomic<Strand*>& at(int64_t i) { return slots[static_cast<size_t>(i & (size - 1))]; }
    const int64_t size;  // a power of two
    std::unique_ptr<std::atomic<Strand*>[]> slots;
  };

  Array* grow(Array* old, int64_t top, int64_t bottom) {
    arrays_.push_back(std::make_unique<Array>(old->size * 2));
    Array* array = arrays_.back().get();
    for (int64_t i = top; i < bottom; ++i)
      array->at(i).store(old->at(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    array_.store(array, std::memory_order_release);
    return array;
  }

  alignas(64) std::atomic<int64_t> top_{0};
  alignas(64) std::atomic<int64_t> bottom_{0};
  std::atomic<Array*> array_{nullptr};
  std::vector<std::unique_ptr<Array>> arrays_;  // the owner's thread
};

}  // namespace wjit
