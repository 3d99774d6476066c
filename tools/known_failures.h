// The list that `wjit wast --known-failures` reads: scripts that fail for a known reason, one a line,
//
//   core/array.wast: needs garbage-collected structures
//
// with empty lines and lines that begin with # in between. An entry means every path that ends in it, at a folder's
// boundary. Test: test/lit/wast.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace wjit::tools {

class KnownFailures {
 public:
  // "" is the empty list.
  static Result<KnownFailures> read(const std::string& path);
  bool contains(const std::string& script) const;

 private:
  std::vector<std::string> entries_;
};

}  // namespace wjit::tools
