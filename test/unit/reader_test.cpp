// LEB128 limits, names, vectors and the first-error rule of frontend/reader.h.
#include "frontend/reader.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace wjit {
namespace {

// Reads with `read` from `bytes` and gives the message of the first error, or "" when all bytes were read well.
template <typename Read>
std::string error_of(const Bytes& bytes, Read read) {
  ErrorSink sink;
  Reader in(bytes, {0, static_cast<uint32_t>(bytes.size())}, sink);
  read(in);
  if (sink.ok()) return in.at_end() ? "" : "bytes left";
  return sink.take().message;
}

TEST(Reader, UnsignedNumbers) {
  auto u32 = [](uint32_t expected) { return [=](Reader& in) { EXPECT_EQ(in.u32(), expected); }; };
  EXPECT_EQ(error_of({0x00}, u32(0)), "");
  EXPECT_EQ(error_of({0x7F}, u32(127)), "");
  EXPECT_EQ(error_of({0x80, 0x01}, u32(128)), "");
  EXPECT_EQ(error_of({0x83, 0x80, 0x80, 0x80, 0x00}, u32(3)), "");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, u32(UINT32_MAX)), "");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x1F}, u32(0)), "integer too large");
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, u32(0)), "integer representation too long");
  EXPECT_EQ(error_of({0x80}, u32(0)), "unexpected end");
  auto u64 = [](uint64_t expected) { return [=](Reader& in) { EXPECT_EQ(in.u64(), expected); }; };
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, u64(UINT64_MAX)), "");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}, u64(0)), "integer too large");
}

TEST(Reader, SignedNumbers) {
  auto s32 = [](int32_t expected) { return [=](Reader& in) { EXPECT_EQ(in.s32(), expected); }; };
  EXPECT_EQ(error_of({0x7F}, s32(-1)), "");
  EXPECT_EQ(error_of({0x3F}, s32(63)), "");
  EXPECT_EQ(error_of({0x40}, s32(-64)), "");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, s32(-1)), "");
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x78}, s32(INT32_MIN)), "");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x07}, s32(INT32_MAX)), "");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, s32(0)), "integer too large");
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x70}, s32(0)), "integer too large");
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, s32(0)), "integer representation too long");
  auto s33 = [](int64_t expected) { return [=](Reader& in) { EXPECT_EQ(in.s33(), expected); }; };
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, s33(UINT32_MAX)), "");
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x70}, s33(-(1LL << 32))), "");
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x10}, s33(0)), "integer too large");
  auto s64 = [](int64_t expected) { return [=](Reader& in) { EXPECT_EQ(in.s64(), expected); }; };
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7F}, s64(INT64_MIN)), "");
  EXPECT_EQ(error_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7E}, s64(0)), "integer too large");
}

TEST(Reader, Utf8) {
  auto valid = [](std::initializer_list<uint8_t> bytes) { return is_utf8(std::span(bytes.begin(), bytes.size())); };
  EXPECT_TRUE(valid({}));
  EXPECT_TRUE(valid({'a', 0xC3, 0xA4, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80, 0x00}));
  EXPECT_TRUE(valid({0xF4, 0x8F, 0xBF, 0xBF}));
  EXPECT_FALSE(valid({0x80}));                    // continuation alone
  EXPECT_FALSE(valid({0xC0, 0x80}));              // overlong
  EXPECT_FALSE(valid({0xE0, 0x9F, 0xBF}));        // overlong
  EXPECT_FALSE(valid({0xF0, 0x8F, 0xBF, 0xBF}));  // overlong
  EXPECT_FALSE(valid({0xED, 0xA0, 0x80}));        // surrogate
  EXPECT_FALSE(valid({0xF4, 0x90, 0x80, 0x80}));  // above U+10FFFF
  EXPECT_FALSE(valid({0xE2, 0x82}));              // cut off
}

TEST(Reader, VectorsAreBoundedByTheInput) {
  auto count = [](Reader& in) { in.count(1000, "things"); };
  EXPECT_EQ(error_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00}, count), "length out of bounds");
  Bytes many(2000, 0);
  many[0] = 0xE9, many[1] = 0x07;  // 1001
  EXPECT_EQ(error_of(many, count), "too many things: 1001, the limit is 1000");
  EXPECT_EQ(error_of({0x02, 'a'}, [](Reader& in) { in.name(); }), "length out of bounds");
  EXPECT_EQ(error_of({0x01, 0xFF}, [](Reader& in) { in.name(); }), "malformed UTF-8 encoding");
}

TEST(Reader, TheFirstErrorWinsAndStopsAllReaders) {
  const Bytes bytes = {1, 2, 3, 4, 5, 6};
  ErrorSink sink;
  Reader in(bytes, {1, 6}, sink);
  Reader part = in.sub(2);
  EXPECT_EQ(part.offset(), 1u);
  EXPECT_EQ(in.offset(), 3u);
  EXPECT_EQ(part.byte(), 2);
  EXPECT_EQ(part.fixed32(), 0u);
  EXPECT_FALSE(in.ok());
  in.invalid("a later error");
  EXPECT_TRUE(in.at_end());
  const InputError error = sink.take();
  EXPECT_EQ(error.message, "unexpected end of section or function");
  EXPECT_EQ(error.fault, InputFault::Malformed);
  EXPECT_EQ(error.offset, 3u);
}

}  // namespace
}  // namespace wjit
