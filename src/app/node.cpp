#include "app/node.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <filesystem>

#include <malloc.h>
#include <sys/resource.h>

#include "app/blocking.h"
#include "app/data_dir.h"
#include "app/media/advertised.h"
#include "app/media/media_ports.h"
#include "app/phone/providers.h"
#include "app/phone/spending.h"
#include "app/setup.h"
#include "net/clock.h"
#include "net/stun_query.h"
#include "proto/ice/candidate.h"

namespace zvonok::app {
namespace {

constexpr Duration kTendInterval = seconds{10};
constexpr Duration kTrimInterval = seconds{30};
constexpr Duration kHangUpPatience = seconds{3};
constexpr std::size_t kTrimBytesMin = 32UL * 1024 * 1024;
constexpr std::size_t kStorageQueueMax = 20'000;
constexpr std::size_t kPasswordThreads = 2;
constexpr rlim_t kDescriptorsForOthers = 256;  // databases, files, the loop itself
constexpr rlim_t kDescriptorsForMedia = 4096;  // ICE-TCP of one thread

/// Raises the limit on descriptors as far as it goes; returns how many connections fit under it.
std::size_t raise_descriptor_limit(std::size_t wanted, std::size_t media_threads) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t for_media = kDescriptorsForMedia * static_cast<rlim_t>(media_threads);
  const rlim_t needed = static_cast<rlim_t>(wanted) + kDescriptorsForOthers + for_media;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) {
    rlimit higher{needed, needed};
    if (::setrlimit(RLIMIT_NOFILE, &higher) == 0) return wanted;  // root may
  }
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? needed : std::min(limit.rlim_max, needed);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return wanted;
  const rlim_t kept = kDescriptorsForOthers + std::min(for_media, limit.rlim_cur / 8);
  return limit.rlim_cur > kept ? limit.rlim_cur - kept : 16;
}

call::RoomOptions room_options(const Config& config) {
  call::RoomOptions options;
  options.reconnect_grace = config.room_reconnect_grace;
  options.silence_max = hours{24};  // the WebSocket's own pings end silent ones, and pongs are not told here
  options.participants_max = config.room_participants_max;
  options.encrypted_participants_max = config.room_e2e_participants_max;
  // Enough for whoever enters the largest room, and for several changes of keys in a row.
  options.key_words.burst =
      std::max(options.key_words.burst, 5.0 * static_cast<double>(config.room_e2e_participants_max));
  options.rooms_max = config.rooms_max;
  options.rooms_per_user_max = config.rooms_per_user_max;
  options.tracks_per_participant_max = config.room_tracks_per_participant_max;
  options.phones_max = config.room_phones_max;
  options.phone_role = config.room_phone_role;
  return options;
}

std::string web_root(const Config& config) {
  if (!config.web_root.empty()) return config.web_root;
  std::error_code error;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string{} : (binary.parent_path() / "web").string();
}

Result<StaticFiles, std::string> load_files(const Config& config, Logger& log) {
  const std::string root = web_root(config);
  if (!std::filesystem::is_directory(root)) {
    if (!config.web_root.empty()) return fail("WEB_ROOT=" + config.web_root + " is not a folder");
    log.warn("the web app is not there", {{"folder", root}});
    return StaticFiles{};
  }
  return StaticFiles::load(root);
}

net::ServerOptions server_options(const Config& c, std::size_t connections_max) {
  net::ServerOptions o;
  o.bind_address = c.bind_address;
  o.port = c.server_port;
  o.connections_max = connections_max;
  o.connections_per_address_max = c.connections_per_ip_max;
  o.write_stall_timeout = c.write_stall_timeout;
  o.http.header_bytes_max = c.http_header_bytes_max;
  o.http.body_bytes_max = c.http_body_bytes_max;
  o.http.header_timeout = c.http_header_timeout;
  o.http.body_timeout = c.http_body_timeout;
  o.http.keep_alive_timeout = c.http_keep_alive_timeout;
  o.ws.message_bytes_max = c.ws_message_bytes_max;
  o.ws.fragments_max = c.ws_fragments_max;
  o.ws.send_queue_bytes_max = c.ws_send_queue_bytes_max;
  o.ws.messages_burst = static_cast<double>(c.ws_messages_burst);
  o.ws.messages_per_second = static_cast<double>(c.ws_messages_per_second);
  o.ws.ping_interval = c.ws_ping_interval;
  o.ws.pong_timeout = c.ws_pong_timeout;
  return o;
}

identity::LoginThrottleOptions throttle_options(const Config& c) {
  identity::LoginThrottleOptions o;
  o.account_failures_free = c.login_failures_per_account;
  const auto failures = static_cast<double>(c.login_failures_per_address);
  o.address_failures = {.burst = failures, .per_second = failures / 60};
  o.address_registrations.burst = static_cast<double>(c.registrations_per_address);
  return o;
}

}  // namespace

Result<std::unique_ptr<Node>, std::string> Node::create(const Config& config, Logger& log, SignalUse signals) {
  // Before any thread of ours starts, so that all of them inherit it.
  if (signals == SignalUse::Handle) Signals::block();
  net::SystemEntropy entropy;
  if (auto made = make_data_dir(config.data_dir); !made) return fail(std::move(made.error()));
  auto policy = WebPolicy::create({config.cors_allowed_origins, config.trusted_proxies});
  if (!policy) return fail(std::move(policy.error()));
  auto secret = signing_secret(config, entropy, log);
  if (!secret) return fail(std::move(secret.error()));
  auto keys = verifying_keys(config, *secret, log);
  if (!keys) return fail(std::move(keys.error()));
  auto signing_key = jwt::Key::hs256(secret->reveal());
  if (!signing_key) return fail("JWT_SECRET: " + std::string{jwt::to_text(signing_key.error())});
  auto passwords = password_hasher(config);
  if (!passwords) return fail(std::move(passwords.error()));
  auto files = load_files(config, log);
  if (!files) return fail(std::move(files.error()));
  auto messenger = Messenger::create(config);
  if (!messenger) return fail(std::move(messenger.error()));
  auto options = store_options(config);
  if (!options) return fail(std::move(options.error()));
  auto store = store_sql::StoreSql::create(*options);
  if (!store) return fail("cannot open the database (" + describe_database(config) + "): " + store.error().message);
  log.info("database is open", {{"database", describe_database(config)}});
  auto loop = net::Loop::create();
  if (!loop) return fail(std::move(loop.error()));
  auto provider = make_provider(config, {.loop = **loop, .log = log});
  if (!provider) return fail(std::move(provider.error()));
  std::unique_ptr<Node> node{new Node{Opened{.config = config,
                                             .log = log,
                                             .loop = std::move(*loop),
                                             .phone_provider = std::move(*provider),
                                             .store = std::move(*store),
                                             .keys = std::move(*keys),
                                             .signing_key = std::move(*signing_key),
                                             .passwords = std::move(*passwords),
                                             .policy = std::move(*policy),
                                             .files = std::move(*files),
                                             .messenger = std::move(*messenger),
                                             .name = node_name(config)}}};
  if (auto started = node->start(signals); !started) return fail(std::move(started.error()));
  return node;
}

Node::Node(Opened opened)
    : config_{std::move(opened.config)},
      log_{opened.log},
      name_{std::move(opened.name)},
      loop_{std::move(opened.loop)},
      store_{std::move(opened.store)},
      policy_{std::move(opened.policy)},
      revocations_{{.access_token_lifetime = config_.access_token_ttl}},
      authenticator_{std::move(opened.keys), verify_options(config_), revocations_},
      known_users_{{}},
      tickets_{{}},
      throttle_{throttle_options(config_)},
      service_{{*store_, entropy_, std::move(opened.passwords), std::move(opened.signing_key)},
               identity_options(config_)},
      storage_{{.threads = config_.database_pool_size, .queue_max = kStorageQueueMax}},
      passwords_{{.threads = kPasswordThreads, .queue_max = config_.password_queue_max}},
      journal_{*store_, log_, {.node = name_}},
      access_{{*loop_, storage_, service_, authenticator_, known_users_, tickets_, config_.auth_provision}},
      control_{{*loop_, storage_, *store_, journal_, access_, entropy_, log_}, config_},
      tunnels_{{.loop = *loop_,
                .storage = storage_,
                .store = *store_,
                .journal = journal_,
                .access = access_,
                .presence = control_.presence(),
                .policy = policy_,
                .entropy = entropy_,
                .log = log_},
               config_},
      phone_{{.loop = *loop_,
              .journal = journal_,
              .presence = control_.presence(),
              .entropy = entropy_,
              .log = log_,
              .provider = std::move(opened.phone_provider)},
             config_},
      rooms_{{*loop_, journal_, entropy_, log_}, room_options(config_)},
      store_authorizer_{*store_},
      messenger_{std::move(opened.messenger)},
      room_access_{{*loop_, token_authorizer_,
                    messenger_ ? messenger_->authorizer() : static_cast<port::RoomAuthorizer&>(store_authorizer_),
                    messenger_ ? messenger_->pool() : storage_, rooms_, log_}},
      room_calls_{{.phone = phone_.control(),
                   .rooms = rooms_,
                   .access = room_access_,
                   .may_try = [this](const UserId& user) { return phone_.api().count_initiation(user); }}},
      metrics_{{*loop_, storage_, passwords_, journal_, control_, tunnels_, phone_, throttle_, tickets_, rooms_,
                room_access_, messenger_ ? &messenger_->pool() : nullptr}},
      api_{{*loop_, storage_, passwords_, *store_, journal_, service_, throttle_, revocations_, known_users_, tickets_,
            access_, control_, tunnels_.control(), phone_, rooms_, room_access_, entropy_, log_},
           config_},
      front_{{*loop_, storage_, *store_, access_, control_, rooms_, room_access_, api_, metrics_, tunnels_, phone_,
              policy_, log_},
             config_,
             std::move(opened.files)} {}

Node::~Node() {
  // Answers of pools may still be on their way to the loop, with requests in them that know the server.
  storage_.finish();
  passwords_.finish();
  if (messenger_) messenger_->pool().finish();
  journal_.finish();
  tunnels_.finish();
  loop_->discard_posted();
  stun_.reset();
  server_.reset();  // sockets that end now still speak to the media
  media_.reset();
  loop_->discard_posted();
}

Result<void, std::string> Node::start(SignalUse signals) {
  const WallTime now = loop_->now().wall;
  if (const auto risk = spending_risk(config_)) {
    log_.error(*risk);
  } else if (const auto doubt = spending_doubt(config_)) {
    log_.warn(*doubt, {{"advice", "name the countries that are needed in VOIP_ALLOW_PREFIXES, such as +49,+41"}});
  }
  // Calls ended with the last run, and not with the start of this one.
  const auto alive = last_sign_of_life(config_.data_dir);
  const WallTime died = alive ? std::min(now, *alive + milliseconds{kTendInterval / milliseconds{1}}) : now;
  const auto settled = store_->settle_open_calls(name_, died, config_.voip_call_max);
  if (!settled) return fail("cannot settle the calls of the last run: " + settled.error().detail);
  if (*settled > 0) log_.warn("calls were left open by the last run and are ended now", {{"calls", *settled}});
  if (auto restored = phone_.restore(*store_, now); !restored) return restored;
  const auto revoked = store_->revoked_since(revocations_.relevant_since(now));
  if (!revoked) return fail("cannot read the revoked sessions: " + revoked.error().detail);
  adopt_revocations(*revoked);
  revocations_read_ = now;

  const std::size_t connections_max = raise_descriptor_limit(config_.connections_max, media_threads(config_));
  if (connections_max < config_.connections_max) {
    log_.warn("the limit on open files allows fewer connections than CONNECTIONS_MAX (ulimit -n)",
              {{"connections", connections_max}});
  }
  auto server = net::Server::create(server_options(config_, connections_max), {*loop_, front_, entropy_, log_});
  if (!server) return fail(std::move(server.error()));
  server_ = std::move(*server);
  control_.attach(*server_);
  auto external = make_external_tunnel(config_, name_, *loop_, entropy_, log_);
  if (!external) return fail(std::move(external.error()));
  tunnels_.use(std::move(*external));
  tunnels_.attach(*server_);
  phone_.attach(*server_);
  phone_.attach(room_calls_);
  control_.on_foreign_presence([this](const call::DeliverPresence& p) { tunnels_.control().tell_presence(p); });
  tunnels_.control().on_foreign_presence([this](const call::DeliverPresence& p) { control_.tell_presence(p); });
  if (auto started = start_media(); !started) return started;
  metrics_.attach(*server_);
  if (auto loaded = load_tls(); !loaded) return loaded;
  if (signals == SignalUse::Handle) {
    signals_ = Signals::create(*loop_, [this](int signal) { on_signal(signal); });
    if (!signals_) return fail(std::string{"cannot handle signals"});
  }
  give_sign_of_life(config_.data_dir, now);
  loop_->schedule(loop_->now().mono + kTendInterval, [this] { tend(); });
  log_.info("Backend running on port " + std::to_string(port()) + " (HTTP + WebSocket /ws)",
            {{"node", name_}, {"tls", server_->has_tls() ? "on" : "off"}});
  return {};
}

/// The media threads, and where clients are told that they are.
Result<void, std::string> Node::start_media() {
  auto certificate = dtls::Certificate::generate(entropy_, {.now = loop_->now().wall});
  if (!certificate) return fail("cannot make a certificate for media: " + certificate.error());
  media_certificate_ = std::move(*certificate);
  auto shards = MediaShards::create({.threads = media_threads(config_),
                                     .udp_port = config_.media_udp_port,
                                     .tcp_port = config_.media_tcp_port,
                                     .shard = {.address = {},
                                               .tcp_port = {},
                                               .certificate = &*media_certificate_,
                                               .control = loop_.get(),
                                               .on_events =
                                                   [this](std::vector<media::Event> events) {
                                                     phone_.legs().on_media_events(events);
                                                     rooms_.on_media_events(std::move(events));
                                                   },
                                               .tunnel = &tunnels_.media_door(),
                                               .on_phone_digit =
                                                   [this](ParticipantId telephone, char digit) {
                                                     phone_.legs().on_phone_digit(telephone, digit);
                                                     rooms_.on_phone_digit(telephone, digit);
                                                   }}});
  if (!shards) return fail("media: " + shards.error());
  media_ = std::move(*shards);
  if (media_->ports_moved()) {
    log_.warn("the usual UDP port for media is taken: another one is used. Set MEDIA_UDP_PORT to choose",
              {{"usual", kMediaUdpPort}, {"udp_ports", media_->udp_ports()}});
  }
  if (const auto& small = media_->at(0).small_buffers()) {
    log_.warn(
        "the system gives UDP sockets little memory: bursts of media will be lost. Raise net.core.rmem_max and "
        "net.core.wmem_max, or give the program CAP_NET_ADMIN",
        {{"given", *small}});
  }
  metrics_.attach(*media_);
  tunnels_.attach(*media_);
  const std::vector<IpAddress> addresses = media_addresses();
  std::vector<RoomControl::Candidates> candidates;
  for (std::size_t i = 0; i < media_->size(); ++i) candidates.push_back(candidates_of(i, addresses));
  const dtls::Fingerprint& print = media_certificate_->fingerprint();
  std::vector<std::vector<std::string>> of_phones;
  for (const RoomControl::Candidates& each : candidates) of_phones.push_back(each.everybody);
  phone_.attach(*media_, {.algorithm = std::string{dtls::name_of(print.algorithm)}, .digest = print.bytes},
                std::move(of_phones));
  rooms_.attach(*server_, *media_, {.algorithm = std::string{dtls::name_of(print.algorithm)}, .digest = print.bytes},
                std::move(candidates));
  rooms_.on_ice_servers([this](const UserId& user) { return api_.ice_servers_of(user); });
  rooms_.on_tunnel_question([this](const UserId& user) { return tunnels_.control().reaches_media(user); });
  log_.info("media is ready", {{"threads", media_->size()},
                               {"udp_ports", media_->udp_ports()},
                               {"tcp_ports", media_->tcp_ports()},
                               {"addresses", addresses.size()}});
  start_stun(addresses);
  return {};
}

/// Where that media thread is found: at our addresses, and by those in a tunnel at a virtual one, which comes last.
RoomControl::Candidates Node::candidates_of(std::size_t thread, const std::vector<IpAddress>& addresses) const {
  const MediaShard& shard = media_->at(thread);
  std::vector<ice::Advertised> advertised;
  for (const IpAddress& ip : addresses) advertised.push_back({.address = {.ip = ip, .port = shard.port()}});
  if (const auto port = shard.tcp_port()) {
    for (const IpAddress& ip : addresses) {
      advertised.push_back({.protocol = ice::Protocol::Tcp, .address = {.ip = ip, .port = *port}});
    }
  }
  const auto texts = [&] {
    std::vector<std::string> out;
    for (const ice::Candidate& candidate : ice::host_candidates(advertised)) {
      out.push_back(ice::write_candidate(candidate));
    }
    return out;
  };
  RoomControl::Candidates candidates{.everybody = texts(), .in_tunnel = {}};
  const SocketAddress in_tunnel{.ip = kSfuInTunnel.ip, .port = port_of_thread(kSfuInTunnel.port, thread)};
  for (const ice::Protocol protocol : {ice::Protocol::Udp, ice::Protocol::Tcp}) {
    advertised.push_back({.protocol = protocol, .address = in_tunnel});
  }
  candidates.in_tunnel = texts();
  return candidates;
}

/// Under which clients are told to reach media. May ask a STUN server, and wait for it, where the settings say so.
std::vector<IpAddress> Node::media_addresses() {
  AddressFacts facts = address_facts(config_);
  if (needs_discovery(facts) && !config_.media_discovery_stun.empty()) {
    const auto server = net::resolve_udp(config_.media_discovery_stun, kStunPort);
    const auto answer = server ? net::ask_stun({.server = *server}, entropy_) : fail(server.error());
    if (answer) {
      facts.seen_from = answer->seen_at.ip;
      log_.info("media is advertised at the address that the STUN server sees",
                {{"address", answer->seen_at.ip.to_text()}});
    } else {
      log_.warn("our public address is not known: MEDIA_DISCOVERY_STUN does not answer", {{"error", answer.error()}});
    }
  }
  AdvertisedAddresses chosen = choose_addresses(facts);
  for (const AdvertisedAddresses::Doubt& doubt : chosen.doubts) log_.warn(doubt.text, {{"advice", doubt.advice}});
  return std::move(chosen.addresses);
}

/// Calls go on without it, so a port that is taken is no reason not to start.
void Node::start_stun(const std::vector<IpAddress>& addresses) {
  if (config_.stun_port == 0) return;
  auto made = StunServer::create(*loop_, {.address = {.ip = {}, .port = config_.stun_port}});
  if (!made) {
    log_.warn("our own STUN is off. Set STUN_PORT to another port, or to 0", {{"error", made.error()}});
    return;
  }
  stun_ = std::move(*made);
  metrics_.attach(*stun_);
  api_.add_stun_urls(stun_urls_of(addresses, stun_->port()));
}

Result<void, std::string> Node::load_tls() {
  if (config_.tls_cert.empty()) return {};
  auto context = net::TlsContext::load({.certificate_chain = config_.tls_cert, .private_key = config_.tls_key});
  if (!context) return fail(std::move(context.error()));
  const std::int64_t days_left = (context->expires_at() - unix_seconds(loop_->now().wall)) / 86400;
  if (days_left < 14) log_.warn("the TLS certificate expires soon", {{"days", days_left}});
  tunnels_.set_certificate(context->own_certificate());
  server_->set_tls(std::move(*context));
  return {};
}

void Node::run() {
  loop_->moderate_server_turns();
  loop_->run();
  if (signals_) Signals::restore();
}

void Node::stop() {
  loop_->post([this] { begin_shutdown(); });
}

void Node::on_signal(int signal) {
  if (signal == SIGHUP) {
    reload();
  } else {
    begin_shutdown();
  }
}

/// SIGHUP: certificates and the web app are read again. A bad file changes nothing and is logged.
void Node::reload() {
  if (auto loaded = load_tls(); !loaded) {
    log_.error("the certificate is kept as it was", {{"error", loaded.error()}});
  }
  if (auto files = load_files(config_, log_); files && files->empty() && front_.has_files()) {
    log_.error("the web app is kept as it was", {{"error", "its folder is empty or gone"}});
  } else if (files) {
    front_.replace_files(std::move(*files));
  } else {
    log_.error("the web app is kept as it was", {{"error", files.error()}});
  }
  log_.info("reloaded");
}

/// Of two or more sides, with an end that is worth waiting for.
std::size_t Node::calls() const {
  return control_.calls() + tunnels_.control().calls() + phone_.control().calls();
}

void Node::begin_shutdown() {
  if (shutting_down_) {
    shutdown_deadline_ = loop_->now().mono;  // asked twice: at once
    asked_twice_ = true;
    check_shutdown();
    return;
  }
  shutting_down_ = true;
  shutdown_deadline_ = loop_->now().mono + config_.shutdown_timeout;
  log_.info("shutting down", {{"calls", calls()}, {"rooms", rooms_.rooms()}});
  front_.set_draining();
  control_.drain();
  tunnels_.control().drain();
  phone_.control().drain();
  rooms_.drain();
  check_shutdown();
}

void Node::check_shutdown() {
  constexpr Duration kLastWords = milliseconds{200};
  const TimePoint now = loop_->now().mono;
  // Nobody can come back to a server that is being stopped: rooms of the absent are not waited for.
  if (calls() + rooms_.present() > 0 && now < shutdown_deadline_) {
    loop_->schedule(now + kLastWords, [this] { check_shutdown(); });
    return;
  }
  control_.shut_down();
  tunnels_.shut_down();
  phone_.control().shut_down();
  rooms_.shut_down();
  server_->drain("server shutdown");
  // Close frames and last answers leave; who does not take them is cut off.
  const TimePoint end = std::max(std::min(shutdown_deadline_, now + seconds{2}), now + kLastWords);
  const TimePoint at_last = asked_twice_ ? end : std::max(end, now + kHangUpPatience);
  loop_->schedule(end, [this, at_last] { stop_when_hung_up(at_last); });
}

/// Telephones that the provider does not hear of go on ringing or talking, for money; records wait for what was used.
void Node::stop_when_hung_up(TimePoint at_last) {
  constexpr Duration kAskAgain = milliseconds{20};
  const TimePoint now = loop_->now().mono;
  const std::size_t pending = phone_.pending();
  if (pending + tunnels_.control().waiting_records() > 0 && now < at_last && !asked_twice_) {
    loop_->schedule(now + kAskAgain, [this, at_last] { stop_when_hung_up(at_last); });
    return;
  }
  if (pending > 0) log_.warn("the phone provider has not heard of every end of a call", {{"pending", pending}});
  loop_->stop();
}

/// Housekeeping of every ten seconds.
void Node::tend() {
  const Now now = loop_->now();
  revocations_.forget_old(now.wall);
  const WallTime since = revocations_read_ - std::chrono::minutes{1};
  const bool accepted = run_blocking(
      storage_, *loop_, [&store = *store_, since] { return store.revoked_since(since); },
      [this, asked = now.wall](port::StoreResult<std::vector<port::RevokedSession>> sessions) {
        if (!sessions) return;  // asked again in ten seconds
        revocations_read_ = asked;
        adopt_revocations(*sessions);
      });
  if (!accepted) log_.warn("the storage queue is full");
  const auto sign = [folder = config_.data_dir, at = now.wall] { return give_sign_of_life(folder, at); };
  if (!run_blocking(storage_, *loop_, sign, [](bool) {})) log_.warn("the storage queue is full");
  if (now.mono - trimmed_at_ >= kTrimInterval) {
    trimmed_at_ = now.mono;
    // After a flood the allocator keeps what it got; give it back when it is much.
    if (::mallinfo2().fordblks > kTrimBytesMin) ::malloc_trim(0);
    const auto purge = [&store = *store_, before = now.wall - hours{24}] { return store.purge_sessions(before); };
    if (!run_blocking(storage_, *loop_, purge, [](port::StoreResult<std::int64_t>) {})) {
      log_.warn("the storage queue is full");
    }
  }
  loop_->schedule(now.mono + kTendInterval, [this] { tend(); });
}

/// Sessions ended by another node or by the command line: their tokens are refused and their sockets closed here, too.
void Node::adopt_revocations(const std::vector<port::RevokedSession>& sessions) {
  for (const port::RevokedSession& session : sessions) {
    if (revocations_.is_revoked(session.id)) continue;
    revocations_.revoke(session.id, session.revoked_at);
    if (!server_) continue;
    control_.close_session(session.id);
    tunnels_.control().close_session(session.id);
    phone_.close_session(session.id);
    rooms_.close_session(session.id);
  }
}

}  // namespace zvonok::app
