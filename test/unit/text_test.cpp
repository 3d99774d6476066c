// Covers frontend/text.h and what is behind it for core modules: text_cursor.h, text_numbers.h, text_types.h,
// text_module.h, text_instructions.h, binary_writer.h.
#include "frontend/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "frontend/binary_writer.h"
#include "frontend/text_numbers.h"

using namespace wjit;

namespace {

// The content of the section `id`, as hexadecimal digits; "-" when there is none.
std::string section(const Bytes& module, uint8_t id) {
  size_t at = 8;
  auto u32 = [&] {
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      uint8_t b = module.at(at++);
      value |= static_cast<uint32_t>(b & 0x7F) << shift;
      if (b < 0x80) return value;
    }
  };
  while (at < module.size()) {
    uint8_t found = module.at(at++);
    uint32_t size = u32();
    if (found == id) {
      std::string out;
      for (size_t i = 0; i < size; ++i) out += fmt::format("{:02x}", module.at(at + i));
      return out;
    }
    at += size;
  }
  return "-";
}

std::string section_of(std::string_view text, uint8_t id) {
  Parsed<Bytes> bytes = assemble(text);
  return bytes ? section(*bytes, id) : bytes.error().to_string();
}
constexpr uint8_t kTypes = 1, kImports = 2, kFunctions = 3, kTables = 4, kMemories = 5, kGlobals = 6, kExports = 7,
                  kElems = 9, kCode = 10, kData = 11, kDataCount = 12;

// The code of one function, without the counts and sizes in front and without `end`.
std::string code(std::string_view instructions, std::string_view fields = "") {
  std::string text = fmt::format("(module (func {}) {})", instructions, fields);
  std::string hex = section_of(text, kCode);
  // count 1, size (one byte here), 0 locals … 0b
  return hex.size() < 8 || hex.find("error") != hex.npos || hex.find(' ') != hex.npos ? hex
                                                                                      : hex.substr(6, hex.size() - 8);
}

std::string error(std::string_view text) {
  Parsed<Bytes> bytes = assemble(text);
  if (bytes) return "none";
  EXPECT_EQ(bytes.error().fault, InputFault::Malformed) << text;
  return fmt::format("{}:{}: {}", bytes.error().line, bytes.error().column, bytes.error().message);
}

TEST(BinaryWriter, Leb128) {
  Writer w;
  w.u64(0), w.u64(127), w.u64(128), w.u64(UINT64_MAX);
  EXPECT_EQ(w.get(), (Bytes{0, 0x7F, 0x80, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}));
  w.clear();
  w.s64(0), w.s64(-1), w.s64(63), w.s64(64), w.s64(-64), w.s64(-65);
  EXPECT_EQ(w.get(), (Bytes{0, 0x7F, 0x3F, 0xC0, 0x00, 0x40, 0xBF, 0x7F}));
  w.clear();
  w.s64(INT64_MIN);
  EXPECT_EQ(w.get(), (Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7F}));
}

uint64_t float_bits(std::string_view literal, unsigned bits) {
  uint64_t value = 0;
  EXPECT_EQ(literal_float(literal, bits, value), FloatFault::None) << literal;
  return value;
}

TEST(TextNumbers, FloatsRoundToNearestEven) {
  EXPECT_EQ(float_bits("0x1p0", 32), 0x3F800000u);
  EXPECT_EQ(float_bits("0x1.000001p0", 32), 0x3F800000u);                   // a tie: to even
  EXPECT_EQ(float_bits("0x1.000003p0", 32), 0x3F800002u);                   // a tie: to even, upwards
  EXPECT_EQ(float_bits("0x1.00000100000000000000001p0", 32), 0x3F800001u);  // sticky digit beyond 64 bits
  EXPECT_EQ(float_bits("0x1p-149", 32), 1u);
  EXPECT_EQ(float_bits("0x1p-150", 32), 0u);
  EXPECT_EQ(float_bits("0x1.000002p-150", 32), 1u);
  EXPECT_EQ(float_bits("0x0.ffffffp-126", 32), 0x00800000u);  // subnormal rounds up to the smallest normal number
  EXPECT_EQ(float_bits("0x1.fffffefffffff8p127", 32), 0x7F7FFFFFu);
  EXPECT_EQ(float_bits("-0x1.fffffffffffffp1023", 64), 0xFFEFFFFFFFFFFFFFu);
  EXPECT_EQ(float_bits("0x1p-1074", 64), 1u);
  EXPECT_EQ(float_bits("0x1_0.8_0p+0_1", 64), std::bit_cast<uint64_t>(33.0));
  EXPECT_EQ(float_bits("0.1", 32), std::bit_cast<uint32_t>(0.1f));
  EXPECT_EQ(float_bits("1_000.5e-1_0", 64), std::bit_cast<uint64_t>(1000.5e-10));
  EXPECT_EQ(float_bits("1e-400", 64), 0u);
  EXPECT_EQ(float_bits("4.9406564584124654e-324", 64), 1u);
  EXPECT_EQ(float_bits("2.4703282292062328e-324", 64), 1u);
  EXPECT_EQ(float_bits("2.4703282292062327e-324", 64), 0u);
  EXPECT_EQ(float_bits("-0", 64), uint64_t{1} << 63);
  EXPECT_EQ(float_bits("0e99999999999999999999", 64), 0u);
  EXPECT_EQ(float_bits("nan", 32), 0x7FC00000u);
  EXPECT_EQ(float_bits("-nan:0x1", 32), 0xFF800001u);
  EXPECT_EQ(float_bits("-inf", 64), 0xFFF0000000000000u);
}

TEST(TextNumbers, FloatsOutOfRangeOrMalformed) {
  auto fault = [](std::string_view literal, unsigned bits) {
    uint64_t value = 0;
    return literal_float(literal, bits, value);
  };
  for (std::string_view literal : {"0x1p128", "0x1.ffffffp127", "340282356779733661637539395458142568448", "1e39",
                                   "1e999999999999999999999", "nan:0x0", "nan:0x800000"}) {
    EXPECT_EQ(fault(literal, 32), FloatFault::OutOfRange) << literal;
  }
  EXPECT_EQ(fault("1e309", 64), FloatFault::OutOfRange);
  for (std::string_view literal : {"", ".5", "1_", "1__0", "_1", "0x", "0x.1", "1e", "1e+", "0x1p", "1._5", "nan:1",
                                   "nan:0x", "1.5f", "0x1.g", "infinity", "--1"}) {
    EXPECT_EQ(fault(literal, 64), FloatFault::Malformed) << literal;
  }
}

TEST(Text, IntegersHaveRanges) {
  EXPECT_EQ(code("i32.const 0xffff_ffff drop"), "417f1a");
  EXPECT_EQ(code("i32.const -0x80000000 drop"), "4180808080781a");
  EXPECT_EQ(code("i64.const 18446744073709551615 drop"), "427f1a");
  EXPECT_NE(error("(func i32.const 4294967296 drop)").find("constant out of range"), std::string::npos);
  EXPECT_NE(error("(func i32.const -2147483649 drop)").find("constant out of range"), std::string::npos);
  EXPECT_NE(error("(func i32.const 0x drop)").find("unknown operator"), std::string::npos);
  EXPECT_NE(error("(func i32.const 1.0 drop)").find("unexpected token"), std::string::npos);
}

TEST(Text, EmptyModulesAndBareFields) {
  Bytes empty{0, 'a', 's', 'm', 1, 0, 0, 0};
  EXPECT_EQ(*assemble("(module)"), empty);
  EXPECT_EQ(*assemble(""), empty);
  EXPECT_EQ(*assemble("(module binary \"\\00asm\" \"\\01\\00\\00\\00\")"), empty);
  EXPECT_EQ(*assemble("(module quote \"(mod\" \"ule)\")"), empty);
  EXPECT_EQ(section_of("(func) (func)", kFunctions), "020000");
}

TEST(Text, FoldedAndFlatFormsAreTheSame) {
  std::string flat = code(
      "(result i32) block $a (result i32) i32.const 1 if $b (result i32) i32.const 2 br $a else i32.const 3 end end "
      "$a");
  std::string folded = code(
      "(result i32) (block $a (result i32) (if $b (result i32) (i32.const 1) (then (i32.const 2) br $a) "
      "(else (i32.const 3))))");
  EXPECT_EQ(flat, "027f4101047f41020c010541030b0b");
  EXPECT_EQ(folded, flat);
  EXPECT_EQ(code("(drop (i32.add (i32.const 1) (i32.sub (i32.const 2) (i32.const 3))))"), "4101410241036b6a1a");
}

TEST(Text, LabelsMayShadow) {
  EXPECT_EQ(code("block $l block $l br $l end br $l end br 0"), "024002400c000b0c000b0c00");
  EXPECT_EQ(error("(func block $a end $b)"), "1:20: mismatching label $b");
  EXPECT_EQ(error("(func block $a end br $a)"), "1:23: unknown label $a");
  EXPECT_NE(error("(func block)").find("expected end"), std::string::npos);
  EXPECT_NE(error("(func end)").find("unexpected token end"), std::string::npos);
  EXPECT_NE(error("(func (if (i32.const 1)))").find("expected (then"), std::string::npos);
}

TEST(Text, TypeUsesFindOrAppendTypes) {
  std::string_view text =
      "(module (func (param i64)) (type $a (sub (func (param i32)))) (type $b (func (param i32)))"
      " (func (param i32)) (func (type $a)) (func (block (result i64 i64) (unreachable)) unreachable))";
  // $a is open, so (param i32) means $b; implied types stand behind both, in the order of their first use.
  EXPECT_EQ(section_of(text, kTypes),
            "05500060017f0060017f0060017e00600000600002"
            "7e7e");
  EXPECT_EQ(section_of(text, kFunctions), "0402010003");
  EXPECT_EQ(error("(func (result i32) (param i32))"), "1:21: unexpected token param, expected an instruction");
  EXPECT_NE(error("(type $t (func (param i32))) (func (type $t) (param i64))").find("inline function type"),
            std::string::npos);
  EXPECT_EQ(section_of("(type $t (func (param i32))) (func (type $t) (param $x i32) (drop (local.get $x)))", kTypes),
            "0160017f00");
}

TEST(Text, RecursiveTypesAndFields) {
  EXPECT_EQ(section_of("(rec (type $a (struct (field $x i8) (field $y (mut (ref null $b))))) (type $b (sub final $a "
                       "(array (mut i64)))))",
                       kTypes),
            "014e025f0278006301014f01005e7e01");
  EXPECT_EQ(code("(struct.set $s $y (unreachable) (i32.const 1))",
                 "(type (func)) (type $s (struct (field $x i32) "
                 "(field $y (mut i32))))"),
            "004101fb050101");
}

TEST(Text, LocalsAndTheirNames) {
  Parsed<Bytes> bytes = assemble(
      "(module $m (func $f (param $p i32) (local i64 i64) (local $q i64) (local f32)"
      " (drop (local.get $q))))");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(section(*bytes, kCode),
            "01090203"
            "7e017d20031a0b");
  // "name": module m, function 0 f, locals of function 0: 0 p, 3 q.
  EXPECT_EQ(section(*bytes, 0),
            "046e616d65"
            "0002016d"
            "0104010001"
            "66"
            "02090100"
            "02"
            "000170"
            "030171");
}

TEST(Text, ImmediatesInTheirBinaryOrder) {
  std::string_view fields =
      "(memory $m 1) (memory $n 1) (table $t 1 funcref) (table $u 1 funcref) (data $d \"\") "
      "(elem $e func) (type $v (func))";
  EXPECT_EQ(code("(memory.init $n $d (i32.const 0) (i32.const 0) (i32.const 0))", fields), "410041004100fc080001");
  EXPECT_EQ(code("(table.init $u $e (i32.const 0) (i32.const 0) (i32.const 0))", fields), "410041004100fc0c0001");
  EXPECT_EQ(code("(memory.copy $n $m (i32.const 0) (i32.const 0) (i32.const 0))", fields), "410041004100fc0a0100");
  EXPECT_EQ(code("(call_indirect $u (type $v) (i32.const 0))", fields), "4100110001");
  EXPECT_EQ(code("(drop (i64.load16_u $n offset=0x10 align=1 (i32.const 0)))", fields),
            "41003340"
            "01101a");
  EXPECT_EQ(code("(drop (v128.load16_lane 1 3 (i32.const 0) (v128.const i64x2 0 -1)))", fields),
            "4100fd0c0000000000000000ffffffffffffffff"
            "fd5541010003"
            "1a");
  EXPECT_EQ(code("(drop (v128.load32_zero 1 (i32.const 0)))", fields),
            "4100fd5c42"
            "01001a");
  EXPECT_EQ(code("(drop (ref.cast (ref null i31) (unreachable)))"), "00fb176c1a");
  EXPECT_EQ(code("(block $l (br_on_cast_fail $l anyref (ref func) (unreachable)))"),
            "024000fb190100"
            "6e700b");
  EXPECT_EQ(code("(drop (select (result i32 (;one;) ) (i32.const 1) (i32.const 2) (i32.const 3)))"),
            "4101410241031c017f1a");
  EXPECT_EQ(code("(block $l (try_table $k (catch_all $l) (br $k)))"),
            "02401f40010200"
            "0c000b0b");
}

TEST(Text, DataCountOnlyWhereInstructionsNameData) {
  EXPECT_EQ(section_of("(memory 1) (data \"a\")", kDataCount), "-");
  EXPECT_EQ(section_of("(memory 1) (data $d \"a\") (func (data.drop $d))", kDataCount), "01");
}

TEST(Text, SegmentsChooseTheShortestKind) {
  auto elem = [](std::string_view field) {
    return section_of(fmt::format("(module (table $t 1 funcref) (table $u 1 funcref) (func $f) {})", field), kElems);
  };
  EXPECT_EQ(elem("(elem (i32.const 0) $f)"), "010041000b0100");
  EXPECT_EQ(elem("(elem (table $t) (offset i32.const 0) func $f)"), "010041000b0100");
  EXPECT_EQ(elem("(elem func $f $f)"), "010100020000");
  EXPECT_EQ(elem("(elem (table $u) (i32.const 0) func $f)"), "01020141000b000100");
  EXPECT_EQ(elem("(elem declare func $f)"), "0103000100");
  EXPECT_EQ(elem("(elem (i32.const 0) funcref (item ref.func $f))"), "010441000b01d2000b");
  EXPECT_EQ(elem("(elem (ref null func) (ref.null func))"), "01057001d0700b");
  EXPECT_EQ(elem("(elem (i32.const 0) (ref func) (ref.func $f))"), "01060041000b647001d2000b");
  EXPECT_EQ(elem("(elem declare externref)"), "01076f00");
  EXPECT_EQ(section_of("(memory $a 1) (memory $b 1) (data (memory $b) (i32.const 8) \"a\" \"b\") (data \"c\")", kData),
            "02020141080b0261620101"
            "63");
}

TEST(Text, InlineSegmentsSizeTheirTableOrMemory) {
  std::string_view text = "(table $t i64 funcref (elem $f $f)) (memory (data \"xyz\")) (func $f) (elem $next func)";
  EXPECT_EQ(section_of(text, kTables), "0170050202");
  EXPECT_EQ(section_of(text, kMemories), "01010101");
  EXPECT_EQ(section_of(text, kElems),
            "020042000b0200000100"
            "00");
  EXPECT_EQ(section_of(text, kData), "010041000b0378797a");
  EXPECT_EQ(section_of("(memory (pagesize 1) (data \"xyz\"))", kMemories), "0109030300");
}

TEST(Text, InlineImportsAndExports) {
  std::string_view text =
      "(func $f (export \"a\") (export \"b\") (import \"m\" \"n\") (param i32))"
      "(global (export \"g\") (mut i32) (i32.const 1)) (export \"c\" (func $f))";
  EXPECT_EQ(section_of(text, kImports), "01016d016e0000");
  EXPECT_EQ(section_of(text, kExports),
            "040161000001620000016703000163"
            "0000");
  EXPECT_EQ(section_of(text, kGlobals), "017f0141010b");
}

TEST(Text, ErrorsHaveLineAndColumn) {
  EXPECT_EQ(error("(module\n  (func\n    get_local 0))"), "3:5: unknown operator get_local");
  EXPECT_EQ(error("(module (func $f)\n (func $f))"), "2:8: duplicate func $f");
  EXPECT_EQ(error("(func) (import \"m\" \"n\" (func))"), "1:9: import after function");
  EXPECT_EQ(error("(start 0) (start 0)"), "1:18: multiple start sections");
  EXPECT_EQ(error("(func (call $g))"), "1:13: unknown func $g");
  EXPECT_EQ(error("(func (param $x i32)) (global i32 (local.get $x))"), "1:46: unknown local $x");
  EXPECT_EQ(error("(module"), "1:8: unexpected end, expected )");
  EXPECT_EQ(error("(module))"), "1:9: unexpected token ), expected the end of the text");
  EXPECT_EQ(error("(import \"\\ff\" \"\" (func))"), "1:9: malformed UTF-8 encoding");
  EXPECT_EQ(error("(module quote \"(func\\n drop drop)\" \"x\")").substr(0, 21), "1:9: quoted text 2:12");
  EXPECT_EQ(error("(memory 1) (func (drop (i32.load align=3 (i32.const 0))))"),
            "1:34: alignment must be a power of two");
  EXPECT_EQ(error("(func (param $x i32) (local $x i32))").find("duplicate local $x") != std::string::npos, true);
}

TEST(Text, ProposalsAreUnsupportedNotMalformed) {
  Parsed<Bytes> bytes = assemble("(func (i32.atomic.load (i32.const 0)))");
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().fault, InputFault::Unsupported);
}

// Were it quadratic, it would not end before the test command ends it.
TEST(Text, DeepNestingAndManyLabelsTakeLinearTime) {
  constexpr int depth = 200'000;
  std::string text = "(func ";
  for (int i = 0; i < depth; ++i) text += "(block $l ";
  text += "(br 0)";
  text.append(depth, ')');
  text += ")";
  EXPECT_TRUE(assemble(text));
  std::string unclosed(depth, '(');
  EXPECT_FALSE(assemble(unclosed));
}

}  // namespace
