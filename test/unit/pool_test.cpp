#include "base/pool.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace wjit {
namespace {

struct Record {
  static inline int live = 0;
  explicit Record(std::string t = "fresh") : text(std::move(t)) { ++live; }
  ~Record() { --live; }
  std::string text;
};

TEST(Pool, MakesDistinctRecordsAndUsesFreedOnesAgain) {
  Pool<Record> pool;
  std::set<Record*> made;
  for (int i = 0; i < 2000; ++i) made.insert(pool.make("record"));
  EXPECT_EQ(made.size(), 2000u);
  Record* first = *made.begin();
  pool.free(first);
  EXPECT_EQ(Record::live, 1999);
  Record* again = pool.make();
  EXPECT_EQ(again, first);
  EXPECT_EQ(again->text, "fresh");
  made.insert(again);
  for (Record* record : made) pool.free(record);
  EXPECT_EQ(Record::live, 0);
}

}  // namespace
}  // namespace wjit
