#!/usr/bin/env python3
"""Checks a trace (`wjit run --trace=FILE`) as a viewer reads it, and prints what is in it.

    check_trace.py FILE [--open]

Slices of a track nest, each that begins ends (--open: some may not, nor arrows arrive, the program was killed), no two events of a track have
one time, each arrow begins in a slice and ends in a later one, every track has a name. Status 1 with a line if not.
Prints a line for each track, `INSTANCE / TRACK: SLICE > SLICE…` (names in order of their times, each once), then the arrows
by name and the tracks that they join.
"""
import argparse
import collections
import json
import sys


def read(path):
    text = open(path, encoding="utf-8").read()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # What a viewer does with a file that was cut off: all whole lines.
        whole = text[:text.rfind("\n")].rstrip().rstrip(",")
        return json.loads(whole + "]")


def fail(message):
    print(f"bad trace: {message}")
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--open", action="store_true")
    options = parser.parse_args()
    events = read(options.file)

    processes, threads, tracks, slices = {}, {}, collections.defaultdict(list), collections.defaultdict(list)
    arrows = collections.defaultdict(dict)
    for event in events:
        place = (event["pid"], event["tid"])
        if event["ph"] == "M":
            if event["name"] == "process_name":
                processes[event["pid"]] = event["args"]["name"]
            elif event["name"] == "thread_name":
                threads[place] = event["args"]["name"]
        elif event["ph"] in "sf":
            if event["ph"] in arrows[event["id"]]:
                fail(f"arrow {event['id']} has two ends of a kind")
            arrows[event["id"]][event["ph"]] = event
        else:
            tracks[place].append(event)

    for place, list_of_events in tracks.items():
        if place not in threads or place[0] not in processes:
            fail(f"track {place} has no name")
        stack, last = [], -1.0
        for event in sorted(list_of_events, key=lambda e: e["ts"]):
            if event["ts"] == last:
                fail(f"two events at {last} on {place}")
            if event["ts"] < 0:
                fail(f"an event before the start on {place}")
            last = event["ts"]
            if event["ph"] == "B":
                stack.append(event)
            elif event["ph"] == "E":
                if not stack:
                    fail(f"a slice ends on {place} at {last} that has not begun")
                begun = stack.pop()
                slices[place].append((begun["ts"], last, begun))
            elif event["ph"] == "X":
                if slices[place] and slices[place][-1][1] > event["ts"]:
                    fail(f"operations overlap on {place} at {last}")
                slices[place].append((event["ts"], round(event["ts"] + event["dur"], 3), event))
            elif event["ph"] != "i":
                fail(f"an event of kind {event['ph']}")
        if stack and not options.open:
            fail(f"{stack[-1]['name']} on {place} does not end")
        for begun in stack:
            slices[place].append((begun["ts"], float("inf"), begun))

    def label(place):
        return f"{processes[place[0]]} / {threads[place]}"

    joined = collections.Counter()
    for number, ends in sorted(arrows.items()):
        if set(ends) != {"s", "f"}:
            if options.open:
                continue
            fail(f"arrow {number} has one end only")
        if ends["s"]["ts"] >= ends["f"]["ts"]:
            fail(f"arrow {number} goes back in time")
        if ends["s"]["name"] != ends["f"]["name"]:
            fail(f"arrow {number} has two names")
        for event in ends.values():
            place = (event["pid"], event["tid"])
            if not any(begin < event["ts"] < end for begin, end, _ in slices[place]):
                fail(f"arrow {number} ({event['name']}) is in no slice of {label(place)} at {event['ts']}")
        joined[(ends["s"]["name"], *(label((e["pid"], e["tid"])) for e in (ends["s"], ends["f"])))] += 1

    for place in sorted(threads):
        names = dict.fromkeys(event["name"] for _, _, event in sorted(slices[place], key=lambda s: s[0]))
        print(f"{label(place)}: {' > '.join(names)}")
    for (name, source, target), count in sorted(joined.items()):
        print(f"arrow {name}: {source} -> {target} ({count})")
    moved = sum(e["args"]["bytes"] for events in tracks.values() for e in events if e["ph"] == "X" and "bytes" in e.get("args", {}))
    print(f"{len(threads)} tracks, {sum(map(len, slices.values()))} slices, {len(arrows)} arrows, {moved} bytes by the host")
    return 0


if __name__ == "__main__":
    sys.exit(main())
