// Files that commands write: whole or not at all. What is written goes to a temporary name beside the file, which then
// takes the file's place; a device or a pipe is written directly. Tests: test/lit/compose, test/lit/print.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"

namespace wjit::tools {

// "-" is standard output. The error names the path and the system's reason.
Result<> write_output(const std::string& path, std::span<const uint8_t> bytes);

}  // namespace wjit::tools
