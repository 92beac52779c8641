#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "proto/stun/binding.h"
#include "proto/stun/integrity.h"
#include "proto/stun/message.h"
#include "proto/stun/writer.h"
#include "support/seeded_entropy.h"
#include "unit/proto/stun/vectors.h"

namespace zvonok::stun {
namespace {

using test::from_hex;
using Wire = std::vector<std::uint8_t>;

const TransactionId kTransaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
const TransactionId kLongTermTransaction{0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e};

IntegrityKey long_term_key() {
  return IntegrityKey{IntegrityKey::LongTerm{test::kLongTermUsername, "example.org", test::kLongTermPassword}};
}

template <class Fill>
Wire written(const MessageWriter::Header& header, Fill fill) {
  Wire buffer(512);
  MessageWriter writer{buffer, header};
  fill(writer);
  buffer.resize(writer.finish());
  return buffer;
}

TEST(StunVectors, RequestIsReadAndWrittenByteExact) {  // RFC 5769 section 2.1
  const Wire wire = from_hex(test::kRequestHex);
  IntegrityKey key{test::kShortTermPassword};
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class, MessageClass::Request);
  EXPECT_EQ(message->method, kBinding);
  EXPECT_EQ(message->transaction, kTransaction);
  EXPECT_EQ(message->username, "evtj:h6vY");
  EXPECT_EQ(message->software, "STUN test client");
  EXPECT_EQ(message->priority, 0x6e0001ffU);
  EXPECT_EQ(message->ice_controlled, 0x932ff9b151263b36U);
  EXPECT_FALSE(message->ice_controlling);
  EXPECT_FALSE(message->use_candidate);
  EXPECT_TRUE(message->not_understood.empty());
  EXPECT_TRUE(has_integrity(*message, key));
  EXPECT_TRUE(has_integrity(*message, key)) << "the key can be used again";
  EXPECT_TRUE(has_fingerprint(*message));

  EXPECT_EQ(written({.transaction = kTransaction, .padding = 0x20},
                    [&](MessageWriter& writer) {
                      writer.software("STUN test client");
                      writer.priority(0x6e0001ff);
                      writer.ice_controlled(0x932ff9b151263b36);
                      writer.username("evtj:h6vY");
                      writer.message_integrity(key);
                      writer.fingerprint();
                    }),
            wire);
}

TEST(StunVectors, ResponsesAreReadAndWrittenByteExact) {  // RFC 5769 sections 2.2 and 2.3
  struct Row {
    std::string_view hex;
    std::string_view mapped;
  };
  for (const Row& row : {Row{test::kResponseV4Hex, "192.0.2.1:32853"},
                         Row{test::kResponseV6Hex, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}}) {
    const Wire wire = from_hex(row.hex);
    IntegrityKey key{test::kShortTermPassword};
    const auto message = parse(wire);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->message_class, MessageClass::Success);
    EXPECT_EQ(message->software, "test vector");
    ASSERT_TRUE(message->mapped_address);
    EXPECT_EQ(message->mapped_address->to_text(), row.mapped);
    EXPECT_TRUE(has_integrity(*message, key));
    EXPECT_TRUE(has_fingerprint(*message));

    EXPECT_EQ(written({.message_class = MessageClass::Success, .transaction = kTransaction, .padding = 0x20},
                      [&](MessageWriter& writer) {
                        writer.software("test vector");
                        writer.xor_mapped_address(*SocketAddress::parse(row.mapped));
                        writer.message_integrity(key);
                        writer.fingerprint();
                      }),
              wire);
  }
}

TEST(StunVectors, LongTermRequestIsReadAndWrittenByteExact) {  // RFC 5769 section 2.4
  const Wire wire = from_hex(test::kLongTermRequestHex);
  IntegrityKey key = long_term_key();
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->username, test::kLongTermUsername);
  EXPECT_EQ(message->realm, "example.org");
  EXPECT_EQ(message->nonce, test::kLongTermNonce);
  EXPECT_TRUE(has_integrity(*message, key));
  EXPECT_FALSE(has_fingerprint(*message));

  EXPECT_EQ(written({.transaction = kLongTermTransaction},
                    [&](MessageWriter& writer) {
                      writer.username(test::kLongTermUsername);
                      writer.nonce(test::kLongTermNonce);
                      writer.realm("example.org");
                      writer.message_integrity(key);
                    }),
            wire);
}

TEST(StunVectors, NoBitCanBeChangedUnnoticed) {
  struct Row {
    std::string_view hex;
    IntegrityKey key;
    bool has_fingerprint;
  };
  std::vector<Row> rows;
  for (const std::string_view hex : {test::kRequestHex, test::kResponseV4Hex, test::kResponseV6Hex}) {
    rows.push_back({hex, IntegrityKey{test::kShortTermPassword}, true});
  }
  rows.push_back({test::kLongTermRequestHex, long_term_key(), false});
  for (Row& row : rows) {
    const Wire original = from_hex(row.hex);
    for (std::size_t at = 0; at < original.size(); ++at) {
      for (int flip = 1; flip < 256; ++flip) {
        Wire wire = original;
        wire[at] = static_cast<std::uint8_t>(wire[at] ^ flip);
        const auto message = parse(wire);
        const bool good =
            message && has_integrity(*message, row.key) && (!row.has_fingerprint || has_fingerprint(*message));
        ASSERT_FALSE(good) << "byte " << at << " flipped by " << flip << " of " << row.hex;
      }
    }
    for (std::size_t size = 0; size < original.size(); ++size) {
      EXPECT_FALSE(parse(Bytes{original}.first(size))) << size;
    }
  }
}

TEST(StunIntegrity, NeedsTheVeryPassword) {
  const Wire wire = from_hex(test::kRequestHex);
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  for (const std::string_view password : {"VOkJxbRl1RmTxUk/WvJxBu", "VOkJxbRl1RmTxUk/WvJxB", "x", ""}) {
    IntegrityKey key{password};
    EXPECT_FALSE(has_integrity(*message, key)) << password;
  }
  IntegrityKey key{test::kShortTermPassword};
  EXPECT_TRUE(has_integrity(*message, key));
  IntegrityKey moved{std::move(key)};
  EXPECT_TRUE(has_integrity(*message, moved));
}

TEST(StunIntegrity, IsTheHmacOfRfc2202) {
  IntegrityKey key{"Jefe"};  // test case 2
  const std::string_view data = "what do ya want for nothing?";
  const Integrity expected{0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2, 0xd2, 0x74,
                           0x16, 0xd5, 0xf1, 0x84, 0xdf, 0x9c, 0x25, 0x9a, 0x7c, 0x79};
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    EXPECT_EQ(key.sign(as_bytes(data.substr(0, cut)), as_bytes(data.substr(cut))), expected);
  }
}

TEST(StunFingerprint, IsTheCrcOfIso3309) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32(as_bytes("a")), 0xE8B7BE43U);
}

// ---- parsing -------------------------------------------------------------------------------------------------------

/// A message of attributes given as they stand on the wire.
Wire raw_message(std::string_view attributes_hex, std::string_view type = "0001") {
  const Wire attributes = from_hex(attributes_hex);
  Wire wire = from_hex(std::string{type} + "00002112a442000102030405060708090a0b");
  store_be16(wire.data() + 2, static_cast<std::uint16_t>(attributes.size()));
  wire.insert(wire.end(), attributes.begin(), attributes.end());
  return wire;
}

TEST(StunParse, RefusesWhatIsNotStunOrBroken) {
  struct Row {
    std::string_view what;
    Wire wire;
    ParseError error;
  };
  const Wire good = raw_message("");
  ASSERT_TRUE(parse(good));
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Wire wire = good;
    wire[at] = value;
    return wire;
  };
  for (const Row& row : std::vector<Row>{
           {"nothing", {}, ParseError::TooShort},
           {"one byte less than a header", {good.begin(), good.end() - 1}, ParseError::TooShort},
           {"DTLS", changed(0, 22), ParseError::NotStun},
           {"RTP", changed(0, 0x80), ParseError::NotStun},
           {"ChannelData", changed(0, 0x40), ParseError::NotStun},
           {"RFC 3489, no cookie", changed(4, 0x20), ParseError::NotStun},
           {"length past the end", changed(3, 4), ParseError::BadLength},
           {"length not of whole words", raw_message("802200"), ParseError::BadLength},
           {"length short of the end",
            [&] {
              Wire w = raw_message("80220000");
              w[3] = 0;
              return w;
            }(),
            ParseError::BadLength},
           {"attribute past the end", raw_message("80220001"), ParseError::BadLength},
           {"attribute of 65535 bytes", raw_message("8022ffff"), ParseError::BadLength},
           {"short MESSAGE-INTEGRITY", raw_message("0008000400000000"), ParseError::BadAttribute},
           {"short FINGERPRINT", raw_message("8028000200000000"), ParseError::BadAttribute},
           {"short PRIORITY", raw_message("0024000200000000"), ParseError::BadAttribute},
           {"long PRIORITY", raw_message("002400080000000000000000"), ParseError::BadAttribute},
           {"short ICE-CONTROLLING", raw_message("802a000400000000"), ParseError::BadAttribute},
           {"USE-CANDIDATE with a value", raw_message("0025000400000000"), ParseError::BadAttribute},
           {"address of no family", raw_message("0020000800030001e112a643"), ParseError::BadAttribute},
           {"IPv4 address of 16 bytes", raw_message("002000140001a1470113a9faa5d3f179bc25f4b5bed2b9d9"),
            ParseError::BadAttribute},
           {"IPv6 address of 4 bytes", raw_message("002000080002a147e112a643"), ParseError::BadAttribute},
           {"empty address", raw_message("00200000"), ParseError::BadAttribute},
           {"address of 24 bytes", raw_message("002000180002a1470113a9faa5d3f179bc25f4b5bed2b9d900000000"),
            ParseError::BadAttribute},
           {"error 200", raw_message("0009000400000200"), ParseError::BadAttribute},
           {"error 7xx", raw_message("0009000400000700"), ParseError::BadAttribute},
           {"error 4(100)", raw_message("0009000400000464"), ParseError::BadAttribute},
           {"error of 2 bytes", raw_message("0009000200000000"), ParseError::BadAttribute},
           {"half an unknown attribute", raw_message("000a000300010000"), ParseError::BadAttribute},
           {"attribute behind the fingerprint", raw_message("802800040000000080220000"), ParseError::AfterFingerprint},
           {"USERNAME of 509 bytes", raw_message("000601fd" + std::string(1024, '6')), ParseError::BadAttribute}}) {
    const auto message = parse(row.wire);
    ASSERT_FALSE(message) << row.what;
    EXPECT_EQ(message.error(), row.error) << row.what;
  }
}

TEST(StunParse, SkipsWhatItMaySkipAndListsTheRest) {
  // Chrome's network cost (C057), SOFTWARE, an unknown required one, and another.
  const Wire wire = raw_message(
      "c057000400010032"
      "8022000161000000"
      "7fff0000"
      "001c000400000000"
      "0024000400000007");
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  EXPECT_EQ(std::vector(message->not_understood.types().begin(), message->not_understood.types().end()),
            (std::vector<std::uint16_t>{0x7fff, 0x001c}));
  EXPECT_EQ(message->priority, 7U);

  std::string many;
  for (int i = 0; i < 40; ++i) many += "7fff0000";
  const Wire crowded = raw_message(many);
  const auto full = parse(crowded);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->not_understood.types().size(), AttributeTypes::kMax);
}

TEST(StunParse, TakesTheFirstOfTwins) {
  const Wire wire = raw_message(
      "0006000161000000"
      "0006000162000000"
      "0024000400000001"
      "0024000400000002");
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->username, "a");
  EXPECT_EQ(message->priority, 1U);
}

TEST(StunParse, BelievesNothingBehindTheIntegrity) {
  const std::string integrity = "00080014" + std::string(40, '0');
  // USE-CANDIDATE, ICE-CONTROLLED, USERNAME, an unknown required one, and an address that nobody can parse.
  const Wire wire = raw_message(integrity +
                                "00250000"
                                "802900080000000000000001"
                                "0006000161000000"
                                "7fff0000"
                                "00200000");
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->use_candidate);
  EXPECT_FALSE(message->ice_controlled);
  EXPECT_FALSE(message->username);
  EXPECT_FALSE(message->mapped_address);
  EXPECT_TRUE(message->not_understood.empty());
}

TEST(StunParse, PrefersTheXorAddressWhereverItStands) {
  const std::string plain = "000100080001138800000001";  // 0.0.0.1:5000
  const std::string xored = "002000080001a147e112a643";
  for (const std::string& both : {plain + xored, xored + plain}) {
    const Wire wire = raw_message(both, "0101");
    const auto message = parse(wire);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->mapped_address->to_text(), "192.0.2.1:32853");
  }
  const Wire old = raw_message(plain, "0101");
  EXPECT_EQ(parse(old)->mapped_address->to_text(), "0.0.0.1:5000");
}

TEST(StunParse, TellsEveryClassAndMethod) {
  for (const MessageClass message_class :
       {MessageClass::Request, MessageClass::Indication, MessageClass::Success, MessageClass::Error}) {
    for (std::uint16_t method = 0; method < 0x100; ++method) {
      const Wire wire = written({.message_class = message_class, .method = method, .transaction = kTransaction},
                                [](MessageWriter&) {});
      const auto message = parse(wire);
      ASSERT_TRUE(message) << method;
      ASSERT_EQ(message->message_class, message_class) << method;
      ASSERT_EQ(message->method, method);
    }
  }
}

// ---- writing -------------------------------------------------------------------------------------------------------

TEST(StunWriter, GivesNothingWhenTheBufferIsTooSmall) {
  IntegrityKey key{"password"};
  const BindingRequest request{
      .transaction = kTransaction, .username = "abcd:efgh", .priority = 1, .ice_controlling = 2};
  Wire whole(kBindingBytesMax);
  whole.resize(write_binding_request(whole, request, &key));
  ASSERT_FALSE(whole.empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Wire small(size, 0xEE);
    EXPECT_EQ(write_binding_request(small, request, &key), 0U) << size;
  }
  Wire exact(whole.size());
  EXPECT_EQ(write_binding_request(exact, request, &key), whole.size());
  EXPECT_EQ(exact, whole);
}

TEST(StunBinding, AsksForThePublicAddressInTwentyEightBytes) {
  zvonok::test::SeededEntropy entropy{1};
  Wire wire(kBindingBytesMax);
  const TransactionId transaction = make_transaction(entropy);
  wire.resize(write_binding_request(wire, {.transaction = transaction}, nullptr));
  EXPECT_EQ(wire.size(), 28U);
  const auto message = parse(wire);
  ASSERT_TRUE(message);
  EXPECT_TRUE(has_fingerprint(*message));
  EXPECT_FALSE(message->integrity_at);
  EXPECT_EQ(message->transaction, transaction);
  EXPECT_NE(make_transaction(entropy), transaction);
}

TEST(StunBinding, WritesTheChecksOfAFullAgent) {
  IntegrityKey key{"password of the receiver"};
  for (const Nominate nominate : {Nominate::No, Nominate::Yes}) {
    Wire wire(kBindingBytesMax);
    wire.resize(write_binding_request(wire,
                                      {.transaction = kTransaction,
                                       .username = "abcd:efgh",
                                       .priority = 0x7e7f00ff,
                                       .ice_controlling = 0x0102030405060708,
                                       .nominate = nominate},
                                      &key));
    const auto message = parse(wire);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->username, "abcd:efgh");
    EXPECT_EQ(message->priority, 0x7e7f00ffU);
    EXPECT_EQ(message->ice_controlling, 0x0102030405060708U);
    EXPECT_FALSE(message->ice_controlled);
    EXPECT_EQ(message->use_candidate, nominate == Nominate::Yes);
    EXPECT_TRUE(has_integrity(*message, key));
    EXPECT_TRUE(has_fingerprint(*message));
  }
}

TEST(StunBinding, AnswersWithAddressesAndErrors) {
  IntegrityKey key{"password"};
  Wire wire(kBindingBytesMax);
  const SocketAddress mapped = *SocketAddress::parse("[2001:db8::7]:9");
  wire.resize(write_binding_success(wire, {.transaction = kTransaction, .mapped = mapped}, &key));
  const auto success = parse(wire);
  ASSERT_TRUE(success);
  EXPECT_EQ(success->message_class, MessageClass::Success);
  EXPECT_EQ(success->mapped_address, mapped);
  EXPECT_TRUE(has_integrity(*success, key));

  Wire refusal(kBindingBytesMax);
  const std::array<std::uint16_t, 3> unknown{0x7fff, 0x0003, 0x001c};
  refusal.resize(write_binding_error(refusal,
                                     {.transaction = kTransaction,
                                      .error = {.code = 420, .reason = "Unknown Attribute"},
                                      .unknown_attributes = unknown},
                                     &key));
  const auto error = parse(refusal);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message_class, MessageClass::Error);
  ASSERT_TRUE(error->error);
  EXPECT_EQ(error->error->code, 420);
  EXPECT_EQ(error->error->reason, "Unknown Attribute");
  EXPECT_TRUE(std::ranges::equal(error->unknown_attributes.types(), unknown));
  EXPECT_TRUE(has_integrity(*error, key));
  EXPECT_TRUE(has_fingerprint(*error));
}

}  // namespace
}  // namespace zvonok::stun
