#include "abi/handle_table.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

struct Record : HandleRecord {
  explicit Record(HandleKind kind) : HandleRecord(kind) {}
};

TEST(HandleTable, IndicesBeginAtOneAndFreedOnesComeBackLastFirst) {
  HandleTable table;
  Record a(HandleKind::Resource), b(HandleKind::Resource), c(HandleKind::Resource);
  EXPECT_EQ(table.add(&a), 1u);
  EXPECT_EQ(table.add(&b), 2u);
  EXPECT_EQ(table.add(&c), 3u);
  EXPECT_EQ(table.remove(1), &a);
  EXPECT_EQ(table.remove(3), &c);
  EXPECT_EQ(table.add(&a), 3u);
  EXPECT_EQ(table.add(&c), 1u);
  EXPECT_EQ(table.live(), 3u);
}

TEST(HandleTable, ForgedIndicesAndOtherKindsAreNull) {
  HandleTable table;
  Record a(HandleKind::WaitableSet);
  uint32_t index = table.add(&a);
  EXPECT_EQ(table.get(0), nullptr);
  EXPECT_EQ(table.get(index + 1), nullptr);
  EXPECT_EQ(table.get(UINT32_MAX), nullptr);
  EXPECT_EQ(table.get_as<Record>(index, HandleKind::Subtask), nullptr);
  EXPECT_EQ(table.get_as<Record>(index, HandleKind::WaitableSet), &a);
}

TEST(HandleTable, TablesOfAStoreShareHostMemory) {
  HostMemory memory{.left = 2 * HandleTable::cost(HandleKind::Thread)};
  HandleTable handles, threads;
  handles.charge(&memory);
  threads.charge(&memory);
  Record thread(HandleKind::Thread), other(HandleKind::Thread), resource(HandleKind::Resource);
  EXPECT_EQ(threads.add(&thread), 1u);
  EXPECT_EQ(handles.add(&resource), 1u);
  EXPECT_EQ(threads.add(&other), 0u);
  EXPECT_EQ(threads.live(), 1u);
  handles.remove(1);
  EXPECT_EQ(threads.add(&other), 2u);
  EXPECT_EQ(handles.add(&resource), 0u);
  threads.remove(1);
  threads.remove(2);
  EXPECT_EQ(memory.left, 2 * HandleTable::cost(HandleKind::Thread));
}

TEST(HandleTableDeathTest, RemovingWhatIsNotThereIsABugOfOurs) {
  HandleTable table;
  EXPECT_DEATH(table.remove(7), "internal error");
}

}  // namespace
}  // namespace wjit
