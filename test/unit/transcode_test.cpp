// abi/transcode.h and base/utf8.h: every loop against a plain one, over texts whose lengths and first odd character
// stand at every place of the vector steps, and over every kind of invalid text.
#include "abi/transcode.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace wjit {
namespace {

using transcode::Copied;
using transcode::kInvalid;
using Bytes = std::vector<uint8_t>;
using Text = std::vector<uint32_t>;  // code points

Bytes utf8(const Text& text) {
  std::string out;
  for (uint32_t c : text) append_utf8(out, c);
  return {out.begin(), out.end()};
}

Bytes utf16(const Text& text) {
  Bytes out;
  auto put = [&](uint32_t unit) {
    out.push_back(static_cast<uint8_t>(unit)), out.push_back(static_cast<uint8_t>(unit >> 8));
  };
  for (uint32_t c : text) {
    if (c >= 0x10000) {
      put(0xD7C0 + (c >> 10));
      c = 0xDC00 + (c & 0x3FF);
    }
    put(c);
  }
  return out;
}

Bytes latin1(const Text& text) {
  Bytes out;
  for (uint32_t c : text) out.push_back(static_cast<uint8_t>(c));
  return out;
}

// ASCII of every length up to 100, and the same with `odd` at one, two or all places.
std::vector<Text> texts(std::initializer_list<uint32_t> odd) {
  std::vector<Text> all;
  for (size_t n = 0; n <= 100; n = n < 40 ? n + 1 : n + 7) {
    Text text;
    for (size_t i = 0; i < n; ++i) text.push_back('a' + i % 26);
    all.push_back(text);
    for (uint32_t c : odd) {
      for (size_t at = 0; at < n; ++at) {
        Text one = text;
        one[at] = c;
        all.push_back(one);
        one[n / 2] = c;
        all.push_back(one);
      }
      all.push_back(Text(n, c));
    }
  }
  return all;
}

// Runs `loop(out, in, n)` with exact buffers, 0xEE behind what is written.
template <typename F>
Bytes run(const Bytes& in, size_t unit, size_t room, F loop, size_t* result) {
  Bytes out(room + 8, 0xEE);
  Bytes source = in;
  *result = loop(out.data(), source.data(), in.size() / unit);
  EXPECT_EQ(in, source);
  for (size_t i = room; i < out.size(); ++i) EXPECT_EQ(out[i], 0xEE);
  out.resize(room);
  return out;
}

Bytes first(const Bytes& bytes, size_t n) { return {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n)}; }

constexpr std::initializer_list<uint32_t> kOdd = {0x80,   0xFF,   0x100,  0x7FF,   0x800,
                                                  0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
constexpr std::initializer_list<uint32_t> kOddLatin1 = {0x80, 0xC3, 0xFF};

size_t prefix_below(const Text& text, uint32_t limit) {
  size_t n = 0;
  while (n < text.size() && text[n] < limit) ++n;
  return n;
}

TEST(Transcode, ToUtf8) {
  for (const Text& text : texts(kOdd)) {
    Bytes want = utf8(text), wide = utf16(text);
    size_t n;
    Bytes got = run(wide, 2, wide.size() / 2 * 3, transcode::utf16_to_utf8, &n);
    ASSERT_EQ(n, want.size());
    ASSERT_EQ(first(got, n), want);
    got = run(wide, 2, wide.size() / 2, transcode::utf16_to_ascii, &n);
    ASSERT_EQ(n, prefix_below(text, 0x80));
    ASSERT_EQ(first(got, n), first(want, n));
    got = run(want, 1, want.size(), transcode::ascii_to_ascii, &n);
    ASSERT_EQ(n, prefix_below(text, 0x80));
    ASSERT_EQ(first(got, n), first(want, n));
    ASSERT_TRUE(is_utf8(want));
  }
  for (const Text& text : texts(kOddLatin1)) {
    size_t n;
    Bytes want = utf8(text), narrow = latin1(text);
    Bytes got = run(narrow, 1, narrow.size() * 2, transcode::latin1_to_utf8, &n);
    ASSERT_EQ(n, want.size());
    ASSERT_EQ(first(got, n), want);
  }
}

TEST(Transcode, ToUtf16) {
  for (const Text& text : texts(kOdd)) {
    Bytes want = utf16(text), bytes = utf8(text);
    size_t n;
    Bytes got = run(bytes, 1, bytes.size() * 2, transcode::utf8_to_utf16, &n);
    ASSERT_EQ(n * 2, want.size());
    ASSERT_EQ(first(got, n * 2), want);
    bool wide = prefix_below(text, 0x100) < text.size();
    got = run(
        want, 2, want.size(),
        [&](uint8_t* out, const uint8_t* in, size_t units) {
          EXPECT_EQ(transcode::utf16_to_utf16(out, in, units), wide ? Copied::Wide : Copied::Latin1);
          return units;
        },
        &n);
    ASSERT_EQ(got, want);
  }
  for (const Text& text : texts(kOddLatin1)) {
    Bytes want = utf16(text), narrow = latin1(text);
    size_t n;
    Bytes got = run(
        narrow, 1, want.size(),
        [](uint8_t* out, const uint8_t* in, size_t units) {
          transcode::latin1_to_utf16(out, in, units);
          return units;
        },
        &n);
    ASSERT_EQ(got, want);
    Bytes in_place = narrow;
    in_place.resize(want.size());
    transcode::widen_in_place(in_place.data(), narrow.size());
    ASSERT_EQ(in_place, want);
    transcode::narrow_in_place(in_place.data(), narrow.size());
    ASSERT_EQ(first(in_place, narrow.size()), narrow);
  }
}

TEST(Transcode, ToLatin1StopsAtTheFirstWideCharacter) {
  for (const Text& text : texts(kOdd)) {
    size_t want = prefix_below(text, 0x100);
    Text head(text.begin(), text.begin() + static_cast<ptrdiff_t>(want));
    size_t n;
    Bytes wide = utf16(text), bytes = utf8(text);
    Bytes got = run(wide, 2, wide.size() / 2, transcode::utf16_to_latin1, &n);
    ASSERT_EQ(n, want);
    ASSERT_EQ(first(got, n), latin1(head));
    got = run(
        bytes, 1, bytes.size(),
        [&](uint8_t* out, const uint8_t* in, size_t units) {
          auto [consumed, written] = transcode::utf8_to_latin1(out, in, units);
          EXPECT_EQ(consumed, utf8(head).size());
          return written;
        },
        &n);
    ASSERT_EQ(n, want);
    ASSERT_EQ(first(got, n), latin1(head));
  }
}

// Each invalid text at every place of some ASCII.
void each_place(const Bytes& wrong, size_t unit, const std::function<void(const Bytes&)>& check) {
  for (size_t before = 0; before < 40; ++before) {
    for (size_t after : {0, 1, 9, 20}) {
      Bytes text;
      auto pad = [&](size_t n) {
        for (size_t i = 0; i < n; ++i) {
          text.push_back('x');
          if (unit == 2) text.push_back(0);
        }
      };
      pad(before);
      text.insert(text.end(), wrong.begin(), wrong.end());
      pad(after);
      check(text);
    }
  }
}

TEST(Transcode, InvalidUtf8) {
  for (const Bytes& wrong : std::vector<Bytes>{{0x80},
                                               {0xBF},
                                               {0xC0, 0x80},
                                               {0xC1, 0xBF},
                                               {0xC3},
                                               {0xC3, 'x'},
                                               {0xE0, 0x9F, 0xBF},
                                               {0xE2, 0x98},
                                               {0xED, 0xA0, 0x80},
                                               {0xED, 0xBF, 0xBF},
                                               {0xF0, 0x8F, 0xBF, 0xBF},
                                               {0xF0, 0x9F, 0x8D},
                                               {0xF4, 0x90, 0x80, 0x80},
                                               {0xF5, 0x80, 0x80, 0x80},
                                               {0xFF}}) {
    each_place(wrong, 1, [&](const Bytes& text) {
      Bytes out(text.size() * 2);
      ASSERT_FALSE(is_utf8(text));
      ASSERT_EQ(transcode::utf8_to_utf16(out.data(), text.data(), text.size()), kInvalid);
      ASSERT_LT(transcode::ascii_to_ascii(out.data(), text.data(), text.size()), text.size());
      ASSERT_EQ(transcode::utf8_to_latin1(out.data(), text.data(), text.size()).consumed, kInvalid);
    });
  }
}

TEST(Transcode, InvalidUtf16) {
  for (const Bytes& wrong : std::vector<Bytes>{{0x00, 0xD8},
                                               {0xFF, 0xDB},
                                               {0x00, 0xDC},
                                               {0xFF, 0xDF},
                                               {0x00, 0xDC, 0x00, 0xD8},
                                               {0x00, 0xD8, 0x00, 0xD8, 0x00, 0xDC},
                                               {0x00, 0xD8, 0x00, 0xDC, 0x00, 0xDC}}) {
    each_place(wrong, 2, [&](const Bytes& text) {
      Bytes out(text.size() * 3);
      ASSERT_EQ(transcode::utf16_to_utf8(out.data(), text.data(), text.size() / 2), kInvalid);
      ASSERT_EQ(transcode::utf16_to_utf16(out.data(), text.data(), text.size() / 2), Copied::Invalid);
    });
  }
}

TEST(Utf8, EveryScalarValueAndNoOther) {
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    uint8_t bytes[4];
    uint32_t length = encode_utf8(bytes, code), back = 0;
    ASSERT_EQ(decode_utf8(bytes, 4, &back), length);
    ASSERT_EQ(back, code);
    for (uint32_t left = 1; left < length; ++left) ASSERT_EQ(decode_utf8(bytes, left, &back), 0);
  }
}

}  // namespace
}  // namespace wjit
