// The browser's side of phone calls: what is offered to it, and what it answered. The seam at which the sound of phone
// calls comes in; until then `DescribedLegs` offers this node's own addresses, and nobody answers at them. Belongs to
// the control thread.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "base/entropy.h"
#include "base/id.h"
#include "proto/sdp/sdp.h"

namespace zvonok::app {

class BrowserLegs {
 public:
  virtual ~BrowserLegs() = default;
  /// The offer for a new call, as SDP.
  [[nodiscard]] virtual std::string open(const CallId& call) = 0;
  /// "" when there is none.
  [[nodiscard]] virtual std::string offer_of(const CallId& call) const = 0;
  /// The browser's answer, checked before. A later one takes the place of an earlier one.
  virtual void take_answer(const CallId& call, std::string sdp) = 0;
  /// Exactly one for each `open`; harmless for others.
  virtual void close(const CallId& call) = 0;
};

class DescribedLegs final : public BrowserLegs {
 public:
  explicit DescribedLegs(Entropy& entropy) : entropy_{entropy} {}

  /// Before any call: how media of this node is reached.
  void attach(sdp::Fingerprint fingerprint, std::vector<std::string> candidates);

  [[nodiscard]] std::string open(const CallId& call) override;
  [[nodiscard]] std::string offer_of(const CallId& call) const override;
  void take_answer(const CallId& call, std::string sdp) override;
  void close(const CallId& call) override { legs_.erase(call); }

 private:
  struct Leg {
    std::string offer;
    std::string answer;
  };
  Entropy& entropy_;
  sdp::Fingerprint fingerprint_;
  std::vector<std::string> candidates_;
  std::unordered_map<CallId, Leg> legs_;
};

}  // namespace zvonok::app
