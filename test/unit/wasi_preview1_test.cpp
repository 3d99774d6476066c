// wasi_snapshot_preview1: a module whose _start makes the calls that a test lists and keeps their error numbers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "abi/core_host.h"
#include "frontend/decoder.h"
#include "frontend/text.h"
#include "wasi/preview1.h"
#include "wasi/preview1_impl.h"

namespace wjit::wasi {
namespace {

namespace fs = std::filesystem;
using namespace errno1;

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

class Preview1ReadOnly : public Preview1Test {
 protected:
  Preview1ReadOnly() { read_only = true; }
};

// With both ways of reading and writing.
class Preview1Transfer : public Preview1Test, public testing::WithParamInterface<IoKind> {
 protected:
  Preview1Transfer() { io = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Transfer, testing::Values(IoKind::Auto, IoKind::Epoll));

constexpr uint64_t kRead = 1 << 1, kWrite = 1 << 6;
constexpr uint64_t kCreate = 1, kExclusive = 4, kTruncate = 8;

TEST_F(Preview1Test, ArgumentsAndEnvironment) {
  call("args_sizes_get", constants({kResult, kResult + 4}));
  call("args_get", constants({kResult + 16, kData}));
  call("environ_sizes_get", constants({kResult + 8, kResult + 12}));
  call("environ_get", constants({kResult + 32, kData + 100}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success}));
  EXPECT_EQ(word(kResult), 2u);
  EXPECT_EQ(word(kResult + 4), 17u);
  EXPECT_EQ(word(kResult + 20), kData + 8);
  EXPECT_EQ(bytes(kData, 17), std::string_view("program\0argument\0", 17));
  EXPECT_EQ(word(kResult + 8), 1u);
  EXPECT_EQ(bytes(kData + 100, 4), std::string_view("A=1\0", 4));
}

TEST_F(Preview1Test, StandardStreams) {
  ASSERT_EQ(write(input[1], "some input", 10), 10);
  data(kData, "hello, world");
  iov(kIovs, kData, 5);
  iov(kIovs + 8, kData + 5, 7);
  iov(kIovs + 16, kBuffer, 4);
  iov(kIovs + 24, kBuffer + 100, 100);
  call("fd_write", constants({1, kIovs, 2, kResult}));
  call("fd_read", constants({0, kIovs + 16, 2, kResult + 4}));
  call("fd_write", constants({0, kIovs, 1, kResult + 8}));
  call("fd_write", constants({99, kIovs, 1, kResult + 8}));
  call("fd_seek", constants({1, 0, 0, kResult + 16}, "il"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, badf, badf, spipe}));
  EXPECT_EQ(word(kResult), 12u);
  char buffer[32];
  EXPECT_EQ(read(output[0], buffer, sizeof(buffer)), 12);
  EXPECT_EQ(std::string_view(buffer, 12), "hello, world");
  EXPECT_EQ(word(kResult + 4), 10u);
  EXPECT_EQ(bytes(kBuffer, 4), "some");
  EXPECT_EQ(bytes(kBuffer + 100, 6), " input");
}

// What has no positions is not read or written at one, whether or not bytes are asked for.
TEST_P(Preview1Transfer, PositionsOfPipes) {
  ASSERT_EQ(write(input[1], "some input", 10), 10);
  iov(kIovs, kBuffer, 4);
  call("fd_pread", constants({0, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_pread", constants({0, kIovs, 0, 0, kResult}, "iiil"));
  call("fd_pwrite", constants({1, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_pwrite", constants({1, kIovs, 0, 5, kResult}, "iiil"));
  call("fd_read", constants({0, kIovs, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{spipe, spipe, spipe, spipe, success}));
  EXPECT_EQ(bytes(kBuffer, 4), "some");
}

// Standard input is a device that is no terminal, and has positions.
class Preview1Device : public Preview1Transfer {
 protected:
  void configure(WasiOptions& options) override { options.stdin_fd = device; }
  void TearDown() override {
    Preview1Transfer::TearDown();
    close(device);
  }
  int device = open("/dev/zero", O_RDWR | O_CLOEXEC);
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Device, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_P(Preview1Device, Positions) {
  data(kBuffer, "xxxxxxxx");
  iov(kIovs, kBuffer, 4);
  call("fd_pread", constants({0, kIovs, 1, 7, kResult}, "iiil"));
  call("fd_seek", constants({0, 0, 1, kResult + 8}, "il"));
  call("fd_fdstat_get", constants({0, kBuffer + 64}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success}));
  EXPECT_EQ(word(kResult), 4u);
  EXPECT_EQ(bytes(kBuffer, 8), std::string_view("\0\0\0\0xxxx", 8));
  EXPECT_EQ(memory->base[kBuffer + 64], 2);  // a character device
  EXPECT_NE(long_word(kBuffer + 64 + 8) & rights1::fd_tell, 0u);
}

// A terminal has none.
class Preview1Terminal : public Preview1Transfer {
 protected:
  void configure(WasiOptions& options) override {
    ASSERT_EQ(grantpt(master), 0);
    ASSERT_EQ(unlockpt(master), 0);
    terminal = open(ptsname(master), O_RDWR | O_CLOEXEC | O_NOCTTY);
    ASSERT_GE(terminal, 0);
    options.stdin_fd = terminal;
  }
  void TearDown() override {
    Preview1Transfer::TearDown();
    close(terminal);
    close(master);
  }
  int master = posix_openpt(O_RDWR | O_CLOEXEC | O_NOCTTY), terminal = -1;
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Terminal, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_P(Preview1Terminal, Positions) {
  ASSERT_EQ(write(master, "line\n", 5), 5);
  iov(kIovs, kBuffer, 5);
  iov(kIovs + 8, kBuffer + 100, 100000);
  call("fd_pread", constants({0, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_read", constants({0, kIovs, 2, kResult}));  // does not wait for more
  call("fd_fdstat_get", constants({0, kResult + 8}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{spipe, success, success}));
  EXPECT_EQ(word(kResult), 5u);
  EXPECT_EQ(bytes(kBuffer, 5), "line\n");
  EXPECT_EQ(long_word(kResult + 16) & (rights1::fd_seek | rights1::fd_tell), 0u);
}

// A write that may wait ends when everything is written, a read when something was.
TEST_P(Preview1Transfer, StreamsOfManyBytes) {
  constexpr uint32_t kMany = 200'000;
  iov(kIovs, kBuffer, 10);
  iov(kIovs + 8, kBuffer, kMany);
  iov(kIovs + 16, kBuffer, 7);
  data(kBuffer, "0123456789");
  ASSERT_EQ(write(input[1], "some input", 10), 10);
  call("fd_write", constants({1, kIovs, 3, kResult}));
  call("fd_read", constants({0, kIovs, 2, kResult + 4}));
  std::string written;
  std::thread reader([&] {
    char buffer[4096];
    while (written.size() < kMany + 17) {
      const ssize_t count = read(output[0], buffer, sizeof buffer);
      if (count <= 0) return;
      written.append(buffer, static_cast<size_t>(count));
    }
  });
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success}));
  close(std::exchange(output[1], -1));
  reader.join();
  EXPECT_EQ(word(kResult), kMany + 17);
  EXPECT_EQ(written.size(), kMany + 17);
  EXPECT_EQ(written.substr(kMany + 10), "0123456");
  EXPECT_EQ(word(kResult + 4), 10u);
  EXPECT_EQ(bytes(kBuffer, 10), "some input");
}

// One that may not takes what there is room for; and one that fails half way tells what it has done.
TEST_P(Preview1Transfer, StreamsThatEndEarly) {
  iov(kIovs, kBuffer, 200'000);
  call("fd_fdstat_set_flags", constants({1, fdflags1::nonblock}));
  call("fd_write", constants({1, kIovs, 1, kResult}));
  call("fd_fdstat_set_flags", constants({1, 0}));
  call("fd_write", constants({1, kIovs, 1, kResult + 4}));
  call("fd_write", constants({1, kIovs, 1, kResult + 8}));
  call("fd_write", constants({1, kIovs, 1, kResult + 12}));
  const int room = fcntl(output[1], F_GETPIPE_SZ);
  ASSERT_LT(room, 190'000);
  std::thread reader([&] {
    // What the first two have written, and something of the third's.
    char buffer[1000];
    int total = 0;
    while (total <= room + 200'000) total += static_cast<int>(read(output[0], buffer, sizeof buffer));
    close(std::exchange(output[0], -1));
  });
  constexpr uint32_t pipe = 64;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, pipe}));
  reader.join();
  EXPECT_EQ(word(kResult), static_cast<uint32_t>(room));
  EXPECT_EQ(word(kResult + 4), 200'000u);
  EXPECT_GT(word(kResult + 8), 0u);
  EXPECT_LT(word(kResult + 8), 200'000u);
}

// Files are read and written through all parts, up to 1024, and to the first that is short.
TEST_P(Preview1Transfer, VectorsOfFiles) {
  data(kPaths, "file");
  iov(kIovs, kBuffer, 5);
  iov(kIovs + 8, kBuffer + 8, 100'000);
  iov(kIovs + 16, kBuffer + 16, 7);
  data(kBuffer, "01234xxxabcdefghABCDEFG");
  std::string small;
  for (uint32_t i = 0; i < 1500; ++i) {
    const uint32_t words[2] = {kBuffer + 200'000, 1};
    small.append(reinterpret_cast<const char*>(words), 8);  // NOLINT
  }
  constexpr uint32_t kSmall = kBuffer + 150'000;
  data(kSmall, small);
  call("path_open", constants({3, 0, kPaths, 4, kCreate, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
  call("fd_write", constants({4, kIovs, 3, kResult + 4}));
  call("fd_pwrite", constants({4, kIovs, 3, 10, kResult + 8}, "iiil"));
  call("fd_pread", constants({4, kIovs, 3, 10, kResult + 12}, "iiil"));
  call("fd_pread", constants({4, kIovs, 3, 100, kResult + 16}, "iiil"));
  call("fd_tell", constants({4, kResult + 32}));
  call("fd_pwrite", constants({4, kSmall, 1500, 0, kResult + 20}, "iiil"));
  call("fd_pread", constants({4, kSmall, 1500, 0, kResult + 24}, "iiil"));
  EXPECT_EQ(run(), std::vector<uint32_t>(8, success));
  EXPECT_EQ(word(kResult + 4), 100'012u);
  EXPECT_EQ(word(kResult + 8), 100'012u);
  EXPECT_EQ(word(kResult + 12), 100'012u);
  EXPECT_EQ(word(kResult + 16), 100'022u - 100);
  EXPECT_EQ(long_word(kResult + 32), 100'012u);
  EXPECT_EQ(word(kResult + 20), 1024u);
  EXPECT_EQ(word(kResult + 24), 1024u);
  EXPECT_EQ(fs::file_size(root / "file"), 100'022u);
  std::ifstream file(root / "file");
  file.seekg(100'022 - 7);
  std::string end(7, ' ');
  file.read(end.data(), 7);
  EXPECT_EQ(end, "ABCDEFG");
}

// Standard output is a file that the host has opened, and standard error one that it appends to.
class Preview1Redirected : public Preview1Transfer {
 protected:
  void configure(WasiOptions& options) override {
    for (auto [name, flags, into] : {std::tuple{"out", 0, &options.stdout_fd}, {"err", O_APPEND, &options.stderr_fd}}) {
      std::ofstream(root / name) << "0123456789";
      *into = files.emplace_back(open((root / name).c_str(), O_RDWR | O_CLOEXEC | flags));
    }
  }
  void TearDown() override {
    Preview1Transfer::TearDown();
    for (int fd : files) close(fd);
  }
  std::string contents(const char* name) const {
    std::ifstream file(root / name);
    return {std::istreambuf_iterator(file), {}};
  }
  std::vector<int> files;
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Redirected, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_P(Preview1Redirected, Appending) {
  data(kData, "ABCDEF");
  for (uint32_t i = 0; i < 3; ++i) iov(kIovs + 8 * i, kData + 2 * i, 2);
  call("fd_fdstat_get", constants({1, kBuffer}));
  call("fd_fdstat_get", constants({2, kBuffer + 24}));
  call("fd_fdstat_set_flags", constants({1, fdflags1::append}));
  call("fd_write", constants({1, kIovs, 1, kResult}));
  call("fd_fdstat_set_flags", constants({1, 0}));
  call("fd_seek", constants({1, 0, 0, kResult + 8}, "il"));
  call("fd_write", constants({1, kIovs + 8, 1, kResult}));
  call("fd_fdstat_set_flags", constants({2, 0}));
  call("fd_fdstat_set_flags", constants({2, fdflags1::append | fdflags1::nonblock}));
  call("fd_seek", constants({2, 0, 0, kResult + 8}, "il"));
  call("fd_write", constants({2, kIovs + 16, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, success, success, notsup,
                                          success, success, success}));
  EXPECT_EQ(memory->base[kBuffer + 2], 0);
  EXPECT_EQ(memory->base[kBuffer + 24 + 2], fdflags1::append);
  EXPECT_EQ(contents("out"), "CD23456789AB");
  EXPECT_EQ(contents("err"), "0123456789EF");
  EXPECT_EQ(fcntl(files[0], F_GETFL) & O_APPEND, 0);
}

TEST_F(Preview1Test, Files) {
  data(kPaths, "file");            // 4
  data(kPaths + 16, "sub");        // 3
  data(kPaths + 32, "sub/moved");  // 9
  data(kPaths + 64, "../x");       // 4
  data(kData, "0123456789");
  iov(kIovs, kData, 10);
  iov(kIovs + 8, kBuffer, 4);
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t rights, uint64_t fdflags, uint32_t into) {
    call("path_open", constants({3, 1, path, size, oflags, rights, 0, fdflags, into}, "iiiiill"));
  };
  call("fd_prestat_get", constants({3, kResult}));
  call("fd_prestat_dir_name", constants({3, kBuffer + 64, 4}));
  call("fd_prestat_get", constants({4, kResult}));
  open(kPaths, 4, kCreate | kExclusive, kRead | kWrite, 0, kResult + 8);  // descriptor 4
  call("fd_write", constants({4, kIovs, 1, kResult + 12}));
  call("fd_seek", constants({4, 3, 0, kResult + 16}, "il"));
  call("fd_read", constants({4, kIovs + 8, 1, kResult + 24}));
  call("fd_tell", constants({4, kResult + 32}));
  call("fd_pread", constants({4, kIovs + 8, 1, 8, kResult + 28}, "iiil"));
  call("fd_filestat_get", constants({4, kBuffer + 256}));
  open(kPaths, 4, kCreate | kExclusive, kRead, 0, kResult + 8);
  open(kPaths + 64, 4, 0, kRead, 0, kResult + 8);
  call("path_create_directory", constants({3, kPaths + 16, 3}));
  call("path_rename", constants({3, kPaths, 4, 3, kPaths + 32, 9}));
  call("path_filestat_get", constants({3, 1, kPaths + 32, 9, kBuffer + 320}));
  call("fd_readdir", constants({3, kBuffer + 512, 4096, 0, kResult + 40}, "iiil"));
  call("path_unlink_file", constants({3, kPaths + 16, 3}));
  call("path_unlink_file", constants({3, kPaths + 32, 9}));
  call("path_remove_directory", constants({3, kPaths + 16, 3}));
  call("fd_close", constants({4}));
  call("fd_close", constants({4}));
  open(kPaths, 4, kCreate | kTruncate, kWrite, 1, kResult + 44);  // appending; the lowest free number
  call("fd_write", constants({4, kIovs, 1, kResult + 12}));
  call("fd_fdstat_get", constants({4, kBuffer + 400}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, badf,    success, success, success, success, success,
                                          success, success, 20,      63,      success, success, success, success,
                                          isdir,   success, success, success, badf,    success, success, success}));
  EXPECT_EQ(long_word(kResult), uint64_t{4} << 32);
  EXPECT_EQ(bytes(kBuffer + 64, 4), "data");
  EXPECT_EQ(word(kResult + 8), 4u);
  EXPECT_EQ(long_word(kResult + 16), 3u);
  EXPECT_EQ(word(kResult + 24), 4u);
  EXPECT_EQ(long_word(kResult + 32), 7u);
  EXPECT_EQ(word(kResult + 28), 2u);
  EXPECT_EQ(bytes(kBuffer, 4), "8956");  // pread's two bytes over read's four
  EXPECT_EQ(long_word(kBuffer + 256 + 32), 10u);
  EXPECT_EQ(memory->base[kBuffer + 256 + 16], 4);      // a regular file
  EXPECT_EQ(word(kResult + 40), 3 * 24u + 1 + 2 + 3);  // ".", "..", "sub"
  EXPECT_EQ(word(kResult + 44), 4u);
  EXPECT_EQ(memory->base[kBuffer + 402], 1);  // append
  EXPECT_EQ(fs::file_size(root / "file"), 10u);
}

TEST_F(Preview1Test, PathsAreText) {
  data(kPaths, "a\xff");
  for (const char* name : {"path_unlink_file", "path_create_directory", "path_remove_directory"}) {
    call(name, constants({3, kPaths, 2}));
  }
  call("path_symlink", constants({kPaths, 2, 3, kPaths, 1}));  // what the link says
  EXPECT_EQ(run(), (std::vector<uint32_t>{ilseq, ilseq, ilseq, ilseq}));
  EXPECT_FALSE(fs::exists(fs::symlink_status(root / "a")));
}

TEST_F(Preview1ReadOnly, NothingChanges) {
  std::ofstream(root / "file") << "contents";
  data(kPaths, "file");
  data(kPaths + 16, "new");
  iov(kIovs, kBuffer, 100);
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));
  call("fd_read", constants({4, kIovs, 1, kResult + 4}));
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead, 0, 1, kResult}, "iiiiill"));  // appending
  call("path_open", constants({3, 1, kPaths, 4, 0, kWrite, 0, 0, kResult}, "iiiiill"));
  call("path_open", constants({3, 1, kPaths + 16, 3, kCreate, kRead, 0, 0, kResult}, "iiiiill"));
  call("path_create_directory", constants({3, kPaths + 16, 3}));
  call("path_unlink_file", constants({3, kPaths, 4}));
  call("path_rename", constants({3, kPaths, 4, 3, kPaths + 16, 3}));
  call("path_symlink", constants({kPaths, 4, 3, kPaths + 16, 3}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 16, 3}));
  call("path_filestat_set_times", constants({3, 0, kPaths, 4, 0, 0, 10}, "iiiill"));
  call("fd_filestat_set_size", constants({4, 0}, "il"));
  call("fd_filestat_set_times", constants({4, 0, 0, 10}, "ill"));
  call("path_remove_directory", constants({3, kPaths + 16, 3}));
  call("fd_write", constants({4, kIovs, 1, kResult + 4}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, rofs, rofs, rofs, rofs, rofs, rofs, rofs, rofs,
                                          rofs, rofs, rofs, badf}));
  EXPECT_EQ(bytes(kBuffer, 8), "contents");
}

// What is there can be "created", if that changes nothing; else the first thing that is wrong is told.
TEST_F(Preview1ReadOnly, Creating) {
  std::ofstream(root / "file") << "contents";
  fs::create_symlink("nowhere", root / "link");
  data(kPaths, "file");
  data(kPaths + 16, "new");
  data(kPaths + 32, "link");
  data(kPaths + 48, ".");
  iov(kIovs, kBuffer, 100);
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t rights) {
    call("path_open", constants({3, 1, path, size, oflags, rights, 0, 0, kResult}, "iiiiill"));
  };
  open(kPaths, 4, kCreate, kRead);  // descriptor 4
  call("fd_read", constants({4, kIovs, 1, kResult + 4}));
  open(kPaths, 4, kCreate | kExclusive, kRead);
  open(kPaths, 4, kCreate, kRead | kWrite);
  open(kPaths, 4, kTruncate, kRead);
  open(kPaths, 4, kCreate | kTruncate, kRead);
  open(kPaths + 16, 3, kCreate, kRead);
  open(kPaths + 16, 3, kCreate | kExclusive, kRead);
  open(kPaths + 16, 3, 0, kWrite);
  open(kPaths + 16, 3, kTruncate, kRead);
  open(kPaths + 32, 4, kCreate, kRead);
  open(kPaths + 32, 4, kCreate | kExclusive, kRead);
  open(kPaths + 48, 1, kCreate, kRead);
  open(kPaths + 48, 1, 0, kWrite);
  constexpr uint32_t exist = 20, noent = 44;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, exist, rofs, rofs, rofs, rofs, rofs, noent, noent, rofs,
                                          exist, isdir, isdir}));
  EXPECT_EQ(bytes(kBuffer, 8), "contents");
  EXPECT_EQ(fs::file_size(root / "file"), 8u);
}

TEST_F(Preview1Test, UnknownFlags) {
  std::ofstream(root / "file") << "";
  data(kPaths, "file");
  data(kPaths + 16, "link");
  call("path_open", constants({3, 2, kPaths, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));  // descriptor 4
  call("path_filestat_get", constants({3, 3, kPaths, 4, kBuffer}));
  call("path_link", constants({3, 4, kPaths, 4, 3, kPaths + 16, 4}));
  call("path_filestat_set_times", constants({3, 8, kPaths, 4, 0, 0, 10}, "iiiill"));
  call("path_filestat_set_times", constants({3, 0, kPaths, 4, 0, 0, 16}, "iiiill"));
  call("fd_filestat_set_times", constants({4, 0, 0, 16}, "ill"));
  call("fd_filestat_set_times", constants({4, 0, 0, 10}, "ill"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{inval, success, inval, inval, inval, inval, inval, success}));
  EXPECT_FALSE(fs::exists(root / "link"));
}

TEST_F(Preview1Test, TimesBefore1970) {
  std::ofstream(root / "file") << "";
  const timespec times[2] = {{-5, 999'999'999}, {-1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (root / "file").c_str(), times, 0), 0);
  data(kPaths, "file");
  call("path_filestat_get", constants({3, 0, kPaths, 4, kBuffer}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success}));
  EXPECT_EQ(long_word(kBuffer + 40), 0u);
  EXPECT_EQ(long_word(kBuffer + 48), 0u);
  EXPECT_GT(long_word(kBuffer + 56), 0u);
}

TEST_F(Preview1Test, Waiting) {
  // Three subscriptions: a far clock, stdin, a descriptor that is not there.
  std::string subscriptions(3 * 48, '\0');
  subscriptions[0] = 7;
  subscriptions[16] = 1;  // monotonic
  memcpy(&subscriptions[24], "\xff\xff\xff\xff\xff\xff\xff\x0f", 8);
  subscriptions[48] = 8;
  subscriptions[48 + 8] = 1;  // fd_read of 0
  subscriptions[96] = 9;
  subscriptions[96 + 8] = 1;
  subscriptions[96 + 16] = 50;
  data(kData, subscriptions);
  // And one clock of 1 ms.
  std::string clock(48, '\0');
  clock[0] = 5;
  clock[16] = 1;
  uint64_t nanoseconds = 1'000'000;
  memcpy(&clock[24], &nanoseconds, 8);
  data(kData + 1000, clock);
  call("poll_oneoff", constants({kData, kBuffer, 2, kResult}));
  call("poll_oneoff", constants({kData + 96, kBuffer + 64, 1, kResult + 4}));
  call("poll_oneoff", constants({kData + 1000, kBuffer + 128, 1, kResult + 8}));
  call("poll_oneoff", constants({kData, kBuffer, 0, kResult + 12}));
  ASSERT_EQ(write(input[1], "abc", 3), 3);
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, inval}));
  EXPECT_EQ(word(kResult), 1u);
  EXPECT_EQ(long_word(kBuffer), 8u);
  EXPECT_EQ(memory->base[kBuffer + 10], 1);
  EXPECT_EQ(long_word(kBuffer + 16), 3u);
  EXPECT_EQ(word(kResult + 4), 1u);
  EXPECT_EQ(memory->base[kBuffer + 64 + 8], badf);
  EXPECT_EQ(word(kResult + 8), 1u);
  EXPECT_EQ(long_word(kBuffer + 128), 5u);
}

// A real-time clock's past, and a pipe whose writer has gone.
TEST_F(Preview1Test, WaitingForThePastAndForNobody) {
  std::string subscriptions(2 * 48, '\0');
  subscriptions[40] = 1;  // absolute, of clock 0, at 0
  subscriptions[48] = 8;
  subscriptions[48 + 8] = 1;  // fd_read of 0
  data(kData, subscriptions);
  call("poll_oneoff", constants({kData, kBuffer, 2, kResult}));
  close(std::exchange(input[1], -1));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success}));
  EXPECT_EQ(word(kResult), 2u);
  EXPECT_EQ(memory->base[kBuffer + 10], 0);       // clock
  EXPECT_EQ(memory->base[kBuffer + 32 + 10], 1);  // fd_read
  EXPECT_EQ(long_word(kBuffer + 32 + 16), 0u);    // bytes
  EXPECT_EQ(memory->base[kBuffer + 32 + 24], 1);  // the end
}

// How much there is to be read of a file, behind its end and of more than an int has.
TEST_F(Preview1Test, WaitingForFiles) {
  data(kPaths, "file");
  std::string subscription(48, '\0');
  subscription[8] = 1;  // fd_read of 4
  subscription[16] = 4;
  data(kData, subscription);
  auto poll = [&](uint32_t event) { call("poll_oneoff", constants({kData, event, 1, kResult})); };
  call("path_open", constants({3, 0, kPaths, 4, kCreate, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
  call("fd_filestat_set_size", constants({4, 10}, "il"));
  call("fd_seek", constants({4, 4, 0, kResult + 8}, "il"));
  poll(kBuffer);
  call("fd_seek", constants({4, 100, 0, kResult + 8}, "il"));
  poll(kBuffer + 32);
  call("fd_filestat_set_size", constants({4, uint64_t{3} << 30}, "il"));
  poll(kBuffer + 64);
  EXPECT_EQ(run(), std::vector<uint32_t>(8, success));
  EXPECT_EQ(long_word(kBuffer + 16), 6u);
  EXPECT_EQ(long_word(kBuffer + 32 + 16), 0u);
  EXPECT_EQ(long_word(kBuffer + 64 + 16), (uint64_t{3} << 30) - 100);
}

// What a subscription says that cannot be waited for is its event's error.
TEST_F(Preview1Test, WaitingInVain) {
  std::string subscriptions(5 * 48, '\0');
  subscriptions[16] = 4;  // a clock that is none, one that cannot be waited for, an unknown flag
  subscriptions[48 + 16] = 2;
  subscriptions[96 + 40] = 2;
  subscriptions[144 + 8] = 1;  // fd_read of 0, fd_write of 1, whose right to be waited for is given up
  subscriptions[192 + 8] = 2;
  subscriptions[192 + 16] = 1;
  data(kData, subscriptions);
  call("fd_fdstat_set_rights", constants({0, rights1::poll_fd_readwrite, 0}, "ill"));
  call("fd_fdstat_set_rights", constants({1, rights1::fd_write, 0}, "ill"));
  call("poll_oneoff", constants({kData, kBuffer, 5, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success}));
  EXPECT_EQ(word(kResult), 5u);
  std::vector<uint32_t> errors;
  for (uint32_t at = kBuffer; at < kBuffer + 5 * 32; at += 32) errors.push_back(memory->base[at + 8]);
  EXPECT_EQ(errors, (std::vector<uint32_t>{inval, notsup, inval, notcapable, notcapable}));
}

TEST_F(Preview1Test, NoSuchDescriptor) {
  const std::pair<const char*, const char*> functions[] = {
      {"fd_advise", "illi"},
      {"fd_allocate", "ill"},
      {"fd_close", "i"},
      {"fd_datasync", "i"},
      {"fd_fdstat_get", "ii"},
      {"fd_fdstat_set_flags", "ii"},
      {"fd_fdstat_set_rights", "ill"},
      {"fd_filestat_get", "ii"},
      {"fd_filestat_set_size", "il"},
      {"fd_filestat_set_times", "illi"},
      {"fd_pread", "iiili"},
      {"fd_prestat_get", "ii"},
      {"fd_prestat_dir_name", "iii"},
      {"fd_pwrite", "iiili"},
      {"fd_read", "iiii"},
      {"fd_readdir", "iiili"},
      {"fd_renumber", "ii"},
      {"fd_seek", "ilii"},
      {"fd_sync", "i"},
      {"fd_tell", "ii"},
      {"fd_write", "iiii"},
      {"path_create_directory", "iii"},
      {"path_filestat_get", "iiiii"},
      {"path_filestat_set_times", "iiiilli"},
      {"path_link", "iiiiiii"},
      {"path_open", "iiiiillii"},
      {"path_readlink", "iiiiii"},
      {"path_remove_directory", "iii"},
      {"path_rename", "iiiiii"},
      {"path_unlink_file", "iii"},
  };
  for (const auto& [name, types] : functions) {
    std::string arguments = "(i32.const 77) ";
    for (const char* type = types + 1; *type != '\0'; ++type) {
      arguments += *type == 'l' ? "(i64.const 0) " : "(i32.const 0) ";
    }
    call(name, arguments);
  }
  call("path_symlink", constants({0, 0, 77, 0, 0}));
  EXPECT_EQ(run(), std::vector<uint32_t>(std::size(functions) + 1, badf));
}

TEST_F(Preview1Test, DescriptorsAndLinks) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  data(kPaths + 16, "link");
  data(kPaths + 32, "hard");
  data(kPaths + 48, "/etc");
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead | kWrite, 0, 0, kResult}, "iiiiill"));  // descriptor 4
  call("fd_allocate", constants({4, 8, 8}, "ill"));
  call("fd_filestat_get", constants({4, kBuffer}));
  call("fd_advise", constants({4, 0, 16, 3}, "illi"));
  call("fd_advise", constants({4, 0, 16, 6}, "illi"));
  call("fd_sync", "(i32.const 4)");
  call("fd_datasync", "(i32.const 4)");
  call("fd_seek", constants({4, 0, 3, kResult}, "il"));
  call("fd_seek", "(i32.const 4) (i64.const -1) (i32.const 0) (i32.const 1024)");
  call("fd_seek", "(i32.const 4) (i64.const -2) (i32.const 2) (i32.const 1040)");
  call("fd_filestat_set_size", constants({4, 3}, "il"));
  call("fd_filestat_set_size", "(i32.const 4) (i64.const -1)");
  call("fd_filestat_set_times", constants({4, 5, 7'000'000'001, 5}, "illi"));
  call("fd_filestat_set_times", constants({4, 5, 7, 3}, "illi"));
  call("path_symlink", constants({kPaths, 4, 3, kPaths + 16, 4}));
  call("path_symlink", constants({kPaths + 48, 4, 3, kPaths + 32, 4}));
  call("path_readlink", constants({3, kPaths + 16, 4, kBuffer + 128, 3, kResult + 24}));
  call("path_readlink", constants({3, kPaths, 4, kBuffer + 128, 3, kResult + 24}));
  call("path_filestat_get", constants({3, 0, kPaths + 16, 4, kBuffer + 192}));
  call("path_filestat_get", constants({3, 1, kPaths + 16, 4, kBuffer + 256}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 32, 4}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 32, 4}));
  call("path_open", constants({3, 0, kPaths + 16, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));
  call("fd_renumber", constants({4, 3}));
  call("fd_tell", constants({4, kResult}));
  call("fd_filestat_get", constants({3, kBuffer + 320}));
  call("fd_prestat_get", constants({3, kResult}));
  call("fd_renumber", constants({3, 99}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, inval,   success, success,
                                          inval,   inval,   success, success, 22,      success, inval,
                                          success, 63,      success, inval,   success, success, success,
                                          20,      32,      success, badf,    success, badf,    badf}));
  EXPECT_EQ(long_word(kBuffer + 32), 16u);
  EXPECT_EQ(long_word(kResult + 16), 14u);
  EXPECT_EQ(bytes(kBuffer + 128, 3), "fil");
  EXPECT_EQ(word(kResult + 24), 3u);
  EXPECT_EQ(memory->base[kBuffer + 192 + 16], 7);  // a link
  EXPECT_EQ(memory->base[kBuffer + 256 + 16], 4);
  EXPECT_EQ(long_word(kBuffer + 320 + 32), 3u);
  EXPECT_EQ(long_word(kBuffer + 320 + 40), 5u);
  EXPECT_EQ(long_word(kBuffer + 320 + 48), 7'000'000'001u);
  EXPECT_EQ(long_word(kBuffer + 320 + 24), 2u);
}

// A folder's descriptor is not read, written or moved about in; one opened for that is refused.
TEST_F(Preview1Test, FoldersAreNoFiles) {
  data(kPaths, ".");
  iov(kIovs, kBuffer, 16);
  auto open = [&](uint64_t oflags, uint64_t rights, uint64_t fdflags = 0) {
    call("path_open", constants({3, 0, kPaths, 1, oflags, rights, 0, fdflags, kResult}, "iiiiill"));
  };
  constexpr uint64_t kDirectory = 2, kAllocate = 1 << 8;
  open(kDirectory, kRead);  // descriptor 4
  call("fd_read", constants({4, kIovs, 1, kResult}));
  call("fd_pread", constants({4, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_write", constants({4, kIovs, 1, kResult}));
  call("fd_pwrite", constants({4, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_seek", constants({4, 0, 1, kResult}, "il"));
  call("fd_tell", constants({4, kResult}));
  call("fd_allocate", constants({4, 0, 1}, "ill"));
  call("fd_filestat_set_size", constants({4, 0}, "il"));
  call("fd_fdstat_get", constants({4, kBuffer + 64}));
  open(kDirectory, kRead | kWrite);
  open(0, kRead | kWrite);
  open(0, kAllocate);
  open(0, 0, 4);
  open(16, 0);
  open(0, 0, 32);
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, isdir, isdir, isdir, isdir, badf, badf, badf, inval, success, isdir,
                                          isdir, success, success, inval, inval}));
  const uint64_t base = long_word(kBuffer + 64 + 8), inheriting = long_word(kBuffer + 64 + 16);
  EXPECT_EQ(base & (rights1::fd_seek | rights1::fd_tell | rights1::fd_read | rights1::fd_write |
                    rights1::fd_filestat_set_size),
            0u);
  EXPECT_NE(base & rights1::path_open, 0u);
  EXPECT_EQ(inheriting, rights1::all);
}

// Appending is a way to write, and no leave to; the right to allocate is none either.
TEST_F(Preview1Test, AppendingIsNotWriting) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  iov(kIovs, kPaths, 4);
  for (auto [rights, fdflags] : {std::pair{kRead, 1}, {uint64_t{rights1::fd_allocate}, 0}, {uint64_t{0}, 1}}) {
    call("path_open", constants({3, 0, kPaths, 4, 0, rights, 0, static_cast<uint64_t>(fdflags), kResult}, "iiiiill"));
  }
  for (uint64_t fd : {4, 5, 6}) call("fd_write", constants({fd, kIovs, 1, kResult}));
  call("fd_fdstat_get", constants({4, kBuffer}));
  call("fd_fdstat_get", constants({5, kBuffer + 64}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, badf, badf, badf, success, success}));
  EXPECT_EQ(memory->base[kBuffer + 2], 1);
  EXPECT_EQ(long_word(kBuffer + 8) & rights1::fd_write, 0u);
  EXPECT_EQ(long_word(kBuffer + 64 + 8) & rights1::fd_write, 0u);
  EXPECT_EQ(fs::file_size(root / "file"), 10u);
}

// What is opened as a folder, for writing, says what is there first.
TEST_F(Preview1Test, FoldersForWriting) {
  std::ofstream(root / "file") << "";
  fs::create_directory(root / "folder");
  fs::create_symlink("loop", root / "loop");
  for (uint32_t at = kPaths; std::string_view path : {"folder", "file", "missing", "loop", "../x"}) {
    data(at, path);
    call("path_open", constants({3, 1, at, path.size(), 2, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
    call("path_open", constants({3, 1, at, path.size(), 2 | kCreate, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
    at += 16;
  }
  constexpr uint32_t noent = 44, loop = 32, perm = 63;
  EXPECT_EQ(run(), (std::vector<uint32_t>{isdir, inval, notdir, inval, noent, inval, loop, inval, perm, inval}));
  EXPECT_FALSE(fs::exists(root / "missing"));
}

// Rights can be given up, for a descriptor and for those that are opened by it, and do not come back.
TEST_F(Preview1Test, RightsAreGivenUp) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  data(kPaths + 16, "new");
  iov(kIovs, kBuffer, 4);
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t rights = kRead) {
    call("path_open", constants({3, 0, path, size, oflags, rights, 0, 0, kResult}, "iiiiill"));
  };
  auto set = [&](uint64_t fd, uint64_t base, uint64_t inheriting) {
    call("fd_fdstat_set_rights", constants({fd, base, inheriting}, "ill"));
  };
  open(kPaths, 4, 0, kRead | kWrite);  // descriptor 4
  set(4, rights1::fd_read | rights1::fd_seek, 0);
  call("fd_read", constants({4, kIovs, 1, kResult + 4}));
  call("fd_write", constants({4, kIovs, 1, kResult + 8}));
  call("fd_tell", constants({4, kResult + 16}));
  call("fd_filestat_get", constants({4, kBuffer + 64}));
  set(4, rights1::fd_read | rights1::fd_write, 0);
  set(4, rights1::fd_read, 1);
  call("fd_fdstat_get", constants({4, kBuffer + 128}));
  set(3, rights1::path_open, rights1::fd_read | rights1::fd_fdstat_set_flags);
  open(kPaths, 4, 0, kRead | kWrite);
  open(kPaths, 4, 0);  // 5
  call("fd_write", constants({5, kIovs, 1, kResult + 8}));
  call("fd_read", constants({5, kIovs, 1, kResult + 8}));
  open(kPaths + 16, 3, kCreate);
  open(kPaths, 4, kTruncate);
  call("path_create_directory", constants({3, kPaths + 16, 3}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 16, 3}));
  set(3, 0, 0);
  open(kPaths, 4, 0);
  EXPECT_EQ(run(),
            (std::vector<uint32_t>{success,    success,    success,    notcapable, success, notcapable, notcapable,
                                   notcapable, success,    success,    notcapable, success, notcapable, success,
                                   notcapable, notcapable, notcapable, notcapable, success, notcapable}));
  EXPECT_EQ(word(kResult + 4), 4u);
  EXPECT_EQ(long_word(kBuffer + 128 + 8), rights1::fd_read | rights1::fd_seek | rights1::fd_tell);
  EXPECT_EQ(fs::file_size(root / "file"), 10u);
  EXPECT_FALSE(fs::exists(root / "new"));
}

// To tell is less than to seek, and positions need what seeking needs.
TEST_F(Preview1Test, RightsToPositions) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  iov(kIovs, kBuffer, 4);
  for (uint64_t fd : {4, 5}) {
    const uint64_t right = fd == 4 ? rights1::fd_tell : rights1::fd_seek;
    call("path_open", constants({3, 0, kPaths, 4, 0, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
    call("fd_fdstat_set_rights", constants({fd, kRead | kWrite | right, 0}, "ill"));
    call("fd_tell", constants({fd, kResult + 8}));
    call("fd_seek", constants({fd, 0, 1, kResult + 8}, "il"));
    call("fd_seek", constants({fd, 0, 0, kResult + 8}, "il"));
    call("fd_seek", constants({fd, 1, 1, kResult + 8}, "il"));
    call("fd_pread", constants({fd, kIovs, 1, 0, kResult}, "iiil"));
    call("fd_pwrite", constants({fd, kIovs, 1, 0, kResult}, "iiil"));
    call("fd_read", constants({fd, kIovs, 1, kResult}));
  }
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, notcapable, notcapable, notcapable,
                                          notcapable, success, success, success, success, success, success, success,
                                          success, success, success}));
}

// What a folder does not hand on cannot be asked for, where it means something for what is opened; and to synchronize
// is a right of the folder's.
TEST_F(Preview1Test, RightsThatAreHandedOn) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  data(kPaths + 16, ".");
  data(kPaths + 32, "new");
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t base, uint64_t inheriting, uint64_t flags) {
    call("path_open", constants({3, 0, path, size, oflags, base, inheriting, flags, kResult}, "iiiiill"));
  };
  auto set = [&](uint64_t base, uint64_t inheriting) {
    call("fd_fdstat_set_rights", constants({3, base, inheriting}, "ill"));
  };
  constexpr uint64_t kOpen = rights1::path_open | rights1::path_create_file;
  set(kOpen | rights1::fd_datasync | rights1::fd_sync, kRead | rights1::path_open);
  for (uint64_t flags : {fdflags1::dsync, fdflags1::rsync, fdflags1::sync}) open(kPaths, 4, 0, kRead, 0, flags);
  open(kPaths, 4, 0, kRead | rights1::path_readlink, rights1::all, 0);
  open(kPaths + 16, 1, 0, rights1::path_open | kWrite, rights1::path_open, 0);
  open(kPaths + 16, 1, 0, rights1::path_readlink, 0, 0);
  open(kPaths + 16, 1, 0, rights1::path_open, rights1::path_readlink, 0);
  open(kPaths + 32, 3, kCreate, kRead | kWrite, 0, 0);
  set(kOpen | rights1::fd_datasync, kRead);
  for (uint64_t flags : {fdflags1::dsync, fdflags1::rsync, fdflags1::sync}) open(kPaths, 4, 0, kRead, 0, flags);
  set(kOpen, kRead);
  open(kPaths, 4, 0, kRead, 0, fdflags1::dsync);
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, isdir, notcapable, notcapable,
                                          notcapable, success, success, notcapable, notcapable, success, notcapable}));
  EXPECT_FALSE(fs::exists(root / "new"));
}

// Pointers that lead out of memory, structures whose last byte does, and pointers that are no multiple of what they
// need.
TEST_F(Preview1Test, PointersTrap) {
  constexpr uint64_t kEnd = 4 * 65536;
  data(kPaths, ".");
  iov(kIovs, kBuffer, 4);
  iov(kIovs + 8, 0xFFFFFFFC, 8);
  iov(kIovs + 16, kEnd - 3, 4);
  struct Case {
    const char* name;
    std::string out_of_bounds, misaligned;
  };
  const std::vector<Case> cases = {
      {"args_get", constants({kEnd - 4, kData}), constants({kBuffer + 2, kData})},
      {"args_get", constants({kBuffer, kEnd - 16}), ""},
      {"args_sizes_get", constants({kBuffer, kEnd - 3}), constants({kBuffer, kBuffer + 5})},
      {"environ_get", constants({kEnd, kData}), constants({kBuffer + 3, kData})},
      {"environ_sizes_get", constants({kEnd - 3, kBuffer}), constants({kBuffer + 1, kBuffer + 4})},
      {"clock_res_get", constants({1, kEnd - 7}), constants({1, kBuffer + 4})},
      {"clock_time_get", constants({0, 0, kEnd - 7}, "il"), constants({0, 0, kBuffer + 1}, "il")},
      {"random_get", constants({kEnd - 3, 4}), ""},
      {"poll_oneoff", constants({kEnd - 47, kBuffer, 1, kResult}), constants({kBuffer + 4, kData, 1, kResult})},
      {"poll_oneoff", constants({kBuffer, kEnd - 31, 1, kResult}), constants({kBuffer, kData + 4, 1, kResult})},
      {"poll_oneoff", constants({kBuffer, kData, 1, kEnd}), constants({kBuffer, kData, 1, kResult + 2})},
      {"poll_oneoff", constants({kBuffer, kData, 0x10000000, kResult}), ""},
      {"fd_read", constants({0, kEnd - 7, 1, kResult}), constants({0, kIovs + 1, 1, kResult})},
      {"fd_read", constants({0, kIovs, 0x20000000, kResult}), ""},
      {"fd_read", constants({0, kIovs + 8, 1, kResult}), ""},
      {"fd_read", constants({0, kIovs, 1, kEnd - 3}), constants({0, kIovs, 1, kResult + 1})},
      {"fd_write", constants({1, kIovs, 3, kResult}), ""},
      {"fd_write", constants({1, kIovs + 16, 1, kResult}), ""},
      {"fd_write", constants({1, kIovs, 1, kEnd}), constants({1, kIovs, 1, kResult + 3})},
      {"fd_seek", constants({0, 0, 1, kEnd - 7}, "il"), constants({0, 0, 1, kBuffer + 4}, "il")},
      {"fd_tell", constants({0, kEnd - 7}), constants({0, kBuffer + 4})},
      {"fd_filestat_get", constants({0, kEnd - 63}), constants({0, kBuffer + 4})},
      {"fd_fdstat_get", constants({0, kEnd - 23}), constants({0, kBuffer + 4})},
      {"fd_prestat_get", constants({3, kEnd - 7}), constants({3, kBuffer + 2})},
      {"fd_prestat_dir_name", constants({3, kEnd - 3, 4}), ""},
      {"fd_readdir", constants({3, kEnd - 10, 11, 0, kResult}, "iiil"), ""},
      {"fd_readdir", constants({3, kBuffer, 11, 0, kEnd - 3}, "iiil"), constants({3, kData, 9, 0, kData + 1}, "iiil")},
      {"path_filestat_get", constants({3, 0, kPaths, 1, kEnd - 63}), constants({3, 0, kPaths, 1, kBuffer + 4})},
      {"path_open", constants({3, 0, kPaths, 1, 0, 0, 0, 0, kEnd - 3}, "iiiiill"),
       constants({3, 0, kPaths, 1, 0, 0, 0, 0, kResult + 2}, "iiiiill")},
      {"path_readlink", constants({3, kPaths, 1, kEnd - 3, 4, kResult}), ""},
      {"path_readlink", constants({3, kPaths, 1, kBuffer, 4, kEnd - 3}), constants({3, kPaths, 1, kData, 4, 5})},
      {"path_symlink", constants({kEnd - 3, 4, 3, kPaths, 1}), ""},
      {"path_unlink_file", constants({3, kEnd - 1, 2}), ""},
      {"path_rename", constants({3, kPaths, 1, 3, 0xFFFFFFFF, 1}), ""},
  };
  for (const Case& one : cases) {
    const std::string begin = fmt::format("wasi_snapshot_preview1 {}: ", one.name);
    EXPECT_EQ(trap(one.name, one.out_of_bounds), begin + "pointer out of bounds") << one.out_of_bounds;
    if (one.misaligned.empty()) continue;
    EXPECT_EQ(trap(one.name, one.misaligned), begin + "misaligned pointer") << one.misaligned;
  }
}

// Signals that do nothing, numbers that are no signals, and those that end a process, or stop it for good.
TEST_F(Preview1Test, Signals) {
  for (uint64_t signal : {0, 13, 16, 17, 22, 27, 31, 255}) call("proc_raise", constants({signal}));
  call("proc_raise", "(i32.const -1)");
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, success, inval, inval, inval}));
  for (uint64_t signal : {1, 6, 9, 14, 19, 28, 30}) {
    EXPECT_EQ(trap("proc_raise", constants({signal})), fmt::format("the guest raised signal {}", signal));
  }
}

// Of what is empty, no byte is looked at; and nothing is where another error comes first.
TEST_F(Preview1Test, PointersThatNobodyFollows) {
  data(kPaths, "link");
  fs::create_symlink("file", root / "link");
  iov(kIovs, 0xFFFFFFF0, 0);
  call("random_get", constants({0xFFFFFFFF, 0}));
  call("fd_read", constants({0, kIovs, 1, kResult}));
  call("fd_write", constants({1, 0xFFFFFFFD, 0, kResult}));
  call("path_readlink", constants({3, kPaths, 4, 0xFFFFFFFF, 0, kResult}));
  call("fd_readdir", constants({3, 0xFFFFFFFF, 0, 0, kResult}, "iiil"));
  call("path_unlink_file", constants({3, 0xFFFFFFFF, 0}));
  call("clock_time_get", constants({4, 0, 0xFFFFFFFF}, "il"));
  call("clock_res_get", constants({77, 0xFFFFFFFF}));
  call("poll_oneoff", constants({0xFFFFFFFF, 0xFFFFFFFF, 0, 0xFFFFFFFF}));
  call("fd_tell", constants({99, 0xFFFFFFFF}));
  call("fd_prestat_dir_name", constants({3, 0xFFFFFFFF, 3}));
  constexpr uint32_t noent = 44, nametoolong = 37;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, noent, inval, inval, inval, badf,
                                          nametoolong}));
}

// A listing may be gone on with by another descriptor of the folder.
TEST_F(Preview1Test, ListingFromTheMiddle) {
  for (const char* name : {"a", "b", "c"}) std::ofstream(root / name) << "";
  data(kPaths, ".");
  call("fd_readdir", constants({3, kBuffer, 4096, 0, kResult}, "iiil"));
  call("path_open", constants({3, 0, kPaths, 1, 2, kRead, 0, 0, kResult + 4}, "iiiiill"));
  call("fd_readdir", constants({4, kBuffer + 4096, 4096, 2, kResult + 8}, "iiil"));
  call("fd_readdir", constants({4, kBuffer + 4096, 10, 4, kResult + 12}, "iiil"));
  call("fd_readdir", constants({4, kBuffer + 4096, 10, 99, kResult + 16}, "iiil"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success}));
  EXPECT_EQ(word(kResult), 5 * 24u + 1 + 2 + 3);
  EXPECT_EQ(word(kResult + 8), 3 * 24u + 3);
  EXPECT_EQ(word(kResult + 12), 10u);  // cut off
  EXPECT_EQ(word(kResult + 16), 0u);
}

// Where ".." is: the folder above, but nothing above what the guest was given.
TEST_F(Preview1Test, ListingOfParents) {
  fs::create_directories(root / "sub/deep");
  data(kPaths, "sub");
  data(kPaths + 16, "deep");
  data(kPaths + 32, "..");
  auto open = [&](uint64_t folder, uint32_t path, uint32_t size) {
    call("path_open", constants({folder, 0, path, size, 2, kRead, 0, 0, kResult}, "iiiiill"));
  };
  open(3, kPaths, 3);
  open(4, kPaths + 16, 4);
  open(3, kPaths + 32, 2);
  for (uint32_t fd : {3, 4, 5}) {
    call("fd_readdir", constants({fd, kBuffer + 4096 * fd, 24 + 1 + 24, 0, kResult}, "iiil"));
    call("fd_filestat_get", constants({fd, kBuffer + 4096 * fd + 1024}));
  }
  call("fd_readdir", constants({0, kBuffer, 24, 0, kResult}, "iiil"));
  constexpr uint32_t perm = 63;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, perm, success, success, success, success, success, success,
                                          notdir}));
  auto inode = [&](uint32_t fd) { return long_word(kBuffer + 4096 * fd + 1024 + 8); };
  auto listed = [&](uint32_t fd) {
    const uint32_t at = kBuffer + 4096 * fd;
    return std::pair(long_word(at + 8), long_word(at + 24 + 1 + 8));
  };
  EXPECT_EQ(listed(3), std::pair(inode(3), inode(3)));
  EXPECT_EQ(listed(4), std::pair(inode(4), inode(3)));
  EXPECT_EQ(listed(5), std::pair(inode(5), inode(4)));
}

TEST_F(Preview1Test, WhatIsNoSocket) {
  iov(kIovs, kBuffer, 4);
  call("sock_shutdown", constants({0, 1}));
  call("sock_accept", constants({3, 0, kResult}));
  call("sock_recv", constants({0, kIovs, 1, 0, kResult, kResult + 4}));
  call("sock_send", constants({1, kIovs, 1, 0, kResult}));
  call("sock_shutdown", constants({99, 1}));
  call("sock_accept", constants({99, 0, kResult}));
  call("sock_recv", constants({99, kIovs, 1, 0, kResult, kResult + 4}));
  call("sock_send", constants({99, kIovs, 1, 0, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{notsock, notsock, notsock, notsock, badf, badf, badf, badf}));
  EXPECT_FALSE(preview1->find("wasi_snapshot_preview1", "no_such_function"));
  EXPECT_FALSE(preview1->find("wasi_unstable", "fd_write"));
}

// Descriptor 0 is a socket whose other end the test has, 4 listens.
class Preview1Sockets : public Preview1Test {
 protected:
  void configure(WasiOptions& options) override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    options.stdin_fd = ends[0];
    options.listen.push_back(*SocketAddress::parse("127.0.0.1:0"));
  }
  void TearDown() override {
    Preview1Test::TearDown();
    for (int fd : ends) close(fd);
  }
  int connect_to_listener() {
    SocketAddress address;
    socklen_t size = sizeof(sockaddr_in6);
    EXPECT_EQ(getsockname(listeners[0]->fd, &address.any, &size), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, &address.any, size), 0);
    return fd;
  }
  int ends[2] = {-1, -1};
};

TEST_F(Preview1Sockets, SendAndReceive) {
  data(kData, "hello");
  iov(kIovs, kData, 2);
  iov(kIovs + 8, kData + 2, 3);
  iov(kIovs + 16, kBuffer, 3);
  iov(kIovs + 24, kBuffer + 100, 4);
  ASSERT_EQ(write(ends[1], "0123456789", 10), 10);
  call("sock_send", constants({0, kIovs, 2, 0, kResult}));
  call("sock_recv", constants({0, kIovs + 16, 1, 1, kResult + 4, kResult + 8}));    // peeks
  call("sock_recv", constants({0, kIovs + 16, 2, 2, kResult + 12, kResult + 16}));  // waits for all
  call("sock_recv", constants({0, kIovs + 16, 2, 0, kResult + 20, kResult + 24}));
  call("sock_recv", constants({0, kIovs + 16, 2, 4, kResult + 20, kResult + 24}));
  call("sock_send", constants({0, kIovs, 2, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, inval, inval}));
  EXPECT_EQ(word(kResult), 5u);
  EXPECT_EQ(word(kResult + 4), 3u);
  EXPECT_EQ(word(kResult + 12), 7u);
  EXPECT_EQ(word(kResult + 20), 3u);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(memory->base) + kBuffer, 3), "789");
  EXPECT_EQ(std::string(reinterpret_cast<char*>(memory->base) + kBuffer + 100, 4), "3456");
  char text[6] = {};
  EXPECT_EQ(read(ends[1], text, 5), 5);
  EXPECT_STREQ(text, "hello");
}

TEST_F(Preview1Sockets, Pointers) {
  iov(kIovs, kBuffer, 3);
  for (const auto& arguments :
       {constants({0, 0xFFFFFF00, 2, 0, kResult, kResult + 4}), constants({0, kIovs, 1, 0, 0xFFFFFFFC, kResult + 4}),
        constants({0, kIovs, 1, 0, kResult, 0xFFFFFFFE})}) {
    EXPECT_EQ(trap("sock_recv", arguments), "wasi_snapshot_preview1 sock_recv: pointer out of bounds");
  }
  EXPECT_EQ(trap("sock_recv", constants({0, kIovs, 1, 0, kResult, kResult + 5})),
            "wasi_snapshot_preview1 sock_recv: misaligned pointer");
  EXPECT_EQ(trap("sock_accept", constants({4, 0, kResult + 1})),
            "wasi_snapshot_preview1 sock_accept: misaligned pointer");
}

// Waiting for all outlasts pauses of the sender's, also when it only looks; and ends with its end.
TEST_F(Preview1Sockets, WaitsForAll) {
  const int client = connect_to_listener();
  data(kData, "!");
  iov(kIovs, kData, 1);
  iov(kIovs + 8, kBuffer, 3);
  iov(kIovs + 16, kBuffer + 100, 4);
  constexpr uint64_t kPeek = 1, kWaitAll = 2;
  call("sock_accept", constants({4, 0, kResult}));
  auto receive = [&](uint64_t flags, uint32_t into) {
    call("sock_send", constants({5, kIovs, 1, 0, kResult}));
    call("sock_recv", constants({5, kIovs + 8, 2, flags, into, kResult + 4}));
  };
  receive(kPeek | kWaitAll, kResult + 8);
  receive(kWaitAll, kResult + 12);
  receive(kWaitAll, kResult + 16);
  receive(kPeek | kWaitAll, kResult + 20);
  std::thread sender([&] {
    for (std::string_view part : {"abcdefg", "", "hijklmn", "o"}) {
      char go;
      const size_t first = std::min<size_t>(1, part.size()), rest = part.size() - first;
      EXPECT_EQ(write(client, part.data(), first), static_cast<ssize_t>(first));
      EXPECT_EQ(read(client, &go, 1), 1);
      usleep(20'000);  // so that who does not wait is caught at it; who does is right however long this takes
      EXPECT_EQ(write(client, part.data() + first, rest), static_cast<ssize_t>(rest));
    }
    shutdown(client, SHUT_WR);
  });
  EXPECT_EQ(run(), std::vector<uint32_t>(9, success));
  sender.join();
  close(client);
  EXPECT_EQ(word(kResult + 8), 7u);
  EXPECT_EQ(word(kResult + 12), 7u);
  EXPECT_EQ(word(kResult + 16), 7u);
  EXPECT_EQ(word(kResult + 20), 1u);
  EXPECT_EQ(bytes(kBuffer, 3), "oij");
  EXPECT_EQ(bytes(kBuffer + 100, 4), "klmn");
}

TEST_F(Preview1Sockets, Shutdown) {
  data(kData, "x");
  iov(kIovs, kData, 1);
  call("sock_shutdown", constants({0, 0}));
  call("sock_shutdown", constants({0, 4}));
  call("sock_shutdown", constants({0, 2}));
  call("sock_send", constants({0, kIovs, 1, 0, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{inval, inval, success, 64 /* pipe */}));
  char c;
  EXPECT_EQ(read(ends[1], &c, 1), 0);
}

TEST_F(Preview1Sockets, Accept) {
  int client = connect_to_listener();
  ASSERT_EQ(write(client, "hi", 2), 2);
  iov(kIovs, kBuffer, 8);
  iov(kIovs + 8, kBuffer, 2);
  call("sock_accept", constants({4, 0, kResult}));
  call("fd_read", constants({5, kIovs, 1, kResult + 4}));
  call("fd_write", constants({5, kIovs + 8, 1, kResult + 8}));
  call("fd_fdstat_get", constants({5, kBuffer + 64}));
  call("fd_close", "(i32.const 5)");
  call("sock_accept", constants({4, 1, kResult}));
  call("fd_fdstat_set_flags", constants({4, 4}));
  call("sock_accept", constants({4, 0, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, inval, success, again}));
  EXPECT_EQ(word(kResult), 5u);
  EXPECT_EQ(word(kResult + 4), 2u);
  EXPECT_EQ(memory->base[kBuffer + 64], 6);  // filetype: a stream socket
  char text[4] = {};
  EXPECT_EQ(read(client, text, 4), 2);
  EXPECT_STREQ(text, "hi");
  EXPECT_EQ(read(client, text, 4), 0);
  close(client);
}

}  // namespace
}  // namespace wjit::wasi
