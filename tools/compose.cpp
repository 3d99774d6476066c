// See tools/compose.h.
#include "tools/compose.h"

#include "tools/commands.h"
#include "tools/output.h"

namespace wjit::tools {
namespace {

Result<ComposePart> load_part(const std::string& path) {
  Result<Program> program = load_program(path);
  if (!program) return std::unexpected(program.error());
  if (program->component == nullptr) return fail("{}: a core module; only components can be composed", path);
  return ComposePart{path, program->component};
}

}  // namespace

Result<Composed> compose_files(const std::string& app, const std::vector<std::string>& plugs) {
  Result<ComposePart> main = load_part(app);
  if (!main) return std::unexpected(main.error());
  std::vector<ComposePart> parts;
  for (const std::string& path : plugs) {
    Result<ComposePart> part = load_part(path);
    if (!part) return std::unexpected(part.error());
    parts.push_back(std::move(*part));
  }
  Result<Composition> composition = compose(*main, parts);
  if (!composition) return std::unexpected(composition.error());
  auto component = decode_component(std::make_shared<const Bytes>(std::move(composition->bytes)));
  if (!component) {
    return fail("{} and its plugs do not fit together: {}", app, component.error().message);
  }
  return Composed{{app, nullptr, std::move(*component)}, std::move(composition->notes)};
}

int compose_command(const ComposeOptions& options) {
  Result<Composed> composed = compose_files(options.file, options.plugs);
  if (!composed) return report(composed.error());
  for (const std::string& note : composed->notes) say("note: {}", note);
  return write_output(options.output, *composed->program.component->bytes);
}

}  // namespace wjit::tools
