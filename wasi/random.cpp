// wasi:random at 0.3.0 and 0.2: random, insecure, insecure-seed. All from getrandom(2), or from the seed. Test:
// test/unit/wasi_link_test.cpp.
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "wasi/state.h"

namespace wjit::wasi {
namespace {

// The guest's memory bounds what it can take; this bounds what one call makes the host allocate.
constexpr uint64_t kMaxBytes = 64 << 20;

}  // namespace

void fill_random(Store& store, void* memory, size_t bytes) {
  if (store.choices != nullptr) return store.choices->fill(memory, bytes);
  auto* at = static_cast<char*>(memory);
  while (bytes > 0) {
    ssize_t n = getrandom(at, bytes, 0);
    if (n < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    at += n;
    bytes -= static_cast<size_t>(n);
  }
}

namespace {

template <typename T>
T random_value(HostCall& call) {
  T value;
  fill_random(*call.store, &value, sizeof(value));
  return value;
}

List<uint8_t> random_bytes(HostCall& call, uint64_t length) {
  if (length > kMaxBytes) {
    call.trap(fmt::format("random bytes: {} are too many for one call", length));
    return {};
  }
  void* memory = call.arena->allocate(length + 1, 1);
  fill_random(*call.store, memory, length);
  return {static_cast<const uint8_t*>(memory), length};
}

// 0.3's `max-len` allows fewer bytes than asked for.
List<uint8_t> some_random_bytes(HostCall& call, uint64_t max_length) {
  return random_bytes(call, std::min<uint64_t>(max_length, 64 << 10));
}

}  // namespace

void add_random(State& state, HostInterfaces& interfaces) {
  // As a value import would be: the same at every call, by either version.
  using Seed = Tuple<uint64_t, uint64_t>;
  auto only_seed = std::make_shared<std::optional<Seed>>();
  for (bool is_0_3 : {true, false}) {
    const char* version = is_0_3 ? "@0.3.0" : "@0.2.12";
    auto bytes = is_0_3 ? some_random_bytes : random_bytes;
    auto number = [](HostCall& call) { return random_value<uint64_t>(call); };

    InterfaceBuilder random(std::string("wasi:random/random") + version, state.resources);
    random.add<List<uint8_t>(uint64_t)>("get-random-bytes", bytes);
    random.add<uint64_t()>("get-random-u64", number);
    interfaces.add(random.finish());

    InterfaceBuilder insecure(std::string("wasi:random/insecure") + version, state.resources);
    insecure.add<List<uint8_t>(uint64_t)>("get-insecure-random-bytes", bytes);
    insecure.add<uint64_t()>("get-insecure-random-u64", number);
    interfaces.add(insecure.finish());

    InterfaceBuilder seed(std::string("wasi:random/insecure-seed") + version, state.resources);
    seed.add<Seed()>(is_0_3 ? "get-insecure-seed" : "insecure-seed", [only_seed](HostCall& call) {
      if (!only_seed->has_value()) *only_seed = {random_value<uint64_t>(call), random_value<uint64_t>(call)};
      return **only_seed;
    });
    interfaces.add(seed.finish());
  }
}

}  // namespace wjit::wasi
