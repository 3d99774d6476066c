// A module whose _start makes the preview1 calls that a test lists and keeps their error numbers.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "abi/core_host.h"
#include "frontend/decoder.h"
#include "frontend/text.h"
#include "wasi/preview1.h"
#include "wasi/preview1_impl.h"

namespace wjit::wasi {

namespace fs = std::filesystem;

// Where things lie in the guest's memory.
constexpr uint32_t kErrors = 0, kResult = 1024, kIovs = 1100, kPaths = 2048, kData = 8192, kBuffer = 16384;

class Preview1Test : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "wjit-preview1-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root = pattern;
    ASSERT_EQ(pipe(output), 0);
    ASSERT_EQ(pipe(input), 0);
    engine = std::move(*Engine::create({}));
    scheduler = std::make_unique<Scheduler>(SchedulerOptions{.io = io});
    store = std::make_unique<Store>(*engine, *scheduler);
    WasiOptions options;
    options.args = {"program", "argument"};
    options.env = {{"A", "1"}};
    options.preopens.push_back({root.string(), "data", read_only});
    options.stdin_fd = input[0];
    options.stdout_fd = output[1];
    configure(options);
    auto host = WasiHost::create(*store, std::move(options));
    ASSERT_TRUE(host) << host.error().message;
    preview1 = Preview1::create(**host);
    listeners = (*host)->state().listeners;
  }
  virtual void configure(WasiOptions&) {}
  void TearDown() override {
    instance.reset();
    preview1.reset();
    store.reset();
    for (int fd : {output[0], output[1], input[0], input[1]}) close(fd);
    fs::remove_all(root);
  }

  // `(call $name …)` with its arguments in text form.
  void call(const std::string& name, const std::string& arguments) {
    if (!imports.contains(name)) imports[name] = "";
    body += fmt::format("(i32.store (i32.const {}) (call ${} {}))\n", kErrors + 4 * calls++, name, arguments);
  }
  // Puts bytes into memory before the start.
  void data(uint32_t address, std::string_view bytes) {
    std::string text;
    for (char c : bytes) text += fmt::format("\\{:02x}", static_cast<uint8_t>(c));
    segments += fmt::format("(data (i32.const {}) \"{}\")\n", address, text);
  }
  void iov(uint32_t at, uint32_t address, uint32_t size) {
    uint32_t words[2] = {address, size};
    data(at, {reinterpret_cast<const char*>(words), 8});  // NOLINT
  }

  // Runs the calls; the error numbers of all.
  std::vector<uint32_t> run() {
    EXPECT_TRUE(start()) << trap_of(&store->context()).to_string();
    std::vector<uint32_t> errors(calls);
    memcpy(errors.data(), memory->base + kErrors, calls * 4);
    return errors;
  }
  // Begins anew, with a call that traps; its message.
  std::string trap(const std::string& name, const std::string& arguments) {
    TearDown();
    imports.clear();
    body.clear();
    calls = 0;
    SetUp();
    call(name, arguments);
    return start() ? "" : trap_of(&store->context()).detail;
  }
  // Whether it has returned.
  bool start() {
    std::string text = "(module\n";
    for (const auto& [name, unused] : imports) {
      // The import's type is what the host's function has.
      auto item = preview1->find("wasi_snapshot_preview1", name);
      if (!item) {
        ADD_FAILURE() << name;
        return false;
      }
      auto* function = static_cast<CoreHostFunction*>(item->func->vmctx);
      std::string params;
      for (ValType type : function->type.params) params += " " + to_string(type);
      text += fmt::format("(import \"wasi_snapshot_preview1\" \"{}\" (func ${} (param{}) (result i32)))\n", name, name,
                          params);
    }
    text += "(memory (export \"memory\") 4)\n" + segments + "(func (export \"_start\")\n" + body + "))";
    auto bytes = assemble(text);
    EXPECT_TRUE(bytes) << bytes.error().to_string() << text;
    auto module = decode_module(std::make_shared<const Bytes>(std::move(*bytes)));
    EXPECT_TRUE(module) << module.error().to_string();
    std::vector<Extern> externs;
    for (const Import& import : (*module)->imports) externs.push_back(*preview1->find(import.module, import.name));
    auto linked = CoreInstance::link(&store->context(), *engine->code_of(*module), std::move(externs));
    EXPECT_TRUE(linked) << linked.error().message;
    instance = *linked;
    EXPECT_TRUE(instance->initialize());
    memory = instance->find_export("memory")->memory;
    preview1->use_memory(memory);
    bool returned = false;
    store->enqueue([&] { run_core_function(*store, instance->find_export("_start")->func, [&] { returned = true; }); });
    EXPECT_EQ(scheduler->run(*store, [&] { return returned || store->locked_down(); }), RunResult::Done);
    return returned;
  }
  uint32_t word(uint32_t address) const {
    uint32_t value;
    memcpy(&value, memory->base + address, 4);
    return value;
  }
  uint64_t long_word(uint32_t address) const {
    uint64_t value;
    memcpy(&value, memory->base + address, 8);
    return value;
  }
  std::string_view bytes(uint32_t address, size_t size) const {
    return {reinterpret_cast<const char*>(memory->base + address), size};  // NOLINT
  }

  static std::string constants(std::initializer_list<uint64_t> values, std::string_view types = "") {
    std::string text;
    size_t i = 0;
    for (uint64_t value : values) {
      bool is_long = i < types.size() && types[i] == 'l';
      text += fmt::format("({}.const {}) ", is_long ? "i64" : "i32", value);
      ++i;
    }
    return text;
  }

  bool read_only = false;
  IoKind io = IoKind::Auto;
  fs::path root;
  int output[2] = {-1, -1}, input[2] = {-1, -1};
  std::vector<std::shared_ptr<File>> listeners;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Store> store;
  std::shared_ptr<Preview1> preview1;
  std::shared_ptr<CoreInstance> instance;
  MemoryInstance* memory = nullptr;
  std::map<std::string, std::string> imports;
  std::string body, segments;
  uint32_t calls = 0;
};

constexpr uint64_t kRead = 1 << 1, kWrite = 1 << 6;
constexpr uint64_t kCreate = 1, kExclusive = 4, kTruncate = 8;

}  // namespace wjit::wasi
