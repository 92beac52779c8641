// A participant of a room without a transport of its own, inside of this process: it hears the audio of everybody else
// there, and publishes one audio track that they get like any other.
//
// Threads: the engine's.
#pragma once
#include "base/id.h"
#include "base/time.h"

namespace zvonok::media {

struct MediaPacket;
struct Track;

class Guest {
 public:
  virtual ~Guest() = default;
  /// A packet of somebody's audio track, as it came: late and lost ones are the guest's to mind.
  virtual void on_audio(const Track& track, const MediaPacket& packet, TimePoint now) = 0;
  /// Nothing more comes of that track.
  virtual void on_track_ended(TrackId track) = 0;
};

}  // namespace zvonok::media
