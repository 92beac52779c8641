// VLESS streams without TLS, as a load: each sends datagrams to the other side of its call at an even rate, and what
// comes of the other side's is counted. One thread; whether it was late is counted, too.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace zvonok::bench {

struct StreamOfCall {
  std::string uuid;
  std::string peer_address;
  std::uint16_t peer_port = 0;
};

struct GeneratorOptions {
  std::uint16_t port = 0;  // of the server, on 127.0.0.1
  std::size_t datagram_bytes = 1200;
  std::size_t batch = 1;              // datagrams in a message
  double bytes_per_second = 470'000;  // of each stream
  double warm_up_seconds = 1;
  double seconds = 5;
};

/// Milliseconds from a send to its arrival.
struct Delays {
  std::vector<double> through;  // the tunnel: two connections and the server
  std::vector<double> bare;     // one connection of the generator to itself
};

struct Measured {
  double seconds = 0;
  std::uint64_t bytes_sent = 0;      // content of datagrams
  std::uint64_t bytes_received = 0;  // likewise, at least
  std::uint64_t messages_late = 0;   // by more than a millisecond, for the generator's own reasons
  std::uint64_t messages = 0;
  Delays delays;
};

class Generator {
 public:
  /// Two streams of a call follow one another; the first two are for the delays. Exits with a line on stderr when one
  /// of them does not open.
  Generator(GeneratorOptions options, const std::vector<StreamOfCall>& streams);

  /// Delays with nothing else going on.
  [[nodiscard]] Measured rest();
  /// Load without measuring, then `on_begin`, and the load that is measured.
  [[nodiscard]] Measured load(void (*on_begin)());

 private:
  struct Stream {
    int fd = -1;
    std::string pending;  // of a message that the socket took a part of
  };
  enum class Load : bool { Off, On };
  Measured run(double seconds, Load load);
  [[nodiscard]] double due_of(double begun) const;
  void send_due(double now, double begun, Measured& measured);
  void send(Stream& stream, Measured& measured);
  void probe(double now);
  void receive(double until, Measured& measured);
  void receive_probe(int fd, std::string& buffer, std::vector<double>& delays, bool is_bare);

  GeneratorOptions options_;
  std::vector<Stream> streams_;  // without the first two
  int near_ = -1;
  int far_ = -1;
  int bare_in_ = -1;
  int bare_out_ = -1;
  int epoll_ = -1;
  std::string message_;
  std::string far_buffer_;
  std::string bare_buffer_;
  std::uint64_t next_message_ = 0;  // of all streams in turn
  double next_probe_ = 0;
  bool probe_is_bare_ = false;
};

}  // namespace zvonok::bench
