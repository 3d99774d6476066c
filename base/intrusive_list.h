// A doubly linked list through two pointers in the elements: no allocation, O(1) removal of any element. The elements say
// themselves whether they are in a list (their owner keeps a flag, or knows). Not thread-safe.
// Test: test/unit/intrusive_list_test.cpp.
#pragma once

namespace wjit {

template <typename T, T* T::*Prev, T* T::*Next>
class IntrusiveList {
 public:
  bool empty() const { return first_ == nullptr; }
  T* front() const { return first_; }
  T* back() const { return last_; }
  static T* next(T* element) { return element->*Next; }

  void push_back(T* element) {
    element->*Prev = last_;
    element->*Next = nullptr;
    (last_ != nullptr ? last_->*Next : first_) = element;
    last_ = element;
  }
  void push_front(T* element) {
    element->*Prev = nullptr;
    element->*Next = first_;
    (first_ != nullptr ? first_->*Prev : last_) = element;
    first_ = element;
  }
  void remove(T* element) {
    (element->*Prev != nullptr ? (element->*Prev)->*Next : first_) = element->*Next;
    (element->*Next != nullptr ? (element->*Next)->*Prev : last_) = element->*Prev;
    element->*Prev = element->*Next = nullptr;
  }
  T* pop_front() {
    T* element = first_;
    if (element != nullptr) remove(element);
    return element;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace wjit
