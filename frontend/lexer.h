// Tokens of the text format. A text is cut into tokens once, by lex(); parsers walk the list with a Cursor
// (frontend/text_cursor.h), and a script (frontend/wast.cpp) hands parts of one list to the assemblers.
//
// Cutting never fails: what is no token (an illegal character, an unclosed string, a bad escape) becomes a token of
// kind Error, which fails whoever meets it. So a malformed module inside a script does not spoil the script. Comments
// are dropped; annotations `(@id …)` are white space, kept in a list of their own for those who understand them.
// Matching parentheses know each other, so that skipping a form takes no time.
// Core specification 3.0, section 6.2 (lexical format). Users: text_*.cpp, wast.cpp. Test: test/unit/lexer_test.cpp.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace wjit {

enum class TokenKind : uint8_t {
  Open,      // (
  Close,     // )
  Keyword,   // starts with a to z; also inf, nan, nan:0x1
  Id,        // $name or $"name"
  String,    // "…"
  Number,    // starts with a digit or a sign (not yet checked to be a number)
  Char,      // 'c', of the component model's values
  Reserved,  // any other run of token characters
  Error,     // not a token
  End,       // after the last one
};

struct Token {
  TokenKind kind = TokenKind::End;
  bool plain = true;    // String, Char: no escapes inside
  uint32_t offset = 0;  // into the text
  uint32_t length = 0;
  // Open, Close: the index of the matching parenthesis, kNoMatch when there is none. Quoted Id, Error: index into
  // TokenList::extra, of the name or the message; kNoMatch for a plain Id.
  uint32_t link = 0;
};
constexpr uint32_t kNoMatch = ~uint32_t{0};

// `(@id …)`: stands in front of token `before`; its content is the text [begin, end), between the id and the `)`.
struct Annotation {
  uint32_t before = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t offset = 0;  // of its `(`
  std::string id;
};

// Owns nothing of the text: that must outlive the list. Immutable once made, any thread may read it.
struct TokenList {
  std::string_view text;
  std::vector<Token> tokens;  // the last one is End
  std::vector<Annotation> annotations;
  std::deque<std::string> extra;

  std::string_view spelling(const Token& token) const { return text.substr(token.offset, token.length); }
  // The name behind `$` of an Id, quotes and escapes resolved: $"a" and $a are the same. Valid as long as list and
  // text.
  std::string_view id_name(const Token& token) const;
  // The bytes of a String, not necessarily UTF-8, or of a Char.
  std::string string_value(const Token& token) const;
  // Line and column from 1; columns count bytes. Linear in the offset: for messages.
  void position(uint32_t offset, uint32_t& line, uint32_t& column) const;
  InputError error_at(uint32_t offset, std::string message, InputFault fault = InputFault::Malformed) const;
};

// Cuts `text` into tokens. Linear; texts of 1 GiB and more give one Error token.
TokenList lex(std::string_view text);

}  // namespace wjit
