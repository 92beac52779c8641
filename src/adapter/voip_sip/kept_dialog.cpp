#include "adapter/voip_sip/kept_dialog.h"

#include <array>
#include <charconv>
#include <utility>

namespace zvonok::voip_sip {
namespace {

// The last line says that the others are all there.
constexpr std::string_view kEnd = "end\n";

struct Field {
  std::string_view name;
  std::string KeptDialog::* value;
};
constexpr std::array<Field, 6> kFields{{{"trunk ", &KeptDialog::trunk},
                                        {"call-id ", &KeptDialog::call_id},
                                        {"local ", &KeptDialog::local},
                                        {"remote ", &KeptDialog::remote},
                                        {"target ", &KeptDialog::target},
                                        {"route ", &KeptDialog::route}}};
constexpr std::string_view kCseq = "cseq ";

/// The value of the line that `text` begins with, and takes that line away.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (!text.starts_with(name) || end == std::string_view::npos || end < name.size()) return std::nullopt;
  const std::string_view value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

std::optional<std::string> write_kept_dialog(const KeptDialog& dialog) {
  std::string text;
  for (const Field& field : kFields) {
    const std::string& value = dialog.*field.value;
    if (value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) return std::nullopt;
    text.append(field.name).append(value).append("\n");
  }
  text.append(kCseq).append(std::to_string(dialog.cseq)).append("\n").append(kEnd);
  if (text.size() > kKeptDialogBytesMax) return std::nullopt;
  return text;
}

std::optional<KeptDialog> read_kept_dialog(std::string_view text) {
  if (text.size() > kKeptDialogBytesMax) return std::nullopt;
  KeptDialog dialog;
  for (const Field& field : kFields) {
    const auto value = take(text, field.name);
    const bool may_be_empty = field.value == &KeptDialog::route;
    if (!value || (value->empty() && !may_be_empty)) return std::nullopt;
    dialog.*field.value = *value;
  }
  const auto cseq = take(text, kCseq);
  if (!cseq) return std::nullopt;
  const auto [end, error] = std::from_chars(cseq->data(), cseq->data() + cseq->size(), dialog.cseq);
  if (error != std::errc{} || end != cseq->data() + cseq->size() || text != kEnd) return std::nullopt;
  return dialog;
}

}  // namespace zvonok::voip_sip
