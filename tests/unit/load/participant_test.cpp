// Participants of a load test in a room of our own media engine, in virtual time: that they get in, count rightly, and
// notice what is not as it was sent.
#include <gtest/gtest.h>

#include "unit/load/room.h"

namespace zvonok::load {
namespace {

ParticipantOptions speaker(std::string name, std::uint32_t first_track, unsigned video = 0) {
  ParticipantOptions out = Room::options(std::move(name));
  out.receiving = Description::Receiving::No;
  out.sources = {Room::audio(first_track)};
  if (video > 0) out.sources.push_back(Room::video(first_track + 1, video));
  return out;
}

ParticipantOptions listener(std::string name, std::size_t audio, std::size_t video = 0) {
  ParticipantOptions out = Room::options(std::move(name));
  out.audio_expected = audio;
  out.video_expected = video;
  return out;
}

void expect_well(Room& room, std::size_t index) {
  const Participant& who = room.participant(index);
  EXPECT_EQ(who.failure(), "") << index;
  EXPECT_EQ(who.wrong().unopened, 0U) << index;
  EXPECT_EQ(who.wrong().replayed, 0U) << index;
  EXPECT_EQ(who.wrong().corrupt, 0U) << index;
  EXPECT_EQ(who.wrong().foreign, 0U) << index;
  EXPECT_EQ(who.wrong().unannounced, 0U) << index;
  EXPECT_EQ(who.wrong().unknown, 0U) << index;
}

void measure(Room& room, Duration window) {
  room.course.window_begin = room.now();
  room.course.window_end = room.now() + window;
  room.run_for(window + milliseconds{500});
}

TEST(Participant, AWebinarOfAudioAndVideoArrivesWholeAndOnTime) {
  Room room{1};
  const std::size_t from = room.add(speaker("alice", 1, 100));
  room.run_for(milliseconds{500});
  ASSERT_TRUE(room.participant(from).complete_at());
  const std::size_t first = room.add(listener("bob", 1, 1));
  const std::size_t second = room.add(listener("carol", 1, 1));
  room.run_for(seconds{1});
  for (const std::size_t index : {first, second}) {
    ASSERT_TRUE(room.participant(index).complete_at()) << room.participant(index).failure();
  }
  measure(room, seconds{4});
  const std::uint64_t sounds = room.participant(from).sent_in_window(0);
  const std::uint64_t pictures = room.participant(from).sent_in_window(1);
  EXPECT_NEAR(static_cast<double>(sounds), 200, 2);
  EXPECT_NEAR(static_cast<double>(pictures), 400, 8);
  for (const std::size_t index : {from, first, second}) expect_well(room, index);
  for (const std::size_t index : {first, second}) {
    const auto& verified = room.participant(index).verified();
    ASSERT_EQ(verified.size(), 2U);
    EXPECT_EQ(verified.at(1).in_window, sounds);
    EXPECT_EQ(verified.at(2).in_window, pictures);
    EXPECT_EQ(verified.at(2).last_in_window - verified.at(2).first_in_window + 1, pictures);
    EXPECT_EQ(verified.at(2).duplicates + verified.at(2).reordered, 0U);
  }
  EXPECT_EQ(room.course.delays.count(), 2 * (sounds + pictures));
  EXPECT_GE(room.course.delays.quantile(0), 2 * Room::kDelay);
  EXPECT_LE(room.course.delays.quantile(0.5), milliseconds{20});
  EXPECT_GE(room.participant(from).key_frames(), 2U) << "one at the start, one for those who came";
}

TEST(Participant, HowLateItSendsIsCounted) {
  Room room{3};
  const std::size_t from = room.add(speaker("alice", 1));
  room.run_for(milliseconds{500});
  ASSERT_TRUE(room.participant(from).complete_at());
  room.course.window_begin = room.now();
  room.course.window_end = room.now() + seconds{1};
  room.run_for(milliseconds{200});
  EXPECT_EQ(room.course.late.count(), room.participant(from).sent_in_window(0));
  EXPECT_LE(room.course.late.most(), milliseconds{1}) << "it is asked each millisecond";
  room.stand_still(milliseconds{30});  // a packet and a half
  room.run_for(milliseconds{200});
  EXPECT_EQ(room.course.late.count(), room.participant(from).sent_in_window(0));
  EXPECT_GE(room.course.late.most(), milliseconds{10});
  EXPECT_LE(room.course.late.most(), milliseconds{31});
  EXPECT_LE(room.course.late.quantile(0.8), milliseconds{1}) << "those after it are on time again";
}

TEST(Participant, OneThatOffersNothingIsOfferedWhatThereIs) {
  Room room{2};
  room.add(speaker("alice", 1));
  room.run_for(milliseconds{500});
  ParticipantOptions options = listener("bob", 1);
  options.asks = ParticipantOptions::Asks::No;
  const std::size_t to = room.add(std::move(options));
  room.run_for(seconds{1});
  EXPECT_TRUE(room.participant(to).complete_at());
  expect_well(room, to);
}

TEST(Participant, WhenAllComeAtOnceHandshakesArePutOffAndNoneIsLost) {
  Room room{11};
  const std::size_t from = room.add(speaker("alice", 1));
  const std::size_t to = room.add(listener("bob", 1));
  room.run_for(seconds{1});
  ASSERT_TRUE(room.participant(to).complete_at());
  ASSERT_EQ(room.counters().handshakes_put_off, 0U);
  for (int i = 0; i < 60; ++i) room.add(listener("late" + std::to_string(i), 1));
  measure(room, seconds{1});
  for (std::size_t i = 0; i < 62; ++i) {
    expect_well(room, i);
    EXPECT_TRUE(room.participant(i).complete_at()) << i;
  }
  EXPECT_GT(room.counters().handshakes_put_off, 60U);
  EXPECT_EQ(room.counters().handshakes_dropped, 0U);
  EXPECT_EQ(room.participant(to).verified().at(1).in_window, room.participant(from).sent_in_window(0));
}

TEST(Participant, GetsInAfterAnOutageInTheMiddleOfTheHandshake) {
  for (const bool up : {false, true}) {
    for (const int from : {8, 12, 16, 22, 28}) {
      for (const Duration outage : {seconds{1}, seconds{5}, seconds{10}, seconds{15}}) {
        Room room{static_cast<std::uint64_t>(from)};
        const TimePoint begin = room.now() + milliseconds{from};
        const auto lose = [&](std::size_t, Room::Bytes8&) {
          const bool out = room.now() >= begin && room.now() < begin + outage;
          return out ? Room::Fate::Lost : Room::Fate::Arrives;
        };
        (up ? room.spoil_up : room.spoil) = lose;
        const std::size_t who = room.add(speaker("alice", 1));
        room.run_for(outage + seconds{3});
        EXPECT_TRUE(room.participant(who).connected_at())
            << up << " from " << from << " ms " << room.participant(who).failure();
      }
    }
  }
}

TEST(Participant, InAMeetingEverybodyHearsAllOthers) {
  Room room{3};
  constexpr std::uint32_t kPeople = 5;
  for (std::uint32_t i = 0; i < kPeople; ++i) {
    ParticipantOptions options = speaker("p" + std::to_string(i), 1 + 2 * i, 40);
    options.receiving = Description::Receiving::Yes;
    options.audio_expected = options.video_expected = kPeople - 1;
    options.asks = ParticipantOptions::Asks::No;
    room.add(std::move(options));
    room.run_for(milliseconds{30});
  }
  room.run_for(seconds{3});
  measure(room, seconds{3});
  for (std::size_t i = 0; i < kPeople; ++i) {
    expect_well(room, i);
    ASSERT_TRUE(room.participant(i).complete_at()) << i;
    ASSERT_EQ(room.participant(i).verified().size(), 2 * (kPeople - 1)) << i;
    for (std::size_t from = 0; from < kPeople; ++from) {
      if (from == i) continue;
      const auto track = static_cast<std::uint32_t>(1 + 2 * from);
      EXPECT_EQ(room.participant(i).verified().at(track).in_window, room.participant(from).sent_in_window(0));
      EXPECT_EQ(room.participant(i).verified().at(track + 1).in_window, room.participant(from).sent_in_window(1));
    }
  }
}

TEST(Participant, CountsLossDuplicatesAndReorderingExactly) {
  Room room{4};
  const std::size_t from = room.add(speaker("alice", 1));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(listener("bob", 1));
  room.run_for(milliseconds{990});
  std::uint64_t seen = 0;
  std::uint64_t lost = 0;
  std::uint64_t twice = 0;
  std::uint64_t late = 0;
  room.spoil = [&](std::size_t index, Room::Bytes8& bytes) {
    const bool is_media = index == to && bytes.size() > 100 && bytes[0] >= 128 && (bytes[1] & 0x7F) == 111;
    const bool measured = room.now() < room.course.window_end;
    if (!is_media || !measured) return Room::Fate::Arrives;
    switch (++seen % 10) {
      case 3: return ++lost, Room::Fate::Lost;
      case 5: return ++twice, Room::Fate::Twice;
      case 7: return ++late, Room::Fate::Late;
      default: return Room::Fate::Arrives;
    }
  };
  room.participant(to).mark();
  measure(room, seconds{10});
  ASSERT_GT(lost, 40U);
  const Participant::Verified& verified = room.participant(to).verified().at(1);
  EXPECT_EQ(room.participant(from).sent_in_window(0) - verified.in_window, lost);
  EXPECT_EQ(verified.reordered, late);
  EXPECT_EQ(verified.duplicates, 0U) << "SRTP lets no packet through twice";
  EXPECT_EQ(room.participant(to).wrong().replayed, twice);
  const Counts counts = room.participant(to).since_mark();
  EXPECT_EQ(counts.lost, lost);
  EXPECT_EQ(counts.duplicates, twice);
  EXPECT_EQ(counts.reordered, late);
  EXPECT_EQ(counts.streams, 1U);
}

TEST(Participant, NoticesWhatIsNotAsItWasSent) {
  Room room{5};
  room.add(speaker("alice", 1));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(listener("bob", 1));
  room.run_for(seconds{1});
  std::uint64_t spoilt = 0;
  room.spoil = [&](std::size_t index, Room::Bytes8& bytes) {
    if (index != to || bytes[0] < 128 || (bytes[1] & 0x7F) != 111) return Room::Fate::Arrives;
    bytes[bytes.size() / 2] ^= 1;
    ++spoilt;
    return Room::Fate::Arrives;
  };
  room.run_for(seconds{1});
  EXPECT_GT(spoilt, 40U);
  EXPECT_GE(room.participant(to).wrong().unopened + 1, spoilt);
}

TEST(Participant, OfAnotherRoomIsForeign) {
  Room room{6};
  ParticipantOptions options = speaker("alice", 1);
  options.sources[0].room = 8;
  room.add(std::move(options));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(listener("bob", 1));
  room.run_for(seconds{1});
  EXPECT_GT(room.participant(to).wrong().foreign, 20U);
}

// ---- as browsers do it ----------------------------------------------------------------------------------------------

ParticipantOptions like_a_browser(ParticipantOptions options) {
  options.repair = Repair::On;
  options.transport_feedback = TransportFeedback::On;
  return options;
}

bool is_video(const Room::Bytes8& bytes) {
  return bytes.size() > 100 && bytes[0] >= 128 && (bytes[1] & 0x7F) == 96;
}

TEST(ParticipantRepair, LossOnTheWayToAReceiverIsRepaired) {
  Room room{20};
  const std::size_t from = room.add(like_a_browser(speaker("alice", 1, 60)));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(like_a_browser(listener("bob", 1, 1)));
  room.run_for(seconds{6});
  ASSERT_TRUE(room.participant(to).complete_at()) << room.participant(to).failure();
  std::uint64_t seen = 0;
  std::uint64_t lost = 0;
  room.spoil = [&](std::size_t index, Room::Bytes8& bytes) {
    const bool hit = index == to && is_video(bytes) && room.now() < room.course.window_end && ++seen % 20 == 7;
    if (hit) ++lost;
    return hit ? Room::Fate::Lost : Room::Fate::Arrives;
  };
  room.participant(to).mark();
  measure(room, seconds{10});
  ASSERT_GT(lost, 20U);
  const Participant::Repairs& repairs = room.participant(to).repairs();
  EXPECT_GE(repairs.asked, lost);
  EXPECT_EQ(repairs.repaired, lost);
  EXPECT_EQ(room.participant(to).since_mark().lost, 0U);
  EXPECT_EQ(room.participant(to).verified().at(2).in_window, room.participant(from).sent_in_window(1));
  expect_well(room, from);
  expect_well(room, to);
}

TEST(ParticipantRepair, LossOnTheWayToTheServerIsRepeated) {
  Room room{21};
  const std::size_t from = room.add(like_a_browser(speaker("alice", 1, 60)));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(like_a_browser(listener("bob", 1, 1)));
  room.run_for(seconds{6});
  std::uint64_t seen = 0;
  std::uint64_t lost = 0;
  room.spoil_up = [&](std::size_t index, Room::Bytes8& bytes) {
    const bool hit = index == from && is_video(bytes) && room.now() < room.course.window_end && ++seen % 20 == 7;
    if (hit) ++lost;
    return hit ? Room::Fate::Lost : Room::Fate::Arrives;
  };
  measure(room, seconds{10});
  ASSERT_GT(lost, 20U);
  EXPECT_GE(room.participant(from).repairs().wanted, lost);
  EXPECT_GE(room.participant(from).repairs().repeated, lost);
  EXPECT_EQ(room.participant(to).verified().at(2).in_window, room.participant(from).sent_in_window(1));
  EXPECT_EQ(room.participant(to).verified().at(2).duplicates, 0U);
  expect_well(room, from);
  expect_well(room, to);
}

TEST(ParticipantRepair, NothingIsAskedForWhereItWasNotAgreed) {
  Room room{22};
  const std::size_t from = room.add(speaker("alice", 1, 60));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(listener("bob", 1, 1));
  room.run_for(seconds{1});
  room.spoil = [&](std::size_t index, Room::Bytes8& bytes) {
    return index == to && is_video(bytes) && bytes[3] % 16 == 3 ? Room::Fate::Lost : Room::Fate::Arrives;
  };
  room.run_for(seconds{5});
  for (const std::size_t index : {from, to}) {
    const Participant::Repairs& repairs = room.participant(index).repairs();
    EXPECT_EQ(repairs.asked + repairs.repaired + repairs.wanted + repairs.repeated + repairs.feedbacks, 0U) << index;
  }
  EXPECT_EQ(room.participant(to).repairs().padding, 0U);
}

/// What of the layers came to a receiver, by their tracks.
std::vector<std::uint64_t> layers_of(Room& room, std::size_t to, std::uint32_t first_track) {
  std::vector<std::uint64_t> out;
  for (std::uint32_t track = first_track; track < first_track + 3; ++track) {
    const auto found = room.participant(to).verified().find(track);
    out.push_back(found == room.participant(to).verified().end() ? 0 : found->second.in_window);
  }
  return out;
}

TEST(ParticipantSimulcast, AReceiverWhosePathCarriesItClimbsToTheBestLayer) {
  Room room{23};
  ParticipantOptions options = like_a_browser(speaker("alice", 1));
  for (SourceOptions& layer : Room::simulcast(2)) options.sources.push_back(std::move(layer));
  const std::size_t from = room.add(std::move(options));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(like_a_browser(listener("bob", 1, 1)));
  room.run_for(seconds{25});
  ASSERT_TRUE(room.participant(to).complete_at()) << room.participant(to).failure();
  measure(room, seconds{4});
  const auto layers = layers_of(room, to, 2);
  EXPECT_EQ(layers[2], room.participant(from).sent_in_window(3));
  EXPECT_EQ(layers[0] + layers[1], 0U);
  EXPECT_GT(room.participant(to).repairs().padding, 0U) << "the server tries the path";
  EXPECT_GT(room.participant(to).repairs().feedbacks, 100U);
  EXPECT_GE(room.participant(from).key_frames(), 4U) << "one of each layer, and one to switch up";
  expect_well(room, from);
  expect_well(room, to);
}

TEST(ParticipantSimulcast, AReceiverWithoutRepairIsNotProbedAndStillGetsVideo) {
  Room room{24};
  ParticipantOptions options = like_a_browser(speaker("alice", 1));
  for (SourceOptions& layer : Room::simulcast(2)) options.sources.push_back(std::move(layer));
  room.add(std::move(options));
  room.run_for(milliseconds{500});
  const std::size_t to = room.add(listener("bob", 1, 1));
  room.run_for(seconds{5});
  measure(room, seconds{4});
  const auto layers = layers_of(room, to, 2);
  EXPECT_GT(layers[0] + layers[1] + layers[2], 100U);
  EXPECT_EQ(room.participant(to).repairs().padding, 0U);
  expect_well(room, to);
}

TEST(Participant, TakesTheCandidateOfItsCarrier) {
  for (const Carrier carrier : {Carrier::Udp, Carrier::Tcp}) {
    Room room{25};
    ParticipantOptions options = speaker("alice", 1);
    options.carrier = carrier;
    const std::size_t alone = room.add(std::move(options));
    room.run_for(seconds{1});
    EXPECT_TRUE(room.participant(alone).connected_at()) << room.participant(alone).failure();
  }
}

TEST(Participant, KeepsWhatTheServerSaysOfItsConnection) {
  Room room{26};
  const std::size_t who = room.add(listener("alice", 0));
  EXPECT_FALSE(room.participant(who).quality());
  room.participant(who).on_text(
      room.now(),
      R"({"type":"quality","payload":{"score":4.1,"rttMs":3,"estimate":2500000,"layers":{"7":"f","9":"h"}}})");
  ASSERT_TRUE(room.participant(who).quality());
  EXPECT_DOUBLE_EQ(room.participant(who).quality()->score, 4.1);
  EXPECT_EQ(room.participant(who).quality()->estimate, 2'500'000U);
  EXPECT_EQ(room.participant(who).quality()->layers, (std::vector<std::string>{"f", "h"}));
}

TEST(Participant, SaysThatTheMediaAddressDoesNotAnswer) {
  Room room{7};
  room.media_answers = false;
  const std::size_t alone = room.add(speaker("alice", 1));
  room.run_for(seconds{29});
  EXPECT_EQ(room.participant(alone).failure(), "");
  room.run_for(seconds{4});
  EXPECT_EQ(room.participant(alone).failure(), "the media address does not answer");
  EXPECT_FALSE(room.participant(alone).connected_at());
}

TEST(Participant, IsSilentOnceItHasLeft) {
  Room room{8};
  const std::size_t from = room.add(speaker("alice", 1));
  room.run_for(seconds{1});
  room.participant(from).leave(room.now());
  const std::uint64_t sent = room.participant(from).sent().packets;
  EXPECT_EQ(room.participant(from).next_timeout(), TimePoint::max());
  room.run_for(seconds{1});
  EXPECT_EQ(room.participant(from).sent().packets, sent);
  EXPECT_EQ(room.participant(from).failure(), "");
}

TEST(Participant, WhatTheServerRefusesIsAFailure) {
  Room room{9};
  const std::size_t who = room.add(speaker("alice", 1));
  room.participant(who).on_text(room.now(), R"({"type":"error","payload":{"code":"room-full","message":"no place"}})");
  EXPECT_EQ(room.participant(who).failure(), "the server says room-full: no place");
}

}  // namespace
}  // namespace zvonok::load
