// Packets on their way from one thread to another, many at a time: one thread pushes, another one takes all that there
// is. What does not fit is dropped and counted. In a steady state nothing is allocated.
//
// Threads: `push` and `end` belong to one thread, `take` to another; `counters` to any.
#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "proto/ice/path.h"

namespace zvonok::app {

struct LaneCounters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;    // of them
  std::uint64_t dropped = 0;  // packets that found the lane full
};

class PacketLane {
 public:
  struct Limits {
    std::size_t bytes_max = 2 * 1024 * 1024;  // that wait
    std::size_t packets_max = 8192;           // likewise
  };
  /// Whether the other side has to be told that something waits: not while it has been told and has not come yet.
  enum class Wake : std::uint8_t { No, Yes };

  explicit PacketLane(Limits limits) : limits_{limits} {}
  PacketLane() : PacketLane(Limits{}) {}

  [[nodiscard]] Wake push(const ice::Path& path, Bytes packet);
  /// Nothing more comes by that path, and nothing is wanted of it. Never dropped, and in order with the packets.
  [[nodiscard]] Wake end(const ice::Path& path);

  /// Gives all that waits: `on_packet(path, bytes)`, which may change the bytes and has them until it returns, and
  /// `on_end(path)`.
  template <class OnPacket, class OnEnd>
  void take(OnPacket on_packet, OnEnd on_end) {
    fetch();
    std::size_t at = 0;
    for (const Item& item : taken_.items) {
      if (item.is_end) {
        on_end(item.path);
        continue;
      }
      on_packet(item.path, MutableBytes{taken_.bytes}.subspan(at, item.bytes));
      at += item.bytes;
    }
    taken_.clear();
  }

  [[nodiscard]] LaneCounters counters() const;

 private:
  struct Item {
    ice::Path path;
    std::size_t bytes = 0;
    bool is_end = false;
  };
  struct Batch {
    std::vector<Item> items;
    std::vector<std::uint8_t> bytes;  // of the packets, one after the other
    void clear() {
      items.clear();
      bytes.clear();
    }
  };
  [[nodiscard]] Wake add(const Item& item);
  void fetch();

  const Limits limits_;
  Batch taken_;               // of the thread that takes
  mutable std::mutex mutex_;  // guards all below
  Batch waiting_;
  LaneCounters counters_;
};

}  // namespace zvonok::app
