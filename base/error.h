// Errors by cause. Two of the four channels are here: bad input (InputError, the first one wins) and everything that a
// caller can only report (Error, through Result). Guest misbehaviour is a trap (jit/trap.h); our own bugs are CHECKs.
// `llvm::Error` does not leave the compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace wjit {

// A failure to report: one sentence that says what failed, where, and what to do. Not for guest traps.
struct Error {
  std::string message;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// fail("cannot open {}: {}", path, strerror(e)) makes the error side of any Result.
template <typename... Args>
std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

// What kind of thing is wrong with an input; the test suites tell the two apart.
enum class InputFault : uint8_t {
  Malformed,  // it does not parse (binary or text)
  Invalid,    // it parses but does not validate
  Unsupported // it may be valid, but wjit does not support it yet
};

// The first thing found wrong in an input. Binary inputs have a byte offset (line == 0); text inputs a line and column,
// both from 1.
struct InputError {
  InputFault fault = InputFault::Malformed;
  std::string message;
  size_t offset = 0;
  uint32_t line = 0;
  uint32_t column = 0;

  // "invalid module: type mismatch … (at offset 0x1f)" or "parse error at 3:14: …".
  std::string to_string() const;
};

template <typename T>
using Parsed = std::expected<T, InputError>;

}  // namespace wjit
