// One browser of our own wire code: ICE, DTLS and SRTP over a socket of its own, and a voice that finds its echo again.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http.h"
#include "media/phone/opus_codec.h"
#include "net/system_entropy.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"
#include "proto/dtls/transport.h"
#include "proto/ice/credentials.h"
#include "proto/sdp/sdp.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"
#include "proto/stun/binding.h"

namespace zvonok::bench {

struct Talk {
  enum class Kind { G711, Opus, Beeps } kind = Kind::G711;  // Beeps: in Opus, whose echo can be found by ear
  std::vector<std::vector<std::uint8_t>> frames;            // of 20 ms, said again and again
  [[nodiscard]] bool is_opus() const { return kind != Kind::G711; }
};
[[nodiscard]] Talk make_talk(Talk::Kind kind);

/// Of one codec.
struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t missing = 0;  // gaps in the numbers of what comes
  std::uint64_t unopened = 0;
  std::vector<std::int64_t> delays_us;
};

class Browser {
 public:
  /// Dials, and answers the server's offer.
  Browser(Http& http, const std::string& number, const dtls::Certificate& certificate, const dtls::Context& context,
          const Talk& talk, Totals& totals);
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  ~Browser();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& call() const { return call_; }
  [[nodiscard]] bool is_connected() const { return sender_.has_value(); }
  /// What is said from now on is counted, or is not any more. What comes back of it is counted whenever it comes.
  void measure(bool on);

  void on_time();
  void read();
  void speak();

 private:
  void connect(const sdp::MediaSection& theirs);
  void check();
  void pump();
  void on_rtp(MutableBytes packet);
  void on_opus(Bytes payload);

  const Talk& talk_;
  Totals& totals_;
  net::SystemEntropy entropy_;
  int fd_;
  std::string call_;
  ice::Credentials local_;
  ice::Credentials remote_;
  std::unique_ptr<stun::IntegrityKey> key_;
  std::unique_ptr<dtls::Transport> dtls_;
  std::optional<srtp::Sender> sender_;
  std::optional<srtp::Receiver> receiver_;
  rtp::Ssrc ssrc_{0x5A500001};
  std::uint64_t sequence_ = 100;
  std::uint32_t timestamp_ = 0;
  bool nominated_ = false;
  TimePoint next_check_{};
  bool measures_ = false;
  TimePoint measured_from_ = TimePoint::max();
  TimePoint measured_until_ = TimePoint::max();
  std::optional<std::uint16_t> heard_;  // the number that came last
  std::optional<media::phone::OpusDecoder> decoder_;
  TimePoint beeped_{};
  int quiet_ = 0;  // frames, before this one
};

}  // namespace zvonok::bench
