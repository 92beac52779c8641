#include "signal/room/encode.h"

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>

#include "base/check.h"
#include "base/time.h"
#include "proto/json_scan.h"

namespace zvonok::signal::room {
namespace {

/// Writes one JSON object, member by member.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_{out} { out_.push_back('{'); }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  /// The key alone: its value is appended by the caller.
  std::string& key(std::string_view name) {
    if (!first_) out_.push_back(',');
    first_ = false;
    json::append_string(out_, name);
    out_.push_back(':');
    return out_;
  }
  void text(std::string_view name, std::string_view value) { json::append_string(key(name), value); }
  void raw(std::string_view name, std::string_view value) { key(name) += value; }
  void flag(std::string_view name, bool value) { key(name) += value ? "true" : "false"; }
  void number(std::string_view name, std::integral auto value) {
    std::array<char, 24> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    ZVONOK_CHECK(error == std::errc{});
    key(name).append(digits.data(), end);
  }
  /// With two decimals; what is no number is 0.
  void decimal(std::string_view name, double value) {
    constexpr double kMost = 1e12;
    std::array<char, 32> digits{};
    const double shown = std::isfinite(value) && std::abs(value) < kMost ? value : 0;
    const auto [end, error] =
        std::to_chars(digits.data(), digits.data() + digits.size(), shown, std::chars_format::fixed, 2);
    ZVONOK_CHECK(error == std::errc{});
    key(name).append(digits.data(), end);
  }
  void close() { out_.push_back('}'); }

 private:
  std::string& out_;
  bool first_ = true;
};

/// What ends the envelope: it is the receiver's own.
void append_tail(std::string& out, const call::RoomAddress& address) {
  if (!address.room_id.empty()) {
    out += R"(,"roomId":)";
    out += address.room_id;
  }
  if (!address.session.empty()) {
    out += R"(,"sessionId":)";
    json::append_string(out, address.session.value());
  }
  out.push_back('}');
}

/// The envelope around a payload that `write` fills.
template <class Write>
void message(std::string& out, std::string_view type, const call::RoomAddress& address, Write write) {
  ObjectWriter envelope{out};
  envelope.text("type", type);
  envelope.key("payload");
  {
    ObjectWriter payload{out};
    write(payload);
    payload.close();
  }
  append_tail(out, address);
}

/// Elements are written by `write(out, element)`.
template <class List, class Write>
void array(std::string& out, const List& list, Write write) {
  out.push_back('[');
  bool first = true;
  for (const auto& element : list) {
    if (!first) out.push_back(',');
    first = false;
    write(element);
  }
  out.push_back(']');
}

void write_phone(ObjectWriter& of, const std::optional<call::PhoneInfo>& phone) {
  if (!phone) return;
  ObjectWriter object{of.key("phone")};
  object.text("status", to_text(phone->status));
  object.text("number", phone->number);
  object.text("by", phone->by.value());
  object.close();
}

void write_participant(std::string& out, const call::ParticipantInfo& info) {
  ObjectWriter object{out};
  object.text("sessionId", info.session.value());
  object.text("userId", info.user.value());
  object.text("name", info.name);
  object.text("role", to_text(info.role));
  object.text("state", to_text(info.state));
  write_phone(object, info.phone);
  object.close();
}

void write_track(ObjectWriter& object, const call::TrackInfo& track) {
  object.text("trackId", std::to_string(track.track.value()));
  object.text("sessionId", track.session.value());
  object.text("kind", to_text(track.kind));
  object.text("source", to_text(track.source));
  object.flag("muted", track.muted);
}

}  // namespace

void encode(std::string& out, const call::DeliverJoined& joined, const call::RoomAddress& address,
            std::string_view ice_servers) {
  message(out, "joined", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", joined.session.value());
    payload.text("userId", joined.user.value());
    payload.text("role", to_text(joined.role));
    payload.flag("resumed", joined.resumed);
    payload.flag("locked", joined.locked);
    payload.flag("e2e", joined.encrypted);
    if (joined.phone_role) payload.text("phoneRole", to_text(*joined.phone_role));
    payload.number("reconnectGraceMs", std::chrono::duration_cast<milliseconds>(joined.reconnect_grace).count());
    payload.key("participants");
    array(out, joined.participants, [&](const call::ParticipantInfo& info) { write_participant(out, info); });
    payload.key("tracks");
    array(out, joined.tracks, [&](const call::TrackInfo& track) {
      ObjectWriter object{out};
      write_track(object, track);
      object.close();
    });
    payload.raw("iceServers", ice_servers.empty() ? "[]" : ice_servers);
  });
}

void encode(std::string& out, const call::DeliverParticipantJoined& joined, const call::RoomAddress& address) {
  message(out, "participant-joined", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", joined.session.value());
    payload.text("userId", joined.user.value());
    payload.text("name", joined.name);
    payload.text("role", to_text(joined.role));
    write_phone(payload, joined.phone);
  });
}

void encode(std::string& out, const call::DeliverParticipantLeft& left, const call::RoomAddress& address) {
  message(out, "participant-left", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", left.session.value());
    payload.text("userId", left.user.value());
    payload.text("reason", to_text(left.reason));
  });
}

void encode(std::string& out, const call::DeliverTrack& track, const call::RoomAddress& address) {
  message(out, "track", address, [&](ObjectWriter& payload) {
    write_track(payload, track.track);
    if (!track.mid.empty()) payload.text("mid", track.mid);
    payload.text("state", to_text(track.state));
  });
}

void encode(std::string& out, const call::DeliverDescription& description, const call::RoomAddress& address) {
  out.reserve(out.size() + description.sdp.size() + description.sdp.size() / 8 + 128);
  message(out, to_text(description.kind), address, [&](ObjectWriter& payload) {
    payload.text("type", to_text(description.kind));
    payload.text("sdp", description.sdp);
  });
}

void encode(std::string& out, const call::DeliverSpeakers& speakers, const call::RoomAddress& address) {
  message(out, "speakers", address, [&](ObjectWriter& payload) {
    payload.key("speakers");
    array(out, speakers.speakers, [&](const call::Speaker& speaker) {
      ObjectWriter object{out};
      object.text("sessionId", speaker.session.value());
      object.number("level", unsigned{speaker.level});
      object.close();
    });
  });
}

void encode(std::string& out, const call::DeliverQuality& quality, const call::RoomAddress& address) {
  message(out, "quality", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", quality.session.value());
    payload.decimal("score", quality.quality.score);
    payload.number("rttMs", quality.quality.rtt_ms);
    payload.decimal("lossPercent", quality.quality.loss_percent);
    payload.number("bitrate", quality.quality.bitrate);
    if (quality.quality.estimate > 0) payload.number("estimate", quality.quality.estimate);
    payload.key("layers");
    ObjectWriter layers{out};
    for (const call::SentLayer& layer : quality.quality.layers) {
      layers.text(std::to_string(layer.track.value()), layer.rid);
    }
    layers.close();
  });
}

void encode(std::string& out, const call::DeliverLayers& layers, const call::RoomAddress& address) {
  message(out, "layers", address, [&](ObjectWriter& payload) {
    payload.text("mid", layers.mid);
    payload.key("active");
    ObjectWriter active{out};
    for (const call::LayerActive& layer : layers.layers) active.flag(layer.rid, layer.active);
    active.close();
  });
}

void encode(std::string& out, const call::DeliverState& state, const call::RoomAddress& address) {
  message(out, "state", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", state.session.value());
    payload.text("state", to_text(state.state));
  });
}

void encode(std::string& out, const call::DeliverMute& mute, const call::RoomAddress& address) {
  message(out, "mute", address, [&](ObjectWriter& payload) {
    payload.text("kind", to_text(mute.kind));
    payload.text("by", mute.by.value());
  });
}

void encode(std::string& out, const call::DeliverLocked& locked, const call::RoomAddress& address) {
  message(out, locked.locked ? "locked" : "unlocked", address,
          [&](ObjectWriter& payload) { payload.text("by", locked.by.value()); });
}

void encode(std::string& out, const call::DeliverRole& role, const call::RoomAddress& address) {
  message(out, "role", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", role.session.value());
    payload.text("role", to_text(role.role));
    if (!role.by.value().empty()) payload.text("by", role.by.value());
  });
}

void encode(std::string& out, const call::DeliverRoomError& error, const call::RoomAddress& address) {
  message(out, "error", address, [&](ObjectWriter& payload) {
    payload.text("code", to_text(error.code));
    payload.text("message", error.message);
    if (!error.request.empty()) payload.raw("requestId", error.request);
  });
}

void encode(std::string& out, const call::DeliverPhoneInvited& invited, const call::RoomAddress& address) {
  message(out, "phone-invited", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", invited.session.value());
    payload.text("callId", invited.call.value());
    if (!invited.request.empty()) payload.raw("requestId", invited.request);
  });
}

void encode(std::string& out, const call::DeliverPhone& phone, const call::RoomAddress& address) {
  message(out, "phone", address, [&](ObjectWriter& payload) {
    payload.text("sessionId", phone.session.value());
    payload.text("status", to_text(phone.status));
    payload.text("cause", to_text(phone.cause));
  });
}

void encode(std::string& out, const call::DeliverKeyWords& words, const call::RoomAddress& address) {
  message(out, "e2e", address, [&](ObjectWriter& payload) {
    payload.text("from", words.from.value());
    payload.raw("data", words.data);
  });
}

void encode(std::string& out, const call::DeliverPong&, const call::RoomAddress& address) {
  message(out, "pong", address, [](ObjectWriter&) {});
}

std::size_t body_bytes(std::string_view encoded, const call::RoomAddress& address) {
  std::string tail;
  append_tail(tail, address);
  ZVONOK_CHECK(encoded.ends_with(tail));
  return encoded.size() - tail.size();
}

void readdress(std::string& encoded, std::size_t body_bytes, const call::RoomAddress& to) {
  encoded.resize(body_bytes);
  append_tail(encoded, to);
}

Close close_of(call::RoomCloseReason reason) {
  switch (reason) {
    case call::RoomCloseReason::Removed: return {.code = 4003, .reason = "Removed"};
    case call::RoomCloseReason::Silent: return {.code = 4008, .reason = "Silent"};
    case call::RoomCloseReason::Replaced: return {.code = 4009, .reason = "Replaced"};
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace zvonok::signal::room
