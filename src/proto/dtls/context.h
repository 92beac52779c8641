// What all DTLS associations of one shard have in common: certificate, ciphers, SRTP profiles.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/client_hello.h"
#include "proto/dtls/openssl_handles.h"
#include "proto/dtls/srtp_keys.h"

namespace zvonok::dtls {

struct ContextOptions {
  /// In order of preference. As the passive side ours decides, as the active side the other's.
  std::vector<SrtpProfile> srtp_profiles{SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm,
                                         SrtpProfile::Aes128CmSha1_80};
};

/// DTLS 1.2 only; ECDHE with AES-GCM or ChaCha20 only; no tickets, sessions or renegotiation. The other side must show
/// a certificate; any is taken here, because Transport checks its fingerprint. One per shard: not for two threads at
/// once.
class Context {
 public:
  /// The error is a text for the log: OpenSSL lacks something, or no profile was given.
  [[nodiscard]] static Result<Context, std::string> create(const Certificate& certificate,
                                                           const ContextOptions& options = {});

  [[nodiscard]] ssl_ctx_st* native() const { return context_.get(); }
  /// What a ClientHello must offer for a handshake to have a chance.
  [[nodiscard]] const HelloPolicy& hello_policy() const { return hello_policy_; }

 private:
  Context() = default;

  OpensslHandle<ssl_ctx_st> context_;
  HelloPolicy hello_policy_;
};

}  // namespace zvonok::dtls
