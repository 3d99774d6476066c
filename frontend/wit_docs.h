// The documentation that a binary WIT package carries: the custom section "package-docs", JSON behind a version byte,
// as the tools that write such packages define it. Objects become nodes, strings become their text; all else is
// skipped.
//   {"interfaces": {"types": {"docs": "…", "funcs": {"f": {"docs": "…", "stability": {…}}}, "types": {…}}}, "worlds":
//   …}
// User: frontend/wit_printer.cpp. Pure function. Test: test/unit/wit_printer_test.cpp.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wjit {

struct WitDoc {
  std::string text;                                    // of a string
  std::map<std::string, WitDoc, std::less<>> members;  // of an object

  // A member of a member …; nullptr when there is none.
  const WitDoc* find(std::string_view name) const;
  static const WitDoc* find(const WitDoc* doc, std::initializer_list<std::string_view> path);
};

// Empty when `contents` is not what it should be: documentation is never an error.
WitDoc parse_wit_docs(std::span<const unsigned char> contents);

}  // namespace wjit
