// Two sides of DTLS and the wire between them, in virtual time; and a plain OpenSSL side, to meet somebody else's
// habits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <openssl/ssl.h>

#include "proto/dtls/transport.h"
#include "support/seeded_entropy.h"

namespace zvonok::dtls::test {

using Datagram = std::vector<std::uint8_t>;

constexpr WallTime kToday = wall_from_unix_milliseconds(1'800'000'000'000);

inline Certificate make_certificate(std::uint64_t seed) {
  zvonok::test::SeededEntropy entropy{seed};
  return std::move(Certificate::generate(entropy, {.now = kToday}).value());
}

/// One side: what a shard has, and one association.
struct Side {
  Side(Role role, std::uint64_t seed, const TransportOptions& options = {}, const ContextOptions& context_options = {})
      : certificate{make_certificate(seed)},
        context{std::move(Context::create(certificate, context_options).value())},
        transport{context, role, options} {}

  Certificate certificate;
  Context context;
  Transport transport;
};

enum class From : std::uint8_t { Passive, Active };

/// A datagram on its way: whose it is, in which burst of that side (from 1; what one step sends is a burst) and where
/// in the burst (from 0).
struct Sent {
  From from{};
  int burst = 0;
  int place = 0;
  const Datagram& bytes;
};

/// Carries datagrams both ways with 5 ms each. `fate` says after how much more time each copy arrives: none is a loss.
class Link {
 public:
  using Fate = std::function<std::vector<Duration>(const Sent&)>;
  static constexpr Duration kDelay = milliseconds{5};

  Link(Transport& passive_side, Transport& active_side) : passive{passive_side}, active{active_side} {}

  void exchange_fingerprints(const Side& passive_owner, const Side& active_owner) {
    passive.set_remote_fingerprints({active_owner.certificate.fingerprint()});
    active.set_remote_fingerprints({passive_owner.certificate.fingerprint()});
  }

  void start() {
    passive.start(now);
    active.start(now);
    drain();
  }

  /// Runs until nothing is left to do before `until`, or `done` says so.
  void run(TimePoint until, const std::function<bool()>& done = [] { return false; }) {
    while (!done()) {
      TimePoint next = std::min(passive.next_timeout(), active.next_timeout());
      if (!wire.empty()) next = std::min(next, wire.begin()->first);
      if (next > until) break;
      now = std::max(now, next);
      step();
    }
    if (!done()) now = std::max(now, until);
  }

  /// Starts both and runs until both are connected; gives how long it took.
  Duration connect(Duration limit = seconds{40}) {
    const TimePoint from = now;
    start();
    run(now + limit, [&] { return both_connected(); });
    return now - from;
  }

  [[nodiscard]] bool both_connected() const {
    return passive.state() == State::Connected && active.state() == State::Connected;
  }

  void drain() {
    drain(From::Passive, passive);
    drain(From::Active, active);
  }

  Transport& passive;
  Transport& active;
  Fate fate = [](const Sent&) { return std::vector{Duration{}}; };
  TimePoint now{};
  std::size_t largest = 0;
  std::multimap<TimePoint, std::pair<From, Datagram>> wire;

 private:
  void step() {
    if (!wire.empty() && wire.begin()->first <= now) {
      const auto [from, bytes] = std::move(wire.begin()->second);
      wire.erase(wire.begin());
      (from == From::Passive ? active : passive).handle_datagram(now, bytes);
    } else {
      if (passive.next_timeout() <= now) passive.handle_timeout(now);
      if (active.next_timeout() <= now) active.handle_timeout(now);
    }
    drain();
  }

  void drain(From from, Transport& side) {
    int place = 0;
    int& burst = bursts_[from];
    while (const auto datagram = side.poll_transmit()) {
      if (place == 0) ++burst;
      largest = std::max(largest, datagram->size());
      for (const Duration later : fate({from, burst, place, *datagram})) {
        wire.emplace(now + kDelay + later, std::pair{from, *datagram});
      }
      ++place;
    }
  }

  std::map<From, int> bursts_;
};

/// OpenSSL alone, as any other program would use it.
class PlainPeer {
 public:
  explicit PlainPeer(Role role, const std::string& profiles = "SRTP_AEAD_AES_128_GCM", std::size_t mtu_bytes = 1200)
      : certificate{make_certificate(77)}, context_{SSL_CTX_new(DTLS_method())} {
    SSL_CTX_set_options(context_.get(), SSL_OP_NO_QUERY_MTU);
    SSL_CTX_use_certificate(context_.get(), certificate.x509());
    SSL_CTX_use_PrivateKey(context_.get(), certificate.key());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context_.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    if (!profiles.empty()) SSL_CTX_set_tlsext_use_srtp(context_.get(), profiles.c_str());
    pipe_.mtu_bytes = mtu_bytes;
    role_ = role;
  }

  [[nodiscard]] SSL_CTX* context() { return context_.get(); }

  void start() {
    ssl_.reset(SSL_new(context_.get()));
    bio_st* bio = new_datagram_bio(pipe_);
    SSL_set_bio(ssl_.get(), bio, bio);
    DTLS_set_timer_cb(ssl_.get(), [](SSL*, unsigned) { return 4'000'000'000U; });
    SSL_set_mtu(ssl_.get(), static_cast<long>(pipe_.mtu_bytes));
    if (role_ == Role::Passive) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
    }
    SSL_do_handshake(ssl_.get());
  }

  void handle(const Datagram& datagram) {
    pipe_.incoming = datagram;
    char byte = 0;
    if (SSL_is_init_finished(ssl_.get()) == 1) {
      SSL_read(ssl_.get(), &byte, 1);
    } else {
      SSL_do_handshake(ssl_.get());
    }
    pipe_.incoming = {};
  }

  [[nodiscard]] std::vector<Datagram> take() { return std::exchange(pipe_.written, {}); }
  [[nodiscard]] bool finished() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  [[nodiscard]] SSL* ssl() { return ssl_.get(); }

  /// Carries everything both ways until both are silent.
  void talk_to(Transport& transport, TimePoint now) {
    for (int round = 0; round < 50; ++round) {
      const auto mine = take();
      for (const Datagram& datagram : mine) transport.handle_datagram(now, datagram);
      bool silent = mine.empty();
      while (const auto datagram = transport.poll_transmit()) {
        handle(*datagram);
        silent = false;
      }
      if (silent) return;
    }
  }

  Certificate certificate;

 private:
  Role role_{};
  DatagramPipe pipe_;
  OpensslHandle<ssl_ctx_st> context_;
  OpensslHandle<ssl_st> ssl_;
};

}  // namespace zvonok::dtls::test
