// Sections, their order and what the decoder makes of them (frontend/decoder.cpp, frontend/decoder_types.cpp).
#include "frontend/decoder.h"

#include <gtest/gtest.h>

#include "module_bytes.h"

namespace wjit {
namespace {

using namespace test;

const Bytes kTypeSection = section(1, {1, 0x60, 0, 0});  // func type [] -> []
const Bytes kFunctionSection = section(3, {1, 0});
const Bytes kCodeSection = section(10, {1, 2, 0, 0x0B});

// A module with something in every section.
Bytes rich_module() {
  return preamble() + section(1, {3, 0x60, 0, 0, 0x60, 1, 0x7F, 0, 0x60, 0, 1, 0x7F}) +
         section(2, Bytes{1, 1, 'm', 1, 'f', 0, 0}) + section(3, {2, 0, 2}) + section(4, {1, 0x70, 0, 2}) +
         section(5, {1, 0x01, 1, 2}) + section(13, {1, 0, 1}) + section(6, {1, 0x7F, 0, 0x41, 42, 0x0B}) +
         section(7, {2, 1, 'a', 0, 1, 1, 'b', 2, 0}) + section(8, {1}) + section(9, {1, 0, 0x41, 0, 0x0B, 2, 0, 2}) +
         section(12, {1}) + section(10, Bytes{2} + sized({0, 0x0B}) + sized({1, 2, 0x7E, 0x41, 7, 0x0B})) +
         section(11, Bytes{1, 0, 0x41, 8, 0x0B, 3, 'x', 'y', 'z'}) +
         section(0, Bytes{4, 'n', 'a', 'm', 'e'} + section(0, {2, 'm', 'o'}) + section(1, {1, 2, 3, 's', 'i', 'x'}));
}

TEST(Decoder, ClassifiesBinaries) {
  EXPECT_EQ(classify(preamble()), BinaryKind::Module);
  EXPECT_EQ(classify(Bytes{0, 'a', 's', 'm', 0x0D, 0, 1, 0}), BinaryKind::Component);
  EXPECT_EQ(classify(Bytes{0, 'a', 's', 'm', 0x02, 0, 0, 0}), BinaryKind::NotWasm);
  EXPECT_EQ(classify(Bytes{0, 'a', 's'}), BinaryKind::NotWasm);
}

TEST(Decoder, ReadsEverySection) {
  const auto result = decode(rich_module());
  ASSERT_TRUE(result) << result.error().to_string();
  const Module& m = **result;
  EXPECT_EQ(m.types.size(), 3u);
  ASSERT_EQ(m.imports.size(), 1u);
  EXPECT_EQ(m.imports[0].module, "m");
  EXPECT_EQ(m.imported_functions, 1u);
  ASSERT_EQ(m.functions.size(), 3u);
  EXPECT_EQ(m.functions[2].locals.size(), 1u);
  EXPECT_EQ(m.functions[2].locals[0].count, 2u);
  EXPECT_EQ(m.slice(m.functions[2].body).back(), 0x0B);
  EXPECT_EQ(m.slice(m.functions[2].body).size(), 3u);
  EXPECT_EQ(m.tables[0].type.limits.min, 2u);
  EXPECT_EQ(m.memories[0].type.limits.max, 2u);
  EXPECT_EQ(m.tags[0].type, 1u);
  EXPECT_EQ(m.slice(m.globals[0].init).size(), 3u);
  EXPECT_EQ(m.start, 1u);
  EXPECT_EQ(m.elems[0].functions, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(m.datas[0].bytes.end - m.datas[0].bytes.begin, 3u);
  EXPECT_EQ(m.customs.size(), 1u);
  EXPECT_EQ(m.name, "mo");
  EXPECT_EQ(m.function_display_name(2), "six");
  EXPECT_EQ(m.function_display_name(1), "a");
  EXPECT_EQ(m.function_display_name(0), "func[0]");
  EXPECT_EQ(m.function_is_referenced, (std::vector<bool>{true, true, true}));
}

TEST(Decoder, TruncationIsAnErrorAtTheCut) {
  const Bytes whole = rich_module();
  size_t accepted = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto result = decode(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
    if (result) {
      ++accepted;
    } else {
      EXPECT_LE(result.error().offset, size);
      EXPECT_EQ(result.error().fault, InputFault::Malformed) << result.error().to_string();
    }
  }
  // Whole are: nothing at all, only types, types and imports; all but the custom section.
  EXPECT_EQ(accepted, 4u);
}

TEST(Decoder, OffsetsAreThoseOfTheWholeVector) {
  const Bytes padding(100, 0xEE);
  const Bytes module = preamble() + section(1, {1, 0x60, 0, 1, 0x55});
  auto bytes = std::make_shared<const Bytes>(padding + module + padding);
  const uint32_t end = 100 + static_cast<uint32_t>(module.size());
  const auto bad = decode_module(bytes, {100, end});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().offset, end - 1);
  EXPECT_EQ(bad.error().message, "malformed value type 0x55");
  EXPECT_TRUE(decode_module(bytes, {100, 108}));
}

TEST(Decoder, Preamble) {
  EXPECT_EQ(verdict({}), "malformed: unexpected end");
  EXPECT_EQ(verdict({'w', 'a', 's', 'm', 1, 0, 0, 0}), "malformed: magic header not detected");
  EXPECT_EQ(verdict({0, 'a', 's', 'm', 2, 0, 0, 0}), "malformed: unknown binary version");
  EXPECT_EQ(verdict(preamble()), "");
}

TEST(Decoder, SectionOrderAndSizes) {
  EXPECT_EQ(verdict(preamble() + kTypeSection + kFunctionSection + kCodeSection), "");
  EXPECT_EQ(verdict(preamble() + kTypeSection + kTypeSection),
            "malformed: unexpected content after last section: section 1 is out of order");
  EXPECT_EQ(verdict(preamble() + section(5, {0}) + section(13, {0}) + section(6, {0})), "");
  EXPECT_EQ(verdict(preamble() + section(6, {0}) + section(13, {0})),
            "malformed: unexpected content after last section: section 13 is out of order");
  EXPECT_EQ(verdict(preamble() + section(14, {})), "malformed: malformed section id 14");
  EXPECT_EQ(verdict(preamble() + section(1, {0, 0})), "malformed: section size mismatch: 1 bytes left over");
  EXPECT_EQ(verdict(preamble() + Bytes{1, 5, 0}), "malformed: length out of bounds");
  EXPECT_EQ(verdict(preamble() + kTypeSection + kFunctionSection),
            "malformed: function and code section have inconsistent lengths");
  EXPECT_EQ(verdict(preamble() + section(12, {1})), "malformed: data count and data section have inconsistent lengths");
  EXPECT_EQ(verdict(preamble() + section(0, {1, 0xFF})), "malformed: malformed UTF-8 encoding");
}

TEST(Decoder, NameSectionErrorsAreIgnored) {
  EXPECT_EQ(verdict(preamble() + section(0, Bytes{4, 'n', 'a', 'm', 'e', 1, 0x7F, 1, 2, 3})), "");
}

TEST(Decoder, Limits) {
  auto memory = [](const Bytes& type) { return verdict(preamble() + section(5, Bytes{1} + type)); };
  EXPECT_EQ(memory(Bytes{0x00} + u32(65536)), "");
  EXPECT_EQ(memory(Bytes{0x00} + u32(65537)), "invalid: memory size must be at most 65536");
  EXPECT_EQ(memory({0x01, 2, 1}), "invalid: size minimum must not be greater than maximum");
  EXPECT_EQ(memory({0x04, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40}), "");  // 2^48
  EXPECT_EQ(memory({0x04, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40}),
            "invalid: memory size must be at most 281474976710656");
  EXPECT_EQ(memory({0x10, 0}), "malformed: malformed limits flags 0x10");
  EXPECT_EQ(memory({0x08, 5, 0}), "");  // custom page size 1
  EXPECT_EQ(memory({0x08, 5, 3}), "invalid: invalid custom page size");
  EXPECT_EQ(memory({0x03, 1, 1}), "");  // shared
  EXPECT_EQ(memory({0x02, 1}), "invalid: shared memory must have maximum size");
  auto table = [](const Bytes& type) { return verdict(preamble() + section(4, Bytes{1} + type)); };
  EXPECT_EQ(table({0x70, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}), "");
  EXPECT_EQ(table({0x70, 0x00, 0x80, 0x80, 0x80, 0x80, 0x10}), "invalid: table size must be at most 4294967295");
  EXPECT_EQ(table({0x64, 0x70, 0x00, 0}),
            "invalid: type mismatch: a table of non-nullable references needs an initial value");
}

TEST(Decoder, Exports) {
  const Bytes head = preamble() + kTypeSection + kFunctionSection;
  EXPECT_EQ(verdict(head + section(7, {2, 1, 'a', 0, 0, 1, 'b', 0, 0}) + kCodeSection), "");
  EXPECT_EQ(verdict(head + section(7, {2, 1, 'a', 0, 0, 1, 'a', 0, 0}) + kCodeSection),
            "invalid: duplicate export name \"a\"");
  EXPECT_EQ(verdict(head + section(7, {1, 1, 'a', 0, 5}) + kCodeSection), "invalid: unknown function 5");
  EXPECT_EQ(verdict(head + section(7, {1, 1, 'a', 5, 0}) + kCodeSection), "malformed: malformed export kind");
}

TEST(Decoder, StartFunctionHasNoType) {
  const Bytes head = preamble() + section(1, {1, 0x60, 1, 0x7F, 0}) + kFunctionSection;
  EXPECT_EQ(verdict(head + section(8, {0}) + kCodeSection),
            "invalid: start function must have neither parameters nor results");
}

TEST(Decoder, RecursiveTypes) {
  auto types = [](const Bytes& content) { return verdict(preamble() + section(1, content)); };
  // (rec (struct (ref null 1)) (struct (ref null 0)))
  EXPECT_EQ(types({1, 0x4E, 2, 0x5F, 1, 0x63, 1, 0, 0x5F, 1, 0x63, 0, 0}), "");
  EXPECT_EQ(types({1, 0x4E, 2, 0x5F, 1, 0x63, 1, 0, 0x5F, 1, 0x63, 2, 0}), "invalid: unknown type 2");
  // (sub (struct)) (sub 0 (struct i32)); the same with a final supertype; with a forward one
  EXPECT_EQ(types({2, 0x50, 0, 0x5F, 0, 0x50, 1, 0, 0x5F, 1, 0x7F, 0}), "");
  EXPECT_EQ(types({2, 0x5F, 0, 0x50, 1, 0, 0x5F, 1, 0x7F, 0}), "invalid: sub type 1 does not match super type 0");
  EXPECT_EQ(types({1, 0x50, 1, 0, 0x5F, 0}), "invalid: unknown type 0");
  // mutable fields are invariant: (struct (mut anyref)), sub with (mut eqref)
  EXPECT_EQ(types({2, 0x50, 0, 0x5F, 1, 0x6E, 1, 0x50, 1, 0, 0x5F, 1, 0x6D, 1}),
            "invalid: sub type 1 does not match super type 0");
  EXPECT_EQ(types({2, 0x50, 0, 0x5F, 1, 0x6E, 0, 0x50, 1, 0, 0x5F, 1, 0x6D, 0}), "");
}

TEST(Decoder, DeepChainsOfSupertypesAreRefused) {
  Bytes content = u32(100) + Bytes{0x50, 0, 0x5F, 0};
  for (uint32_t i = 1; i < 100; ++i) content = content + Bytes{0x50, 1} + u32(i - 1) + Bytes{0x5F, 0};
  EXPECT_EQ(verdict(preamble() + section(1, content)), "unsupported: sub type 64 has more than 63 super types");
}

TEST(Decoder, LyingLengthsDoNotAllocate) {
  for (uint8_t id : {1, 2, 3, 4, 5, 6, 7, 9, 11, 13}) {
    EXPECT_NE(verdict(preamble() + section(id, {0xFF, 0xFF, 0xFF, 0xFF, 0x0F})), "") << int{id};
  }
  // 2^32 locals in few bytes; 50,001 of them
  const Bytes head = preamble() + kTypeSection + kFunctionSection;
  EXPECT_EQ(verdict(head + section(10, Bytes{1} + sized({2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7F, 1, 0x7F, 0x0B}))),
            "malformed: too many locals");
  EXPECT_EQ(verdict(head + section(10, Bytes{1} + sized({1, 0xD1, 0x86, 0x03, 0x7F, 0x0B}))),
            "unsupported: too many locals: 50001, the limit is 50000");
}

}  // namespace
}  // namespace wjit
