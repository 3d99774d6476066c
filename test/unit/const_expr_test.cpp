#include "jit/const_expr.h"

#include "test/unit/jit_fixture.h"

namespace wjit {
namespace {

std::shared_ptr<Compiler> no_code() { return std::make_shared<TableCompiler>(std::vector<void*>(16)); }

template <typename T>
T value(CoreInstance& instance, uint32_t global) {
  T result;
  memcpy(&result, instance.global(global)->bytes, sizeof result);
  return result;
}

TEST(ConstExpr, ConstantsAndArithmetic) {
  TestStore store;
  auto instance = store.link(parse_module(R"((module
    (global i32 (i32.const -7))
    (global i64 (i64.const 0x123456789abcdef0))
    (global f32 (f32.const -1.5))
    (global f64 (f64.const 1e300))
    (global v128 (v128.const i64x2 1 -2))
    (global $six i32 (i32.add (i32.const 2) (i32.mul (i32.const 2) (i32.const 2))))
    (global i32 (i32.sub (global.get $six) (i32.const 7)))
    (global i64 (i64.sub (i64.mul (i64.const 0x4000000000000000) (i64.const 4)) (i64.add (i64.const 1) (i64.const 2))))))"),
                             no_code());
  ASSERT_TRUE(instance) << instance.error().message;
  CoreInstance& i = **instance;
  EXPECT_EQ(value<int32_t>(i, 0), -7);
  EXPECT_EQ(value<uint64_t>(i, 1), 0x123456789abcdef0u);
  EXPECT_EQ(value<float>(i, 2), -1.5f);
  EXPECT_EQ(value<double>(i, 3), 1e300);
  EXPECT_EQ((value<std::array<int64_t, 2>>(i, 4)), (std::array<int64_t, 2>{1, -2}));
  EXPECT_EQ(value<int32_t>(i, 5), 6);
  EXPECT_EQ(value<int32_t>(i, 6), -1);
  EXPECT_EQ(value<int64_t>(i, 7), -3);
}

TEST(ConstExpr, References) {
  TestStore store;
  auto instance = store.link(parse_module(R"((module
    (func $f) (func $g)
    (global funcref (ref.func $g))
    (global externref (ref.null extern))
    (table 3 funcref (ref.func $f))
    (table $t 4 funcref)
    (elem (table $t) (i32.const 1) funcref (ref.func $g) (ref.null func) (global.get 0))))"),
                             no_code());
  ASSERT_TRUE(instance) << instance.error().message;
  CoreInstance& i = **instance;
  EXPECT_EQ(value<FuncRef*>(i, 0), i.func_ref(1));
  EXPECT_EQ(value<void*>(i, 1), nullptr);
  EXPECT_EQ(i.table(0)->elements[2], i.func_ref(0));
  ASSERT_TRUE(i.initialize());
  const std::vector<void*> elements(i.table(1)->elements, i.table(1)->elements + 4);
  EXPECT_EQ(elements, (std::vector<void*>{nullptr, i.func_ref(1), nullptr, i.func_ref(1)}));
}

TEST(ConstExpr, GarbageCollectionIsAnError) {
  TestStore store;
  auto instance = store.link(parse_module(R"((module
    (type $s (struct (field i32)))
    (global (ref $s) (struct.new $s (i32.const 1)))))"),
                             no_code());
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().message, "not supported yet: struct.new in a constant expression (garbage collection)");
}

}  // namespace
}  // namespace wjit
