// `wjit validate`: reads, decodes and validates programs; a line for each that is wrong. Tests: test/lit/load.
#include "tools/commands.h"
#include "tools/load.h"

namespace wjit::tools {

int validate_command(const std::vector<std::string>& files) {
  int status = 0;
  for (const std::string& file : files) {
    Result<Program> program = load_program(file);
    if (!program) status = report(program.error());
  }
  return status;
}

}  // namespace wjit::tools
