// Test scripts: the commands. The interface is frontend/wast.h; values are frontend/wast_values.cpp.
//
// The script is cut into tokens once; each command, and each module in it, gets a cursor over its own tokens, so that
// an error in a module ends that module only, and one in a command names its line.
#include "frontend/wast.h"

#include <unordered_map>

#include "frontend/lexer.h"
#include "frontend/text_annotations.h"
#include "frontend/text_component.h"
#include "frontend/text_cursor.h"
#include "frontend/text_module.h"
#include "frontend/wast_values.h"

namespace wjit::wast {
namespace {

using Kind = Command::Kind;

// The words that start a field of a module; a script may be the fields of one module.
bool starts_module_field(std::string_view word) {
  for (std::string_view field :
       {"type", "rec", "import", "func", "table", "memory", "global", "tag", "export", "start", "elem", "data"}) {
    if (word == field) return true;
  }
  return false;
}

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) : list_(lex(text)) {}

  Parsed<std::vector<Command>> run() {
    Cursor c(list_);
    if (c.at_open() && c.kind(1) == TokenKind::Keyword && starts_module_field(c.spelling(1))) {
      commands_.emplace_back().line = line_of(c.peek());
      commands_.back().definition.bytes = assemble_module_fields(c);
      return std::move(commands_);
    }
    while (c.at_open()) {
      uint32_t end = c.form_end();
      Command command;
      command.line = line_of(c.peek());
      if (!c.failed()) {
        Cursor inside(list_, c.position(), end);
        parse_command(inside, command);
        if (inside.failed() && inside.error().fault != InputFault::Unsupported) return std::unexpected(inside.error());
        if (inside.failed()) {
          Command unsupported;
          unsupported.kind = Kind::Unsupported;
          unsupported.line = command.line;
          unsupported.message = inside.error().message;
          command = std::move(unsupported);
        }
        commands_.push_back(std::move(command));
      }
      c.restore(end);
    }
    if (!c.at(TokenKind::End)) c.unexpected("a command");
    if (c.failed()) return std::unexpected(c.error());
    return std::move(commands_);
  }

 private:
  void parse_command(Cursor& c, Command& command) {
    static constexpr std::pair<std::string_view, Kind> assertions[] = {
        {"assert_malformed", Kind::AssertMalformed},
        {"assert_malformed_custom", Kind::AssertMalformed},
        {"assert_invalid", Kind::AssertInvalid},
        {"assert_unlinkable", Kind::AssertUnlinkable}};
    if (c.at_open("invoke") || c.at_open("get")) {
      command.kind = Kind::Action;
      action(c, command);
      return;
    }
    if (c.at_open("module") || c.at_open("component")) {
      module_command(c, command);
      return;
    }
    c.advance();
    if (c.take_keyword("register")) {
      command.kind = Kind::Register;
      command.name = c.expect_name();
      command.module_id = id(c);
    } else if (c.take_keyword("assert_return")) {
      command.kind = Kind::AssertReturn;
      bool of_component = action(c, command);
      while (c.at_open()) command.expected.push_back(parse_value(c, of_component));
    } else if (c.take_keyword("assert_trap")) {
      bool of_module = c.at_open("module") || c.at_open("component");
      command.kind = of_module ? Kind::AssertUninstantiable : Kind::AssertTrap;
      of_module ? definition(c, command.definition) : void(action(c, command));
      command.message = c.expect_string();
    } else if (c.take_keyword("assert_exhaustion")) {
      command.kind = Kind::AssertExhaustion;
      action(c, command);
      command.message = c.expect_string();
    } else if (c.take_keyword("assert_exception")) {
      command.kind = Kind::AssertException;
      action(c, command);
      if (c.at_string()) command.message = c.expect_string();
    } else {
      for (auto [word, kind] : assertions) {
        if (!c.take_keyword(word)) continue;
        command.kind = kind;
        definition(c, command.definition);
        command.message = c.expect_string();
        c.expect_close();
        return;
      }
      c.fail(fmt::format("command {:.40}", c.spelling()), InputFault::Unsupported);
    }
    c.expect_close();
  }

  // `(module …)` and `(component …)` as commands: definitions, and `instance $id $definition`.
  void module_command(Cursor& c, Command& command) {
    bool is_component = c.at_open("component");
    // In a component, `(component instance …)` is no definition either: those have parentheses.
    if (c.kind(2) == TokenKind::Keyword && c.spelling(2) == "instance") {
      c.advance(), c.advance(), c.advance();
      command.kind = Kind::Instance;
      command.name = id(c);
      command.module_id = id(c);
      command.definition.is_component = is_component;
      // One id alone is the definition's.
      if (command.module_id.empty()) std::swap(command.module_id, command.name);
      c.expect_close();
      remember(command.name, is_component);
      return;
    }
    command.kind = Kind::Definition;
    definition(c, command.definition);
    if (!command.definition.is_definition) remember(command.definition.id, is_component);
  }

  // `(module definition? $id? …)`; an error inside stays in the definition.
  void definition(Cursor& c, Definition& out) {
    out.is_component = c.at_open("component");
    if (!out.is_component && !c.at_open("module")) {
      c.unexpected("(module or (component");
      return;
    }
    uint32_t end = c.form_end();
    if (c.failed()) return;
    Cursor inside(list_, c.position(), end);
    inside.advance(), inside.advance();
    out.is_definition = inside.take_keyword("definition");
    std::optional<std::string_view> name = inside.take_id();
    if (name) out.id = "$" + std::string(*name);
    out.is_definition |= inside.take_keyword("definition");
    out.is_quote = inside.at_keyword("quote");
    std::optional<std::string> own = name_annotation(inside);
    if (!own && name) own = std::string(*name);
    out.bytes = out.is_component ? assemble_component_fields(inside, name, std::move(own))
                                 : assemble_module_fields(inside, std::move(own));
    inside.expect_close();
    if (inside.failed()) out.bytes = std::unexpected(inside.error());
    c.restore(end);
  }

  // `(invoke $id? "name" value*)` or `(get $id? "name")`. True when it is about a component.
  bool action(Cursor& c, Command& command) {
    Action& out = command.action;
    out.kind = c.at_open("get") ? Action::Kind::Get : Action::Kind::Invoke;
    if (!c.take_open("get") && !c.take_open("invoke")) {
      // (assert_return (module …)) and the like, which no suite uses, are not known either.
      c.unexpected("(invoke or (get");
      return false;
    }
    out.module = id(c);
    bool of_component = is_component_.contains(out.module) && is_component_[out.module];
    out.name = c.expect_name();
    while (c.at_open()) out.args.push_back(parse_value(c, of_component));
    c.expect_close();
    return of_component;
  }

  // An optional id, with its `$`.
  static std::string id(Cursor& c) {
    auto name = c.take_id();
    return name ? "$" + std::string(*name) : std::string();
  }

  // The new instance is what "" means from here on.
  void remember(const std::string& name, bool is_component) {
    is_component_[""] = is_component;
    if (!name.empty()) is_component_[name] = is_component;
  }

  // Commands come in the order of the text, so lines are counted on from the last one.
  uint32_t line_of(const Token& token) {
    for (; counted_ < token.offset; ++counted_) line_ += list_.text[counted_] == '\n' ? 1 : 0;
    return line_;
  }

  TokenList list_;
  std::vector<Command> commands_;
  std::unordered_map<std::string, bool> is_component_;  // instances by id; "" is the last one
  uint32_t counted_ = 0;
  uint32_t line_ = 1;
};

}  // namespace

Parsed<std::vector<Command>> parse_script(std::string_view text) { return ScriptParser(text).run(); }

}  // namespace wjit::wast
