// Compiled code as the run time sees it, without LLVM: the entry table of a module, and the map from pc to function.
//
// ModuleCode is one per module and engine and is shared by all instances of the module. entries[i] (defined function i)
// is what calls go through: at first the address of function i's lazy stub, which compiles the function on the worker's
// stack and goes on into it; later the compiled entry. A better tier is published by storing another pointer. FuncRefs
// hold entry pointers too; those made before the compilation keep the lazy stub, which is then just a jump through
// entries[i].
//
// Tests: test/unit/code_test.cpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "frontend/module.h"

namespace wjit {

class Compiler;
class ModuleCode;

// What a range of code is. Registered before it can run, removed when its memory goes.
struct CodeRange {
  uint64_t begin = 0, end = 0;
  const ModuleCode* module = nullptr;  // null: adapter or other helper, then `name` says what
  uint32_t function = 0;               // function index (imports counted)
  std::string name;
  // pc offsets from begin -> wasm byte offset, sorted by pc. code_map::wasm_offset calls load_lines on the first
  // backtrace that needs them and keeps the result in `lines`.
  using Lines = std::vector<std::pair<uint32_t, uint32_t>>;
  std::function<Lines()> load_lines;
  mutable std::unique_ptr<Lines> lines;
};

// Where a call of `code` can be loaded from instead of going through it: the entry behind a lazy stub; null for other code.
void** entry_behind(void* code);
// The wasm function that a call of `code` enters, by its lazy stub or compiled; null for other code. It lives as long as the
// code does.
const Function* function_at(const void* code);

// Process-wide (signal handlers need it). Lookup takes no lock and is async-signal-safe; registration takes a mutex.
namespace code_map {
void add(CodeRange range);
void remove(uint64_t begin);
const CodeRange* find(uint64_t pc);
// Byte offset in the module's binary of the instruction at `pc`; 0 where unknown. Not for signal handlers that
// interrupted host code: it locks and allocates.
uint64_t wasm_offset(const CodeRange& range, uint64_t pc);
}  // namespace code_map

class ModuleCode {
 public:
  // Makes the entry table with a lazy stub for each defined function.
  static Result<std::shared_ptr<ModuleCode>> create(std::shared_ptr<const Module> module,
                                                    std::shared_ptr<Compiler> compiler);
  ~ModuleCode();
  ModuleCode(const ModuleCode&) = delete;
  ModuleCode& operator=(const ModuleCode&) = delete;

  const Module& module() const { return *module_; }
  std::shared_ptr<const Module> module_ptr() const { return module_; }
  Compiler& compiler() const { return *compiler_; }
  void** entries() const { return entries_; }
  void* lazy_stub(uint32_t defined) const;
  uint32_t defined_functions() const { return count_; }
  // What entries()[defined] holds now.
  void* entry(uint32_t defined) const;
  bool is_compiled(uint32_t defined) const;
  // Stores a compiled entry; any thread. Its memory must have been given to keep_alive before.
  void publish(uint32_t defined, void* entry);
  // Compiled memory lives as long as this object; any thread.
  void keep_alive(std::shared_ptr<void> memory);
  // Compiles defined function `defined` unless it is there; any thread. A thread that wants what another one compiles
  // waits for it. Called by the lazy stubs. An error is an internal one or "not supported yet".
  Result<void*> ensure_compiled(uint32_t defined);
  // Compiles everything now (`-O2`, wjit compile).
  Result<> compile_all();

 private:
  ModuleCode() = default;
  std::shared_ptr<const Module> module_;
  std::shared_ptr<Compiler> compiler_;
  void** entries_ = nullptr;
  uint32_t count_ = 0;        // defined functions
  uint8_t* stubs_ = nullptr;  // executable, never writable again once filled; entries_ are in the same mapping
  size_t stubs_size_ = 0;
  size_t mapping_size_ = 0;
  std::mutex compile_mutex_;
  std::condition_variable compile_done_;
  std::vector<uint32_t> compiling_;  // guarded by compile_mutex_: functions that some thread compiles now
  std::mutex memory_mutex_;
  std::vector<std::shared_ptr<void>> code_;  // guarded by memory_mutex_: keeps compiled memory alive
};

}  // namespace wjit
