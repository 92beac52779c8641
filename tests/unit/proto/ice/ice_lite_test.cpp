#include "proto/ice/ice_lite.h"

#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "proto/stun/writer.h"
#include "support/seeded_entropy.h"
#include "unit/proto/ice/ice_model.h"
#include "unit/proto/ice/ice_peer.h"

namespace zvonok::ice {
namespace {

using stun::Nominate;
using test::CheckSpec;
using test::tcp_path;
using test::udp_path;
using Wire = std::vector<std::uint8_t>;

const Credentials kOld{"oldufrag", "the password of the old generation"};
const Credentials kNow{"nowufrag", "the password of this generation"};
const Credentials kNext{"nextufrag", "the password of the next generation"};
const Credentials kRemoteOld{"remoteold", "not used"};
const Credentials kRemote{"remote", "not used"};
const Credentials kRemoteNext{"remotenext", "not used"};
const Path kA = udp_path(1);
const Path kB = udp_path(2);

/// An agent with a clock and the last answer.
struct Scene {
  explicit Scene(Credentials local, Options options = {}) : agent{now, std::move(local), options} {}

  Outcome send(const Path& path, const CheckSpec& spec) { return send(path, test::write_check(spec)); }
  Outcome send(const Path& path, const Wire& packet) {
    response.assign(kResponseBytesMax, 0);
    const Outcome outcome = agent.handle_request(now, path, packet, response);
    response.resize(outcome.response_bytes);
    return outcome;
  }
  Outcome plain(const Path& path) { return send(path, {kNow.ufrag, kRemote.ufrag, kNow.pwd}); }
  Outcome nominate(const Path& path) { return send(path, {kNow.ufrag, kRemote.ufrag, kNow.pwd, Nominate::Yes}); }
  void pass(Duration duration) {
    now += duration;
    agent.handle_timeout(now);
  }
  std::vector<Event> events() {
    std::vector<Event> all;
    while (auto event = agent.poll_event()) all.push_back(std::move(*event));
    return all;
  }

  TimePoint now{hours{1}};
  IceLite agent;
  Wire response;
};

// ---- the table: every state, every check ---------------------------------------------------------------------------

enum class Start {
  New,
  Checking,
  Connected,
  Suspect,
  Disconnected,
  Closed,
  Failed,
  Restarting,
  RestartingDisconnected
};
enum class Kind { Plain, UseCandidate, WrongPassword, OldPassword, OldPasswordOfThisUfrag, Controlled };

const char* name(Start start) {
  switch (start) {
    case Start::New: return "new";
    case Start::Checking: return "checking";
    case Start::Connected: return "connected";
    case Start::Suspect: return "suspect";
    case Start::Disconnected: return "disconnected";
    case Start::Closed: return "closed";
    case Start::Failed: return "failed";
    case Start::Restarting: return "restarting";
    case Start::RestartingDisconnected: return "restarting, disconnected";
  }
  return "";
}

/// Every state but those of a restart has an old generation that is gone for good; path A is the selected one.
Scene make(Start start) {
  if (start == Start::Restarting || start == Start::RestartingDisconnected) {
    Scene scene{kOld};
    scene.agent.set_remote(scene.now, kRemoteOld);
    scene.send(kA, {kOld.ufrag, kRemoteOld.ufrag, kOld.pwd, Nominate::Yes});
    if (start == Start::RestartingDisconnected) scene.pass(seconds{16});
    scene.agent.restart(scene.now, kNow);
    scene.agent.set_remote(scene.now, kRemote);
    scene.events();
    return scene;
  }
  Scene scene{kOld};
  scene.agent.set_remote(scene.now, kRemoteOld);
  scene.pass(seconds{30});
  EXPECT_EQ(scene.agent.state(), State::Failed);
  scene.agent.restart(scene.now, kNow);
  if (start != Start::New) scene.agent.set_remote(scene.now, kRemote);
  if (start != Start::New && start != Start::Checking) scene.nominate(kA);
  if (start == Start::Suspect) scene.pass(seconds{8});
  if (start == Start::Disconnected) scene.pass(seconds{15});
  if (start == Start::Closed) scene.agent.remove_path(scene.now, kA);
  if (start == Start::Failed) scene.pass(seconds{30});
  scene.events();
  return scene;
}

CheckSpec spec_of(Kind kind) {
  CheckSpec spec{kNow.ufrag, kRemote.ufrag, kNow.pwd};
  switch (kind) {
    case Kind::Plain: break;
    case Kind::UseCandidate: spec.nominate = Nominate::Yes; break;
    case Kind::WrongPassword:
      spec.receiver_pwd = "something else entirely";
      spec.nominate = Nominate::Yes;
      break;
    case Kind::OldPassword: spec = {kOld.ufrag, kRemoteOld.ufrag, kOld.pwd}; break;
    case Kind::OldPasswordOfThisUfrag: spec.receiver_pwd = kOld.pwd; break;
    case Kind::Controlled:
      spec.role = CheckSpec::Role::Controlled;
      spec.nominate = Nominate::Yes;
      break;
  }
  return spec;
}

struct Expected {
  Verdict verdict;
  State state;
  std::optional<Path> selected;
};
struct Row {
  Start start;
  std::array<Expected, 6> by_kind;  // in the order of Kind
};

void expect_table(const std::vector<Row>& rows, const Path& path) {
  for (const Row& row : rows) {
    for (std::size_t kind = 0; kind < row.by_kind.size(); ++kind) {
      const Expected& expected = row.by_kind[kind];
      Scene scene = make(row.start);
      const auto before = scene.agent.selected();
      const bool was_valid = scene.agent.is_valid(path);
      const Outcome outcome = scene.send(path, spec_of(static_cast<Kind>(kind)));
      const std::string what = std::string{name(row.start)} + ", kind " + std::to_string(kind);
      EXPECT_EQ(to_text(outcome.verdict), to_text(expected.verdict)) << what;
      EXPECT_EQ(to_text(scene.agent.state()), to_text(expected.state)) << what;
      EXPECT_TRUE(scene.agent.selected() == expected.selected) << what;
      EXPECT_EQ(outcome.selection == Selection::Changed, before != expected.selected) << what;
      const bool answered = outcome.verdict == Verdict::Accepted || outcome.verdict == Verdict::RoleConflict;
      EXPECT_EQ(outcome.response_bytes != 0, answered) << what;
      EXPECT_EQ(scene.agent.is_valid(path), was_valid || outcome.verdict == Verdict::Accepted) << what;
    }
  }
}

Row failed_row() {
  const Expected dead{Verdict::Failed, State::Failed, std::nullopt};
  return {Start::Failed, {dead, dead, dead, dead, dead, dead}};
}
/// Refusals change nothing.
Row row(Start start, Expected plain, Expected use_candidate, Expected refused) {
  Row all{start, {plain, use_candidate, refused, refused, refused, refused}};
  all.by_kind[2].verdict = Verdict::BadIntegrity;
  all.by_kind[3].verdict = Verdict::UnknownUfrag;
  all.by_kind[4].verdict = Verdict::BadIntegrity;
  all.by_kind[5].verdict = Verdict::RoleConflict;
  return all;
}
/// But while a restart waits for its first check, the old password is good.
Row restarting_row(Start start, Expected good, Expected old, Expected refused) {
  Row all = row(start, good, good, refused);
  all.by_kind[3] = old;
  return all;
}

TEST(IceLiteTable, ChecksOfAnotherPathThanTheSelected) {
  constexpr Verdict kGood = Verdict::Accepted;
  const std::optional<Path> none;
  expect_table(
      {
          row(Start::New, {kGood, State::Connected, kB}, {kGood, State::Connected, kB}, {{}, State::New, none}),
          row(Start::Checking, {kGood, State::Connected, kB}, {kGood, State::Connected, kB},
              {{}, State::Checking, none}),
          row(Start::Connected, {kGood, State::Connected, kA}, {kGood, State::Connected, kB},
              {{}, State::Connected, kA}),
          row(Start::Suspect, {kGood, State::Suspect, kA}, {kGood, State::Connected, kB}, {{}, State::Suspect, kA}),
          row(Start::Disconnected, {kGood, State::Disconnected, kA}, {kGood, State::Connected, kB},
              {{}, State::Disconnected, kA}),
          row(Start::Closed, {kGood, State::Connected, kB}, {kGood, State::Connected, kB},
              {{}, State::Disconnected, none}),
          failed_row(),
          restarting_row(Start::Restarting, {kGood, State::Connected, kB}, {kGood, State::Connected, kA},
                         {{}, State::Connected, kA}),
          restarting_row(Start::RestartingDisconnected, {kGood, State::Connected, kB}, {kGood, State::Disconnected, kA},
                         {{}, State::Disconnected, kA}),
      },
      kB);
}

TEST(IceLiteTable, ChecksOfTheSelectedPath) {
  constexpr Verdict kGood = Verdict::Accepted;
  const std::optional<Path> none;
  const Expected alive{kGood, State::Connected, kA};
  expect_table(
      {
          row(Start::New, alive, alive, {{}, State::New, none}),
          row(Start::Checking, alive, alive, {{}, State::Checking, none}),
          row(Start::Connected, alive, alive, {{}, State::Connected, kA}),
          row(Start::Suspect, alive, alive, {{}, State::Suspect, kA}),
          row(Start::Disconnected, alive, alive, {{}, State::Disconnected, kA}),
          row(Start::Closed, alive, alive, {{}, State::Disconnected, none}),
          failed_row(),
          restarting_row(Start::Restarting, alive, alive, {{}, State::Connected, kA}),
          restarting_row(Start::RestartingDisconnected, alive, alive, {{}, State::Disconnected, kA}),
      },
      kA);
}

// ---- answers -------------------------------------------------------------------------------------------------------

TEST(IceLiteAnswer, SuccessTellsTheAddressAndIsSignedWithOurPassword) {
  for (const char* remote : {"203.0.113.5:1234", "[2001:db8::5]:1234"}) {
    Scene scene{kNow};
    Path path = kA;
    path.remote = *SocketAddress::parse(remote);
    ASSERT_EQ(scene.plain(path).verdict, Verdict::Accepted);
    const auto answer = stun::parse(scene.response);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->message_class, stun::MessageClass::Success);
    EXPECT_EQ(answer->transaction, (stun::TransactionId{1, 2, 3}));
    EXPECT_EQ(answer->mapped_address, path.remote);
    stun::IntegrityKey key{kNow.pwd};
    EXPECT_TRUE(stun::has_integrity(*answer, key));
    EXPECT_TRUE(stun::has_fingerprint(*answer));
    EXPECT_LT(scene.response.size(), 96U) << "never more than a browser sends";
  }
}

TEST(IceLiteAnswer, RoleConflictIsSignedAndHasItsCode) {
  Scene scene{kNow};
  EXPECT_EQ(scene.send(kA, spec_of(Kind::Controlled)).verdict, Verdict::RoleConflict);
  const auto answer = stun::parse(scene.response);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->message_class, stun::MessageClass::Error);
  ASSERT_TRUE(answer->error);
  EXPECT_EQ(answer->error->code, 487);
  stun::IntegrityKey key{kNow.pwd};
  EXPECT_TRUE(stun::has_integrity(*answer, key));
  EXPECT_TRUE(stun::has_fingerprint(*answer));
}

/// A check with anything in it, signed with our password.
template <class Fill>
Wire custom_check(Fill fill) {
  stun::IntegrityKey key{kNow.pwd};
  Wire wire(1024);
  stun::MessageWriter writer{wire, {.transaction = {9}}};
  fill(writer, key);
  wire.resize(writer.finish());
  return wire;
}

TEST(IceLiteAnswer, AttributesThatMustBeUnderstoodAreListedInTheRefusal) {
  Scene scene{kNow};
  const Wire wire = custom_check([](stun::MessageWriter& writer, stun::IntegrityKey& key) {
    writer.username("nowufrag:remote");
    for (std::uint16_t type = 0x7F00; type < 0x7F20; ++type) writer.attribute(static_cast<stun::Attribute>(type), {});
    writer.message_integrity(key);
    writer.fingerprint();
  });
  EXPECT_EQ(scene.send(kA, wire).verdict, Verdict::UnknownAttributes);
  const auto answer = stun::parse(scene.response);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error->code, 420);
  EXPECT_EQ(answer->unknown_attributes.types().size(), stun::AttributeTypes::kMax);
  EXPECT_EQ(answer->unknown_attributes.types()[0], 0x7F00);
  stun::IntegrityKey key{kNow.pwd};
  EXPECT_TRUE(stun::has_integrity(*answer, key));
  EXPECT_FALSE(scene.agent.is_valid(kA));
}

TEST(IceLiteAnswer, ChecksOfBrowsersAreTakenInWhateverOrderTheirAttributesCome) {
  using stun::Attribute;
  constexpr std::array<std::uint8_t, 4> kCost{0, 1, 0, 10};
  const auto cost = [&](stun::MessageWriter& writer) { writer.attribute(static_cast<Attribute>(0xC057), kCost); };
  const Wire chromium = custom_check([&](stun::MessageWriter& writer, stun::IntegrityKey& key) {
    writer.username("nowufrag:remote");
    cost(writer);
    writer.ice_controlling(1);
    writer.use_candidate();
    writer.priority(2);
    writer.message_integrity(key);
    writer.fingerprint();
  });
  const Wire firefox = custom_check([&](stun::MessageWriter& writer, stun::IntegrityKey& key) {
    writer.username("nowufrag:remote");
    writer.use_candidate();
    writer.priority(2);
    writer.ice_controlling(1);
    writer.message_integrity(key);
    writer.fingerprint();
  });
  const Wire reversed = custom_check([&](stun::MessageWriter& writer, stun::IntegrityKey& key) {
    writer.priority(2);
    writer.ice_controlling(1);
    cost(writer);
    writer.use_candidate();
    writer.username("nowufrag:remote");
    writer.message_integrity(key);
    writer.fingerprint();
  });
  for (const Wire& wire : {chromium, firefox, reversed}) {
    Scene scene{kNow};
    EXPECT_EQ(requested_ufrag(wire), "nowufrag");
    EXPECT_EQ(scene.send(kA, wire).verdict, Verdict::Accepted);
  }
}

TEST(IceLiteAnswer, EverythingElseIsDroppedWithoutAWord) {
  struct Drop {
    std::string_view what;
    Wire wire;
    Verdict verdict;
  };
  const Wire good = test::write_check(spec_of(Kind::Plain));
  Wire broken = good;
  broken.back() ^= 1;
  Wire response = good;
  response[0] = 1;
  response[1] = 1;
  Wire indication = good;
  indication[1] = 0x11;
  Wire allocate = good;
  allocate[1] = 3;
  const auto with_username = [](std::string_view username) {
    return custom_check([username](stun::MessageWriter& writer, stun::IntegrityKey& key) {
      if (!username.empty()) writer.username(username);
      writer.message_integrity(key);
      writer.fingerprint();
    });
  };
  const Wire unsigned_check = custom_check([](stun::MessageWriter& writer, stun::IntegrityKey&) {
    writer.username("nowufrag:remote");
    writer.fingerprint();
  });
  const Wire without_fingerprint = custom_check([](stun::MessageWriter& writer, stun::IntegrityKey& key) {
    writer.username("nowufrag:remote");
    writer.message_integrity(key);
  });
  // The signed part is one that this agent would refuse; what would please it stands behind the signature.
  const Wire smuggled = custom_check([](stun::MessageWriter& writer, stun::IntegrityKey& key) {
    writer.message_integrity(key);
    writer.username("nowufrag:remote");
    writer.fingerprint();
  });
  for (const Drop& drop :
       std::vector<Drop>{{"nothing", {}, Verdict::Malformed},
                         {"DTLS", Wire(200, 22), Verdict::Malformed},
                         {"RTP", Wire(200, 0x80), Verdict::Malformed},
                         {"a response", response, Verdict::NotBindingRequest},
                         {"an indication", indication, Verdict::NotBindingRequest},
                         {"a TURN request", allocate, Verdict::NotBindingRequest},
                         {"a broken fingerprint", broken, Verdict::BadFingerprint},
                         {"no fingerprint", without_fingerprint, Verdict::BadFingerprint},
                         {"no user name", with_username(""), Verdict::NoUsername},
                         {"half a user name", with_username("nowufrag"), Verdict::NoUsername},
                         {"an empty ufrag", with_username(":remote"), Verdict::UnknownUfrag},
                         {"a longer ufrag", with_username("nowufragg:remote"), Verdict::UnknownUfrag},
                         {"a shorter ufrag", with_username("nowufra:remote"), Verdict::UnknownUfrag},
                         {"somebody else's remote ufrag", with_username("nowufrag:remotee"), Verdict::WrongRemoteUfrag},
                         {"no remote ufrag", with_username("nowufrag:"), Verdict::WrongRemoteUfrag},
                         {"no signature", unsigned_check, Verdict::BadIntegrity},
                         {"a user name behind the signature", smuggled, Verdict::NoUsername}}) {
    Scene scene{kNow};
    scene.agent.set_remote(scene.now, kRemote);
    const Outcome outcome = scene.send(kA, drop.wire);
    EXPECT_EQ(to_text(outcome.verdict), to_text(drop.verdict)) << drop.what;
    EXPECT_EQ(outcome.response_bytes, 0U) << drop.what;
    EXPECT_FALSE(scene.agent.is_valid(kA)) << drop.what;
    EXPECT_EQ(scene.agent.state(), State::Checking) << drop.what;
  }
}

TEST(IceLiteAnswer, EveryVerdictHasItsName) {
  std::set<std::string_view> names;
  for (std::size_t verdict = 0; verdict < kVerdicts; ++verdict) names.insert(to_text(static_cast<Verdict>(verdict)));
  EXPECT_EQ(names.size(), kVerdicts);
}

// ---- the rate of checks --------------------------------------------------------------------------------------------

TEST(IceLiteRate, ABurstThenASteadyRate) {
  Scene scene{kNow};
  ASSERT_EQ(scene.plain(kA).verdict, Verdict::Accepted);
  int accepted = 0;
  for (int i = 0; i < 300; ++i) accepted += scene.plain(kA).verdict == Verdict::Accepted ? 1 : 0;
  EXPECT_EQ(accepted, 100);
  EXPECT_EQ(scene.plain(kA).verdict, Verdict::RateLimited);
  scene.pass(seconds{1});
  accepted = 0;
  for (int i = 0; i < 300; ++i) accepted += scene.plain(kA).verdict == Verdict::Accepted ? 1 : 0;
  EXPECT_EQ(accepted, 50);
}

TEST(IceLiteRate, StrangersWhoKnowTheUfragCannotSilenceThePeer) {
  Scene scene{kNow};
  ASSERT_EQ(scene.nominate(kA).verdict, Verdict::Accepted);
  for (int i = 0; i < 1000; ++i) scene.send(udp_path(200, static_cast<std::uint16_t>(i)), spec_of(Kind::WrongPassword));
  EXPECT_EQ(scene.plain(udp_path(200)).verdict, Verdict::RateLimited);
  EXPECT_EQ(scene.plain(kA).verdict, Verdict::Accepted);
}

TEST(IceLiteRate, UnknownUfragsCostNothing) {
  Scene scene{kNow};
  for (int i = 0; i < 1000; ++i) scene.send(kA, {"nobody", "remote", kNow.pwd});
  EXPECT_EQ(scene.plain(kA).verdict, Verdict::Accepted);
}

// ---- paths ---------------------------------------------------------------------------------------------------------

TEST(IceLitePaths, AreBoundedAndTheOldestGoesButNeverTheSelected) {
  Scene scene{kNow, {.tuples_max = 4}};
  scene.nominate(udp_path(0));
  for (std::uint32_t host = 1; host <= 3; ++host) {
    scene.pass(milliseconds{10});
    scene.plain(udp_path(host));
  }
  scene.pass(milliseconds{10});
  scene.plain(udp_path(1));  // now 2 is the one not heard of for longest, but for the selected
  scene.events();
  scene.pass(milliseconds{10});
  scene.plain(udp_path(9));
  EXPECT_EQ(scene.events(), (std::vector<Event>{PathRemoved{udp_path(2)}, PathAdded{udp_path(9)}}));
  for (std::uint32_t host = 10; host < 100; ++host) {
    scene.pass(milliseconds{100});
    scene.plain(udp_path(host));
    ASSERT_LE(scene.agent.valid_paths(), 4U);
    ASSERT_TRUE(scene.agent.is_valid(udp_path(0))) << host;
  }
  EXPECT_TRUE(scene.agent.selected() == udp_path(0));
}

TEST(IceLitePaths, NominationOfANewPathSwitchesEvenWhenThereIsRoomForTwoOnly) {
  Scene scene{kNow, {.tuples_max = 2}};
  for (std::uint32_t host = 0; host < 20; ++host) {
    EXPECT_EQ(scene.nominate(udp_path(host)).selection, Selection::Changed);
    EXPECT_TRUE(scene.agent.selected() == udp_path(host));
    EXPECT_EQ(scene.nominate(udp_path(host)).selection, Selection::Same);
    EXPECT_LE(scene.agent.valid_paths(), 2U);
  }
}

TEST(IceLitePaths, EveryPartOfAPathCounts) {
  Scene scene{kNow};
  scene.nominate(kA);
  std::vector<Path> others(5, kA);
  others[0].remote.port += 1;
  others[1].remote.ip = IpAddress::v4(1);
  others[2].local.port += 1;
  others[3].local.ip = IpAddress::v4(1);
  others[4].protocol = Protocol::Tcp;
  std::unordered_set<std::size_t> hashes{std::hash<Path>{}(kA)};
  for (const Path& other : others) {
    EXPECT_FALSE(scene.agent.is_valid(other));
    EXPECT_NE(other, kA);
    hashes.insert(std::hash<Path>{}(other));
  }
  EXPECT_NE(tcp_path(1), tcp_path(2));
  EXPECT_NE(std::hash<Path>{}(tcp_path(1)), std::hash<Path>{}(tcp_path(2)));
  EXPECT_EQ(hashes.size(), 6U);
}

TEST(IceLitePaths, AClosedConnectionGivesWayToThePathLastHeard) {
  Scene scene{kNow};
  scene.nominate(tcp_path(1));
  scene.plain(kA);
  scene.pass(seconds{1});
  scene.plain(kB);
  scene.events();
  scene.agent.remove_path(scene.now, tcp_path(1));
  EXPECT_EQ(scene.events(), (std::vector<Event>{PathRemoved{tcp_path(1)}, PathSelected{kB}}));
  EXPECT_EQ(scene.agent.state(), State::Connected);
  scene.agent.remove_path(scene.now, tcp_path(1));
  EXPECT_TRUE(scene.events().empty());
  scene.agent.remove_path(scene.now, kB);
  scene.agent.remove_path(scene.now, kA);
  EXPECT_EQ(scene.agent.state(), State::Disconnected);
  EXPECT_FALSE(scene.agent.selected());
  EXPECT_FALSE(scene.agent.send_path());
  scene.pass(seconds{30});
  EXPECT_EQ(scene.agent.state(), State::Failed);
}

TEST(IceLitePaths, SpareOnesThatFallSilentAreForgotten) {
  Scene scene{kNow};
  scene.nominate(kA);
  scene.plain(kB);
  scene.events();
  for (int i = 0; i < 6; ++i) {
    scene.pass(seconds{5});
    scene.plain(kA);
  }
  EXPECT_EQ(scene.events(), (std::vector<Event>{PathRemoved{kB}}));
  EXPECT_FALSE(scene.agent.is_valid(kB));
  EXPECT_TRUE(scene.agent.is_valid(kA));
}

TEST(IceLitePaths, MediaNeverMakesNorMovesAPath) {
  Scene scene{kNow};
  scene.agent.note_media(scene.now, kA);
  EXPECT_EQ(scene.agent.state(), State::New);
  EXPECT_FALSE(scene.agent.is_valid(kA));
  scene.nominate(kA);
  scene.plain(kB);
  for (int i = 0; i < 100; ++i) scene.agent.note_media(scene.now, kB);
  EXPECT_TRUE(scene.agent.selected() == kA);
}

// ---- consent -------------------------------------------------------------------------------------------------------

TEST(IceLiteConsent, SilenceEndsItInSteps) {
  Scene scene{kNow};
  scene.agent.set_remote(scene.now, kRemote);
  scene.nominate(kA);
  EXPECT_EQ(scene.events(), (std::vector<Event>{PathAdded{kA}, PathSelected{kA}, StateChanged{State::Connected}}));
  const TimePoint start = scene.now;
  const auto step = [&](Duration at, State state) {
    ASSERT_EQ(scene.agent.next_timeout(), start + at);
    scene.pass(start + at - scene.now - Duration{1});
    EXPECT_TRUE(scene.events().empty());
    scene.pass(Duration{1});
    EXPECT_EQ(scene.agent.state(), state);
    EXPECT_EQ(scene.agent.send_path().has_value(), state == State::Suspect);
  };
  step(seconds{8}, State::Suspect);
  EXPECT_EQ(scene.events(), (std::vector<Event>{StateChanged{State::Suspect}}));
  step(seconds{15}, State::Disconnected);
  EXPECT_EQ(scene.events(), (std::vector<Event>{StateChanged{State::Disconnected}}));
  step(seconds{30}, State::Failed);
  EXPECT_EQ(scene.events(),
            (std::vector<Event>{PathRemoved{kA}, PathSelected{std::nullopt}, StateChanged{State::Failed}}));
  EXPECT_FALSE(scene.agent.next_timeout());
}

TEST(IceLiteConsent, ChecksAndMediaOfTheSelectedPathKeepIt) {
  Scene scene{kNow};
  scene.nominate(kA);
  for (int i = 0; i < 20; ++i) {
    scene.pass(seconds{7});
    ASSERT_EQ(scene.agent.state(), State::Connected);
    if (i % 2 == 0) {
      scene.agent.note_media(scene.now, kA);
    } else {
      scene.plain(kA);
    }
  }
  scene.plain(kB);
  scene.pass(seconds{7});
  scene.plain(kB);
  scene.agent.note_media(scene.now, kB);
  scene.pass(seconds{1});
  EXPECT_EQ(scene.agent.state(), State::Suspect) << "life on another path is none of the selected";
  scene.pass(seconds{7});
  EXPECT_EQ(scene.agent.state(), State::Disconnected);
  scene.agent.note_media(scene.now, kA);
  EXPECT_EQ(scene.agent.state(), State::Connected);
}

TEST(IceLiteConsent, NothingBringsItBackAfterTheEndEvenWhenTheTimerIsLate) {
  Scene by_media{kNow};
  by_media.nominate(kA);
  by_media.now += seconds{31};
  by_media.agent.note_media(by_media.now, kA);
  EXPECT_EQ(by_media.agent.state(), State::Failed);
  Scene by_check{kNow};
  by_check.nominate(kA);
  by_check.now += seconds{31};
  EXPECT_EQ(by_check.nominate(kA).verdict, Verdict::Failed);
  EXPECT_EQ(by_check.agent.state(), State::Failed);
}

TEST(IceLiteConsent, NoCheckInTimeIsAFailure) {
  Scene scene{kNow};
  scene.pass(hours{1});
  EXPECT_EQ(scene.agent.state(), State::New) << "the other side has not been told yet";
  EXPECT_FALSE(scene.agent.next_timeout());
  scene.agent.set_remote(scene.now, kRemote);
  EXPECT_EQ(scene.agent.state(), State::Checking);
  EXPECT_EQ(scene.agent.next_timeout(), scene.now + seconds{30});
  scene.pass(seconds{20});
  scene.agent.set_remote(scene.now, kRemote);
  EXPECT_EQ(scene.agent.next_timeout(), scene.now + seconds{10}) << "the same again changes nothing";
  scene.pass(seconds{10});
  EXPECT_EQ(scene.agent.state(), State::Failed);
}

// ---- the other side's credentials ----------------------------------------------------------------------------------

TEST(IceLiteRemote, ChecksThatComeBeforeTheDescriptionAreTaken) {
  Scene scene{kNow};
  EXPECT_EQ(scene.nominate(kA).verdict, Verdict::Accepted);
  scene.agent.set_remote(scene.now, kRemote);
  EXPECT_EQ(scene.agent.state(), State::Connected);
  EXPECT_TRUE(scene.agent.selected() == kA);
}

TEST(IceLiteRemote, PathsOfAnotherRemoteUfragAreForgottenWhenItBecomesKnown) {
  Scene scene{kNow};
  scene.send(kA, {kNow.ufrag, "stranger", kNow.pwd, Nominate::Yes});
  EXPECT_TRUE(scene.agent.selected() == kA);
  scene.plain(kB);
  scene.events();
  scene.agent.set_remote(scene.now, kRemote);
  EXPECT_EQ(scene.events(), (std::vector<Event>{PathRemoved{kA}, PathSelected{kB}}));

  Scene alone{kNow};
  alone.send(kA, {kNow.ufrag, "stranger", kNow.pwd, Nominate::Yes});
  alone.agent.set_remote(alone.now, kRemote);
  EXPECT_EQ(alone.agent.state(), State::Checking);
  EXPECT_FALSE(alone.agent.is_valid(kA));
  EXPECT_EQ(alone.send(kA, {kNow.ufrag, "stranger", kNow.pwd}).verdict, Verdict::WrongRemoteUfrag);
  alone.pass(seconds{30});
  EXPECT_EQ(alone.agent.state(), State::Failed);
}

// ---- restart -------------------------------------------------------------------------------------------------------

TEST(IceLiteRestart, KeepsTheOldPathUntilTheNewGenerationSucceeds) {
  Scene scene{kNow};
  scene.agent.set_remote(scene.now, kRemote);
  scene.nominate(kA);
  scene.events();
  scene.agent.restart(scene.now, kNext);
  EXPECT_EQ(scene.agent.local(), kNext);
  EXPECT_EQ(scene.plain(kA).verdict, Verdict::Accepted);
  scene.agent.set_remote(scene.now, kRemoteNext);
  EXPECT_EQ(scene.nominate(kB).verdict, Verdict::Accepted) << "the old generation may still move";
  EXPECT_TRUE(scene.agent.selected() == kB);
  EXPECT_EQ(scene.send(udp_path(3), {kNext.ufrag, kRemote.ufrag, kNext.pwd}).verdict, Verdict::WrongRemoteUfrag);
  EXPECT_EQ(scene.send(udp_path(3), {kNext.ufrag, kRemoteNext.ufrag, kNow.pwd}).verdict, Verdict::BadIntegrity);
  scene.events();

  const Outcome first = scene.send(udp_path(3), {kNext.ufrag, kRemoteNext.ufrag, kNext.pwd});
  EXPECT_EQ(first.verdict, Verdict::Accepted);
  EXPECT_EQ(first.selection, Selection::Changed);
  EXPECT_EQ(scene.events(),
            (std::vector<Event>{UfragRetired{kNow.ufrag}, PathAdded{udp_path(3)}, PathSelected{udp_path(3)}}));
  EXPECT_EQ(scene.nominate(kA).verdict, Verdict::UnknownUfrag);
  EXPECT_TRUE(scene.agent.is_valid(kA)) << "packets under way on the old path are still good";
  EXPECT_EQ(scene.send(kA, {kNext.ufrag, kRemoteNext.ufrag, kNext.pwd}).selection, Selection::Same);
}

TEST(IceLiteRestart, GivesTheNewGenerationItsTimeWhenTheOldPathIsDead) {
  Scene scene{kNow};
  scene.agent.set_remote(scene.now, kRemote);
  scene.nominate(kA);
  scene.pass(seconds{29});
  scene.agent.restart(scene.now, kNext);
  scene.agent.set_remote(scene.now, kRemoteNext);
  scene.pass(seconds{29});
  EXPECT_EQ(scene.agent.state(), State::Disconnected);
  EXPECT_EQ(scene.send(kB, {kNext.ufrag, kRemoteNext.ufrag, kNext.pwd}).verdict, Verdict::Accepted);
  EXPECT_EQ(scene.agent.state(), State::Connected);
  EXPECT_TRUE(scene.agent.selected() == kB);

  Scene hopeless{kNow};
  hopeless.nominate(kA);
  hopeless.pass(seconds{29});
  hopeless.agent.restart(hopeless.now, kNext);
  hopeless.pass(seconds{30});
  EXPECT_EQ(hopeless.agent.state(), State::Failed);
}

TEST(IceLiteRestart, RevivesAFailedAgentButNotItsOldCredentials) {
  Scene scene{kNow};
  scene.agent.set_remote(scene.now, kRemote);
  scene.pass(seconds{30});
  scene.events();
  scene.agent.restart(scene.now, kNext);
  EXPECT_EQ(scene.events(), (std::vector<Event>{UfragRetired{kNow.ufrag}, StateChanged{State::New}}));
  EXPECT_EQ(scene.plain(kA).verdict, Verdict::UnknownUfrag);
  scene.agent.set_remote(scene.now, kRemoteNext);
  EXPECT_EQ(scene.send(kA, {kNext.ufrag, kRemoteNext.ufrag, kNext.pwd}).verdict, Verdict::Accepted);
  EXPECT_EQ(scene.agent.state(), State::Connected);
}

TEST(IceLiteRestart, ASecondRestartReplacesTheFirstThatNobodyUsed) {
  Scene scene{kNow};
  scene.nominate(kA);
  scene.agent.restart(scene.now, kOld);
  scene.agent.restart(scene.now, kNext);
  EXPECT_EQ(scene.send(kB, {kOld.ufrag, kRemote.ufrag, kOld.pwd}).verdict, Verdict::UnknownUfrag);
  EXPECT_EQ(scene.plain(kA).verdict, Verdict::Accepted);
  EXPECT_EQ(scene.send(kB, {kNext.ufrag, kRemote.ufrag, kNext.pwd}).verdict, Verdict::Accepted);
  EXPECT_TRUE(scene.agent.selected() == kB);
}

// ---- the model -----------------------------------------------------------------------------------------------------

TEST(IceLiteModel, RandomLivesKeepEveryPromise) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    std::mt19937 random{seed};
    auto choose = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    test::IceModel model{choose};
    for (int step = 0; step < 150; ++step) {
      ASSERT_EQ(model.step(), "") << "seed " << seed << " step " << step;
    }
  }
}

// ---- credentials ---------------------------------------------------------------------------------------------------

TEST(IceCredentials, AreLongEnoughRandomAndOfIceChars) {
  test::SeededEntropy entropy{5};
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const Credentials credentials = make_credentials(entropy);
    EXPECT_EQ(credentials.ufrag.size(), 8U);
    EXPECT_EQ(credentials.pwd.size(), 24U);
    for (const char c : credentials.ufrag + credentials.pwd) {
      EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/') << c;
    }
    seen.insert(credentials.ufrag);
    seen.insert(credentials.pwd);
  }
  EXPECT_EQ(seen.size(), 2000U);
}

TEST(IceCredentials, TheRequestedUfragIsFoundInRequestsOnly) {
  const Wire check = test::write_check(spec_of(Kind::Plain));
  EXPECT_EQ(requested_ufrag(check), "nowufrag");
  Wire response = check;
  response[0] = 1;
  EXPECT_FALSE(requested_ufrag(response));
  EXPECT_FALSE(requested_ufrag({}));
  EXPECT_FALSE(requested_ufrag(Wire(100, 22)));
  for (std::size_t size = 0; size < 32; ++size) EXPECT_FALSE(requested_ufrag(Bytes{check}.first(size))) << size;
  Wire without_colon = check;
  without_colon[stun::kHeaderBytes + 4 + 8] = 'x';
  EXPECT_FALSE(requested_ufrag(without_colon));
}

}  // namespace
}  // namespace zvonok::ice
