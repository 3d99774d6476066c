// See tools/known_failures.h.
#include "tools/known_failures.h"

#include <charconv>
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
    Entry entry{std::string(line.substr(0, colon))};
    // A number and a colon next: the entry names a directive.
    const char* end = line.data() + line.size();
    const auto [rest, wrong] = std::from_chars(line.data() + colon + 1, end, entry.line);
    if (wrong != std::errc{}) {
      entry.line = 0;
    } else if (rest == end || *rest != ':' || entry.line == 0) {
      return fail("{}:{}: expected `script:line: reason`", path, number);
    }
    known.entries_.push_back(std::move(entry));
  }
  return known;
}

std::optional<std::set<uint32_t>> KnownFailures::find(const std::string& script) const {
  std::optional<std::set<uint32_t>> lines;
  for (const Entry& entry : entries_) {
    const size_t size = entry.script.size();
    if (!script.ends_with(entry.script)) continue;
    if (script.size() != size && script[script.size() - size - 1] != '/') continue;
    if (entry.line == 0) return std::set<uint32_t>{};
    if (!lines) lines.emplace();
    lines->insert(entry.line);
  }
  return lines;
}

}  // namespace wjit::tools
