#include "base/intrusive_list.h"

#include <string>

#include <gtest/gtest.h>

namespace wjit {
namespace {

struct Item {
  char name;
  Item* previous = nullptr;
  Item* next = nullptr;
};
using List = IntrusiveList<Item, &Item::previous, &Item::next>;

std::string names(const List& list) {
  std::string out;
  for (Item* item = list.front(); item != nullptr; item = List::next(item)) out += item->name;
  return out;
}

TEST(IntrusiveList, KeepsOrderOnBothEnds) {
  List list;
  Item a{'a'}, b{'b'}, c{'c'};
  list.push_back(&b);
  list.push_back(&c);
  list.push_front(&a);
  EXPECT_EQ(names(list), "abc");
  EXPECT_EQ(list.back(), &c);
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_EQ(names(list), "bc");
}

TEST(IntrusiveList, RemovesFirstMiddleLastAndOnly) {
  List list;
  Item a{'a'}, b{'b'}, c{'c'};
  for (Item* item : {&a, &b, &c}) list.push_back(item);
  list.remove(&b);
  EXPECT_EQ(names(list), "ac");
  list.remove(&c);
  EXPECT_EQ(list.back(), &a);
  list.remove(&a);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
  list.push_back(&b);  // a removed element may be used again
  EXPECT_EQ(names(list), "b");
}

}  // namespace
}  // namespace wjit
