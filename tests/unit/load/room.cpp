#include "unit/load/room.h"

#include <gtest/gtest.h>

#include "load/dialect.h"
#include "load/generator.h"

namespace zvonok::load {
namespace {

constexpr SocketAddress kServer{.ip = IpAddress::v4(0xC0000201), .port = 3478};

SocketAddress address_of(std::size_t index) {
  return {.ip = IpAddress::v4(0x0A000000U + static_cast<std::uint32_t>(index)), .port = 40'000};
}

std::vector<dtls::Fingerprint> to_dtls(const std::vector<sdp::Fingerprint>& fingerprints) {
  std::vector<dtls::Fingerprint> out;
  for (const sdp::Fingerprint& one : fingerprints) {
    if (const auto parsed = dtls::Fingerprint::parse(sdp::to_text(one))) out.push_back(*parsed);
  }
  return out;
}

/// {"type":type,"payload":{"type":type,"sdp":...}}
std::string server_message(std::string_view type, std::string_view sdp) {
  return room_message(type, "", description_payload(type, sdp));
}

}  // namespace

const Identity& identity(std::size_t index) {
  static const std::vector<Identity> kAll = [] {
    test::SeededEntropy entropy{1};
    std::vector<Identity> made;
    for (int i = 0; i < 2; ++i) {
      auto certificate = dtls::Certificate::generate(entropy, {.now = wall_from_unix_milliseconds(1'700'000'000'000)});
      auto context = dtls::Context::create(*certificate);
      made.push_back({.certificate = std::move(*certificate), .context = std::move(*context)});
    }
    return made;
  }();
  return kAll[index];
}

class Room::Ids final : public media::NegotiationIds {
 public:
  explicit Ids(Entropy& entropy) : entropy_{entropy} {}
  TrackId new_track() override { return TrackId{++tracks_}; }
  rtp::Ssrc new_ssrc() override { return rtp::Ssrc{++ssrcs_}; }
  Credentials new_credentials() override {
    auto made = ice::make_credentials(entropy_);
    return {.ufrag = std::move(made.ufrag), .pwd = std::move(made.pwd)};
  }

 private:
  Entropy& entropy_;
  std::uint64_t tracks_ = 0;
  std::uint32_t ssrcs_ = 5000;
};

Room::Seat::Seat(Room& room, std::size_t number, ParticipantOptions with)
    : owner{room}, index{number}, participant{std::move(with), room.course, room.entropy_, *this} {}

void Room::Seat::send_text(std::string_view text) {
  texts.emplace_back(text);
}

void Room::Seat::use_server(const SocketAddress& server) {
  EXPECT_EQ(server, kServer);
}

void Room::Seat::commit(std::size_t size) {
  ASSERT_LE(size, buffer.size());
  if (!owner.media_answers) return;
  Bytes8 bytes{buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
  if (owner.spoil_up && owner.spoil_up(index, bytes) == Fate::Lost) return;
  owner.put({.at = owner.now_ + kDelay, .seat = index, .to_server = true, .bytes = std::move(bytes)});
}

Room::Room(std::uint64_t seed)
    : entropy_{seed},
      ids_{std::make_unique<Ids>(entropy_)},
      engine_{std::make_unique<media::Engine>(identity(0).context, entropy_, static_cast<media::PacketSink&>(*this))} {}

Room::~Room() = default;

SourceOptions Room::audio(std::uint32_t track) {
  return {.kind = media::Kind::Audio, .track = track, .room = 7, .packets_per_second = 50, .payload_bytes = 100};
}

SourceOptions Room::video(std::uint32_t track, unsigned packets_per_second) {
  return {.kind = media::Kind::Video,
          .track = track,
          .room = 7,
          .packets_per_second = packets_per_second,
          .payload_bytes = 1100};
}

std::vector<SourceOptions> Room::simulcast(std::uint32_t first_track) {
  std::vector<SourceOptions> layers;
  for (const SimulcastLayer& layer : kSimulcastLadder) {
    SourceOptions& source = layers.emplace_back(video(first_track++, layer.packets_per_second));
    source.payload_bytes = layer.payload_bytes;
    source.rid = layer.rid;
    source.height = layer.height;
    source.key_frame_factor = 4;
  }
  return layers;
}

ParticipantOptions Room::options(std::string name) {
  ParticipantOptions out;
  out.name = std::move(name);
  out.room = 7;
  out.verify = Verify::Everything;
  out.dtls = &identity(1).context;
  out.fingerprint = identity(1).certificate.fingerprint().text();
  out.seed = 42;
  return out;
}

std::size_t Room::add(ParticipantOptions options) {
  const std::size_t index = seats_.size();
  Seat& seat = *seats_.emplace_back(std::make_unique<Seat>(*this, index, std::move(options)));
  const ice::Credentials local = ice::make_credentials(entropy_);
  media::Negotiator::Options negotiation;
  negotiation.session_id = index + 1;
  negotiation.ice_ufrag = local.ufrag;
  negotiation.ice_pwd = local.pwd;
  const dtls::Fingerprint& own = identity(0).certificate.fingerprint();
  negotiation.fingerprint = {.algorithm = std::string{dtls::name_of(own.algorithm)}, .digest = own.bytes};
  negotiation.candidates = {"candidate:2 1 tcp 1 192.0.2.1 3478 typ host tcptype passive",
                            "candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host"};
  seat.negotiator = std::make_unique<media::Negotiator>(std::move(negotiation), *ids_);
  engine_->handle(media::OpenPeer{.peer = ParticipantId{index + 1}, .room = RoomId{7}, .local = local}, now_);
  seat.participant.join(now_);
  return index;
}

// ---- the server's signalling ----------------------------------------------------------------------------------------

void Room::say(Seat& seat, std::string_view type, std::string_view sdp) {
  seat.participant.on_text(now_, server_message(type, sdp));
}

void Room::serve(Seat& seat, std::string_view text) {
  const auto message = read_message(text);
  ASSERT_TRUE(message) << text;
  if (message->type == ServerMessage::Type::Offer) {
    const bool insists = text.contains(R"("polite":false)");
    const auto agreed =
        seat.negotiator->on_offer(message->text, insists ? media::Politeness::Impolite : media::Politeness::Polite);
    ASSERT_TRUE(agreed) << media::to_text(agreed.error()) << "\n" << message->text;
    agree(seat, *agreed);
    say(seat, "answer", agreed->answer);
  } else if (message->type == ServerMessage::Type::Answer) {
    const auto agreed = seat.negotiator->on_answer(message->text);
    ASSERT_TRUE(agreed) << media::to_text(agreed.error()) << "\n" << message->text;
    agree(seat, *agreed);
  }
}

void Room::agree(Seat& seat, const media::Negotiator::Agreed& agreed) {
  engine_->handle(
      media::ConfigurePeer{
          .peer = ParticipantId{seat.index + 1},
          .remote = {.ice = {.ufrag = agreed.remote.ice_ufrag, .pwd = agreed.remote.ice_pwd},
                     .fingerprints = to_dtls(agreed.remote.fingerprints),
                     .our_role =
                         agreed.remote.our_role == media::DtlsRole::Active ? dtls::Role::Active : dtls::Role::Passive},
          .parameters = agreed.parameters},
      now_);
  seat.published = agreed.parameters.receive;
}

void Room::tell_what_is_wanted() {
  for (const auto& to : seats_) {
    std::vector<media::Negotiator::Wanted> wanted;
    for (const auto& from : seats_) {
      if (from == to) continue;
      for (const media::ReceiveParameters& track : from->published) {
        wanted.push_back({.track = track.track, .kind = track.kind, .stream = "stream", .codecs = track.codecs});
      }
    }
    to->negotiator->set_wanted(std::move(wanted));
  }
}

void Room::offer_all() {
  tell_what_is_wanted();
  for (const auto& to : seats_) {
    const bool first = !to->negotiator->established() && to->texts.empty();
    if (to->negotiator->may_offer() && (to->negotiator->offer_needed() || first)) {
      say(*to, "offer", to->negotiator->make_offer());
    }
  }
}

// ---- packets --------------------------------------------------------------------------------------------------------

MutableBytes Room::claim(const ice::Path& path) {
  return instead != nullptr ? instead->claim(path) : MutableBytes{buffer_};
}

void Room::commit(const ice::Path& path, std::size_t size) {
  if (instead != nullptr) return instead->commit(path, size);
  const std::size_t index = path.remote.ip.v4_value() - 0x0A000000U;
  Bytes8 bytes{buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)};
  const Fate fate = spoil ? spoil(index, bytes) : Fate::Arrives;
  if (fate == Fate::Lost) return;
  const TimePoint at = now_ + kDelay + (fate == Fate::Late ? milliseconds{50} : milliseconds{0});
  if (fate == Fate::Twice) put({.at = at, .seat = index, .to_server = false, .bytes = bytes});
  put({.at = at, .seat = index, .to_server = false, .bytes = std::move(bytes)});
}

void Room::put(Flight flight) {
  flights_.emplace(flight.at, std::move(flight));
}

void Room::deliver() {
  while (!flights_.empty() && flights_.begin()->first <= now_) {
    Flight flight = std::move(flights_.begin()->second);
    flights_.erase(flights_.begin());
    if (flight.to_server) {
      if (at_engine) at_engine(true);
      engine_->on_datagram(now_, {.local = kServer, .remote = address_of(flight.seat)}, flight.bytes);
      if (at_engine) at_engine(false);
    } else {
      seats_[flight.seat]->participant.on_datagram(now_, flight.at, flight.bytes);
    }
  }
}

void Room::run_for(Duration duration) {
  for (const TimePoint end = now_ + duration; now_ < end; now_ += milliseconds{1}) {
    tell_what_is_wanted();
    for (const auto& seat : seats_) {
      while (!seat->texts.empty()) {
        const std::string text = std::move(seat->texts.front());
        seat->texts.pop_front();
        serve(*seat, text);
      }
    }
    offer_all();
    deliver();
    if (at_engine) at_engine(true);
    engine_->end_turn(now_);
    if (engine_->next_timeout() <= now_) {
      engine_->handle_timeout(now_);
      engine_->end_turn(now_);
    }
    static_cast<void>(engine_->take_events());
    if (at_engine) at_engine(false);
    for (const auto& seat : seats_) {
      if (seat->participant.next_timeout() <= now_) seat->participant.handle_timeout(now_);
    }
  }
}

}  // namespace zvonok::load
