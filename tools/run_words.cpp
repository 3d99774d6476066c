// See tools/run_words.h.
#include "tools/run_words.h"

#include "base/utf8.h"

namespace wjit::tools {

Result<WasiPreopen> parse_folder(std::string_view text) {
  const size_t colons = std::min(text.find("::"), text.size());
  const size_t more = text.find("::", colons + 2);
  WasiPreopen folder;
  folder.host_path = text.substr(0, colons);
  folder.guest_path = colons == text.size() ? text : text.substr(colons + 2, more - (colons + 2));
  folder.read_only = more != std::string_view::npos;
  if (folder.host_path.empty() || folder.guest_path.empty() || (folder.read_only && text.substr(more) != "::ro"))
    return fail("`{}` is no folder; expected HOST, HOST::GUEST or HOST::GUEST::ro", text);
  if (!is_utf8(folder.guest_path)) return fail("`{}`: the guest's name for it is not valid UTF-8", text);
  return folder;
}

Result<Variable> parse_variable(std::string_view text) {
  const size_t equals = text.find('=');
  if (text.empty() || equals == 0) return fail("`{}` has no name; expected NAME=VALUE or NAME", text);
  Variable variable{std::string(text.substr(0, equals)), std::nullopt};
  if (equals != std::string_view::npos) variable.value = text.substr(equals + 1);
  if (!is_utf8(text)) return fail("`{}` is not valid UTF-8", text);
  return variable;
}

Result<NamedValue> parse_named_value(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail("`{}` gives no import a value; expected NAME=VALUE", text);
  return NamedValue{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Result<SocketAddress> parse_listener(std::string_view text) {
  auto address = SocketAddress::parse(text);
  if (!address) return fail("`{}` is no ADDRESS:PORT", text);
  return *address;
}

Result<Invocation> parse_invocation(std::string_view text) {
  Invocation out;
  const size_t open = text.find('(');
  out.name = text.substr(0, open);
  while (!out.name.empty() && out.name.back() == ' ') out.name.pop_back();
  if (out.name.empty()) return fail("`{}` names no function; expected NAME or NAME(VALUES)", text);
  if (open == std::string_view::npos) return out;
  const size_t close = text.find_last_not_of(" \t\n");
  if (text[close] != ')') return fail("`{}`: the closing parenthesis is missing", text);
  out.arguments = text.substr(open + 1, close - open - 1);
  return out;
}

}  // namespace wjit::tools
