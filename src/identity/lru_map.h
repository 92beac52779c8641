// A map that forgets what was not used for longest when it is full. Pure; every operation is O(1).
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

#include "base/check.h"

namespace zvonok::identity {

template <class Key, class Value>
class LruMap {
 public:
  explicit LruMap(std::size_t entries_max) : entries_max_{entries_max} { ZVONOK_CHECK(entries_max > 0); }

  /// The value, now the most recently used; null when absent. Valid until the next call that isn't const.
  [[nodiscard]] Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }
  /// The value of `key`, made by `make()` when absent; the least recently used entry makes room.
  template <class Make>
  Value& find_or_insert(const Key& key, Make make) {
    if (Value* value = find(key)) return *value;
    if (entries_.size() >= entries_max_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
      ++evicted_;
    }
    entries_.emplace_front(key, make());
    index_.emplace(key, entries_.begin());
    return entries_.front().second;
  }
  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    entries_.erase(found->second);
    index_.erase(found);
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// How many entries had to go for room.
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  std::size_t entries_max_;
  Entries entries_;  // most recently used first
  std::unordered_map<Key, typename Entries::iterator> index_;
  std::uint64_t evicted_ = 0;
};

}  // namespace zvonok::identity
