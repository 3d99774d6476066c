// See tools/capabilities.h. A row for each capability: the interfaces that stand for it, and what the options give. An
// import belongs to the first row that has it; what is left over is none of the host's.
#include "tools/capabilities.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

namespace wjit::tools {
namespace {

std::string arguments_of(const WasiOptions& given) {
  std::string text = fmt::format("{} after the program's name", given.args.size() - 1);
  if (given.inherit_env) text += "; the whole environment";
  for (const auto& [name, value] : given.env) text += "; " + name;
  return text;
}

std::string folders_of(const WasiOptions& given) {
  std::string text;
  for (const WasiPreopen& folder : given.preopens) {
    text += fmt::format("{}{} as {}{}", text.empty() ? "" : ", ", folder.host_path, folder.guest_path,
                        folder.read_only ? ", read-only" : "");
  }
  return text;
}

std::string network_of(const WasiOptions& given) {
  std::string text = given.network.everything() ? "all of it" : given.network.text();
  for (const SocketAddress& address : given.listen) {
    text += fmt::format("{}listens at {}", text.empty() ? "" : ", ", address.to_string());
  }
  return text;
}

struct Row {
  const char* name;
  std::vector<std::string_view> interfaces;  // what an import's name begins with, of any version
  std::vector<std::string_view> preview1;    // the same for functions
  std::string (*given)(const WasiOptions& options);
  const char* absent;  // said where nothing is given
};

std::string always(const WasiOptions&) { return "given"; }
std::string nothing(const WasiOptions&) { return ""; }

const Row kRows[] = {
    {"arguments, environment", {"wasi:cli/environment@"}, {"args_", "environ_"}, &arguments_of, ""},
    {"standard streams",
     {"wasi:cli/stdin@", "wasi:cli/stdout@", "wasi:cli/stderr@", "wasi:cli/terminal-"},
     {"fd_read", "fd_write"},
     &always,
     ""},
    {"files", {"wasi:filesystem/"}, {"path_", "fd_prestat_", "fd_readdir"}, &folders_of, "nothing (--dir)"},
    {"network", {"wasi:sockets/"}, {"sock_"}, &network_of, "nothing (--net)"},
    {"clocks", {"wasi:clocks/"}, {"clock_", "poll_oneoff"}, &always, ""},
    {"random numbers", {"wasi:random/"}, {"random_"}, &always, ""},
    {"exit", {"wasi:cli/exit@"}, {"proc_exit"}, &always, ""},
    {"what those work with", {"wasi:io/", "wasi:cli/types@"}, {"fd_", "sched_yield", "proc_raise"}, &always, ""},
    {"others", {""}, {""}, &nothing, "nothing: the host has no such thing"},
};

// Names of imports of one sort: of components; of core modules functions of wasi_snapshot_preview1, and what else there
// is with its module.
std::vector<std::string> imports_of(const Program& program, bool values) {
  std::vector<std::string> names;
  if (program.component == nullptr) {
    if (values) return names;
    for (const Import& import : program.module->imports) {
      names.push_back(import.module == "wasi_snapshot_preview1" ? import.name
                                                                : fmt::format("`{}` `{}`", import.module, import.name));
    }
    return names;
  }
  for (const Definition& definition : program.component->definitions) {
    const auto* import = std::get_if<def::Import>(&definition);
    if (import != nullptr && (import->decl.sort == ExternSort::Value) == values) names.push_back(import->decl.name);
  }
  return names;
}

std::string lines(std::string_view name, std::string_view given, const std::vector<std::string>& asked) {
  return fmt::format("wjit:   {}: {}\nwjit:     for {}\n", name, given, fmt::join(asked, ", "));
}

}  // namespace

std::string describe_capabilities(const Program& program, const WasiOptions& given) {
  std::vector<std::string> imports = imports_of(program, false);
  std::string text, unasked;
  for (const Row& row : kRows) {
    const auto& prefixes = program.component != nullptr ? row.interfaces : row.preview1;
    std::vector<std::string> asked, others;
    for (std::string& name : imports) {
      const bool here = std::ranges::any_of(prefixes, [&](std::string_view p) { return name.starts_with(p); });
      (here ? asked : others).push_back(std::move(name));
    }
    imports = std::move(others);
    const std::string what = row.given(given);
    if (!asked.empty()) {
      text += lines(row.name, what.empty() ? row.absent : what, asked);
    } else if (!what.empty() && row.given != &always && row.given != &arguments_of) {
      unasked += fmt::format("wjit:   {}: {}\n", row.name, what);
    }
  }
  const std::vector<std::string> values = imports_of(program, true);
  if (!values.empty()) text += lines("values", "those of --value", values);
  std::string head = fmt::format("wjit: {} asks for{}\n", program.path, text.empty() ? " nothing" : ", and is given");
  return head + text + (unasked.empty() ? "" : "wjit: not asked for, but given\n" + unasked);
}

}  // namespace wjit::tools
