// See tools/known_failures.h.
#include "tools/known_failures.h"

#include <algorithm>
#include <string_view>

#include "tools/load.h"

namespace wjit::tools {

Result<KnownFailures> KnownFailures::read(const std::string& path) {
  KnownFailures known;
  if (path.empty()) return known;
  Result<Bytes> bytes = read_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  for (uint32_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return fail("{}:{}: expected `script: reason`", path, number);
    known.entries_.emplace_back(line.substr(0, colon));
  }
  return known;
}

bool KnownFailures::contains(const std::string& script) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const std::string& entry) {
    return script.ends_with(entry) &&
           (script.size() == entry.size() || script[script.size() - entry.size() - 1] == '/');
  });
}

}  // namespace wjit::tools
