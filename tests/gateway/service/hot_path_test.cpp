// The way of a reversal through the real I/O loop (lane → engine → journal → TLS → reply → lane, and the
// questions that settle it) must allocate nothing, take no lock and touch no new page after warm-up. malloc
// is counted, under operator new and under OpenSSL's allocator alike, on the I/O thread alone. A program of
// its own, as these functions are replaced for the whole process.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/client/intent_builder.hpp"
#include "common/client/lane_end.hpp"
#include "common/clock.hpp"
#include "common/on_path.hpp"
#include "common/wire/names.hpp"
#include "gateway/config/load.hpp"
#include "gateway/journal/os_storage.hpp"
#include "gateway/net/tls_memory.hpp"
#include "gateway/service/io_loop.hpp"
#include "gateway/service/net_settings.hpp"
#include "tests/venue/server.hpp"

namespace {

/// Of the I/O thread; set by a command that it runs.
thread_local bool counting = false;
std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> locks{0};

void note_allocation() noexcept {
  if (counting) allocations.fetch_add(1, std::memory_order_relaxed);
}
void note_lock() noexcept {
  if (counting) locks.fetch_add(1, std::memory_order_relaxed);
}

/// The function that `name` stands for without this program.
template <typename Function>
Function real(std::atomic<Function>& known, const char* name) noexcept {
  Function found = known.load(std::memory_order_relaxed);
  if (found == nullptr) {
    found = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
    known.store(found, std::memory_order_relaxed);
  }
  return found;
}

}  // namespace

// glibc's own names for what is replaced here.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* pointer, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  note_allocation();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  note_allocation();
  return __libc_calloc(count, size);
}
void* realloc(void* pointer, std::size_t size) {
  note_allocation();
  return __libc_realloc(pointer, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note_allocation();
  return __libc_memalign(alignment, size);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  static std::atomic<int (*)(pthread_mutex_t*)> known{nullptr};
  note_lock();
  return real(known, "pthread_mutex_lock")(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  static std::atomic<int (*)(pthread_rwlock_t*)> known{nullptr};
  note_lock();
  return real(known, "pthread_rwlock_rdlock")(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  static std::atomic<int (*)(pthread_rwlock_t*)> known{nullptr};
  note_lock();
  return real(known, "pthread_rwlock_wrlock")(lock);
}
}

namespace backhand::service {
namespace {

/// Before any other use of OpenSSL.
const bool kInstalled = net::install_tls_allocator();

constexpr std::uint32_t kSymbols = 24;

venue::Scenario scenario() { return venue::generated_scenario(1, venue::PositionMode::one_way, kSymbols); }

venue::Options generous() {
  venue::Options options;
  options.limits = false;
  options.created_delay_ns = 0;
  options.filled_delay_ns = 0;
  return options;
}

/// A gateway without its process: what service.cpp makes, but with the service thread's part done here.
class HotPath : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(kInstalled);
    server_thread_ = std::thread([this] { server_->run(); });
    make_folders();
    auto loaded = config::load_with_secrets(write_config(), "");
    ASSERT_TRUE(loaded.has_value()) << config::to_string(loaded.error());
    config_ = std::move(loaded->config);
    auto dialect = bitget::make_classic_dialect(dialect_settings(config_));
    ASSERT_TRUE(dialect.has_value());
    dialect_ = std::move(*dialect);
    bitget::Credentials credentials{bitget::SecretText{"k0001"}, bitget::SecretText{"s0001"},
                                    bitget::SecretText{"p0001"}};
    ASSERT_TRUE(dialect_->add_account(AccountIndex{0}, std::move(credentials)).has_value());
    ingress::LaneSettings lanes;
    lanes.geometry = {256, 256};
    lanes.max_lanes_of = {8};
    auto set = ingress::LaneSet::create(lanes);
    ASSERT_TRUE(set.has_value());
    lanes_ = std::move(*set);
    open_journal();
    loop_ = std::make_unique<IoLoop>(IoLoop::Parts{config_, *dialect_, *lanes_, *journal_, *messages_});
    ASSERT_TRUE(loop_->engine().recover(recovered_, monotonic_now()).has_value());
    ASSERT_TRUE(loop_->start().has_value());
    attach();
    while (!loop_->not_ready_because().empty()) serve();
  }

  void TearDown() override {
    if (loop_ != nullptr) {
      loop_->request_stop(kSecond);
      while (!loop_->ended()) serve();
      loop_->join();
    }
    if (journal_ != nullptr) {
      EXPECT_TRUE(journal_->close(monotonic_now(), 0).has_value());
    }
    loop_.reset();
    server_->stop();
    server_thread_.join();
    std::filesystem::remove_all(folder_);
    std::filesystem::remove_all(hot_folder_);
  }

  /// What the service thread does.
  void serve() {
    (void)journal_->do_work();
    (void)raw_replies_->do_work();
    EngineMessage message;
    while (messages_->take(message)) {
    }
    PoolMessage pool;
    while (messages_->take(pool)) {
    }
    std::this_thread::yield();
  }

  void on_io_thread(std::function<void()> what) {
    const auto command = std::make_shared<Command>();
    command->run = [&](engine::Engine&, const net::Pool*, Ns) { what(); };
    loop_->post(command);
    while (!command->done.load(std::memory_order_acquire)) serve();
  }

  enum class Way : std::uint8_t { pushed, armed };

  /// Reverses every position once, by an intent or by a shot armed before, and waits until all have settled.
  void reverse_all(Way way = Way::pushed) {
    std::uint32_t settled = 0;
    const auto side = is_long_ ? wire::PositionSide::long_side : wire::PositionSide::short_side;
    for (const std::string& symbol : symbols_) {
      wire::Intent intent = client::make_reversal("a0001", wire::Product::usdt_futures, symbol, side)
                                .id(++last_id_)
                                .deadline(monotonic_now() + 30 * kSecond)
                                .created(monotonic_now());
      if (way == Way::armed) {
        intent.kind = wire::IntentKind::arm;
        push_and_await(intent, wire::EventKind::armed, settled);
        intent = client::make_fire(intent.id).id(++last_id_).created(monotonic_now());
      }
      push_and_await(intent, wire::EventKind::acked, settled);
    }
    for (bool seen = false; settled < kSymbols && !HasFatalFailure();)
      poll(wire::EventKind::acked, seen, settled);
    is_long_ = !is_long_;
  }

  bool is_long_ = true;

 private:
  void push_and_await(const wire::Intent& intent, wire::EventKind awaited, std::uint32_t& settled) {
    ASSERT_EQ(intents_.try_push(intent), shm::PushStatus::ok);
    bell_.pushed();
    for (bool seen = false; !seen && !HasFatalFailure();) poll(awaited, seen, settled);
  }

  void poll(wire::EventKind awaited, bool& seen, std::uint32_t& settled) {
    wire::Outcome outcome;
    while (outcomes_.pop(outcome)) {
      seen = seen || outcome.kind == awaited;
      const bool shot_sent =
          outcome.kind == wire::EventKind::disarmed && outcome.deny_reason == wire::DenyReason::none;
      if (!wire::is_terminal(outcome) || shot_sent) continue;
      ASSERT_EQ(outcome.kind, wire::EventKind::settled)
          << wire::to_string(outcome.kind) << " " << wire::to_string(outcome.deny_reason) << " "
          << outcome.venue_code.view();
      ++settled;
    }
    outcomes_.tell_taken();
    serve();
  }

  void make_folders() {
    folder_ = "/tmp/backhand-hot-path-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    hot_folder_ = "/dev/shm/backhand-hot-path-XXXXXX";
    ASSERT_NE(::mkdtemp(hot_folder_.data()), nullptr);
    std::filesystem::create_directory(folder_ + "/state");
    std::filesystem::permissions(folder_ + "/state", std::filesystem::perms::owner_all);
  }

  std::string write_config() {
    std::ofstream(folder_ + "/ca.pem") << certificates_.ca_pem;
    for (const auto& [name, text] :
         {std::pair{"key", "k0001"}, {"secret", "s0001"}, {"passphrase", "p0001"}}) {
      std::ofstream(folder_ + "/" + name) << text;
      std::filesystem::permissions(folder_ + "/" + name,
                                   std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    const std::string path = folder_ + "/backhand.toml";
    std::ofstream out(path);
    // Nobody has a core for itself here, so the thread yields; the turn is the same.
    out << "environment = \"simulated\"\n[gateway]\nidle = \"yield\"\nstate_dir = \"" << folder_
        << "/state\"\nruntime_dir = \"" << folder_ << "\"\nhot_dir = \"" << hot_folder_
        << "\"\n[venue]\nhost = \"localhost\"\nconnect_address = \"127.0.0.1\"\nport = "
        << server_->tls_port() << "\nca_file = \"" << folder_
        << "/ca.pem\"\nposition_refresh_ms = 200\nposition_max_age_ms = 0\nping_interval_ms = 500\n"
        << "[shots]\nrehearse_us = 100\n"
        << "[pacing]\nrequests_per_second = 1000\nip_requests_per_minute = 600000\n"
        << "[[accounts]]\nname = \"a0001\"\nkey_file = \"./key\"\nsecret_file = \"./secret\"\n"
        << "passphrase_file = \"./passphrase\"\n";
    const venue::Scenario played = scenario();
    for (const venue::HeldPosition& held : played.accounts[0].positions) {
      symbols_.push_back(held.symbol);
      out << "[[instruments]]\nsymbol = \"" << held.symbol << "\"\nproduct = \"USDT-FUTURES\"\n";
    }
    out << "[[strategies]]\nname = \"hot\"\nintents_per_second = 100000\n"
           "reversals_per_position_minute = 10000\nreversals_per_position_day = 10000\n"
           "[[strategies.entitlements]]\naccount = \"a0001\"\ninstruments = \"*\"\n";
    return path;
  }

  void open_journal() {
    journal::Settings settings;
    settings.state_dir = config_.gateway.state_dir;
    settings.hot_dir = config_.gateway.hot_dir;
    settings.segment_records = 1U << 16;
    auto recovered = journal::recover(storage_, settings, unix_now_ms() / 1'000);
    ASSERT_TRUE(recovered.has_value()) << recovered.error().message;
    recovered_ = *recovered;
    const std::int64_t offset = unix_now_ms() * kMillisecond - monotonic_now();
    auto opened = journal::open_journal(storage_, settings, std::move(*recovered), monotonic_now(), offset);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    journal_ = std::move(*opened);
    raw_replies_ = std::make_unique<journal::RawReplies>(storage_, config_.gateway.state_dir,
                                                         std::uint64_t{1} << 24U, 256);
    messages_ = std::make_unique<MessageQueue>(*raw_replies_, offset);
  }

  void attach() {
    const wire::LaneGeometry geometry = lanes_->port().geometry();
    auto memory = ingress::make_lane_memory(geometry);
    ASSERT_TRUE(memory.has_value());
    region_ = std::move(*shm::Region::open(shm::Fd(::dup((*memory)->region.fd())), geometry.size()));
    doorbell_ = std::move(*shm::Region::open(shm::Fd(::dup(lanes_->port().doorbell().fd())),
                                             wire::doorbell_bytes(lanes_->port().doorbell_lanes())));
    event_ = shm::Fd(::dup((*memory)->event.get()));
    ingress::LaneCommand command;
    command.ticket = 1;
    command.strategy = StrategyIndex{0};
    command.lane = wire::LaneName{"hot"};
    command.cursor = wire::kCursorNow;
    command.memory = std::move(*memory);
    lanes_->port().post(std::move(command));
    ingress::LaneAnswer answer;
    while (!lanes_->port().take(answer)) serve();
    ASSERT_EQ(answer.kind, ingress::LaneAnswer::Kind::attached);
    const wire::LaneView view(region_.bytes(), geometry);
    intents_ = {view.intents, geometry.intent_capacity, &view.header->intent_head};
    outcomes_ = client::OutcomeEnd(view, geometry.outcome_capacity, event_.get());
    bell_ = client::GatewayBell(&view.header->gateway_wants,
                                reinterpret_cast<wire::DoorbellWord*>(doorbell_.bytes()), 1, event_.get());
  }

  venue::Certificates certificates_ = venue::make_certificates(venue::CertificateKind::good).value();
  venue::Exchange exchange_{generous(), scenario()};
  std::unique_ptr<venue::Server> server_ = venue::Server::make({}, certificates_, exchange_).value();
  std::thread server_thread_;
  std::string folder_, hot_folder_;
  std::vector<std::string> symbols_;
  config::Config config_;
  journal::OsStorage storage_;
  std::unique_ptr<bitget::Dialect> dialect_;
  std::unique_ptr<ingress::LaneSet> lanes_;
  journal::Recovered recovered_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::RawReplies> raw_replies_;
  std::unique_ptr<MessageQueue> messages_;
  std::unique_ptr<IoLoop> loop_;
  shm::Region region_, doorbell_;
  shm::Fd event_;
  shm::RingProducer<wire::Intent> intents_;
  client::OutcomeEnd outcomes_;
  client::GatewayBell bell_;
  std::uint64_t last_id_ = 0;
};

long page_faults() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

TEST_F(HotPath, NothingIsAllocatedOrLockedAfterWarmUp) {
  for (int i = 0; i < 6; ++i) ASSERT_NO_FATAL_FAILURE(reverse_all(i % 2 == 0 ? Way::pushed : Way::armed));
  allocations = 0;
  locks = 0;
  // As `lock_memory` does, where it may: then no page is touched for the first time either.
  const bool memory_is_locked = ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
  long faults = 0;
  on_io_thread([&] {
    faults = page_faults();
    counting = true;
  });
  for (int i = 0; i < 10; ++i) ASSERT_NO_FATAL_FAILURE(reverse_all(i % 2 == 0 ? Way::pushed : Way::armed));
  on_io_thread([&] {
    counting = false;
    faults = page_faults() - faults;
  });
  EXPECT_EQ(allocations.load(), 0U) << "240 reversals, from intent to settled, called malloc";
  EXPECT_EQ(locks.load(), 0U) << "240 reversals, from intent to settled, took locks";
  if (memory_is_locked) {
    EXPECT_EQ(faults, 0) << "memory was touched for the first time after the warm-up";
  }
}

TEST(OnPath, TheMarkedInstructionsLieTogetherAndAreNotMany) {
  const std::size_t bytes = path_instructions().size();
  EXPECT_GT(bytes, 4'096) << "the linker lost the section, and nothing of it is kept near";
  EXPECT_LT(bytes, 65'536) << "more than a second cache has room for beside the rest";
}

TEST_F(HotPath, APlantedAllocationIsSeen) {
  allocations = 0;
  locks = 0;
  on_io_thread([&] {
    counting = true;
    // A call, not a new-expression, which the compiler may leave out.
    ::operator delete(::operator new(4'096));
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    counting = false;
  });
  EXPECT_GE(allocations.load(), 1U) << "the counter is not under operator new on the I/O thread";
  EXPECT_GE(locks.load(), 1U) << "the counter is not under the locks of the I/O thread";
}

}  // namespace
}  // namespace backhand::service
