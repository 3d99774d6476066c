// Many stores on many workers: independent stores, each with ../shared/bench's calls and streams components, run the
// same mix of calls, suspending calls and streams on one worker and on several, three times in turn. Prints a line for
// each pass: what the clock says, and the processor time, which says what sharing costs even where processors are busy
// otherwise. bench/async.py makes a table of it. The stress test with the same shape is test/unit/workers_test.cpp.
//
//   wjit_workers ../shared/bench [WORKERS [STORES [ROUNDS]]]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "abi/linker.h"
#include "abi/store.h"
#include "frontend/decoder.h"
#include "frontend/text.h"

namespace wjit {
namespace {

[[noreturn]] void stop(const std::string& message) {
  fmt::print(stderr, "wjit_workers: {}\n", message);
  exit(1);
}

template <typename T, typename E>
T need(std::expected<T, E> value, const std::string& what) {
  if (!value) {
    if constexpr (std::is_same_v<E, InputError>)
      stop(what + ": " + value.error().to_string());
    else
      stop(what + ": " + value.error().message);
  }
  return std::move(*value);
}

std::shared_ptr<const Component> load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) stop("cannot open " + path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return need(decode_component(std::make_shared<const Bytes>(need(assemble(text), path))), path);
}

// One of the calls that a round consists of: each a few milliseconds.
struct Part {
  const char* component;  // "calls" or "streams"
  const char* function;
  uint64_t count;
};
constexpr Part kParts[] = {
    {"calls", "sync", 100'000},
    {"streams", "bytes", 8 << 20},
    {"calls", "async-callback", 20'000},
    {"streams", "records", 50'000},
    {"calls", "suspend-callback", 10'000},
    {"calls", "text", 20'000},
    {"calls", "suspend-stackful", 10'000},
    {"streams", "futures", 5'000},
};

class Client {
 public:
  Client(Engine& engine, Scheduler& scheduler) : store_(engine, scheduler) {}

  // Before the clock runs: all code is compiled once.
  void prepare(const std::shared_ptr<const Component>& calls, const std::shared_ptr<const Component>& streams) {
    store_.enqueue([&, this] {
      for (const auto& [name, component] : {std::pair{"calls", calls}, std::pair{"streams", streams}}) {
        ComponentInstance* instance = need(instantiate(store_, component, import_from_items({}), name), name);
        for (const Part& part : kParts) {
          if (part.component == std::string_view(name))
            functions_.push_back({&part, need(find_function(*instance, part.function), part.function)});
        }
      }
    });
    rounds_ = 1;
    run();
  }
  void run(int rounds) {
    rounds_ = rounds;
    run();
  }

 private:
  void run() {
    at_ = 0;
    store_.enqueue([this] { next(); });
    store_.scheduler().run(
        store_, [this] { return at_ == functions_.size() * static_cast<size_t>(rounds_) || store_.locked_down(); });
    if (store_.locked_down()) stop(trap_of(&store_.context()).to_string());
  }
  void next() {
    if (at_ == functions_.size() * static_cast<size_t>(rounds_)) return;
    const auto& [part, function] = functions_[at_ % functions_.size()];
    count_ = part->count;
    auto started = store_.start_call(function, &count_, 8, [this](const void*) {
      ++at_;
      store_.enqueue([this] { next(); });
    });
    if (!started) stop(started.error().message);
  }

  Store store_;
  std::vector<std::pair<const Part*, std::shared_ptr<RuntimeFunction>>> functions_;
  uint64_t count_ = 0;
  size_t at_ = 0;
  int rounds_ = 1;
};

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int run(int argc, char** argv) {
  if (argc < 2) stop("usage: wjit_workers FOLDER [WORKERS [STORES [ROUNDS]]]");
  const std::string folder = argv[1];
  const int workers = argc > 2 ? atoi(argv[2]) : 2;
  const int stores = argc > 3 ? atoi(argv[3]) : 8;
  const int rounds = argc > 4 ? atoi(argv[4]) : 4;
  auto calls = load(folder + "/calls.wat"), streams = load(folder + "/streams.wat");
  auto engine = need(Engine::create({.level = CompileOptions::Level::Full}), "engine");
  for (int count : {1, workers, 1, workers, 1, workers}) {  // in turn: the first pass also warms up
    Scheduler scheduler({.workers = static_cast<uint32_t>(count), .caller_is_worker = false});
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < stores; ++i) clients.push_back(std::make_unique<Client>(*engine, scheduler));
    for (auto& client : clients) client->prepare(calls, streams);
    const auto begin = std::chrono::steady_clock::now();
    const double processor = processor_seconds();
    std::vector<std::thread> threads;
    for (auto& client : clients) threads.emplace_back([&client, rounds] { client->run(rounds); });
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    fmt::print("{} workers, {} stores: {:.3f} s, {:.3f} s of processor time\n", count, stores, wall.count(),
               processor_seconds() - processor);
  }
  return 0;
}

}  // namespace
}  // namespace wjit

int main(int argc, char** argv) { return wjit::run(argc, argv); }
