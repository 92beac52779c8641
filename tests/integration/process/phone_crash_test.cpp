// A server that is killed in the middle of a hundred phone calls, on both databases: what its books say afterwards.
#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <signal.h>

#include "support/postgres.h"
#include "support/server_process.h"
#include "support/test_node.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

enum class Database { Sqlite, Postgres };

void PrintTo(Database database, std::ostream* out) {
  *out << (database == Database::Sqlite ? "sqlite" : "postgres");
}

constexpr int kUsers = 10;
constexpr int kCallsPerUser = 10;
// So many are known to have begun when the server dies; the others are on their way then.
constexpr int kBegunBefore = kUsers * kCallsPerUser * 2 / 3;

/// Of every kind: talking, ringing, about to be busy, and slow to answer.
const char* number_of(int call) {
  constexpr std::array kNumbers{"+15005550008", "+491512345678", "+15005550002", "+15005550001", "+15005550005"};
  return kNumbers[static_cast<std::size_t>(call) % kNumbers.size()];
}

class CrashedServer : public testing::TestWithParam<Database> {
 protected:
  CrashedServer() {
    if (GetParam() == Database::Postgres) database_ = Postgres::shared().create_database();
  }
  ~CrashedServer() override {
    if (GetParam() == Database::Postgres) Postgres::shared().drop_database(database_);
  }

  [[nodiscard]] ProcessOptions options(std::vector<std::string> arguments) const {
    ProcessOptions out{.arguments = std::move(arguments), .environment = {}, .input = {}, .folder = folder_.path()};
    out.environment = {{"SERVER_PORT", std::to_string(port_)},
                       {"BIND_ADDRESS", "127.0.0.1"},
                       {"DATA_DIR", folder_.path() + "/data"},
                       {"NODE_NAME", "test"},
                       {"JWT_SECRET", "a secret of this test, long enough"},
                       {"AUTH_PROVISION", "jit"},
                       {"VOIP_CALLS_PER_USER_MAX", std::to_string(kCallsPerUser)}};
    if (GetParam() == Database::Postgres) {
      Postgres& postgres = Postgres::shared();
      out.environment.insert(out.environment.end(), {{"POSTGRES_HOST", "127.0.0.1"},
                                                     {"POSTGRES_PORT", std::to_string(postgres.port())},
                                                     {"POSTGRES_USER", postgres.user()},
                                                     {"POSTGRES_PASSWORD", postgres.password()},
                                                     {"POSTGRES_DB", database_}});
    }
    return out;
  }
  [[nodiscard]] std::unique_ptr<ServerProcess> serve() const {
    auto process = std::make_unique<ServerProcess>(options({"serve"}));
    process->await_output("Backend running on port " + std::to_string(port_));
    return process;
  }
  [[nodiscard]] std::string token_of(int user) const {
    ServerProcess process{options({"token", "issue", "--user", "user-" + std::to_string(user)})};
    EXPECT_EQ(process.wait(), 0) << process.output();
    std::string text = process.output();
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  }
  /// Ids of those that the server said it has; stops when it is gone.
  [[nodiscard]] std::vector<std::string> call(const std::string& token, std::atomic<int>& begun) const {
    std::vector<std::string> ids;
    try {
      for (int i = 0; i < kCallsPerUser; ++i) {
        const HttpReply reply = http(port_, {.method = "POST",
                                             .target = "/api/calls/initiate",
                                             .headers = {},
                                             .body = R"({"phone_number":")" + std::string{number_of(i)} + "\"}",
                                             .token = token});
        EXPECT_EQ(reply.status, 201) << reply.body;
        ids.emplace_back(json::parse(reply.body).at("call_id").as_string());
        ++begun;
      }
    } catch (const std::exception&) {
      // It was killed while it was asked.
    }
    return ids;
  }
  [[nodiscard]] json::array history(const std::string& token) const {
    const HttpReply reply = http(port_, {.method = "GET",
                                         .target = "/api/calls/history?kind=phone&limit=200",
                                         .headers = {},
                                         .body = {},
                                         .token = token});
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse(reply.body).at("calls").as_array();
  }

  TempFolder folder_;
  std::uint16_t port_ = free_port();
  std::string database_;
};

TEST_P(CrashedServer, HasOneEndedRecordOfEveryCallWhenItIsBack) {
  std::vector<std::string> tokens;
  for (int user = 0; user < kUsers; ++user) tokens.push_back(token_of(user));
  auto server = serve();
  std::atomic<int> begun = 0;
  std::vector<std::vector<std::string>> ids(kUsers);
  {
    std::vector<std::jthread> users;
    for (std::size_t user = 0; user < kUsers; ++user) {
      users.emplace_back([&, user] { ids[user] = call(tokens[user], begun); });
    }
    while (begun < kBegunBefore && !testing::Test::HasFailure()) std::this_thread::yield();
    server->signal(SIGKILL);
  }
  EXPECT_EQ(server->wait(), 128 + SIGKILL);
  server = serve();
  for (std::size_t user = 0; user < kUsers; ++user) {
    std::set<std::string> known;
    for (const json::value& call : history(tokens[user])) {
      const std::string id{call.at("call_id").as_string()};
      EXPECT_TRUE(known.insert(id).second) << id << " is there twice";
      EXPECT_FALSE(call.at("end_time").is_null()) << id << " is still open";
      EXPECT_FALSE(call.at("reason").is_null());
      EXPECT_TRUE(call.at("status") == "completed" || call.at("status") == "failed" || call.at("status") == "busy")
          << call.at("status");
    }
    for (const std::string& id : ids[user]) EXPECT_TRUE(known.contains(id)) << id << " was begun and is not known";
  }
  // What the day has seen counts on: nobody is in a call any more.
  std::atomic<int> again = 0;
  EXPECT_EQ(call(tokens[0], again).size(), static_cast<std::size_t>(kCallsPerUser));
  server->signal(SIGTERM);
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Databases, CrashedServer, testing::Values(Database::Sqlite, Database::Postgres),
                         [](const auto& database) {
                           return database.param == Database::Sqlite ? "sqlite" : "postgres";
                         });

}  // namespace
}  // namespace zvonok::test
