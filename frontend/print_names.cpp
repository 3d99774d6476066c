// The interface is frontend/print_names.h.
#include "frontend/print_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace wjit::print {
namespace {

// What may stand in an id without quotes. Core specification 3.0, section 6.3.5.
bool is_id_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return std::string_view("!#$%&'*+-./:<=>?@\\^_`|~").find(c) != std::string_view::npos;
}

void append_escaped(std::string& out, uint8_t b, bool is_name) {
  switch (b) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\t': out += "\\t"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    default: break;
  }
  if ((b >= 0x20 && b < 0x7F) || (is_name && b >= 0x80)) {
    out += static_cast<char>(b);
  } else {
    constexpr char kDigits[] = "0123456789abcdef";
    out += '\\';
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
}

}  // namespace

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  for (char c : name) append_escaped(out, static_cast<uint8_t>(c), true);
  return out + "\"";
}

std::string quote_data(std::span<const uint8_t> bytes) {
  std::string out = "\"";
  out.reserve(bytes.size() + bytes.size() / 2 + 2);
  for (uint8_t b : bytes) append_escaped(out, b, false);
  out += '"';
  return out;
}

Ids::Ids(const NameMap& names, std::string_view what, uint32_t count) {
  std::unordered_set<std::string> taken;
  for (const auto& [index, name] : names) {
    if (index >= count) break;
    Id id{index, name, ""};
    if (name.empty() || !taken.insert(name).second) {
      id.text = fmt::format("#{}{}{}{}", what, index, name.empty() ? "" : " ", name);
      while (!taken.insert(id.text).second) id.text += "#";
      id.annotation = fmt::format(" (@name {})", quote_name(name));
    }
    const bool plain = std::ranges::all_of(id.text, is_id_char);
    id.text = "$" + (plain ? id.text : quote_name(id.text));
    ids_.push_back(std::move(id));
  }
}

const Ids::Id* Ids::find(uint32_t index) const {
  auto at = std::ranges::lower_bound(ids_, index, {}, &Id::index);
  return at != ids_.end() && at->index == index ? &*at : nullptr;
}

std::string_view Ids::id(uint32_t index) const {
  const Id* found = find(index);
  return found == nullptr ? std::string_view() : found->text;
}

std::string Ids::ref(uint32_t index) const {
  const Id* found = find(index);
  return found == nullptr ? std::to_string(index) : found->text;
}

std::string Ids::definition(uint32_t index) const {
  const Id* found = find(index);
  return found == nullptr ? "" : found->text + found->annotation + " ";
}

std::string definition_head(const Ids& ids, uint32_t index) {
  return fmt::format("{}(;{};)", ids.definition(index), index);
}

std::string custom_annotation(std::string_view name, std::string_view place, std::span<const uint8_t> contents) {
  return fmt::format("(@custom {}{}{} {})", quote_name(name), place.empty() ? "" : " ", place, quote_data(contents));
}

}  // namespace wjit::print
