// The C library's leaf functions, as compiled code may call them: on the guest's segment, within its slack, with the
// return address on top of the stack when they fault (jit/trap.cpp relies on it). That is so for libc's own. In a build
// with sanitizers the names are interceptors with frames larger than the slack, so there plain loops stand in. Called
// by jit/orc_link.cpp. Tests: all that runs guests in the asan and tsan presets.
#pragma once

#include <cstddef>

namespace wjit::leaf {

using Copy = void* (*)(void* to, const void* from, size_t bytes);
using Fill = void* (*)(void* to, int value, size_t bytes);
using Compare = int (*)(const void* left, const void* right, size_t bytes);

extern const Copy copy, move;
extern const Fill fill;
extern const Compare compare;

}  // namespace wjit::leaf
