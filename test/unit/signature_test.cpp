#include "ir/signature.h"

#include <gtest/gtest.h>

#include "ir/vmctx.h"

namespace wjit {
namespace {

using Where = ValueLocation::Where;

void expect(const ValueLocation& location, Where where, unsigned index) {
  EXPECT_EQ(location.where, where);
  EXPECT_EQ(location.index, index);
}

TEST(Signature, ClassesOfRegistersAreCountedApart) {
  CallShape shape = classify({{ValType::f64(), ValType::i32(), ValType::v128(), ValType::funcref(), ValType::f32()}, {}});
  ASSERT_EQ(shape.params.size(), 5u);
  expect(shape.params[0], Where::Vector, 0);
  expect(shape.params[1], Where::Integer, 0);
  expect(shape.params[2], Where::Vector, 1);
  expect(shape.params[3], Where::Integer, 1);
  expect(shape.params[4], Where::Vector, 2);
  EXPECT_TRUE(shape.results.empty());
}

TEST(Signature, WhatDoesNotFitGoesToTheAreaInOrder) {
  FuncType type;
  type.params.assign(6, ValType::i64());
  type.params.insert(type.params.end(), 9, ValType::f32());
  type.params.push_back(ValType::i32());
  CallShape shape = classify(type);
  expect(shape.params[4], Where::Integer, 4);
  expect(shape.params[5], Where::Area, 0);
  expect(shape.params[6], Where::Vector, 0);
  expect(shape.params[13], Where::Vector, 7);
  expect(shape.params[14], Where::Area, 1);
  expect(shape.params[15], Where::Area, 2);
}

TEST(Signature, OnlyTheFirstResultIsInARegister) {
  CallShape shape = classify({{}, {ValType::f64(), ValType::i32(), ValType::v128()}});
  ASSERT_EQ(shape.results.size(), 3u);
  expect(shape.results[0], Where::Vector, 0);
  expect(shape.results[1], Where::Area, 0);
  expect(shape.results[2], Where::Area, 1);
  expect(classify({{}, {ValType::externref()}}).results[0], Where::Integer, 0);
}

// The validator's limit of 1000 parameters and results fits into the area.
TEST(Signature, TheAreaHoldsTheLargestSignature) {
  FuncType type;
  type.params.assign(1000, ValType::i32());
  EXPECT_LT(classify(type).params.back().index, StoreContext::kArgumentSlots);
}

}  // namespace
}  // namespace wjit
