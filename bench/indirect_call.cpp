// A plain indirect C++ call: the limit beside which bench/async.py puts component calls.
#include <benchmark/benchmark.h>

namespace {

__attribute__((noinline)) unsigned add(unsigned a, unsigned b) { return a + b; }

void IndirectCall(benchmark::State& state) {
  unsigned (*volatile function)(unsigned, unsigned) = add;
  unsigned sum = 0, i = 0;
  for (auto unused : state) {
    (void)unused;
    sum = function(sum, i++);
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(IndirectCall);

}  // namespace
