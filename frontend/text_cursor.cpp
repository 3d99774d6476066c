// The interface is frontend/text_cursor.h.
#include "frontend/text_cursor.h"

#include "frontend/reader.h"

namespace wjit {

Cursor::Cursor(const TokenList& list, uint32_t begin, uint32_t end) : list_(&list), position_(begin), end_(end) {
  end_token_.offset = list.tokens[end].offset;
}

bool Cursor::fail(std::string message, InputFault fault) { return fail_at(peek(), std::move(message), fault); }

bool Cursor::fail_at(const Token& at, std::string message, InputFault fault) {
  if (failed()) return false;
  // What the lexer found wrong comes first.
  if (at.kind == TokenKind::Error) {
    message = list_->extra[at.link];
    fault = InputFault::Malformed;
  }
  error_ = list_->error_at(at.offset, std::move(message), fault);
  position_ = end_;
  return false;
}

bool Cursor::fail(InputError error) {
  if (!failed()) error_ = std::move(error);
  position_ = end_;
  return false;
}

bool Cursor::unexpected(std::string_view wanted) {
  std::string found;
  switch (kind()) {
    case TokenKind::End: found = "unexpected end"; break;
    case TokenKind::Reserved: found = fmt::format("unknown operator {:.40}", spelling()); break;
    case TokenKind::Open:
      found =
          kind(1) == TokenKind::Keyword ? fmt::format("unexpected token ({:.40}", spelling(1)) : "unexpected token (";
      break;
    default: found = fmt::format("unexpected token {:.40}", spelling());
  }
  if (!wanted.empty()) found += fmt::format(", expected {}", wanted);
  return fail(std::move(found));
}

std::optional<std::string_view> Cursor::take_id() {
  if (!at_id()) return std::nullopt;
  std::string_view name = list_->id_name(peek());
  advance();
  return name;
}

bool Cursor::expect_open() { return take(TokenKind::Open) || unexpected("("); }

bool Cursor::expect_open(std::string_view keyword) {
  return take_open(keyword) || unexpected(fmt::format("({}", keyword));
}

bool Cursor::expect_keyword(std::string_view keyword) { return take_keyword(keyword) || unexpected(keyword); }

bool Cursor::expect_close() { return take(TokenKind::Close) || unexpected(")"); }

std::string Cursor::expect_string() {
  if (!at_string()) {
    unexpected("a string");
    return {};
  }
  std::string value = list_->string_value(peek());
  advance();
  return value;
}

std::string Cursor::expect_name() {
  const Token& token = peek();
  std::string value = expect_string();
  if (!is_utf8(std::span(reinterpret_cast<const uint8_t*>(value.data()), value.size()))) {
    fail_at(token, "malformed UTF-8 encoding");
  }
  return value;
}

void Cursor::skip_form() {
  if (at_open()) {
    uint32_t end = form_end();
    restore(end);
  } else if (at_end() || at(TokenKind::Error)) {
    unexpected();
  } else {
    advance();
  }
}

uint32_t Cursor::form_end() {
  const Token& open = peek();
  if (open.kind != TokenKind::Open) {
    unexpected("(");
    return end_;
  }
  if (open.link == kNoMatch || open.link >= end_) {
    fail("unexpected end: this ( is not closed");
    return end_;
  }
  return open.link + 1;
}

uint32_t IndexSpace::add(Cursor& c, std::optional<std::string_view> id) {
  if (id && !ids_.emplace(*id, size_).second) c.fail(fmt::format("duplicate {} ${}", what_, *id));
  return size_++;
}

uint32_t IndexSpace::add_here(Cursor& c) {
  if (c.at_id() && find(c.list().id_name(c.peek()))) {
    c.fail(fmt::format("duplicate {} {}", what_, c.spelling()));
  }
  return add(c, c.take_id());
}

void IndexSpace::bind(Cursor& c, std::string_view id, uint32_t index) {
  if (!ids_.emplace(id, index).second) c.fail(fmt::format("duplicate {} ${}", what_, id));
}

std::optional<uint32_t> IndexSpace::find(std::string_view id) const {
  auto it = ids_.find(id);
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace wjit
