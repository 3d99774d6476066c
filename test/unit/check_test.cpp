#include "base/check.h"

#include <gtest/gtest.h>

namespace wjit {

TEST(CheckDeathTest, AFailedCheckNamesItselfAndAborts) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "internal error: 1 \\+ 1 == 3 at .*check_test.cpp");
  EXPECT_DEATH(UNREACHABLE_CASE("a case that cannot be"), "internal error: a case that cannot be");
}

TEST(Check, ATrueConditionCostsNothingElse) {
  int evaluated = 0;
  CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

}  // namespace wjit
