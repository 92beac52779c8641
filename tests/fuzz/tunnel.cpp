// A whole tunnel under chosen and under raw input. Chosen: clients that know the protocol, held against the model of
// tests/sim/tunnel. Raw: a user with a good key who sends anything at all, in several streams and in pieces, while the
// other side reads slowly; whatever he sends, what comes out is well-formed, goes to the call's own addresses only, and
// ends with the call.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.h"
#include "fuzz/input.h"
#include "sim/tunnel/tunnel_model.h"

using namespace zvonok;
using namespace zvonok::test;

namespace {

void run_chosen(fuzz::Input& input) {
  auto choose = [&](std::size_t bound) { return input.below(bound); };
  TunnelModel model{choose};
  for (int step = 0; step < 400 && !input.rest().empty(); ++step) ZVONOK_CHECK(model.step().empty());
  ZVONOK_CHECK(model.finish().empty());
}

tunnel::Options small_limits() {
  tunnel::Options options;
  options.up = {.burst = 4000, .per_second = 10'000};
  options.down = {.burst = 4000, .per_second = 10'000};
  options.raw = {.burst = 8000, .per_second = 20'000};
  options.queued_datagram_bytes_max = 2000;
  options.pause_bytes = 500;
  options.queued_bytes_max = 3000;
  options.early_bytes_max = 500;
  options.sessions_per_user_max = 4;
  options.streams_per_user_max = 3;
  return options;
}

void read_all(Client& client, vless::Command command) {
  if (command == vless::Command::Tcp) {
    static_cast<void>(client.take_bytes());
  } else {
    for (const Client::Datagram& datagram : client.take_datagrams()) {
      ZVONOK_CHECK(datagram.from == kSfu.to_text() || datagram.from == kPeerOfAlice.to_text() ||
                   datagram.from == kPeerOfBob.to_text());
    }
  }
}

void run_raw(fuzz::Input& input) {
  World world{small_limits()};
  world.add_call();
  world.door.answer = [&](const ice::Path& path, Bytes packet) {
    ZVONOK_CHECK(path.local == kSfu);
    if (!packet.empty() && packet[0] % 4 == 0) world.tunnel.release(path, world.now);
    if (!packet.empty() && packet[0] % 4 == 1) world.tunnel.send(path, packet, world.now);
  };
  struct Talker {
    Client client;
    vless::Command command;
  };
  std::vector<Talker> talkers;
  for (int i = 0; i < 6; ++i) {
    const auto command = static_cast<vless::Command>(1 + input.below(3));
    const bool alice = i % 2 == 0;
    const SocketAddress to = input.below(3) == 0 ? kSfu : alice ? kPeerOfAlice : kPeerOfBob;
    talkers.push_back({Client{world, alice ? kAlice : kBob, command,
                              command == vless::Command::Mux ? std::nullopt : std::optional{to}},
                       command});
    talkers.back().client.line().room = input.below(2) == 0 ? SIZE_MAX : 200;
  }
  while (!input.rest().empty()) {
    Talker& talker = talkers[input.below(talkers.size())];
    switch (input.below(4)) {
      case 0: world.pass(milliseconds{static_cast<int>(input.byte()) * 4}); break;
      case 1:
        if (!talker.client.closed()) {
          const std::size_t room = talker.client.line().room;
          talker.client.drain();
          read_all(talker.client, talker.command);
          talker.client.line().room = room;
        }
        break;
      default: {
        const std::string_view rest = input.rest();
        const std::size_t size = std::min<std::size_t>(rest.size(), input.below(120));
        std::string piece;
        for (std::size_t i = 0; i < size; ++i) piece.push_back(static_cast<char>(input.byte()));
        talker.client.bytes(piece);  // paused or not: an edge may have read it already
        break;
      }
    }
  }
  world.tunnel.remove_call(CallId{"call"}, world.now);
  ZVONOK_CHECK(world.tunnel.stream_count() == 0);
  world.pass(seconds{100});
  ZVONOK_CHECK(world.tunnel.next_timeout() == TimePoint::max());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  if (input.below(2) == 0) {
    run_chosen(input);
  } else {
    run_raw(input);
  }
  return 0;
}
