// `wjit`: the command line. Options are declared here with CLI11 and handed to one function per command
// (tools/commands.h); what they do lives in libwjit. Wrong usage ends with status 2 and a line that says what is wrong.
// Tests: test/lit/usage.
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <sstream>

#include "tools/commands.h"
#include "tools/output.h"

namespace wjit::tools {
namespace {

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

// `--net` may stand alone, and CLI11 would then take the program's file for its value: so it gets one here. The next
// word is its value if it looks like a rule: letters and '-', then '='. Words from the program's file on are the
// guest's.
void complete_net(const CLI::App& run, std::vector<std::string>& words) {
  auto looks_like_rule = [](const std::string& word) {
    const size_t end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-");
    return end != std::string::npos && end > 0 && word[end] == '=' && word[0] != '-';
  };
  for (size_t i = 1; i < words.size() && words[i].starts_with('-') && words[i] != "--"; ++i) {
    const CLI::Option* option = run.get_option_no_throw(words[i]);
    const bool last = i + 1 == words.size();
    if (words[i] == "--net" && (last || !looks_like_rule(words[i + 1]))) {
      words[i] = "--net=*";
    } else if (option != nullptr && option->get_items_expected_min() > 0) {
      ++i;
    }
  }
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
  CLI::Option* seed = command->add_option("--seed", options.seed, "the seed (default 0)")->needs(flag);
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
  command
      ->add_option(
          "--dir", options.dirs,
          "give the guest a folder: HOST, HOST::GUEST (its name for the guest), or HOST::GUEST::ro (read-only)")
      ->allow_extra_args(false);
  command->add_flag("--inherit-env", options.inherit_env, "give the guest the whole environment");
  command->add_option("--env", options.env, "give the guest a variable: NAME=VALUE, or NAME for the present value")
      ->allow_extra_args(false);
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
  command
      ->add_option_function<std::vector<std::string>>(
          "--tcplisten",
          [&options](const std::vector<std::string>& values) {
            for (const std::string& value : values) {
              auto address = SocketAddress::parse(value);
              if (!address) throw CLI::ValidationError("--tcplisten", fmt::format("`{}` is no ADDRESS:PORT", value));
              options.listen.push_back(*address);
            }
          },
          "give a core module (preview1) a socket that listens at ADDRESS:PORT, as the next descriptor after the "
          "folders")
      ->allow_extra_args(false);
  command
      ->add_option("--value", options.values,
                   "a value for one of the component's imports: NAME=VALUE, in WAVE syntax; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--invoke", options.invoke,
                      "call an export instead of the main function and print its result: 'sum(1, 2)', "
                      "'a:b/iface.name(\"x\")'; values in WAVE");
  command->add_option("--plug", options.plugs, "a component whose exports fill imports of FILE; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--stack", options.stack_limit, "bytes that a guest stack may grow to (default 1048576)")
      ->check(CLI::Range(int64_t{4096}, int64_t{1} << 40));
  command->add_option(
      "--host-memory", options.host_memory,
      "bytes that may be held for the guest's instances, tasks and handles (default: half of the machine's)");
  add_io(command, options.io);
  add_optimization(command, options.compile);
  add_seeds(command, seeds, false);
  command->add_flag("-v,--verbose", options.verbose,
                    "say on standard error which capabilities the program asks for and which it is given");
  command->add_option("--trace", options.trace,
                      "write what runs, waits and is handed over to a file that the Perfetto viewer opens");
  // Options end at the file name; what follows is the guest's.
  command->prefix_command();
  command->footer(
      "FILE is a component or a core module, binary or text; ARG… are the guest's arguments.\n"
      "Status: the guest's own; 134 after a trap, 130 after ^C, 1 input or system error, 2 wrong usage.");
}

void describe_compile(CLI::App* command, CompileCommandOptions& options) {
  command->add_option("file", options.file, "a core module or component, binary or text")->required();
  command->add_option("--emit", options.emit, "what to show: llvm-ir, llvm-ir-opt, asm, obj, wasm-info, adapters")
      ->check(CLI::IsMember({"llvm-ir", "llvm-ir-opt", "asm", "obj", "wasm-info", "adapters"}));
  command->add_option("--filter", options.filter, "only this function: a name or a number");
  command->add_option("-o,--output", options.output, "the file to write (default: standard output)");
  add_optimization(command, options.compile);
}

void describe_compose(CLI::App* command, ComposeOptions& options) {
  command->add_option("file", options.file, "the component whose imports are filled and whose exports stay")
      ->required();
  command->add_option("--plug", options.plugs, "a component whose exports fill imports; may be repeated")
      ->allow_extra_args(false)
      ->required();
  command->add_option("-o,--output", options.output, "the file to write; - is standard output")->required();
  command->footer(
      "Names match when their versions are semver-compatible. The first plug that has an export fills an import of "
      "FILE;\n"
      "an import of a plug is looked for in the plugs behind it first. What nobody exports stays an import.");
}

void describe_print(CLI::App* command, PrintCommandOptions& options) {
  command->add_option("file", options.file, "a core module or component; of a text, the text that its binary has")
      ->required();
  command->add_flag("--exact", options.exact, "note numbers that take more bytes than they need, as (@leb 5)");
  command->add_option("-o,--output", options.output, "the file to write (default: standard output)");
  command->footer(
      "`wjit parse` makes the same bytes of the text again, if the binary has nothing encoded in a longer form than "
      "needed.\n"
      "Linkers pad the numbers that they fill in: with --exact those keep their length. What else may come out "
      "different,\n"
      "though equal: sizes with padding, adjacent locals of one type declared apart.");
}

void describe_parse(CLI::App* command, ParseCommandOptions& options) {
  command->add_option("file", options.file, "a core module or component as text; - is standard input")->required();
  command->add_option("-o,--output", options.output, "the file to write (default: standard output)");
}

void describe_wast(CLI::App* command, WastOptions& options, SeedOptions& seeds) {
  command->add_option("file", options.files, "test scripts")->required();
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

// The program's file and arguments are what run's own options left over.
bool take_program(const CLI::App& command, RunOptions& options) {
  options.command = command.remaining();
  if (!options.command.empty() && options.command[0] == "--") options.command.erase(options.command.begin());
  if (options.command.empty()) {
    say("a program file is required; see `wjit run --help`");
    return false;
  }
  if (options.command[0].size() > 1 && options.command[0][0] == '-') {
    say("unknown option {}; see `wjit run --help`", options.command[0]);
    return false;
  }
  return true;
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
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return fmt::format("wjit: {}; see `wjit --help`\n", error.what());
  });

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
  inspect->add_option("file", inspected, "a core module or component, binary or text")->required();
  std::vector<std::string> validated;
  CLI::App* validate = app.add_subcommand("validate", "check programs and say what is wrong with them");
  validate->add_option("file", validated, "core modules or components, binary or text")->required();
  WastOptions wast_options;
  CLI::App* wast = app.add_subcommand("wast", "run test scripts (.wast) of the public suites");
  SeedOptions wast_seeds;
  describe_wast(wast, wast_options, wast_seeds);

  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (!words.empty() && words[0] == "run") complete_net(*run, words);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    std::ostringstream help, message;
    const bool failed = app.exit(error, help, message) != 0;
    write_message(message.str());
    return failed ? kStatusUsage : print_output(help.str());
  }
  if (version) return version_command(verbose, io);
  if (run_seed.deterministic) run_options.seed = run_seed.seed;
  run_options.steady_waits = run_seed.steady_waits;
  if (run->parsed()) return take_program(*run, run_options) ? run_command(run_options) : kStatusUsage;
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
