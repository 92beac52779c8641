// The sound of phone calls, as a port apart from their events: frames of 20 ms of G.711, 8 kHz, both ways. Declared
// only: no provider has it yet, and nobody asks.
//
// Threads: frames belong to the media thread, unlike everything in port/phone_provider.h.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/id.h"
#include "base/time.h"

namespace zvonok::port {

inline constexpr Duration kPhoneFrame = milliseconds{20};
inline constexpr std::size_t kPhoneFrameSamples = 160;

enum class G711 : std::uint8_t { Ulaw, Alaw };

/// One frame: a byte is a sample (RFC 3551 section 4.5.14).
struct PhoneFrame {
  G711 law = G711::Ulaw;
  std::array<std::uint8_t, kPhoneFrameSamples> samples{};
};

/// Takes what is to be heard there.
class PhoneAudioSink {
 public:
  virtual ~PhoneAudioSink() = default;
  /// Never blocks. A frame that comes too late is dropped and counted by whoever drops it.
  virtual void push(const CallId& call, const PhoneFrame& frame, TimePoint now) = 0;
};

/// Gives what was said there to one sink, a frame every 20 ms while the call has sound.
class PhoneAudioSource {
 public:
  virtual ~PhoneAudioSource() = default;
  /// `sink` outlives `stop`. Once for each call.
  virtual void start(const CallId& call, PhoneAudioSink& sink) = 0;
  virtual void stop(const CallId& call) = 0;
};

}  // namespace zvonok::port
