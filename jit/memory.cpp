// Linear memories. Address space is reserved once and the base never moves; pages become accessible as the memory
// grows.
//
//   i32 addresses, 64 KiB pages   8 GiB and a page: 4 GiB of address, 4 GiB of static offset, the widest access. No
//   bounds
//                                 check is emitted; the fault is the check.
//   all others                    emitted code checks bounds; what can grow is reserved: the declared maximum, at most
//                                 kCheckedReservation (or the initial size, where that is more).
//
// Interface: jit/instance.h. Covered by test/unit/memory_test.cpp and the public core suite.
#include "jit/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "jit/instance.h"
#include "jit/range_map.h"

namespace wjit {
namespace {

constexpr uint64_t kOsPage = 4096;
constexpr uint64_t kGuard = 64 * 1024;
constexpr uint64_t kUncheckedReservation = (uint64_t{8} << 30) + kGuard;
// Tuning: what a memory with 64-bit addresses and no (or a huge) maximum may grow to; address space only.
constexpr uint64_t kCheckedReservation = uint64_t{64} << 30;
constexpr uint64_t kMaxReservation = uint64_t{1} << 44;

struct Reservation {};
constinit RangeMap<Reservation> reservations;

uint64_t round_up(uint64_t bytes) { return (bytes + kOsPage - 1) & ~(kOsPage - 1); }

// Pages to bytes, saturating at the largest number that can be rounded up.
uint64_t to_bytes(uint64_t pages, uint8_t page_size_log2) {
  constexpr uint64_t kMost = UINT64_MAX - kOsPage;
  return pages > (kMost >> page_size_log2) ? kMost : pages << page_size_log2;
}

}  // namespace

bool is_guest_memory(uint64_t address) { return reservations.find(address) != nullptr; }

Result<std::unique_ptr<MemoryInstance>> make_memory(const MemoryType& type) {
  auto memory = std::make_unique<MemoryInstance>();
  memory->page_size_log2 = type.page_size_log2;
  memory->is_64 = type.limits.is_64;
  memory->shared = type.shared;
  memory->max_pages = type.limits.max;
  memory->byte_length = to_bytes(type.limits.min, type.page_size_log2);
  const uint64_t addressable = type.limits.is_64 ? UINT64_MAX - kOsPage : uint64_t{1} << 32;
  memory->max_bytes = std::min(addressable, to_bytes(type.limits.max.value_or(UINT64_MAX), type.page_size_log2));
  // With one-byte pages 4 GiB of them is one more than the number of pages can say.
  if (!type.limits.is_64 && type.page_size_log2 == 0)
    memory->max_bytes = std::min(memory->max_bytes, (uint64_t{1} << 32) - 1);
  memory->max_bytes = std::max(memory->max_bytes, memory->byte_length);
  if (!type.limits.is_64 && type.page_size_log2 == 16) {
    memory->reserved_bytes = kUncheckedReservation;
  } else {
    memory->max_bytes = std::min(memory->max_bytes, std::max(kCheckedReservation, memory->byte_length));
    if (memory->max_bytes > kMaxReservation) {
      return fail("a memory of {} pages is more than the address space has room for", type.limits.min);
    }
    memory->reserved_bytes = round_up(memory->max_bytes) + kGuard;
  }
  void* base = mmap(nullptr, memory->reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    return fail("cannot reserve {} bytes of address space for a memory: {}", memory->reserved_bytes, strerror(errno));
  }
  memory->base = static_cast<uint8_t*>(base);
  if (memory->byte_length != 0 && mprotect(base, round_up(memory->byte_length), PROT_READ | PROT_WRITE) != 0) {
    const int error = errno;
    munmap(base, memory->reserved_bytes);
    return fail("cannot allocate a memory of {} pages: {}", type.limits.min, strerror(error));
  }
  const auto begin = reinterpret_cast<uint64_t>(base);
  reservations.add(begin, begin + memory->reserved_bytes, {});
  return memory;
}

void free_memory(MemoryInstance& memory) {
  if (!memory.base) return;
  reservations.remove(reinterpret_cast<uint64_t>(memory.base));
  munmap(memory.base, memory.reserved_bytes);
  memory.base = nullptr;
  memory.byte_length = 0;
}

int64_t grow_memory(MemoryInstance& memory, uint64_t delta_pages) {
  const auto old_pages = static_cast<int64_t>(memory.byte_length >> memory.page_size_log2);
  const uint64_t delta = to_bytes(delta_pages, memory.page_size_log2);
  if (delta > memory.max_bytes - memory.byte_length) return -1;
  const uint64_t begin = round_up(memory.byte_length), end = round_up(memory.byte_length + delta);
  if (end > begin && mprotect(memory.base + begin, end - begin, PROT_READ | PROT_WRITE) != 0) return -1;
  memory.byte_length += delta;
  return old_pages;
}

}  // namespace wjit
