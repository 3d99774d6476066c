// See utf8.h. Text is mostly ASCII: 32 bytes at a time are looked at for a high bit, the rest goes character by
// character.
#include "base/utf8.h"

#include <cstring>

namespace wjit {

bool is_utf8(std::span<const uint8_t> bytes) {
  constexpr uint64_t kHigh = 0x8080'8080'8080'8080;
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  auto advance = [&](size_t n) { at += n, left -= n; };
  while (left > 0) {
    while (left >= 32) {
      uint64_t words[4];
      memcpy(words, at, 32);
      if (((words[0] | words[1] | words[2] | words[3]) & kHigh) != 0) break;
      advance(32);
    }
    // Up to the end of the next 32 bytes; what is not ASCII rarely stands alone.
    const uint8_t* stop = at + (left < 32 ? left : 32);
    while (at < stop) {
      uint32_t code;
      uint32_t length = decode_utf8(at, left, &code);
      if (length == 0) return false;
      advance(length);
    }
  }
  return true;
}

}  // namespace wjit
