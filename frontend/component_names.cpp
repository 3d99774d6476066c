// See component_names.h; the functions follow the productions of Explainer.md.
#include "frontend/component_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>

namespace wjit {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Fragments between hyphens, each all lower or all upper case; only the first must begin with a letter.
bool is_label(std::string_view s, bool allow_acronyms) {
  bool is_first = true;
  while (true) {
    size_t end = std::min(s.find('-'), s.size());
    std::string_view fragment = s.substr(0, end);
    if (fragment.empty() || (is_first && is_digit(fragment[0]))) return false;
    bool has_lower = false, has_upper = false;
    for (char c : fragment) {
      if (!is_lower(c) && !is_upper(c) && !is_digit(c)) return false;
      has_lower |= is_lower(c);
      has_upper |= is_upper(c);
    }
    if ((has_lower && has_upper) || (has_upper && !allow_acronyms)) return false;
    if (end == s.size()) return true;
    s.remove_prefix(end + 1);
    is_first = false;
  }
}

// Lower case and without hyphens: component-model#704 (2026-08-27), newer than Explainer.md's "Name Uniqueness".
std::string fold(std::string_view s) {
  std::string out;
  for (char c : s) {
    if (c != '-') out += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::unexpected<std::string> not_kebab(std::string_view part, std::string_view name) {
  return std::unexpected(fmt::format("`{}` is not in kebab case, `{}` is not a valid extern name", part, name));
}

// "0" or a number without leading zeros, taken off the front of `s`.
bool take_number(std::string_view& s) {
  size_t n = 0;
  while (n < s.size() && is_digit(s[n])) n++;
  if (n == 0 || (n > 1 && s[0] == '0')) return false;
  s.remove_prefix(n);
  return true;
}

bool take(std::string_view& s, char c) {
  if (s.empty() || s[0] != c) return false;
  s.remove_prefix(1);
  return true;
}

// Identifiers between dots; numeric ones may not have leading zeros in a pre-release.
bool is_dotted_identifiers(std::string_view s, bool is_prerelease) {
  while (true) {
    size_t end = std::min(s.find('.'), s.size());
    std::string_view id = s.substr(0, end);
    if (id.empty()) return false;
    bool is_numeric = true;
    for (char c : id) {
      if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '-') return false;
      is_numeric &= is_digit(c);
    }
    if (is_prerelease && is_numeric && id.size() > 1 && id[0] == '0') return false;
    if (end == s.size()) return true;
    s.remove_prefix(end + 1);
  }
}

std::expected<ExternName, std::string> parse_interface_name(std::string_view name) {
  ExternName out;
  out.kind = ExternNameKind::Interface;
  std::string_view rest = name;
  size_t at = rest.find('@');
  if (at != std::string_view::npos) {
    out.version = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_semver(out.version) && !is_canonical_version(out.version)) {
      return std::unexpected(fmt::format("`{}` is not a valid semver, in the extern name `{}`", out.version, name));
    }
  }
  size_t colon = rest.find(':');
  size_t slash = rest.find('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos || slash < colon) {
    return std::unexpected(
        fmt::format("expected `namespace:package/interface`, `{}` is not a valid extern name", name));
  }
  out.name_space = rest.substr(0, colon);
  out.package = rest.substr(colon + 1, slash - colon - 1);
  out.label = rest.substr(slash + 1);
  if (out.package.find(':') != std::string_view::npos) {
    return std::unexpected(fmt::format("expected `/` after package name, `{}` is not a valid extern name", name));
  }
  if (size_t more = out.label.find('/'); more != std::string_view::npos) {
    return std::unexpected(
        fmt::format("trailing characters found: `{}`, `{}` is not a valid extern name", out.label.substr(more), name));
  }
  if (!is_label(out.name_space, false)) return not_kebab(out.name_space, name);
  if (!is_label(out.package, false)) return not_kebab(out.package, name);
  if (!is_label(out.label, true)) return not_kebab(out.label, name);
  return out;
}

}  // namespace

bool is_kebab_case(std::string_view label) { return is_label(label, true); }

std::expected<ExternName, std::string> parse_extern_name(std::string_view name) {
  ExternName out;
  if (name.starts_with('[')) {
    constexpr std::string_view kConstructor = "[constructor]", kMethod = "[method]", kStatic = "[static]";
    if (name.starts_with(kConstructor)) {
      out.kind = ExternNameKind::Constructor;
      out.resource = name.substr(kConstructor.size());
      if (!is_kebab_case(out.resource)) return not_kebab(out.resource, name);
      return out;
    }
    std::string_view rest;
    if (name.starts_with(kMethod)) {
      out.kind = ExternNameKind::Method;
      rest = name.substr(kMethod.size());
    } else if (name.starts_with(kStatic)) {
      out.kind = ExternNameKind::Static;
      rest = name.substr(kStatic.size());
    } else {
      return std::unexpected(fmt::format("unknown annotation, `{}` is not a valid extern name", name));
    }
    size_t dot = rest.find('.');
    if (dot == std::string_view::npos) {
      return std::unexpected(fmt::format("failed to find `.` character, `{}` is not a valid extern name", name));
    }
    out.resource = rest.substr(0, dot);
    out.label = rest.substr(dot + 1);
    if (!is_kebab_case(out.resource)) return not_kebab(out.resource, name);
    if (!is_kebab_case(out.label)) return not_kebab(out.label, name);
    return out;
  }
  if (name.find(':') != std::string_view::npos) return parse_interface_name(name);
  if (!is_kebab_case(name)) return not_kebab(name, name);
  out.label = name;
  return out;
}

std::string unique_key(std::string_view name, const ExternName& parsed) {
  if (parsed.kind == ExternNameKind::Method || parsed.kind == ExternNameKind::Static) {
    std::string resource = fold(parsed.resource);
    std::string label = fold(parsed.label);
    return resource == label ? resource : resource + "." + label;
  }
  std::string_view unversioned = name.substr(0, name.size() - parsed.version.size());
  return fold(unversioned).append(parsed.version);
}

std::string unique_key(std::string_view label) { return fold(label); }

bool is_semver(std::string_view version) {
  std::string_view s = version;
  if (!take_number(s) || !take(s, '.') || !take_number(s) || !take(s, '.') || !take_number(s)) return false;
  size_t plus = s.find('+');
  if (plus != std::string_view::npos) {
    if (!is_dotted_identifiers(s.substr(plus + 1), false)) return false;
    s = s.substr(0, plus);
  }
  if (s.empty()) return true;
  return take(s, '-') && is_dotted_identifiers(s, true);
}

bool is_canonical_version(std::string_view version) {
  std::string_view s = version;
  if (version == "0.0.0") return true;
  if (s.starts_with("0.0.")) {
    s.remove_prefix(4);
  } else if (s.starts_with("0.")) {
    s.remove_prefix(2);
  }
  return !s.starts_with('0') && take_number(s) && s.empty();
}

std::string_view compatible_version(std::string_view version) {
  if (is_canonical_version(version)) return version;
  if (!is_semver(version)) return {};
  size_t first = version.find('.');
  if (version[0] != '0') return version.substr(0, first);
  size_t second = version.find('.', first + 1);
  if (version[first + 1] != '0') return version.substr(0, second);
  return version.substr(0, version.find_first_of("-+", second));
}

// --- Which names belong together ---

namespace {

struct SplitName {
  std::string_view interface;  // "wasi:cli/stdout"
  std::string_view version;    // "0.3.0", "" if there is none
};

SplitName split(std::string_view name) {
  const size_t at = name.find('@');
  if (at == std::string_view::npos) return {name, {}};
  return {name.substr(0, at), name.substr(at + 1)};
}

// "c" of "a:b/c"; the name itself where there is no slash.
std::string_view label_of(std::string_view interface) { return interface.substr(interface.find('/') + 1); }

std::string_view without_build(std::string_view version) { return version.substr(0, version.find('+')); }

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; gives up above `limit`.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) last[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      const bool same = a[i - 1] == b[j - 1];
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string version_track(std::string_view name) {
  const auto [interface, with_build] = split(name);
  const std::string_view version = without_build(with_build);
  if (!is_semver(version)) return std::string(name.substr(0, name.find('+')));
  if (version.find('-') != std::string_view::npos) return fmt::format("{}@{}", interface, version);
  return fmt::format("{}@{}", interface, compatible_version(version));
}

bool version_less(std::string_view a, std::string_view b) {
  if (!is_semver(a) || !is_semver(b)) return false;
  a = without_build(a);
  b = without_build(b);
  // Numbers as numbers, below all words; a longer list above its own beginning.
  const auto compare_identifiers = [](std::string_view x, std::string_view y) -> std::strong_ordering {
    while (!x.empty() || !y.empty()) {
      if (x.empty() || y.empty()) return y.empty() <=> x.empty();
      const std::string_view p = x.substr(0, x.find('.')), q = y.substr(0, y.find('.'));
      x.remove_prefix(std::min(x.size(), p.size() + 1));
      y.remove_prefix(std::min(y.size(), q.size() + 1));
      const bool p_number = std::ranges::all_of(p, is_digit), q_number = std::ranges::all_of(q, is_digit);
      if (p_number != q_number) return q_number <=> p_number;
      if (p_number && p.size() != q.size()) return p.size() <=> q.size();
      if (p != q) return p <=> q;
    }
    return std::strong_ordering::equal;
  };
  const size_t a_dash = std::min(a.find('-'), a.size()), b_dash = std::min(b.find('-'), b.size());
  const auto core = compare_identifiers(a.substr(0, a_dash), b.substr(0, b_dash));
  if (core != 0) return core < 0;
  const std::string_view a_pre = a.substr(a_dash), b_pre = b.substr(b_dash);
  if (a_pre.empty() || b_pre.empty()) return !a_pre.empty() && b_pre.empty();
  return compare_identifiers(a_pre.substr(1), b_pre.substr(1)) < 0;
}

std::vector<std::string> near_misses(std::string_view wanted, std::span<const std::string> names) {
  constexpr size_t kMost = 8;
  const std::string_view interface = split(wanted).interface;
  const size_t letters = interface.size() < 3 ? 0 : interface.size() < 5 ? 1 : 2;
  std::vector<std::pair<size_t, std::string>> found;
  for (const std::string& name : names) {
    const std::string_view other = split(name).interface;
    const bool has_package = interface.find('/') != std::string_view::npos && other.find('/') != std::string_view::npos;
    const size_t distance = edit_distance(interface, other, letters);
    if (distance <= letters) {
      found.emplace_back(distance, name);
    } else if (has_package && label_of(interface) == label_of(other)) {
      found.emplace_back(letters + 1, name);
    }
  }
  std::ranges::sort(found);
  found.resize(std::min(found.size(), kMost));
  std::vector<std::string> out;
  for (auto& [distance, name] : found) out.push_back(std::move(name));
  return out;
}

std::string enumerate(std::span<const std::string> items) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

}  // namespace wjit
