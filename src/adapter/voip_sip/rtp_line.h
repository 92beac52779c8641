// A telephone's end of a call's sound, as two UDP ports on a media thread: RTP at an even one, RTCP at the next.
//
// Threads: `RtpPorts::open` and the making on the control thread, then as port/phone_audio.h says; `LineLink::post` on
// any thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapter/voip_sip/rtp_session.h"
#include "base/address.h"
#include "base/entropy.h"
#include "base/result.h"
#include "net/fd.h"
#include "net/loop.h"
#include "port/phone_audio.h"

namespace zvonok::voip_sip {

struct PortRange {
  std::uint16_t first = 20000;
  std::uint16_t last = 29999;
};

/// Two bound sockets.
class RtpPorts {
 public:
  /// Any free pair of the range, looked for from a place of chance. The error is for the operator.
  [[nodiscard]] static Result<RtpPorts, std::string> open(const IpAddress& bind, PortRange range, Entropy& entropy);
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  friend class RtpLine;
  RtpPorts(net::Fd rtp, net::Fd rtcp, std::uint16_t port) : rtp_{std::move(rtp)}, rtcp_{std::move(rtcp)}, port_{port} {}
  net::Fd rtp_;
  net::Fd rtcp_;
  std::uint16_t port_;
};

/// What all lines have counted, the ones that are over included. Thread-safe.
class LineTotals {
 public:
  void add(const RtpCounters& since_last);
  [[nodiscard]] RtpCounters read() const;

 private:
  mutable std::mutex mutex_;
  RtpCounters sum_;
};

class RtpLine;

/// From the control thread to a line, wherever that is by now: tasks wait until it has started, and are dropped when it
/// is gone.
class LineLink {
 public:
  static constexpr std::size_t kWaitingMax = 256;
  using Task = std::move_only_function<void(RtpSession&, const Now&)>;
  void post(Task task, const std::shared_ptr<LineLink>& self);
  /// On the control thread, whose loop outlives all lines: `tell` runs there when the other side has been silent for
  /// too long. Nothing: not any more.
  void on_silence(net::Loop& control, std::function<void()> tell);

 private:
  friend class RtpLine;
  void run();                                                       // on the media thread
  static void tell_silence(const std::shared_ptr<LineLink>& self);  // on the media thread

  std::mutex mutex_;  // guards all below
  std::vector<Task> tasks_;
  net::Loop* loop_ = nullptr;
  RtpLine* line_ = nullptr;
  net::Loop* control_ = nullptr;
  std::function<void()> on_silence_;  // of the control thread
};

class RtpLine final : public port::PhoneLine, public RtpOut {
 public:
  /// `link` is shared with the call, `totals` with all lines: each goes when the last of them does.
  RtpLine(RtpPorts ports, RtpSession::Start start, std::shared_ptr<LineLink> link, std::shared_ptr<LineTotals> totals);
  ~RtpLine() override;

  [[nodiscard]] port::G711 law() const override;
  void start(net::Loop& loop, port::PhoneEars& ears) override;
  void send(TimePoint now, const port::PhoneSound& sound) override;
  void send_digit(TimePoint now, char digit) override;

 private:
  friend class LineLink;
  class Port;
  void on_datagram(const Port& port, const SocketAddress& from, MutableBytes datagram);
  void send_rtp(const SocketAddress& to, Bytes datagram) override;
  void send_rtcp(const SocketAddress& to, Bytes datagram) override;
  void on_silence() override;
  void arm();
  void tell_totals();

  RtpPorts ports_;
  RtpSession::Start start_;
  // Owned by the line and by the call of the provider: each may go first.
  std::shared_ptr<LineLink> link_;
  std::shared_ptr<LineTotals> totals_;  // owned by the provider and all lines, any of which may be the last
  net::Loop* loop_ = nullptr;
  std::optional<RtpSession> session_;
  std::unique_ptr<Port> rtp_;
  std::unique_ptr<Port> rtcp_;
  std::optional<net::Loop::TimerKey> timer_;
  RtpCounters told_;
};

}  // namespace zvonok::voip_sip
