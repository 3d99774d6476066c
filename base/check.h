// Assertions about wjit's own state. A failed one is a bug of wjit, never of its input: it prints what and where, then
// aborts. CHECK stays in every build and stands where it is cheap; DCHECK is for debug builds and invariant walkers.
// Bad input, OS failures and guest misbehaviour have channels of their own (base/error.h, jit/trap.h).
// Covered by test/unit/check_test.cpp.
#pragma once

namespace wjit {

// Prints "wjit: internal error: <what> at <file>:<line>" to stderr and aborts. Any thread; async-signal-safe.
[[noreturn]] void check_failed(const char* what, const char* file, int line) noexcept;

}  // namespace wjit

#define CHECK(condition) \
  (__builtin_expect(!!(condition), 1) ? void(0) : ::wjit::check_failed(#condition, __FILE__, __LINE__))
#define UNREACHABLE_CASE(what) ::wjit::check_failed(what, __FILE__, __LINE__)
#ifdef NDEBUG
#define DCHECK(condition) void(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
