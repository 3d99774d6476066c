// Memory for what grows without bound: blocks of a huge page, which the kernel is asked to back by one, so that a million
// records cost hundreds of page faults, not a hundred thousand. Users: base/pool.h. Test: test/unit/pool_test.cpp.
#pragma once

#include <cstddef>
#include <utility>

namespace wjit {

class HugeMemory {
 public:
  static constexpr size_t kPageBytes = size_t{2} << 20;

  // `bytes` of memory, at most kPageBytes; that many, and `huge`: backed at once by a huge page if the kernel has one. Not
  // zeroed. Throws std::bad_alloc.
  HugeMemory(size_t bytes, bool huge);
  HugeMemory(HugeMemory&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  HugeMemory& operator=(HugeMemory&&) = delete;
  ~HugeMemory();
  void* address() const { return address_; }

 private:
  void* address_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace wjit
