// Owners of OpenSSL objects, without OpenSSL's headers.
#pragma once
#include <memory>

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace zvonok::dtls {

struct OpensslDeleter {
  void operator()(evp_pkey_st* key) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* ssl) const;
  void operator()(x509_st* certificate) const;
};

template <class T>
using OpensslHandle = std::unique_ptr<T, OpensslDeleter>;

}  // namespace zvonok::dtls
