// What to say when nothing in a store can go on: which task waits for what, who would have to act, and where that
// closes a circle. Called after Scheduler::run came back Idle, by tools/run.cpp and tools/wast_component.cpp. Tests:
// test/lit/deadlock.
#pragma once

#include <string>

namespace wjit {

class Store;

// A line for each waiting thread, each preceded by a line feed: first those of one circle, then the others (16 at most
// in all). "" if no task is there. While no run of the store is under way.
std::string describe_deadlock(const Store& store);

}  // namespace wjit
