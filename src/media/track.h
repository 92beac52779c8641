// One published track: its streams (one, or several of simulcast), what each of its layers costs, and who gets it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "media/allocator.h"
#include "media/audio_history.h"
#include "media/codec/dependency_descriptor.h"
#include "media/forwarder.h"
#include "media/layer_meter.h"
#include "media/parameters.h"
#include "media/receive_stream.h"

namespace zvonok::media {

class Downlink;
class Guest;
class SendStream;
class Transport;
class Uplink;

/// A receiver of a track.
struct Subscriber {
  Downlink* downlink = nullptr;
  SendStream* stream = nullptr;
  const Transport* transport = nullptr;  // of the same peer
  std::uint8_t lot = 0;                  // below the level of shedding: it gets no video now
};

struct Track {
  /// One encoding of simulcast, or the only one.
  struct Layer {
    std::string rid;                        // empty without simulcast
    std::unique_ptr<ReceiveStream> stream;  // none before its first packet
    std::unique_ptr<DependencyReader> dependencies;
    LayerMeter meter;
    std::unique_ptr<AudioHistory> recent;                       // of audio
    std::array<std::uint16_t, LayerMeter::kSpatial> heights{};  // by spatial layer; 0: not known
    std::uint8_t epoch = 0;                                     // counts the streams it had
    bool keyframe_wanted = false;                               // before there was a stream to ask
  };
  static constexpr std::size_t kLayersMax = 4;

  TrackId id;
  ParticipantId owner;
  RoomId room;
  Uplink* publisher = nullptr;
  ReceiveParameters parameters;
  bool changed = true;        // `parameters` are others than those that subscribers were connected with
  std::vector<Layer> layers;  // in the order of `rids`
  std::vector<Subscriber> subscribers;
  std::vector<Guest*> guests;  // who hear it inside of this process; of audio
  bool muted = false;  // by the server: nothing is forwarded
  bool quiet = false;  // its owner says that it is muted: guests don't hear it
  VideoSource source = VideoSource::Camera;

  // What there is to choose from, surveyed some times a second. `spatial` of a LayerId is a place in `ladder` for
  // simulcast, and the spatial layer of the only stream else.
  std::vector<AvailableLayer> available;
  std::vector<std::uint8_t> ladder;  // layers, the smallest picture first
  std::optional<TimePoint> surveyed;

  /// The layers as they are now. At most once in kSurveyInterval unless `fresh`.
  void survey(TimePoint now);
  /// The layers are others now.
  void forget_survey() {
    surveyed.reset();
    available.clear();
    ladder.clear();
  }
  /// Of all layers, the greatest place in `ladder` that somebody who shows `height` lines can use.
  [[nodiscard]] std::size_t place_for(std::uint16_t height) const;

  [[nodiscard]] bool is_simulcast() const { return layers.size() > 1; }
  [[nodiscard]] Forwarder::Clocks clocks() const {
    Forwarder::Clocks all;
    for (std::size_t i = 0; i < layers.size() && i < all.size(); ++i) {
      if (layers[i].stream != nullptr) all[i] = layers[i].stream->sender_clock();
    }
    return all;
  }
  [[nodiscard]] const CodecParameters* codec_of(rtp::PayloadType type) const {
    for (const CodecParameters& codec : parameters.codecs) {
      if (codec.type == type) return &codec;
    }
    return nullptr;
  }
  /// Names a packet of one layer for as long as it is kept, whatever stream the layer had before.
  [[nodiscard]] std::uint64_t key_of(std::uint8_t layer, std::uint64_t sequence) const {
    return std::uint64_t{layers[layer].epoch} << 56 | sequence;
  }
};

}  // namespace zvonok::media
