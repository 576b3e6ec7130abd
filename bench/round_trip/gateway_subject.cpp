// The real gateway as a process, spinning on the subject's core with everything switched on; rules are raised
// by data only. Between its turns it is stopped (SIGSTOP), so that the core is free for the others.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/round_trip/subject.hpp"
#include "common/client/session.hpp"
#include "common/clock.hpp"

namespace backhand::bench {

namespace {

constexpr std::string_view kStrategy = "bench";
/// Lanes of a strategy may be attached ten a second: those that only lie there belong to several.
constexpr unsigned kIdleStrategies = 25;
constexpr unsigned kLanesEach = 9;
std::string idle_strategy(unsigned number) { return "idle" + std::to_string(number); }

void write_secret(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) std::perror(path.c_str());
  if (fd >= 0) ::close(fd);
}

std::string quoted(std::string_view text) { return '"' + std::string{text} + '"'; }

}  // namespace

class GatewayProcess {
 public:
  GatewayProcess(const Place& place, std::string_view label, std::string_view bin_dir, const Tuning& tuning)
      : place_(place),
        folder_(place.folder + "/" + std::string{label}),
        label_(label),
        bin_dir_(bin_dir),
        tuning_(tuning) {}
  ~GatewayProcess() {
    sessions_.clear();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGTERM);
    for (int i = 0; i < 200 && ::waitpid(pid_, nullptr, WNOHANG) == 0; ++i) {
      const timespec pause{0, 20'000'000};
      ::nanosleep(&pause, nullptr);
    }
    ::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
  }
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  [[nodiscard]] std::expected<void, Error> start(const std::function<void()>& serve) {
    if (pid_ > 0) return {};
    write_config();
    pid_ = ::fork();
    if (pid_ == 0) exec();
    if (pid_ < 0) return std::unexpected(os_error("fork"));
    const Ns until = monotonic_now() + 60 * kSecond;
    while (monotonic_now() < until) {
      for (int i = 0; i < 1'000; ++i) serve();
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = -1;
        return std::unexpected(Error{"the gateway ended; see " + folder_ + "/gateway.log"});
      }
      if (is_ready()) return {};
    }
    return std::unexpected(Error{"the gateway is not ready; see " + folder_ + "/gateway.log"});
  }

  void resume() {
    if (stopped_) ::kill(pid_, SIGCONT);
    stopped_ = false;
  }
  void stop() {
    // A second stop would be told to nobody, and waited for in vain.
    if (stopped_) return;
    stopped_ = true;
    ::kill(pid_, SIGSTOP);
    (void)::waitpid(pid_, nullptr, WUNTRACED);
  }

  /// Sessions are kept: number 0 is the one that trades, the others idle.
  [[nodiscard]] std::expected<void, Error> attach(unsigned count) {
    while (sessions_.size() > count) sessions_.pop_back();
    client::SessionOptions options;
    options.cursor = wire::kCursorNow;
    while (sessions_.size() < count) {
      const auto number = static_cast<unsigned>(sessions_.size());
      const std::string strategy =
          number == 0 ? std::string{kStrategy} : idle_strategy((number - 1) / kLanesEach);
      auto session = client::Session::attach(folder_ + "/run/attach.sock", strategy,
                                             "lane" + std::to_string(number), options);
      if (!session) return std::unexpected(session.error());
      sessions_.push_back(std::move(*session));
    }
    return {};
  }
  /// The I/O thread's number; 0 where it cannot be found.
  [[nodiscard]] pid_t io_thread() const {
    std::error_code ignored;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task", ignored)) {
      std::string name;
      std::ifstream(task.path() / "comm") >> name;
      if (name == "backhand-io") return static_cast<pid_t>(std::stol(task.path().filename().string()));
    }
    return 0;
  }
  [[nodiscard]] client::Session& session() noexcept { return sessions_.front(); }

 private:
  void write_config() {
    namespace fs = std::filesystem;
    for (const char* sub : {"/state", "/run", "/secrets"}) {
      fs::create_directories(folder_ + sub);
      ::chmod((folder_ + sub).c_str(), 0700);
    }
    fs::create_directories(place_.hot_folder + "/" + label_);
    std::ofstream out(folder_ + "/backhand.toml");
    out << "environment = \"simulated\"\n[gateway]\nstate_dir = " << quoted(folder_ + "/state")
        << "\nruntime_dir = " << quoted(folder_ + "/run")
        << "\nhot_dir = " << quoted(place_.hot_folder + "/" + label_) << "\nio_cpu = " << place_.subject_cpu
        << "\nidle = \"spin\"\nmax_lanes = 256\nlane_capacity = 4096\n"

        << "\n[venue]\nhost = \"localhost\"\nconnect_address = \"127.0.0.1\"\nport = " << place_.venue_port
        << "\nca_file = " << quoted(place_.ca_file)
        << "\nconnections = 2\nhandshakes_per_second = 1000\nmax_idle_ms = 3600000\nping_interval_ms = "
           "1800000\nmax_requests "
           "= 1000000000\n"
           "request_timeout_ms = 60000\nlookup_timeout_ms = 60000\nexecution_grace_ms = 0\nlookup_lag_ms = "
           "0\n"
           "position_max_age_ms = 0\n"
           "[pacing]\nrequests_per_second = 1000\nip_requests_per_minute = 600000\n"
           "queue_per_strategy = 65536\nqueue_per_account = 65536\n"
           "[shots]\nmax_armed = 512\nrehearse_us = "
        << tuning_.rehearse_us << "\n";
    for (const BenchAccount& account : place_.accounts) {
      const std::string stem = folder_ + "/secrets/" + account.name;
      write_secret(stem + ".key", account.key);
      write_secret(stem + ".secret", account.secret);
      write_secret(stem + ".passphrase", account.passphrase);
      out << "[[accounts]]\nname = " << quoted(account.name)
          << "\nposition_mode = \"one_way\"\nkey_file = " << quoted(stem + ".key")
          << "\nsecret_file = " << quoted(stem + ".secret")
          << "\npassphrase_file = " << quoted(stem + ".passphrase") << "\n";
    }
    std::vector<std::string> symbols;
    for (const BenchAccount& account : place_.accounts)
      for (const std::string& symbol : account.symbols)
        if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end()) symbols.push_back(symbol);
    for (const std::string& symbol : symbols)
      out << "[[instruments]]\nsymbol = " << quoted(symbol) << "\nproduct = \"USDT-FUTURES\"\n";
    out << "[[strategies]]\nname = " << quoted(kStrategy)
        << "\nmax_lanes = 1\nintents_per_second = 1000000\nreversals_per_position_minute = 10000\n"
           "reversals_per_position_day = 100000\nmax_shots = 512\n";
    for (const BenchAccount& account : place_.accounts) {
      out << "[[strategies.entitlements]]\naccount = " << quoted(account.name) << "\ninstruments = [";
      for (const std::string& symbol : account.symbols) out << quoted(symbol) << ", ";
      out << "]\n";
    }
    for (unsigned i = 0; i < kIdleStrategies; ++i)
      out << "[[strategies]]\nname = " << quoted(idle_strategy(i)) << "\nmax_lanes = " << kLanesEach << "\n";
  }

  [[noreturn]] void exec() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // All threads but the pinned one share the harness's core.
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<unsigned>(place_.harness_cpu), &cpus);
    CPU_SET(static_cast<unsigned>(place_.subject_cpu), &cpus);
    ::sched_setaffinity(0, sizeof cpus, &cpus);
    const std::string log = folder_ + "/gateway.log";
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    const std::string program = bin_dir_ + "/backhandd";
    const std::string config = folder_ + "/backhand.toml";
    ::execl(program.c_str(), "backhandd", "--config", config.c_str(), nullptr);
    std::perror(program.c_str());
    ::_exit(127);
  }

  [[nodiscard]] bool is_ready() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ + "/run/admin.sock").copy(address.sun_path, sizeof address.sun_path - 1);
    std::string reply;
    constexpr std::string_view kAsk = "{\"command\":\"status\"}\n";
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::write(fd, kAsk.data(), kAsk.size()) > 0) {
      std::array<char, 4'096> some;
      ssize_t got = 0;
      while ((got = ::read(fd, some.data(), some.size())) > 0) {
        reply.append(some.data(), static_cast<std::size_t>(got));
        if (reply.ends_with('\n')) break;
      }
    }
    ::close(fd);
    return reply.find(R"("ready":true)") != std::string::npos;
  }

  const Place& place_;
  std::string folder_;
  std::string label_;
  std::string bin_dir_;
  Tuning tuning_;
  pid_t pid_ = -1;
  bool stopped_ = false;
  std::vector<client::Session> sessions_;
};

namespace {

class GatewaySubject final : public Subject, private StrategyEnd {
 public:
  GatewaySubject(std::shared_ptr<GatewayProcess> process, std::string_view name, Way way, unsigned idle_lanes)
      : process_(std::move(process)), name_(name), way_(way), idle_lanes_(idle_lanes) {}

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::expected<void, Error> start(const std::function<void()>& serve) override {
    if (auto started = process_->start(serve); !started) return started;
    process_->resume();
    const auto attached = process_->attach(1);
    thread_ = process_->io_thread();
    process_->stop();
    return attached;
  }
  void activate() override {
    process_->resume();
    if (const auto attached = process_->attach(1 + idle_lanes_); !attached)
      std::fprintf(stderr, "attach: %s\n", attached.error().message.c_str());
  }
  void deactivate() override { process_->stop(); }
  [[nodiscard]] StrategyEnd& lane() noexcept override { return *this; }
  [[nodiscard]] pid_t thread() const noexcept override { return thread_; }
  [[nodiscard]] bool settles() const noexcept override { return true; }
  [[nodiscard]] bool arms() const noexcept override { return way_ != Way::push; }

 private:
  [[nodiscard]] bool push(const wire::Intent& intent) noexcept override {
    return process_->session().push(intent) == client::PushResult::ok;
  }
  [[nodiscard]] bool poll(wire::Outcome& out) noexcept override {
    return process_->session().poll([&](const wire::Outcome& o) { out = o; }, 1) == 1;
  }

  std::shared_ptr<GatewayProcess> process_;
  std::string name_;
  Way way_;
  unsigned idle_lanes_;
  pid_t thread_ = 0;
};

}  // namespace

std::shared_ptr<GatewayProcess> make_gateway(const Place& place, std::string_view label,
                                             std::string_view bin_dir, const Tuning& tuning) {
  return std::make_shared<GatewayProcess>(place, label, bin_dir, tuning);
}

std::unique_ptr<Subject> make_gateway_subject(std::shared_ptr<GatewayProcess> process, std::string_view name,
                                              Way way, unsigned idle_lanes) {
  return std::make_unique<GatewaySubject>(std::move(process), name, way, idle_lanes);
}

}  // namespace backhand::bench
