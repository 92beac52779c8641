// What comes from Twilio, or says that it does: forms, callbacks, answers of the API, and messages of Media Streams.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/voip_twilio/call_words.h"
#include "adapter/voip_twilio/signature.h"
#include "adapter/voip_twilio/stream_words.h"
#include "base/base64.h"
#include "base/check.h"
#include "proto/json_scan.h"

using namespace zvonok;
using namespace zvonok::voip_twilio;

namespace {

void check_form(std::string_view input) {
  const auto form = parse_form(input);
  if (!form) return;
  ZVONOK_CHECK(form->size() <= kFormFieldsMax);
  // A pair of two empty texts is written as "=", which is one.
  ZVONOK_CHECK(parse_form(write_form(*form)) == form);
  if (const auto callback = read_callback(*form)) ZVONOK_CHECK(!callback->call_sid.empty());
}

void check_signature(std::string_view input) {
  static const Private<std::string> kToken{std::string{"token"}};
  const std::size_t cut = input.find('\n');
  const std::string_view target = input.substr(0, cut);
  const auto form = parse_form(cut == std::string_view::npos ? "" : input.substr(cut + 1)).value_or(Form{});
  const auto urls = spellings("https://a.example:8443/base", target, input.size() % 2 == 0);
  HttpRequest request;
  request.headers.push_back({"X-Twilio-Signature", sign(kToken, urls.back(), form)});
  ZVONOK_CHECK(is_signed(kToken, request, urls, form));
  request.headers.back().value = input;
  ZVONOK_CHECK(!is_signed(kToken, request, urls, form) || input.size() == 28);
}

void check_answer(std::string_view input) {
  if (const auto resource = read_resource(input)) ZVONOK_CHECK(is_harmless_sid(resource->sid));
  const Refusal refusal = read_refusal(400, input);
  for (const char c : refusal.message) ZVONOK_CHECK(c >= 0x20 && c < 0x7F && !(c >= '0' && c <= '9'));
}

void check_message(std::string_view input) {
  const auto message = read_stream_message(input);
  if (!message) return;
  ZVONOK_CHECK(json::scan(input).has_value());
  if (const auto* const start = std::get_if<StreamStarts>(&*message)) ZVONOK_CHECK(is_stream_sid(start->stream_sid));
  if (const auto* const sound = std::get_if<StreamSound>(&*message)) {
    std::vector<std::uint8_t> bytes(8000);
    const auto count = base64_decode(sound->payload, bytes);
    if (!count) return;
    std::string text;
    append_sound(text, "MZ1", Bytes{bytes}.first(*count));
    const auto again = read_stream_message(text);
    ZVONOK_CHECK(again && std::get<StreamSound>(*again).payload == sound->payload);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 4) {
    case 0: check_form(input); break;
    case 1: check_signature(input); break;
    case 2: check_answer(input); break;
    default: check_message(input); break;
  }
  return 0;
}
