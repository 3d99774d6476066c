// The commands of `wjit`: each takes its parsed options and returns the exit status. tools/main.cpp declares the
// options and calls them.
//
//   status: the guest's own; 0 success; 1 input or system error; 134 after a trap; 130 after ^C, 143 after SIGTERM, 129
//   after SIGHUP;
//           141 when nobody reads what is written to stdout any more (tools/output.h; for guests: wasi/wasi.h,
//           broken_stdout_status);
//           2 wrong usage, from tools/main.cpp
//
// Errors go to stderr as "wjit: …", one sentence (tools/output.h). Tests: test/lit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "jit/compiler.h"
#include "scheduler/io.h"
#include "tools/run_words.h"
#include "wasi/network_rules.h"

namespace wjit::tools {

constexpr int kStatusError = 1;
constexpr int kStatusUsage = 2;
constexpr int kStatusTrap = 134;
constexpr int kStatusBrokenPipe = 141;  // what a shell says of a filter whose reader has gone

// Prints "wjit: <message>" to stderr and returns kStatusError.
int report(const Error& error);

struct RunOptions {
  std::vector<WasiPreopen> folders;   // --dir
  std::vector<Variable> env;          // --env
  bool inherit_env = false;           // all of the process's environment, before `env`
  NetworkRules network;               // --net
  std::vector<SocketAddress> listen;  // --tcplisten
  std::optional<Invocation> invoke;   // --invoke
  std::vector<NamedValue> values;     // --value: for the component's imports of values
  std::vector<std::string> plugs;     // components that fill imports
  CompileOptions compile;
  IoKind io = IoKind::Auto;
  size_t stack_limit = 1 << 20;         // bytes of a fiber's stack
  std::optional<uint64_t> host_memory;  // bytes
  std::optional<uint64_t> seed;         // --deterministic: what choices are drawn from
  bool steady_waits = false;            // --steady-waits: SchedulerOptions::steady_waits
  std::string trace;                    // --trace: the file to write; "": none
  bool verbose = false;                 // -v: says what the program asks for and what it is given
  std::vector<std::string> command;     // the program file and its arguments
};
int run_command(const RunOptions& options);

struct CompileCommandOptions {
  std::string file;
  std::string emit = "llvm-ir";
  std::optional<std::string> filter;  // a function's name or number
  CompileOptions compile;
  std::string output = "-";
};
int compile_command(const CompileCommandOptions& options);

struct ComposeOptions {
  std::string file;
  std::vector<std::string> plugs;
  std::string output;
};
int compose_command(const ComposeOptions& options);

struct PrintCommandOptions {
  std::string file;
  bool exact = false;
  std::string output = "-";
};
int print_command(const PrintCommandOptions& options);

struct ParseCommandOptions {
  std::string file;
  std::string output = "-";
};
int parse_command(const ParseCommandOptions& options);

struct WastOptions {
  std::vector<std::string> files;
  std::string known_failures;     // a file that lists scripts that must fail; "" is none
  unsigned timeout_seconds = 60;  // for each script
  unsigned jobs = 1;              // scripts at a time
  bool show_all = false;          // every failure of a script, not just the first
  // --deterministic: each script is run with each of these seeds, first to last.
  struct Seeds {
    uint64_t first = 0, last = 0;
  };
  std::optional<Seeds> seeds;
  bool steady_waits = false;  // --steady-waits: SchedulerOptions::steady_waits
  CompileOptions compile;
};
int wast_command(const WastOptions& options);

int inspect_command(const std::string& file);
int validate_command(const std::vector<std::string>& files);
int version_command(bool verbose, IoKind io);

}  // namespace wjit::tools
