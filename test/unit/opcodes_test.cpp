#include "frontend/opcodes.h"

#include <gtest/gtest.h>

namespace wjit {

TEST(Opcodes, EveryRowIsFoundByItsEncoding) {
  for (const OpcodeInfo& row : opcode_table()) {
    EXPECT_EQ(find_opcode(row.prefix, row.code), &row) << row.text;
    ASSERT_NE(find_opcode(row.text), nullptr);
    EXPECT_EQ(find_opcode(row.text)->text, row.text);
  }
}

TEST(Opcodes, UnknownEncodingsAndNamesAreNull) {
  EXPECT_EQ(find_opcode(0, 0x06), nullptr);
  EXPECT_EQ(find_opcode(0xFC, 0x12), nullptr);
  EXPECT_EQ(find_opcode(0xFD, 0x9A), nullptr);
  EXPECT_EQ(find_opcode(0xFE, 0), nullptr);
  EXPECT_EQ(find_opcode("i32.frobnicate"), nullptr);
}

TEST(Opcodes, SignaturesUseOnlyTheirLetters) {
  for (const OpcodeInfo& row : opcode_table()) {
    if (row.signature == "*") continue;
    EXPECT_EQ(row.signature.find_first_not_of("ilfdva:"), std::string_view::npos) << row.text;
    EXPECT_NE(row.signature.find(':'), std::string_view::npos) << row.text;
  }
}

}  // namespace wjit
