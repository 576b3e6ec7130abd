#include "bench/round_trip/subject.hpp"

#include <cerrno>
#include <chrono>
#include <stdexcept>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cpu.hpp"

namespace backhand::bench {

LocalLane::LocalLane() {
  auto region = shm::Region::create("bench-lane", kGeometry.size());
  if (!region) throw std::runtime_error(region.error().message);
  region_ = std::make_unique<shm::Region>(std::move(*region));
  const wire::LaneView view(region_->bytes(), kGeometry);
  wire::format_lane(view, kGeometry, 0);
  intents_ = {view.intents, kGeometry.intent_capacity, &view.header->intent_head};
  taker_ = {view.intents, kGeometry.intent_capacity, &view.header->intent_head};
  publisher_ = {view.outcomes, kGeometry.outcome_capacity, &view.header->outcome_head};
  outcomes_ = {view, kGeometry.outcome_capacity, -1};
}

ThreadSubject::~ThreadSubject() { join(); }

void ThreadSubject::join() noexcept {
  if (!thread_.joinable()) return;
  set(kEnd);
  thread_.join();
}

void ThreadSubject::set(State state) noexcept {
  state_.store(state, std::memory_order_release);
  state_.notify_all();
}

std::expected<void, Error> ThreadSubject::start(const std::function<void()>& serve) {
  thread_ = std::thread([this] { body(); });
  while (!resting_.load(std::memory_order_acquire)) serve();
  if (!failure_.empty()) return std::unexpected(Error{std::string{name()} + ": " + failure_});
  return {};
}

void ThreadSubject::activate() { set(kRun); }

void ThreadSubject::deactivate() {
  set(kAsleep);
  while (!resting_.load(std::memory_order_acquire)) std::this_thread::yield();
}

void ThreadSubject::body() noexcept {
  tid_ = ::gettid();
  try {
    if (const auto pinned = pin_this_thread(place_.subject_cpu); !pinned)
      throw std::runtime_error(pinned.error().message);
    connect();
  } catch (const std::exception& error) {
    failure_ = error.what();
    resting_.store(true, std::memory_order_release);
    return;
  }
  std::uint32_t connecting = kConnecting;
  state_.compare_exchange_strong(connecting, kAsleep);
  for (;;) {
    const std::uint32_t state = state_.load(std::memory_order_acquire);
    if (state == kEnd) return;
    if (state == kRun) {
      resting_.store(false, std::memory_order_relaxed);
      try {
        run();
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", std::string{name()}.c_str(), error.what());
        std::abort();
      }
      continue;
    }
    resting_.store(true, std::memory_order_release);
    state_.wait(state, std::memory_order_acquire);
  }
}

int connect_socket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(os_error("cannot connect").message);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

ssl_ctx_st* client_context(const std::string& ca_file) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1)
    throw std::runtime_error("cannot load the venue's authority");
  return context;
}

}  // namespace backhand::bench
