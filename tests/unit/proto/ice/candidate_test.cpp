#include "proto/ice/candidate.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::ice {
namespace {

TEST(Candidates, OfThisServerAreWrittenWithThePrioritiesOfTheRfcs) {
  const std::vector<Advertised> addresses{{Protocol::Udp, *SocketAddress::parse("192.0.2.1:40000")},
                                          {Protocol::Udp, *SocketAddress::parse("[2001:db8::1]:40000")},
                                          {Protocol::Tcp, *SocketAddress::parse("192.0.2.1:40000")},
                                          {Protocol::Udp, *SocketAddress::parse("192.0.2.1:443")}};
  std::vector<std::string> lines;
  for (const Candidate& candidate : host_candidates(addresses)) {
    lines.push_back(write_candidate(candidate));
    EXPECT_EQ(parse_candidate(lines.back()), candidate);
  }
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host",
                       "candidate:2 1 udp 2130706175 2001:db8::1 40000 typ host",
                       "candidate:3 1 tcp 2124414463 192.0.2.1 40000 typ host tcptype passive",
                       "candidate:1 1 udp 2130705663 192.0.2.1 443 typ host",
                   }));
}

TEST(Candidates, OfBrowsersAreRead) {
  const auto chromium = parse_candidate(
      "candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx raddr 192.168.1.5 rport 46154 generation 0 "
      "ufrag sXP5 network-cost 999");
  ASSERT_TRUE(chromium);
  EXPECT_EQ(chromium->foundation, "842163049");
  EXPECT_EQ(chromium->type, CandidateType::ServerReflexive);
  EXPECT_EQ(chromium->priority, 1677729535U);
  EXPECT_EQ(chromium->address, "203.0.113.77");
  EXPECT_EQ(chromium->port, 46154);
  EXPECT_EQ(chromium->ufrag, "sXP5");
  EXPECT_FALSE(chromium->is_mdns());

  const auto active =
      parse_candidate("candidate:1 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active generation 0");
  ASSERT_TRUE(active);
  EXPECT_EQ(active->protocol, Protocol::Tcp);
  EXPECT_EQ(active->tcp_type, TcpType::Active);

  const auto firefox =
      parse_candidate("a=candidate:0 2 UDP 2122252542 3f1e9a0c-1111-4222-8333-444455556666.local 57287 typ host\r\n");
  ASSERT_TRUE(firefox);
  EXPECT_EQ(firefox->component, 2);
  EXPECT_TRUE(firefox->is_mdns());
  EXPECT_FALSE(firefox->tcp_type);
}

TEST(Candidates, ThatAreNoneAreRefused) {
  struct Row {
    std::string line;
    CandidateError error;
  };
  for (const Row& row :
       std::vector<Row>{{"", CandidateError::NotCandidate},
                        {"candidate:", CandidateError::NotCandidate},
                        {"end-of-candidates", CandidateError::NotCandidate},
                        {"candidate: 1 udp 1 1.2.3.4 5 typ host", CandidateError::NotCandidate},
                        {"candidate:1\r\n 1 udp 1 1.2.3.4 5 typ host", CandidateError::NotCandidate},
                        {"candidate:1", CandidateError::BadComponent},
                        {"candidate:1 x udp 1 1.2.3.4 5 typ host", CandidateError::BadComponent},
                        {"candidate:1 -1 udp 1 1.2.3.4 5 typ host", CandidateError::BadComponent},
                        {"candidate:1 1 ssltcp 1 1.2.3.4 5 typ host", CandidateError::BadProtocol},
                        {"candidate:1 1 udp 4294967296 1.2.3.4 5 typ host", CandidateError::BadPriority},
                        {"candidate:1 1 udp 1", CandidateError::BadAddress},
                        {"candidate:1 1 udp 1 1.2\x01.3.4 5 typ host", CandidateError::BadAddress},
                        {"candidate:1 1 udp 1 " + std::string(254, 'a') + " 5 typ host", CandidateError::BadAddress},
                        {"candidate:1 1 udp 1 1.2.3.4 65536 typ host", CandidateError::BadPort},
                        {"candidate:1 1 udp 1 1.2.3.4 5", CandidateError::BadType},
                        {"candidate:1 1 udp 1 1.2.3.4 5 type host", CandidateError::BadType},
                        {"candidate:1 1 udp 1 1.2.3.4 5 typ ghost", CandidateError::BadType},
                        {"candidate:1 1 udp 1 1.2.3.4 5 typ host" + std::string(1024, ' '), CandidateError::TooLong}}) {
    const auto candidate = parse_candidate(row.line);
    ASSERT_FALSE(candidate) << row.line;
    EXPECT_EQ(candidate.error(), row.error) << row.line;
  }
}

}  // namespace
}  // namespace zvonok::ice
