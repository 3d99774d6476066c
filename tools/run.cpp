// `wjit run`: makes the engine, the store and the host's interfaces, runs the program, and turns how it ended into a
// status. ^C and the other signals that ask for it end the process at once: the guest has no say, and the system takes
// back what is under way. Tests: test/lit/run.
#include "tools/run.h"

#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "abi/deadlock.h"
#include "base/utf8.h"
#include "frontend/component.h"
#include "tools/capabilities.h"
#include "tools/compose.h"
#include "tools/output.h"

namespace wjit::tools {
namespace {

extern "C" void on_end_signal(int signal) {
  constexpr char kMessage[] = "wjit: interrupted\n";
  if (signal == SIGINT) (void)!write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(128 + signal);
}

// Has signals that ask for it end the process, but for those that whoever started it has it ignore (nohup; a shell's
// background); which these are. By a handler, though the system would do the same: it does not to the first process of
// a container.
sigset_t end_on_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  struct sigaction action{};
  action.sa_handler = on_end_signal;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before{};
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
    sigaddset(&signals, signal);
  }
  return signals;
}

// False after a message: the trace is not complete.
bool close_trace(Tracer& tracer) {
  const Result<> written = tracer.finish();
  if (!written) say("the trace is not complete: {}", written.error().message);
  return written.has_value();
}

// With a trace to be closed, a thread of its own waits for the signals: a signal handler may not, and a guest may never
// come back. Before any other thread, as those inherit that the signals are blocked.
void close_trace_on_signals(const sigset_t& signals, Tracer& tracer) {
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, &tracer] {
    int signal = 0;
    sigwait(&signals, &signal);
    close_trace(tracer);
    on_end_signal(signal);
  }).detach();
}

Result<WasiOptions> wasi_options(const RunOptions& options) {
  WasiOptions wasi;
  wasi.args = options.command;
  wasi.args[0] = base_name(options.command[0]);
  wasi.inherit_env = options.inherit_env;
  for (const std::string& word : wasi.args) {
    if (!is_utf8(word)) return fail("the argument `{}` is not valid UTF-8", word);
  }
  for (const Variable& variable : options.env) {
    const char* value = variable.value ? variable.value->c_str() : getenv(variable.name.c_str());
    if (value == nullptr) return fail("--env {}: the environment has no such variable", variable.name);
    if (!is_utf8(value)) return fail("--env {}: its value is not valid UTF-8", variable.name);
    wasi.env.emplace_back(variable.name, value);
  }
  wasi.preopens = options.folders;
  wasi.network = options.network;
  wasi.listen = options.listen;
  wasi.broken_stdout_status = kStatusBrokenPipe;
  return wasi;
}

// A server holds a descriptor for each connection; the limit that is meant to be raised by who needs more is raised.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<Program> load(const RunOptions& options, std::vector<std::string>& notes) {
  if (options.plugs.empty()) return load_program(options.command[0]);
  Result<Composed> composed = compose_files(options.command[0], options.plugs);
  if (!composed) return std::unexpected(composed.error());
  notes = std::move(composed->notes);
  return std::move(composed->program);
}

// Each --value is for an import that there is.
Result<> check_values(const Program& program, const RunOptions& options) {
  std::vector<std::string_view> imports;
  if (program.component != nullptr) {
    for (const ExternDecl& import : (*program.component->types)[program.component->type].imports) {
      if (import.sort == ExternSort::Value) imports.push_back(import.name);
    }
  }
  for (const NamedValue& value : options.values) {
    if (std::ranges::find(imports, value.name) != imports.end()) continue;
    return fail("--value {}: {} imports no such value; it imports {}", value.name, program.path,
                imports.empty() ? "none" : fmt::format("{}", fmt::join(imports, ", ")));
  }
  return {};
}

int run_program(const RunOptions& options, const sigset_t& signals) {
  Result<WasiOptions> wasi = wasi_options(options);
  if (!wasi) return report(wasi.error());
  std::vector<std::string> notes;
  Result<Program> program = load(options, notes);
  if (!program) return report(program.error());
  if (auto known = check_values(*program, options); !known) return report(known.error());
  if (options.network.any(NetworkUse::TcpConnect) || options.network.any(NetworkUse::TcpListen)) {
    raise_descriptor_limit();
  }
  if (options.verbose) write_message(describe_capabilities(*program, *wasi));
  Session session;
  session.program = options.command[0];
  auto engine = Engine::create(options.compile);
  if (!engine) return report(engine.error());
  session.engine = std::move(*engine);
  session.scheduler = std::make_unique<Scheduler>(
      SchedulerOptions{.io = options.io, .seed = options.seed, .steady_waits = options.steady_waits});
  if (options.io == IoKind::Uring && session.scheduler->io_name() != std::string_view("io_uring")) {
    return report(Error{"--io uring: the kernel does not let this process use io_uring"});
  }
  StoreOptions store_options{.stack_limit = options.stack_limit, .eager_calls = options.trace.empty()};
  if (options.host_memory) store_options.host_memory = *options.host_memory;
  session.store = std::make_unique<Store>(*session.engine, *session.scheduler, store_options);
  if (!options.trace.empty()) {
    auto tracer = Tracer::start(options.trace, *session.store);
    if (!tracer) return report(tracer.error());
    session.tracer = std::move(*tracer);
    close_trace_on_signals(signals, *session.tracer);
  }
  auto host = WasiHost::create(*session.store, std::move(*wasi));
  if (!host) return report(host.error());
  session.wasi = std::move(*host);
  session.notes = std::move(notes);
  int status = program->component != nullptr ? run_component(session, program->component, options)
                                             : run_core_module(session, program->module, options);
  // What the guest has handed over is still written; after a trap nobody counts on that.
  session.wasi->end(session.store->locked_down());
  if (status != kStatusTrap && session.wasi->is_writing()) {
    session.scheduler->run(*session.store, [&] { return !session.wasi->is_writing(); });
  }
  if (status != kStatusTrap) {
    const int error = session.wasi->untold_error();
    if (error == EPIPE && status == 0) status = kStatusBrokenPipe;
    if (error != 0 && error != EPIPE) {
      report(Error{fmt::format("{}: what it wrote last is lost: {}", session.program, strerror(error))});
      if (status == 0) status = kStatusError;
    }
  }
  if (session.tracer != nullptr && !close_trace(*session.tracer) && status == 0) status = kStatusError;
  // Other operations may be under way still (a read of standard input): they end with the process.
  _exit(status);
}

}  // namespace

int run_command(const RunOptions& options) { return run_program(options, end_on_signals()); }

Ended run_until(Session& session, std::function<void()> work, const std::function<bool()>& done) {
  Store& store = *session.store;
  store.enqueue(std::move(work));
  const RunResult result = session.scheduler->run(store, [&] { return store.locked_down() || done(); });
  if (store.locked_down()) return Ended::Stopped;
  return result == RunResult::Done ? Ended::Done : Ended::Deadlock;
}

int finish_stopped(Session& session) { return finish_trap(session, trap_of(&session.store->context())); }

int finish_trap(const Session& session, const Trap& trap) {
  // A process tells eight bits of its status; none of the guest's failures is to look like success.
  if (trap.exit_requested) return static_cast<int>(std::min(static_cast<uint32_t>(trap.exit_status), uint32_t{255}));
  say("{}: {}", session.program, trap.to_string());
  return kStatusTrap;
}

int finish_deadlock(Session& session) {
  say("{}: {}{}", session.program, message(TrapCode::Deadlock), describe_deadlock(*session.store));
  return kStatusTrap;
}

}  // namespace wjit::tools
