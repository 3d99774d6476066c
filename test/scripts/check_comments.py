"""Checks that what comments name exists: files, and functions or types.

    check_comments.py [FOLDER]        prints a line for each name that is not there; status 1 if there is any

A file name (with one of SUFFIXES) must be a path of the project, or the name of one of its files; `*` stands for any part,
as in test/unit/*_test.cpp. A function is a word followed by `()`, or a word with an underscore in it: it must occur in
the project's code outside of comments. Words that belong to the specifications or to other programs are in FOREIGN.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

SUFFIXES = "cpp|h|hpp|S|def|inc|py|c|wat|wit|txt|sh|md|cmake|rs|js|wasm"
FOLDERS = ("abi", "base", "bench", "examples", "frontend", "include", "ir", "jit", "scheduler", "test", "tools", "wasi")
CODE = (".cpp", ".h", ".S", ".def", ".inc", ".c", ".py")

# Documents and words of the specifications, of the system, of the toolchains, and of examples.
FOREIGN_FILES = {"CanonicalABI.md", "Binary.md", "Explainer.md", "WIT.md", "Concurrency.md", "definitions.py", "README.md",
                 "design.md", "x.wat", "wjit-guest.txt"}
FOREIGN = set("""
    canon_lift canon_lower enter_implicit_thread exit_implicit_thread lift_borrow lift_own load_list load_string lower_borrow
    lower_own store_list store_string unregister_thread
    io_uring io_uring_setup errno_value proc_exit mi_heap_malloc_aligned allow_large is_stmt plus_uconst
""".split())

FILE = re.compile(rf"(?<![\w/.*<-])((?:[\w*{{}},-]+/)*[\w*<>.-]*[\w*>]\.(?:{SUFFIXES}))(?![\w(-])")
FUNCTION = re.compile(r"\b((?:\w+::)*~?[A-Za-z_]\w*)\(\)")
SNAKE = re.compile(r"(?<![\w$%.-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?![\w-]|\.(?:h|cpp|S|def|py|c|wat)\b)")
WORD = re.compile(r"[A-Za-z_]\w*")
C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def split_c(text):
    """(code with comments blanked, list of (line, comment))."""
    comments = []

    def replace(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            comments.append((text.count("\n", 0, match.start()) + 1, token))
            return " "
        return token

    return C_TOKEN.sub(replace, text), comments


def split_hash(text):
    code, comments = [], []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.lstrip()
        if stripped.startswith("#") and not stripped.startswith("#!"):
            comments.append((number, stripped))
        else:
            code.append(line)
    return "\n".join(code), comments


def files_of(root):
    """What git tracks or would; in a copy without git (it is not needed to build): all but what is built."""
    try:
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True,
                                text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        built = {"build", ".git", "__pycache__"}
        listed = [str(path.relative_to(root)) for path in root.rglob("*") if not built & set(path.relative_to(root).parts)]
    return [name for name in listed if (root / name).is_file()]


def check(root):
    files = files_of(root)
    names = {name.rsplit("/", 1)[-1] for name in files}
    words, comments = FOREIGN | {name.split(".")[0] for name in names}, []
    for name in files:
        path = root / name
        if path.suffix in (".cpp", ".h", ".S", ".def", ".inc", ".c"):
            code, found = split_c(path.read_text(encoding="utf-8"))
        elif path.suffix in (".py", ".cmake") or path.name == "CMakeLists.txt":
            code, found = split_hash(path.read_text(encoding="utf-8"))
        else:
            continue
        words.update(WORD.findall(code))
        comments += [(name, line, text) for line, text in found]
    wrong = []
    for name, line, text in comments:
        for offset, row in enumerate(text.split("\n")):
            for match in FILE.finditer(row):
                if not file_exists(match.group(1), files, names):
                    wrong.append(f"{name}:{line + offset}: there is no file {match.group(1)}")
            for match in list(FUNCTION.finditer(row)) + list(SNAKE.finditer(row)):
                last = match.group(1).split("::")[-1].lstrip("~")
                if last not in words:
                    wrong.append(f"{name}:{line + offset}: nothing is called {match.group(1)}")
    return wrong


def file_exists(name, files, names):
    if name in FOREIGN_FILES or name.rsplit("/", 1)[-1] in FOREIGN_FILES:
        return True
    pattern = re.sub(r"<[^>]*>", "*", name)
    if "/" not in pattern:
        return pattern in names or bool(fnmatch.filter(names, pattern))
    if pattern.split("/")[0] not in FOLDERS:
        return True  # an example's path, or another project's
    return pattern in files or bool(fnmatch.filter(files, pattern))


if __name__ == "__main__":
    wrong = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]))
    print("\n".join(wrong) if wrong else "comments: all names exist")
    sys.exit(1 if wrong else 0)
