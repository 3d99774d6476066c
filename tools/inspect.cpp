// `wjit inspect`: imports and exports, of a component as WIT, of a core module as a list. Tests: test/lit/inspect.
#include "frontend/wit_printer.h"
#include "tools/commands.h"
#include "tools/load.h"
#include "tools/output.h"

namespace wjit::tools {

int inspect_command(const std::string& file) {
  Result<Program> program = load_program(file);
  if (!program) return report(program.error());
  return print_output(program->component != nullptr ? print_wit(*program->component) : print_module(*program->module));
}

}  // namespace wjit::tools
