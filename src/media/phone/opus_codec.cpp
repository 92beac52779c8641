#include "media/phone/opus_codec.h"

#include <algorithm>

#include <opus/opus.h>

#include "base/check.h"

namespace zvonok::media::phone {
namespace {

constexpr opus_int32 kRate = 8000;
constexpr int kFrame = 160;
// Speech of a telephone's band is transparent at half of it; the rest is for what is repeated.
constexpr opus_int32 kBitsPerSecond = 20'000;
constexpr opus_int32 kExpectedLossPercent = 10;
// Of a voice in a telephone's band, with FEC: 76 us a frame on one core of a small server; 168 us at 10, the most.
constexpr opus_int32 kComplexity = 3;

}  // namespace

std::optional<std::size_t> opus_samples(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  const int samples = opus_packet_get_nb_samples(packet.data(), static_cast<opus_int32>(packet.size()), kRate);
  if (samples <= 0 || static_cast<std::size_t>(samples) > kOpusSamplesMax) return std::nullopt;
  return static_cast<std::size_t>(samples);
}

struct OpusDecoder::State {
  struct Free {
    void operator()(::OpusDecoder* one) const { opus_decoder_destroy(one); }
  };
  std::unique_ptr<::OpusDecoder, Free> decoder;
};

OpusDecoder::OpusDecoder() : state_{std::make_unique<State>()} {
  int error = OPUS_OK;
  state_->decoder.reset(opus_decoder_create(kRate, 1, &error));
  ZVONOK_CHECK(error == OPUS_OK);
}
OpusDecoder::OpusDecoder(OpusDecoder&&) noexcept = default;
OpusDecoder& OpusDecoder::operator=(OpusDecoder&&) noexcept = default;
OpusDecoder::~OpusDecoder() = default;

std::optional<std::size_t> OpusDecoder::decode(Bytes packet, std::span<std::int16_t> out) {
  ZVONOK_CHECK(out.size() >= kOpusSamplesMax);
  if (!opus_samples(packet)) return std::nullopt;
  const int samples = opus_decode(state_->decoder.get(), packet.data(), static_cast<opus_int32>(packet.size()),
                                  out.data(), static_cast<int>(out.size()), 0);
  if (samples <= 0) return std::nullopt;
  return static_cast<std::size_t>(samples);
}

void OpusDecoder::conceal(Bytes next, std::span<std::int16_t> out) {
  ZVONOK_CHECK(out.size() <= kOpusSamplesMax && out.size() % 20 == 0);
  const int wanted = static_cast<int>(out.size());
  const int samples = next.empty() ? opus_decode(state_->decoder.get(), nullptr, 0, out.data(), wanted, 0)
                                   : opus_decode(state_->decoder.get(), next.data(),
                                                 static_cast<opus_int32>(next.size()), out.data(), wanted, 1);
  const std::size_t made = samples > 0 ? static_cast<std::size_t>(samples) : 0;
  std::ranges::fill(out.subspan(std::min(made, out.size())), std::int16_t{0});
}

struct OpusEncoder::State {
  struct Free {
    void operator()(::OpusEncoder* one) const { opus_encoder_destroy(one); }
  };
  std::unique_ptr<::OpusEncoder, Free> encoder;
};

OpusEncoder::OpusEncoder() : state_{std::make_unique<State>()} {
  int error = OPUS_OK;
  state_->encoder.reset(opus_encoder_create(kRate, 1, OPUS_APPLICATION_VOIP, &error));
  ZVONOK_CHECK(error == OPUS_OK);
  opus_encoder_ctl(state_->encoder.get(), OPUS_SET_BITRATE(kBitsPerSecond));
  opus_encoder_ctl(state_->encoder.get(), OPUS_SET_COMPLEXITY(kComplexity));
  opus_encoder_ctl(state_->encoder.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  opus_encoder_ctl(state_->encoder.get(), OPUS_SET_INBAND_FEC(1));
  opus_encoder_ctl(state_->encoder.get(), OPUS_SET_PACKET_LOSS_PERC(kExpectedLossPercent));
}
OpusEncoder::OpusEncoder(OpusEncoder&&) noexcept = default;
OpusEncoder& OpusEncoder::operator=(OpusEncoder&&) noexcept = default;
OpusEncoder::~OpusEncoder() = default;

std::size_t OpusEncoder::encode(std::span<const std::int16_t> frame, MutableBytes out) {
  ZVONOK_CHECK(frame.size() == kFrame && out.size() >= kBytesMax);
  const opus_int32 bytes =
      opus_encode(state_->encoder.get(), frame.data(), kFrame, out.data(), static_cast<opus_int32>(kBytesMax));
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace zvonok::media::phone
