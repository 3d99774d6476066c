// Guests run in a store that goes while they wait, read or write: everything ends, nothing is left (a sanitizer sees
// leaks).
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "abi/linker.h"
#include "wasi/state.h"
#include "wasi/wasi.h"

namespace wjit {
namespace {

std::filesystem::path guests() { return WJIT_GUESTS; }

class Guests : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(pipe(input), 0);
    ASSERT_EQ(pipe(output), 0);
    engine = std::move(*Engine::create({}));
    scheduler = std::make_unique<Scheduler>();
    store = std::make_unique<Store>(*engine, *scheduler);
    WasiOptions options;
    options.args = {"guest"};
    std::string pattern = (std::filesystem::temp_directory_path() / "wjit-guest-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    options.preopens.push_back({folder.string(), "."});
    options.stdin_fd = input[0];
    options.stdout_fd = output[1];
    host = std::move(*WasiHost::create(*store, std::move(options)));
  }
  void TearDown() override {
    store.reset();
    host.reset();
    for (int fd : {input[0], input[1], output[0], output[1]}) {
      if (fd >= 0) close(fd);
    }
    std::filesystem::remove_all(folder);
  }

  // Starts the guest's `run`; `returned` tells when it is through.
  void start(const std::string& name, const std::string& run) {
    std::ifstream file(guests() / (name + ".wasm"), std::ios::binary);
    auto bytes = std::make_shared<const Bytes>(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    auto component = decode_component(bytes);
    ASSERT_TRUE(component) << component.error().to_string();
    store->enqueue([this, component = *component, run] {
      HostInterfaces interfaces;
      host->add_to(interfaces);
      auto instance = instantiate(*store, component, import_from_host(*store, interfaces), "main");
      ASSERT_TRUE(instance) << instance.error().message;
      auto function = find_function(**instance, run);
      ASSERT_TRUE(function) << function.error().message;
      auto started = store->start_call(*function, nullptr, 1, [this](const void* result) {
        returned = true;
        failed = *static_cast<const uint8_t*>(result) != 0;
      });
      ASSERT_TRUE(started) << started.error().message;
    });
  }
  void run_until(const std::function<bool()>& done) { EXPECT_EQ(scheduler->run(*store, done), RunResult::Done); }
  std::string got(size_t bytes) {
    std::string text(bytes, '\0');
    ssize_t n = read(output[0], text.data(), text.size());
    return text.substr(0, n < 0 ? 0 : static_cast<size_t>(n));
  }

  std::filesystem::path folder;
  int input[2] = {-1, -1}, output[2] = {-1, -1};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Store> store;
  std::unique_ptr<WasiHost> host;
  bool returned = false, failed = false;
};

constexpr const char* kRun = "wasi:cli/run@0.3.0#run";

TEST_F(Guests, RunsThrough) {
  start("c-p3-callback", kRun);
  ASSERT_EQ(write(input[1], "some text\n", 10), 10);
  close(std::exchange(input[1], -1));
  run_until([&] { return returned; });
  EXPECT_FALSE(failed);
  EXPECT_EQ(got(100), "some text\n");
}

// The store goes with a read of stdin under way: as a callback task, and on a suspended fiber.
TEST_F(Guests, GoesWhileReading) {
  for (const char* name : {"c-p3-callback", "c-p3-stackful", "c-p3-sync"}) {
    start(name, kRun);
    ASSERT_EQ(write(input[1], "first\n", 6), 6);
    std::string text;
    run_until([&] {
      // The guest has copied what there is, and waits for more.
      pollfd entry{output[0], POLLIN, 0};
      return ::poll(&entry, 1, 0) > 0;
    });
    EXPECT_EQ(got(100), "first\n");
    EXPECT_FALSE(returned) << name;
    TearDown();
    SetUp();
  }
}

TEST_F(Guests, GoesWhileWaiting) {
  start("forever", kRun);
  int turns = 0;
  run_until([&] { return ++turns > 3 || store->outstanding() > 0; });
  EXPECT_FALSE(returned);
}

TEST_F(Guests, GoesInTheMiddleOf0_2) {
  start("c-p2", "wasi:cli/run@0.2.12#run");
  run_until([&] {
    pollfd entry{output[0], POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
  });
  EXPECT_FALSE(returned);
}

TEST_F(Guests, Files) {
  start("rust-files", kRun);
  run_until([&] { return returned; });
  EXPECT_FALSE(failed);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(Guests, RustAndComposition) {
  close(std::exchange(input[1], -1));
  start("rust-p3", kRun);
  run_until([&] { return returned; });
  EXPECT_FALSE(failed);
  returned = false;
  start("compose", kRun);
  run_until([&] { return returned; });
  EXPECT_FALSE(failed);
}

}  // namespace
}  // namespace wjit
