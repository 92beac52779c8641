#include "base/check.h"
#include "proto/srtp/gcm.h"
#include "proto/srtp/keys.h"

#if defined(ZVONOK_MULTI_BUFFER)

#include <array>

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

namespace zvonok::srtp {
namespace {

/// The functions for one length of key.
struct Functions {
  aes_gcm_pre_t prepare;
  aes_gcm_init_t init;
  aes_gcm_enc_dec_update_t seal_update, open_update;
  aes_gcm_enc_dec_finalize_t seal_finalize, open_finalize;
  aes_gcm_enc_dec_t seal, open;
};

/// The library's table for this processor: written once, then only read. Null without AES and carry-less multiplication
/// instructions: the library would go on with tables, which are slow and tell the key by their timing.
const IMB_MGR* manager() {
  static const std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> made = [] {
    std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> fresh{alloc_mb_mgr(0), &free_mb_mgr};
    if (!fresh) return fresh;
    init_mb_mgr_auto(fresh.get(), nullptr);
    constexpr std::uint64_t kNeeded = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    if (imb_get_errno(fresh.get()) != 0 || (fresh->features & kNeeded) != kNeeded) fresh.reset();
    return fresh;
  }();
  return made.get();
}

Functions functions(const IMB_MGR& by, std::size_t key_bytes) {
  if (key_bytes == 16) {
    return {by.gcm128_pre,          by.gcm128_init,         by.gcm128_enc_update, by.gcm128_dec_update,
            by.gcm128_enc_finalize, by.gcm128_dec_finalize, by.gcm128_enc,        by.gcm128_dec};
  }
  return {by.gcm256_pre,          by.gcm256_init,         by.gcm256_enc_update, by.gcm256_dec_update,
          by.gcm256_enc_finalize, by.gcm256_dec_finalize, by.gcm256_enc,        by.gcm256_dec};
}

class MultiBufferGcm final : public Gcm {
 public:
  MultiBufferGcm(const IMB_MGR& by, Bytes key) : do_{functions(by, key.size())} { do_.prepare(key.data(), &key_); }
  ~MultiBufferGcm() override { OPENSSL_cleanse(&key_, sizeof key_); }

  bool seal(Bytes iv, Bytes header, Bytes trailer, std::uint8_t* text, Bytes prefix, Bytes rest,
            MutableBytes tag) override {
    const Additional additional{header, trailer};
    alignas(64) gcm_context_data state;
    if (prefix.empty()) {
      do_.seal(&key_, &state, text, rest.data(), rest.size(), iv.data(), additional.data(), additional.size(),
               tag.data(), tag.size());
      return true;
    }
    do_.init(&key_, &state, iv.data(), additional.data(), additional.size());
    do_.seal_update(&key_, &state, text, prefix.data(), prefix.size());
    if (!rest.empty()) do_.seal_update(&key_, &state, text + prefix.size(), rest.data(), rest.size());
    do_.seal_finalize(&key_, &state, tag.data(), tag.size());
    return true;
  }

  bool open(Bytes iv, Bytes header, Bytes trailer, MutableBytes text, Bytes tag) override {
    const Additional additional{header, trailer};
    alignas(64) gcm_context_data state;
    std::array<std::uint8_t, kGcmTagBytes> expected{};
    do_.open(&key_, &state, text.data(), text.data(), text.size(), iv.data(), additional.data(), additional.size(),
             expected.data(), expected.size());
    return CRYPTO_memcmp(expected.data(), tag.data(), tag.size()) == 0;
  }

 private:
  /// Header and trailer in one piece, which the library wants. Only SRTCP has a trailer, and its header is 8 bytes.
  class Additional {
   public:
    Additional(Bytes header, Bytes trailer) : whole_{header} {
      if (trailer.empty()) return;
      ZVONOK_CHECK(header.size() + trailer.size() <= copy_.size());
      copy_bytes(trailer, copy_bytes(header, copy_));
      whole_ = Bytes{copy_}.first(header.size() + trailer.size());
    }
    Additional(const Additional&) = delete;
    Additional& operator=(const Additional&) = delete;

    [[nodiscard]] const std::uint8_t* data() const { return whole_.data(); }
    [[nodiscard]] std::size_t size() const { return whole_.size(); }

   private:
    std::array<std::uint8_t, 16> copy_;
    Bytes whole_;
  };

  Functions do_;
  alignas(64) gcm_key_data key_;  // loaded in whole registers
};

}  // namespace

std::unique_ptr<Gcm> make_multi_buffer_gcm(Bytes key) {
  ZVONOK_CHECK(key.size() == 16 || key.size() == 32);
  const IMB_MGR* const by = manager();
  return by == nullptr ? nullptr : std::make_unique<MultiBufferGcm>(*by, key);
}

}  // namespace zvonok::srtp

#else

namespace zvonok::srtp {

std::unique_ptr<Gcm> make_multi_buffer_gcm(Bytes key) {
  ZVONOK_CHECK(key.size() == 16 || key.size() == 32);
  return nullptr;
}

}  // namespace zvonok::srtp

#endif
