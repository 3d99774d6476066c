// wasi:cli at 0.3.0 and 0.2: environment, exit, stdin, stdout, stderr, terminal-*. The streams of 0.3 are
// wasi/file_streams.h, those of 0.2 wasi/io.h. Tests: test/unit/wasi_link_test.cpp, the guests of test/guests.
#include <unistd.h>

#include "wasi/file_streams.h"
#include "wasi/io.h"
#include "wasi/state.h"

namespace wjit::wasi {
namespace {

HOST_ENUM(ErrorCode, io, illegal_byte_sequence, pipe)

struct Error {
  using Code = ErrorCode;
  static Code of(int number) {
    if (number == EPIPE) return ErrorCode::pipe;
    return number == EILSEQ ? ErrorCode::illegal_byte_sequence : ErrorCode::io;
  }
};

struct TerminalInput : Object {
  static constexpr const char* kName = "terminal-input";
};
struct TerminalOutput : Object {
  static constexpr const char* kName = "terminal-output";
};

void add_environment(State& state, HostInterfaces& interfaces, bool is_0_3) {
  InterfaceBuilder environment(is_0_3 ? "wasi:cli/environment@0.3.0" : "wasi:cli/environment@0.2.12", state.resources);
  using Variables = List<Tuple<String, String>>;
  environment.add<Variables()>("get-environment", [&state](HostCall& call) {
    std::vector<Tuple<String, String>> variables;
    for (const auto& [name, value] : state.environment)
      variables.push_back({std::string_view(name), std::string_view(value)});
    return host::make_list<Tuple<String, String>>(*call.arena, variables);
  });
  environment.add<List<String>()>("get-arguments", [&state](HostCall& call) {
    std::vector<String> arguments;
    for (const std::string& argument : state.options.args) arguments.emplace_back(std::string_view(argument));
    return host::make_list<String>(*call.arena, arguments);
  });
  environment.add<Option<String>()>(is_0_3 ? "get-initial-cwd" : "initial-cwd", [&state](HostCall&) -> Option<String> {
    if (!state.options.initial_cwd) return {};
    return String(std::string_view(*state.options.initial_cwd));
  });
  interfaces.add(environment.finish());
}

void add_exit(State& state, HostInterfaces& interfaces, bool is_0_3) {
  InterfaceBuilder exit(is_0_3 ? "wasi:cli/exit@0.3.0" : "wasi:cli/exit@0.2.12", state.resources);
  exit.add<void(Result<Unit, Unit>)>("exit",
                                     [](HostCall& call, Result<Unit, Unit> status) { call.exit(status.is_error); });
  exit.add<void(uint8_t)>("exit-with-code", [](HostCall& call, uint8_t status) { call.exit(status); });
  interfaces.add(exit.finish());
}

void add_streams_0_3(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder types("wasi:cli/types@0.3.0", state.resources);
  interfaces.add(types.finish());

  const std::shared_ptr<File>& input = state.standard[0];
  InterfaceBuilder in("wasi:cli/stdin@0.3.0", state.resources);
  in.add<Tuple<Stream<uint8_t>, Future<StreamEnd<Error>>>()>(
      "read-via-stream", [&state, input](HostCall& call) { return read_via_stream<Error>(state, call, input, -1); });
  interfaces.add(in.finish());

  for (bool is_error : {false, true}) {
    const std::shared_ptr<File>& output = state.standard[is_error ? 2 : 1];
    InterfaceBuilder out(is_error ? "wasi:cli/stderr@0.3.0" : "wasi:cli/stdout@0.3.0", state.resources);
    out.add<Future<StreamEnd<Error>>(Stream<uint8_t>)>("write-via-stream",
                                                       [&state, output](HostCall& call, Stream<uint8_t> data) {
                                                         return write_via_stream<Error>(state, call, data, output, -1);
                                                       });
    interfaces.add(out.finish());
  }
}

void add_streams_0_2(State& state, HostInterfaces& interfaces) {
  const std::shared_ptr<File>& input = state.standard[0];
  InterfaceBuilder in("wasi:cli/stdin@0.2.12", state.resources);
  in.add<Own<InputStream>()>(
      "get-stdin", [&state, input](HostCall&) { return make_input_stream(state, input, InputKind::Stream, 0); });
  interfaces.add(in.finish());

  for (bool is_error : {false, true}) {
    const std::shared_ptr<File>& output = state.standard[is_error ? 2 : 1];
    InterfaceBuilder out(is_error ? "wasi:cli/stderr@0.2.12" : "wasi:cli/stdout@0.2.12", state.resources);
    out.add<Own<OutputStream>()>(is_error ? "get-stderr" : "get-stdout",
                                 [&state, output](HostCall&) { return make_output_stream(state, output, -1); });
    interfaces.add(out.finish());
  }
}

// A terminal's handle says only that the stream is one.
template <typename Terminal>
void add_terminal(State& state, HostInterfaces& interfaces, const char* stream, int fd, const char* version) {
  InterfaceBuilder terminal(fmt::format("wasi:cli/terminal-{}@{}", stream, version), state.resources);
  terminal.add<Option<Own<Terminal>>()>(fmt::format("get-terminal-{}", stream), [&state, fd](HostCall&) {
    return fd >= 0 && isatty(fd) ? Option<Own<Terminal>>(state.make<Terminal>()) : Option<Own<Terminal>>();
  });
  interfaces.add(terminal.finish());
}

void add_terminals(State& state, HostInterfaces& interfaces, const char* version) {
  InterfaceBuilder input(fmt::format("wasi:cli/terminal-input@{}", version), state.resources);
  input.resource<TerminalInput>();
  interfaces.add(input.finish());
  InterfaceBuilder output(fmt::format("wasi:cli/terminal-output@{}", version), state.resources);
  output.resource<TerminalOutput>();
  interfaces.add(output.finish());
  add_terminal<TerminalInput>(state, interfaces, "stdin", state.options.stdin_fd, version);
  add_terminal<TerminalOutput>(state, interfaces, "stdout", state.options.stdout_fd, version);
  add_terminal<TerminalOutput>(state, interfaces, "stderr", state.options.stderr_fd, version);
}

}  // namespace

void add_cli(State& state, HostInterfaces& interfaces) {
  for (bool is_0_3 : {true, false}) {
    add_environment(state, interfaces, is_0_3);
    add_exit(state, interfaces, is_0_3);
    add_terminals(state, interfaces, is_0_3 ? "0.3.0" : "0.2.12");
  }
  add_streams_0_3(state, interfaces);
  add_streams_0_2(state, interfaces);
}

}  // namespace wjit::wasi
