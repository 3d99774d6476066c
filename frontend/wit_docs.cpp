// The interface is frontend/wit_docs.h. A parser of JSON that keeps objects and strings.
#include "frontend/wit_docs.h"

#include <cstdint>
#include <cstdlib>

namespace wjit {
namespace {

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : rest_(text) {}

  // False where the text is no JSON.
  bool run(WitDoc& out) { return value(out, 0) && (skip_space(), rest_.empty()); }

 private:
  static constexpr int kMaxDepth = 64;

  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t' || rest_[0] == '\r')) take();
  }
  char take() {
    const char c = rest_.empty() ? '\0' : rest_[0];
    rest_.remove_prefix(rest_.empty() ? 0 : 1);
    return c;
  }
  bool take(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool value(WitDoc& out, int depth) {
    if (depth > kMaxDepth) return false;
    skip_space();
    if (rest_.empty()) return false;
    switch (rest_[0]) {
      case '{': return object(out, depth);
      case '[': return array(depth);
      case '"': return string(out.text);
      default: return word();
    }
  }

  bool object(WitDoc& out, int depth) {
    take();
    if (take('}')) return true;
    do {
      skip_space();
      std::string name;
      if (rest_.empty() || rest_[0] != '"' || !string(name) || !take(':')) return false;
      if (!value(out.members[name], depth + 1)) return false;
    } while (take(','));
    return take('}');
  }

  bool array(int depth) {
    take();
    if (take(']')) return true;
    do {
      WitDoc ignored;
      if (!value(ignored, depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

  // A number, true, false, null.
  bool word() {
    size_t n = 0;
    while (n < rest_.size() && std::string_view(",]} \n\t\r").find(rest_[n]) == std::string_view::npos) ++n;
    rest_.remove_prefix(n);
    return n != 0;
  }

  bool string(std::string& out) {
    take();
    while (!rest_.empty()) {
      const char c = take();
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const char c = take();
    if (c == 'u') {
      uint32_t code = 0;
      if (!hex(code)) return false;
      if (code >= 0xD800 && code < 0xDC00) {
        uint32_t low = 0;
        if (take() != '\\' || take() != 'u' || !hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xDC00 && code < 0xE000) {
        return false;
      }
      append_utf8(out, code);
      return true;
    }
    const size_t at = kLetters.find(c);
    if (at == std::string_view::npos) return false;
    out += kMeanings[at];
    return true;
  }

  bool hex(uint32_t& code) {
    for (int i = 0; i < 4; ++i) {
      const char c = take();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  static void append_utf8(std::string& out, uint32_t c) {
    const auto put = [&](uint32_t b) { out += static_cast<char>(b); };
    if (c < 0x80) return put(c);
    if (c < 0x800) {
      put(0xC0 | c >> 6);
    } else if (c < 0x10000) {
      put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F));
    } else {
      put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F));
    }
    put(0x80 | (c & 0x3F));
  }

  std::string_view rest_;
};

}  // namespace

const WitDoc* WitDoc::find(std::string_view name) const {
  auto it = members.find(name);
  return it == members.end() ? nullptr : &it->second;
}

const WitDoc* WitDoc::find(const WitDoc* doc, std::initializer_list<std::string_view> path) {
  for (std::string_view name : path) doc = doc == nullptr ? nullptr : doc->find(name);
  return doc;
}

WitDoc parse_wit_docs(std::span<const unsigned char> contents) {
  // The version: 0 and 1 mean the same to whoever reads what is there.
  if (contents.empty() || contents[0] > 1) return {};
  contents = contents.subspan(1);
  WitDoc out;
  if (!JsonParser({reinterpret_cast<const char*>(contents.data()), contents.size()}).run(out)) return {};
  return out;
}

}  // namespace wjit
