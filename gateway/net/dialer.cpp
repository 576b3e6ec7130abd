#include "gateway/net/dialer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <concurrentqueue/concurrentqueue.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/x509.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "common/assert.hpp"
#include "common/cpu.hpp"
#include "gateway/net/connection_state.hpp"
#include "gateway/net/round_trip.hpp"

namespace backhand::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kQueueBlocks = 256;  // Commands or results under way: a few times all connections.

/// From the I/O thread. With a link: free it. Without: dial.
struct Command {
  std::unique_ptr<Link> bury;
};

/// From one address to the next (RFC 8305 calls it the connection attempt delay).
constexpr std::uint32_t kStagger_ms = 250;
const std::string kNoDescriptors =
    "too many open files: raise LimitNOFILE= of the unit, or the shell's ulimit -n";

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

/// Text of the peer's for people.
std::string printable(std::string_view text) {
  std::string out{text.substr(0, 40)};
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

bool descriptors_left() noexcept {
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0 || (errno != EMFILE && errno != ENFILE);
}

/// The addresses that a text names, separated by commas; none where one of them is no literal.
std::vector<tcp::endpoint> literals_in(const std::string& text, std::uint16_t port) {
  std::vector<tcp::endpoint> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    error_code ec;
    const asio::ip::address literal = asio::ip::make_address(text.substr(begin, end - begin), ec);
    if (ec) return {};
    out.emplace_back(literal, port);
    begin = end + 1;
  }
  return out;
}

/// As the resolver sorted them, but the families take turns, and one that misbehaved comes last.
std::vector<tcp::endpoint> in_order(const tcp::resolver::results_type& found,
                                    const std::optional<tcp::endpoint>& shunned) {
  std::vector<tcp::endpoint> rest;
  for (const auto& entry : found) {
    if (std::ranges::find(rest, entry.endpoint()) == rest.end()) rest.push_back(entry.endpoint());
  }
  std::vector<tcp::endpoint> out;
  while (!rest.empty()) {
    auto next = rest.begin();
    if (!out.empty()) {
      const bool v6 = out.back().address().is_v6();
      next = std::ranges::find_if(rest, [&](const tcp::endpoint& e) { return e.address().is_v6() != v6; });
      if (next == rest.end()) next = rest.begin();
    }
    out.push_back(*next);
    rest.erase(next);
  }
  if (shunned) {
    std::ranges::stable_partition(out, [&](const tcp::endpoint& endpoint) { return endpoint != *shunned; });
  }
  return out;
}

/// What a file looks like that may be written anew: its place on the disk, its length and its time.
using FileLook = std::array<std::int64_t, 4>;

FileLook look_of(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {static_cast<std::int64_t>(status.st_ino), status.st_size, status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

void poke(int event_fd) noexcept {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the other side is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(event_fd, &one, sizeof one);
}

}  // namespace

class Dialer::Thread {
 public:
  explicit Thread(const Settings& settings, TlsContext context, int command_fd, int result_fd)
      : settings_(settings),
        context_(std::move(context)),
        authorities_look_(look_of(authorities_file())),
        commands_(kQueueBlocks),
        results_(kQueueBlocks),
        command_token_(commands_),
        result_token_(results_),
        command_fd_(io_, command_fd),
        result_fd_(result_fd) {}

  ~Thread() {
    stopping_.store(true, std::memory_order_release);  // Pairs with the acquire in on_command.
    poke(command_fd_.native_handle());
    if (thread_.joinable()) thread_.join();
    ::close(result_fd_);
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  // Called from the I/O thread.
  void dial() {
    commands_.enqueue(command_token_, Command{});
    poke(command_fd_.native_handle());
  }
  void bury(std::unique_ptr<Link> link) noexcept {
    // Not worth waking anybody for; the next dial does. A full queue frees it here, at our own cost.
    Command command{std::move(link)};
    (void)commands_.try_enqueue(command_token_, std::move(command));
  }
  [[nodiscard]] bool try_take(DialResult& result) noexcept {
    return results_.try_dequeue_from_producer(result_token_, result);
  }
  [[nodiscard]] int result_fd() const noexcept { return result_fd_; }

  // Called from the dialing thread.
  void finish(DialResult result) {
    results_.enqueue(result_token_, std::move(result));
    poke(result_fd_);
  }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  /// With the authorities that the file holds now: they are read again when it has changed. `problem` says
  /// why they could not be, and those of before hold.
  [[nodiscard]] const TlsContext& context(std::string& problem);
  /// The address that last took a connection and then did not serve it.
  [[nodiscard]] const std::optional<tcp::endpoint>& shunned() const noexcept { return shunned_; }
  void shun(const tcp::endpoint& endpoint) { shunned_ = endpoint; }
  [[nodiscard]] asio::io_context& io() noexcept { return io_; }
  [[nodiscard]] Ns now() const noexcept { return settings_.clock(); }

 private:
  void run();
  void await_command();
  void on_command();
  [[nodiscard]] std::string authorities_file() const {
    return settings_.ca_file.empty() ? X509_get_default_cert_file() : settings_.ca_file;
  }

  Settings settings_;
  TlsContext context_;
  FileLook authorities_look_;
  std::optional<tcp::endpoint> shunned_;
  moodycamel::ConcurrentQueue<Command> commands_;
  moodycamel::ConcurrentQueue<DialResult> results_;
  moodycamel::ProducerToken command_token_;  ///< The I/O thread's.
  moodycamel::ProducerToken result_token_;   ///< The dialing thread's.
  std::atomic<bool> stopping_ = false;
  asio::io_context io_{1};
  asio::posix::stream_descriptor command_fd_;
  int result_fd_;
  std::thread thread_;
};

const TlsContext& Dialer::Thread::context(std::string& problem) {
  const FileLook look = look_of(authorities_file());
  if (look != authorities_look_) {
    auto made = TlsContext::create(settings_.host, settings_.ca_file);
    if (made) {
      context_ = std::move(*made);
      authorities_look_ = look;
    } else {
      // It may be half written; looked at again with the next dial.
      problem = made.error().message;
    }
  }
  return context_;
}

/// One attempt. Each on_… is the completion of the step before it, in the order in which they happen.
class Dialer::Dial : public std::enable_shared_from_this<Dial> {
 public:
  explicit Dial(Thread& thread)
      : thread_(thread),
        resolver_(thread.io()),
        socket_(thread.io()),
        timer_(thread.io()),
        stagger_(thread.io()) {}

  void start();

 private:
  void on_resolved(error_code ec, const tcp::resolver::results_type& endpoints);
  struct Attempt {
    Attempt(asio::io_context& io, const tcp::endpoint& address) : socket(io), to(address) {}
    tcp::socket socket;
    tcp::endpoint to;
  };
  void try_next_address();
  void on_tried(Attempt& attempt, error_code ec);
  void drop_attempts();
  void note_refusal(const tcp::endpoint& to, error_code ec);
  void on_connected(error_code ec);
  void shake_hands();
  void flush();
  void on_flushed(error_code ec);
  void write_probe();
  void on_received(error_code ec, std::size_t count);
  void read_probe_reply();
  void hand_over();
  void on_timeout(error_code ec);
  void fail(std::string problem);
  void step(ConnectionEvent event) noexcept;
  [[nodiscard]] std::string peer() const;

  Thread& thread_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  asio::steady_timer stagger_;  ///< While connecting, with addresses left.
  ConnectionState state_ = ConnectionState::idle;
  DialResult result_;
  std::vector<tcp::endpoint> addresses_;
  std::size_t next_address_ = 0;
  std::size_t outstanding_ = 0;
  std::vector<std::shared_ptr<Attempt>> attempts_;
  std::string refusals_;  ///< What became of the addresses that refused.
  std::optional<tcp::endpoint> connected_to_;
  bool shaken_ = false;
  bool probed_ = false;
  bool whole_ = false;  ///< The probe's reply is.
  bool over_ = false;
};

void Dialer::Dial::step(ConnectionEvent event) noexcept {
  const std::optional<ConnectionState> next = next_state(state_, event);
  BH_ASSERT(next.has_value());
  state_ = *next;
}

std::string Dialer::Dial::peer() const {
  const Settings& settings = thread_.settings();
  std::string name = settings.host + ":" + std::to_string(settings.port);
  if (connected_to_) {
    name += " (at " + text_of(*connected_to_) + ")";
  } else if (!settings.connect_address.empty()) {
    name += " (at " + settings.connect_address + ")";
  }
  return name;
}

void Dialer::Dial::start() {
  step(ConnectionEvent::dial);
  const Settings& settings = thread_.settings();
  timer_.expires_after(std::chrono::milliseconds(settings.connect_timeout_ms));
  timer_.async_wait([self = shared_from_this()](error_code ec) { self->on_timeout(ec); });
  const std::string& target = settings.connect_address.empty() ? settings.host : settings.connect_address;
  if (const auto literals = literals_in(target, settings.port); !literals.empty()) {
    on_resolved({}, tcp::resolver::results_type::create(literals.begin(), literals.end(), target, ""));
    return;
  }
  resolver_.async_resolve(
      target, std::to_string(settings.port),
      [self = shared_from_this()](error_code error, const tcp::resolver::results_type& found) {
        self->on_resolved(error, found);
      });
}

void Dialer::Dial::on_resolved(error_code ec, const tcp::resolver::results_type& endpoints) {
  if (over_) return;
  // The resolver does not say that it could open no file.
  if (ec)
    return fail("cannot look up " + peer() + ": " + (descriptors_left() ? ec.message() : kNoDescriptors));
  step(ConnectionEvent::resolved);
  addresses_ = in_order(endpoints, thread_.shunned());
  try_next_address();
}

/// Addresses are tried side by side, each begun a little after the one before (RFC 8305): the first that
/// connects is taken, so that one that swallows what it is sent costs a fraction of the time and not all of
/// it.
void Dialer::Dial::try_next_address() {
  while (next_address_ < addresses_.size()) {
    const tcp::endpoint to = addresses_[next_address_++];
    auto attempt = std::make_shared<Attempt>(thread_.io(), to);
    error_code ec;
    (void)attempt->socket.open(to.protocol(), ec);
    if (ec) {
      note_refusal(to, ec);
      continue;
    }
    ++outstanding_;
    attempts_.push_back(attempt);
    attempt->socket.async_connect(
        to, [self = shared_from_this(), attempt](error_code error) { self->on_tried(*attempt, error); });
    if (next_address_ == addresses_.size()) return;
    const std::uint32_t share =
        thread_.settings().connect_timeout_ms / static_cast<std::uint32_t>(addresses_.size() + 1);
    stagger_.expires_after(std::chrono::milliseconds(std::min(kStagger_ms, share)));
    stagger_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && !self->over_ && self->state_ == ConnectionState::connecting) self->try_next_address();
    });
    return;
  }
  if (outstanding_ == 0) fail("cannot connect to " + peer() + ": " + refusals_);
}

void Dialer::Dial::on_tried(Attempt& attempt, error_code ec) {
  if (over_ || state_ != ConnectionState::connecting) return;
  --outstanding_;
  if (ec) {
    note_refusal(attempt.to, ec);
    stagger_.cancel();
    return try_next_address();
  }
  socket_ = std::move(attempt.socket);
  connected_to_ = attempt.to;
  drop_attempts();
  on_connected({});
}

void Dialer::Dial::drop_attempts() {
  error_code ignored;
  stagger_.cancel();
  for (const auto& attempt : attempts_) (void)attempt->socket.close(ignored);
  attempts_.clear();
}

void Dialer::Dial::note_refusal(const tcp::endpoint& to, error_code ec) {
  if (!refusals_.empty()) refusals_ += "; ";
  refusals_ += text_of(to) + ": " + (ec == asio::error::no_descriptors ? kNoDescriptors : ec.message());
}

void Dialer::Dial::on_connected(error_code ec) {
  if (over_) return;
  if (ec) return fail("cannot connect to " + peer() + ": " + ec.message());
  step(ConnectionEvent::connected);
  (void)socket_.set_option(tcp::no_delay(true), ec);
  if (ec) return fail("cannot set TCP_NODELAY for " + peer() + ": " + ec.message());
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  const Settings& settings = thread_.settings();
  std::string stale_authorities;
  try {
    result_.link =
        std::make_unique<Link>(thread_.context(stale_authorities),
                               ExchangeLimits{settings.max_reply_bytes, settings.max_header_bytes});
  } catch (const std::bad_alloc&) {
    return fail("no memory for a connection to " + peer());
  }
  result_.problem = std::move(stale_authorities);
  shake_hands();
}

void Dialer::Dial::shake_hands() {
  switch (result_.link->tls.handshake()) {
    case HandshakeStatus::done:
      shaken_ = true;
      break;
    case HandshakeStatus::more:
      break;
    case HandshakeStatus::failed:
      return fail(result_.link->tls.problem() + (result_.problem.empty() ? "" : "; " + result_.problem));
  }
  flush();
}

void Dialer::Dial::flush() {
  const std::span<const char> bytes = result_.link->tls.output();
  asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                    [self = shared_from_this(), count = bytes.size()](error_code ec, std::size_t) {
                      if (!ec) self->result_.link->tls.sent(count);
                      self->on_flushed(ec);
                    });
}

void Dialer::Dial::on_flushed(error_code ec) {
  if (over_) return;
  if (ec) return fail("lost " + peer() + " while dialing: " + ec.message());
  if (whole_) return hand_over();
  if (shaken_ && !probed_) return write_probe();
  const std::span<char> room = result_.link->tls.input_space();
  socket_.async_read_some(
      asio::buffer(room.data(), room.size()),
      [self = shared_from_this()](error_code error, std::size_t count) { self->on_received(error, count); });
}

void Dialer::Dial::write_probe() {
  probed_ = true;
  result_.link->exchange.begin();
  if (!result_.link->tls.encrypt(thread_.settings().probe_request)) {
    return fail("TLS with " + peer() + " broke at its first record");
  }
  result_.probe_written_ns = thread_.now();
  flush();
}

void Dialer::Dial::on_received(error_code ec, std::size_t count) {
  if (over_) return;
  if (ec) return fail("lost " + peer() + " while dialing: " + ec.message());
  result_.link->tls.received(count);
  if (!shaken_) return shake_hands();
  if (result_.probe_readable_ns == 0) result_.probe_readable_ns = thread_.now();
  read_probe_reply();
}

void Dialer::Dial::read_probe_reply() {
  Link& link = *result_.link;
  for (;;) {
    std::size_t count = 0;
    switch (link.tls.read(link.exchange.space(), count)) {
      case TlsReadStatus::bytes:
        break;
      case TlsReadStatus::more:
        if (!link.tls.spoiled()) return on_flushed({});
        // A peer that renews its keys now has done so in good order.
        if (!link.tls.accept_key_updates()) return fail(peer() + " spoiled the new connection");
        return flush();
      case TlsReadStatus::closed:
        return fail(peer() + " closed the new connection before the probe's reply");
      case TlsReadStatus::failed:
        return fail("TLS with " + peer() + " broke before the probe's reply");
    }
    switch (link.exchange.commit(count)) {
      case FeedStatus::need_more:
        break;
      case FeedStatus::complete:
        return hand_over();
      case FeedStatus::malformed:
        return fail(peer() + " does not answer in HTTP/1.1");
      case FeedStatus::too_large:
        return fail(peer() + " answers the probe with too many bytes");
      case FeedStatus::unsolicited_bytes:
        return fail(peer() + " sends what nobody asked for");
    }
  }
}

void Dialer::Dial::hand_over() {
  if (result_.probe_replied_ns == 0) result_.probe_replied_ns = thread_.now();
  Link& link = *result_.link;
  if (link.tls.spoiled() && link.tls.accept_key_updates() && !link.tls.output().empty()) {
    whole_ = true;
    return flush();
  }
  if (!result_.link->exchange.reusable() || result_.link->tls.spoiled()) {
    const ReplyView reply = result_.link->exchange.reply();
    return fail(peer() + " does not keep the connection after the probe (HTTP status " +
                std::to_string(reply.http_status) + "; Connection: " + printable(reply.header("connection")) +
                "; " + printable(reply.header("content-type")) +
                "): without connections that last nothing can be sent; is a proxy in between?");
  }
  error_code ec;
  const int fd = socket_.release(ec);
  if (ec) return fail("cannot hand over a connection to " + peer() + ": " + ec.message());
  over_ = true;
  timer_.cancel();
  step(ConnectionEvent::handed_over);
  result_.link->fd = fd;
  result_.link->least_round_trip_ns = least_round_trip(fd);
  result_.link->list_memory();
  thread_.finish(std::move(result_));
}

void Dialer::Dial::on_timeout(error_code ec) {
  if (over_ || ec) return;
  std::string where{to_string(state_)};
  for (const auto& attempt : attempts_) {
    if (attempt->socket.is_open()) where += "; " + text_of(attempt->to) + ": no answer";
  }
  if (!refusals_.empty()) where += "; " + refusals_;
  fail("no connection to " + peer() + " within " + std::to_string(thread_.settings().connect_timeout_ms) +
       " ms (" + where + ")");
}

void Dialer::Dial::fail(std::string problem) {
  over_ = true;
  step(ConnectionEvent::failed);
  // Where the host has others, the next dial begins with one of those.
  if (connected_to_) thread_.shun(*connected_to_);
  drop_attempts();
  error_code ignored;
  // An alert tells the peer why; whether it arrives does not matter.
  if (result_.link != nullptr && socket_.is_open() && !result_.link->tls.output().empty()) {
    const std::span<const char> bytes = result_.link->tls.output();
    (void)socket_.non_blocking(true, ignored);
    socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  timer_.cancel();
  resolver_.cancel();
  (void)socket_.close(ignored);
  DialResult result;
  result.problem = std::move(problem);
  // The link itself is freed with this attempt, after the operations that still point into it.
  thread_.finish(std::move(result));
}

void Dialer::Thread::run() {
  name_this_thread("bh-dial");
  // A wrong CPU only costs speed; the service checks the configuration.
  if (settings_.dialer_cpu >= 0) (void)pin_this_thread(settings_.dialer_cpu);
  await_command();
  io_.run();
}

void Dialer::Thread::await_command() {
  command_fd_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
    if (!ec) on_command();
  });
}

void Dialer::Thread::on_command() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(command_fd_.native_handle(), &count, sizeof count);
  if (stopping_.load(std::memory_order_acquire)) {  // Pairs with the release in the destructor.
    io_.stop();
    return;
  }
  Command command;
  while (commands_.try_dequeue_from_producer(command_token_, command)) {
    if (command.bury == nullptr) {
      std::make_shared<Dial>(*this)->start();
    } else {
      command.bury.reset();
    }
  }
  await_command();
}

Dialer::Dialer(std::unique_ptr<Thread> thread) noexcept : thread_(std::move(thread)) {}
Dialer::~Dialer() = default;

std::expected<std::unique_ptr<Dialer>, Error> Dialer::create(const Settings& settings) {
  std::expected<TlsContext, Error> context = TlsContext::create(settings.host, settings.ca_file);
  if (!context) return std::unexpected(context.error());
  const int command_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (command_fd < 0) return std::unexpected(os_error("eventfd"));
  const int result_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (result_fd < 0) {
    const Error error = os_error("eventfd");
    ::close(command_fd);
    return std::unexpected(error);
  }
  auto thread = std::make_unique<Thread>(settings, std::move(*context), command_fd, result_fd);
  thread->start();
  return std::unique_ptr<Dialer>(new Dialer(std::move(thread)));
}

void Dialer::dial() { thread_->dial(); }
bool Dialer::try_take(DialResult& result) noexcept { return thread_->try_take(result); }
void Dialer::bury(std::unique_ptr<Link> link) noexcept { thread_->bury(std::move(link)); }
int Dialer::wake_fd() const noexcept { return thread_->result_fd(); }

}  // namespace backhand::net
