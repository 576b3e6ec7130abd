// The usual C++ client: Boost.Asio's ssl::stream and Boost.Beast's HTTP, with the same plain checks and
// signing as the naive one. `polling`: the thread spins on ring and `io_context::poll`; else it sleeps in
// `run()` and the strategy wakes it through an eventfd, as programs without a core of their own do.
#include <optional>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench/round_trip/plain_client.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"

namespace backhand::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

class BeastClient final : public ThreadSubject, private StrategyEnd {
 public:
  BeastClient(const Place& place, bool polling) : ThreadSubject(place), polling_(polling) {}
  ~BeastClient() override {
    join();
    if (idle_fd_ >= 0) ::close(idle_fd_);
  }
  [[nodiscard]] std::string_view name() const noexcept override {
    return polling_ ? "beast_poll" : "beast_run";
  }
  [[nodiscard]] StrategyEnd& lane() noexcept override {
    if (polling_) return lane_;
    return *this;
  }
  void deactivate() override {
    if (!polling_) ring();
    ThreadSubject::deactivate();
  }

 private:
  // The strategy's end with a bell, for run().
  [[nodiscard]] bool push(const wire::Intent& intent) noexcept override {
    const bool pushed = lane_.push(intent);
    ring();
    return pushed;
  }
  [[nodiscard]] bool poll(wire::Outcome& out) noexcept override { return lane_.poll(out); }
  void ring() const noexcept {
    const std::uint64_t one = 1;
    (void)!::write(bell_.native(), &one, sizeof one);
  }

  void connect() override {
    client_ = std::make_unique<PlainClient>(place_, name());
    tls_.load_verify_file(place_.ca_file);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    stream_.emplace(io_, tls_);
    stream_->set_verify_callback(asio::ssl::host_name_verification("localhost"));
    stream_->next_layer().connect({asio::ip::address_v4::loopback(), place_.venue_port});
    stream_->next_layer().set_option(asio::ip::tcp::no_delay(true));
    idle_fd_ = connect_socket(place_.venue_port);
    stream_->handshake(asio::ssl::stream_base::client);
  }

  void run() override {
    if (polling_) {
      while (running()) {
        if (!take_one() && io_.poll() == 0) cpu_pause();
        if (io_.stopped()) io_.restart();
      }
      return;
    }
    asio::posix::stream_descriptor bell(io_, ::dup(bell_.native()));
    wait_for_bell(bell);
    io_.restart();
    io_.run();
  }

  void wait_for_bell(asio::posix::stream_descriptor& bell) {
    bell.async_read_some(asio::buffer(&rung_, sizeof rung_), [this, &bell](ErrorCode error, std::size_t) {
      if (error) return;
      while (!busy_ && take_one()) {
      }
      if (running()) {
        wait_for_bell(bell);
      } else {
        io_.stop();
      }
    });
  }

  bool take_one() {
    if (busy_ || !lane_.take(intent_)) return false;
    busy_ = true;
    taken_ = monotonic_now();
    if (const char* no = client_->check(intent_, taken_)) throw std::runtime_error(no);
    client_->build(intent_, signed_);
    request_ = {http::verb::post, "/api/v2/mix/order/click-backhand", 11};
    request_.set(http::field::host, "127.0.0.1:" + std::to_string(place_.venue_port));
    request_.set("ACCESS-KEY", signed_.key);
    request_.set("ACCESS-SIGN", signed_.signature);
    request_.set("ACCESS-TIMESTAMP", signed_.timestamp);
    request_.set("ACCESS-PASSPHRASE", signed_.passphrase);
    request_.set("locale", "en-US");
    request_.set(http::field::content_type, "application/json");
    request_.body() = signed_.body;
    request_.prepare_payload();
    encoded_ = monotonic_now();
    http::async_write(*stream_, request_, [this](ErrorCode error, std::size_t) {
      if (error) throw std::runtime_error(error.message());
      on_written();
    });
    return true;
  }

  void on_written() {
    const Ns now = monotonic_now();
    client_->note_sent(intent_, encoded_, now);
    wire::Outcome out = client_->outcome(intent_, wire::EventKind::sent);
    out.taken_ns = taken_;
    out.encoded_ns = out.written_ns = encoded_;
    out.published_ns = now;
    lane_.publish(out);
    response_ = {};
    http::async_read(*stream_, buffer_, response_, [this](ErrorCode error, std::size_t) {
      if (error) throw std::runtime_error(error.message());
      on_reply();
    });
  }

  void on_reply() {
    const Ns replied = monotonic_now();
    wire::Outcome out{};
    if (!client_->take_reply(intent_, signed_, response_.body(), out, replied))
      throw std::runtime_error("not an ack");
    out.taken_ns = taken_;
    // When `send` was entered cannot be seen from outside of Asio; the request was complete here.
    out.encoded_ns = out.written_ns = encoded_;
    out.replied_ns = replied;
    out.published_ns = monotonic_now();
    lane_.publish(out);
    busy_ = false;
  }

  struct Bell {
    Bell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~Bell() { ::close(fd_); }
    [[nodiscard]] int native() const noexcept { return fd_; }
    int fd_;
  };

  bool polling_;
  Bell bell_;
  std::uint64_t rung_ = 0;
  std::unique_ptr<PlainClient> client_;
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<asio::ip::tcp::socket>> stream_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
  PlainClient::Request signed_;
  wire::Intent intent_{};
  Ns taken_ = 0;
  Ns encoded_ = 0;
  bool busy_ = false;
  int idle_fd_ = -1;
};

}  // namespace

std::unique_ptr<Subject> make_beast(const Place& place, bool polling) {
  return std::make_unique<BeastClient>(place, polling);
}

}  // namespace backhand::bench
