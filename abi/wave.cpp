// WAVE, the text form of component values. See abi/value.h.
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "abi/value.h"
#include "base/utf8.h"
#include "frontend/canonical_layout.h"

namespace wjit {
namespace {

void skip_space(std::string_view& text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\n' || text[0] == '\t' || text[0] == '\r'))
    text.remove_prefix(1);
}

bool accept(std::string_view& text, char c) {
  skip_space(text);
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// A kebab-case word; a leading % only says that it is no keyword.
std::string_view take_label(std::string_view& text) {
  skip_space(text);
  if (!text.empty() && text[0] == '%') text.remove_prefix(1);
  size_t n = 0;
  while (n < text.size() && is_label_char(text[n])) ++n;
  std::string_view label = text.substr(0, n);
  text.remove_prefix(n);
  return label;
}

// The characters between two `quote`s, escapes undone.
Result<std::string> take_quoted(std::string_view& text, char quote) {
  if (!accept(text, quote)) return fail("expected {} at `{}`", quote, text.substr(0, 20));
  std::string out;
  while (!text.empty() && text[0] != quote) {
    char c = text[0];
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
      continue;
    }
    if (text.empty()) break;
    char e = text[0];
    text.remove_prefix(1);
    switch (e) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case '\\':
      case '"':
      case '\'': out += e; break;
      case 'u': {
        size_t end = text.find('}');
        if (text.empty() || text[0] != '{' || end == std::string_view::npos) return fail("bad escape \\u");
        auto code = strtoul(std::string(text.substr(1, end - 1)).c_str(), nullptr, 16);
        if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return fail("bad escape \\u");
        append_utf8(out, static_cast<uint32_t>(code));
        text.remove_prefix(end + 1);
        break;
      }
      default: return fail("bad escape \\{}", e);
    }
  }
  if (text.empty()) return fail("a quoted value has no end");
  text.remove_prefix(1);
  return out;
}

Result<uint64_t> take_integer(std::string_view& text, bool is_signed, uint32_t bits) {
  skip_space(text);
  size_t n = 0;
  while (n < text.size() && (text[n] == '-' || text[n] == '+' || is_label_char(text[n]) || text[n] == '_')) ++n;
  std::string word;
  for (char c : text.substr(0, n)) {
    if (c != '_') word += c;
  }
  errno = 0;
  char* end = nullptr;
  bool negative = !word.empty() && word[0] == '-';
  uint64_t value = is_signed ? static_cast<uint64_t>(strtoll(word.c_str(), &end, 0)) : strtoull(word.c_str(), &end, 0);
  if (word.empty() || *end != 0 || errno != 0 || (negative && !is_signed))
    return fail("`{}` is no integer", text.substr(0, n));
  auto as_signed = static_cast<int64_t>(value);
  bool fits =
      bits == 64 || (is_signed ? as_signed >= -(int64_t{1} << (bits - 1)) && as_signed < int64_t{1} << (bits - 1)
                               : value < uint64_t{1} << bits);
  if (!fits) return fail("{} does not fit into {} bits", word, bits);
  text.remove_prefix(n);
  return value;
}

Result<double> take_float(std::string_view& text) {
  skip_space(text);
  size_t n = 0;
  while (n < text.size() && (is_label_char(text[n]) || text[n] == '.' || text[n] == '+')) ++n;
  std::string word(text.substr(0, n));
  char* end = nullptr;
  double value = strtod(word.c_str(), &end);
  if (word.empty() || *end != 0) return fail("`{}` is no number", word);
  text.remove_prefix(n);
  return value;
}

}  // namespace

Result<ComponentValue> parse_wave(const ComponentTypes& types, TypeId type, std::string_view& text) {
  const ComponentTypeDef& def = types[type];
  ComponentValue value;
  value.kind = def.kind;
  auto integer = [&](bool is_signed, uint32_t bits) -> Result<ComponentValue> {
    auto n = take_integer(text, is_signed, bits);
    if (!n) return std::unexpected(n.error());
    value.bits = *n;
    return value;
  };
  // A parenthesised payload for the case `index`.
  auto payload = [&](uint32_t index) -> Result<ComponentValue> {
    value.bits = index;
    TypeId id = case_type(def, index);
    if (id == kNoType) return value;
    if (!accept(text, '(')) return fail("case {} of {} needs a payload in parentheses", index, to_string(types, type));
    auto child = parse_wave(types, id, text);
    if (!child) return child;
    if (!accept(text, ')')) return fail("expected ) at `{}`", text.substr(0, 20));
    value.children.push_back(std::move(*child));
    return value;
  };
  switch (def.kind) {
    case TypeKind::Bool: {
      std::string_view word = take_label(text);
      if (word != "true" && word != "false") return fail("`{}` is no bool", word);
      value.bits = word == "true";
      return value;
    }
    case TypeKind::S8: return integer(true, 8);
    case TypeKind::U8: return integer(false, 8);
    case TypeKind::S16: return integer(true, 16);
    case TypeKind::U16: return integer(false, 16);
    case TypeKind::S32: return integer(true, 32);
    case TypeKind::U32: return integer(false, 32);
    case TypeKind::S64: return integer(true, 64);
    case TypeKind::U64: return integer(false, 64);
    case TypeKind::F32:
    case TypeKind::F64: {
      auto n = take_float(text);
      if (!n) return std::unexpected(n.error());
      value.bits =
          def.kind == TypeKind::F32 ? std::bit_cast<uint32_t>(static_cast<float>(*n)) : std::bit_cast<uint64_t>(*n);
      return value;
    }
    case TypeKind::Char: {
      auto quoted = take_quoted(text, '\'');
      if (!quoted) return std::unexpected(quoted.error());
      if (quoted->empty()) return fail("'' is no char");
      uint32_t code = 0;
      uint32_t used = decode_utf8(reinterpret_cast<const uint8_t*>(quoted->data()), quoted->size(), &code);
      if (used == 0) return fail("a char that is not UTF-8");
      if (used != quoted->size()) return fail("'{}' is more than one char", *quoted);
      value.bits = code;
      return value;
    }
    case TypeKind::String: {
      auto quoted = take_quoted(text, '"');
      if (!quoted) return std::unexpected(quoted.error());
      value.text = std::move(*quoted);
      return value;
    }
    case TypeKind::List:
    case TypeKind::FixedList:
    case TypeKind::Map: {
      bool map = def.kind == TypeKind::Map;
      TypeId element = map ? type - 1 : def.element;
      if (!accept(text, map ? '{' : '[')) return fail("expected a list at `{}`", text.substr(0, 20));
      char close = map ? '}' : ']';
      while (!accept(text, close)) {
        if (!value.children.empty() && !accept(text, ','))
          return fail("expected , or {} at `{}`", close, text.substr(0, 20));
        if (!value.children.empty() && accept(text, close)) break;
        if (map) {
          ComponentValue entry;
          entry.kind = TypeKind::Tuple;
          auto key = parse_wave(types, def.element, text);
          if (!key) return key;
          if (!accept(text, ':')) return fail("expected : at `{}`", text.substr(0, 20));
          auto mapped = parse_wave(types, def.second, text);
          if (!mapped) return mapped;
          entry.children = {std::move(*key), std::move(*mapped)};
          value.children.push_back(std::move(entry));
          continue;
        }
        auto child = parse_wave(types, element, text);
        if (!child) return child;
        value.children.push_back(std::move(*child));
      }
      return value;
    }
    case TypeKind::Tuple: {
      if (!accept(text, '(')) return fail("expected a tuple at `{}`", text.substr(0, 20));
      for (size_t i = 0; i < def.parts.size(); ++i) {
        if (i > 0 && !accept(text, ',')) return fail("expected , at `{}`", text.substr(0, 20));
        auto child = parse_wave(types, def.parts[i].type, text);
        if (!child) return child;
        value.children.push_back(std::move(*child));
      }
      if (!accept(text, ')')) return fail("expected ) at `{}`", text.substr(0, 20));
      return value;
    }
    case TypeKind::Record: {
      if (!accept(text, '{')) return fail("expected a record at `{}`", text.substr(0, 20));
      value.children.resize(def.parts.size());
      std::vector<bool> given(def.parts.size());
      for (bool first = true; !accept(text, '}'); first = false) {
        if (!first && !accept(text, ',')) return fail("expected , or }} at `{}`", text.substr(0, 20));
        if (!first && accept(text, '}')) break;
        if (text.starts_with(":")) return fail("expected a field name");
        std::string_view label = take_label(text);
        size_t i = 0;
        while (i < def.parts.size() && def.parts[i].name != label) ++i;
        if (i == def.parts.size()) return fail("{} has no field `{}`", to_string(types, type), label);
        if (!accept(text, ':')) return fail("expected : after field `{}`", label);
        auto child = parse_wave(types, def.parts[i].type, text);
        if (!child) return child;
        value.children[i] = std::move(*child);
        given[i] = true;
      }
      for (size_t i = 0; i < given.size(); ++i) {
        if (given[i]) continue;
        if (types[def.parts[i].type].kind != TypeKind::Option) return fail("field `{}` is missing", def.parts[i].name);
        value.children[i].kind = TypeKind::Option;  // none
      }
      return value;
    }
    case TypeKind::Flags: {
      if (!accept(text, '{')) return fail("expected flags at `{}`", text.substr(0, 20));
      for (bool first = true; !accept(text, '}'); first = false) {
        if (!first && !accept(text, ',')) return fail("expected , or }} at `{}`", text.substr(0, 20));
        std::string_view label = take_label(text);
        size_t i = 0;
        while (i < def.parts.size() && def.parts[i].name != label) ++i;
        if (i == def.parts.size()) return fail("{} has no flag `{}`", to_string(types, type), label);
        value.bits |= uint64_t{1} << i;
      }
      return value;
    }
    case TypeKind::Option: {
      std::string_view before = text;
      std::string_view word = take_label(text);
      if (word == "none") return payload(0);
      if (word == "some") return payload(1);
      text = before;  // a bare value stands for some(value)
      auto child = parse_wave(types, def.element, text);
      if (!child) return child;
      value.bits = 1;
      value.children.push_back(std::move(*child));
      return value;
    }
    case TypeKind::Result: {
      std::string_view before = text;
      std::string_view word = take_label(text);
      if (word == "ok") return payload(0);
      if (word == "err") return payload(1);
      text = before;
      if (def.element == kNoType) return fail("expected ok or err at `{}`", text.substr(0, 20));
      auto child = parse_wave(types, def.element, text);
      if (!child) return child;
      value.children.push_back(std::move(*child));
      return value;
    }
    case TypeKind::Variant:
    case TypeKind::Enum: {
      std::string_view label = take_label(text);
      for (uint32_t i = 0; i < def.parts.size(); ++i) {
        if (def.parts[i].name == label) return payload(i);
      }
      return fail("{} has no case `{}`", to_string(types, type), label);
    }
    default: return fail("a value of type {} cannot be given on the command line", to_string(types, type));
  }
}

namespace {

void append_escaped(std::string& out, std::string_view text, char quote) {
  out += quote;
  for (char c : text) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (c == '\\' || c == quote) out += '\\';
        if (static_cast<uint8_t>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<uint8_t>(c));
        } else {
          out += c;
        }
    }
  }
  out += quote;
}

template <typename T>
std::string float_text(T value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

}  // namespace

std::string to_wave(const ComponentTypes& types, TypeId type, const ComponentValue& value) {
  const ComponentTypeDef& def = types[type];
  auto children = [&](char open, char close, auto&& child_text) {
    std::string out(1, open);
    for (size_t i = 0; i < value.children.size(); ++i) {
      if (i > 0) out += ", ";
      out += child_text(i);
    }
    return out + close;
  };
  auto with_payload = [&](std::string name) {
    TypeId payload = case_type(def, static_cast<uint32_t>(value.bits));
    if (payload != kNoType) name += "(" + to_wave(types, payload, value.children[0]) + ")";
    return name;
  };
  switch (def.kind) {
    case TypeKind::Bool: return value.bits != 0 ? "true" : "false";
    case TypeKind::S8: return fmt::format("{}", static_cast<int8_t>(value.bits));
    case TypeKind::S16: return fmt::format("{}", static_cast<int16_t>(value.bits));
    case TypeKind::S32: return fmt::format("{}", static_cast<int32_t>(value.bits));
    case TypeKind::S64: return fmt::format("{}", static_cast<int64_t>(value.bits));
    case TypeKind::F32: return float_text(std::bit_cast<float>(static_cast<uint32_t>(value.bits)));
    case TypeKind::F64: return float_text(std::bit_cast<double>(value.bits));
    case TypeKind::Char: {
      std::string utf8, out;
      append_utf8(utf8, static_cast<uint32_t>(value.bits));
      append_escaped(out, utf8, '\'');
      return out;
    }
    case TypeKind::String: {
      std::string out;
      append_escaped(out, value.text, '"');
      return out;
    }
    case TypeKind::List:
    case TypeKind::FixedList:
      return children('[', ']', [&](size_t i) { return to_wave(types, def.element, value.children[i]); });
    case TypeKind::Map:
      return children('{', '}', [&](size_t i) {
        return to_wave(types, def.element, value.children[i].children[0]) + ": " +
               to_wave(types, def.second, value.children[i].children[1]);
      });
    case TypeKind::Tuple:
      return children('(', ')', [&](size_t i) { return to_wave(types, def.parts[i].type, value.children[i]); });
    case TypeKind::Record:
      return children('{', '}', [&](size_t i) {
        return def.parts[i].name + ": " + to_wave(types, def.parts[i].type, value.children[i]);
      });
    case TypeKind::Flags: {
      std::string out = "{";
      for (size_t i = 0; i < def.parts.size(); ++i) {
        if ((value.bits >> i & 1) == 0) continue;
        if (out.size() > 1) out += ", ";
        out += def.parts[i].name;
      }
      return out + "}";
    }
    case TypeKind::Option: return with_payload(value.bits == 0 ? "none" : "some");
    case TypeKind::Result: return with_payload(value.bits == 0 ? "ok" : "err");
    case TypeKind::Variant:
    case TypeKind::Enum: return with_payload(def.parts[value.bits].name);
    case TypeKind::U8:
    case TypeKind::U16:
    case TypeKind::U32:
    case TypeKind::U64: return fmt::format("{}", value.bits);
    default: return fmt::format("<{} {}>", to_string(types, type), value.bits);
  }
}

}  // namespace wjit
