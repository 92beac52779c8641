// What an association counts: why input was not used, and how hard the handshake was.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace zvonok::dtls {

/// Why a record, or what is left of a datagram, was not used.
enum class Drop : std::uint8_t {
  AfterEnd,                 // datagram: the association has failed or is closed
  Malformed,                // datagram: not whole records
  UnknownType,              // record: neither of the four types
  WrongVersion,             // record: not DTLS
  WrongEpoch,               // record: an epoch that is over or never comes
  BadFragment,              // record: handshake header that lies about its lengths
  MessageTooLong,           // fragment: claims more than any handshake needs
  Repeated,                 // fragment: of a message that is known
  Unexpected,               // message or record that the handshake doesn't ask for now
  ReassemblyFull,           // an older unfinished message gave way
  HelloMalformed,           // ClientHello that can't be read
  HelloWrongVersion,        // ClientHello without DTLS 1.2
  HelloNoCommonParameters,  // ClientHello with nothing we can serve
  HelloNoSrtpProfile,       // ClientHello without a profile of ours, or with an MKI
  HelloCompeting,           // another ClientHello while one is being served
  AlertBeforeCompletion,    // nobody can tell who sent it
  Unauthenticated,          // record after completion that OpenSSL didn't take
  ApplicationData,          // there are no data channels
  RepeatedFinishedLimit,    // the last flight was sent again often enough
  OutboxFull,               // datagram of ours: the caller does not poll
};
constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::OutboxFull) + 1;

struct Counters {
  std::array<std::uint64_t, kDropCount> drops{};
  std::uint64_t failed_attempts = 0;    // handshakes that OpenSSL gave up and we began again
  std::uint64_t retransmissions = 0;    // flights sent again because a timer ran out
  std::uint64_t repeated_flights = 0;   // last flights sent again because the very same Finished came again
  std::uint64_t answered_finished = 0;  // last flights sent again because the other side asked

  void count(Drop drop) { ++drops[static_cast<std::size_t>(drop)]; }
  [[nodiscard]] std::uint64_t of(Drop drop) const { return drops[static_cast<std::size_t>(drop)]; }
};

[[nodiscard]] constexpr std::string_view name_of(Drop drop) {
  switch (drop) {
    case Drop::AfterEnd: return "after-end";
    case Drop::Malformed: return "malformed";
    case Drop::UnknownType: return "unknown-type";
    case Drop::WrongVersion: return "wrong-version";
    case Drop::WrongEpoch: return "wrong-epoch";
    case Drop::BadFragment: return "bad-fragment";
    case Drop::MessageTooLong: return "message-too-long";
    case Drop::Repeated: return "repeated";
    case Drop::Unexpected: return "unexpected";
    case Drop::ReassemblyFull: return "reassembly-full";
    case Drop::HelloMalformed: return "hello-malformed";
    case Drop::HelloWrongVersion: return "hello-wrong-version";
    case Drop::HelloNoCommonParameters: return "hello-no-common-parameters";
    case Drop::HelloNoSrtpProfile: return "hello-no-srtp-profile";
    case Drop::HelloCompeting: return "hello-competing";
    case Drop::AlertBeforeCompletion: return "alert-before-completion";
    case Drop::Unauthenticated: return "unauthenticated";
    case Drop::ApplicationData: return "application-data";
    case Drop::RepeatedFinishedLimit: return "repeated-finished-limit";
    case Drop::OutboxFull: return "outbox-full";
  }
  std::abort();
}

}  // namespace zvonok::dtls
