// What is needed to end a call of SIP that its server did not live to end, as text for a file: a dialog (RFC 3261
// section 12) and the trunk that it is with. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zvonok::voip_sip {

struct KeptDialog {
  std::string trunk;       // its name
  std::string call_id;     // headers as they stand in messages, from here on
  std::string local;       // our address and tag: From of what we send
  std::string remote;      // likewise To
  std::string target;      // the remote target, a URI
  std::string route;       // the route set in the order of requests; may be empty
  std::uint32_t cseq = 0;  // of our last request that is known; there may have been others
  friend bool operator==(const KeptDialog&, const KeptDialog&) = default;
};

inline constexpr std::size_t kKeptDialogBytesMax = 16 * 1024;
/// Nothing when it can't be written as lines, or is too long.
[[nodiscard]] std::optional<std::string> write_kept_dialog(const KeptDialog& dialog);
/// Nothing when it is none, or not whole.
[[nodiscard]] std::optional<KeptDialog> read_kept_dialog(std::string_view text);

}  // namespace zvonok::voip_sip
