// Thousands of random runs of the room engine in virtual time. A run that fails prints its seed and its last
// steps; ZVONOK_SIM_SEED=<seed> repeats one, ZVONOK_SIM_SEEDS=<count> makes more.
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>
#ifdef ZVONOK_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

#include "room_world.h"

namespace zvonok::sim {
namespace {

constexpr std::size_t kShownTraceBytes = 6000;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A broken ZVONOK_CHECK or a sanitizer's find ends the process: the seed is said by whoever dies.
char last_words[64] = "";

void remember(std::uint64_t seed) {
  constexpr std::string_view kText = "the simulation died in seed ";
  std::memcpy(last_words, kText.data(), kText.size());
  char* const end = std::to_chars(last_words + kText.size(), last_words + sizeof last_words - 2, seed).ptr;
  end[0] = '\n';
  end[1] = '\0';
}

void say_last_words() {
  static_cast<void>(!::write(STDERR_FILENO, last_words, std::strlen(last_words)));
}

void expect_death() {
  std::signal(SIGABRT, [](int) { say_last_words(); });  // returning goes on with the abort
#ifdef ZVONOK_SANITIZED
  __sanitizer_set_death_callback(say_last_words);
#endif
}

/// What happened in a run that is known to fail, once more.
std::string trace_of(std::uint64_t seed) {
  RoomWorld world{seed, Trace::On};
  try {
    world.run();
  } catch (const Violation&) {
    const std::string& text = world.trace();
    return text.size() <= kShownTraceBytes ? text : "...\n" + text.substr(text.size() - kShownTraceBytes);
  }
  return "it did not fail again: the run depends on something that is not the seed";
}

void add(std::map<std::string, std::uint64_t>& sum, const std::map<std::string, std::uint64_t>& one) {
  for (const auto& [name, count] : one) sum[name] += count;
}

void add(RoomTally& sum, const RoomTally& one) {
  add(sum.ended, one.ended);
  add(sum.left, one.left);
  add(sum.errors, one.errors);
  add(sum.closed, one.closed);
  sum.stays += one.stays;
  sum.resumed += one.resumed;
  sum.answered += one.answered;
  sum.phones += one.phones;
  sum.phones_muted += one.phones_muted;
  sum.drops += one.drops;
}

TEST(RoomSimulation, EveryRunKeepsTheRulesAndLeavesNothingBehind) {
  const std::uint64_t only = number_from_environment("ZVONOK_SIM_SEED", 0);
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : number_from_environment("ZVONOK_SIM_SEEDS", 2000);
  RoomTally sum;
  expect_death();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    remember(seed);
    RoomWorld world{seed, Trace::Off};
    try {
      world.run();
    } catch (const Violation& violation) {
      FAIL() << "seed " << seed << ": " << violation.what() << "\n\n" << trace_of(seed);
    }
    add(sum, world.tally());
  }
  std::signal(SIGABRT, SIG_DFL);
  if (last - first < 1000) return;
  // A simulation in which something never happens says nothing about it.
  for (const char* reason : {"hangup", "canceled", "disconnected", "failed", "server-shutdown"}) {
    EXPECT_GT(sum.ended[reason], 50U) << reason;
  }
  for (const char* reason : {"left", "kicked", "removed", "timeout", "failed", "replaced", "server-shutdown", "busy",
                             "no-answer", "hung-up"}) {
    EXPECT_GT(sum.left[reason], 50U) << reason;
  }
  for (const char* code :
       {"bad-message", "not-joined", "session-taken", "locked", "room-full", "too-many-rooms", "forbidden", "not-found",
        "failed", "unavailable", "encrypted", "not-encrypted", "too-many-messages", "daily-limit"}) {
    EXPECT_GT(sum.errors[code], 50U) << code;
  }
  for (const char* reason : {"removed", "silent", "replaced"}) EXPECT_GT(sum.closed[reason], 50U) << reason;
  EXPECT_GT(sum.stays, 5 * last);
  EXPECT_GT(sum.answered, last);
  EXPECT_GT(sum.resumed, last / 2);
  EXPECT_GT(sum.phones, last / 2);
  EXPECT_GT(sum.phones_muted, 50U);
  EXPECT_GT(sum.drops, last / 4);
}

TEST(RoomSimulation, ARunDependsOnItsSeedAlone) {
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    RoomWorld one{seed, Trace::On};
    RoomWorld two{seed, Trace::On};
    one.run();
    two.run();
    EXPECT_EQ(one.trace(), two.trace()) << "seed " << seed;
    EXPECT_GT(one.trace().size(), 1000U);
  }
}

}  // namespace
}  // namespace zvonok::sim
