// The process's map from pc to compiled function (jit/code.h), and the table from pc to wasm offset of each function,
// which is made when the first backtrace asks for it. The map itself is a RangeMap (jit/range_map.h): signal handlers
// read it. Whoever links code adds its ranges (jit/orc_link.cpp). Covered by test/unit/code_test.cpp.
#include <algorithm>
#include <memory>

#include "base/check.h"
#include "jit/code.h"
#include "jit/range_map.h"

namespace wjit::code_map {
namespace {

constinit RangeMap<CodeRange> ranges;  // no destructor runs: threads may fault while the process exits
std::mutex lines_mutex;                // guards CodeRange::lines of all ranges

}  // namespace

void add(CodeRange range) {
  const uint64_t begin = range.begin, end = range.end;
  ranges.add(begin, end, std::move(range));
}

void remove(uint64_t begin) { ranges.remove(begin); }

const CodeRange* find(uint64_t pc) { return ranges.find(pc); }

uint64_t wasm_offset(const CodeRange& range, uint64_t pc) {
  std::lock_guard lock(lines_mutex);
  if (!range.lines) {
    range.lines = std::make_unique<CodeRange::Lines>(range.load_lines ? range.load_lines() : CodeRange::Lines{});
  }
  const uint64_t at = pc - range.begin;
  auto after = std::upper_bound(range.lines->begin(), range.lines->end(), at,
                                [](uint64_t value, const auto& line) { return value < line.first; });
  return after == range.lines->begin() ? 0 : std::prev(after)->second;
}

}  // namespace wjit::code_map
