// What commands write: text to standard output, messages to standard error, and files, whole or not at all: what is
// written to a file goes to a temporary name beside it, which then takes the file's place; a device or a pipe is
// written directly. Nothing goes through stdio, so nothing is left for the end. Tests: test/lit/usage/output.test,
// test/lit/compose, test/lit/print.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace wjit::tools {

// "-" is standard output. 0, or the status to end with: kStatusError after a message that names the path and the
// system's reason, kStatusBrokenPipe without one when nobody reads any more.
int write_output(const std::string& path, std::span<const uint8_t> bytes);
int write_output(const std::string& path, std::string_view text);
// To standard output.
int print_output(std::string_view text);

// To standard error; what cannot be written there is lost.
void write_message(std::string_view text);
// "wjit: …", a line.
template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  write_message("wjit: " + fmt::format(format, std::forward<Args>(args)...) + "\n");
}

}  // namespace wjit::tools
