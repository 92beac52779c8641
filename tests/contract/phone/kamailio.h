// Kamailio, a real registrar and proxy, between us and a telephone: whoever registers or calls from our side proves by
// digest who it is, and stays on the way of every call (Record-Route).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "contract/phone/child.h"

namespace zvonok::test {

class Kamailio {
 public:
  static constexpr const char* kUser = "me";
  static constexpr const char* kPassword = "p w;d";
  /// Calls to it go to whoever has registered as kUser; all others to the telephone.
  static constexpr const char* kOurNumber = "+4930999888";

  /// Waits until it listens. `telephone`: its port, by UDP.
  explicit Kamailio(std::uint16_t telephone);
  Kamailio(const Kamailio&) = delete;
  Kamailio& operator=(const Kamailio&) = delete;
  ~Kamailio() { stop(); }

  /// UDP and TCP.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Forgets everything.
  void stop();
  void start();
  /// How many lines of its own there are with that text in them.
  [[nodiscard]] std::size_t count(std::string_view text) const;
  [[nodiscard]] std::string report() const { return folder_.read("output"); }

 private:
  Folder folder_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<Child> process_;
};

}  // namespace zvonok::test
