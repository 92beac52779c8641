// A whole server in this process, on a free port, with a folder of its own; stopped and removed at the end.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "app/config/config.h"
#include "app/node.h"
#include "base/log.h"
#include "support/ws_client.h"

namespace zvonok::test {

enum class Database { Sqlite, Postgres };

/// A folder that is removed with everything in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Keeps every line, for tests that look for what must not be there.
class KeptLog final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override;
  [[nodiscard]] std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

struct Person {
  std::string id;
  std::string email;
  std::string token;
  std::string refresh_token;
};

class TestNode {
 public:
  using Tweak = std::function<void(app::Config&)>;
  /// Passwords are hashed with the least memory, so that tests don't wait for argon2.
  explicit TestNode(const Tweak& tweak = {}, Database database = Database::Sqlite);
  ~TestNode();
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  [[nodiscard]] std::uint16_t port() const { return node_->port(); }
  [[nodiscard]] std::string log() const { return log_.text(); }
  [[nodiscard]] const std::string& folder() const { return folder_.path(); }
  HttpReply call(const HttpCall& request) const { return http(port(), request); }
  /// Signs somebody up by REST.
  [[nodiscard]] Person person(const std::string& name) const;
  [[nodiscard]] WsClient connect(const Person& person, const std::string& device = {}) const {
    return WsClient{port(), person.token, device};
  }
  /// The value of a line of /metrics, such as `zvonok_connections_closed_total{reason="evicted"}`. Throws without it.
  [[nodiscard]] double metric(const std::string& name) const;
  /// Asks again and again until `done(value)`; throws after kPatience with the last value.
  void await_metric(const std::string& name, const std::function<bool(double)>& done) const;
  /// The records of `GET /api/calls/history`, once there are `count` of them.
  [[nodiscard]] boost::json::array await_history(const Person& person, std::size_t count) const;
  /// Begins the shutdown without waiting for its end.
  void begin_stop() { node_->stop(); }
  void join();

 private:
  TempFolder folder_;
  KeptLog log_;
  std::string postgres_database_;
  std::unique_ptr<app::Node> node_;
  std::thread thread_;
};

}  // namespace zvonok::test
