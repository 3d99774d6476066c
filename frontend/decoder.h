// Binary modules in: bytes -> validated Module, in one pass over the sections, function bodies validated as they are met.
// The first error wins and has the byte offset of what is wrong. The validator is frontend/validator*.cpp; reading of
// LEB128 numbers, names and vectors is frontend/reader.h. Tests: test/unit/decoder_test.cpp, the public core suite.
#pragma once

#include <memory>

#include "base/error.h"
#include "frontend/module.h"

namespace wjit {

// True when the bytes start with the magic of a core module (version 1) or of a component (layer 1).
enum class BinaryKind { NotWasm, Module, Component };
BinaryKind classify(std::span<const uint8_t> bytes);

// Decodes and validates `range` of `bytes` (offsets in errors are those of `bytes`). Any thread; no global state but the
// type registry. Core specification 3.0, chapters 3 (validation) and 5 (binary format).
Parsed<std::shared_ptr<const Module>> decode_module(std::shared_ptr<const Bytes> bytes, ByteRange range);
Parsed<std::shared_ptr<const Module>> decode_module(std::shared_ptr<const Bytes> bytes);

}  // namespace wjit
