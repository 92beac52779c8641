#include "proto/srtp/gcm.h"

#include <algorithm>
#include <array>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/check.h"
#include "proto/srtp/openssl.h"

namespace zvonok::srtp {
namespace {

/// One EVP_CipherUpdate; without `out` the bytes are additional data. OpenSSL wants no call for nothing.
bool update(EVP_CIPHER_CTX* context, std::uint8_t* out, Bytes in) {
  int written = 0;
  return in.empty() || EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1;
}

class OpensslGcm final : public Gcm {
 public:
  OpensslGcm(Bytes key, Direction direction) : context_{new_cipher_context()} {
    ZVONOK_CHECK(EVP_CipherInit_ex2(context_.get(), gcm_cipher(key.size()), key.data(), nullptr,
                                    direction == Direction::Seal ? 1 : 0, nullptr) == 1);
  }

  bool seal(Bytes iv, Bytes header, Bytes trailer, std::uint8_t* text, Bytes prefix, Bytes rest,
            MutableBytes tag) override {
    EVP_CIPHER_CTX* const context = context_.get();
    int written = 0;
    std::array wanted{OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag.data(), tag.size()),
                      OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, nullptr) == 1 &&
           update(context, nullptr, header) && update(context, nullptr, trailer) && update(context, text, prefix) &&
           update(context, text + prefix.size(), rest) && EVP_CipherFinal_ex(context, tag.data(), &written) == 1 &&
           EVP_CIPHER_CTX_get_params(context, wanted.data()) == 1;
  }

  bool open(Bytes iv, Bytes header, Bytes trailer, MutableBytes text, Bytes tag) override {
    EVP_CIPHER_CTX* const context = context_.get();
    std::array<std::uint8_t, kGcmTagBytes> expected{};
    std::copy(tag.begin(), tag.end(), expected.begin());
    const std::array params{OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected.data(), tag.size()),
                            OSSL_PARAM_construct_end()};
    std::array<std::uint8_t, kGcmTagBytes> none{};
    int written = 0;
    return EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, params.data()) == 1 &&
           update(context, nullptr, header) && update(context, nullptr, trailer) &&
           update(context, text.data(), text) && EVP_CipherFinal_ex(context, none.data(), &written) == 1;
  }

 private:
  CipherContext context_;
};

}  // namespace

std::unique_ptr<Gcm> make_openssl_gcm(Bytes key, Direction direction) {
  return std::make_unique<OpensslGcm>(key, direction);
}

std::unique_ptr<Gcm> make_gcm(Bytes key, Direction direction) {
  if (auto fast = make_multi_buffer_gcm(key)) return fast;
  return make_openssl_gcm(key, direction);
}

}  // namespace zvonok::srtp
