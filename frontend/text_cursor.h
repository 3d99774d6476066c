// A position in a token list, and the words that all parsers of the text format use: look ahead, take, expect, fail.
//
// The first failure of a cursor is kept and moves it to the end: from then on it stands before End, every take_… gives
// false, every parse_… a neutral value, at_end() is true, and loops end by themselves. So parsers do not test each
// step; whoever started the parsing looks at failed() once and throws the result away.
//
//   while (c.at_open()) {                   // not `while (!c.at(Close))`, which would not stop at the end of the text
//     if (c.take_open("param")) { …; c.expect_close(); }
//     else return c.unexpected();
//   }
// Users: text_*.cpp, wast.cpp. Test: test/unit/text_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "frontend/lexer.h"
#include "frontend/module.h"

namespace wjit {

class Cursor {
 public:
  // All of `list`, or its tokens [begin, end). The list must outlive the cursor.
  explicit Cursor(const TokenList& list) : Cursor(list, 0, static_cast<uint32_t>(list.tokens.size() - 1)) {}
  Cursor(const TokenList& list, uint32_t begin, uint32_t end);

  // The first error.
  bool failed() const { return error_.has_value(); }
  const InputError& error() const { return *error_; }
  // Fails at the current token (or at `at`), unless failed() already. Gives false, for `return c.fail(…)`.
  bool fail(std::string message, InputFault fault = InputFault::Malformed);
  bool fail_at(const Token& at, std::string message, InputFault fault = InputFault::Malformed);
  bool fail(InputError error);
  // fail("unexpected token …") with the token's spelling; `wanted` says what would have been right.
  bool unexpected(std::string_view wanted = {});

  // Looking; ahead 0 is the current token. Beyond the end (and after a failure) it is End.
  const Token& peek(uint32_t ahead = 0) const {
    return position_ + ahead < end_ ? list_->tokens[position_ + ahead] : end_token_;
  }
  TokenKind kind(uint32_t ahead = 0) const { return peek(ahead).kind; }
  std::string_view spelling(uint32_t ahead = 0) const { return list_->spelling(peek(ahead)); }
  bool at(TokenKind k) const { return kind() == k; }
  bool at_open() const { return at(TokenKind::Open); }
  bool at_open(std::string_view keyword) const { return at_open() && is_keyword(1, keyword); }
  bool at_keyword(std::string_view keyword) const { return is_keyword(0, keyword); }
  bool at_close() const { return at(TokenKind::Close); }
  bool at_id() const { return at(TokenKind::Id); }
  bool at_string() const { return at(TokenKind::String); }
  // True when an index may stand here: a number or an id.
  bool at_index() const { return at(TokenKind::Id) || at(TokenKind::Number); }
  // Nothing left in this form: `)`, the end, or a failure.
  bool at_end() const { return at(TokenKind::Close) || at(TokenKind::End); }

  // Taking.
  void advance() {
    if (position_ < end_) ++position_;
  }
  bool take(TokenKind k) { return at(k) && (advance(), true); }
  bool take_keyword(std::string_view keyword) { return at_keyword(keyword) && (advance(), true); }
  // `(keyword`: both tokens.
  bool take_open(std::string_view keyword) { return at_open(keyword) && (advance(), advance(), true); }
  // An optional id: its name without `$`, or nullopt. The view lives as long as the list.
  std::optional<std::string_view> take_id();

  // Expecting: fail when something else is there.
  bool expect_open();
  bool expect_open(std::string_view keyword);
  bool expect_keyword(std::string_view keyword);
  bool expect_close();
  std::string expect_string();  // the bytes
  std::string expect_name();    // a string that must be UTF-8 ("malformed UTF-8 encoding")

  // Skips one token or one whole form in parentheses.
  void skip_form();

  // Positions are token indices. restore() after a failure changes nothing.
  uint32_t position() const { return position_; }
  void restore(uint32_t position) {
    if (!failed()) position_ = position;
  }
  // The token index after the form at the current `(`; fails when it is not closed.
  uint32_t form_end();
  uint32_t end() const { return end_; }
  const TokenList& list() const { return *list_; }

 private:
  bool is_keyword(uint32_t ahead, std::string_view keyword) const {
    const Token& token = peek(ahead);
    return token.kind == TokenKind::Keyword && list_->spelling(token) == keyword;
  }

  const TokenList* list_;
  uint32_t position_;
  uint32_t end_;
  Token end_token_;
  std::optional<InputError> error_;
};

// One index space: how many entries there are and which of them have ids. `what` is the specification's word for an
// entry
// ("func", "type", "local", …), used in "unknown func $f" and "duplicate func $f".
class IndexSpace {
 public:
  explicit IndexSpace(const char* what) : what_(what) {}
  uint32_t size() const { return size_; }
  // Adds the next entry, giving its index. Ids are views into the text, which must outlive the space.
  uint32_t add(Cursor& c, std::optional<std::string_view> id);
  // Takes the next token as an id, if it is one, and adds the entry.
  uint32_t add_here(Cursor& c);
  // Gives an additional name to an entry.
  void bind(Cursor& c, std::string_view id, uint32_t index);
  std::optional<uint32_t> find(std::string_view id) const;
  // Takes a number (not checked against size(): that is the validator's) or an id; unknown ids fail.
  uint32_t parse_index(Cursor& c) const;
  void clear() {
    ids_.clear();
    size_ = 0;
  }

 private:
  const char* what_;
  uint32_t size_ = 0;
  std::unordered_map<std::string_view, uint32_t> ids_;
};

}  // namespace wjit
