// Any datagram: what is read of its RTP header, extensions, RED and RTX payload lies inside it and fits together, and a
// header written from what was read is read as the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "proto/rtp/demux.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/packet.h"
#include "proto/rtp/red.h"
#include "proto/rtp/rtx.h"

using namespace zvonok;
using namespace zvonok::rtp;

namespace {

void check_inside(Bytes part, Bytes whole) {
  ZVONOK_CHECK(part.empty() ||
               (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()));
}

bool same(Bytes a, Bytes b) {
  return std::ranges::equal(a, b);
}

void check_values(Bytes bytes) {
  if (const auto level = parse_audio_level(bytes)) ZVONOK_CHECK(same(encode_audio_level(*level), bytes));
  if (const auto delay = parse_playout_delay(bytes)) ZVONOK_CHECK(same(encode_playout_delay(*delay), bytes));
  if (const auto time = parse_abs_send_time(bytes)) ZVONOK_CHECK(*time >= Duration{0} && *time < seconds{64});
  if (const auto number = parse_transport_sequence(bytes)) {
    ZVONOK_CHECK(same(encode_transport_sequence(*number), bytes.first(2)));
  }
  const auto mid = parse_mid(bytes);
  const auto rid = parse_rid(bytes);
  ZVONOK_CHECK(!mid || (mid->size() == bytes.size() && mid->size() <= kStreamTextBytesMax));
  ZVONOK_CHECK(!rid || rid == mid);  // a rid is of fewer characters
}

std::vector<ExtensionElement> check_extensions(const PacketView& view) {
  std::vector<ExtensionElement> elements;
  Extensions extensions = view.extensions();
  while (const auto element = extensions.next()) {
    check_inside(element->bytes, view.extension_block);
    ZVONOK_CHECK(element->id != 0 && view.extensions().find(element->id));
    check_values(element->bytes);
    elements.push_back(*element);
  }
  ZVONOK_CHECK(extensions.empty());
  return elements;
}

void check_written(const PacketView& view, const std::vector<ExtensionElement>& elements) {
  const HeaderFields fields{.padding = view.padding,
                            .marker = view.marker,
                            .payload_type = view.payload_type,
                            .sequence = view.sequence,
                            .timestamp = view.timestamp,
                            .ssrc = view.ssrc};
  // The two-byte form at worst: twice the header bytes of the one-byte form.
  std::vector<std::uint8_t> buffer(kFixedHeaderBytes + 2 * view.extension_block.size() + 8);
  const std::size_t length = write_header(buffer, fields, elements);
  ZVONOK_CHECK(length >= kFixedHeaderBytes && length % 4 == 0);
  const auto again = PacketView::parse(Bytes{buffer}.first(length));
  ZVONOK_CHECK(again && again->header_length == length && again->body.empty());
  ZVONOK_CHECK(again->padding == view.padding && again->marker == view.marker);
  ZVONOK_CHECK(again->payload_type == view.payload_type && again->sequence == view.sequence);
  ZVONOK_CHECK(again->timestamp == view.timestamp && again->ssrc == view.ssrc);
  Extensions extensions = again->extensions();
  for (const ExtensionElement& element : elements) {
    const auto written = extensions.next();
    ZVONOK_CHECK(written && written->id == element.id && same(written->bytes, element.bytes));
  }
  ZVONOK_CHECK(!extensions.next());
}

void check_payload(Bytes payload) {
  if (const auto red = RedPayload::parse(payload)) {
    std::size_t total = red->primary().payload.size();
    check_inside(red->primary().payload, payload);
    for (std::size_t distance = 1; distance <= red->earlier_count(); ++distance) {
      const auto block = red->earlier(distance);
      if (!block) continue;
      check_inside(block->payload, payload);
      total += block->payload.size();
    }
    ZVONOK_CHECK(total + 4 * red->earlier_count() + 1 == payload.size());
  }
  if (const auto rtx = parse_rtx(payload)) {
    ZVONOK_CHECK(same(encode_osn(rtx->original_sequence), payload.first(kRtxOsnBytes)));
    ZVONOK_CHECK(rtx->payload.size() + kRtxOsnBytes == payload.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes packet{data, size};
  const PacketKind kind = classify(packet);
  check_payload(packet);
  const auto view = PacketView::parse(packet);
  if (!view) return 0;
  ZVONOK_CHECK(kind == PacketKind::Rtp || kind == PacketKind::Rtcp);
  ZVONOK_CHECK(view->header_length >= kFixedHeaderBytes && view->header_length + view->body.size() == size);
  check_inside(view->body, packet);
  check_inside(view->extension_block, packet);
  check_written(*view, check_extensions(*view));
  if (const auto payload = payload_of(*view)) {
    ZVONOK_CHECK(payload->bytes.size() + payload->padding_length == view->body.size());
    ZVONOK_CHECK((payload->padding_length != 0) == view->padding);
    check_payload(payload->bytes);
  }
  return 0;
}
