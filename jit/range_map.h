// Address ranges of the process -> what they are, for signal handlers: find takes no lock, allocates nothing and may
// interrupt anything, add and remove take a mutex. Two users: the code map (jit/code_map.cpp) and the reservations of
// linear memories (jit/memory.cpp).
//
// A skip list ordered by address. A new node's links are set before it is linked, bottom level first, and a removed one
// keeps its links, so a reader that stands anywhere sees a consistent list. A removed node is freed by a later change
// that sees no reader inside: readers count themselves in and out. The value that find returns stays valid until
// remove(begin), which whoever asks must exclude (code that runs is not removed). Covered by test/unit/code_test.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/check.h"

namespace wjit {

template <typename T>
class RangeMap {
 public:
  constexpr RangeMap() = default;
  RangeMap(const RangeMap&) = delete;
  RangeMap& operator=(const RangeMap&) = delete;

  // Ranges must not overlap (CHECKed against neighbours).
  void add(uint64_t begin, uint64_t end, T value) {
    CHECK(begin < end);
    std::lock_guard lock(mutex_);
    std::atomic<Node*>* before[kLevels];
    Node* previous = locate(begin, before);
    Node* next = before[0]->load(std::memory_order_relaxed);
    CHECK(!previous || previous->end <= begin);
    CHECK(!next || end <= next->begin);
    free_retired();
    Node* node = new Node{begin, end, std::move(value), nullptr, {}};
    const int levels = random_levels();
    for (int i = 0; i < levels; ++i) {
      node->next[i].store(before[i]->load(std::memory_order_relaxed), std::memory_order_relaxed);
      before[i]->store(node, std::memory_order_release);
    }
  }

  // The range that begins here; false if there is none.
  bool remove(uint64_t begin) {
    std::lock_guard lock(mutex_);
    std::atomic<Node*>* before[kLevels];
    locate(begin, before);
    Node* node = before[0]->load(std::memory_order_relaxed);
    if (!node || node->begin != begin) return false;
    for (int i = kLevels - 1; i >= 0; --i) {
      if (before[i]->load(std::memory_order_relaxed) == node) {
        before[i]->store(node->next[i].load(std::memory_order_relaxed), std::memory_order_seq_cst);
      }
    }
    node->retired = retired_;
    retired_ = node;
    free_retired();
    return true;
  }

  const T* find(uint64_t address) const {
    readers_.fetch_add(1, std::memory_order_seq_cst);
    const std::atomic<Node*>* links = head_;
    const Node* at = nullptr;
    for (int i = kLevels - 1; i >= 0; --i) {
      for (const Node* next = links[i].load(std::memory_order_acquire); next && next->begin <= address;
           next = links[i].load(std::memory_order_acquire)) {
        at = next;
        links = next->next;
      }
    }
    const T* found = at && address < at->end ? &at->value : nullptr;
    readers_.fetch_sub(1, std::memory_order_seq_cst);
    return found;
  }

 private:
  static constexpr int kLevels = 16;  // one node in 4 has a further level: for millions of ranges

  struct Node {
    uint64_t begin, end;
    T value;
    Node* retired;
    std::atomic<Node*> next[kLevels];
  };

  // Links that a node at `begin` stands behind, on every level, and the node before it. Under the mutex.
  Node* locate(uint64_t begin, std::atomic<Node*>* (&before)[kLevels]) {
    std::atomic<Node*>* links = head_;
    Node* at = nullptr;
    for (int i = kLevels - 1; i >= 0; --i) {
      for (Node* next = links[i].load(std::memory_order_relaxed); next && next->begin < begin;
           next = links[i].load(std::memory_order_relaxed)) {
        at = next;
        links = next->next;
      }
      before[i] = &links[i];
    }
    return at;
  }

  // Whoever reads now may stand on a retired node; whoever starts to read later cannot get there.
  void free_retired() {
    if (!retired_ || readers_.load(std::memory_order_seq_cst) != 0) return;
    while (Node* node = retired_) {
      retired_ = node->retired;
      delete node;
    }
  }

  int random_levels() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    int levels = 1;
    for (uint64_t bits = random_; levels < kLevels && (bits & 3) == 0; bits >>= 2) ++levels;
    return levels;
  }

  std::mutex mutex_;
  std::atomic<Node*> head_[kLevels] = {};
  mutable std::atomic<uint64_t> readers_{0};
  Node* retired_ = nullptr;  // guarded by mutex_: removed, but perhaps still read
  uint64_t random_ = 0x9E3779B97F4A7C15;
};

}  // namespace wjit
