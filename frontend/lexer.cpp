// Cutting a text into tokens: one pass, a table for the character classes, no recursion (nested comments, annotations
// and parentheses are counted). The interface is frontend/lexer.h; the test is test/unit/lexer_test.cpp.
#include "frontend/lexer.h"

#include <array>

#include "frontend/reader.h"

namespace wjit {
namespace {

constexpr size_t kMaxText = size_t{1} << 30;

enum CharClass : uint8_t {
  kIdChar = 1,       // may be part of an id, keyword or number
  kRunChar = 2,      // , ; [ ] { }: only part of reserved tokens
  kStringEnd = 4,    // stops the plain part of a string: quote, backslash, control characters, not ASCII
  kCommentStop = 8,  // what a block comment looks at
};

constexpr std::array<uint8_t, 256> kClass = [] {
  std::array<uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\') table[c] |= kStringEnd;
    if (c >= 0x80 || c == '(' || c == ';') table[c] |= kCommentStop;
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) table[c] |= kIdChar;
  }
  for (char c : std::string_view("!#$%&'*+-./:<=>?@\\^_`|~")) table[static_cast<uint8_t>(c)] |= kIdChar;
  for (char c : std::string_view(",;[]{}")) table[static_cast<uint8_t>(c)] |= kRunChar;
  return table;
}();

bool is(char c, uint8_t classes) { return (kClass[static_cast<uint8_t>(c)] & classes) != 0; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool valid_utf8(std::string_view text) {
  return is_utf8(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

// The bytes of the UTF-8 sequence at `at`, 0 when there is none.
uint32_t utf8_sequence(std::string_view text, size_t at) {
  auto lead = static_cast<uint8_t>(text[at]);
  uint32_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  return at + length <= text.size() && valid_utf8(text.substr(at, length)) ? length : 0;
}

// The value of string contents (between the quotes) that have been checked.
std::string unescape(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\') {
      out.push_back(s[i]);
      continue;
    }
    switch (char e = s[++i]) {
      case 't': out.push_back('\t'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case '"':
      case '\'':
      case '\\': out.push_back(e); break;
      case 'u': {
        uint32_t code = 0;
        for (i += 2; s[i] != '}'; ++i) {
          if (s[i] != '_') code = code * 16 + static_cast<uint32_t>(hex_digit(s[i]));
        }
        append_utf8(out, code);
        break;
      }
      default: out.push_back(static_cast<char>(hex_digit(e) * 16 + hex_digit(s[++i])));
    }
  }
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { list_.text = text; }

  TokenList run() {
    if (text_.size() >= kMaxText) {
      error(0, "text too large");
      pos_ = text_.size();
    }
    list_.tokens.reserve(text_.size() / 4 + 2);
    while (skip_space()) {
      if (text_[pos_] == '(' && pos_ + 1 < text_.size() && text_[pos_ + 1] == '@') {
        annotation();
      } else {
        token();
      }
    }
    for (uint32_t open : opens_) list_.tokens[open].link = kNoMatch;
    list_.tokens.push_back(Token{.offset = static_cast<uint32_t>(pos_)});
    return std::move(list_);
  }

 private:
  // Moves to the next token; false at the end of the text.
  bool skip_space() {
    while (pos_ < text_.size()) {
      char c = text_[pos_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++pos_;
      } else if (c == ';' && next() == ';') {
        line_comment();
      } else if (c == '(' && next() == ';') {
        block_comment();
      } else {
        return true;
      }
    }
    return false;
  }

  char next() const { return pos_ + 1 < text_.size() ? text_[pos_ + 1] : '\0'; }

  void line_comment() {
    while (pos_ < text_.size() && text_[pos_] != '\n' && text_[pos_] != '\r') step_in_comment();
  }

  void block_comment() {
    size_t start = pos_;
    size_t depth = 0;
    do {
      if (text_[pos_] == '(' && next() == ';') {
        ++depth;
        pos_ += 2;
      } else if (text_[pos_] == ';' && next() == ')') {
        --depth;
        pos_ += 2;
      } else {
        step_in_comment();
      }
    } while (depth != 0 && pos_ < text_.size());
    if (depth != 0) error(start, "unclosed comment");
  }

  void step_in_comment() {
    if (static_cast<uint8_t>(text_[pos_]) < 0x80) {
      ++pos_;
      return;
    }
    uint32_t length = utf8_sequence(text_, pos_);
    if (length == 0) error(pos_, "malformed UTF-8 encoding");
    pos_ += length == 0 ? 1 : length;
  }

  // One token that is not white space; appends exactly one to the list.
  void token() {
    char c = text_[pos_];
    if (c == '(') {
      opens_.push_back(static_cast<uint32_t>(list_.tokens.size()));
      push(TokenKind::Open, pos_, 1);
      ++pos_;
    } else if (c == ')') {
      uint32_t match = kNoMatch;
      if (!opens_.empty()) {
        match = opens_.back();
        opens_.pop_back();
        list_.tokens[match].link = static_cast<uint32_t>(list_.tokens.size());
      }
      push(TokenKind::Close, pos_, 1);
      list_.tokens.back().link = match;
      ++pos_;
    } else if (c == '\'' && !in_annotation_ && character()) {
    } else if (c == '"' || is(c, kIdChar | kRunChar)) {
      run_token();
    } else {
      uint32_t length = utf8_sequence(text_, pos_);
      error(pos_, length == 0 ? "malformed UTF-8 encoding" : "illegal character");
      pos_ += length == 0 ? 1 : length;
    }
  }

  // A character between two quotes, which no other token follows at once. Else nothing: it is a run like any other.
  bool character() {
    const size_t start = pos_;
    const char c = ++pos_ < text_.size() ? text_[pos_] : '\0';
    const char e = next();
    bool good = false;
    if (c == '\\') {
      good = std::string_view("tnru\"'\\").contains(e) && escape();
    } else if (static_cast<uint8_t>(c) >= 0x80) {
      const uint32_t length = utf8_sequence(text_, pos_);
      good = length != 0;
      pos_ += length;
    } else {
      good = static_cast<uint8_t>(c) >= 0x20 && c != 0x7F && c != '"';
      ++pos_;
    }
    good = good && pos_ < text_.size() && text_[pos_] == '\'';
    if (good && (next() == '"' || is(next(), kIdChar | kRunChar)))
      good = next() == ';' && pos_ + 2 < text_.size() && text_[pos_ + 2] == ';';
    if (!good) return pos_ = start, false;
    push(TokenKind::Char, start, ++pos_ - start);
    list_.tokens.back().plain = c != '\\';
    return true;
  }

  // The longest run of id characters, strings and , ; [ ] { }, and what kind of token it is as a whole.
  void run_token() {
    size_t start = pos_;
    size_t errors = list_.tokens.size();
    bool only_id_chars = true;
    int strings = 0;
    size_t string_at = 0;
    bool plain = true;
    while (pos_ < text_.size()) {
      char c = text_[pos_];
      if (is(c, kIdChar)) {
        ++pos_;
      } else if (c == '"') {
        only_id_chars = false;
        ++strings;
        string_at = pos_;
        if (!string(plain)) break;
      } else if (is(c, kRunChar) && !(c == ';' && next() == ';')) {
        only_id_chars = false;
        ++pos_;
      } else {
        break;
      }
    }
    if (list_.tokens.size() != errors) return;  // an Error token stands for the run

    char first = text_[start];
    size_t length = pos_ - start;
    bool is_string = strings == 1 && string_at == start && text_[pos_ - 1] == '"';
    bool is_quoted_id = strings == 1 && first == '$' && string_at == start + 1 && text_[pos_ - 1] == '"';
    if (is_string) {
      push(TokenKind::String, start, length);
      list_.tokens.back().plain = plain;
    } else if (is_quoted_id) {
      std::string id = unescape(text_.substr(start + 2, length - 3));
      if (id.empty()) return error(start, "empty identifier");
      if (!valid_utf8(id)) return error(start, "malformed UTF-8 encoding");
      push(TokenKind::Id, start, length);
      list_.tokens.back().link = add_extra(std::move(id));
    } else if (!only_id_chars) {
      push(TokenKind::Reserved, start, length);
    } else if (first == '$') {
      if (length == 1) return error(start, "empty identifier");
      push(TokenKind::Id, start, length);
    } else if (first >= 'a' && first <= 'z') {
      push(TokenKind::Keyword, start, length);
    } else if ((first >= '0' && first <= '9') || first == '+' || first == '-') {
      push(TokenKind::Number, start, length);
    } else {
      push(TokenKind::Reserved, start, length);
    }
  }

  // Moves behind the string at the current quote. False, with an Error token, when it is not one.
  bool string(bool& plain) {
    size_t start = pos_++;
    while (pos_ < text_.size()) {
      char c = text_[pos_];
      if (!is(c, kStringEnd)) {
        ++pos_;
      } else if (c == '"') {
        ++pos_;
        return true;
      } else if (c == '\\') {
        plain = false;
        if (!escape()) return fail_string("illegal escape");
      } else if (static_cast<uint8_t>(c) >= 0x80) {
        uint32_t length = utf8_sequence(text_, pos_);
        if (length == 0) return fail_string("malformed UTF-8 encoding");
        pos_ += length;
      } else {
        return fail_string(c == '\n' || c == '\r' ? "unclosed string" : "illegal character in string");
      }
    }
    error(start, "unclosed string");
    return false;
  }

  bool escape() {
    char e = next();
    if (e == 't' || e == 'n' || e == 'r' || e == '"' || e == '\'' || e == '\\') {
      pos_ += 2;
      return true;
    }
    if (e == 'u') return unicode_escape();
    if (pos_ + 2 >= text_.size() || hex_digit(e) < 0 || hex_digit(text_[pos_ + 2]) < 0) return false;
    pos_ += 3;
    return true;
  }

  // \u{hexnum}, where hexnum may have underscores between digits.
  bool unicode_escape() {
    size_t at = pos_ + 2;
    if (at >= text_.size() || text_[at] != '{') return false;
    uint32_t code = 0;
    bool digit_before = false;
    for (++at; at < text_.size() && text_[at] != '}'; ++at) {
      int digit = hex_digit(text_[at]);
      if (digit < 0) {
        if (text_[at] != '_' || !digit_before) return false;
        digit_before = false;
        continue;
      }
      digit_before = true;
      code = code * 16 + static_cast<uint32_t>(digit);
      if (code >= 0x110000) return false;
    }
    if (at >= text_.size() || !digit_before || (code >= 0xD800 && code < 0xE000)) return false;
    pos_ = at + 1;
    return true;
  }

  // An error in a string; goes on behind its closing quote or at the end of its line.
  bool fail_string(const char* message) {
    error(pos_, message);
    while (pos_ < text_.size() && text_[pos_] != '"' && text_[pos_] != '\n') {
      pos_ += text_[pos_] == '\\' && next() == '"' ? 2 : 1;
    }
    if (pos_ < text_.size()) ++pos_;
    pos_ = std::min(pos_, text_.size());
    return false;
  }

  // `(@id … )`, whose content is any tokens with balanced parentheses.
  void annotation() {
    Annotation annotation;
    annotation.offset = static_cast<uint32_t>(pos_);
    annotation.before = static_cast<uint32_t>(list_.tokens.size());
    size_t start = pos_;
    pos_ += 2;
    bool plain = true;
    size_t id_start = pos_;
    if (pos_ < text_.size() && text_[pos_] == '"') {
      if (!string(plain)) return;
      annotation.id = unescape(text_.substr(id_start + 1, pos_ - id_start - 2));
      if (!valid_utf8(annotation.id)) return error(id_start, "malformed UTF-8 encoding");
    } else {
      while (pos_ < text_.size() && is(text_[pos_], kIdChar)) ++pos_;
      annotation.id = text_.substr(id_start, pos_ - id_start);
    }
    if (annotation.id.empty()) return error(start, "empty annotation id");
    annotation.begin = static_cast<uint32_t>(pos_);

    // The content's tokens are cut, then dropped; an Error among them stays.
    std::vector<uint32_t> outer_opens;
    outer_opens.swap(opens_);
    size_t kept = list_.tokens.size();
    bool closed = false;
    in_annotation_ = true;
    while (!closed && skip_space()) {
      if (text_[pos_] == ')' && opens_.empty()) {
        closed = true;
        annotation.end = static_cast<uint32_t>(pos_++);
      } else {
        size_t before = list_.tokens.size();
        token();
        if (list_.tokens.size() > before && list_.tokens.back().kind == TokenKind::Error) break;
      }
    }
    in_annotation_ = false;
    // Comments inside may have left an Error too, in front of the last token.
    Token failure;
    for (size_t i = kept; i < list_.tokens.size() && failure.kind != TokenKind::Error; ++i) {
      if (list_.tokens[i].kind == TokenKind::Error) failure = list_.tokens[i];
    }
    list_.tokens.resize(kept);
    opens_.swap(outer_opens);
    if (failure.kind == TokenKind::Error) {
      list_.tokens.push_back(failure);
    } else if (!closed) {
      error(start, "unclosed annotation");
    } else {
      list_.annotations.push_back(std::move(annotation));
    }
  }

  uint32_t add_extra(std::string value) {
    list_.extra.push_back(std::move(value));
    return static_cast<uint32_t>(list_.extra.size() - 1);
  }

  void push(TokenKind kind, size_t offset, size_t length) {
    list_.tokens.push_back(Token{.kind = kind,
                                 .offset = static_cast<uint32_t>(offset),
                                 .length = static_cast<uint32_t>(length),
                                 .link = kNoMatch});
  }

  void error(size_t offset, const char* message) {
    push(TokenKind::Error, offset, 0);
    list_.tokens.back().link = add_extra(message);
  }

  std::string_view text_;
  size_t pos_ = 0;
  bool in_annotation_ = false;  // whose tokens are any tokens
  TokenList list_;
  std::vector<uint32_t> opens_;  // indices of the open parentheses that have no match yet
};

}  // namespace

TokenList lex(std::string_view text) { return Lexer(text).run(); }

std::string_view TokenList::id_name(const Token& token) const {
  return token.link == kNoMatch ? spelling(token).substr(1) : std::string_view(extra[token.link]);
}

std::string TokenList::string_value(const Token& token) const {
  std::string_view contents = spelling(token).substr(1, token.length - 2);
  return token.plain ? std::string(contents) : unescape(contents);
}

void TokenList::position(uint32_t offset, uint32_t& line, uint32_t& column) const {
  line = 1;
  column = 1;
  for (char c : text.substr(0, offset)) {
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
}

InputError TokenList::error_at(uint32_t offset, std::string message, InputFault fault) const {
  InputError error{.fault = fault, .message = std::move(message), .offset = offset};
  position(offset, error.line, error.column);
  return error;
}

}  // namespace wjit
