// Program files: path -> bytes -> a validated module or component. Binary is told from text by its first bytes: what
// does not begin with the binary magic is assembled first (frontend/text.h), so `wjit run x.wat` works everywhere.
// Used by every command but wast. Tests: test/lit/load.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "frontend/component.h"
#include "frontend/module.h"

namespace wjit::tools {

// One of the two is set.
struct Program {
  std::string path;
  std::shared_ptr<const Module> module;
  std::shared_ptr<const Component> component;
};

// The file's bytes; "-" is standard input. The error names the path and the system's reason.
Result<Bytes> read_file(const std::string& path);

// The file's bytes as a binary: assembled if it is text, which `is_text` then says.
Result<Bytes> load_binary(const std::string& path, bool& is_text);

// Reads, assembles if it is text, decodes and validates. The error names the path and the place in it: a byte offset,
// or line and column.
Result<Program> load_program(const std::string& path);

// "PATH: invalid at offset 0x1f: …", "PATH:3:14: malformed: …".
std::string describe(const std::string& path, const InputError& error);

// The last part of a path: what a guest sees as its name.
std::string base_name(const std::string& path);

}  // namespace wjit::tools
