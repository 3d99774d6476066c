// `wjit run -v`: which of the host's capabilities a program asks for, by its imports, and which it is given.
// Test: test/lit/run/verbose.test.
#pragma once

#include <string>

#include "tools/load.h"
#include "wasi/wasi.h"

namespace wjit::tools {

// Lines for a person, one for each capability that is asked for or given.
std::string describe_capabilities(const Program& program, const WasiOptions& given);

}  // namespace wjit::tools
