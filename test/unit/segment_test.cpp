// Segments: size classes, geometry, free lists, freeing on another thread.
#include "scheduler/segment.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace wjit {
namespace {

TEST(Segment, GeometryHoldsForAllSizes) {
  for (size_t asked :
       {size_t{1}, size_t{2048}, size_t{2049}, size_t{5000}, size_t{262144}, size_t{262145}, size_t{3'000'001}}) {
    Segment* segment = segment_allocate(asked, 100);
    ASSERT_NE(segment, nullptr);
    EXPECT_GE(segment->bytes, asked);
    char* low = reinterpret_cast<char*>(segment);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(segment->top) % 16, 0u);
    EXPECT_LE(static_cast<char*>(segment->top), low + segment->bytes - 100);
    EXPECT_EQ(segment->limit, low + kLimitOffset);
    EXPECT_EQ(segment_of_limit(segment->limit), segment);
    EXPECT_EQ(static_cast<char*>(segment->top) - static_cast<char*>(segment->limit),
              static_cast<ptrdiff_t>(segment->capacity + kMorestackBytes));
    // All of it is usable memory.
    memset(segment->limit, 0xab, static_cast<size_t>(low + segment->bytes - static_cast<char*>(segment->limit)));
    segment_free(segment);
  }
}

TEST(Segment, FreeListServesTheSameThread) {
  Segment* first = segment_allocate(kFirstSegmentBytes);
  segment_free(first);
  uint64_t taken = segment_counters().taken;
  for (int i = 0; i < 1000; ++i) segment_free(segment_allocate(kFirstSegmentBytes));
  EXPECT_EQ(segment_counters().taken, taken);
}

TEST(Segment, FreedOnAnotherThread) {
  std::vector<Segment*> segments;
  std::thread([&] {
    for (size_t i = 0; i < 4000; ++i) segments.push_back(segment_allocate(kFirstSegmentBytes << (i % 4)));
  }).join();
  // The thread that made them is gone; its heap was abandoned, the segments live on.
  for (Segment* segment : segments) {
    ASSERT_NE(segment, nullptr);
    memset(segment->limit, 1, 100);
    segment_free(segment);
  }
  segment_flush_cache();
}

TEST(SegmentDeathTest, OverrunIsFound) {
  Segment* segment = segment_allocate(kFirstSegmentBytes);
  EXPECT_DEATH(
      {
        memset(static_cast<char*>(segment->limit) - kStackSlack - 8, 0, 64);
        segment_free(segment);
      },
      "ran over");
  segment_free(segment);
}

}  // namespace
}  // namespace wjit
