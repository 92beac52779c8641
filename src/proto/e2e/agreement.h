// How two ends come to a key over a signalling that they do not trust (docs/protocol/e2e.md, "Words"): each commits to
// its public key before it sees the other's, and a page or process that came anew makes both choose again.
//
// Sans-IO: words in, words and keys out. Not thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"
#include "proto/e2e/key_schedule.h"

namespace zvonok::e2e {

constexpr unsigned kRoundsMax = 16;

/// What an end says of its key.
struct Words {
  unsigned round = 0;
  Commitment commitment{};
  std::optional<PublicKey> key;
};
/// Nothing for what is not exactly that.
[[nodiscard]] std::optional<Words> parse_words(std::string_view json);
[[nodiscard]] std::string to_json(const Words& words);

/// Why there is no key and will be none: somebody has been at the words.
enum class Forgery { NotUnderstood, NotPromised, NoSecret, TooManyRounds };
[[nodiscard]] std::string_view to_text(Forgery forgery);

class Agreement {
 public:
  struct Options {
    std::string self;
    std::string peer;
    std::string extra;  // the salt; may be empty
  };
  Agreement(Options options, Entropy& entropy);

  /// For the other end, as JSON. Say them at the start and after every reconnect.
  [[nodiscard]] std::string words() const;

  struct Heard {
    bool say = false;              // `words` are to be said (again)
    std::optional<PairKeys> keys;  // there are new ones; those of earlier rounds hold no more
  };
  /// What the other end said: any number of times, in the order of sending. After an error there is only that error.
  [[nodiscard]] Result<Heard, Forgery> hear(std::string_view json);

 private:
  [[nodiscard]] Result<Heard, Forgery> take(const Words& heard);
  [[nodiscard]] Result<void, Forgery> begin(unsigned round);
  [[nodiscard]] Result<PairKeys, Forgery> agree(const PublicKey& key) const;

  Options options_;
  Entropy& entropy_;
  unsigned round_ = 0;
  KeyPair pair_;
  std::optional<Commitment> peer_;  // of this round
  std::optional<unsigned> shown_;   // the round in which the public key has been shown
  bool agreed_ = false;
  std::optional<Forgery> failed_;
};

}  // namespace zvonok::e2e
