// Segments: the pieces of a fiber's stack. A fiber starts on a small one and gets larger ones, linked both ways, as its
// guest code goes deeper; they stay linked when it comes back, so a hot boundary allocates nothing.
//
//   low addresses                                                                      high addresses
//   ┌─────────┬───────────────┬──────────────────────────────────────────────┬──────────────────────────┐
//   │ Segment │ kStackSlack   │ frames, growing down                         │ Fiber (first segment only)│
//   └─────────┴───────────────┴──────────────────────────────────────────────┴──────────────────────────┘
//   ▲ this                    ▲ limit (%fs:0x70)                              ▲ top (16-byte aligned)
//
// Slack: LLVM compares rsp itself with the limit when a frame is smaller than 256 bytes, so such a frame may lie wholly
// below the limit, and so may what it calls without a check: a leaf's return address, memcpy and its like, a host stub
// (one push), a park (five words), __morestack (two words). Emitted code has no red zone; signal handlers run on
// alternate stacks.
//
// Memory comes from one exclusive mimalloc arena, a heap per thread in it, with a free list per size in front. Any
// thread may free. Users: scheduler/fiber.cpp, scheduler/switch.S. Tests: test/unit/segment_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wjit {

// Offsets are known to scheduler/switch.S (asserted in segment.cpp).
struct Segment {
  Segment* next = nullptr;      // 0: newer frames
  Segment* previous = nullptr;  // 8: older frames
  void* limit = nullptr;        // 16
  void* top = nullptr;          // 24
  size_t capacity = 0;          // 32: the largest frame, as __morestack is asked for it (r10), that fits
  size_t bytes = 0;             // 40: of the whole segment
  uint64_t reserved = 0;
  uint64_t canary = 0;  // last word before the slack: overwritten only if a frame went through all of it
};

constexpr size_t kStackSlack = 512;
// From the header to the limit: __morestack finds the header with it.
constexpr size_t kLimitOffset = sizeof(Segment) + kStackSlack;
// What __morestack itself puts on a new segment before the frame: the old limit, padding, a return address, and the
// frame pointer that the frame size may or may not count.
constexpr size_t kMorestackBytes = 64;

// Tuning, no effect on correctness. 2 KiB at first: with the Fiber 1.3 KiB of frames, and a million suspended fibers in
// 2 GB. Sizes double up to 256 KiB.
constexpr size_t kFirstSegmentBytes = 2048;
constexpr size_t kLargestSegmentBytes = 256 * 1024;

// A segment of at least `bytes` (rounded up to a size class up to kLargestSegmentBytes, beyond that to 4 KiB);
// `reserved_top` bytes at its upper end stay free of frames. Null when memory cannot be had. Any thread.
Segment* segment_allocate(size_t bytes, size_t reserved_top = 0);
// Frees one segment, whatever it is linked to. Any thread. Aborts if frames went through the slack.
void segment_free(Segment* segment);
// The segment whose limit this is.
inline Segment* segment_of_limit(void* limit) {
  return reinterpret_cast<Segment*>(static_cast<char*>(limit) - kLimitOffset);
}
// Gives the calling thread's free lists back to the heap.
void segment_flush_cache();

// Segments that this thread took from and gave back to its heap, past the free lists: tests see with it what allocates.
struct SegmentCounters {
  uint64_t taken = 0;
  uint64_t given = 0;
};
SegmentCounters segment_counters();

}  // namespace wjit
