// See base/huge_memory.h.
#include "base/huge_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "base/check.h"

namespace wjit {

HugeMemory::HugeMemory(size_t bytes, bool huge) : bytes_(bytes) {
  CHECK(bytes <= kPageBytes);
  if (bytes < kPageBytes) {
    address_ = ::operator new(bytes);
    return;
  }
  // Twice as much has an aligned part.
  void* mapped = mmap(nullptr, 2 * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  const auto begin = reinterpret_cast<uintptr_t>(mapped);  // NOLINT
  const uintptr_t aligned = (begin + kPageBytes - 1) & ~uintptr_t{kPageBytes - 1};
  if (aligned > begin) munmap(mapped, aligned - begin);
  if (aligned < begin + kPageBytes) {
    munmap(reinterpret_cast<void*>(aligned + kPageBytes), begin + kPageBytes - aligned);  // NOLINT
  }
  address_ = reinterpret_cast<void*>(aligned);  // NOLINT
  if (huge) madvise(address_, kPageBytes, MADV_HUGEPAGE);  // a wish
}

HugeMemory::~HugeMemory() {
  if (address_ == nullptr) return;
  if (bytes_ < kPageBytes) {
    ::operator delete(address_);
  } else {
    munmap(address_, kPageBytes);
  }
}

}  // namespace wjit
