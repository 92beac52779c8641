#include "adapter/voip_sip/source_filter.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>

#include <linux/filter.h>
#include <sys/socket.h>

#include "base/byte_io.h"
#include "net/sockaddr.h"

namespace zvonok::voip_sip {
namespace {

constexpr std::uint32_t kNetwork = static_cast<std::uint32_t>(SKF_NET_OFF);
constexpr std::uint32_t kSourceV4At = 12;  // RFC 791 section 3.1
constexpr std::uint32_t kSourceV6At = 8;   // RFC 8200 section 3
constexpr std::uint32_t kWhole = 0xFFFFFFFF;

void add(std::vector<sock_filter>& program, unsigned code, std::uint32_t k, std::uint8_t yes = 0, std::uint8_t no = 0) {
  program.push_back({static_cast<std::uint16_t>(code), yes, no, k});
}

/// Jumps reach 255 instructions at most, so each address is followed by its own verdict.
std::vector<sock_filter> program_of(const std::vector<IpAddress>& allowed) {
  std::vector<sock_filter> v4;
  std::vector<sock_filter> v6;
  add(v4, BPF_LD | BPF_W | BPF_ABS, kNetwork + kSourceV4At);
  for (std::size_t i = 0; i < std::min(allowed.size(), kFilterAddressesMax); ++i) {
    const IpAddress& ip = allowed[i];
    if (ip.is_v4()) {
      add(v4, BPF_JMP | BPF_JEQ | BPF_K, ip.v4_value(), 0, 1);
      add(v4, BPF_RET | BPF_K, kWhole);
      continue;
    }
    const auto bytes = ip.v6_bytes();
    for (std::uint32_t word = 0; word < 4; ++word) {
      add(v6, BPF_LD | BPF_W | BPF_ABS, kNetwork + kSourceV6At + word * 4);
      // On to the next word, or past what is left of this address.
      add(v6, BPF_JMP | BPF_JEQ | BPF_K, load_be32(bytes.data() + word * 4), 0,
          static_cast<std::uint8_t>((3 - word) * 2 + 1));
    }
    add(v6, BPF_RET | BPF_K, kWhole);
  }
  add(v4, BPF_RET | BPF_K, 0);
  add(v6, BPF_RET | BPF_K, 0);
  std::vector<sock_filter> program;
  add(program, BPF_LD | BPF_B | BPF_ABS, kNetwork);
  add(program, BPF_ALU | BPF_RSH | BPF_K, 4);
  add(program, BPF_JMP | BPF_JEQ | BPF_K, 4, 1, 0);
  add(program, BPF_JMP | BPF_JA, static_cast<std::uint32_t>(v4.size()));
  program.insert(program.end(), v4.begin(), v4.end());
  program.insert(program.end(), v6.begin(), v6.end());
  return program;
}

/// Bound to that port, and not connected to anybody.
bool is_ours(int fd, std::uint16_t port) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  std::uint16_t bound = 0;
  if (address.ss_family == AF_INET) bound = ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) bound = ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  if (bound != port) return false;
  size = sizeof address;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0;
}

}  // namespace

std::size_t filter_sources(std::uint16_t port, const std::vector<IpAddress>& allowed) {
  std::vector<sock_filter> program = program_of(allowed);
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  std::size_t count = 0;
  // The library keeps its sockets to itself.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", error}) {
    const std::string name = entry.path().filename();
    int fd = -1;
    if (std::from_chars(name.data(), name.data() + name.size(), fd).ec != std::errc{} || !is_ours(fd, port)) continue;
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) ++count;
  }
  return count;
}

}  // namespace zvonok::voip_sip
