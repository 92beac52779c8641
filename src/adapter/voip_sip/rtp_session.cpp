#include "adapter/voip_sip/rtp_session.h"

#include <algorithm>
#include <cstdlib>

#include "base/byte_io.h"
#include "proto/rtcp/ntp.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/demux.h"

namespace zvonok::voip_sip {
namespace {

using port::G711;
using port::PhoneSound;

constexpr std::uint8_t kComfortNoiseType = 13;     // RFC 3551 section 6
constexpr std::uint8_t kOldComfortNoiseType = 19;  // of old gateways; reserved since
constexpr std::int64_t kClock = 8000;
constexpr std::size_t kPieceMs = 20;
constexpr std::size_t kDatagramMax = 1500;
// A jump of the sound's clock by more than this is a new beginning, not a gap.
constexpr std::int32_t kJumpMax = 8000;
// Numbers that are left out at once: far from what a rollover counter could be wrong by.
constexpr std::uint64_t kSkippedMost = 50;
// The source that is heard has said nothing for so long: the one before it may be heard again.
constexpr Duration kSourceGone = seconds{1};

/// The quietest code of each law: all but nothing.
constexpr std::uint8_t silence_of(G711 law) {
  return law == G711::Ulaw ? 0xFF : 0xD5;
}

std::uint32_t samples_in(Duration time) {
  return static_cast<std::uint32_t>(time.count() / (1'000'000'000 / kClock));
}

}  // namespace

RtpSession::RtpSession(Start start, RtpOut& out, port::PhoneEars& ears)
    : out_{out},
      ears_{ears},
      ssrc_{start.ssrc},
      cname_{std::move(start.cname)},
      sequence_{static_cast<std::uint64_t>(start.sequence & 0x7FFF)},
      last_timestamp_{start.timestamp} {}

void RtpSession::watch(TimePoint now, Duration silence_max) {
  silence_max_ = silence_max;
  heard_ = now;
}

void RtpSession::set_hold(TimePoint now, bool hold) {
  hold_ = hold;
  heard_ = now;
}

void RtpSession::agree(TimePoint now, const AgreedMedia& agreed) {
  if (ended_ || agreed.remote.formats.empty()) return;
  heard_ = now;
  if (!agreed_ || agreed_->remote.rtp != agreed.remote.rtp) rtp_from_.reset();
  if (!agreed_ || agreed_->remote.rtcp != agreed.remote.rtcp) rtcp_from_.reset();
  agree_on_keys(agreed);
  const bool first = !agreed_;
  agreed_ = agreed;
  if (first) {
    next_report_ = now + kReportInterval / 2;
    last_sent_ = now;
    clock_at_ = now;
    // Opens what is between us, and shows where we are to those who answer the address they hear from.
    if (may_send()) send_silence(now);
  }
}

void RtpSession::agree_on_keys(const AgreedMedia& agreed) {
  if (own_seal_ != nullptr) own_seal_->next = sequence_;
  if (!agreed.our_key || !agreed.remote.key) {
    own_seal_ = nullptr;
    their_seal_.reset();
    return;
  }
  const SdesKey& ours = *agreed.our_key;
  const SdesKey& theirs = *agreed.remote.key;
  const auto used = std::ranges::find_if(own_seals_, [&ours](const OwnSeal& seal) { return seal.key.seals_as(ours); });
  if (used != own_seals_.end()) {
    own_seal_ = &*used;
    if (sequence_ < used->next) {
      sequence_ = (used->next & ~std::uint64_t{0xFFFF}) | (sequence_ & 0xFFFF);
      if (sequence_ < used->next) sequence_ += 0x10000;
      free_numbers_ = 0;
    }
  } else {
    own_seal_ = &own_seals_.emplace_back(OwnSeal{.key = ours, .sender = srtp::Sender{ours.profile, ours.master}});
    sequence_ &= 0xFFFF;  // the other side begins a new key at a rollover counter of 0
    free_numbers_ = 0;
  }
  // The same key goes on with what is known of its numbers, also under another tag: they may have wrapped.
  if (their_seal_ && their_seal_->key.seals_as(theirs)) return;
  their_seal_ =
      std::make_unique<TheirSeal>(TheirSeal{.key = theirs, .receiver = srtp::Receiver{theirs.profile, theirs.master}});
}

G711 RtpSession::law() const {
  return agreed_ ? agreed_->remote.formats.front().law : G711::Ulaw;
}

// ---- out -----------------------------------------------------------------------------------------------------------

std::uint32_t RtpSession::running_timestamp(TimePoint now) const {
  const std::uint32_t passed = now > clock_at_ ? samples_in(now - clock_at_) : 0;
  return last_timestamp_ + std::max(passed, last_length_);
}

void RtpSession::add_digits(TimePoint now, std::string_view digits) {
  for (const char digit : digits) {
    if (!agreed_ || ended_) {
      ++counters_.digits_dropped;
    } else if (agreed_->remote.event_type) {
      if (!digits_out_.add(digit)) ++counters_.digits_dropped;
    } else if (!tones_.add(now, digit)) {
      ++counters_.digits_dropped;
    } else if (digit != ',') {
      ++counters_.tones_sent;
    }
  }
}

void RtpSession::send(TimePoint now, const PhoneSound& sound) {
  if (!may_send()) {
    ++counters_.not_listening;
    return;
  }
  if (sound.law != law()) {
    ++counters_.wrong_law;
    return;
  }
  const std::size_t count = std::min(sound.samples.size(), PhoneSound::kSamplesMax);
  if (count == 0) return;
  // Our clock goes on over pauses, digits and whoever else speaks; within one talk it is the sound's.
  const std::uint32_t expected = last_timestamp_ + last_length_;
  const auto off = shift_ ? static_cast<std::int32_t>(sound.timestamp + *shift_ - expected) : 0;
  const bool goes_on = shift_ && !sound.is_first && !after_silence_ && off >= -kJumpMax && off <= kJumpMax;
  if (!shift_ || sound.is_first || off < -kJumpMax || off > kJumpMax) {
    shift_ = running_timestamp(now) - sound.timestamp;
    free_numbers_ = 0;
  } else if (after_silence_ && off < 0) {
    shift_ = running_timestamp(now) - sound.timestamp;  // the silence has gone on for a little longer than the pause
  }
  if (is_sending_digits()) return;  // a digit takes the place of sound (RFC 4733 section 2.2)
  const std::uint32_t timestamp = sound.timestamp + *shift_;
  const auto number = number_for(static_cast<std::int32_t>(timestamp - expected), count, goes_on);
  if (!number) {
    ++counters_.late;
    return;
  }
  std::array<std::uint8_t, PhoneSound::kSamplesMax> quiet;
  Bytes samples = sound.samples.first(count);
  if (mute_ || hold_) {
    std::ranges::fill(quiet, silence_of(sound.law));
    samples = Bytes{quiet}.first(count);
  }
  send_packet(now,
              {.payload_type = sound_type(),
               .marker = std::exchange(after_silence_, false) || sound.is_first,
               .timestamp = timestamp,
               .number = *number,
               .length = static_cast<std::uint32_t>(count)},
              samples);
}

/// What is lost on the way to us leaves its numbers out, so that the telephone's end conceals it as it would its own
/// losses; what only comes late gets the number that was left out for it. Nothing: it comes too late for that.
std::optional<std::uint64_t> RtpSession::number_for(std::int32_t off, std::size_t count, bool goes_on) {
  const auto length = static_cast<std::int32_t>(count);
  if (!goes_on) free_numbers_ = 0;  // of another clock
  if (!goes_on || std::abs(off) < length) return sequence_;
  const auto pieces = static_cast<std::uint64_t>(std::abs(off) / length);
  if (off > 0) {
    const std::uint64_t skipped = std::min(pieces, kSkippedMost);
    sequence_ += skipped;
    free_numbers_ = free_numbers_ << skipped | ((std::uint64_t{1} << skipped) - 1);
    return sequence_;
  }
  if (off % length != 0 || pieces > 64) return std::nullopt;
  const std::uint64_t bit = std::uint64_t{1} << (pieces - 1);
  if ((free_numbers_ & bit) == 0) return std::nullopt;
  free_numbers_ &= ~bit;
  return sequence_ - pieces;
}

void RtpSession::send_silence(TimePoint now) {
  std::array<std::uint8_t, kPieceMs * kClock / 1000> quiet;
  std::ranges::fill(quiet, silence_of(law()));
  send_packet(now,
              {.payload_type = sound_type(),
               .marker = true,
               .timestamp = running_timestamp(now),
               .number = sequence_,
               .length = quiet.size()},
              quiet);
  after_silence_ = true;
}

void RtpSession::send_event(TimePoint now, const DigitWriter::Packet& packet) {
  if (packet.is_first) digit_timestamp_ = running_timestamp(now);
  if (!may_send() || !agreed_->remote.event_type) return;
  std::array<std::uint8_t, kEventBytes> payload{};
  write_event(packet.event, payload);
  send_packet(now,
              {.payload_type = *agreed_->remote.event_type,
               .marker = packet.is_first,
               .timestamp = digit_timestamp_,
               .number = sequence_,
               .length = packet.event.duration},  // what comes next begins where the digit ended
              payload);
  after_silence_ = true;
  shift_.reset();
}

/// Steady sound of its own, on the clock of what was sent before it.
void RtpSession::send_tone(TimePoint now, const LineTones::Piece& piece) {
  const bool is_first = !std::exchange(in_tones_, tones_.is_sending());
  if (!may_send()) return;
  send_packet(now,
              {.payload_type = sound_type(),
               .marker = is_first,
               .timestamp = is_first ? running_timestamp(now) : last_timestamp_ + last_length_,
               .number = sequence_,
               .length = LineTones::kPiece},
              piece);
  after_silence_ = true;
  shift_.reset();
}

void RtpSession::send_packet(TimePoint now, const Outgoing& header, Bytes payload) {
  std::array<std::uint8_t, kDatagramMax> buffer;
  const std::uint64_t sequence = header.number;
  const bool is_next = sequence == sequence_;
  if (is_next) {
    ++sequence_;
    free_numbers_ <<= 1;
  }
  const std::size_t head = rtp::write_header(buffer,
                                             {.marker = header.marker,
                                              .payload_type = rtp::PayloadType{header.payload_type},
                                              .sequence = static_cast<std::uint16_t>(sequence),
                                              .timestamp = header.timestamp,
                                              .ssrc = ssrc_},
                                             {});
  std::size_t length = head + payload.size();
  if (own_seal_ != nullptr) {
    length = own_seal_->sender.seal_rtp(sequence, ssrc_, buffer, head, {}, payload);
    if (length == 0) return;
  } else {
    copy_bytes(payload, MutableBytes{buffer}.subspan(head));
  }
  out_.send_rtp(rtp_from_ ? rtp_from_->at : agreed_->remote.rtp, Bytes{buffer}.first(length));
  last_sent_ = now;
  ++packets_;
  octets_ += static_cast<std::uint32_t>(payload.size());
  ++counters_.sent;
  if (!is_next) return;                                      // late: the clock is where it was
  if (header.timestamp != last_timestamp_) clock_at_ = now;  // the packets of a digit have that of its beginning
  last_timestamp_ = header.timestamp;
  last_length_ = header.length;
}

// ---- in ------------------------------------------------------------------------------------------------------------

/// The agreed address, from the first of its ports that sent.
bool RtpSession::believes(TimePoint now, const SocketAddress& from, const std::optional<Latch>& latch) {
  if (!agreed_) {
    ++counters_.no_agreement;
    return false;
  }
  if (latch && latch->at == from) return true;
  const bool is_free = !latch || now > latch->heard + kLatchedFor;
  const RemoteMedia& remote = agreed_->remote;
  if (is_free && (from.ip == remote.rtp.ip || from.ip == remote.rtcp.ip || from.ip == agreed_->also_from)) return true;
  ++counters_.strangers;
  return false;
}

void RtpSession::on_rtp(TimePoint now, const SocketAddress& from, MutableBytes datagram) {
  if (ended_) return;
  if (!believes(now, from, rtp_from_)) return;
  if (rtp::classify(datagram) != rtp::PacketKind::Rtp) {
    ++counters_.malformed;
    return;
  }
  MutableBytes plain = datagram;
  if (their_seal_) {
    const auto opened = their_seal_->receiver.open_rtp(datagram);
    if (!opened) {
      ++counters_.unsealed;
      return;
    }
    plain = datagram.first(opened->length);
  }
  const auto packet = rtp::PacketView::parse(plain);
  const auto payload =
      packet ? rtp::payload_of(*packet) : Result<rtp::PayloadView, rtp::ParseError>{fail(packet.error())};
  if (!payload) {
    ++counters_.malformed;
    return;
  }
  rtp_from_ = Latch{.at = from, .heard = now};
  heard_ = now;
  hear(now, *packet, payload->bytes);
}

/// A source that is new takes the place of the one before, which may go on for a moment: both at once would be heard
/// one piece after the other.
bool RtpSession::is_of_current_source(TimePoint now, rtp::Ssrc ssrc) {
  if (!reception_ || reception_->ssrc() != ssrc) {
    if (reception_ && ssrc == source_before_ && now - source_heard_ < kSourceGone) {
      ++counters_.other_sources;
      return false;
    }
    if (reception_) source_before_ = reception_->ssrc();
    reception_.emplace(ssrc);
    first_sound_ = true;
  }
  source_heard_ = now;
  return true;
}

void RtpSession::hear(TimePoint now, const rtp::PacketView& packet, Bytes payload) {
  const auto type = std::to_underlying(packet.payload_type);
  const auto& formats = agreed_->remote.formats;
  const auto format = std::ranges::find(formats, type, &SoundFormat::payload_type);
  // The static types mean what they mean, whatever was agreed on: some gateways change over without a word.
  const bool is_static = type == 0 || type == 8;
  const bool is_event = agreed_->our_event_type == type || agreed_->remote.event_type == type;
  // Whatever it is, it has a number of the stream's: what is left out here was reported as lost.
  if (!is_of_current_source(now, packet.ssrc)) return;
  reception_->on_packet(now, packet.sequence, packet.timestamp);
  if (type == kComfortNoiseType || type == kOldComfortNoiseType) {
    ++counters_.comfort_noise;
    return;
  }
  if (format == formats.end() && !is_static && !is_event) {
    ++counters_.unknown_type;
    return;
  }
  ++counters_.received;
  if (is_event) {
    sends_events_ = true;
    if (const auto event = parse_event(payload)) {
      if (const auto digit = digits_in_.on_packet(packet.timestamp, *event)) ears_.on_digit(now, *digit);
    } else {
      ++counters_.malformed;
    }
    return;
  }
  if (hold_) {
    ++counters_.on_hold;
    first_sound_ = true;
    return;
  }
  hear_sound(now, packet, format != formats.end() ? format->law : (type == 0 ? G711::Ulaw : G711::Alaw), payload);
}

void RtpSession::hear_sound(TimePoint now, const rtp::PacketView& packet, G711 law, Bytes payload) {
  const bool reads_tones = !agreed_->remote.event_type && !sends_events_;
  std::uint32_t timestamp = packet.timestamp;
  while (!payload.empty()) {
    const Bytes piece = payload.first(std::min(payload.size(), PhoneSound::kSamplesMax));
    const PhoneSound sound{
        .law = law,
        .timestamp = timestamp,
        .is_first = std::exchange(first_sound_, false) || (packet.marker && timestamp == packet.timestamp),
        .samples = piece};
    if (reads_tones) {
      for (const char digit : tones_.hear(sound)) {
        ++counters_.tones_heard;
        ears_.on_digit(now, digit);
      }
    }
    ears_.on_sound(now, sound);
    timestamp += static_cast<std::uint32_t>(piece.size());
    payload = payload.subspan(piece.size());
  }
}

void RtpSession::on_rtcp(TimePoint now, const SocketAddress& from, MutableBytes datagram) {
  if (ended_ || !believes(now, from, rtcp_from_)) return;
  Bytes plain = datagram;
  if (their_seal_) {
    const auto length = their_seal_->receiver.open_rtcp(datagram);
    if (!length) {
      ++counters_.unsealed;
      return;
    }
    plain = datagram.first(*length);
  }
  rtcp::Reader reader{plain};
  bool good = false;
  while (const auto packet = reader.next()) {
    good = true;
    const auto* report = std::get_if<rtcp::SenderReport>(&*packet);
    if (report != nullptr && reception_ && reception_->ssrc() == report->info.sender) {
      reception_->on_sender_report(now, report->info.ntp.compact());
    }
  }
  if (good) {
    rtcp_from_ = Latch{.at = from, .heard = now};
    heard_ = now;
    reports_ = true;
  } else {
    ++counters_.malformed;
  }
}

// ---- time ----------------------------------------------------------------------------------------------------------

/// When the other side will have been silent for too long.
TimePoint RtpSession::silence_ends() const {
  if (!silence_max_ || !agreed_) return TimePoint::max();
  if (!hold_ && agreed_->remote.sends) return heard_ + *silence_max_;
  return reports_ ? heard_ + *silence_max_ * kHoldPatience : TimePoint::max();
}

TimePoint RtpSession::next_timeout() const {
  if (!agreed_ || ended_) return TimePoint::max();
  TimePoint next = std::min({next_report_, digits_out_.next(), tones_.next(), silence_ends()});
  if (may_send()) next = std::min(next, last_sent_ + kSilenceMax);
  return next;
}

void RtpSession::poll(const Now& now) {
  if (!agreed_ || ended_) return;
  while (const auto packet = digits_out_.poll(now.mono)) send_event(now.mono, *packet);
  while (const auto piece = tones_.poll(now.mono, law())) send_tone(now.mono, *piece);
  if (may_send() && now.mono >= last_sent_ + kSilenceMax) send_silence(now.mono);
  if (now.mono >= next_report_) {
    send_report(now, false);
    // Not in step with everybody else's: by the sequence number, which is as good as chance (RFC 3550 section 6.3.1).
    next_report_ = now.mono + kReportInterval * 3 / 4 + kReportInterval / 2 * static_cast<int>(sequence_ % 16) / 16;
  }
  if (now.mono >= silence_ends()) {
    silence_max_.reset();
    out_.on_silence();
  }
}

void RtpSession::send_report(const Now& now, bool bye) {
  std::array<std::uint8_t, 512> buffer{};
  ByteWriter writer{MutableBytes{buffer}.first(buffer.size() - srtp::kOverheadBytesMax)};
  std::array<rtcp::ReportBlock, 1> blocks{};
  if (reception_) blocks[0] = reception_->report(now.mono);
  const std::span<const rtcp::ReportBlock> block{blocks.data(), reception_ ? std::size_t{1} : 0};
  bool written = packets_ > 0 ? rtcp::write_sender_report(writer,
                                                          {.sender = ssrc_,
                                                           .ntp = rtcp::ntp_from_wall(now.wall),
                                                           .rtp_timestamp = running_timestamp(now.mono),
                                                           .packets = packets_,
                                                           .octets = octets_},
                                                          block) == rtcp::Written::Yes
                              : rtcp::write_receiver_report(writer, ssrc_, block) == rtcp::Written::Yes;
  written = written && rtcp::write_cname(writer, {.ssrc = ssrc_, .name = cname_}) == rtcp::Written::Yes;
  if (bye) written = written && rtcp::write_bye(writer, {&ssrc_, 1}, "") == rtcp::Written::Yes;
  if (!written) return;
  std::size_t length = writer.size();
  if (own_seal_ != nullptr) {
    length = own_seal_->sender.seal_rtcp(buffer, length);
    if (length == 0) return;
  }
  out_.send_rtcp(rtcp_from_ ? rtcp_from_->at : agreed_->remote.rtcp, Bytes{buffer}.first(length));
}

void RtpSession::end(const Now& now) {
  if (ended_) return;
  if (agreed_ && !agreed_->remote.rtp.ip.is_unspecified()) send_report(now, true);
  ended_ = true;
}

}  // namespace zvonok::voip_sip
