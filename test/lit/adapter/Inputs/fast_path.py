"""Which functions of adapters have a way from their entry to a return without a call of the run time:

    fast_path.py <IR of `wjit compile --emit=adapters`

A line for each function: its name, "fast" or "slow", and what is called on that way. A call of another function of the
adapter counts as what that function does; one through a pointer, or by the switch to another stack, is a guest's.
"""
import re
import sys

functions = {}  # name: {block: (calls, successors)}
for line in sys.stdin:
    if match := re.match(r'define .*?@"?([^"(]+)"?\(', line):
        functions[match[1]] = blocks = {}
        calls, successors = blocks["entry"] = [], []
    elif match := re.match(r'"?([\w.]+)"?:', line):
        calls, successors = blocks[match[1]] = [], []
    elif re.match(r"\s+(br|switch|ret|unreachable|i\d+ )", line) or line.strip() == "]":
        successors += re.findall(r"label %([\w.]+)", line) + (["ret"] if line.strip().startswith("ret") else [])
    elif match := re.search(r'call .*?(asm sideeffect "movq %rsp|@"?[^"(]+|%\w+)"?\(?', line):
        calls.append("guest" if match[1][0] in "%a" else match[1].strip('@"'))

ways = {}  # of functions, and of their blocks; None also while one is being looked at: no way goes around twice


def way_of_function(name):
    """The calls on a way to a return on which no run time is called, with the most guests' calls; None if there is none."""
    return way_from(name, "entry")


def way_from(name, block):
    if block == "ret":
        return []
    if (name, block) not in ways:
        ways[name, block] = None
        ways[name, block] = find_way(name, *functions[name][block])
    return ways[name, block]


def find_way(name, calls, successors):
    own = []
    for call in calls:
        inner = way_of_function(call) if call in functions else None if call.startswith("wjit.") else [call.split(".p0")[0]]
        if inner is None:
            return None
        own += inner
    rests = [rest for rest in (way_from(name, block) for block in successors) if rest is not None]
    return own + max(rests, key=lambda rest: rest.count("guest")) if rests else None


for name in functions:
    found = way_of_function(name)
    print(f"{name}:", "slow" if found is None else " ".join(["fast"] + found))
