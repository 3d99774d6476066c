// memcpy of 64 KiB chunks: the limit beside which bench/async.py puts streams between components.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

namespace {

void MemcpyChunk(benchmark::State& state) {
  constexpr size_t kChunk = 64 * 1024;
  std::vector<char> from(kChunk, 1), to(kChunk, 2);
  for (auto unused : state) {
    (void)unused;
    benchmark::DoNotOptimize(from.data());
    memcpy(to.data(), from.data(), kChunk);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(MemcpyChunk);

}  // namespace
