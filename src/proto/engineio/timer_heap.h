// Deadlines of many things, one each, the earliest first: a binary heap whose items know their place, so that moving a
// deadline costs no search. Holds pointers only.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "base/time.h"

namespace zvonok::engineio {

/// What an item carries for the heap. Only the heap changes it.
struct TimerPlace {
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  std::size_t index = kNowhere;
  TimePoint at = TimePoint::max();
};

/// `T` has a member `TimerPlace timer_place`.
template <class T>
class TimerHeap {
 public:
  /// TimePoint::max() takes the item out.
  void set(T& item, TimePoint at) {
    TimerPlace& place = item.timer_place;
    if (place.at == at) return;
    if (at == TimePoint::max()) {
      remove(item);
      return;
    }
    const bool later = place.at < at;
    place.at = at;
    if (place.index == TimerPlace::kNowhere) {
      place.index = items_.size();
      items_.push_back(&item);
      rise(place.index);
    } else if (later) {
      sink(place.index);
    } else {
      rise(place.index);
    }
  }

  void remove(T& item) {
    const std::size_t index = std::exchange(item.timer_place, TimerPlace{}).index;
    if (index == TimerPlace::kNowhere) return;
    T* const last = items_.back();
    items_.pop_back();
    if (index == items_.size()) return;
    put(index, last);
    rise(index);
    sink(last->timer_place.index);
  }

  [[nodiscard]] TimePoint earliest() const { return items_.empty() ? TimePoint::max() : at(0); }
  /// The item whose deadline has come, or null.
  [[nodiscard]] T* due(TimePoint now) { return earliest() <= now && !items_.empty() ? items_.front() : nullptr; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

 private:
  [[nodiscard]] TimePoint at(std::size_t index) const { return items_[index]->timer_place.at; }
  void put(std::size_t index, T* item) {
    items_[index] = item;
    item->timer_place.index = index;
  }
  void exchange(std::size_t a, std::size_t b) {
    T* const held = items_[a];
    put(a, items_[b]);
    put(b, held);
  }
  void rise(std::size_t index) {
    while (index > 0 && at(index) < at((index - 1) / 2)) {
      exchange(index, (index - 1) / 2);
      index = (index - 1) / 2;
    }
  }
  void sink(std::size_t index) {
    for (;;) {
      std::size_t least = index;
      for (const std::size_t child : {2 * index + 1, 2 * index + 2}) {
        if (child < items_.size() && at(child) < at(least)) least = child;
      }
      if (least == index) return;
      exchange(index, least);
      index = least;
    }
  }

  std::vector<T*> items_;
};

}  // namespace zvonok::engineio
