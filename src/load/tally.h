// What went wrong, by what it was: thousands of participants fail for a handful of reasons.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace zvonok::load {

class Tally {
 public:
  struct Reason {
    std::uint64_t count = 0;
    std::string first;  // to whom it happened first
  };
  void add(const std::string& reason, const std::string& who) {
    constexpr std::size_t kReasonsMax = 16;
    ++count_;
    const bool known = reasons_.contains(reason) || reasons_.size() < kReasonsMax;
    Reason& place = reasons_[known ? reason : "other reasons"];
    if (place.count++ == 0) place.first = who;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] const std::map<std::string, Reason>& reasons() const { return reasons_; }

 private:
  std::uint64_t count_ = 0;
  std::map<std::string, Reason> reasons_;
};

}  // namespace zvonok::load
