// `wjit print` and `wjit parse`: binary to text and back. Neither validates. Tests: test/lit/print.
#include <unistd.h>

#include "frontend/print.h"
#include "tools/commands.h"
#include "tools/load.h"
#include "tools/output.h"

namespace wjit::tools {

int print_command(const PrintCommandOptions& options) {
  bool is_text = false;
  Result<Bytes> bytes = load_binary(options.file, is_text);
  if (!bytes) return report(bytes.error());
  auto text = print_text(*bytes, {.exact = options.exact});
  if (!text) return report({describe(is_text ? options.file + " (assembled)" : options.file, text.error())});
  return write_output(options.output, *text);
}

int parse_command(const ParseCommandOptions& options) {
  if (options.output == "-" && isatty(STDOUT_FILENO)) {
    return report({"standard output is a terminal; say where the binary goes with -o FILE"});
  }
  bool is_text = false;
  Result<Bytes> bytes = load_binary(options.file, is_text);
  if (!bytes) return report(bytes.error());
  return write_output(options.output, *bytes);
}

}  // namespace wjit::tools
