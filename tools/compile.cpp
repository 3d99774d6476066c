// `wjit compile`: shows what a program becomes, stage by stage; the test interface for FileCheck. What it prints is
// made by libwjit-compiler; of a component each core module is printed in turn, or its adapters. Tests: test/lit/ir,
// test/lit/adapter.
#include "frontend/wit_printer.h"
#include "tools/adapters.h"
#include "tools/commands.h"
#include "tools/load.h"
#include "tools/output.h"

namespace wjit::tools {
namespace {

void add_modules(const Component& component, std::vector<std::shared_ptr<const Module>>& modules) {
  for (const Definition& definition : component.definitions) {
    if (auto* module = std::get_if<def::CoreModule>(&definition)) modules.push_back(module->module);
    if (auto* nested = std::get_if<def::NestedComponent>(&definition)) add_modules(*nested->component, modules);
  }
}

// Sizes and functions: what the frontend has read.
std::string module_info(const Module& module) {
  std::string out = fmt::format("module {}: bytes {:#x}..{:#x}, {} types, {} functions ({} imported)\n",
                                module.name.empty() ? "(unnamed)" : module.name, module.range.begin, module.range.end,
                                module.types.size(), module.functions.size(), module.imported_functions);
  out += print_module(module);
  for (uint32_t i = module.imported_functions; i < module.functions.size(); ++i) {
    uint64_t locals = 0;
    for (const LocalRun& run : module.functions[i].locals) locals += run.count;
    out += fmt::format("function {} {}: body {:#x}..{:#x}, {} locals\n", i, module.function_display_name(i),
                       module.functions[i].body.begin, module.functions[i].body.end, locals);
  }
  return out;
}

Result<std::string> emit_modules(const std::vector<std::shared_ptr<const Module>>& modules,
                                 const CompileCommandOptions& options) {
  if (options.emit == "wasm-info") {
    std::string out;
    for (const auto& module : modules) out += module_info(*module);
    return out;
  }
  if (options.emit == "obj" && modules.size() > 1) {
    return fail("{} has {} core modules: objects are written one module at a time", options.file, modules.size());
  }
  auto compiler = load_compiler(options.compile);
  if (!compiler) return std::unexpected(compiler.error());
  const EmitKind kind = options.emit == "llvm-ir"       ? EmitKind::LlvmIr
                        : options.emit == "llvm-ir-opt" ? EmitKind::LlvmIrOptimized
                        : options.emit == "asm"         ? EmitKind::Assembly
                                                        : EmitKind::Object;
  std::string out;
  std::optional<Error> missing;
  for (const auto& module : modules) {
    auto text = (*compiler)->emit(*module, kind, options.filter);
    // With a filter, the function need only be in one of the modules.
    if (text)
      out += *text;
    else if (modules.size() == 1 || !options.filter)
      return text;
    else
      missing = text.error();
  }
  if (out.empty() && missing) return std::unexpected(*missing);
  return out;
}

}  // namespace

int compile_command(const CompileCommandOptions& options) {
  Result<Program> program = load_program(options.file);
  if (!program) return report(program.error());
  Result<std::string> text;
  if (options.emit == "adapters") {
    if (program->component == nullptr) return report(Error{options.file + ": a core module has no adapters"});
    text = emit_adapters(program->component, options.filter);
  } else {
    std::vector<std::shared_ptr<const Module>> modules;
    if (program->module != nullptr)
      modules.push_back(program->module);
    else
      add_modules(*program->component, modules);
    text = emit_modules(modules, options);
  }
  if (!text) return report(text.error());
  return write_output(options.output, *text);
}

}  // namespace wjit::tools
