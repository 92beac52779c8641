// Owners of OpenSSL objects, for the units in this folder and their tests.
#pragma once
#include <memory>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

namespace zvonok::jwt {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using DigestPtr = std::unique_ptr<EVP_MD, Free<&EVP_MD_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, Free<&EVP_MD_CTX_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Free<&EVP_PKEY_CTX_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Free<&BN_free>>;
using EcdsaSignaturePtr = std::unique_ptr<ECDSA_SIG, Free<&ECDSA_SIG_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Free<&OSSL_PARAM_free>>;
using ParamsBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Free<&OSSL_PARAM_BLD_free>>;

}  // namespace zvonok::jwt
