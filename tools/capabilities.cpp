// See tools/capabilities.h. A row for each capability: the interfaces that stand for it, and what the options give.
#include "tools/capabilities.h"

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

const Row kRows[] = {
    {"arguments, environment", {"wasi:cli/environment@"}, {"args_", "environ_"}, &arguments_of, ""},
    {"standard streams", {"wasi:cli/std", "wasi:cli/terminal-"}, {"fd_read", "fd_write"}, &always, ""},
    {"files", {"wasi:filesystem/"}, {"path_", "fd_prestat_", "fd_readdir"}, &folders_of, "nothing (--dir)"},
    {"network", {"wasi:sockets/"}, {"sock_"}, &network_of, "nothing (--net)"},
    {"clocks", {"wasi:clocks/"}, {"clock_", "poll_oneoff"}, &always, ""},
    {"random numbers", {"wasi:random/"}, {"random_"}, &always, ""},
    {"exit", {"wasi:cli/exit@"}, {"proc_exit"}, &always, ""},
};

// Names of imports: interfaces, or functions of wasi_snapshot_preview1.
std::vector<std::string> imports_of(const Program& program) {
  std::vector<std::string> names;
  if (program.component == nullptr) {
    for (const Import& import : program.module->imports) {
      if (import.module == "wasi_snapshot_preview1") names.push_back(import.name);
    }
    return names;
  }
  for (const Definition& definition : program.component->definitions) {
    if (const auto* import = std::get_if<def::Import>(&definition)) names.push_back(import->decl.name);
  }
  return names;
}

}  // namespace

std::string describe_capabilities(const Program& program, const WasiOptions& given) {
  const std::vector<std::string> imports = imports_of(program);
  std::string text, unasked;
  for (const Row& row : kRows) {
    const auto& prefixes = program.component != nullptr ? row.interfaces : row.preview1;
    std::string asked;
    for (const std::string& name : imports) {
      if (std::none_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return name.starts_with(p); })) {
        continue;
      }
      asked += (asked.empty() ? "" : ", ") + name;
    }
    const std::string what = row.given(given);
    if (!asked.empty()) {
      text += fmt::format("wjit:   {}: {}\nwjit:     for {}\n", row.name, what.empty() ? row.absent : what, asked);
    } else if (!what.empty() && row.given != &always && row.given != &arguments_of) {
      unasked += fmt::format("wjit:   {}: {}\n", row.name, what);
    }
  }
  std::string head = fmt::format("wjit: {} asks for{}\n", program.path, text.empty() ? " nothing" : ", and is given");
  return head + text + (unasked.empty() ? "" : "wjit: not asked for, but given\n" + unasked);
}

}  // namespace wjit::tools
