// `wjit wast`: runs test scripts, each in a forked process of its own, so that a crash or an endless loop in one is a
// failure of that script. A line a script in the order given, then a total:
//
//   ok    spec/core/i32.wast (460 assertions)
//   FAIL  spec/core/table.wast:12: expected … (and 3 more)
//   known spec/core/gc/array.wast:7: not supported yet: …        (listed by --known-failures)
//   ok    spec/core/b.wast (7 assertions, 2 known to fail)       (these two directives are listed)
//   2 passed, 1 failed, 3 known to fail
//
// With --deterministic and seeds a script is run once for each, in the one process, until a run fails:
//
//   FAIL  spec/async/x.wast (seed 17):12: expected …
//
// The child tells the parent through shared memory: which line it is at (what a crash is reported with), and its
// report. Test: test/lit/wast, the public suites.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <set>

#include "tools/commands.h"
#include "tools/known_failures.h"
#include "tools/load.h"
#include "tools/output.h"
#include "tools/wast_runner.h"

namespace wjit::tools {
namespace {

// What a child leaves behind: header and text of its failures, "LINE message" a line.
struct SharedReport {
  uint64_t seed;  // of the run that is under way, or failed
  uint32_t line;  // of the command that runs; 0 when the script is through
  uint32_t assertions;
  uint32_t failures;
  uint32_t text_bytes;
  char text[64 * 1024 - 24];
};

struct ScriptRun {
  pid_t pid = 0;
  SharedReport* shared = nullptr;
  std::optional<std::set<uint32_t>> known;  // what --known-failures says of it: tools/known_failures.h
  bool ended = false;
  int status = 0;
};

// Leaves what differs from the list: directives that fail and are not listed, those that are listed and pass.
void expect_failures(ScriptReport& report, std::set<uint32_t> listed, const std::string& list) {
  std::set<uint32_t> failed;
  std::erase_if(report.failures, [&](const ScriptFailure& failure) {
    failed.insert(failure.line);
    return listed.contains(failure.line);
  });
  for (uint32_t line : listed) {
    if (!failed.contains(line)) report.failures.push_back({line, "passes, but is listed in " + list});
  }
}

void write_report(const ScriptReport& report, SharedReport& out) {
  out.assertions = report.assertions;
  out.failures = static_cast<uint32_t>(report.failures.size());
  std::string text;
  for (const ScriptFailure& failure : report.failures) {
    std::string message = failure.message;
    for (char& c : message) c = c == '\n' ? ' ' : c;
    text += fmt::format("{} {}\n", failure.line, message);
    if (text.size() >= sizeof out.text) break;
  }
  out.text_bytes = static_cast<uint32_t>(std::min(text.size(), sizeof out.text));
  memcpy(out.text, text.data(), out.text_bytes);
}

int run_in_child(const std::string& path, const WastOptions& options, const ScriptRun& run) {
  SharedReport& out = *run.shared;
  ScriptReport report;
  Result<Bytes> bytes = read_file(path);
  Result<std::unique_ptr<Engine>> engine = Engine::create(options.compile);
  if (!bytes || !engine) {
    report.failures.push_back({0, !bytes ? bytes.error().message : engine.error().message});
  } else {
    ScriptFile script({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    const WastOptions::Seeds seeds = options.seeds.value_or(WastOptions::Seeds{});
    for (out.seed = seeds.first;; ++out.seed) {
      alarm(options.timeout_seconds);
      Scheduler scheduler(
          {.seed = options.seeds ? std::optional(out.seed) : std::nullopt, .steady_waits = options.steady_waits});
      report = script.run(**engine, scheduler, [&out](uint32_t line) { out.line = line; });
      if (run.known) expect_failures(report, *run.known, options.known_failures);
      if (!report.failures.empty() || out.seed == seeds.last) break;
    }
  }
  write_report(report, out);
  return 0;
}

// Null when the system has no memory or process left.
bool start(const std::string& path, const WastOptions& options, ScriptRun& run) {
  void* memory = mmap(nullptr, sizeof(SharedReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  run.shared = static_cast<SharedReport*>(memory);
  run.pid = fork();
  if (run.pid == 0) _exit(run_in_child(path, options, run));
  return run.pid > 0;
}

// "" when the script passed, else "PATH:LINE: message", the first failure (or all, a line each). Seeds stand behind the
// path.
std::string verdict(const ScriptRun& run, std::string path, const WastOptions& options) {
  const SharedReport& shared = *run.shared;
  if (options.seeds) path += fmt::format(" (seed {})", shared.seed);
  if (WIFSIGNALED(run.status)) {
    const int signal = WTERMSIG(run.status);
    if (signal == SIGALRM) return fmt::format("{}:{}: not done after {} s", path, shared.line, options.timeout_seconds);
    return fmt::format("{}:{}: killed by signal {} ({})", path, shared.line, signal, strsignal(signal));
  }
  if (shared.failures == 0)
    return shared.line == 0 && WEXITSTATUS(run.status) == 0 ? "" : fmt::format("{}:{}: exit", path, shared.line);
  std::string_view text(shared.text, shared.text_bytes);
  std::string out;
  uint32_t shown = 0;
  while (!text.empty() && (shown == 0 || options.show_all)) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t space = line.find(' ');
    out +=
        fmt::format("{}{}:{}: {}", shown == 0 ? "" : "\n      ", path, line.substr(0, space), line.substr(space + 1));
    ++shown;
  }
  if (shared.failures > shown) out += fmt::format(" (and {} more)", shared.failures - shown);
  return out;
}

class Suite {
 public:
  Suite(const WastOptions& options, KnownFailures known) : options_(options), known_(std::move(known)) {}

  int run() {
    runs_.resize(options_.files.size());
    for (size_t i = 0; i < runs_.size(); ++i) runs_[i].known = known_.find(options_.files[i]);
    // What every child needs is loaded once, before the processes part.
    (void)compiler_symbol("wjit_create_compiler");
    size_t started = 0, running = 0, printed = 0;
    while (printed < runs_.size()) {
      while (started < runs_.size() && running < options_.jobs) {
        if (!start(options_.files[started], options_, runs_[started])) {
          return report(Error{fmt::format("cannot start a process: {}", strerror(errno))});
        }
        ++started, ++running;
      }
      wait_for_one(started);
      --running;
      for (; printed < runs_.size() && runs_[printed].ended; ++printed) {
        if (int status = print_output(line_of(printed))) return stop(started), status;
      }
    }
    const std::string known = known_failed_ > 0 ? fmt::format(", {} known to fail", known_failed_) : "";
    if (int status = print_output(fmt::format("{} passed, {} failed{}\n", passed_, failed_, known))) return status;
    return failed_ == 0 ? 0 : kStatusError;
  }

 private:
  void wait_for_one(size_t started) {
    for (;;) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, 0);
      if (pid < 0 && errno == EINTR) continue;
      for (size_t i = 0; i < started; ++i) {
        if (runs_[i].pid != pid || runs_[i].ended) continue;
        runs_[i].ended = true;
        runs_[i].status = status;
        return;
      }
    }
  }

  void stop(size_t started) {
    for (size_t i = 0; i < started; ++i) {
      if (!runs_[i].ended) kill(runs_[i].pid, SIGKILL);
    }
  }

  std::string line_of(size_t index) {
    const std::string& path = options_.files[index];
    ScriptRun& run = runs_[index];
    const std::string wrong = verdict(run, path, options_);
    const bool listed = run.known && run.known->empty();
    const uint32_t assertions = run.shared->assertions;
    munmap(run.shared, sizeof(SharedReport));
    if (wrong.empty() && listed) {
      ++failed_;
      return fmt::format("FAIL  {}:0: passes, but is listed in {}\n", path, options_.known_failures);
    }
    if (wrong.empty()) {
      ++passed_;
      std::string cases = run.known ? fmt::format(", {} known to fail", run.known->size()) : "";
      if (run.known) known_failed_ += static_cast<uint32_t>(run.known->size());
      return fmt::format("ok    {} ({} assertions{}{})\n", path, assertions, cases, seeds_text());
    }
    ++(listed ? known_failed_ : failed_);
    return fmt::format("{} {}\n", listed ? "known" : "FAIL ", wrong);
  }

  std::string seeds_text() const {
    if (!options_.seeds) return "";
    const uint64_t count = options_.seeds->last - options_.seeds->first + 1;
    return fmt::format(", {} seed{}", count, count == 1 ? "" : "s");
  }

  const WastOptions& options_;
  KnownFailures known_;
  std::vector<ScriptRun> runs_;
  uint32_t passed_ = 0, failed_ = 0, known_failed_ = 0;
};

}  // namespace

int wast_command(const WastOptions& options) {
  Result<KnownFailures> known = KnownFailures::read(options.known_failures);
  if (!known) return report(known.error());
  return Suite(options, std::move(*known)).run();
}

}  // namespace wjit::tools
