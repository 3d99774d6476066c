// `wjit run`: makes the engine, the store and the host's interfaces, runs the program, and turns how it ended into a
// status. ^C ends the process at once: the guest has no say, and the system takes back what is under way. Tests:
// test/lit/run.
#include "tools/run.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "abi/deadlock.h"
#include "base/utf8.h"
#include "tools/capabilities.h"
#include "tools/compose.h"

namespace wjit::tools {
namespace {

extern "C" void on_interrupt(int) {
  constexpr char kMessage[] = "wjit: interrupted\n";
  (void)!write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(kStatusInterrupted);
}

// With a trace to be closed, a thread of its own waits for ^C: a signal handler may not, and a guest may never come
// back. Before any other thread, as those inherit that the signal is blocked.
void close_trace_on_interrupt(Tracer& tracer) {
  sigset_t interrupts;
  sigemptyset(&interrupts);
  sigaddset(&interrupts, SIGINT);
  sigaddset(&interrupts, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &interrupts, nullptr);
  std::thread([interrupts, &tracer] {
    int signal = 0;
    sigwait(&interrupts, &signal);
    if (!tracer.finish()) fmt::print(stderr, "wjit: the trace is not complete: it is being written right now\n");
    if (signal == SIGINT) on_interrupt(signal);
    _exit(128 + signal);
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
  for (const std::string& setting : options.env) {
    const size_t equals = setting.find('=');
    if (equals == 0) return fail("--env {}: a variable needs a name", setting);
    if (equals != std::string::npos) {
      wasi.env.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
    } else if (const char* value = getenv(setting.c_str())) {
      wasi.env.emplace_back(setting, value);
    } else {
      return fail("--env {}: the environment has no such variable", setting);
    }
    const auto& [name, value] = wasi.env.back();
    if (!is_utf8(name) || !is_utf8(value)) return fail("--env {}: not valid UTF-8", setting);
  }
  for (const std::string& dir : options.dirs) {
    const size_t colons = std::min(dir.find("::"), dir.size());
    const size_t more = dir.find("::", colons + 2);
    WasiPreopen preopen;
    preopen.host_path = dir.substr(0, colons);
    preopen.guest_path = colons == dir.size() ? dir : dir.substr(colons + 2, more - (colons + 2));
    preopen.read_only = more != std::string::npos;
    if (preopen.host_path.empty() || preopen.guest_path.empty() || (preopen.read_only && dir.substr(more) != "::ro"))
      return fail("--dir {}: expected HOST, HOST::GUEST or HOST::GUEST::ro", dir);
    if (!is_utf8(preopen.guest_path)) return fail("--dir {}: the guest's name for it is not valid UTF-8", dir);
    wasi.preopens.push_back(std::move(preopen));
  }
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

int run_program(const RunOptions& options) {
  std::vector<std::string> notes;
  Result<Program> program = load(options, notes);
  if (!program) return report(program.error());
  Result<WasiOptions> wasi = wasi_options(options);
  if (!wasi) return report(wasi.error());
  if (options.network.any(NetworkUse::TcpConnect) || options.network.any(NetworkUse::TcpListen)) {
    raise_descriptor_limit();
  }
  if (options.verbose) fmt::print(stderr, "{}", describe_capabilities(*program, *wasi));
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
    close_trace_on_interrupt(*session.tracer);
  }
  auto host = WasiHost::create(*session.store, std::move(*wasi));
  if (!host) return report(host.error());
  session.wasi = std::move(*host);
  session.notes = std::move(notes);
  int status = program->component != nullptr ? run_component(session, program->component, options)
                                             : run_core_module(session, program->module, options);
  if (fflush(stdout) != 0) status = kStatusError;
  // What the guest has handed over is still written; after a trap nobody counts on that.
  if (status != kStatusTrap && session.wasi->is_writing()) {
    session.scheduler->run(*session.store, [&] { return !session.wasi->is_writing(); });
  }
  if (session.tracer != nullptr) session.tracer->finish();
  // Other operations may be under way still (a read of standard input): they end with the process.
  _exit(status);
}

}  // namespace

int run_command(const RunOptions& options) {
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  return run_program(options);
}

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
  fflush(stdout);
  fmt::print(stderr, "wjit: {}: {}\n", session.program, trap.to_string());
  return kStatusTrap;
}

int finish_deadlock(Session& session) {
  fflush(stdout);
  fmt::print(stderr, "wjit: {}: {}{}\n", session.program, message(TrapCode::Deadlock),
             describe_deadlock(*session.store));
  return kStatusTrap;
}

Result<Invocation> parse_invocation(std::string_view text) {
  Invocation out;
  const size_t open = text.find('(');
  out.name = std::string(text.substr(0, open));
  while (!out.name.empty() && out.name.back() == ' ') out.name.pop_back();
  if (out.name.empty()) return fail("--invoke '{}': expected name(values)", text);
  if (open == std::string_view::npos) return out;
  const size_t close = text.find_last_not_of(" \t\n");
  if (text[close] != ')' || close <= open) return fail("--invoke '{}': the closing parenthesis is missing", text);
  out.arguments = std::string(text.substr(open + 1, close - open - 1));
  return out;
}

}  // namespace wjit::tools
