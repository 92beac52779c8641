// One published track: its streams (one, or several of simulcast) and who gets it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "media/codec/dependency_descriptor.h"
#include "media/forwarder.h"
#include "media/parameters.h"
#include "media/receive_stream.h"

namespace zvonok::media {

class Peer;
class SendStream;

/// A receiver of a track.
struct Subscriber {
  Peer* peer = nullptr;
  SendStream* stream = nullptr;
};

struct Track {
  struct Layer {
    std::string rid;  // empty without simulcast
    std::unique_ptr<ReceiveStream> stream;
    std::unique_ptr<DependencyReader> dependencies;
    std::optional<Resolution> resolution;
  };
  static constexpr std::size_t kLayersMax = 4;

  TrackId id;
  ParticipantId owner;
  RoomId room;
  Peer* publisher = nullptr;
  ReceiveParameters parameters;
  std::vector<Layer> layers;  // as they come
  std::vector<Subscriber> subscribers;
  bool muted = false;  // by the server: nothing is forwarded

  [[nodiscard]] Forwarder::Clocks clocks() const {
    Forwarder::Clocks all;
    for (std::size_t i = 0; i < layers.size() && i < all.size(); ++i) all[i] = layers[i].stream->sender_clock();
    return all;
  }
  [[nodiscard]] const CodecParameters* codec_of(rtp::PayloadType type) const {
    for (const CodecParameters& codec : parameters.codecs) {
      if (codec.type == type) return &codec;
    }
    return nullptr;
  }
};

}  // namespace zvonok::media
