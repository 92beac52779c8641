// One kept connection to the server; one request at a time, which blocks.
#pragma once
#include <cstdint>
#include <string>

#include <boost/json.hpp>

namespace zvonok::bench {

class Http {
 public:
  explicit Http(std::uint16_t port);
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  ~Http();

  std::string token;

  boost::json::object post(const std::string& path, const boost::json::object& body);
  /// The sum of a metric over its labels; 0 when there is none.
  double metric(const std::string& name);

 private:
  /// The body of the answer.
  std::string ask(const std::string& method, const std::string& path, const std::string& body);

  int fd_;
};

}  // namespace zvonok::bench
