// baresip, a real softphone, as a telephone of tests: it answers by itself, or calls, and plays a tone or what it
// hears.
#pragma once
#include <memory>
#include <string>

#include "contract/phone/child.h"

namespace zvonok::test {

class Baresip {
 public:
  static constexpr double kToneHz = 440;
  enum class Says { ItsTone, WhatItHears };
  struct Options {
    Says says = Says::WhatItHears;
    std::string account = {};  // parameters of it, each with its semicolon
    std::string interface = "127.0.0.1";
    std::string dials = {};  // an address that it calls at once
  };
  explicit Baresip(const Options& options);
  explicit Baresip(Says says, const std::string& account = "", const std::string& interface = "127.0.0.1")
      : Baresip(Options{.says = says, .account = account, .interface = interface}) {}

  /// UDP and TCP; TLS is at the next.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool is_up() const;
  /// The folder of the CA that its certificate is of, as the provider wants it.
  [[nodiscard]] const std::string& authority() const { return authority_.path(); }
  /// What it printed, every message among it.
  [[nodiscard]] std::string report() const { return folder_.read("output"); }
  /// Whether the other side has ended its call.
  [[nodiscard]] bool hung_up() const { return report().contains("session closed"); }
  /// It hangs up, and ends.
  void leave() { process_->stop(kLeaves); }

 private:
  static constexpr int kLeaves = 3000;  // ms
  std::string write_certificate();
  std::string write_tone();

  Folder folder_;
  Folder authority_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<Child> process_;
};

}  // namespace zvonok::test
