// Offers and answers with what browsers really say, and the rules of rooms on m-sections.
#include "media/negotiate/negotiator.h"

#include "fixture.h"
#include "media/has.h"

namespace zvonok::media {
namespace {

using sdp::Direction;
using sdp::MediaKind;

struct Fixture {
  CountingIds ids;
  Negotiator server{test_options(), ids};
  FakeClient client;

  Negotiator::Agreed client_offers(Politeness politeness = Politeness::Polite) {
    auto agreed = server.on_offer(client.offer(), politeness);
    EXPECT_TRUE(agreed.has_value());
    if (!agreed) return {};
    client.take_answer(agreed->answer);
    return *agreed;
  }
  Negotiator::Agreed server_offers() {
    auto agreed = server.on_answer(client.answer(server.make_offer()));
    EXPECT_TRUE(agreed.has_value());
    return agreed ? *agreed : Negotiator::Agreed{};
  }
};

class GoldenOffer : public testing::TestWithParam<const char*> {};

void expect_answers(const sdp::MediaSection& ours, const sdp::MediaSection& theirs) {
  EXPECT_EQ(ours.mid, theirs.mid);
  EXPECT_EQ(ours.kind, theirs.kind);
  if (theirs.kind == MediaKind::Application) {
    EXPECT_EQ(ours.port, 0);
    return;
  }
  ASSERT_FALSE(ours.rejected());
  EXPECT_TRUE(ours.rtcp_mux);
  EXPECT_EQ(ours.transport.setup, sdp::Setup::Passive);
  EXPECT_EQ(ours.transport.ice_ufrag, "server");
  EXPECT_FALSE(ours.codecs.empty());
  for (const sdp::Codec& codec : ours.codecs) {
    const sdp::Codec* offered = theirs.codec(codec.payload_type);
    ASSERT_NE(offered, nullptr);
    EXPECT_EQ(codec.name, offered->name);
    EXPECT_EQ(codec.fmtp, offered->fmtp);
    EXPECT_FALSE(codec.is("ulpfec") || codec.is("CN") || codec.has_feedback("goog-remb")) << codec.name;
    if (codec.is("rtx")) {
      EXPECT_NE(ours.codec(*codec.apt()), nullptr);
    } else if (theirs.rtx_of(codec.payload_type) != nullptr) {
      EXPECT_NE(ours.rtx_of(codec.payload_type), nullptr) << codec.name;
    }
  }
  EXPECT_TRUE(ours.extension_id("urn:ietf:params:rtp-hdrext:sdes:mid").has_value());
  EXPECT_FALSE(ours.extension_id("urn:ietf:params:rtp-hdrext:toffset").has_value());
  for (const sdp::ExtMap& map : ours.extmaps) EXPECT_EQ(theirs.extension_id(map.uri), map.id) << map.uri;
  EXPECT_EQ(ours.simulcast.recv, theirs.simulcast.send);
  EXPECT_TRUE(ours.simulcast.send.empty());
  ASSERT_EQ(ours.rids.size(), theirs.rids.size());
  for (std::size_t i = 0; i < ours.rids.size(); ++i) {
    EXPECT_EQ(ours.rids[i].id, theirs.rids[i].id);
    EXPECT_EQ(ours.rids[i].direction, sdp::RidDirection::Recv);
  }
  EXPECT_EQ(ours.direction, sdp::sends(theirs.direction) ? Direction::RecvOnly : Direction::Inactive);
}

TEST_P(GoldenOffer, IsAnsweredSectionBySection) {
  Fixture f;
  const auto offer = parsed(golden(GetParam()));
  const auto agreed = f.server.on_offer(golden(GetParam()));
  ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
  const auto answer = parsed(agreed->answer);
  EXPECT_TRUE(answer.ice_lite);
  ASSERT_EQ(answer.sections.size(), offer.sections.size());
  std::vector<std::string> media;
  std::size_t sending = 0;
  for (std::size_t i = 0; i < offer.sections.size(); ++i) {
    expect_answers(answer.sections[i], offer.sections[i]);
    EXPECT_EQ(answer.sections[i].candidates.size(), i == 0 ? 1U : 0U);
    if (offer.sections[i].kind == MediaKind::Application) continue;
    media.push_back(offer.sections[i].mid);
    sending += sdp::sends(offer.sections[i].direction) ? 1U : 0U;
  }
  ASSERT_EQ(answer.bundle_groups.size(), 1U);
  EXPECT_EQ(answer.bundle_groups[0], media);
  EXPECT_EQ(agreed->remote.our_role, DtlsRole::Passive);
  EXPECT_EQ(agreed->remote.ice_ufrag, offer.transport_of(offer.sections[0]).ice_ufrag);
  EXPECT_EQ(agreed->parameters.receive.size(), sending);
  EXPECT_TRUE(agreed->parameters.send.empty());
}

INSTANTIATE_TEST_SUITE_P(Browsers, GoldenOffer,
                         testing::Values("chromium_audio", "chromium_audio_video", "chromium_offer_of_answer",
                                         "chromium_recvonly", "chromium_simulcast", "chromium_vp9_svc", "firefox_audio",
                                         "firefox_audio_video", "firefox_offer_of_answer", "firefox_recvonly",
                                         "firefox_simulcast", "firefox_vp9_svc", "handmade_safari_like_audio_video"));

TEST(Negotiator, DataChannelAloneIsRejectedAndNothingIsBundled) {
  for (const char* name : {"chromium_data_channel", "firefox_data_channel"}) {
    SCOPED_TRACE(name);
    Fixture f;
    const auto agreed = f.server.on_offer(golden(name));
    ASSERT_TRUE(agreed.has_value());
    const auto answer = parsed(agreed->answer);
    ASSERT_EQ(answer.sections.size(), 1U);
    EXPECT_EQ(answer.sections[0].port, 0);
    EXPECT_TRUE(answer.bundle_groups.empty());
    EXPECT_FALSE(f.server.established());
  }
}

TEST(Negotiator, SaysWhatAChromiumSends) {
  Fixture f;
  const auto agreed = f.server.on_offer(golden("chromium_simulcast"));
  ASSERT_TRUE(agreed.has_value());
  ASSERT_EQ(agreed->parameters.receive.size(), 2U);
  const ReceiveParameters& audio = agreed->parameters.receive[0];
  EXPECT_EQ(audio.kind, Kind::Audio);
  EXPECT_EQ(audio.codecs.at(0).codec, Codec::Opus);
  EXPECT_EQ(audio.codecs.at(0).type, rtp::PayloadType{111});
  ASSERT_EQ(audio.ssrcs.size(), 1U);
  EXPECT_EQ(audio.ssrcs[0].primary, rtp::Ssrc{3722429642});
  EXPECT_EQ(audio.retransmission, Retransmission::Off);
  EXPECT_EQ(audio.extensions.audio_level, 1);
  const ReceiveParameters& video = agreed->parameters.receive[1];
  EXPECT_EQ(video.mid, "1");
  EXPECT_EQ(video.rids, (std::vector<std::string>{"q", "h", "f"}));
  EXPECT_TRUE(video.ssrcs.empty());
  EXPECT_EQ(video.codecs.at(0).codec, Codec::Vp8);
  EXPECT_EQ(video.codecs.at(0).rtx, rtp::PayloadType{97});
  EXPECT_EQ(video.retransmission, Retransmission::Nack);
  EXPECT_EQ(video.extensions.rid, 10);
  EXPECT_EQ(video.extensions.repaired_rid, 11);
  EXPECT_EQ(video.extensions.dependency_descriptor, 12);
  EXPECT_EQ(video.extensions.transport_cc, 3);
  EXPECT_NE(audio.track, video.track);
}

TEST(Negotiator, SaysWhatAFirefoxSends) {
  Fixture f;
  const auto agreed = f.server.on_offer(golden("firefox_simulcast"));
  ASSERT_TRUE(agreed.has_value());
  ASSERT_EQ(agreed->parameters.receive.size(), 2U);
  const ReceiveParameters& video = agreed->parameters.receive[1];
  EXPECT_EQ(video.codecs.at(0).type, rtp::PayloadType{120});
  EXPECT_EQ(video.codecs.at(0).rtx, rtp::PayloadType{124});
  ASSERT_EQ(video.ssrcs.size(), 3U);
  EXPECT_EQ(video.ssrcs[1], (SsrcPair{.primary = rtp::Ssrc{909321328}, .rtx = rtp::Ssrc{1248897837}}));
}

TEST(Negotiator, GivesWantedTracksInTheAnswerToAnOfferThatReceives) {
  for (const char* name : {"chromium_recvonly", "firefox_recvonly"}) {
    SCOPED_TRACE(name);
    Fixture f;
    f.server.set_wanted({audio_track(1), video_track(2)});
    const auto agreed = f.server.on_offer(golden(name));
    ASSERT_TRUE(agreed.has_value());
    EXPECT_FALSE(f.server.offer_needed());
    ASSERT_EQ(agreed->parameters.send.size(), 2U);
    const SendParameters& video = agreed->parameters.send[1];
    EXPECT_EQ(video.track, TrackId{2});
    EXPECT_EQ(video.cname, "alice");
    EXPECT_TRUE(video.mixed_extensions) << "one browser agrees for the session, the other in each section";
    const auto answer = parsed(agreed->answer);
    const sdp::MediaSection* section = answer.section(video.mid);
    ASSERT_NE(section, nullptr);
    EXPECT_EQ(section->direction, Direction::SendOnly);
    EXPECT_TRUE(section->extmap_allow_mixed);
    ASSERT_TRUE(video.rtx_ssrc.has_value());
    ASSERT_EQ(section->ssrc_groups.size(), 1U);
    EXPECT_EQ(section->ssrc_groups[0].ssrcs, (std::vector{video.ssrc, *video.rtx_ssrc}));
    EXPECT_EQ(section->msids.at(0), (sdp::Msid{.stream = "alice", .track = "t2"}));
  }
}

TEST(Negotiator, StoppedVideoOfABrowserEndsItsTrack) {
  for (const std::string browser : {"chromium", "firefox"}) {
    SCOPED_TRACE(browser);
    Fixture f;
    ASSERT_TRUE(f.server.on_offer(golden(browser + "_offer_of_answer")).has_value());
    const auto after = f.server.on_offer(golden(browser + "_stopped_video"));
    ASSERT_TRUE(after.has_value()) << to_text(after.error());
    for (const ReceiveParameters& r : after->parameters.receive) EXPECT_EQ(r.kind, Kind::Audio);
  }
}

TEST(Negotiator, FirstOfferWithNothingPublishedOnlyReceives) {
  Fixture f;
  EXPECT_TRUE(f.server.offer_needed());
  const auto offer = parsed(f.server.make_offer());
  ASSERT_EQ(offer.sections.size(), 2U);
  EXPECT_EQ(offer.sections[0].kind, MediaKind::Audio);
  EXPECT_EQ(offer.sections[1].kind, MediaKind::Video);
  for (const auto& section : offer.sections) {
    EXPECT_EQ(section.direction, Direction::RecvOnly);
    EXPECT_EQ(section.transport.setup, sdp::Setup::ActPass);
  }
  EXPECT_FALSE(f.server.may_offer());
}

TEST(Negotiator, FirstOfferHasTheWantedTracks) {
  Fixture f;
  f.server.set_wanted({video_track(1), video_track(2), audio_track(3)});
  const auto agreed = f.server_offers();
  ASSERT_EQ(agreed.parameters.send.size(), 3U);
  EXPECT_FALSE(agreed.parameters.send[0].mixed_extensions) << "this client said nothing of it";
  EXPECT_EQ(f.client.transceivers.size(), 3U);
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, AnswerWithoutAnOfferIsAnError) {
  Fixture f;
  const auto result = f.server.on_answer(golden("chromium_answer"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), NegotiationError::NothingOffered);
}

TEST(Negotiator, OursHoldsWhenTheClientYields) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  const std::string ours = f.server.make_offer();
  FakeClient rolled_back = f.client;
  f.client.add(MediaKind::Audio, true);
  ASSERT_TRUE(f.server.on_offer(f.client.offer()).has_value());
  EXPECT_TRUE(f.server.crossing());
  EXPECT_FALSE(f.server.may_offer());
  const auto agreed = f.server.on_answer(rolled_back.answer(ours));
  ASSERT_TRUE(agreed.has_value());
  EXPECT_TRUE(agreed->answer.empty());
  EXPECT_TRUE(agreed->parameters.receive.empty());
  ASSERT_EQ(agreed->parameters.send.size(), 1U);
  EXPECT_EQ(agreed->parameters.send[0].mid, rolled_back.transceivers[0].mid);
  EXPECT_FALSE(f.server.crossing());
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, DescriptionsThatCrossSayTheSameOfASection) {
  Fixture f;
  f.server_offers();  // one section of each kind, with nothing in them
  f.server.set_wanted({audio_track(1), video_track(2)});
  const auto ours = parsed(f.server.make_offer());
  f.client.add(MediaKind::Audio, true, false);
  const auto answered = f.server.on_offer(f.client.offer());
  ASSERT_TRUE(answered.has_value()) << to_text(answered.error());
  ASSERT_EQ(answered->parameters.send.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const SendParameters& sent = answered->parameters.send[i];
    EXPECT_EQ(sent.mid, ours.sections[i].mid);
    EXPECT_EQ(sent.ssrc, ours.sections[i].ssrcs.at(0).ssrc);
    EXPECT_EQ(sent.rtx_ssrc.has_value(), i == 1);
    if (sent.rtx_ssrc) {
      EXPECT_EQ(*sent.rtx_ssrc, ours.sections[i].ssrcs.at(1).ssrc);
    }
  }
}

TEST(Negotiator, TrackOfAnOfferThatIsRolledBackGoesOnInTheAnswerToOurs) {
  Fixture f;
  f.client.add(MediaKind::Video, false, false);
  f.client_offers();
  f.server.set_wanted({audio_track(1)});
  const std::string ours = f.server.make_offer();
  f.client.transceivers[0].sends = true;  // the camera, again
  const auto answered = f.server.on_offer(f.client.offer());
  ASSERT_TRUE(answered.has_value()) << to_text(answered.error());
  ASSERT_EQ(answered->parameters.receive.size(), 1U);
  const auto agreed = f.server.on_answer(f.client.answer(ours));
  ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
  ASSERT_EQ(agreed->parameters.receive.size(), 1U);
  EXPECT_EQ(agreed->parameters.receive[0].track, answered->parameters.receive[0].track);
}

TEST(Negotiator, NoTrackTurnsFromPicturesIntoSound) {
  Fixture f;
  const auto ids_of = [](const Negotiator::Agreed& agreed, Kind kind) {
    std::set<TrackId> ids;
    for (const ReceiveParameters& track : agreed.parameters.receive) {
      if (track.kind == kind) ids.insert(track.track);
    }
    return ids;
  };
  const auto none_twice = [&](const Negotiator::Agreed& before, const Negotiator::Agreed& after) {
    for (const TrackId track : ids_of(after, Kind::Audio)) EXPECT_FALSE(ids_of(before, Kind::Video).contains(track));
  };
  // A section that was rejected takes the mid of another one, which is rejected now.
  f.client.add(MediaKind::Audio, true);
  f.client.add(MediaKind::Audio, true);
  f.client.add(MediaKind::Video, true);
  f.client.transceivers[1].stopped = true;
  const auto first = f.client_offers();
  ASSERT_EQ(ids_of(first, Kind::Video).size(), 1U);
  const std::string mid = f.client.transceivers[2].mid;
  f.client.transceivers[1] = {
      .mid = mid, .kind = MediaKind::Audio, .sends = true, .receives = true, .stopped = false, .track = {}};
  f.client.transceivers[2].stopped = true;
  f.client.transceivers[2].mid = "gone";
  const auto second = f.server.on_offer(f.client.offer());
  ASSERT_TRUE(second.has_value()) << to_text(second.error());
  none_twice(first, *second);

  // A section of the client's that is named as the one of ours that it crosses.
  Fixture g;
  g.client.add(MediaKind::Audio, true, false);
  g.client_offers();
  g.server.set_wanted({audio_track(1)});
  const std::string ours = g.server.make_offer();
  FakeClient yields = g.client;
  g.client.add(MediaKind::Video, true);
  g.client.transceivers[1].mid = parsed(ours).sections.at(1).mid;
  const auto crossing = g.server.on_offer(g.client.offer());
  ASSERT_TRUE(crossing.has_value()) << to_text(crossing.error());
  sdp::SessionDescription answer = parsed(yields.answer(ours));
  answer.sections[1].direction = sdp::Direction::SendRecv;
  const auto agreed = g.server.on_answer(sdp::write(answer));
  ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
  EXPECT_EQ(ids_of(*agreed, Kind::Audio).size(), 2U);
  none_twice(*crossing, *agreed);
}

TEST(Negotiator, ASectionOfAnOfferThatIsGivenUpIsNotGivenToAnotherEither) {
  Fixture f;
  f.server_offers();
  f.server.set_wanted({audio_track(1)});
  FakeClient slow = f.client;
  const std::string first = f.server.make_offer();
  f.server.withdraw_offer();
  f.server.set_wanted({audio_track(2)});
  const auto second = parsed(f.server.make_offer());
  EXPECT_EQ(second.sections[0].msids.size(), 0U);
  ASSERT_EQ(second.sections.size(), 3U);
  EXPECT_EQ(second.sections[2].msids.at(0).track, "t2");
  EXPECT_TRUE(f.server.on_answer(slow.answer(first)).has_value());
}

TEST(Negotiator, ASectionOfAnOfferThatIsOutIsNotGivenToAnother) {
  Fixture f;
  f.server_offers();
  f.server.set_wanted({audio_track(1)});
  FakeClient yields = f.client;
  const std::string ours = f.server.make_offer();
  f.server.set_wanted({audio_track(2)});  // the first has ended before anybody answered
  f.client.add(MediaKind::Audio, true, false);
  const auto answered = f.server.on_offer(f.client.offer());
  ASSERT_TRUE(answered.has_value()) << to_text(answered.error());
  EXPECT_TRUE(answered->parameters.send.empty());
  ASSERT_TRUE(f.server.on_answer(yields.answer(ours)).has_value());
  f.client = yields;
  const auto second = f.server_offers();
  ASSERT_EQ(second.parameters.send.size(), 1U);
  EXPECT_EQ(second.parameters.send[0].track, TrackId{2});
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, ASlowClientsAnswerHoldsThoughItsOfferWasGivenUp) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  const std::string ours = f.server.make_offer();
  f.client.add(MediaKind::Audio, true);
  FakeClient yields = f.client;  // it will roll its own offer back, and take ours
  ASSERT_TRUE(f.server.on_offer(f.client.offer()).has_value());
  f.server.expire_yielded();
  f.server.set_wanted({audio_track(1), audio_track(2)});
  ASSERT_TRUE(f.server.offer_needed());
  (void)f.server.make_offer();  // fits nothing that the client has: it goes lost
  const auto agreed = f.server.on_answer(yields.answer(ours));
  ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
  EXPECT_EQ(agreed->parameters.send.size(), 1U);
  ASSERT_TRUE(f.server.may_offer());
  ASSERT_TRUE(f.server.offer_needed());
  const auto settled = f.server.on_answer(yields.answer(f.server.make_offer()));
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(settled->parameters.send.size(), 2U);
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, OffersAgainWhenTheClientDoesNotYield) {
  Fixture f;
  f.server.set_wanted({audio_track(1), audio_track(2)});
  (void)f.server.make_offer();
  f.client.add(MediaKind::Audio, true);
  const auto answered = f.client_offers();
  EXPECT_EQ(answered.parameters.send.size(), 1U);
  EXPECT_TRUE(f.server.crossing());
  f.server.expire_yielded();
  EXPECT_TRUE(f.server.may_offer());
  EXPECT_TRUE(f.server.offer_needed());
  EXPECT_EQ(f.server_offers().parameters.send.size(), 2U);
  EXPECT_FALSE(f.server.offer_needed());
}

// ---- clients that do not yield, and say so
// ----------------------------------------------------------------------------

TEST(Negotiator, OursIsVoidWhenTheClientDoesNotYieldAndSaysSo) {
  Fixture f;
  f.server.set_wanted({audio_track(1), audio_track(2)});
  FakeClient breaks_its_word = f.client;
  const std::string ours = f.server.make_offer();
  f.client.add(MediaKind::Audio, true);
  EXPECT_EQ(f.client_offers(Politeness::Impolite).parameters.send.size(), 1U);
  EXPECT_FALSE(f.server.crossing());
  EXPECT_FALSE(f.server.offer_outstanding());
  EXPECT_EQ(f.server.on_answer(breaks_its_word.answer(ours)).error(), NegotiationError::NothingOffered);
  ASSERT_TRUE(f.server.may_offer()) << "without any waiting";
  ASSERT_TRUE(f.server.offer_needed());
  const std::string again = f.server.make_offer();
  EXPECT_EQ(f.server.on_answer(breaks_its_word.answer(ours)).error(), NegotiationError::Incompatible);
  const auto agreed = f.server.on_answer(f.client.answer(again));
  ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
  EXPECT_EQ(agreed->parameters.send.size(), 2U);
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, NothingIsOfferedAgainWhenTheAnswerHasGivenAll) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  (void)f.server.make_offer();
  f.client.add(MediaKind::Audio, true);
  EXPECT_EQ(f.client_offers(Politeness::Impolite).parameters.send.size(), 1U);
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, AllOfOursAreVoidThatTheClientHasNotAnswered) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  FakeClient slow = f.client;
  const std::string first = f.server.make_offer();
  f.server.withdraw_offer();
  (void)f.server.make_offer();
  f.client.add(MediaKind::Audio, true);
  f.client_offers();
  ASSERT_TRUE(f.server.crossing());
  f.client_offers(Politeness::Impolite);  // it has the answer to its first, and has not answered ours
  EXPECT_FALSE(f.server.crossing());
  EXPECT_TRUE(f.server.may_offer());
  EXPECT_EQ(f.server.on_answer(slow.answer(first)).error(), NegotiationError::NothingOffered);
}

TEST(Negotiator, AnAnswerThatCameBeforeTheOfferHolds) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  EXPECT_EQ(f.server_offers().parameters.send.size(), 1U);
  f.client.add(MediaKind::Audio, true);
  const auto agreed = f.client_offers(Politeness::Impolite);
  EXPECT_EQ(agreed.parameters.send.size(), 1U);
  EXPECT_EQ(agreed.parameters.receive.size(), 1U);
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, WhatAnOfferSaidGoesOnWhenItsAnswerWasLost) {
  Fixture f;
  f.server_offers();
  f.server.set_wanted({audio_track(1), video_track(2)});
  const std::string ours = f.server.make_offer();
  (void)f.client.answer(ours);  // lost with its WebSocket: the client goes on from there
  const auto agreed = f.client_offers(Politeness::Impolite);
  ASSERT_EQ(agreed.parameters.send.size(), 2U);
  for (const SendParameters& sent : agreed.parameters.send) {
    const auto said = parsed(ours);
    const auto section = std::ranges::find(said.sections, sent.mid, &sdp::MediaSection::mid);
    ASSERT_NE(section, said.sections.end());
    EXPECT_EQ(section->ssrcs.at(0).ssrc, sent.ssrc);
    EXPECT_EQ(section->msids.at(0).track, "t" + std::to_string(sent.track.value()));
  }
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, ARestartOfOursThatIsVoidIsOfferedAgainUnlessTheClientRestarts) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client_offers();
  f.server.restart_ice();
  (void)f.server.make_offer();
  f.client_offers(Politeness::Impolite);
  ASSERT_TRUE(f.server.offer_needed());
  const std::string again = f.server.make_offer();
  EXPECT_EQ(parsed(again).sections[0].transport.ice_ufrag, f.ids.ufrag);
  f.client.ufrag = "client2";
  const auto agreed = f.client_offers(Politeness::Impolite);
  EXPECT_EQ(parsed(agreed.answer).sections[0].transport.ice_ufrag, f.ids.ufrag) << "the newest";
  EXPECT_FALSE(f.server.offer_needed()) << "both sides have new ones";
}

TEST(Negotiator, OursIsNeededAgainWhenAnImpoliteOfferIsRefused) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client_offers();
  FakeClient other_kind = f.client;
  other_kind.transceivers[0].kind = MediaKind::Video;
  for (const std::string& unusable : {std::string{"nonsense"}, other_kind.offer()}) {
    EXPECT_FALSE(f.server.on_offer(unusable, Politeness::Impolite).has_value());
    EXPECT_FALSE(f.server.offer_needed()) << "there was none";
    f.server.offer_again();  // says nothing new
    (void)f.server.make_offer();
    EXPECT_FALSE(f.server.on_offer(unusable).has_value());
    EXPECT_TRUE(f.server.offer_outstanding()) << "the client may answer it";
    EXPECT_FALSE(f.server.on_offer(unusable, Politeness::Impolite).has_value());
    ASSERT_TRUE(f.server.may_offer());
    ASSERT_TRUE(f.server.offer_needed());
    f.server_offers();
    EXPECT_FALSE(f.server.offer_needed());
  }
}

// ---- sections and tracks
// ----------------------------------------------------------------------------------------------

TEST(Negotiator, SectionOfAnEndedTrackRestsARoundAndIsTakenAgain) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  const auto first = f.server_offers();
  const std::size_t before = f.client.transceivers.size();
  f.server.set_wanted({});
  EXPECT_TRUE(f.server.offer_needed());
  EXPECT_TRUE(f.server_offers().parameters.send.empty());
  EXPECT_FALSE(f.server.offer_needed());
  f.server.set_wanted({audio_track(2)});
  const auto third = f.server_offers();
  EXPECT_EQ(f.client.transceivers.size(), before);
  ASSERT_EQ(third.parameters.send.size(), 1U);
  EXPECT_EQ(third.parameters.send[0].mid, first.parameters.send.at(0).mid);
  EXPECT_NE(third.parameters.send[0].ssrc, first.parameters.send.at(0).ssrc);
}

TEST(Negotiator, TrackThatComesAsAnotherEndsTakesANewSection) {
  Fixture f;
  f.server.set_wanted({audio_track(1)});
  const std::string old_mid = f.server_offers().parameters.send.at(0).mid;
  f.server.set_wanted({audio_track(2)});
  const auto second = f.server_offers();
  ASSERT_EQ(second.parameters.send.size(), 1U);
  EXPECT_NE(second.parameters.send[0].mid, old_mid);
}

TEST(Negotiator, RefusedTracksAreNotOfferedAgainUntilTheClientHasRoom) {
  Fixture f;
  f.client.add(MediaKind::Audio, true, false);
  f.client_offers();
  f.client.refuses_new = true;
  f.server.set_wanted({audio_track(1)});
  EXPECT_TRUE(f.server_offers().parameters.send.empty());
  EXPECT_FALSE(f.server.offer_needed());
  f.client.add(MediaKind::Audio, false, true);
  EXPECT_EQ(f.client_offers().parameters.send.size(), 1U);
}

TEST(Negotiator, NewSectionThatIsRejectedIsNotOfferedAgain) {
  Fixture f;
  f.client.add(MediaKind::Audio, true, false);
  f.client_offers();
  f.server.set_wanted({audio_track(1)});
  auto answer = parsed(f.client.answer(f.server.make_offer()));
  answer.sections.back().port = 0;
  ASSERT_TRUE(f.server.on_answer(sdp::write(answer)).has_value());
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, TrackOfASectionThatTheClientStopsGoesElsewhere) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client.add(MediaKind::Video, true);
  f.server.set_wanted({audio_track(1), video_track(2)});
  EXPECT_EQ(f.client_offers().parameters.send.size(), 2U);
  f.client.transceivers[1].stopped = true;
  EXPECT_EQ(f.client_offers().parameters.send.size(), 1U);
  EXPECT_TRUE(f.server.offer_needed());
  EXPECT_EQ(f.server_offers().parameters.send.size(), 2U);
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, FullListOfSectionsIsNoReasonToOfferForEver) {
  CountingIds ids;
  auto options = test_options();
  options.sections_max = 2;
  Negotiator server{options, ids};
  FakeClient client;
  server.set_wanted({audio_track(1), audio_track(2)});
  ASSERT_TRUE(server.on_answer(client.answer(server.make_offer())).has_value());
  EXPECT_FALSE(server.offer_needed());
  server.set_wanted({audio_track(2)});
  for (int i = 0; i < 2 && server.offer_needed(); ++i) {
    ASSERT_TRUE(server.on_answer(client.answer(server.make_offer())).has_value());
  }
  EXPECT_FALSE(server.offer_needed());
  EXPECT_EQ(client.transceivers[0].track, "t2");
}

TEST(Negotiator, OneOfferMeansOneThingByANumber) {
  // As Chromium offers a screen and nothing else: our wishes for sound and for pictures are both taken, or the same.
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fixture f;
    f.client = FakeClient{seed};
    f.client.add(seed % 3 == 0 ? MediaKind::Audio : MediaKind::Video, true, false);
    f.client_offers();
    f.server.set_wanted({audio_track(1), video_track(2), audio_track(3)});
    EXPECT_EQ(f.server_offers().parameters.send.size(), 3U);
    f.client.add(MediaKind::Audio, true, false);
    f.client.add(MediaKind::Video, true, false);
    f.client_offers();
  }
}

TEST(Negotiator, MidOfTheClientIsNotGivenToAnother) {
  Fixture f;
  f.client.add(MediaKind::Audio, true, false);
  f.client.transceivers[0].mid = "z1";
  f.client_offers();
  f.server.set_wanted({audio_track(1)});
  EXPECT_EQ(f.server_offers().parameters.send.size(), 1U);
}

TEST(Negotiator, IceRestartOfTheClientIsAnsweredWithFreshCredentials) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  EXPECT_EQ(parsed(f.client_offers().answer).sections[0].transport.ice_ufrag, "server");
  EXPECT_EQ(parsed(f.client_offers().answer).sections[0].transport.ice_ufrag, "server");
  f.client.ufrag = "client2";
  const auto agreed = f.client_offers();
  EXPECT_EQ(agreed.remote.ice_ufrag, "client2");
  EXPECT_EQ(parsed(agreed.answer).sections[0].transport.ice_ufrag, "fresh1");
}

TEST(Negotiator, IceRestartOfOursIsOfferedUntilItIsAnswered) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client_offers();
  EXPECT_FALSE(f.server.offer_needed());
  f.server.restart_ice();
  EXPECT_TRUE(f.server.offer_needed());
  EXPECT_EQ(parsed(f.server.make_offer()).sections[0].transport.ice_ufrag, "fresh1");
  f.server.withdraw_offer();
  EXPECT_TRUE(f.server.offer_needed()) << "a withdrawn offer restarted nothing";
  f.server_offers();
  EXPECT_FALSE(f.server.offer_needed());
}

TEST(Negotiator, CredentialsAreRenewedAgainAfterARolledBackRestart) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client_offers();
  f.server.set_wanted({audio_track(1)});
  const std::string ours = f.server.make_offer();
  FakeClient restarted = f.client;
  restarted.ufrag = "client2";
  ASSERT_TRUE(f.server.on_offer(restarted.offer()).has_value());
  ASSERT_TRUE(f.server.on_answer(f.client.answer(ours)).has_value());
  EXPECT_TRUE(f.server.offer_needed());
  EXPECT_EQ(parsed(f.server.make_offer()).sections[0].transport.ice_ufrag, f.ids.ufrag) << "the newest";
}

TEST(Negotiator, AnOwnRestartThatIsNotOfferedYetLeavesAnswersAsTheyAre) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client_offers();
  f.server.restart_ice();
  const auto agreed = f.server.on_offer(f.client.offer());
  EXPECT_EQ(parsed(agreed->answer).sections[0].transport.ice_ufrag, "server");
  EXPECT_TRUE(f.server.offer_needed());
}

TEST(Negotiator, DescriptionsThatDoNotFitAreErrorsAndChangeNothing) {
  Fixture f;
  f.client.add(MediaKind::Audio, true);
  f.client.add(MediaKind::Video, true);
  f.client_offers();
  FakeClient shorter = f.client;
  shorter.transceivers.pop_back();
  FakeClient other_kind = f.client;
  other_kind.transceivers[1].kind = MediaKind::Audio;
  FakeClient swapped = f.client;
  std::swap(swapped.transceivers[0], swapped.transceivers[1]);
  for (const FakeClient* client : {&shorter, &other_kind, &swapped}) {
    const auto result = f.server.on_offer(client->offer());
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), NegotiationError::Incompatible);
  }
  EXPECT_EQ(f.server.on_offer("nonsense").error(), NegotiationError::Malformed);
  FakeClient bare = f.client;
  bare.ufrag.clear();
  EXPECT_EQ(f.server.on_offer(bare.offer()).error(), NegotiationError::NoTransport);
  EXPECT_EQ(f.client_offers().parameters.receive.size(), 2U);
}

}  // namespace
}  // namespace zvonok::media
