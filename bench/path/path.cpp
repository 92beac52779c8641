// What the server's own code needs for a packet it sends on: rooms of the media engine in virtual time, real
// participants with real keys, and a sink that takes what would be sent. No socket, no second thread.
//
//   bench_path                                     a webinar of 1 to 150, eight of them, so that no cache holds them
//   all scripts/budget.sh                              counts its instructions, and fails when they are more than they
//   were
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

#include "unit/load/room.h"

namespace zvonok {
namespace {

double thread_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

/// As many buffers as the server's socket has.
class Swallow final : public media::PacketSink {
 public:
  MutableBytes claim(const ice::Path&) override { return slots_[next_ % slots_.size()]; }
  void commit(const ice::Path&, std::size_t size) override {
    ++next_;
    bytes_ += size;
  }
  [[nodiscard]] std::uint64_t packets() const { return next_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::vector<std::array<std::uint8_t, kDatagramRoom>> slots_ =
      std::vector<std::array<std::uint8_t, kDatagramRoom>>(1024);
  std::uint64_t next_ = 0;
  std::uint64_t bytes_ = 0;
};

struct Shape {
  std::size_t rooms = 8;
  std::size_t receivers = 150;
  unsigned video = 400;
  bool meet = false;
  int milliseconds = 1000;
};

std::unique_ptr<load::Room> make_room(const Shape& shape, std::uint64_t seed) {
  auto room = std::make_unique<load::Room>(seed);
  const std::size_t speakers = shape.meet ? shape.receivers : 1;
  for (std::size_t i = 0; i < speakers; ++i) {
    auto options = load::Room::options("speaker" + std::to_string(i));
    options.verify = load::Verify::HeadersOnly;
    options.reports = load::Reports::Off;
    options.receiving = shape.meet ? load::Description::Receiving::Yes : load::Description::Receiving::No;
    options.asks = load::ParticipantOptions::Asks::No;
    options.audio_expected = shape.meet ? speakers - 1 : 0;
    const auto track = static_cast<std::uint32_t>(2 * i + 1);
    options.sources = {load::Room::audio(track)};
    if (shape.video > 0) options.sources.push_back(load::Room::video(track + 1, shape.video));
    room->add(std::move(options));
  }
  room->run_for(milliseconds{300});
  for (std::size_t i = 0; !shape.meet && i < shape.receivers; ++i) {
    auto options = load::Room::options("listener" + std::to_string(i));
    options.verify = load::Verify::HeadersOnly;
    options.reports = load::Reports::Off;
    options.audio_expected = 1;
    options.video_expected = shape.video > 0 ? 1 : 0;
    room->add(std::move(options));
  }
  room->run_for(milliseconds{700});
  return room;
}

int run(const Shape& shape) {
  std::vector<std::unique_ptr<load::Room>> rooms;
  for (std::size_t i = 0; i < shape.rooms; ++i) rooms.push_back(make_room(shape, i + 1));
  Swallow sink;
  double spent = 0;
  double begun = 0;
  for (const auto& room : rooms) {
    room->instead = &sink;
    room->at_engine = [&](bool begins) {
      if (begins) {
        begun = thread_seconds();
        CALLGRIND_TOGGLE_COLLECT;
      } else {
        CALLGRIND_TOGGLE_COLLECT;
        spent += thread_seconds() - begun;
      }
    };
  }
  for (int i = 0; i < shape.milliseconds; ++i) {
    for (const auto& room : rooms) room->run_for(milliseconds{1});
  }
  const auto packets = static_cast<double>(sink.packets());
  if (packets == 0) {
    std::fputs("nothing was sent on\n", stderr);
    return 1;
  }
  std::printf("%zu rooms, %zu receivers: %.0f packets of %.0f bytes, %.3f us of the engine's for each\n", shape.rooms,
              shape.receivers, packets, static_cast<double>(sink.bytes()) / packets, spent / packets * 1e6);
  return 0;
}

}  // namespace
}  // namespace zvonok

int main(int argc, char** argv) {
  zvonok::Shape shape;
  CLI::App app{"What the server's own code needs for a packet it sends on"};
  app.add_option("--rooms", shape.rooms, "Rooms, each with an engine of its own")->check(CLI::Range(1, 64));
  app.add_option("--receivers", shape.receivers, "In each")->check(CLI::Range(1, 1000));
  app.add_option("--video", shape.video, "Packets a second of 1,100 bytes; 0: audio alone")->check(CLI::Range(0, 5000));
  app.add_flag("--meet", shape.meet, "Everybody speaks, and there are no others");
  app.add_option("--milliseconds", shape.milliseconds, "Of virtual time")->check(CLI::Range(1, 100'000));
  CLI11_PARSE(app, argc, argv);
  return zvonok::run(shape);
}
