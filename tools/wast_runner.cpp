// See tools/wast_runner.h. A trap's message fits when one of the expected and the actual one contains the other: the
// suite writes prefixes, and wjit adds details. Why a module is malformed or invalid is not compared, only which of the
// two.
#include "tools/wast_runner.h"

#include <map>
#include <unordered_map>

#include "frontend/decoder.h"
#include "frontend/wast.h"
#include "tools/wast_component.h"
#include "tools/wast_core.h"

namespace wjit::tools {
namespace {

using wast::Command;
using wast::Definition;
using Kind = Command::Kind;

// Some scripts write the "wasm trap: " that precedes the message.
bool fits(std::string_view expected, std::string_view actual) {
  constexpr std::string_view kPrefix = "wasm trap: ";
  if (expected.starts_with(kPrefix)) expected.remove_prefix(kPrefix.size());
  if (actual.starts_with(kPrefix)) actual.remove_prefix(kPrefix.size());
  return actual.find(expected) != std::string_view::npos || expected.find(actual) != std::string_view::npos;
}

std::string describe(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::Trap: return "trap: " + outcome.message + outcome.place;
    case Outcome::Kind::Link: return "link error: " + outcome.message;
    case Outcome::Kind::Error: return outcome.message;
    case Outcome::Kind::Done: break;
  }
  if (outcome.types != nullptr) {
    return outcome.type == kNoType ? "no value" : to_wave(*outcome.types, outcome.type, outcome.value);
  }
  std::string text;
  for (const CoreValue& value : outcome.values) text += (text.empty() ? "" : ", ") + to_string(value);
  return text.empty() ? "no value" : text;
}

// A decoded definition; one of the pointers, or `error`.
struct Decoded {
  std::shared_ptr<const Module> module;
  std::shared_ptr<const Component> component;
  std::optional<InputError> error;
};

Decoded decode_now(const Definition& definition) {
  Decoded out;
  if (!definition.bytes) {
    out.error = definition.bytes.error();
    return out;
  }
  auto bytes = std::make_shared<const Bytes>(*definition.bytes);
  if (definition.is_component) {
    auto component = decode_component(bytes);
    if (component)
      out.component = *component;
    else
      out.error = component.error();
  } else {
    auto module = decode_module(bytes);
    if (module)
      out.module = *module;
    else
      out.error = module.error();
  }
  return out;
}

using Decodings = std::unordered_map<const Definition*, Decoded>;

// One run.
class Script {
 public:
  Script(Engine& engine, Scheduler& scheduler, Decodings& decodings)
      : core_(engine, scheduler), components_(engine, scheduler), decodings_(decodings) {}

  // What is wrong with the command, "" if nothing.
  std::string run(const Command& command) {
    switch (command.kind) {
      case Kind::Definition: return define(command.definition);
      case Kind::Instance: return instantiate(command);
      case Kind::Register: return unless_done(register_as(command));
      case Kind::Action: return unless_done(perform(command.action));
      case Kind::AssertReturn: return assert_return(command);
      case Kind::AssertTrap:
      case Kind::AssertExhaustion: return assert_trap(perform(command.action), command.message);
      case Kind::AssertException: return assert_exception(perform(command.action));
      case Kind::AssertMalformed: return assert_fault(command.definition, InputFault::Malformed, command.message);
      case Kind::AssertInvalid: return assert_fault(command.definition, InputFault::Invalid, command.message);
      case Kind::AssertUnlinkable: return assert_unlinkable(command);
      case Kind::AssertUninstantiable: return assert_uninstantiable(command);
      case Kind::Unsupported: return "not supported yet: " + command.message;
    }
    return "unknown command";
  }

 private:
  const Decoded& decode(const Definition& definition) {
    auto [entry, fresh] = decodings_.try_emplace(&definition);
    if (fresh) entry->second = decode_now(definition);
    return entry->second;
  }

  Outcome instantiate(const Decoded& decoded, const std::string& id) {
    if (decoded.error) return Outcome::error(decoded.error->to_string());
    last_is_component_ = decoded.component != nullptr;
    if (!id.empty()) is_component_[id] = last_is_component_;
    return last_is_component_ ? components_.instantiate(decoded.component, id) : core_.instantiate(decoded.module, id);
  }

  std::string define(const Definition& definition) {
    const Decoded& decoded = decode(definition);
    if (decoded.error) return decoded.error->to_string();
    if (decoded.component != nullptr) {
      components_.define(decoded.component, definition.id);
    } else {
      modules_[""] = decoded.module;
      if (!definition.id.empty()) modules_[definition.id] = decoded.module;
    }
    return definition.is_definition ? "" : unless_done(instantiate(decoded, definition.id));
  }

  std::string instantiate(const Command& command) {
    Decoded decoded;
    if (command.definition.is_component) {
      decoded.component = components_.definition(command.module_id);
    } else if (auto found = modules_.find(command.module_id); found != modules_.end()) {
      decoded.module = found->second;
    }
    if (decoded.component == nullptr && decoded.module == nullptr)
      return fmt::format("no definition {}", command.module_id);
    return unless_done(instantiate(decoded, command.name));
  }

  bool is_component(const std::string& id) const {
    if (id.empty()) return last_is_component_;
    auto found = is_component_.find(id);
    return found != is_component_.end() && found->second;
  }

  Outcome register_as(const Command& command) {
    return is_component(command.module_id) ? components_.register_as(command.name, command.module_id)
                                           : core_.register_as(command.name, command.module_id);
  }

  Outcome perform(const wast::Action& action) {
    return is_component(action.module) ? components_.perform(action) : core_.perform(action);
  }

  static std::string unless_done(const Outcome& outcome) {
    return outcome.kind == Outcome::Kind::Done ? "" : describe(outcome);
  }

  std::string assert_return(const Command& command) {
    Outcome outcome = perform(command.action);
    if (outcome.kind != Outcome::Kind::Done) return describe(outcome);
    bool same = false;
    if (outcome.types != nullptr) {
      const size_t results = outcome.type == kNoType ? 0 : 1;
      same = command.expected.size() == results &&
             (results == 0 || matches(*outcome.types, outcome.type, command.expected[0], outcome.value));
    } else {
      same = command.expected.size() == outcome.values.size();
      for (size_t i = 0; same && i < outcome.values.size(); ++i) same = matches(command.expected[i], outcome.values[i]);
    }
    if (same) return "";
    std::string expected;
    for (const wast::Value& value : command.expected) expected += (expected.empty() ? "" : ", ") + to_string(value);
    return fmt::format("expected {}, got {}", expected.empty() ? "no value" : expected, describe(outcome));
  }

  static std::string assert_trap(const Outcome& outcome, const std::string& expected) {
    if (outcome.kind == Outcome::Kind::Trap && fits(expected, outcome.message)) return "";
    return fmt::format("expected trap \"{}\", got {}", expected, describe(outcome));
  }

  static std::string assert_exception(const Outcome& outcome) {
    if (outcome.kind == Outcome::Kind::Trap && outcome.code == TrapCode::UncaughtException) return "";
    return fmt::format("expected an exception, got {}", describe(outcome));
  }

  std::string assert_fault(const Definition& definition, InputFault fault, const std::string& expected) {
    const char* word = fault == InputFault::Malformed ? "malformed" : "invalid";
    const Decoded& decoded = decode(definition);
    if (!decoded.error) return fmt::format("expected it to be {} (\"{}\"), but it is valid", word, expected);
    if (decoded.error->fault == fault) return "";
    return fmt::format("expected it to be {} (\"{}\"), got {}", word, expected, decoded.error->to_string());
  }

  std::string assert_unlinkable(const Command& command) {
    Outcome outcome = instantiate(decode(command.definition), "");
    if (outcome.kind == Outcome::Kind::Link) return "";
    return fmt::format("expected link error \"{}\", got {}", command.message, describe(outcome));
  }

  std::string assert_uninstantiable(const Command& command) {
    return assert_trap(instantiate(decode(command.definition), ""), command.message);
  }

  CoreScope core_;
  ComponentScope components_;
  Decodings& decodings_;  // of the script's definitions
  std::map<std::string, std::shared_ptr<const Module>, std::less<>> modules_;  // definitions; "": the last one
  std::map<std::string, bool, std::less<>> is_component_;                      // instances by id
  bool last_is_component_ = false;
};

}  // namespace

struct ScriptFile::Contents {
  Parsed<std::vector<Command>> commands;
  Decodings decodings;
};

ScriptFile::ScriptFile(std::string_view text) : contents_(new Contents{wast::parse_script(text), {}}) {}
ScriptFile::~ScriptFile() = default;

ScriptReport ScriptFile::run(Engine& engine, Scheduler& scheduler, const std::function<void(uint32_t line)>& at_line) {
  ScriptReport report;
  const auto& commands = contents_->commands;
  if (!commands) {
    report.failures.push_back({commands.error().line, commands.error().to_string()});
    return report;
  }
  Script script(engine, scheduler, contents_->decodings);
  for (const Command& command : *commands) {
    at_line(command.line);
    if (command.kind >= Kind::AssertReturn) ++report.assertions;
    std::string wrong = script.run(command);
    if (!wrong.empty()) report.failures.push_back({command.line, std::move(wrong)});
  }
  at_line(0);
  return report;
}

}  // namespace wjit::tools
