// Interface: jit/orc_codegen.h.
#include "jit/orc_codegen.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <mutex>
#include <vector>

namespace wjit {
namespace {

struct Host {
  llvm::Triple triple;
  const llvm::Target* target = nullptr;
  std::string cpu, features, error;
};

const Host& host() {
  static const Host* instance = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    auto* result = new Host;
    result->triple = llvm::Triple(llvm::sys::getProcessTriple());
    result->target = llvm::TargetRegistry::lookupTarget(result->triple, result->error);
    result->cpu = llvm::sys::getHostCPUName().str();
    llvm::SubtargetFeatures features;
    for (const auto& [name, enabled] : llvm::sys::getHostCPUFeatures()) features.AddFeature(name, enabled);
    result->features = features.getString();
    return result;
  }();
  return *instance;
}

std::mutex pool_mutex;
std::vector<std::unique_ptr<CodeGenerator>>& pool() {  // guarded by pool_mutex
  static auto* generators = new std::vector<std::unique_ptr<CodeGenerator>>;
  return *generators;
}
constexpr size_t kPoolSize = 16;

}  // namespace

Result<std::unique_ptr<CodeGenerator>> CodeGenerator::create(ir::Level level) {
  if (!host().target) return fail("LLVM has no code generator for this machine: {}", host().error);
  const bool fast = level == ir::Level::Fast;
  llvm::TargetOptions options;
  options.EnableFastISel = fast;
  options.MCOptions.AsmVerbose = true;
  // Small code model: code and its constants are one mapping; what is farther away is reached through JITLink's stubs.
  std::unique_ptr<llvm::TargetMachine> machine(host().target->createTargetMachine(
      host().triple, host().cpu, host().features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      fast ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default, /*JIT=*/true));
  if (!machine) return fail("LLVM cannot generate code for this machine ({})", host().cpu);
  machine->setO0WantsFastISel(fast);
  machine->setGlobalISel(false);
  std::unique_ptr<CodeGenerator> generator(new CodeGenerator);
  generator->level_ = level;
  generator->target_ = std::move(machine);
  return generator;
}

ir::EmitOptions CodeGenerator::emit_options() const {
  ir::EmitOptions options;
  options.level = level_;
  options.target_triple = host().triple.str();
  options.data_layout = target_->createDataLayout().getStringRepresentation();
  return options;
}

Result<std::unique_ptr<llvm::MemoryBuffer>> CodeGenerator::object(llvm::Module& module) {
  llvm::SmallVector<char, 0> bytes;
  {
    llvm::raw_svector_ostream out(bytes);
    llvm::legacy::PassManager passes;
    llvm::MCContext* mc = nullptr;
    if (target_->addPassesToEmitMC(passes, mc, out, /*DisableVerify=*/true)) {
      return fail("LLVM cannot emit object code for {}", host().triple.str());
    }
    passes.run(module);
  }
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "wjit", false);
}

Result<std::string> CodeGenerator::assembly(llvm::Module& module) {
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream out(text);
  llvm::legacy::PassManager passes;
  if (target_->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::AssemblyFile, /*DisableVerify=*/true)) {
    return fail("LLVM cannot emit assembly for {}", host().triple.str());
  }
  passes.run(module);
  return std::string(text.data(), text.size());
}

Result<CodeGeneratorLease> lease_code_generator(ir::Level level) {
  {
    std::lock_guard lock(pool_mutex);
    auto& generators = pool();
    for (size_t i = generators.size(); i-- > 0;) {
      if (generators[i]->level() != level) continue;
      CodeGeneratorLease lease(generators[i].release());
      generators.erase(generators.begin() + static_cast<std::ptrdiff_t>(i));
      return lease;
    }
  }
  Result<std::unique_ptr<CodeGenerator>> made = CodeGenerator::create(level);
  if (!made) return std::unexpected(made.error());
  return CodeGeneratorLease(made->release());
}

void CodeGeneratorReturn::operator()(CodeGenerator* generator) const {
  std::unique_ptr<CodeGenerator> owned(generator);
  std::lock_guard lock(pool_mutex);
  if (pool().size() < kPoolSize) pool().push_back(std::move(owned));
}

std::string code_generator_version() { return fmt::format("LLVM {}, {}", LLVM_VERSION_STRING, host().cpu); }

}  // namespace wjit
