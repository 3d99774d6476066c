// Where the specification leaves a choice open, and what the run time does there: without a seed (Store::choices is
// null) what is quickest, with one whatever is drawn. One function for each such place; each is called where the choice
// is made. Spec: Concurrency.md, "Nondeterminism"; `random` in definitions.py. Strand only. Tests:
// test/unit/deterministic_test.cpp, `wjit wast --deterministic --seeds` over the public suite.
#pragma once

#include "abi/task.h"
#include "abi/waitable.h"
#include "base/intrusive_list.h"
#include "scheduler/choices.h"

namespace wjit {

// Store.tick and others: which of a list is next? The oldest; or any of its first kDrawnFrom.
template <typename T, T* T::* Prev, T* T::* Next>
T* next_of(Choices* choices, const IntrusiveList<T, Prev, Next>& list) {
  T* element = list.front();
  if (choices == nullptr || element == nullptr) return element;
  constexpr uint32_t kDrawnFrom = 64;  // a bound for long queues; their elements come to the front in time
  uint32_t count = 0;
  for (T* e = element; e != nullptr && count < kDrawnFrom; e = e->*Next) ++count;
  for (uint32_t skip = choices->below(count); skip > 0; --skip) element = element->*Next;
  return element;
}

// One of several candidates that are met one after the other, each equally likely: take(…) says whether it replaces the
// one before. Without a seed the first stays.
class Candidates {
 public:
  explicit Candidates(Choices* choices) : choices_(choices) {}
  bool take() { return ++met_ == 1 || (choices_ != nullptr && choices_->below(met_) == 0); }
  bool settled() const { return choices_ == nullptr && met_ > 0; }  // no later one will be taken

 private:
  Choices* choices_;
  uint32_t met_ = 0;
};

// Thread.wait_until with a condition that holds already: does the thread go on without letting others run? `usual`:
// what it does without a seed.
inline bool goes_on_at_once(Choices* choices, bool usual) {
  return choices == nullptr || choices->steady_waits ? usual : choices->coin();
}

// The host is done with an async call at once, or transfers elements: may it take its time, or transfer fewer?
inline bool host_takes_its_time(Choices* choices) { return choices != nullptr && choices->coin(); }
inline uint32_t elements_for_host(Choices* choices, uint32_t count) {
  return count < 2 || !host_takes_its_time(choices) ? count : 1 + choices->below(count);
}

// How many threads run before the store looks at completions again.
inline int threads_per_quantum(Choices* choices, int usual) {
  return choices == nullptr ? usual : 1 + static_cast<int>(choices->below(8));
}

}  // namespace wjit
