#include "echo.h"

#include <string>

namespace zvonok::echo {
namespace {

class RawListener final : public engineio::Listener {
 public:
  void on_message(engineio::Session& session, std::string_view text, TimePoint) override {
    packet_ = engineio::to_digit(engineio::PacketType::Message);
    packet_ += text;
    session.send(packet_);
  }
  void on_binary(engineio::Session& session, std::string_view bytes, TimePoint) override { session.send_binary(bytes); }
  void on_close(engineio::Session&, engineio::CloseReason) override {}

 private:
  std::string packet_;
};

}  // namespace

std::unique_ptr<engineio::Listener> RawEcho::accept(engineio::Session&, TimePoint) {
  return std::make_unique<RawListener>();
}

}  // namespace zvonok::echo
