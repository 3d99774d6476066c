// The text format: .wat in, binary out. Modules and components are assembled into their binary format, which the decoder
// then reads, so that text and binary share one validator and one data model.
// Errors have line and column. Tests: test/unit/text_test.cpp, the public suites.
#pragma once

#include <string_view>

#include "base/error.h"
#include "frontend/module.h"

namespace wjit {

// Assembles one `(module …)` or `(component …)` (or the bare fields of a module) into its binary format.
Parsed<Bytes> assemble(std::string_view text);

}  // namespace wjit
