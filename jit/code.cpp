// The entry table of a module and its lazy stubs, in one mapping:
//
//   pages, read and execute            pages, read and write
//   stub 0 | stub 1 | … | common       entries[0] | entries[1] | …
//
//   stub i, 16 bytes:     jmp *entries[i](rip)     lazy_stub(i): what early FuncRefs point to
//                         push $i                  what entries[i] holds until function i is compiled
//                         jmp common
//   common:               mov $ModuleCode, %r11 ; mov $wjit_lazy_compile, %r10 ; jmp *%r10     (jit/lazy.S)
//
// The stubs are written once and then made executable; entries change only through publish.
#include "jit/code.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "jit/compiler.h"
#include "jit/trap.h"

extern "C" void wjit_lazy_compile();

namespace wjit {
namespace {

constexpr size_t kStubSize = 16;
constexpr size_t kSlowPart = 6;  // offset of `push $i` in a stub
constexpr size_t kCommonSize = 24;

size_t round_up_to_page(size_t bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

class CodeWriter {
 public:
  explicit CodeWriter(uint8_t* at) : at_(at) {}
  void bytes(std::initializer_list<uint8_t> list) {
    for (uint8_t b : list) *at_++ = b;
  }
  void u32(uint32_t value) { put(&value, sizeof value); }
  void u64(uint64_t value) { put(&value, sizeof value); }
  // Displacement from the end of this field to `target`.
  void relative(const void* target) { u32(static_cast<uint32_t>(static_cast<const uint8_t*>(target) - (at_ + 4))); }

 private:
  void put(const void* value, size_t size) {
    memcpy(at_, value, size);
    at_ += size;
  }
  uint8_t* at_;
};

}  // namespace

Result<std::shared_ptr<ModuleCode>> ModuleCode::create(std::shared_ptr<const Module> module,
                                                       std::shared_ptr<Compiler> compiler) {
  std::shared_ptr<ModuleCode> code(new ModuleCode);
  const size_t count = module->functions.size() - module->imported_functions;
  code->module_ = std::move(module);
  code->compiler_ = std::move(compiler);
  code->count_ = static_cast<uint32_t>(count);
  code->stubs_size_ = round_up_to_page(count * kStubSize + kCommonSize);
  const size_t size = code->stubs_size_ + round_up_to_page(count * sizeof(void*) + 1);
  void* mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return fail("cannot map {} bytes for the entry table of a module: {}", size, strerror(errno));
  code->stubs_ = static_cast<uint8_t*>(mapping);
  code->mapping_size_ = size;
  code->entries_ = reinterpret_cast<void**>(code->stubs_ + code->stubs_size_);

  uint8_t* common = code->stubs_ + count * kStubSize;
  for (uint32_t i = 0; i < count; ++i) {
    uint8_t* stub = code->stubs_ + i * kStubSize;
    CodeWriter out(stub);
    out.bytes({0xFF, 0x25});  // jmp *entries[i](%rip)
    out.relative(&code->entries_[i]);
    out.bytes({0x68});  // push $i
    out.u32(i);
    out.bytes({0xE9});  // jmp common
    out.relative(common);
    code->entries_[i] = stub + kSlowPart;
  }
  CodeWriter out(common);
  out.bytes({0x49, 0xBB});  // mov $ModuleCode, %r11
  out.u64(reinterpret_cast<uint64_t>(code.get()));
  out.bytes({0x49, 0xBA});  // mov $wjit_lazy_compile, %r10
  out.u64(reinterpret_cast<uint64_t>(&wjit_lazy_compile));
  out.bytes({0x41, 0xFF, 0xE2});  // jmp *%r10
  if (mprotect(mapping, code->stubs_size_, PROT_READ | PROT_EXEC) != 0) {
    return fail("cannot make the stubs of a module executable: {}", strerror(errno));
  }
  return code;
}

ModuleCode::~ModuleCode() {
  code_.clear();
  if (stubs_) munmap(stubs_, mapping_size_);
}

void* ModuleCode::lazy_stub(uint32_t defined) const {
  DCHECK(defined < count_);
  return stubs_ + defined * kStubSize;
}

// Whatever else begins with such a jump does the same.
void** entry_behind(void* code) {
  const auto* bytes = static_cast<const uint8_t*>(code);
  if (bytes[0] != 0xFF || bytes[1] != 0x25) return nullptr;
  int32_t displacement;
  memcpy(&displacement, bytes + 2, sizeof displacement);
  return reinterpret_cast<void**>(const_cast<uint8_t*>(bytes) + kSlowPart + displacement);  // NOLINT
}

const Function* function_at(const void* code) {
  const auto* stub = static_cast<const uint8_t*>(code);
  auto read = [](const uint8_t* at, auto value) {
    memcpy(&value, at, sizeof value);
    return value;
  };
  const ModuleCode* module = nullptr;
  uint32_t function = 0;
  if (stub[0] == 0xFF && stub[1] == 0x25 && stub[6] == 0x68 && stub[11] == 0xE9) {
    const uint8_t* common = stub + kStubSize + read(stub + 12, int32_t{});
    if (common[0] != 0x49 || common[1] != 0xBB ||
        read(common + 12, uint64_t{}) != reinterpret_cast<uint64_t>(&wjit_lazy_compile)) {
      return nullptr;
    }
    module = reinterpret_cast<const ModuleCode*>(read(common + 2, uint64_t{}));  // NOLINT
    function = module->module().imported_functions + read(stub + 7, uint32_t{});
  } else if (const CodeRange* range = code_map::find(reinterpret_cast<uint64_t>(code)); range != nullptr) {  // NOLINT
    module = range->module;
    function = range->function;
  }
  return module != nullptr ? &module->module().functions[function] : nullptr;
}

void* ModuleCode::entry(uint32_t defined) const {
  DCHECK(defined < count_);
  return std::atomic_ref<void*>(entries_[defined]).load(std::memory_order_acquire);
}

bool ModuleCode::is_compiled(uint32_t defined) const {
  return entry(defined) != stubs_ + defined * kStubSize + kSlowPart;
}

void ModuleCode::publish(uint32_t defined, void* entry) {
  CHECK(defined < count_);
  std::atomic_ref<void*>(entries_[defined]).store(entry, std::memory_order_release);
}

void ModuleCode::keep_alive(std::shared_ptr<void> memory) {
  std::lock_guard lock(memory_mutex_);
  code_.push_back(std::move(memory));
}

Result<void*> ModuleCode::ensure_compiled(uint32_t defined) {
  CHECK(defined < count_);
  if (is_compiled(defined)) return entry(defined);
  if (!compiler_) return fail("function {} is not compiled and there is no compiler", defined);
  std::unique_lock lock(compile_mutex_);
  compile_done_.wait(lock, [&] { return std::ranges::find(compiling_, defined) == compiling_.end(); });
  if (is_compiled(defined)) return entry(defined);
  compiling_.push_back(defined);
  lock.unlock();
  Result<> done = compiler_->compile(*this, std::span(&defined, 1));
  lock.lock();
  std::erase(compiling_, defined);
  compile_done_.notify_all();
  if (!done) return std::unexpected(done.error());
  CHECK(is_compiled(defined));
  return entry(defined);
}

Result<> ModuleCode::compile_all() {
  if (!compiler_) return fail("the module is not compiled and there is no compiler");
  std::vector<uint32_t> missing;
  for (uint32_t i = 0; i < count_; ++i) {
    if (!is_compiled(i)) missing.push_back(i);
  }
  return missing.empty() ? Result<>() : compiler_->compile(*this, missing);
}

// Called by wjit_lazy_compile on the worker's stack; null when a trap has been recorded.
extern "C" __attribute__((visibility("default"))) void* wjit_lazy_compile_entry(GuestContext* context, ModuleCode* code,
                                                                                uint32_t defined);
void* wjit_lazy_compile_entry(GuestContext* context, ModuleCode* code, uint32_t defined) {
  Result<void*> entry = code->ensure_compiled(defined);
  if (entry) return *entry;
  const Module& module = code->module();
  raise_trap(context, TrapCode::NotSupported,
             fmt::format("cannot compile function {}: {}",
                         module.function_display_name(defined + module.imported_functions), entry.error().message));
  return nullptr;
}

}  // namespace wjit
