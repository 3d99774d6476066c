#include "jit/memory.h"

#include "jit/instance.h"
#include "test/unit/jit_fixture.h"

namespace wjit {
namespace {

MemoryType type_of(uint64_t min, std::optional<uint64_t> max, bool is_64 = false, uint8_t page_size_log2 = 16) {
  MemoryType type;
  type.limits.min = min;
  type.limits.max = max;
  type.limits.is_64 = is_64;
  type.page_size_log2 = page_size_log2;
  return type;
}

struct Freed {
  std::unique_ptr<MemoryInstance> memory;
  explicit Freed(const MemoryType& type) : memory(std::move(*make_memory(type))) {}
  ~Freed() { free_memory(*memory); }
  MemoryInstance* operator->() { return memory.get(); }
};

TEST(Memory, GrowsInPlaceUpToItsMaximum) {
  Freed memory(type_of(1, 3));
  uint8_t* base = memory->base;
  base[65535] = 7;
  EXPECT_EQ(grow_memory(*memory.memory, 0), 1);
  EXPECT_EQ(grow_memory(*memory.memory, 2), 1);
  EXPECT_EQ(memory->base, base);
  EXPECT_EQ(memory->byte_length, 3u * 65536);
  EXPECT_EQ(base[65535], 7);
  EXPECT_EQ(base[3 * 65536 - 1], 0);
  base[3 * 65536 - 1] = 1;
  EXPECT_EQ(grow_memory(*memory.memory, 1), -1);
  EXPECT_EQ(grow_memory(*memory.memory, UINT64_MAX), -1);
  EXPECT_EQ(grow_memory(*memory.memory, uint64_t{1} << 48), -1);  // 2^64 bytes: must not wrap around
  EXPECT_EQ(memory->byte_length, 3u * 65536);
}

TEST(Memory, ReservationCoversEveryUncheckedAddress) {
  Freed memory(type_of(0, std::nullopt));
  const auto base = reinterpret_cast<uint64_t>(memory->base);
  EXPECT_TRUE(is_guest_memory(base));
  // The largest i32 address, the largest offset and the widest access.
  EXPECT_TRUE(is_guest_memory(base + 2 * uint64_t{UINT32_MAX} + 15));
  EXPECT_FALSE(is_guest_memory(base + memory->reserved_bytes));
  free_memory(*memory.memory);
  EXPECT_FALSE(is_guest_memory(base));
}

TEST(Memory, AllOf32Bits) {
  Freed memory(type_of(65535, std::nullopt));
  EXPECT_EQ(grow_memory(*memory.memory, 2), -1);
  EXPECT_EQ(grow_memory(*memory.memory, 1), 65535);
  memory->base[(uint64_t{1} << 32) - 1] = 1;
}

TEST(Memory, OneBytePages) {
  Freed memory(type_of(5, 6, false, 0));
  EXPECT_EQ(memory->byte_length, 5u);
  EXPECT_EQ(grow_memory(*memory.memory, 1), 5);
  EXPECT_EQ(memory->byte_length, 6u);
  EXPECT_EQ(grow_memory(*memory.memory, 1), -1);
}

TEST(Memory, Memory64WithoutRoomIsAnError) {
  EXPECT_FALSE(make_memory(type_of(uint64_t{1} << 47, std::nullopt, true)));
  EXPECT_FALSE(make_memory(type_of(uint64_t{1} << 48, std::nullopt, true)));
  Freed memory(type_of(1, uint64_t{1} << 48, true));
  EXPECT_EQ(grow_memory(*memory.memory, 1), 1);
  EXPECT_EQ(grow_memory(*memory.memory, uint64_t{1} << 47), -1);
}

TEST(Table, GrowsFillsAndCopies) {
  TableType type;
  type.limits.min = 2;
  type.limits.max = 5;
  auto table = make_table(type);
  ASSERT_TRUE(table);
  int a = 0, b = 0;
  EXPECT_EQ(grow_table(**table, &a, 4), -1);
  EXPECT_EQ(grow_table(**table, &a, UINT64_MAX), -1);
  EXPECT_EQ(grow_table(**table, &a, 3), 2);
  EXPECT_EQ((*table)->elements[1], nullptr);
  EXPECT_EQ((*table)->elements[4], &a);
  EXPECT_FALSE(fill_table(**table, 4, &b, 2));
  EXPECT_FALSE(fill_table(**table, UINT64_MAX, &b, 2));
  EXPECT_EQ((*table)->elements[4], &a);
  EXPECT_TRUE(fill_table(**table, 5, &b, 0));
  EXPECT_TRUE(fill_table(**table, 0, &b, 1));
  EXPECT_TRUE(copy_table(**table, **table, 1, 0, 4));  // overlapping
  EXPECT_EQ((*table)->elements[1], &b);
  EXPECT_EQ((*table)->elements[4], &a);
  EXPECT_FALSE(copy_table(**table, **table, 2, 0, 4));
  EXPECT_FALSE(copy_table(**table, **table, 0, 2, 4));
  free_table(**table);
  type.limits.min = UINT64_MAX;
  EXPECT_FALSE(make_table(type));
}

}  // namespace
}  // namespace wjit
