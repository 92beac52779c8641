#include "media/phone/speech_decoder.h"

#include "base/check.h"
#include "proto/g711/g711.h"

namespace zvonok::media::phone {

std::optional<std::size_t> SpeechDecoder::samples_of(Codec codec, Bytes payload) {
  if (codec == Codec::Opus) return opus_samples(payload);
  if (codec != Codec::Pcmu && codec != Codec::Pcma) return std::nullopt;
  if (payload.empty() || payload.size() > kSamplesMax) return std::nullopt;
  return payload.size();
}

OpusDecoder& SpeechDecoder::opus() {
  if (!opus_) opus_.emplace();
  return *opus_;
}

std::optional<std::size_t> SpeechDecoder::decode(Codec codec, Bytes payload, std::span<std::int16_t> out) {
  ZVONOK_CHECK(out.size() >= kSamplesMax);
  const auto samples = samples_of(codec, payload);
  if (!samples) return std::nullopt;
  if (codec == Codec::Opus) return opus().decode(payload, out);
  g711::decode(codec == Codec::Pcmu ? g711::Law::Ulaw : g711::Law::Alaw, payload, out);
  concealer_.on_heard(out.first(*samples));
  return samples;
}

void SpeechDecoder::conceal(Codec codec, Bytes next, std::span<std::int16_t> out) {
  if (codec == Codec::Opus) return opus().conceal(next, out);
  concealer_.conceal(out);
}

}  // namespace zvonok::media::phone
