// See baresip.h.
#include "contract/phone/baresip.h"

#include <vector>

#include <sys/socket.h>

#include "support/self_signed.h"
#include "support/tone.h"

namespace zvonok::test {

Baresip::Baresip(const Options& options) {
  const std::string source = options.says == Says::ItsTone ? "aufile," + write_tone() : std::string{"aubridge,itself"};
  const std::string port = std::to_string(port_);
  folder_.write("config", (options.interface.empty() ? "" : "net_interface " + options.interface) +
                              "\nsip_listen 127.0.0.1:" + port +
                              "\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aufile.so\n"
                              "module aubridge.so\nmodule srtp.so\nmodule_app account.so\nmodule_app menu.so\n"
                              "audio_source " +
                              source + "\naudio_player aubridge,itself\nrtp_ports " + std::to_string(port_ + 1) + "-" +
                              std::to_string(port_ + 3) + "\nsip_certificate " + write_certificate() + "\n");
  folder_.write("accounts",
                "<sip:+491512345678@127.0.0.1:" + port + ">;regint=0;answermode=auto" + options.account + "\n");
  folder_.write("contacts", "");
  std::vector<std::string> command{"baresip", "-4", "-f", folder_.path(), "-s"};
  if (!options.dials.empty()) command.insert(command.end(), {"-e", "/dial " + options.dials});
  process_ = std::make_unique<Child>(std::move(command), folder_.path("output"));
}

bool Baresip::is_up() const {
  // TLS comes last.
  return is_bound(port_, SOCK_DGRAM) && is_bound(static_cast<std::uint16_t>(port_ + 1), SOCK_STREAM);
}

/// For 127.0.0.1, with its key behind it.
std::string Baresip::write_certificate() {
  write_self_signed("127.0.0.1", authority_.path("cafile.pem"), folder_.path("key.pem"));
  return folder_.write("certificate.pem", authority_.read("cafile.pem") + folder_.read("key.pem"));
}

/// Twenty seconds of its tone as a WAV file: 8 kHz, one channel, 16 bits.
std::string Baresip::write_tone() {
  constexpr std::uint32_t kSamples = 20 * 8000;
  std::string wav = "RIFF....WAVEfmt ";
  const auto add = [&wav](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) wav += static_cast<char>(value >> (8 * i));
  };
  add(16, 4);
  add(1, 2);
  add(1, 2);
  add(8000, 4);
  add(16000, 4);
  add(2, 2);
  add(16, 2);
  wav += "data";
  add(kSamples * 2, 4);
  for (const std::uint8_t byte : tone(port::G711::Ulaw, kToneHz, 0, kSamples)) {
    add(static_cast<std::uint32_t>(from_ulaw(byte)), 2);
  }
  for (int i = 0; i < 4; ++i) wav[4 + static_cast<std::size_t>(i)] = static_cast<char>((wav.size() - 8) >> (8 * i));
  return folder_.write("tone.wav", wav);
}

}  // namespace zvonok::test
