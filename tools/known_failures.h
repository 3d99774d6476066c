// The list that `wjit wast --known-failures` reads: scripts, and single directives of scripts (by the line where they begin),
// that fail for a known reason, one a line,
//
//   core/array.wast: needs garbage-collected structures
//   core/table_init.wast:2272: needs garbage-collected structures
//
// with empty lines and lines that begin with # in between. A script means every path that ends in it, at a folder's
// boundary. Test: test/lit/wast.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace wjit::tools {

class KnownFailures {
 public:
  // "" is the empty list.
  static Result<KnownFailures> read(const std::string& path);

  // Nothing if the script is not listed, else the lines of the directives that must fail; none: the script as a whole.
  std::optional<std::set<uint32_t>> find(const std::string& script) const;

 private:
  struct Entry {
    std::string script;
    uint32_t line = 0;  // 0: the whole script
  };
  std::vector<Entry> entries_;
};

}  // namespace wjit::tools
