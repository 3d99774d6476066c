// The module level of the emitter: LLVM types, declarations, attributes, debug info, alias classes.
#include "ir/emitter.h"

#include <charconv>

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/MDBuilder.h>

#include "ir/emit.h"

namespace wjit::ir {

ModuleEmitter::ModuleEmitter(llvm::LLVMContext& context, const Module& module, EmitOptions options)
    : context_(context), module_(module), options_(std::move(options)) {}
ModuleEmitter::~ModuleEmitter() = default;

Result<std::unique_ptr<llvm::Module>> ModuleEmitter::emit(std::span<const uint32_t> functions) {
  ModuleState state(context_, module_, options_);
  for (uint32_t defined : functions) state.declare_function(defined);
  for (uint32_t defined : functions) {
    Result<> emitted = FunctionEmitter(state, defined).run();
    if (!emitted) return std::unexpected(std::move(emitted.error()));
  }
  state.finish_debug_info();
  return std::move(state.out);
}

// Symbols of object files: what assemblers and symbol tables take as a plain name ('@' would be a version).
static bool is_symbol_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.$:<>()[]&*,-+/=!# ").contains(c);
}

std::string function_symbol(const Module& module, uint32_t function) {
  constexpr size_t max_name = 200;
  std::string name = module.function_display_name(function);
  if (name.size() > max_name) name.resize(max_name);
  for (char& c : name) {
    if (!is_symbol_char(c)) c = '_';
  }
  return fmt::format("wasm.{}.{}", function, name);
}

std::optional<uint32_t> function_of_symbol(std::string_view symbol) {
  constexpr std::string_view prefix = "wasm.";
  if (!symbol.starts_with(prefix)) return std::nullopt;
  symbol.remove_prefix(prefix.size());
  uint32_t index = 0;
  auto [end, error] = std::from_chars(symbol.data(), symbol.data() + symbol.size(), index);
  if (error != std::errc() || end == symbol.data() + symbol.size() || *end != '.') return std::nullopt;
  return index;
}

ModuleState::ModuleState(llvm::LLVMContext& llvm_context, const Module& wasm, const EmitOptions& emit_options)
    : context(llvm_context),
      module(wasm),
      options(emit_options),
      full(emit_options.level == Level::Full),
      layout(wasm),
      out(std::make_unique<llvm::Module>("wasm", llvm_context)),
      debug_(*out),
      signatures_(wasm.types.size()),
      functions_(wasm.functions.size() - wasm.imported_functions) {
  if (!options.data_layout.empty()) out->setDataLayout(options.data_layout);
  if (!options.target_triple.empty()) out->setTargetTriple(llvm::Triple(options.target_triple));

  void_type = llvm::Type::getVoidTy(context);
  i1 = llvm::Type::getInt1Ty(context);
  i8 = llvm::Type::getInt8Ty(context);
  i16 = llvm::Type::getInt16Ty(context);
  i32 = llvm::Type::getInt32Ty(context);
  i64 = llvm::Type::getInt64Ty(context);
  f32 = llvm::Type::getFloatTy(context);
  f64 = llvm::Type::getDoubleTy(context);
  pointer = llvm::PointerType::get(context, 0);
  i8x16 = llvm::FixedVectorType::get(i8, 16);
  i16x8 = llvm::FixedVectorType::get(i16, 8);
  i32x4 = llvm::FixedVectorType::get(i32, 4);
  i64x2 = llvm::FixedVectorType::get(i64, 2);
  f32x4 = llvm::FixedVectorType::get(f32, 4);
  f64x2 = llvm::FixedVectorType::get(f64, 2);

  // Line tables only: pc -> line, which is a byte offset.
  out->addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  out->addModuleFlag(llvm::Module::Warning, "Dwarf Version", 4);
  debug_file_ = debug_.createFile("wasm", "");
  debug_.createCompileUnit(llvm::DISourceLanguageName(llvm::dwarf::DW_LANG_C), debug_file_, "wjit", full, "", 0, "",
                           llvm::DICompileUnit::LineTablesOnly, 0, true, false,
                           llvm::DICompileUnit::DebugNameTableKind::None);
  debug_type_ = debug_.createSubroutineType(debug_.getOrCreateTypeArray({}));

  llvm::AttrBuilder attributes(context);
  attributes.addAttribute("split-stack");            // scheduler/switch.S: fibers grow by segments
  attributes.addAttribute(llvm::Attribute::NoRedZone);  // signal handlers may use the guest's stack below rsp
  attributes.addAttribute("no-builtins");            // no calls to memset and the like: they are not guest code
  attributes.addUWTableAttr(llvm::UWTableKind::Sync);
  if (!options.cpu.empty()) attributes.addAttribute("target-cpu", options.cpu);
  if (!options.features.empty()) attributes.addAttribute("target-features", options.features);
  attributes_ = llvm::AttributeList::get(context, llvm::AttributeList::FunctionIndex, attributes);
  llvm::AttrBuilder vmctx_attributes(context);
  vmctx_attributes.addAttribute(llvm::Attribute::NonNull).addAttribute(llvm::Attribute::NoUndef);
  vmctx_attributes.addDereferenceableAttr(layout.size).addAlignmentAttr(16);
  attributes_ = attributes_.addParamAttributes(context, 0, vmctx_attributes);

  llvm::MDBuilder metadata(context);
  llvm::MDNode* root = metadata.createTBAARoot("wjit");
  constexpr const char* alias_names[] = {"memory", "globals", "tables", "area", "records", "fixed"};
  for (size_t i = 0; i != alias_tags_.size(); ++i) {
    llvm::MDNode* type = metadata.createTBAAScalarTypeNode(alias_names[i], root);
    alias_tags_[i] = metadata.createTBAAStructTagNode(type, type, 0);
  }
  empty_node_ = llvm::MDNode::get(context, {});
}

llvm::Type* ModuleState::value_type(ValType type) const {
  switch (type.kind) {
    case ValKind::I32: return i32;
    case ValKind::I64: return i64;
    case ValKind::F32: return f32;
    case ValKind::F64: return f64;
    case ValKind::V128: return i64x2;
    case ValKind::Ref: return pointer;
    case ValKind::Bottom: break;
  }
  UNREACHABLE_CASE("value type");
}

// The C function type for a wasm one; see ir/signature.h for what is not in it.
const Signature& ModuleState::signature(uint32_t type_index) {
  Signature& result = signatures_[type_index];
  if (result.type) return result;
  const FuncType& type = module.types[type_index].func;
  result.shape = classify(type);
  std::vector<llvm::Type*> params{pointer};
  for (size_t i = 0; i != type.params.size(); ++i) {
    if (result.shape.params[i].where != ValueLocation::Where::Area) params.push_back(value_type(type.params[i]));
  }
  llvm::Type* first_result = type.results.empty() ? void_type : value_type(type.results[0]);
  result.type = llvm::FunctionType::get(first_result, params, false);
  return result;
}

llvm::Function* ModuleState::declare_function(uint32_t defined) {
  uint32_t index = module.imported_functions + defined;
  auto* function = llvm::Function::Create(signature(module.functions[index].type).type,
                                          llvm::GlobalValue::ExternalLinkage, function_symbol(module, index), *out);
  function->setAttributes(attributes_);
  function->getArg(0)->setName("vmctx");
  return functions_[defined] = function;
}

llvm::DISubprogram* ModuleState::debug_function(llvm::Function* function, uint32_t index) {
  auto line = module.functions[index].body.begin;
  llvm::DISubprogram* subprogram =
      debug_.createFunction(debug_file_, function->getName(), llvm::StringRef(), debug_file_, line, debug_type_, line,
                            llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
  function->setSubprogram(subprogram);
  return subprogram;
}

llvm::Type* ModuleState::builtin_type(char code) const {
  switch (code) {
    case 'i': return i32;
    case 'l': return i64;
    case 'p': return pointer;
    default: UNREACHABLE_CASE("type letter in jit/builtins.def");
  }
}

llvm::Function* ModuleState::builtin(Builtin builtin) {
  struct Row {
    const char* name;
    std::string_view params, result;
  };
  static constexpr Row rows[] = {
#define BUILTIN(name, params, result) {#name, params, result},
#include "jit/builtins.def"
#undef BUILTIN
  };
  llvm::Function*& function = builtins_[static_cast<size_t>(builtin)];
  if (function) return function;
  const Row& row = rows[static_cast<size_t>(builtin)];
  std::vector<llvm::Type*> params{pointer};
  for (char code : row.params) params.push_back(builtin_type(code));
  auto* type = llvm::FunctionType::get(row.result.empty() ? void_type : builtin_type(row.result[0]), params, false);
  function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, fmt::format("wjit.{}", row.name), *out);
  function->addFnAttr(llvm::Attribute::NoUnwind);  // a trap is no exception
  if (builtin == Builtin::trap) {
    function->addFnAttr(llvm::Attribute::NoReturn);
    function->addFnAttr(llvm::Attribute::Cold);
    function->addFnAttr(llvm::Attribute::NoMerge);  // every call keeps its own location
  }
  return function;
}

llvm::FunctionCallee ModuleState::throw_function() {
  auto callee = out->getOrInsertFunction("wjit.throw", llvm::FunctionType::get(void_type, {pointer, pointer}, false));
  auto* function = llvm::cast<llvm::Function>(callee.getCallee());
  function->addFnAttr(llvm::Attribute::NoReturn);
  function->addFnAttr(llvm::Attribute::Cold);
  function->addFnAttr(llvm::Attribute::NoMerge);
  return callee;
}

llvm::Constant* ModuleState::personality() {
  auto* type = llvm::FunctionType::get(i32, true);
  return llvm::cast<llvm::Constant>(out->getOrInsertFunction("wjit.personality", type).getCallee());
}

void ModuleState::annotate(llvm::Instruction* access, Alias alias) {
  if (!full) return;
  access->setMetadata(llvm::LLVMContext::MD_tbaa, alias_tags_[static_cast<size_t>(alias)]);
  if (alias == Alias::InstanceFixed) access->setMetadata(llvm::LLVMContext::MD_invariant_load, empty_node_);
}

void ModuleState::annotate_dereferenceable(llvm::LoadInst* load, uint64_t bytes) {
  if (!full) return;
  llvm::Metadata* size = llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(i64, bytes));
  load->setMetadata(llvm::LLVMContext::MD_dereferenceable, llvm::MDNode::get(context, size));
}

}  // namespace wjit::ir
