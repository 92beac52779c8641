#include "proto/e2e/agreement.h"

#include <charconv>

#include "base/base64.h"
#include "base/check.h"
#include "proto/json_scan.h"

namespace zvonok::e2e {
namespace {

template <std::size_t kSize>
std::optional<std::array<std::uint8_t, kSize>> from_text(const json::Value& value) {
  if (value.type != json::Type::String) return std::nullopt;
  const auto bytes = base64url_decode(json::unescape(value.raw_string()));
  if (!bytes || bytes->size() != kSize) return std::nullopt;
  std::array<std::uint8_t, kSize> out{};
  copy_bytes(*bytes, out);
  return out;
}

/// A whole number up to `most`, written plainly.
std::optional<unsigned> number_from(const json::Value& value, unsigned most) {
  unsigned number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [at, error] = std::from_chars(value.text.data(), end, number);
  if (value.type != json::Type::Number || error != std::errc{} || at != end || number > most) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Words> parse_words(std::string_view json) {
  Words words;
  std::optional<unsigned> version;
  std::optional<unsigned> round;
  std::optional<Commitment> commitment;
  json::ObjectReader reader{json};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, "v")) version = number_from(member->value, 1);
    if (json::raw_is(member->key, "round")) round = number_from(member->value, kRoundsMax);
    if (json::raw_is(member->key, "commit")) commitment = from_text<32>(member->value);
    if (json::raw_is(member->key, "key")) {
      words.key = from_text<kKeyBytes>(member->value);
      if (!words.key) return std::nullopt;
    }
  }
  if (!reader.valid() || version != 1U || !round || !commitment) return std::nullopt;
  words.round = *round;
  words.commitment = *commitment;
  return words;
}

std::string to_json(const Words& words) {
  std::string out = R"({"v":1,"round":)" + std::to_string(words.round);
  out += R"(,"commit":")" + base64url_encode(words.commitment) + '"';
  if (words.key) out += R"(,"key":")" + base64url_encode(*words.key) + '"';
  return out += '}';
}

std::string_view to_text(Forgery forgery) {
  switch (forgery) {
    case Forgery::NotUnderstood: return "what the other end says of its key is not understood";
    case Forgery::NotPromised: return "the other end's public key is not the one that was promised";
    case Forgery::NoSecret: return "the other end's public key leads to no secret";
    case Forgery::TooManyRounds: return "the two ends have begun to agree too many times";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

Agreement::Agreement(Options options, Entropy& entropy)
    : options_{std::move(options)}, entropy_{entropy}, pair_{make_key_pair(entropy)} {}

std::string Agreement::words() const {
  Words words{.round = round_, .commitment = commitment_of(pair_.public_key), .key = {}};
  if (peer_) words.key = pair_.public_key;
  return to_json(words);
}

Result<Agreement::Heard, Forgery> Agreement::hear(std::string_view json) {
  if (failed_) return fail(*failed_);
  const auto words = parse_words(json);
  auto heard = words ? take(*words) : fail(Forgery::NotUnderstood);
  if (!heard) failed_ = heard.error();
  return heard;
}

Result<Agreement::Heard, Forgery> Agreement::take(const Words& heard) {
  if (heard.round < round_) return Heard{.say = true, .keys = {}};  // it does not know yet
  if (heard.round > round_) {
    if (const auto begun = begin(heard.round); !begun) return fail(begun.error());
  } else if (peer_ && *peer_ != heard.commitment) {
    // Another page of theirs. Its key may be chosen knowing ours, so ours is spent: both choose again.
    if (const auto begun = begin(round_ + 1); !begun) return fail(begun.error());
    return Heard{.say = true, .keys = {}};
  }
  peer_ = heard.commitment;
  const bool shown = shown_ == heard.round;
  shown_ = heard.round;
  Heard out{.say = !shown || !heard.key, .keys = {}};
  if (!heard.key || agreed_) return out;
  auto keys = agree(*heard.key);
  if (!keys) return fail(keys.error());
  agreed_ = true;
  out.keys = std::move(*keys);
  return out;
}

Result<void, Forgery> Agreement::begin(unsigned round) {
  if (round > kRoundsMax) return fail(Forgery::TooManyRounds);
  round_ = round;
  pair_ = make_key_pair(entropy_);
  peer_.reset();
  agreed_ = false;
  return {};
}

Result<PairKeys, Forgery> Agreement::agree(const PublicKey& key) const {
  if (commitment_of(key) != *peer_) return fail(Forgery::NotPromised);
  const auto shared = key == pair_.public_key ? std::nullopt : shared_secret(pair_.private_key, key);
  if (!shared) return fail(Forgery::NoSecret);
  return derive_pair_keys(*shared, as_bytes(options_.extra), {.user = options_.self, .key = pair_.public_key},
                          {.user = options_.peer, .key = key});
}

}  // namespace zvonok::e2e
