// What the words of `wjit run`'s options mean, each by itself: a folder, a variable, a value, an invocation. The errors
// say what form was expected: they are wrong usage. Called by tools/main.cpp. Tests: test/lit/usage/wrong.test.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "wasi/wasi.h"

namespace wjit::tools {

// HOST, HOST::GUEST or HOST::GUEST::ro, of --dir.
Result<WasiPreopen> parse_folder(std::string_view text);

// NAME=VALUE or NAME, of --env.
struct Variable {
  std::string name;
  std::optional<std::string> value;  // absent: as in the process's environment
};
Result<Variable> parse_variable(std::string_view text);

// NAME=VALUE, of --value.
struct NamedValue {
  std::string name;
  std::string value;  // WAVE
};
Result<NamedValue> parse_named_value(std::string_view text);

// ADDRESS:PORT, of --tcplisten.
Result<SocketAddress> parse_listener(std::string_view text);

// NAME(ARGUMENTS), of --invoke. `arguments` is what stands between the outer parentheses; without any: no arguments.
struct Invocation {
  std::string name;
  std::string arguments;
};
Result<Invocation> parse_invocation(std::string_view text);

}  // namespace wjit::tools
