// Covers frontend/lexer.h.
#include "frontend/lexer.h"

#include <gtest/gtest.h>

#include <string>

using namespace wjit;

namespace {

std::string kinds(const TokenList& list) {
  static constexpr char letters[] = "()kisncre.";  // in the order of TokenKind
  std::string out;
  for (const Token& token : list.tokens) out.push_back(letters[static_cast<int>(token.kind)]);
  return out;
}
std::string kinds(std::string_view text) { return kinds(lex(text)); }

// The message of the first Error token, "" when there is none.
std::string first_error(std::string_view text) {
  TokenList list = lex(text);
  for (const Token& token : list.tokens) {
    if (token.kind == TokenKind::Error) return list.extra[token.link];
  }
  return "";
}

TEST(Lexer, KindsOfTokens) {
  EXPECT_EQ(kinds("(func $f \"x\" 0x1p3 -inf nan:0x1 @a i32.add)"), "(kisnnkrk).");
  EXPECT_EQ(kinds(""), ".");
  EXPECT_EQ(kinds("a;;c\nb(;x(;y;)z;)c"), "kkk.");
}

TEST(Lexer, TokensNeedSpaceBetweenThem) {
  EXPECT_EQ(kinds("0$l"), "n.");
  EXPECT_EQ(kinds("$l\"a\""), "r.");
  EXPECT_EQ(kinds("\"a\"\"b\""), "r.");
  EXPECT_EQ(kinds("a,b"), "r.");
  EXPECT_EQ(kinds("\"a\"(\"b\")"), "s(s).");
}

TEST(Lexer, Characters) {
  EXPECT_EQ(kinds("'a' ' ' '(' ')' ';' '\\'' '\\u{20ac}' '\xe2\x82\xac' ''')"), "ccccccccc).");
  EXPECT_EQ(kinds("('a');;'b'"), "(c).");
  // What is none is a run of other characters, as it always was.
  EXPECT_EQ(kinds("'ab' '' 'a'b 'a'\"b\""), "rrrr.");
  EXPECT_EQ(kinds("(@x ' )') 'a'"), "r)c.");
  TokenList list = lex("'\\n' 'x'");
  EXPECT_EQ(list.string_value(list.tokens[0]), "\n");
  EXPECT_EQ(list.string_value(list.tokens[1]), "x");
}

TEST(Lexer, MatchingParentheses) {
  TokenList list = lex("(a (b) ) ) (");
  EXPECT_EQ(list.tokens[0].link, 5u);
  EXPECT_EQ(list.tokens[2].link, 4u);
  EXPECT_EQ(list.tokens[4].link, 2u);
  EXPECT_EQ(list.tokens[6].link, kNoMatch);
  EXPECT_EQ(list.tokens[7].link, kNoMatch);
}

TEST(Lexer, QuotedIdsAreTheirNames) {
  TokenList list = lex("$a $\"a\" $\"\\61\" $\"\\u{1F_600} x\"");
  EXPECT_EQ(list.id_name(list.tokens[0]), "a");
  EXPECT_EQ(list.id_name(list.tokens[1]), "a");
  EXPECT_EQ(list.id_name(list.tokens[2]), "a");
  EXPECT_EQ(list.id_name(list.tokens[3]), "\U0001F600 x");
}

TEST(Lexer, StringValues) {
  TokenList list = lex(R"("a\n\t\"\\\'\00\fF\u{e9}" "plain")");
  EXPECT_EQ(list.string_value(list.tokens[0]), std::string("a\n\t\"\\'\0\xff\xc3\xa9", 10));
  EXPECT_EQ(list.string_value(list.tokens[1]), "plain");
}

TEST(Lexer, Errors) {
  EXPECT_EQ(first_error("\"abc"), "unclosed string");
  EXPECT_EQ(first_error("\"a\nb\""), "unclosed string");
  EXPECT_EQ(first_error("\"\\x\""), "illegal escape");
  EXPECT_EQ(first_error("\"\\u{110000}\""), "illegal escape");
  EXPECT_EQ(first_error("\"\\u{d800}\""), "illegal escape");
  EXPECT_EQ(first_error("(; (; ;)"), "unclosed comment");
  EXPECT_EQ(first_error("\x01"), "illegal character");
  EXPECT_EQ(first_error("\xC3\xA9"), "illegal character");
  EXPECT_EQ(first_error(";; \xff"), "malformed UTF-8 encoding");
  EXPECT_EQ(first_error("\"\xC3\""), "malformed UTF-8 encoding");
  EXPECT_EQ(first_error("$\"\""), "empty identifier");
  EXPECT_EQ(first_error("$"), "empty identifier");
  EXPECT_EQ(first_error("$\"\\ff\""), "malformed UTF-8 encoding");
}

TEST(Lexer, AnErrorInsideAFormLeavesItsParenthesesMatched) {
  TokenList list = lex("(a \"\\x\" b) (c)");
  EXPECT_EQ(kinds(list), "(kek)(k).");
  EXPECT_EQ(list.tokens[0].link, 4u);
}

TEST(Lexer, AnnotationsAreWhiteSpace) {
  TokenList list = lex("(a (@custom \"x\" (after func) ) \")\" b)");
  EXPECT_EQ(kinds(list), "(ksk).");
  ASSERT_EQ(list.annotations.size(), 1u);
  EXPECT_EQ(list.annotations[0].id, "custom");
  EXPECT_EQ(list.annotations[0].before, 2u);
  EXPECT_EQ(list.text.substr(list.annotations[0].begin, list.annotations[0].end - list.annotations[0].begin),
            " \"x\" (after func) ");
  EXPECT_EQ(kinds("(@a , ; ] [ }} }x{ ({) ,{{};}] ;)"), ".");
  EXPECT_EQ(first_error("(@)"), "empty annotation id");
  EXPECT_EQ(first_error("(@x (y (z))"), "unclosed annotation");
  EXPECT_EQ(first_error("(@x \")"), "unclosed string");
}

TEST(Lexer, Positions) {
  TokenList list = lex("(a\n  b\n)");
  InputError error = list.error_at(list.tokens[2].offset, "here");
  EXPECT_EQ(error.line, 2u);
  EXPECT_EQ(error.column, 3u);
}

}  // namespace
