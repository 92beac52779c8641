#include "adapter/voip_sip/outcome.h"

namespace zvonok::voip_sip {
namespace {

using call::phone::Over;
using call::phone::ProviderFault;

constexpr Verdict failed(ProviderFault fault, bool another_trunk = false) {
  return {.over = {.how = Over::How::Failed, .fault = fault}, .another_trunk = another_trunk};
}
constexpr Verdict ended(Over::How how) {
  return {.over = {.how = how}, .another_trunk = false};
}

/// Where the telephone network itself has said why (ITU-T Q.850 section 2.2.7).
std::optional<Verdict> by_cause(int cause) {
  switch (cause) {
    case 1:   // unallocated number
    case 22:  // number changed
    case 28:  // invalid number format
      return failed(ProviderFault::BadNumber);
    case 17:  // user busy
    case 21:  // call rejected
      return ended(Over::How::Busy);
    case 18:  // no user responding
    case 19:  // no answer from user
    case 20:  // subscriber absent
      return ended(Over::How::NoAnswer);
    case 34:  // no circuit available
    case 38:  // network out of order
    case 41:  // temporary failure
    case 42:  // switching equipment congestion
      return failed(ProviderFault::Other, true);
    default: return std::nullopt;
  }
}

}  // namespace

Verdict verdict_of(const Refused& refused, bool rang) {
  if (!refused.by_peer) return failed(ProviderFault::Unreachable, !rang);
  if (refused.cause) {
    if (const auto verdict = by_cause(*refused.cause)) return *verdict;
  }
  switch (refused.status) {
    case 486:  // Busy Here
    case 600:  // Busy Everywhere
    case 603:  // Decline
    case 607:  // Unwanted (RFC 8197)
      return ended(Over::How::Busy);
    case 480:  // Temporarily Unavailable
    case 487:  // Request Terminated, and not by us
      return ended(Over::How::NoAnswer);
    case 408:  // Request Timeout: of the telephone when it rang, of the trunk's own way when not
    case 504: return rang ? ended(Over::How::NoAnswer) : failed(ProviderFault::Unreachable, true);
    case 404:  // Not Found
    case 410:  // Gone
    case 484:  // Address Incomplete
    case 485:  // Ambiguous
    case 604:  // Does Not Exist Anywhere
    case 403:  // Forbidden: trunks say so of numbers that one may not call
      return failed(ProviderFault::BadNumber);
    case 401:
    case 402:  // Payment Required
    case 407: return failed(ProviderFault::Unauthorized, true);
    case 429: return failed(ProviderFault::RateLimited, true);
    default: break;
  }
  return failed(ProviderFault::Other, refused.status >= 500 && refused.status < 600);
}

}  // namespace zvonok::voip_sip
