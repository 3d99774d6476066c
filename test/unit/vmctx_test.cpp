#include "ir/vmctx.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

// 2 of 3 functions imported, 1 of 3 globals, one of each else; the last two functions are referenced.
Module sample() {
  Module module;
  module.functions.resize(3);
  module.imported_functions = 2;
  module.function_is_referenced = {false, true, true};
  module.memories.resize(2);
  module.tables.resize(1);
  module.globals.resize(3);
  module.imported_globals = 1;
  module.tags.resize(1);
  return module;
}

TEST(VmLayout, PartsFollowEachOtherWithoutOverlap) {
  VmLayout layout(sample());
  EXPECT_EQ(layout.imported_functions, sizeof(VmContext));
  EXPECT_EQ(layout.imported_function(1), layout.imported_functions + sizeof(ImportedFunction));
  EXPECT_EQ(layout.memory_bases, layout.imported_functions + 2 * sizeof(ImportedFunction));
  EXPECT_EQ(layout.memories, layout.memory_bases + 2 * 8);
  EXPECT_EQ(layout.tables, layout.memories + 2 * 8);
  EXPECT_EQ(layout.imported_globals, layout.tables + 8);
  EXPECT_EQ(layout.tags, layout.imported_globals + 8);
  EXPECT_GE(layout.globals, layout.tags + 8);
  EXPECT_EQ(layout.func_refs, layout.globals + 2 * sizeof(GlobalCell));
  EXPECT_GE(layout.size, layout.func_refs + 2 * sizeof(FuncRef));
}

// Emitted code loads v128 globals with aligned instructions.
TEST(VmLayout, GlobalsAreAligned) {
  for (size_t tables = 0; tables != 3; ++tables) {
    Module module = sample();
    module.tables.resize(tables);
    VmLayout layout(module);
    EXPECT_EQ(layout.global(0) % 16, 0u);
    EXPECT_EQ(layout.size % 16, 0u);
  }
}

TEST(VmLayout, OnlyReferencedFunctionsHaveAFuncRef) {
  VmLayout layout(sample());
  EXPECT_EQ(layout.func_ref_index[0], UINT32_MAX);
  EXPECT_EQ(layout.func_ref(1), layout.func_refs);
  EXPECT_EQ(layout.func_ref(2), layout.func_refs + sizeof(FuncRef));
}

// A module whose last section is the import section: nobody has referenced anything yet.
TEST(VmLayout, FunctionsBeyondTheReferencedOnesCountAsNotReferenced) {
  Module module = sample();
  module.function_is_referenced.clear();
  EXPECT_EQ(VmLayout(module).func_ref_index, std::vector<uint32_t>(3, UINT32_MAX));
}

}  // namespace
}  // namespace wjit
