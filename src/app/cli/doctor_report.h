// What `zvonok doctor` prints, check by check.
#pragma once
#include <string>

#include "app/config/config.h"

namespace zvonok::app {

class DoctorReport {
 public:
  void good(const std::string& text);
  void warn(const std::string& text, const std::string& advice);
  void bad(const std::string& text, const std::string& advice);
  [[nodiscard]] int failures() const { return failures_; }

 private:
  int failures_ = 0;
};

/// Ports and addresses of media, our own STUN, the TURN servers of the settings.
void check_media(DoctorReport& report, const Config& config);
/// Whether the messenger answers who may enter a room, where it is to be asked.
void check_messenger(DoctorReport& report, const Config& config);
/// Whether an external tunnel server, where the settings name one, lets users be added.
void check_tunnel(DoctorReport& report, const Config& config);
/// Whether telephones can be called, as far as the provider tells.
void check_phone(DoctorReport& report, const Config& config);
/// Its part about SIP: takes the port of the settings for a moment, and registers.
void check_sip(DoctorReport& report, const Config& config);

}  // namespace zvonok::app
