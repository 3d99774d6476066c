// Names of imports and exports of components: labels in kebab case, annotated function names ("[method]file.read") and
// interface names with a version ("wasi:io/streams@0.2.0"). Grammar: component-model Explainer.md, "Import and Export
// Definitions"; "Name Uniqueness" for unique_key; "Canonical Interface Name" for compatible_version.
// The validator checks names with it, the linker and compose match versions, the WIT printer takes names apart. Pure
// functions over views: a result points into its argument. Any thread. Test: test/unit/component_names_test.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wjit {

enum class ExternNameKind : uint8_t { Label, Constructor, Method, Static, Interface };

struct ExternName {
  ExternNameKind kind = ExternNameKind::Label;
  std::string_view label;     // Label; Method, Static: what follows the dot; Interface: the interface
  std::string_view resource;  // Constructor, Method, Static
  std::string_view name_space, package, version;  // Interface; version without "@", "" if there is none
};

// Takes an import or export name apart; the error says what is wrong with it.
std::expected<ExternName, std::string> parse_extern_name(std::string_view name);

// The production `label`.
bool is_kebab_case(std::string_view label);

// Two names are strongly-unique when their keys differ. `name` must have been parsed to `parsed`.
std::string unique_key(std::string_view name, const ExternName& parsed);
// The same for labels (fields, cases, parameters).
std::string unique_key(std::string_view label);

// A version as https://semver.org defines it.
bool is_semver(std::string_view version);
// The production `canonversion`: "1", "0.2", "0.0.3", "0.0.0".
bool is_canonical_version(std::string_view version);
// The prefix that semver-compatible versions share: "1.2.3" -> "1", "0.2.6-rc.1" -> "0.2", "0.0.1" -> "0.0.1". A
// canonical version is its own prefix, and so is a pre-release of 0.0.x without its suffix. "" for anything else.
std::string_view compatible_version(std::string_view version);

// What serves an import has the same track: "wasi:cli/stdout@0.2.12" -> "wasi:cli/stdout@0.2". Build metadata does not
// count, a pre-release is compatible with itself only; names without a version (or with no valid one) are their own.
std::string version_track(std::string_view name);

// Orders versions that is_semver accepts by precedence (semver.org, 11), build metadata not counted; others as equal.
bool version_less(std::string_view a, std::string_view b);

// Those of `names` that may have been meant by `wanted`, best first: other versions of the same interface, the same
// interface of other packages, and names that differ by a letter or two (at most 8).
std::vector<std::string> near_misses(std::string_view wanted, std::span<const std::string> names);

// "x", "x and y", "x, y and z".
std::string enumerate(std::span<const std::string> items);

}  // namespace wjit
