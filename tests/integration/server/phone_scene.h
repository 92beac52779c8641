// What tests of phone calls over the API share: requests, and streams of events.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "support/test_node.h"

namespace zvonok::test {

namespace json = boost::json;

inline HttpCall post(const std::string& target, const json::object& body, const Person& who,
                     std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.method = "POST",
          .target = target,
          .headers = std::move(headers),
          .body = json::serialize(body),
          .token = who.token};
}
inline HttpCall get(const std::string& target, const Person& who) {
  return {.method = "GET", .target = target, .headers = {}, .body = {}, .token = who.token};
}

/// A stream of server-sent events, read as it comes.
class Events {
 public:
  Events(std::uint16_t port, const std::string& target, const Person& who) : client_{port} {
    client_.send(request_bytes(get(target, who)));
    read_until("\r\n\r\n");
    header_ = take_until("\r\n\r\n");
  }
  [[nodiscard]] const std::string& header() const { return header_; }
  /// The data of the next event; null at the end of the stream.
  json::value next() {
    for (;;) {
      if (!read_until("\n\n")) return nullptr;
      const std::string event = take_until("\n\n");
      const auto data = event.find("data: ");
      if (data != std::string::npos) return json::parse(event.substr(data + 6));
    }
  }

 private:
  bool read_until(const std::string& mark) {
    while (!text_.contains(mark)) {
      const std::string more = client_.read_some();
      if (more.empty()) return false;
      text_ += more;
    }
    return true;
  }
  std::string take_until(const std::string& mark) {
    const std::size_t end = text_.find(mark) + mark.size();
    std::string part = text_.substr(0, end);
    text_.erase(0, end);
    return part;
  }

  TcpClient client_;
  std::string text_;
  std::string header_;
};

inline json::value initiate(const TestNode& node, const Person& who, const char* number) {
  const HttpReply reply = node.call(post("/api/calls/initiate", {{"phone_number", number}}, who));
  EXPECT_EQ(reply.status, 201) << reply.body;
  return json::parse(reply.body);
}

inline std::string id_of(const json::value& call) {
  return std::string{call.at("call_id").as_string()};
}

}  // namespace zvonok::test
