#include "gateway/service/service.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <map>

#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

#include "common/clock.hpp"
#include "common/wire/names.hpp"
#include "gateway/config/describe.hpp"
#include "gateway/config/names.hpp"
#include "gateway/ingress/attach_server.hpp"
#include "gateway/journal/hot_directory.hpp"
#include "gateway/journal/locks.hpp"
#include "gateway/journal/os_storage.hpp"
#include "gateway/journal/raw_replies.hpp"
#include "gateway/service/admin_server.hpp"
#include "gateway/service/disk_thread.hpp"
#include "gateway/service/io_loop.hpp"
#include "gateway/service/key_hash.hpp"
#include "gateway/service/log.hpp"
#include "gateway/service/net_settings.hpp"
#include "gateway/service/operator_commands.hpp"
#include "gateway/service/sample_strategy.hpp"
#include "gateway/service/systemd.hpp"
#include "gateway/service/trouble_text.hpp"

namespace backhand::service {

namespace {

constexpr std::uint64_t kRawReplyBytes = 64ULL * 1024 * 1024;
constexpr std::size_t kRawReplySlots = 256;
/// The journal promises its disk copy within 10 ms.
constexpr Ns kDiskTick_ns = 5 * kMillisecond;
/// How soon the service thread sees what no descriptor announces: messages of the I/O thread, replies that
/// wait.
constexpr int kTick_ms = 5;
/// Attaches at once beyond one for each lane that a strategy may have.
constexpr std::uint32_t kSpareAttaches = 32;
/// Messages of the I/O thread that become log lines in one turn.
constexpr int kMessagesPerTurn = 256;
/// How long a stop waits for a disk that does not answer.
constexpr Ns kDiskPatience_ns = 5 * kSecond;

std::int64_t real_offset() noexcept { return unix_now_ms() * kMillisecond - monotonic_now(); }

bool is_real(const config::Config& config) { return config.environment != config::Environment::simulated; }

/// Where a key or UID means the same: the real venue's demo and live accounts by whatever host they are
/// reached, a simulated venue's on that venue only.
std::string venue_scope(const config::Config& config) {
  std::string scope{config::to_string(config.environment)};
  if (!is_real(config)) scope += ' ' + config.venue.host + ':' + std::to_string(config.venue.port);
  return scope + ' ';
}

journal::Settings journal_settings(const config::Config& config) {
  journal::Settings out;
  out.state_dir = config.gateway.state_dir;
  out.hot_dir = config.gateway.hot_dir;
  out.durability = config.gateway.durability == config::Durability::power ? journal::Durability::power
                                                                          : journal::Durability::process;
  out.segment_records =
      static_cast<std::uint64_t>(config.gateway.journal_segment_mb) * 1'048'576 / sizeof(journal::Record);
  out.keep_segments = config.gateway.journal_keep_segments;
  out.keep_outcomes = config.gateway.kept_events();
  out.config_hash = journal::hash_of(config::describe(config));
  out.oid_prefix = FixedString<8>{config.gateway.client_oid_prefix};
  out.program_version = FixedString<16>{BACKHAND_VERSION};
  return out;
}

std::string_view text_of(engine::EngineEvent event) noexcept {
  switch (event) {
    case engine::EngineEvent::ready:
      return "ready";
    case engine::EngineEvent::not_ready:
      return "not ready";
    case engine::EngineEvent::account_ready:
      return "account is ready";
    case engine::EngineEvent::account_not_ready:
      return "account is not ready";
    case engine::EngineEvent::account_halted:
      return "account halted";
    case engine::EngineEvent::account_throttled:
      return "the venue throttled us: its count is higher than ours";
    case engine::EngineEvent::account_refused:
      return "account refused";
    case engine::EngineEvent::mode_mismatch:
      return "position mode differs";
    case engine::EngineEvent::lead_trader_detected:
      return "account belongs to a lead trader: one reversal a second";
    case engine::EngineEvent::product_ready:
      return "one more product of the account is ready";
    case engine::EngineEvent::nobody_ready:
      return "the venue refused every account: nothing can be traded";
    case engine::EngineEvent::address_throttled:
      return "this address is throttled: the venue answers \"too many requests\" whatever is asked; nothing "
             "is sent "
             "until its penalty is over";
    case engine::EngineEvent::address_free:
      return "the penalty of this address is over";
    case engine::EngineEvent::clock_stepped:
      return "the venue's clock or ours was stepped; measured anew";
    case engine::EngineEvent::position_blocked:
      return "position blocked";
    case engine::EngineEvent::position_unblocked:
      return "position unblocked";
    case engine::EngineEvent::reversal_rejected:
      return "the venue rejected a reversal: nothing happened";
    case engine::EngineEvent::foreign_change:
      return "others traded a position while it was being reversed";
    case engine::EngineEvent::reversal_unresolved:
      return "a reversal could not be resolved by evidence: a person must look";
    case engine::EngineEvent::journal_behind:
      return "the disk is behind: the journal's ring is full, and intents wait in their lanes";
    case engine::EngineEvent::journal_caught_up:
      return "the disk has caught up: intents are taken again";
    case engine::EngineEvent::records_missing:
      return "the venue shows a reversal of ours that this journal does not know";
    case engine::EngineEvent::uid_shared:
      return "account is another one under a second name";
    case engine::EngineEvent::uid_changed:
      return "the account's key belongs to another UID than when the gateway last used it";
    case engine::EngineEvent::journal_failed:
      return "journal failed: find out why the disk failed, then restart; what was sent is settled then";
    case engine::EngineEvent::stopped:
      return "stopped";
  }
  return "invalid";
}

LogLevel level_of(engine::EngineEvent event) noexcept {
  switch (event) {
    case engine::EngineEvent::account_halted:
    case engine::EngineEvent::account_refused:
    case engine::EngineEvent::nobody_ready:
    case engine::EngineEvent::reversal_unresolved:
    case engine::EngineEvent::records_missing:
    case engine::EngineEvent::uid_shared:
    case engine::EngineEvent::journal_failed:
      return LogLevel::error;
    case engine::EngineEvent::address_throttled:
    case engine::EngineEvent::lead_trader_detected:
    case engine::EngineEvent::not_ready:
    case engine::EngineEvent::account_not_ready:
    case engine::EngineEvent::reversal_rejected:
    case engine::EngineEvent::foreign_change:
    case engine::EngineEvent::account_throttled:
    case engine::EngineEvent::mode_mismatch:
    case engine::EngineEvent::clock_stepped:
    case engine::EngineEvent::position_blocked:
    case engine::EngineEvent::uid_changed:
    case engine::EngineEvent::journal_behind:
      return LogLevel::warning;
    case engine::EngineEvent::ready:
    case engine::EngineEvent::account_ready:
    case engine::EngineEvent::product_ready:
    case engine::EngineEvent::address_free:
    case engine::EngineEvent::position_unblocked:
    case engine::EngineEvent::journal_caught_up:
    case engine::EngineEvent::stopped:
      return LogLevel::info;
  }
  return LogLevel::info;
}

/// Everything that exists while the gateway runs, in the order in which it is made.
/// How often denials are told in the log.
constexpr Ns kCensusPeriod_ns = 10 * kSecond;

class Gateway {
 public:
  explicit Gateway(config::Loaded&& loaded)
      : config_(std::move(loaded.config)), secrets_(std::move(loaded.secrets)) {}

  [[nodiscard]] std::expected<void, Error> prepare();
  [[nodiscard]] ExitStatus serve();

 private:
  [[nodiscard]] std::expected<void, Error> lock_everything();
  /// Called from: the I/O thread, while an account's readiness is proven.
  [[nodiscard]] bool lock_uid(AccountIndex account, const domain::UserId& user_id);
  [[nodiscard]] std::expected<void, Error> make_dialect();
  [[nodiscard]] std::expected<void, Error> make_lanes();
  [[nodiscard]] std::expected<void, Error> open_journal_and_recover();
  [[nodiscard]] std::expected<void, Error> open_sockets();
  void take_messages();
  void on_engine_message(const EngineMessage& message);
  void on_trouble_message(const TroubleMessage& message);
  void feed_systemd(Ns now);
  void log_denials(Ns now);
  void work_on_sockets(int timeout_ms);
  [[nodiscard]] bool asked_to_stop();
  [[nodiscard]] ExitStatus stop();
  [[nodiscard]] std::expected<void, Error> close_journal(std::uint32_t open_cases);

  config::Config config_;
  std::vector<config::AccountSecrets> secrets_;
  journal::OsStorage storage_;
  std::vector<journal::Lock> locks_;
  std::map<std::string, journal::Lock> uid_locks_;  ///< By hash. The I/O thread's.
  std::unique_ptr<bitget::Dialect> dialect_;
  std::unique_ptr<ingress::LaneSet> lanes_;
  std::unique_ptr<journal::RawReplies> raw_replies_;
  std::unique_ptr<MessageQueue> messages_;
  journal::Settings journal_settings_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<IoLoop> loop_;
  std::vector<std::unique_ptr<SampleStrategy>> samples_;
  std::unique_ptr<ingress::AttachServer> attach_;
  std::unique_ptr<DiskThread> disk_;
  std::unique_ptr<OperatorCommands> commands_;
  std::unique_ptr<AdminServer> admin_;
  shm::Fd signals_;
  struct Census {
    Command command;
    std::array<std::uint64_t, wire::kDenyReasons> denied_by{};
  };
  std::shared_ptr<Census> census_;  ///< While the I/O thread is asked for it.
  std::array<std::uint64_t, wire::kDenyReasons> denied_before_{};
  Ns next_census_ns_ = 0;
  bool ready_told_ = false;
  bool refused_at_start_ = false;
  std::string last_status_;
  std::string last_trouble_;  ///< While something that was asked for does not come.
  std::string dial_problem_;  ///< Why the last dial failed, where no connection has come since.
  std::uint64_t last_turns_ = 0;
  Ns next_watchdog_ = 0;
  Ns watchdog_interval_ = 0;
};

std::expected<void, Error> Gateway::prepare() {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGHUP);
  // Under nohup it is ignored, and an ignored signal never comes to a signalfd.
  (void)std::signal(SIGHUP, SIG_DFL);
  if (::pthread_sigmask(SIG_BLOCK, &mask, nullptr) != 0) return std::unexpected(os_error("pthread_sigmask"));
  signals_ = shm::Fd{::signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC)};
  if (!signals_.valid()) return std::unexpected(os_error("signalfd"));
  if (config_.gateway.lock_memory && ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    return std::unexpected(os_error("gateway.lock_memory: mlockall"));
  }
  watchdog_interval_ = watchdog_interval();
  if (auto done = lock_everything(); !done) return done;
  if (auto done = make_dialect(); !done) return done;
  if (auto done = make_lanes(); !done) return done;
  if (auto done = open_journal_and_recover(); !done) return done;
  return open_sockets();
}

std::expected<void, Error> Gateway::lock_everything() {
  auto state = journal::lock_state_dir(storage_, config_.gateway.state_dir);
  if (!state) return std::unexpected(state.error());
  locks_.push_back(std::move(*state));
  // Two gateways with one key would each use up the other's rate allowance and reverse the same positions.
  for (std::size_t a = 0; a < secrets_.size(); ++a) {
    const std::string hash = key_hash(venue_scope(config_) + std::string{secrets_[a].key.reveal()});
    auto lock = journal::lock_host(
        storage_, {journal::HostLockKind::api_key, hash, config_.accounts[a].name, is_real(config_)});
    if (!lock) return std::unexpected(lock.error());
    locks_.push_back(std::move(*lock));
  }
  return {};
}

bool Gateway::lock_uid(AccountIndex account, const domain::UserId& user_id) {
  const std::string hash = uid_hash(venue_scope(config_) + std::string{user_id.view()});
  if (uid_locks_.contains(hash)) return true;
  auto lock = journal::lock_host(
      storage_, {journal::HostLockKind::uid, hash, config_.accounts[account.value].name, is_real(config_)});
  if (!lock) return false;
  uid_locks_.emplace(hash, std::move(*lock));
  return true;
}

std::expected<void, Error> Gateway::make_dialect() {
  auto dialect = bitget::make_classic_dialect(dialect_settings(config_));
  if (!dialect) return std::unexpected(dialect.error());
  dialect_ = std::move(*dialect);
  for (std::uint16_t a = 0; a < secrets_.size(); ++a) {
    bitget::Credentials credentials{bitget::SecretText{secrets_[a].key.reveal()},
                                    bitget::SecretText{secrets_[a].secret.reveal()},
                                    bitget::SecretText{secrets_[a].passphrase.reveal()}};
    if (auto added = dialect_->add_account(AccountIndex{a}, std::move(credentials)); !added) {
      return std::unexpected(Error{"account '" + config_.accounts[a].name + "': " + added.error().message});
    }
  }
  secrets_.clear();
  return {};
}

std::expected<void, Error> Gateway::make_lanes() {
  ingress::LaneSettings settings;
  settings.max_lanes = config_.gateway.max_lanes;
  settings.geometry = {config_.gateway.lane_capacity, config_.gateway.lane_capacity};
  for (const config::Strategy& strategy : config_.strategies)
    settings.max_lanes_of.push_back(strategy.max_lanes);
  // One of its own and the operator's, where there are enough for all.
  const std::size_t each = config_.gateway.max_lanes / std::max<std::size_t>(1, config_.strategies.size());
  settings.kept_for_each = static_cast<std::uint32_t>(std::min<std::size_t>(2, each));
  auto lanes = ingress::LaneSet::create(settings);
  if (!lanes) return std::unexpected(lanes.error());
  lanes_ = std::move(*lanes);
  return {};
}

std::expected<void, Error> Gateway::open_journal_and_recover() {
  journal_settings_ = journal_settings(config_);
  auto hot = journal::make_hot_directory(config_.gateway.hot_dir);
  if (!hot) return std::unexpected(hot.error());
  if (!hot->warning.empty()) log(LogLevel::warning, hot->warning);
  journal_settings_.hot_dir = hot->path;
  journal::Settings& settings = journal_settings_;
  const auto unix_seconds = unix_now_ms() / 1'000;
  auto recovered = journal::recover(storage_, settings, unix_seconds);
  if (!recovered) return std::unexpected(recovered.error());
  settings.hot_records =
      engine::journal_records(config_, recovered->state.cases.size(),
                              std::min<std::uint64_t>(settings.segment_records, journal::kMostHotRecords));
  if (recovered->must_block_all()) log(LogLevel::warning, recovered->tail_reason);
  if (recovered->tail == journal::TailLoss::end_missing)
    log(LogLevel::error, "everything is halted until an operator has compared positions and resumes");
  const journal::Recovered& found = *recovered;
  auto opened = journal::open_journal(storage_, settings, found, monotonic_now(), real_offset());
  if (!opened) return std::unexpected(opened.error());
  journal_ = std::move(*opened);
  raw_replies_ = std::make_unique<journal::RawReplies>(storage_, config_.gateway.state_dir, kRawReplyBytes,
                                                       kRawReplySlots);
  messages_ = std::make_unique<MessageQueue>(*raw_replies_, real_offset());
  messages_->set_uid_lock(
      [this](AccountIndex account, const domain::UserId& user_id) { return lock_uid(account, user_id); });

  const auto nobody = StrategyIndex{static_cast<std::uint16_t>(config_.strategies.size())};
  for (const auto& [number, lane] : found.state.lanes) {
    ingress::RestoredLane restored;
    restored.strategy = nobody;
    for (std::uint16_t s = 0; s < config_.strategies.size(); ++s) {
      if (config_.strategies[s].name == lane.strategy.view()) restored.strategy = StrategyIndex{s};
    }
    restored.name = lane.name;
    restored.lane = LaneIndex{number};
    restored.taken_mark = lane.taken_mark;
    restored.last_record = lane.last_record_number;
    restored.noted = lane.noted;
    for (const auto& [key, open] : found.state.cases) {
      if (open.key.lane == number && open.phase != journal::CasePhase::unresolved) ++restored.open;
    }
    if (auto done = lanes_->restore(restored); !done) return std::unexpected(done.error());
  }
  loop_ = std::make_unique<IoLoop>(IoLoop::Parts{config_, *dialect_, *lanes_, *journal_, *messages_});
  if (auto done = loop_->engine().recover(found, monotonic_now()); !done)
    return std::unexpected(done.error());
  const std::size_t open = found.state.cases.size();
  if (open > 0)
    log(LogLevel::warning,
        std::to_string(open) + " intents had no end when the gateway stopped; going on with them");
  if (auto done = take_over_marked_halts(config_, settings, storage_, *journal_, loop_->engine()); !done)
    return done;
  if (loop_->engine().halted()) {
    const std::string reason{loop_->engine().halt_reason()};
    log(LogLevel::warning, "a halt is in force from before this start" +
                               (reason.empty() ? "" : ": " + reason) + "; `backhand resume` ends it");
  }
  for (std::uint16_t a = 0; a < config_.accounts.size(); ++a) {
    if (loop_->engine().account(AccountIndex{a}).halted_by_operator)
      log(LogLevel::warning,
          "a halt of account " + config_.accounts[a].name + " is in force from before this start");
  }
  const bool power = config_.gateway.durability == config::Durability::power;
  if (power) journal_->start_thread([this] { loop_->wake(); });
  // With "power" the journal's own thread syncs before each send; the venue's replies must not hold that up.
  disk_ = std::make_unique<DiskThread>(
      [this, power] {
        if (!power) (void)journal_->do_work();
        (void)raw_replies_->do_work();
      },
      kDiskTick_ns);
  return {};
}

std::expected<void, Error> Gateway::open_sockets() {
  for (std::uint16_t s = 0; s < config_.strategies.size(); ++s) {
    if (!config_.strategies[s].in_process) continue;
    auto session = lanes_->open_in_process(StrategyIndex{s}, "in-process");
    if (!session) return std::unexpected(session.error());
    samples_.push_back(std::make_unique<SampleStrategy>(**session, config_, StrategyIndex{s}));
  }
  ingress::AttachSettings settings;
  settings.path = config_.gateway.attach_socket;
  // Who may attach is checked for each peer; the file's mode only has to let the configured users knock.
  const bool others = std::any_of(config_.strategies.begin(), config_.strategies.end(),
                                  [](const config::Strategy& strategy) { return !strategy.uids.empty(); });
  settings.socket_mode = others ? 0666 : 0600;
  for (const config::Strategy& strategy : config_.strategies)
    settings.strategies.push_back({strategy.name, strategy.uids, strategy.max_lanes + kSpareAttaches});
  settings.log = [](std::string_view line) { log(LogLevel::info, line); };
  auto attach = ingress::AttachServer::listen(std::move(settings), lanes_->port());
  if (!attach) return std::unexpected(attach.error());
  attach_ = std::move(*attach);
  commands_ = std::make_unique<OperatorCommands>(OperatorCommands::Parts{
      config_, journal_settings_, storage_, *journal_, *loop_, *disk_, *dialect_, dial_problem_});
  auto admin = AdminServer::listen(config_.gateway.admin_socket,
                                   [this](const AdminRequest& r) { return commands_->answer(r); });
  if (!admin) return std::unexpected(admin.error());
  admin_ = std::move(*admin);
  return loop_->start();
}

ExitStatus Gateway::serve() {
  log(LogLevel::info, "started; proving readiness");
  for (auto& sample : samples_) sample->start();
  for (;;) {
    work_on_sockets(kTick_ms);
    if (asked_to_stop()) return stop();
    feed_systemd(monotonic_now());
    log_denials(monotonic_now());
    if (refused_at_start_) {
      (void)stop();
      return ExitStatus::failed;
    }
  }
}

/// One turn of the service thread. Each part does a bounded piece of work and never blocks, so that none of
/// strategies, operator, watchdog and log waits for another. The operator comes first.
void Gateway::work_on_sockets(int timeout_ms) {
  std::array<pollfd, 4> watched{pollfd{admin_->poll_fd(), POLLIN, 0},
                                pollfd{loop_->commands_done_fd(), POLLIN, 0},
                                pollfd{attach_->poll_fd(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
  (void)::poll(watched.data(), watched.size(), timeout_ms);
  if (watched[1].revents != 0) {
    std::uint64_t done = 0;
    (void)!::read(loop_->commands_done_fd(), &done, sizeof done);
  }
  admin_->do_work();
  (void)attach_->do_work();
  take_messages();
}

bool Gateway::asked_to_stop() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo != SIGHUP) return true;
    log(LogLevel::warning,
        "SIGHUP: a running gateway does not read its configuration again; restart it to change it");
  }
  return false;
}

void Gateway::take_messages() {
  EngineMessage message;
  for (int i = 0; i < kMessagesPerTurn && messages_->take(message); ++i) on_engine_message(message);
  TroubleMessage trouble;
  for (int i = 0; i < kMessagesPerTurn && messages_->take(trouble); ++i) on_trouble_message(trouble);
  PoolMessage pool;
  for (int i = 0; i < kMessagesPerTurn && messages_->take(pool); ++i) {
    const std::string_view why{pool.text.data(), pool.length};
    const std::string line = "connections " + std::to_string(pool.ready) + " of " +
                             std::to_string(pool.wanted) + (why.empty() ? "" : ": ") + std::string{why};
    log(pool.ready == 0 ? LogLevel::warning : LogLevel::info, line);
    dial_problem_ = pool.ready == 0 ? why : std::string_view{};
  }
}

void Gateway::on_trouble_message(const TroubleMessage& message) {
  const engine::Trouble& trouble = message.trouble;
  const std::string text = trouble_text(trouble, config_, *dialect_);
  if (!message.ended) {
    const std::string times =
        trouble.count > 1 ? " (" + std::to_string(trouble.count) + " times in a row)" : "";
    log(LogLevel::warning, text + times);
    last_trouble_ = text;
    return;
  }
  last_trouble_.clear();
  const Ns lasted = trouble.last_ns - trouble.since_ns;
  log(LogLevel::info, "over after " + std::to_string(lasted / kSecond) + " s: " + text);
}

void Gateway::on_engine_message(const EngineMessage& message) {
  std::string line{text_of(message.event)};
  if (message.product) line += "; " + std::string{wire::to_string(*message.product)};
  if (message.account.valid()) line += "; account " + config_.accounts[message.account.value].name;
  if (message.other.valid()) line += " and account " + config_.accounts[message.other.value].name;
  if (message.position.valid()) {
    line += "; symbol " + std::string{loop_->engine().directory()[message.position].id.symbol.view()};
  }
  if (!message.code.empty()) line += "; venue code " + std::string{message.code.view()};
  if (message.code_class != wire::CodeClass::none)
    line += " (" + std::string{wire::to_string(message.code_class)} + ")";
  if (!message.text.empty()) line += "; " + std::string{message.text};
  if (message.event == engine::EngineEvent::journal_failed) line += "; " + std::string{journal_->failure()};
  log(level_of(message.event), line);
  if (refused_at_start_) return;
  if (message.event == engine::EngineEvent::ready && !ready_told_) {
    ready_told_ = true;
    notify_ready();
  }
  // Where one account is served, the others' refusals are no reason to stop it. Where none can be, a person
  // must look at the configuration: better to say so at once than to run for nothing.
  if (message.event == engine::EngineEvent::nobody_ready && !ready_told_) refused_at_start_ = true;
}

/// One line for all denials of ten seconds, by reason: a flood of them must not flood the log.
void Gateway::log_denials(Ns now) {
  if (now < next_census_ns_) return;
  if (census_ == nullptr) {
    census_ = std::make_shared<Census>();
    census_->command.run = [census = census_.get()](engine::Engine& engine, const net::Pool*, Ns) {
      census->denied_by = engine.counters().denied_by;
    };
    // The census keeps the command alive until the I/O thread is done with it.
    loop_->post(std::shared_ptr<Command>{census_, &census_->command});
    return;
  }
  if (!census_->command.done.load(std::memory_order_acquire)) return;
  std::string line;
  for (std::size_t reason = 0; reason < wire::kDenyReasons; ++reason) {
    const std::uint64_t more = census_->denied_by[reason] - denied_before_[reason];
    if (more == 0) continue;
    line += line.empty() ? "denied: " : ", ";
    line += std::string{wire::to_string(static_cast<wire::DenyReason>(reason))} + " " + std::to_string(more);
  }
  if (!line.empty()) log(LogLevel::info, line);
  denied_before_ = census_->denied_by;
  census_.reset();
  next_census_ns_ = now + kCensusPeriod_ns;
}

void Gateway::feed_systemd(Ns now) {
  // Read without a command: a constant phrase behind one pointer, only for people.
  const std::string_view waits_for = loop_->not_ready_because();
  std::string status = waits_for.empty() ? "ready" : "waits: " + std::string{waits_for};
  const std::string& why = dial_problem_.empty() ? last_trouble_ : dial_problem_;
  if (!waits_for.empty() && !why.empty()) status += "; " + why;
  if (loop_->halted()) status = "halted; " + status;
  if (status != last_status_) {
    notify_status(status);
    last_status_ = status;
  }
  if (watchdog_interval_ == 0 || now < next_watchdog_) return;
  const std::uint64_t turns = loop_->counters().turns.load(std::memory_order_relaxed);
  if (turns == last_turns_) return;  // The I/O loop has not moved; systemd will do what it must.
  last_turns_ = turns;
  next_watchdog_ = now + watchdog_interval_;
  notify_watchdog();
}

ExitStatus Gateway::stop() {
  notify_stopping();
  log(LogLevel::info, "stopping: no new intents; what is on its way gets its time");
  attach_->refuse_new();
  loop_->request_stop(static_cast<Ns>(config_.gateway.stop_timeout_ms) * kMillisecond);
  while (!loop_->ended()) work_on_sockets(1);
  loop_->join();
  for (auto& sample : samples_) sample->stop();
  take_messages();
  const std::uint32_t open = loop_->engine().without_end();
  if (auto closed = close_journal(open); !closed) {
    log(LogLevel::error, closed.error().message);
    return ExitStatus::failed;
  }
  if (open == 0) {
    log(LogLevel::info, "stopped; every reversal has a definite end");
    return ExitStatus::clean;
  }
  log(LogLevel::warning, "stopped; " + std::to_string(open) +
                             " reversals have no definite end; the next start goes on with them");
  return ExitStatus::without_end;
}

std::expected<void, Error> Gateway::close_journal(std::uint32_t open_cases) {
  std::expected<void, Error> closed;
  disk_->finish([&] {
    (void)raw_replies_->do_work();
    closed = journal_->close(monotonic_now(), open_cases);
  });
  const Ns until = monotonic_now() + kDiskPatience_ns;
  while (!disk_->finished() && monotonic_now() < until) work_on_sockets(1);
  if (disk_->finished()) return closed;
  log(LogLevel::error, "the disk has not answered for " + std::to_string(kDiskPatience_ns / kSecond) +
                           " s: stopped without the journal's last records on it; the next start takes them "
                           "from the hot segment, "
                           "or blocks every position first where there is none");
  // Nobody can end a thread that waits for the disk, and everything that it uses must stay as it is.
  disk_->abandon();
  flush_log();
  std::_Exit(static_cast<int>(ExitStatus::failed));
}

}  // namespace

std::expected<ExitStatus, Error> run_gateway(config::Loaded&& loaded) {
  Gateway gateway{std::move(loaded)};
  if (auto prepared = gateway.prepare(); !prepared) return std::unexpected(prepared.error());
  return gateway.serve();
}

}  // namespace backhand::service
