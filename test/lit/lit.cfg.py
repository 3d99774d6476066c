# lit: every test below this folder is a command line or two, with FileCheck over what they print. Run by test/run.py, or
#
#     lit-22 -v test/lit                              # of the release build
#     lit-22 -v --param build=build/debug test/lit
#
# Substitutions: %wjit the program, %guests the built guests, %examples, %deny_io_uring a command that takes io_uring away,
# %check_trace the check of a trace, %pair, %peer, %relay, %send_signal and %unread (test/scripts), %root the checkout. A test that needs ../shared has
# `REQUIRES: shared`.
import os
import shutil
import subprocess

import lit.formats

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.abspath(lit_config.params.get("build", os.path.join(root, "build", "release")))
shared = os.path.abspath(lit_config.params.get("shared", os.path.join(root, "..", "shared")))
llvm_tools = lit_config.params.get("llvm_tools", "/usr/lib/llvm-22/bin")

config.name = "wjit"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".wat", ".test", ".wast"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(os.path.abspath(__file__))
config.test_exec_root = os.path.join(build, "lit")

seconds = lit_config.params.get("timeout", "60")
wjit = os.path.join(build, "wjit")
guests = os.path.join(root, "test", "guests")
config.substitutions += [
    # A guest that hangs fails its test (status 124) and not the whole run.
    ("%wjit", f"timeout {seconds} {wjit}"),
    ("%program", wjit),  # without the limit, for who sends it signals
    ("%guests", guests),
    ("%examples", os.path.join(root, "examples")),
    ("%check_trace", "python3 " + os.path.join(root, "test", "scripts", "check_trace.py")),
    ("%deny_io_uring", "python3 " + os.path.join(root, "test", "scripts", "deny_io_uring.py")),
    ("%pair", "python3 " + os.path.join(root, "test", "scripts", "pair.py")),
    ("%peer", "python3 " + os.path.join(root, "test", "scripts", "peer.py")),
    ("%relay", "python3 " + os.path.join(root, "test", "scripts", "relay.py")),
    ("%send_signal", "python3 " + os.path.join(root, "test", "scripts", "send_signal.py")),
    ("%unread", "python3 " + os.path.join(root, "test", "scripts", "unread.py")),
    ("%root", root),
    ("%shared", shared),
]
config.environment["PATH"] = os.pathsep.join([llvm_tools, config.environment["PATH"]])
# FileCheck writes what it wants to say about a mismatch; keep the input dump short.
config.environment["FILECHECK_OPTS"] = "--dump-input-context=3"
for name in ("GREETING", "WJIT_LOG"):
    config.environment.pop(name, None)

if not os.path.exists(wjit):
    lit_config.fatal(f"{wjit} is missing: build first (cmake --build --preset release)")
if os.path.isdir(os.path.join(shared, "spec")):
    config.available_features.add("shared")
with open(os.path.join(build, "CMakeCache.txt")) as cache:
    if "\nWJIT_SANITIZE:STRING=thread\n" in cache.read():
        config.available_features.add("tsan")
# File systems of a command's own: `%mounts COMMAND`.
mounts = ["unshare", "-rm"] if os.geteuid() != 0 else ["unshare", "-m"]
if subprocess.run(mounts + ["mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0:
    config.available_features.add("mounts")
    config.substitutions.append(("%mounts", " ".join(mounts)))
if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True).returncode == 0:
    config.available_features.add("pid_namespaces")
if os.geteuid() == 0 and shutil.which("setpriv"):
    # Root reads everything; without these capabilities it is like any other owner.
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if subprocess.run(command + ["true"], capture_output=True).returncode == 0:
        config.available_features.add("permissions")
        config.substitutions.append(("%without_override", " ".join(command)))
elif os.geteuid() != 0:
    config.available_features.add("permissions")
    config.substitutions.append(("%without_override", "env"))
