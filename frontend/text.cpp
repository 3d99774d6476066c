// Which assembler a text belongs to. The interface is frontend/text.h.
#include "frontend/text.h"

#include "frontend/lexer.h"
#include "frontend/text_component.h"
#include "frontend/text_cursor.h"
#include "frontend/text_module.h"

namespace wjit {

Parsed<Bytes> assemble(std::string_view text) {
  TokenList list = lex(text);
  Cursor c(list);
  Parsed<Bytes> bytes = c.at_open("component") ? assemble_component(c)
                        : c.at_open("module")  ? assemble_module(c)
                                               : assemble_module_fields(c);
  if (bytes && !c.at(TokenKind::End)) c.unexpected("the end of the text");
  if (c.failed()) return std::unexpected(c.error());
  return bytes;
}

}  // namespace wjit
