#include "support/test_node.h"

#include <filesystem>
#include <stdexcept>

#include <stdlib.h>

#include "support/postgres.h"

namespace zvonok::test {

TempFolder::TempFolder() {
  std::string form = (std::filesystem::temp_directory_path() / "zvonok-test-XXXXXX").string();
  if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
  path_ = form;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void KeptLog::write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line{message};
  for (const LogField& field : fields) line += " " + std::string{field.key} + "=" + field.value;
  const std::lock_guard lock{mutex_};
  text_ += line + "\n";
}

std::string KeptLog::text() const {
  const std::lock_guard lock{mutex_};
  return text_;
}

TestNode::TestNode(const Tweak& tweak, Database database) {
  app::Config config;
  config.server_port = 0;
  config.bind_address = "127.0.0.1";
  config.data_dir = folder_.path() + "/data";
  config.jwt_secret = Private<std::string>{"a secret of tests that is 32 bytes long or more"};
  config.password_memory_kib = 8;
  config.password_passes = 1;
  config.shutdown_timeout = seconds{2};
  config.node_name = "test";
  config.stun_port = 0;  // tests that run at once would fight for it
  if (database == Database::Postgres) {
    Postgres& server = Postgres::shared();
    postgres_database_ = server.create_database();
    config.postgres_host = "127.0.0.1";
    config.postgres_port = server.port();
    config.postgres_user = server.user();
    config.postgres_password = Private<std::string>{server.password()};
    config.postgres_db = postgres_database_;
    config.postgres_sslmode = "disable";
  }
  if (tweak) tweak(config);
  auto node = app::Node::create(config, log_, app::SignalUse::LeaveAlone);
  if (!node) throw std::runtime_error{node.error()};
  node_ = std::move(*node);
  thread_ = std::thread{[this] { node_->run(); }};
}

TestNode::~TestNode() {
  join();
  node_.reset();
  if (!postgres_database_.empty()) Postgres::shared().drop_database(postgres_database_);
}

void TestNode::join() {
  if (!thread_.joinable()) return;
  node_->stop();
  node_->stop();
  thread_.join();
}

Person TestNode::person(const std::string& name) const {
  const std::string email = name + "@example.org";
  const HttpReply reply =
      call({.method = "POST",
            .target = "/api/auth/register",
            .headers = {},
            .body = R"({"email":")" + email + R"(","password":"a long password","display_name":")" + name + "\"}",
            .token = {}});
  if (reply.status != 201) throw std::runtime_error{"register: " + std::to_string(reply.status) + " " + reply.body};
  const boost::json::value answer = boost::json::parse(reply.body);
  return Person{.id = std::string{answer.at("user").at("id").as_string()},
                .email = email,
                .token = std::string{answer.at("access_token").as_string()},
                .refresh_token = std::string{answer.at("refresh_token").as_string()}};
}

double TestNode::metric(const std::string& name) const {
  const std::string text = call({.method = "GET", .target = "/metrics", .headers = {}, .body = {}, .token = {}}).body;
  const std::size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) throw std::runtime_error{"no metric " + name};
  return std::stod(text.substr(at + name.size() + 2));
}

void TestNode::await_metric(const std::string& name, const std::function<bool(double)>& done) const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  double last = 0;
  while (std::chrono::steady_clock::now() < end) {
    last = metric(name);
    if (done(last)) return;
  }
  throw std::runtime_error{name + " stayed at " + std::to_string(last)};
}

boost::json::array TestNode::await_history(const Person& person, std::size_t count) const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const HttpReply reply =
        call({.method = "GET", .target = "/api/calls/history", .headers = {}, .body = {}, .token = person.token});
    if (reply.status != 200) throw std::runtime_error{"history: " + std::to_string(reply.status) + reply.body};
    boost::json::array calls = boost::json::parse(reply.body).at("calls").as_array();
    if (calls.size() >= count) return calls;
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error{"history stays at " + reply.body};
  }
}

}  // namespace zvonok::test
