// `wjit`: the command line. Options are declared here with CLI11 and handed to one function per command
// (tools/commands.h); what they do lives in libwjit. Wrong usage ends with status 2 and a line that says what is wrong.
// Tests: test/lit/usage.
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>

#include "tools/commands.h"
#include "tools/output.h"

namespace wjit::tools {
namespace {

// Of options and arguments that name a file.
const CLI::Validator kFileName(
    [](std::string& name) { return name.empty() ? std::string("the name of a file is missing") : std::string(); }, "");

// Of options without a range of their own: CLI11 takes -1 for the largest number.
const CLI::Validator kNotNegative(
    [](std::string& number) {
      return number.starts_with('-') ? fmt::format("{} is less than 0", number) : std::string();
    },
    "");

// -O0 or -O2.
void add_optimization(CLI::App* command, CompileOptions& options) {
  command
      ->add_option_function<int>(
          "-O",
          [&options](int level) {
            options.level = level == 2 ? CompileOptions::Level::Full : CompileOptions::Level::Fast;
          },
          "-O0: compile fast (the default); -O2: compile for speed")
      ->check(CLI::IsMember({0, 2}));
}

// --io, of the program as a whole (for --version) and of run.
void add_io(CLI::App* command, IoKind& io) {
  command
      ->add_option_function<std::string>(
          "--io", [&io](const std::string& name) { io = name == "uring" ? IoKind::Uring : IoKind::Epoll; },
          "uring or epoll: how to wait for files and sockets (default: io_uring where the kernel allows it)")
      ->check(CLI::IsMember({"uring", "epoll"}));
}

// Whether a word that begins with '-' takes the next one as its value.
bool takes_next(const CLI::App& command, const std::string& word) {
  auto wants_value = [&command](const std::string& name) {
    const CLI::Option* option = command.get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_min() > 0;
  };
  if (word.starts_with("--")) return wants_value(word);
  for (size_t i = 1; i < word.size(); ++i) {  // -v, -O2, -vO
    if (wants_value({'-', word[i]})) return i + 1 == word.size();
  }
  return false;
}

// Where the options of a command that stand in `words` from `at` on, and their values, end. What CLI11 would
// misunderstand gets its value here: `--net` may stand alone, and CLI11 would then take the program's file for its
// value (the next word is one if it looks like a rule: letters and '-', then '='); for `--trace=` it would take the
// next word.
size_t complete_options(const CLI::App& command, std::vector<std::string>& words, size_t at) {
  auto looks_like_rule = [](const std::string& word) {
    const size_t end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-");
    return end != std::string::npos && end > 0 && word[end] == '=' && word[0] != '-';
  };
  for (; at < words.size() && words[at].size() > 1 && words[at][0] == '-' && words[at] != "--"; ++at) {
    if (words[at].starts_with("--") && words[at].find('=') == words[at].size() - 1) {
      words[at].pop_back();
      words.insert(words.begin() + static_cast<ptrdiff_t>(at) + 1, "");
    }
    const bool last = at + 1 == words.size();
    if (words[at] == "--net" && (last || (!words[at + 1].empty() && !looks_like_rule(words[at + 1])))) {
      words[at] = "--net=*";
    } else if (takes_next(command, words[at])) {
      ++at;
    }
  }
  return std::min(at, words.size());
}

// Completes all options of the command line, and takes the program and its arguments off that of `wjit run`: they are
// what stands behind its options.
std::vector<std::string> take_program(const CLI::App& app, std::vector<std::string>& words) {
  size_t at = complete_options(app, words, 0);
  if (at == words.size()) return {};
  auto commands = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == words[at]; });
  if (commands.empty()) return {};
  at = complete_options(*commands[0], words, at + 1);
  if (commands[0]->get_name() != "run") {
    while (at < words.size() && words[at] != "--") at = complete_options(*commands[0], words, at + 1);
    return {};
  }
  const size_t program = at < words.size() && words[at] == "--" ? at + 1 : at;
  std::vector<std::string> taken(words.begin() + static_cast<ptrdiff_t>(program), words.end());
  words.resize(at);
  return taken;
}

// "wjit: MESSAGE; see `wjit COMMAND --help`"
int wrong_usage(const CLI::App& app, std::string_view message) {
  const std::vector<CLI::App*> commands = app.get_subcommands();
  say("{}; see `wjit{} --help`", message, commands.empty() ? "" : " " + commands[0]->get_name());
  return kStatusUsage;
}

// The words that CLI11 has left over are wrong, if there are any, rather than what else it misses.
int wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  for (const std::string& word : unknown) {
    if (word.size() > 1 && word[0] == '-') return wrong_usage(app, "unknown option " + word);
  }
  if (app.get_subcommands().empty() && !unknown.empty()) return wrong_usage(app, "unknown command " + unknown[0]);
  return wrong_usage(app, error.what());
}

// An option that may be repeated; `parse` says what each of its words means.
template <typename Item>
void add_items(CLI::App* command, const char* name, std::vector<Item>& items, Result<Item> (*parse)(std::string_view),
               const char* description) {
  command
      ->add_option_function<std::vector<std::string>>(
          name,
          [name, &items, parse](const std::vector<std::string>& words) {
            for (const std::string& word : words) {
              Result<Item> item = parse(word);
              if (!item) throw CLI::ValidationError(name, item.error().message);
              items.push_back(std::move(*item));
            }
          },
          description)
      ->allow_extra_args(false);
}

// What the command line says about seeds, before it is known to fit together.
struct SeedOptions {
  bool deterministic = false;
  uint64_t seed = 0;
  std::string seeds;
  bool steady_waits = false;
};

void add_seeds(CLI::App* command, SeedOptions& options, bool many) {
  CLI::Option* flag = command->add_flag("--deterministic", options.deterministic,
                                        "one worker, virtual time, and every choice drawn from a seed: the same seed "
                                        "gives the same run");
  CLI::Option* seed =
      command->add_option("--seed", options.seed, "the seed (default 0)")->needs(flag)->check(kNotNegative);
  command
      ->add_flag("--steady-waits", options.steady_waits,
                 "do not draw whether a wait for what is there already lets others run: a yield does, no other wait")
      ->needs(flag);
  if (many) {
    command->add_option("--seeds", options.seeds, "many seeds, FIRST..LAST: runs each script with each")
        ->needs(flag)
        ->excludes(seed);
  }
}

// False after a message: `seeds` is no range.
bool take_seeds(const SeedOptions& options, WastOptions& wast) {
  if (!options.deterministic) return true;
  wast.steady_waits = options.steady_waits;
  wast.seeds = {options.seed, options.seed};
  if (options.seeds.empty()) return true;
  const char* end = options.seeds.data() + options.seeds.size();
  auto [dots, error] = std::from_chars(options.seeds.data(), end, wast.seeds->first);
  if (error == std::errc{} && std::string_view(dots, end).starts_with("..")) {
    auto [rest, second_error] = std::from_chars(dots + 2, end, wast.seeds->last);
    if (second_error == std::errc{} && rest == end && wast.seeds->first <= wast.seeds->last) return true;
  }
  say("--seeds {}: expected FIRST..LAST, as in 0..999; see `wjit wast --help`", options.seeds);
  return false;
}

void describe_run(CLI::App* command, RunOptions& options, SeedOptions& seeds) {
  add_items(command, "--dir", options.folders, parse_folder,
            "give the guest a folder: HOST, HOST::GUEST (its name for the guest), or HOST::GUEST::ro (read-only)");
  command->add_flag("--inherit-env", options.inherit_env, "give the guest the whole environment");
  add_items(command, "--env", options.env, parse_variable,
            "give the guest a variable: NAME=VALUE, or NAME for the present value");
  command
      ->add_option_function<std::vector<std::string>>(
          "--net",
          [&options](const std::vector<std::string>& values) {
            for (const std::string& value : values) {
              if (auto added = options.network.add(value); !added)
                throw CLI::ValidationError("--net", added.error().message);
            }
          },
          "let the guest use the network: all of it, or tcp-connect=HOST:PORT, tcp-listen=HOST:PORT, udp=HOST:PORT,\n"
          "dns=NAME, with commas between; HOST may be a name, an address with a prefix length (10.0.0.0/8) or *,\n"
          "PORT a range (80-90) or *, NAME *.its-domain or *")
      ->allow_extra_args(false);
  add_items(command, "--tcplisten", options.listen, parse_listener,
            "give a core module (preview1) a socket that listens at ADDRESS:PORT, as the next descriptor after the "
            "folders");
  add_items(command, "--value", options.values, parse_named_value,
            "a value for one of the component's imports: NAME=VALUE, in WAVE syntax; may be repeated");
  command->add_option_function<std::string>(
      "--invoke",
      [&options](const std::string& text) {
        Result<Invocation> invocation = parse_invocation(text);
        if (!invocation) throw CLI::ValidationError("--invoke", invocation.error().message);
        options.invoke = std::move(*invocation);
      },
      "call an export instead of the main function and print its result: 'sum(1, 2)', "
      "'a:b/iface.name(\"x\")'; values in WAVE");
  command->add_option("--plug", options.plugs, "a component whose exports fill imports of FILE; may be repeated")
      ->check(kFileName)
      ->allow_extra_args(false);
  command->add_option("--stack", options.stack_limit, "bytes that a guest stack may grow to (default 1048576)")
      ->check(CLI::Range(int64_t{4096}, int64_t{1} << 40));
  command
      ->add_option(
          "--host-memory", options.host_memory,
          "bytes that may be held for the guest's instances, tasks and handles (default: half of the machine's)")
      ->check(kNotNegative);
  add_io(command, options.io);
  add_optimization(command, options.compile);
  add_seeds(command, seeds, false);
  command->add_flag("-v,--verbose", options.verbose,
                    "say on standard error which capabilities the program asks for and which it is given");
  command
      ->add_option("--trace", options.trace,
                   "write what runs, waits and is handed over to a file that the Perfetto viewer opens")
      ->check(kFileName);
  command->footer(
      "FILE is a component or a core module, binary or text; ARG… are the guest's arguments.\n"
      "Status: the guest's own; 134 after a trap, 130 after ^C, 143 after SIGTERM, 129 after SIGHUP, 141 when nobody "
      "reads what it prints, 1 input or system error, 2 wrong "
      "usage.");
}

void describe_compile(CLI::App* command, CompileCommandOptions& options) {
  command->add_option("file", options.file, "a core module or component, binary or text")->required()->check(kFileName);
  command->add_option("--emit", options.emit, "what to show: llvm-ir, llvm-ir-opt, asm, obj, wasm-info, adapters")
      ->check(CLI::IsMember({"llvm-ir", "llvm-ir-opt", "asm", "obj", "wasm-info", "adapters"}));
  command->add_option("--filter", options.filter, "only this function: a name or a number");
  command->add_option("-o,--output", options.output, "the file to write (default: standard output)")->check(kFileName);
  add_optimization(command, options.compile);
}

void describe_compose(CLI::App* command, ComposeOptions& options) {
  command->add_option("file", options.file, "the component whose imports are filled and whose exports stay")
      ->required()
      ->check(kFileName);
  command->add_option("--plug", options.plugs, "a component whose exports fill imports; may be repeated")
      ->allow_extra_args(false)
      ->required()
      ->check(kFileName);
  command->add_option("-o,--output", options.output, "the file to write; - is standard output")
      ->required()
      ->check(kFileName);
  command->footer(
      "Names match when their versions are semver-compatible. The first plug that has an export fills an import of "
      "FILE;\n"
      "an import of a plug is looked for in the plugs behind it first. What nobody exports stays an import.");
}

void describe_print(CLI::App* command, PrintCommandOptions& options) {
  command->add_option("file", options.file, "a core module or component; of a text, the text that its binary has")
      ->required()
      ->check(kFileName);
  command->add_flag("--exact", options.exact, "note numbers that take more bytes than they need, as (@leb 5)");
  command->add_option("-o,--output", options.output, "the file to write (default: standard output)")->check(kFileName);
  command->footer(
      "`wjit parse` makes the same bytes of the text again, if the binary has nothing encoded in a longer form than "
      "needed.\n"
      "Linkers pad the numbers that they fill in: with --exact those keep their length. What else may come out "
      "different,\n"
      "though equal: sizes with padding, adjacent locals of one type declared apart.");
}

void describe_parse(CLI::App* command, ParseCommandOptions& options) {
  command->add_option("file", options.file, "a core module or component as text; - is standard input")
      ->required()
      ->check(kFileName);
  command->add_option("-o,--output", options.output, "the file to write (default: standard output)")->check(kFileName);
}

void describe_wast(CLI::App* command, WastOptions& options, SeedOptions& seeds) {
  command->add_option("file", options.files, "test scripts")->required()->check(kFileName);
  command
      ->add_option("--known-failures", options.known_failures,
                   "a list of scripts, or directives, that must fail; then what is not listed must pass")
      ->check(CLI::ExistingFile);
  command->add_option("--timeout", options.timeout_seconds, "seconds for each script (default 60)");
  command->add_option("-j,--jobs", options.jobs, "scripts at a time (default 1)")->check(CLI::Range(1, 256));
  command->add_flag("--all", options.show_all, "show every failure of a script, not just the first");
  add_optimization(command, options.compile);
  add_seeds(command, seeds, true);
}

int run_main(int argc, char** argv) {
  CLI::App app("A runtime for WebAssembly components with native async.", "wjit");
  app.set_help_flag("-h,--help", "show this");
  bool version = false, verbose = false;
  app.add_flag("--version", version, "print the version; with -v also what is built in and used");
  app.add_flag("-v,--verbose", verbose, "say more");
  IoKind io = IoKind::Auto;
  add_io(&app, io);
  app.require_subcommand(0, 1);

  RunOptions run_options;
  CLI::App* run = app.add_subcommand("run", "run a program:  wjit run [OPTIONS] FILE [ARG…]");
  SeedOptions run_seed;
  describe_run(run, run_options, run_seed);
  CompileCommandOptions compile_options;
  CLI::App* compile = app.add_subcommand("compile", "show what a program is compiled to");
  describe_compile(compile, compile_options);
  ComposeOptions compose_options;
  CLI::App* compose = app.add_subcommand("compose", "write a component and those plugged into it as one component");
  describe_compose(compose, compose_options);
  PrintCommandOptions print_options;
  CLI::App* print = app.add_subcommand("print", "write a program as text");
  describe_print(print, print_options);
  ParseCommandOptions parse_options;
  CLI::App* parse = app.add_subcommand("parse", "write the binary of a program in text");
  describe_parse(parse, parse_options);
  std::string inspected;
  CLI::App* inspect = app.add_subcommand("inspect", "print a program's imports and exports, of components as WIT");
  inspect->add_option("file", inspected, "a core module or component, binary or text")->required()->check(kFileName);
  std::vector<std::string> validated;
  CLI::App* validate = app.add_subcommand("validate", "check programs and say what is wrong with them");
  validate->add_option("file", validated, "core modules or components, binary or text")->required()->check(kFileName);
  WastOptions wast_options;
  CLI::App* wast = app.add_subcommand("wast", "run test scripts (.wast) of the public suites");
  SeedOptions wast_seeds;
  describe_wast(wast, wast_options, wast_seeds);

  std::vector<std::string> words(argv + 1, argv + argc);
  run_options.command = take_program(app, words);
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return print_output(app.help());
  } catch (const CLI::ValidationError& error) {
    return wrong_usage(app, std::string_view(error.what()));
  } catch (const CLI::ParseError& error) {
    return wrong_usage(app, error);
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0 && !app.get_subcommands().empty())
      return wrong_usage(app, fmt::format("{} before a command: its options stand behind it", option->get_name()));
  }
  if (version) return version_command(verbose, io);
  if (run_seed.deterministic) run_options.seed = run_seed.seed;
  run_options.steady_waits = run_seed.steady_waits;
  if (run->parsed()) {
    if (run_options.command.empty() || run_options.command[0].empty())
      return wrong_usage(app, "a program file is required");
    return run_command(run_options);
  }
  if (compile->parsed()) return compile_command(compile_options);
  if (compose->parsed()) return compose_command(compose_options);
  if (print->parsed()) return print_command(print_options);
  if (parse->parsed()) return parse_command(parse_options);
  if (inspect->parsed()) return inspect_command(inspected);
  if (validate->parsed()) return validate_command(validated);
  if (wast->parsed()) return take_seeds(wast_seeds, wast_options) ? wast_command(wast_options) : kStatusUsage;
  write_message(app.help());
  return kStatusUsage;
}

}  // namespace

}  // namespace wjit::tools

int main(int argc, char** argv) {
  // A reader that goes away, or a file that may not become larger, is an error of the write, not the end of the
  // process.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  // A standard stream that is closed must not become something of our own: reads from it end, writes fail.
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", O_RDONLY);  // takes the lowest number, which is this one
  }
  return wjit::tools::run_main(argc, argv);
}
