#!/usr/bin/env python3
"""The test command: everything that shows that the project works, in one go.

    test/run.py [--build build/release] [--shared ../shared] [--jobs N] [--io epoll] [--wasmtime PATH] [PART…]

`--build build/asan` (or build/tsan) tests a build with sanitizers: reports end the process that made them and so its test, timeouts
are ten times as long, and what is not to be reported stands with its reason in test/sanitizers.

`--io epoll` takes io_uring away from all that it starts, as containers do; tests that need both are skipped then.

Parts, all of them by default:
    scripts   the direction of includes, and that comments name what exists (test/scripts)
    unit      GoogleTest, in as many processes as there are jobs (test/unit)
    lit       command lines: IR, diagnostics, real guests, failure paths (test/lit)
    worlds    random types and values between two components (test/fuzz/worlds.py), the same ones each time; with
              `--wasmtime PATH` those that it can run are also run there, to see whether the worlds themselves are right
    seeds     `wjit wast --deterministic` over the public async suite, each script with 1,000 seeds
    suites    `wjit wast` over the public suites in ../shared; what must fail is listed in test/known_failures.txt

The last line is `N passed, N failed`, over all parts; the status is 0 when nothing failed. Where ../shared is absent its
suites are skipped, with a line that says so.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Total:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, part, passed, failed, since):
        self.passed += passed
        self.failed += failed
        print(f"== {part}: {passed} passed, {failed} failed ({time.monotonic() - since:.0f} s)", flush=True)


def scripts(options, total):
    since = time.monotonic()
    passed = failed = 0
    for name in ("check_includes.py", "check_comments.py"):
        status = subprocess.run([sys.executable, ROOT / "test" / "scripts" / name, ROOT]).returncode
        passed, failed = (passed + 1, failed) if status == 0 else (passed, failed + 1)
    total.add("scripts", passed, failed, since)


def unit(options, total):
    """One process a shard; a shard that dies counts as one failure beside what it had reported."""
    since = time.monotonic()
    program = options.build / "wjit_unit"
    if not program.exists():
        print(f"{program} is missing")
        return total.add("unit", 0, 1, since)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        shards = []
        for index in range(options.jobs):
            environment = dict(os.environ, GTEST_TOTAL_SHARDS=str(options.jobs), GTEST_SHARD_INDEX=str(index))
            report, log = pathlib.Path(folder, f"{index}.json"), open(pathlib.Path(folder, f"{index}.log"), "w+")
            command = [program, f"--gtest_output=json:{report}", "--gtest_brief=1"]
            shards.append((subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT), report, log))
        for process, report, log in shards:
            try:
                status = process.wait(timeout=options.timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            log.seek(0)
            text = log.read()
            if report.exists():
                result = json.loads(report.read_text())
                passed += result["tests"] - result["failures"] - result["disabled"]
                failed += result["failures"]
            else:
                failed += 1
                text += f"\n{program.name}: a shard ended with status {status} before it was through"
            if status != 0:
                print(text[-20000:], flush=True)
    total.add("unit", passed, failed, since)


def lit(options, total):
    since = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "lit.json")
        command = ["lit-22", "-q", "-v", f"-j{options.jobs}", f"--output={report}",
                   "--param", f"timeout={options.lit_timeout}", "--param", f"build={options.build}",
                   "--param", f"shared={options.shared}", ROOT / "test" / "lit"]
        status = subprocess.run(command).returncode
        if not report.exists():
            return total.add("lit", 0, 1, since)
        codes = [test["code"] for test in json.loads(report.read_text())["tests"]]
    good, left_out = ("PASS", "XFAIL", "FLAKYPASS"), ("UNSUPPORTED", "SKIPPED", "EXCLUDED")
    passed = sum(code in good for code in codes)
    skipped = sum(code in left_out for code in codes)
    failed = len(codes) - passed - skipped
    if skipped:
        print(f"lit: {skipped} tests need what is not here")
    total.add("lit", passed, max(failed, 1 if status != 0 else 0), since)


def wast(options, part, arguments, known, files):
    """Passed and failed scripts of one `wjit wast`."""
    command = [options.build / "wjit", "wast", "--jobs", str(options.jobs), "--timeout", str(options.script_timeout)]
    command += arguments + (["--known-failures", ROOT / "test" / known] if known else []) + files
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
    failures = [line for line in output.splitlines() if line.startswith("FAIL")]
    if failures:
        print("\n".join(failures))
    last = output.splitlines()[-1] if output else ""
    match = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) known to fail)?", last)
    if not match:
        return 0, 1
    if match.group(3):
        print(f"{part}: {match.group(3)} known failures (test/{known})")
    return int(match.group(1)), int(match.group(2))


def suites(options, total):
    since = time.monotonic()
    spec = options.shared / "spec"
    if not spec.is_dir():
        return print(f"== suites: skipped, {spec} is absent")
    files = sorted(spec.glob("core/*.wast")) + sorted(spec.glob("core/custom/*.wast")) + sorted(spec.glob("component/**/*.wast"))
    total.add("suites", *wast(options, "suites", [], "known_failures.txt", files), since)


def worlds(options, total):
    """Each engine's worlds count; and a few whose receivers expect something else must fail."""
    since = time.monotonic()
    command = [sys.executable, ROOT / "test" / "fuzz" / "worlds.py", "--wjit", options.build / "wjit"]
    command += ["--timeout", str(options.timeout), "--seed", "1"]
    passed = failed = 0
    for more, wanted in ((["--count", "60"] + (["--wasmtime", options.wasmtime] if options.wasmtime else []), 0),
                         (["--count", "4", "--broken"], 4)):
        output = subprocess.run(command + more, stdout=subprocess.PIPE, text=True).stdout
        counts = re.findall(r"^\w+: (\d+) worlds, (\d+) failed", output, re.M)
        wrong = sum(abs(int(bad) - wanted) for _, bad in counts) if counts else 1
        passed += sum(int(count) for count, _ in counts) - wrong
        failed += wrong
        if wrong:
            print(output, flush=True)
    total.add("worlds", passed, failed, since)


def sanitizers(build):
    """The sanitizers of a build, as CMake was told."""
    cache = build / "CMakeCache.txt"
    match = re.search(r"^WJIT_SANITIZE:\w+=(\S+)", cache.read_text(), re.M) if cache.exists() else None
    return match.group(1).split(",") if match else []


def prepare_sanitizers(options):
    """Their environment; what a developer set already comes last and wins."""
    found = sanitizers(options.build)
    if not found:
        return
    folder = ROOT / "test" / "sanitizers"
    for name, settings in {
            "ASAN_OPTIONS": "detect_stack_use_after_return=1:check_initialization_order=1",
            "LSAN_OPTIONS": f"suppressions={folder / 'leaks.supp'}:print_suppressions=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            # A fault's handler may allocate: it interrupts guest code, which holds no lock, at an instruction of that code.
            "TSAN_OPTIONS": f"suppressions={folder / 'races.supp'}:halt_on_error=1:second_deadlock_stack=1:report_signal_unsafe=0",
    }.items():
        os.environ[name] = ":".join(filter(None, (settings, os.environ.get(name))))
    for name in ("timeout", "lit_timeout", "script_timeout"):
        setattr(options, name, 10 * getattr(options, name))


def seeds(options, total):
    since = time.monotonic()
    folder = options.shared / "spec" / "component" / "async"
    if not folder.is_dir():
        return print(f"== seeds: skipped, {folder} is absent")
    arguments = ["--deterministic", "--seeds", "0..999"]
    passed, failed = wast(options, "seeds", arguments, "known_failures_seeds.txt", sorted(folder.glob("*.wast")))
    # These two want certain waits to block, and others not to (test/known_failures_seeds.txt).
    steady = [folder / "big-interleaving-test.wast", folder / "drop-subtask.wast"]
    more = wast(options, "seeds", arguments + ["--steady-waits"], None, steady)
    total.add("seeds", passed + more[0], failed + more[1], since)


PARTS = {"scripts": scripts, "unit": unit, "lit": lit, "suites": suites, "worlds": worlds, "seeds": seeds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--timeout", type=int, default=600, help="seconds for the unit tests")
    parser.add_argument("--lit-timeout", type=int, default=60, help="seconds for each run of wjit in a lit test")
    parser.add_argument("--script-timeout", type=int, default=60, help="seconds for each script of the suites")
    parser.add_argument("--io", choices=["auto", "epoll"], default="auto", help="epoll: where io_uring is denied")
    parser.add_argument("--wasmtime", type=pathlib.Path, help="of `worlds`; by default none")
    options = parser.parse_args()
    if options.io == "epoll":
        deny = ROOT / "test" / "scripts" / "deny_io_uring.py"
        os.execv(sys.executable, [sys.executable, deny, sys.executable, __file__, *sys.argv[1:], "--io=auto"])
    options.build = options.build.resolve()
    options.shared = options.shared.resolve()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]}; there are {', '.join(PARTS)}")
    prepare_sanitizers(options)
    total = Total()
    for part in options.parts or PARTS:
        PARTS[part](options, total)
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
