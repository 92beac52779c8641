// A BIO_METHOD that keeps the boundaries of datagrams.
#include "proto/dtls/datagram_bio.h"

#include <algorithm>
#include <memory>

#include <openssl/bio.h>

#include "base/byte_io.h"
#include "proto/dtls/record.h"

namespace zvonok::dtls {
namespace {

DatagramPipe& pipe_of(BIO* bio) {
  return *static_cast<DatagramPipe*>(BIO_get_data(bio));
}

void keep_spares(DatagramPipe& pipe, Bytes datagram) {
  ByteReader reader{datagram};
  while (const auto record = read_record(reader)) {
    if (record->epoch == 0 || pipe.spares.size() >= DatagramPipe::kWrittenMax) continue;
    pipe.spares.emplace_back(record->wire.begin(), record->wire.end());
  }
}

int write_datagram(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  DatagramPipe& pipe = pipe_of(bio);
  auto& written = pipe.written;
  const Bytes bytes = as_bytes({data, static_cast<std::size_t>(size)});
  if (pipe.spares_only) {
    keep_spares(pipe, bytes);
    return size;
  }
  if (written.size() < DatagramPipe::kWrittenMax) written.emplace_back(bytes.begin(), bytes.end());
  return size;
}

int read_datagram(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  Bytes& incoming = pipe_of(bio).incoming;
  if (incoming.empty() || size <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(incoming.size(), static_cast<std::size_t>(size));
  copy_bytes(incoming.first(count), {reinterpret_cast<std::uint8_t*>(data), count});
  incoming = {};  // what did not fit is lost, as with recvfrom
  return static_cast<int>(count);
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return static_cast<long>(pipe_of(bio).mtu_bytes);
    default: return 0;  // also the overhead of UDP and IP: our MTU is that of the payload
  }
}

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram pipe");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, write_datagram);
  BIO_meth_set_read(method, read_datagram);
  BIO_meth_set_ctrl(method, control);
  BIO_meth_set_create(method, create);
  return method;
}

}  // namespace

bio_st* new_datagram_bio(DatagramPipe& pipe) {
  // Numbers for new kinds of BIO are few, so there is one method for the process.
  static const std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method{make_method(), BIO_meth_free};
  BIO* bio = method ? BIO_new(method.get()) : nullptr;
  if (bio != nullptr) BIO_set_data(bio, &pipe);
  return bio;
}

}  // namespace zvonok::dtls
