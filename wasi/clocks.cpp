// wasi:clocks: monotonic-clock, system-clock (0.3) or wall-clock (0.2), timezone, at 0.3.0 and 0.2. Waiting is a timer
// of the scheduler; 0.2's pollables are in wasi/io.h. Tests: test/unit/wasi_link_test.cpp,
// test/lit/run/timezone.wat, the guests of test/guests.
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "wasi/io.h"
#include "wasi/state.h"

namespace wjit::wasi {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct Instant {
  int64_t seconds;
  uint32_t nanoseconds;
};
HOST_RECORD(Instant, seconds, nanoseconds)

struct Datetime {
  uint64_t seconds;
  uint32_t nanoseconds;
};
HOST_RECORD(Datetime, seconds, nanoseconds)

uint64_t resolution(clockid_t clock) {
  timespec time{};
  clock_getres(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * kSecond + static_cast<uint64_t>(time.tv_nsec);
}

// Real time, as seconds and nanoseconds that count forwards before 1970 too.
template <typename Time>
Time real_time(State& state) {
  const int64_t time = state.now(ClockId::Realtime);
  const int64_t seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);
  return {static_cast<decltype(Time::seconds)>(seconds), static_cast<uint32_t>(time - seconds * kSecond)};
}

// Local time then; none where nobody can tell, or it is a day or more from UTC, which the WIT rules out.
std::optional<tm> local_time(int64_t when) {
  tm local{};
  const time_t seconds = when;
  if (localtime_r(&seconds, &local) == nullptr || std::abs(local.tm_gmtoff) >= 24 * 60 * 60) return std::nullopt;
  return local;
}

uint64_t now(State& state) { return static_cast<uint64_t>(state.now(ClockId::Monotonic)); }

// `when` as a deadline of the scheduler: what lies beyond its range is never reached anyway.
int64_t deadline(uint64_t when) { return static_cast<int64_t>(std::min<uint64_t>(when, INT64_MAX - 1)); }
int64_t deadline_after(State& state, uint64_t duration) {
  uint64_t when = 0;
  return __builtin_add_overflow(now(state), duration, &when) ? INT64_MAX - 1 : deadline(when);
}

// Replies when the time has come; a caller that cancels gets no reply.
void wait(State& state, Reply<void> reply, int64_t when) {
  if (when <= state.now(ClockId::Monotonic)) return reply();
  ClockWait* waiting = state.clock_waits.make(state);
  reply.call->on_cancel = [waiting] {
    waiting->cancelled = true;
    waiting->stop();
  };
  waiting->wait_until(ClockId::Monotonic, when, nullptr, [reply, waiting](int64_t result) {
    const bool cancelled = waiting->cancelled && result == -ECANCELED;
    waiting->state.clock_waits.free(waiting);
    if (cancelled) return reply.call->cancelled();
    reply();
  });
}

void add_0_3(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder types("wasi:clocks/types@0.3.0", state.resources);
  interfaces.add(types.finish());

  InterfaceBuilder monotonic("wasi:clocks/monotonic-clock@0.3.0", state.resources);
  monotonic.add<uint64_t()>("now", [&state](HostCall&) { return now(state); });
  monotonic.add<uint64_t()>("get-resolution", [](HostCall&) { return resolution(CLOCK_MONOTONIC); });
  monotonic.add_async<void(uint64_t)>(
      "wait-until", [&state](Reply<void> reply, uint64_t when) { wait(state, reply, deadline(when)); });
  monotonic.add_async<void(uint64_t)>("wait-for", [&state](Reply<void> reply, uint64_t how_long) {
    wait(state, reply, deadline_after(state, how_long));
  });
  interfaces.add(monotonic.finish());

  InterfaceBuilder system("wasi:clocks/system-clock@0.3.0", state.resources);
  system.add<Instant()>("now", [&state](HostCall&) { return real_time<Instant>(state); });
  system.add<uint64_t()>("get-resolution", [](HostCall&) { return resolution(CLOCK_REALTIME); });
  interfaces.add(system.finish());

  InterfaceBuilder timezone("wasi:clocks/timezone@0.3.0", state.resources);
  timezone.add<Option<String>()>("iana-id", [](HostCall&) { return Option<String>(); });
  timezone.add<Option<int64_t>(Instant)>("utc-offset", [](HostCall&, Instant when) -> Option<int64_t> {
    const std::optional<tm> local = local_time(when.seconds);
    if (!local) return {};
    return int64_t{local->tm_gmtoff} * kSecond;
  });
  timezone.add<String()>("to-debug-string", [](HostCall&) { return String("local time of the host"); });
  interfaces.add(timezone.finish());
}

struct TimezoneDisplay {
  int32_t utc_offset;
  String name;
  bool in_daylight_saving_time;
};
HOST_RECORD(TimezoneDisplay, utc_offset, name, in_daylight_saving_time)

TimezoneDisplay display(HostCall& call, Datetime when) {
  const std::optional<tm> local =
      when.seconds <= INT64_MAX ? local_time(static_cast<int64_t>(when.seconds)) : std::nullopt;
  if (!local) return {0, "UTC", false};
  std::string_view name = local->tm_zone != nullptr ? local->tm_zone : "UTC";
  return {static_cast<int32_t>(local->tm_gmtoff), call.arena->copy(name), local->tm_isdst > 0};
}

void add_0_2(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder monotonic("wasi:clocks/monotonic-clock@0.2.12", state.resources);
  monotonic.add<uint64_t()>("now", [&state](HostCall&) { return now(state); });
  monotonic.add<uint64_t()>("resolution", [](HostCall&) { return resolution(CLOCK_MONOTONIC); });
  monotonic.add<Own<Pollable>(uint64_t)>("subscribe-instant", [&state](HostCall&, uint64_t when) {
    return state.share(timer_pollable(state, deadline(when)));
  });
  monotonic.add<Own<Pollable>(uint64_t)>("subscribe-duration", [&state](HostCall&, uint64_t duration) {
    return state.share(timer_pollable(state, deadline_after(state, duration)));
  });
  interfaces.add(monotonic.finish());

  InterfaceBuilder wall("wasi:clocks/wall-clock@0.2.12", state.resources);
  wall.add<Datetime()>("now", [&state](HostCall&) { return real_time<Datetime>(state); });
  wall.add<Datetime()>("resolution", [](HostCall&) {
    uint64_t ns = resolution(CLOCK_REALTIME);
    return Datetime{ns / kSecond, static_cast<uint32_t>(ns % kSecond)};
  });
  interfaces.add(wall.finish());

  InterfaceBuilder timezone("wasi:clocks/timezone@0.2.12", state.resources);
  timezone.add<TimezoneDisplay(Datetime)>("display", [](HostCall& call, Datetime when) { return display(call, when); });
  timezone.add<int32_t(Datetime)>("utc-offset",
                                  [](HostCall& call, Datetime when) { return display(call, when).utc_offset; });
  interfaces.add(timezone.finish());
}

}  // namespace

void add_clocks(State& state, HostInterfaces& interfaces) {
  add_0_3(state, interfaces);
  add_0_2(state, interfaces);
}

}  // namespace wjit::wasi
