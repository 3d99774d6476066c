// jit/exception.h: who owns an exception, and that those behind references stay bounded. Throwing and catching are run
// by test/lit/wast/exceptions.wast and the public suite.
#include "jit/exception.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

TEST(ExceptionHeap, ReferencesAreNumbersThatStay) {
  StoreContext store;
  ExceptionHeap& heap = ExceptionHeap::of(store);
  EXPECT_EQ(&heap, &ExceptionHeap::of(store));
  TagInstance tag;
  Exception* exception = heap.make(&tag, 2);
  EXPECT_EQ(exception->tag, &tag);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(exception->payload()) % 16, 0u);
  const uint64_t reference = heap.refer(exception);
  EXPECT_NE(reference, 0u);
  EXPECT_EQ(heap.refer(exception), reference);
  heap.release(exception);  // caught once more, without a reference: the first one still counts
  EXPECT_EQ(heap.find(reference), exception);
  EXPECT_EQ(heap.find(reference + 1), nullptr);
  heap.release(heap.make(&tag, 0));
}

TEST(ExceptionHeap, TheOldestGoesBeyondTheLimit) {
  StoreContext store;
  ExceptionHeap& heap = ExceptionHeap::of(store);
  TagInstance tag;
  constexpr uint64_t slots = 1 << 16;  // 1 MiB each
  std::vector<uint64_t> references;
  for (int i = 0; i < 100; ++i) references.push_back(heap.refer(heap.make(&tag, slots)));
  size_t alive = 0;
  for (uint64_t reference : references) alive += heap.find(reference) != nullptr;
  EXPECT_EQ(alive, ExceptionHeap::kReferencedBytes / (slots * 16) - 1);
  EXPECT_EQ(heap.find(references.front()), nullptr);
  EXPECT_NE(heap.find(references.back()), nullptr);
  // One that is larger than the limit is kept until the next one comes.
  const uint64_t large = heap.refer(heap.make(&tag, ExceptionHeap::kReferencedBytes / 16));
  EXPECT_NE(heap.find(large), nullptr);
  EXPECT_EQ(heap.find(references.back()), nullptr);
}

}  // namespace
}  // namespace wjit
