// A seed's choices: what `--deterministic --seed N` draws wherever the specification leaves something open. The same
// seed and the same calls give the same numbers, on every machine. Without a seed there is no object (a null pointer),
// and everybody takes what is quickest. Users: scheduler/worker.cpp, scheduler/virtual_io.cpp, abi/choice.h,
// wasi/random.cpp. Tests: test/unit/deterministic_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wjit {

class Choices {
 public:
  explicit Choices(uint64_t seed, bool steady = false)
      : steady_waits(steady), order_{seed}, bytes_{~seed * 0x9E37'79B9'7F4A'7C15} {}

  // Not drawn: whether a wait for what is there already blocks. Guests may rely on that a yield does and other waits do
  // not.
  const bool steady_waits;

  // One of 0 … n-1; requires n > 0.
  uint32_t below(uint32_t n) { return n == 1 ? 0 : static_cast<uint32_t>((next(order_) >> 32) * n >> 32); }
  bool coin() { return (next(order_) >> 63) != 0; }
  // Random bytes for guests: from a sequence of their own, so that how many they take does not move the other choices.
  void fill(void* memory, size_t length) {
    auto* at = static_cast<char*>(memory);
    for (size_t done = 0; done < length; done += 8) {
      uint64_t word = next(bytes_);
      memcpy(at + done, &word, length - done < 8 ? length - done : 8);
    }
  }

 private:
  // SplitMix64 (Steele, Lea and Flood, 2014).
  static uint64_t next(uint64_t& state) {
    uint64_t z = state += 0x9E37'79B9'7F4A'7C15;
    z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EB;
    return z ^ z >> 31;
  }
  uint64_t order_;
  uint64_t bytes_;
};

}  // namespace wjit
