#include "gateway/ingress/attach_server.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "common/clock.hpp"
#include "common/wire/attach.hpp"
#include "common/wire/names.hpp"
#include "gateway/ingress/admission.hpp"
#include "gateway/ingress/attach_socket.hpp"
#include "gateway/ingress/line_limit.hpp"

namespace backhand::ingress {

namespace {

using wire::AttachStatus;

// What an epoll event belongs to; peers are known by their ticket.
constexpr std::uint64_t kListener = 0;
constexpr std::uint64_t kTimer = 1;
constexpr std::uint64_t kAnswers = 2;
constexpr std::uint64_t kFirstTicket = 16;

// What one turn does at most: the service thread has an operator and a watchdog to serve too.
constexpr std::size_t kEventsPerTurn = 16;
constexpr std::size_t kAcceptsPerTurn = 16;
constexpr std::size_t kAnswersPerTurn = 64;

/// How long accepting pauses where the process has no descriptor left.
constexpr Ns kAcceptPause_ns = 100 * kMillisecond;

/// Refusals in the log: whoever may reach the socket could fill a disk with them.
constexpr std::uint32_t kRefusalsLogged = 10;

enum class PeerState : std::uint8_t {
  reading,     ///< Its request is awaited until `deadline_ns`.
  installing,  ///< The I/O thread was asked to serve its lane.
  live,        ///< It has its lane; whatever it says now is its end.
};

struct Peer {
  shm::Fd socket;
  ucred credentials{};
  PeerState state = PeerState::reading;
  Ns deadline_ns = 0;
  StrategyIndex strategy;
  wire::LaneName lane_name;
  LaneIndex lane;
  std::array<int, wire::kAttachFds> reply_fds{};  ///< installing; owned by the lane and the port.
};

/// So many attaches at once, and so many a second after that; for one strategy.
class AttachAllowance {
 public:
  explicit AttachAllowance(std::uint32_t burst) noexcept : burst_ns_(burst * kPerAttach_ns) {}
  [[nodiscard]] bool spend(Ns now) noexcept {
    free_at_ns_ = std::max(free_at_ns_, now - burst_ns_);
    if (free_at_ns_ > now - kPerAttach_ns) return false;
    free_at_ns_ += kPerAttach_ns;
    return true;
  }

 private:
  static constexpr Ns kPerAttach_ns = kSecond / kAttachesPerSecond;
  Ns burst_ns_;
  Ns free_at_ns_ = 0;  ///< Each attach moves it on; it may lie `burst_ns_` behind the clock.
};

/// A strategy may keep the memory of a lane that is closed. What it does not let go of must not be charged to
/// the gateway: the pages are freed here, and whoever touches them again gets new ones on his own account.
void free_pages(const LaneMemory& memory) noexcept {
  [[maybe_unused]] const int done =
      ::fallocate(memory.region.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  static_cast<off_t>(memory.region.size()));
}

/// Whether the other side has closed (or said something, which ends it as well).
[[nodiscard]] bool peer_ended(const Peer& peer) noexcept {
  char byte = 0;
  const auto got = ::recv(peer.socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

[[nodiscard]] wire::AttachReply blank_reply(AttachStatus status, std::string_view message) noexcept {
  wire::AttachReply reply{};
  reply.magic = wire::kAttachMagic;
  reply.abi_version = wire::kAbiVersion;
  reply.layout_version = wire::kLayoutVersion;
  reply.status = status;
  reply.message = FixedString<160>(message);
  return reply;
}

/// What the I/O thread's refusal means to the strategy's owner.
[[nodiscard]] std::string why_refused(AttachStatus status) {
  switch (status) {
    case AttachStatus::too_many_lanes:
      return "no further lane name: the strategy's max_lanes or the gateway's is reached (names of earlier "
             "runs "
             "count)";
    case AttachStatus::journal_behind:
      return "the strategy has seen more than the journal knows: it was lost or is an older copy. Compare "
             "positions, then attach with cursor 0 and new ids";
    case AttachStatus::journal_failed:
      return "the gateway's journal failed: no new lane can be recorded, and nothing is sent; see its log";
    default:
      return "the lane cannot be served: " + std::string(wire::to_string(status));
  }
}

[[nodiscard]] bool send_with_fds(int socket, const wire::AttachReply& reply,
                                 const std::array<int, wire::kAttachFds>& fds) noexcept {
  iovec part{.iov_base = const_cast<wire::AttachReply*>(&reply), .iov_len = sizeof reply};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
  return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof reply);
}

}  // namespace

class AttachServer::Core {
 public:
  Core(AttachSettings settings, LanePort& port) : settings_(std::move(settings)), port_(port) {
    for (const StrategyAccess& strategy : settings_.strategies)
      allowances_.emplace_back(strategy.attach_burst);
  }
  ~Core();

  [[nodiscard]] std::expected<void, Error> open();
  std::size_t do_work();
  [[nodiscard]] int poll_fd() const noexcept { return epoll_.get(); }
  void refuse_new() noexcept { stopping_ = true; }
  [[nodiscard]] std::vector<AttachedPeer> peers() const;

 private:
  using Peers = std::map<std::uint64_t, Peer>;

  [[nodiscard]] bool watch(int fd, std::uint32_t events, std::uint64_t what) const noexcept;
  void on_listener_ready();
  void on_accepted(shm::Fd socket);
  void on_peer_ready(Peers::iterator at);
  void on_request(Peers::iterator at, const wire::AttachRequest& request);
  void on_answer(LaneAnswer& answer);
  void on_attached(Peers::iterator at, const LaneAnswer& answer);
  void expire(Ns now);
  void set_timer(Ns now);

  [[nodiscard]] Peers::iterator crowding_peer();
  [[nodiscard]] bool make_way(StrategyIndex strategy, const wire::LaneName& lane);
  void refuse(Peers::iterator at, const Refusal& refusal);
  Peers::iterator drop(Peers::iterator at, std::string_view why);
  void log_refusal(const std::string& line);
  void log_left_out(Ns now);
  void log(const std::string& line) const {
    if (settings_.log) settings_.log(line);
  }
  [[nodiscard]] std::string describe(const Peer& peer) const;

  AttachSettings settings_;
  LanePort& port_;
  std::optional<AttachSocket> listener_;
  shm::Fd epoll_;
  shm::Fd timer_;
  Peers peers_;  ///< By ticket.
  std::uint64_t next_ticket_ = kFirstTicket;
  Ns accept_again_ns_ = 0;  ///< 0 unless accepting pauses.
  LineLimit refusals_{kRefusalsLogged};
  std::vector<AttachAllowance> allowances_;  ///< By StrategyIndex.
  bool stopping_ = false;
};

std::expected<void, Error> AttachServer::Core::open() {
  for (const StrategyAccess& strategy : settings_.strategies)
    if (strategy.name.empty() || !wire::StrategyName::fits(strategy.name))
      return std::unexpected(Error{"a strategy's name has 1 to 24 bytes, not " + quoted(strategy.name)});
  auto listener = AttachSocket::listen(settings_.path, settings_.socket_mode);
  if (!listener) return std::unexpected(std::move(listener.error()));
  listener_.emplace(std::move(*listener));
  epoll_ = shm::Fd(::epoll_create1(EPOLL_CLOEXEC));
  timer_ = shm::Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!epoll_.valid() || !timer_.valid() || !watch(listener_->fd(), EPOLLIN, kListener) ||
      !watch(timer_.get(), EPOLLIN, kTimer) || !watch(port_.answer_fd(), EPOLLIN, kAnswers))
    return std::unexpected(os_error("cannot watch the attach socket"));
  return {};
}

AttachServer::Core::~Core() {
  while (!peers_.empty()) drop(peers_.begin(), "the gateway stops");
  log_left_out(kNever);
}

bool AttachServer::Core::watch(int fd, std::uint32_t events, std::uint64_t what) const noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = what;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

std::size_t AttachServer::Core::do_work() {
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t what = events[static_cast<std::size_t>(i)].data.u64;
    if (what == kListener) {
      on_listener_ready();
    } else if (what == kTimer) {
      std::uint64_t expirations = 0;
      [[maybe_unused]] const auto got = ::read(timer_.get(), &expirations, sizeof expirations);
    } else if (what == kAnswers) {
      LaneAnswer answer;
      for (std::size_t n = 0; n < kAnswersPerTurn && port_.take(answer); ++n) on_answer(answer);
    } else if (const auto at = peers_.find(what); at != peers_.end()) {
      on_peer_ready(at);
    }
  }
  if (count > 0) {
    const Ns now = monotonic_now();
    expire(now);
    set_timer(now);
  }
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void AttachServer::Core::on_listener_ready() {
  for (std::size_t i = 0; i < kAcceptsPerTurn; ++i) {
    shm::Fd socket(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid()) {
      on_accepted(std::move(socket));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    // Out of descriptors or memory: the listener stays readable, so looking away is what keeps us from
    // spinning.
    log("attach: cannot accept: " + std::string(std::strerror(errno)));
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_->fd(), nullptr);
    accept_again_ns_ = monotonic_now() + kAcceptPause_ns;
    return;
  }
}

void AttachServer::Core::on_accepted(shm::Fd socket) {
  Peer peer;
  socklen_t length = sizeof peer.credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer.credentials, &length) != 0) return;
  const auto attaching = std::count_if(
      peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second.state != PeerState::live; });
  peer.socket = std::move(socket);
  peer.deadline_ns = monotonic_now() + settings_.request_timeout_ns;
  const auto at = peers_.emplace(next_ticket_++, std::move(peer)).first;
  if (static_cast<std::size_t>(attaching) >= settings_.max_attaching) {
    const auto silent = crowding_peer();
    const bool is_new = silent == at;
    refuse(silent, {AttachStatus::busy, "too many strategies are attaching at this moment; try again"});
    if (is_new) return;
  }
  if (!watch(at->second.socket.get(), EPOLLIN | EPOLLRDHUP, at->first)) {
    refuse(at, {AttachStatus::no_memory, "the gateway cannot watch another socket"});
    return;
  }
  // One that attaches asks at once, and so does not wait in the crowd.
  on_peer_ready(at);
}

/// The peer that makes room for a new one: of the user with the most that have said nothing, the oldest. A
/// user who fills the room keeps only himself out.
AttachServer::Core::Peers::iterator AttachServer::Core::crowding_peer() {
  std::map<uid_t, std::size_t> silent;
  for (const auto& [ticket, peer] : peers_)
    if (peer.state == PeerState::reading) ++silent[peer.credentials.uid];
  const auto most = std::max_element(silent.begin(), silent.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::find_if(peers_.begin(), peers_.end(), [most](const auto& entry) {
    return entry.second.state == PeerState::reading && entry.second.credentials.uid == most->first;
  });
}

void AttachServer::Core::on_peer_ready(Peers::iterator at) {
  Peer& peer = at->second;
  if (peer.state != PeerState::reading) {
    if (peer_ended(peer)) drop(at, "its socket closed");
    return;
  }
  // One byte more than a request, so that a longer message is seen as one. Without a place for control
  // messages, descriptors that come along are closed by the kernel.
  std::array<char, sizeof(wire::AttachRequest) + 1> bytes;
  const auto got = ::recv(peer.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (got <= 0) {
    drop(at, "");
    return;
  }
  if (static_cast<std::size_t>(got) != sizeof(wire::AttachRequest)) {
    refuse(at, {AttachStatus::bad_request, "an attach request has " +
                                               std::to_string(sizeof(wire::AttachRequest)) +
                                               " bytes; is the client library of another version?"});
    return;
  }
  wire::AttachRequest request;
  std::memcpy(&request, bytes.data(), sizeof request);
  on_request(at, request);
}

bool AttachServer::Core::make_way(StrategyIndex strategy, const wire::LaneName& lane) {
  for (auto at = peers_.begin(); at != peers_.end(); ++at) {
    const Peer& other = at->second;
    if (other.state == PeerState::reading || other.strategy != strategy || other.lane_name != lane) continue;
    // Its death may be in the same batch of events as the new request.
    if (!peer_ended(other)) return false;
    drop(at, "its socket closed");
    return true;
  }
  return true;
}

void AttachServer::Core::on_request(Peers::iterator at, const wire::AttachRequest& request) {
  const auto strategy = stopping_
                            ? std::unexpected(Refusal{AttachStatus::stopping, "the gateway is shutting down"})
                            : admit(request, at->second.credentials.uid, settings_.strategies);
  if (!strategy) {
    refuse(at, strategy.error());
    return;
  }
  if (!make_way(*strategy, request.lane)) {
    refuse(at, {AttachStatus::already_attached, "lane " + quoted(request.lane.view()) + " of strategy " +
                                                    quoted(request.strategy.view()) +
                                                    " is attached already; name another lane"});
    return;
  }
  if (!allowances_[strategy->value].spend(monotonic_now())) {
    refuse(at, {AttachStatus::busy, "strategy " + quoted(request.strategy.view()) + " attaches more than " +
                                        std::to_string(kAttachesPerSecond) + " times a second; try again"});
    return;
  }
  auto memory = make_lane_memory(port_.geometry());
  if (!memory) {
    refuse(at, {AttachStatus::no_memory, memory.error().message});
    return;
  }
  Peer& peer = at->second;
  peer.state = PeerState::installing;
  peer.strategy = *strategy;
  peer.lane_name = request.lane;
  LaneCommand command;
  command.kind = LaneCommand::Kind::attach;
  command.ticket = at->first;
  command.strategy = *strategy;
  command.lane = request.lane;
  command.cursor = request.cursor;
  command.memory = std::move(*memory);
  peer.reply_fds = {command.memory->region.fd(), port_.doorbell().fd(), command.memory->event.get()};
  port_.post(std::move(command));
}

void AttachServer::Core::on_answer(LaneAnswer& answer) {
  // Memory that came back is unmapped at the end of the answer's life: here, not on the I/O thread.
  const std::unique_ptr<LaneMemory> returned = std::move(answer.memory);
  if (returned != nullptr) free_pages(*returned);
  const auto at = peers_.find(answer.ticket);
  if (at == peers_.end()) return;  // It went away meanwhile; its close is on the way.
  switch (answer.kind) {
    case LaneAnswer::Kind::attached:
      on_attached(at, answer);
      break;
    case LaneAnswer::Kind::refused:
      refuse(at, {answer.status, why_refused(answer.status)});
      break;
    case LaneAnswer::Kind::broken:
      drop(at, "it wrote nonsense into its lane");
      break;
    case LaneAnswer::Kind::released:
      break;
  }
}

void AttachServer::Core::on_attached(Peers::iterator at, const LaneAnswer& answer) {
  Peer& peer = at->second;
  peer.state = PeerState::live;
  peer.lane = answer.lane;
  wire::AttachReply reply = blank_reply(AttachStatus::ok, "");
  reply.lane = answer.lane.value;
  reply.taken_mark = answer.taken_mark;
  reply.last_record = answer.last_record;
  reply.cursor = answer.cursor;
  reply.intent_capacity = port_.geometry().intent_capacity;
  reply.outcome_capacity = port_.geometry().outcome_capacity;
  reply.doorbell_lanes = port_.doorbell_lanes();
  // The lane's memory is the I/O thread's now, but it gives it back to this thread before it is closed.
  if (!send_with_fds(peer.socket.get(), reply, peer.reply_fds)) {
    drop(at, "it did not take the reply");
    return;
  }
  log("attach: " + describe(peer) + " attached as lane " + std::to_string(peer.lane.value));
}

void AttachServer::Core::refuse(Peers::iterator at, const Refusal& refusal) {
  Peer& peer = at->second;
  const wire::AttachReply reply = blank_reply(refusal.status, refusal.message);
  // A request that lies unread would make the kernel reset the connection, and the reply would be lost.
  std::array<char, sizeof(wire::AttachRequest)> rest;
  while (::recv(peer.socket.get(), rest.data(), rest.size(), MSG_DONTWAIT) > 0) {
  }
  [[maybe_unused]] const auto sent =
      ::send(peer.socket.get(), &reply, sizeof reply, MSG_DONTWAIT | MSG_NOSIGNAL);
  log_refusal("attach: refused pid " + std::to_string(peer.credentials.pid) + " (uid " +
              std::to_string(peer.credentials.uid) + "): " + refusal.message);
  peers_.erase(at);
}

void AttachServer::Core::log_refusal(const std::string& line) {
  const Ns now = monotonic_now();
  log_left_out(now);
  if (refusals_.allow(now)) log(line);
}

void AttachServer::Core::log_left_out(Ns now) {
  const std::uint64_t count = refusals_.take_left_out(now);
  if (count > 0) log("attach: refused " + std::to_string(count) + " more, which are not listed");
}

AttachServer::Core::Peers::iterator AttachServer::Core::drop(Peers::iterator at, std::string_view why) {
  const Peer& peer = at->second;
  if (peer.state != PeerState::reading) {
    // The queue keeps its order: an attach that is still on the way is carried out before it is closed.
    LaneCommand command;
    command.kind = LaneCommand::Kind::close;
    command.ticket = at->first;
    port_.post(std::move(command));
    log("attach: " + describe(peer) + " detached: " + std::string(why));
  }
  return peers_.erase(at);
}

void AttachServer::Core::expire(Ns now) {
  for (auto at = peers_.begin(); at != peers_.end();) {
    const auto next = std::next(at);
    if (at->second.state == PeerState::reading && at->second.deadline_ns <= now)
      refuse(at, {AttachStatus::too_slow, "no attach request came in time"});
    at = next;
  }
  log_left_out(now);
  if (accept_again_ns_ != 0 && accept_again_ns_ <= now) {
    accept_again_ns_ = 0;
    if (!watch(listener_->fd(), EPOLLIN, kListener)) accept_again_ns_ = now + kAcceptPause_ns;
  }
}

void AttachServer::Core::set_timer(Ns now) {
  Ns first = std::min(accept_again_ns_ == 0 ? kNever : accept_again_ns_, refusals_.summary_due());
  for (const auto& [ticket, peer] : peers_)
    if (peer.state == PeerState::reading) first = std::min(first, peer.deadline_ns);
  itimerspec when{};  // All zero: off.
  if (first != kNever) {
    const Ns span = std::max<Ns>(first - now, 1);
    when.it_value = {.tv_sec = static_cast<time_t>(span / kSecond),
                     .tv_nsec = static_cast<long>(span % kSecond)};
  }
  ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

std::string AttachServer::Core::describe(const Peer& peer) const {
  return "strategy " + quoted(settings_.strategies[peer.strategy.value].name) + " lane " +
         quoted(peer.lane_name.view()) + " (pid " + std::to_string(peer.credentials.pid) + ", uid " +
         std::to_string(peer.credentials.uid) + ")";
}

std::vector<AttachedPeer> AttachServer::Core::peers() const {
  std::vector<AttachedPeer> out;
  for (const auto& [ticket, peer] : peers_)
    if (peer.state == PeerState::live)
      out.push_back({peer.strategy, peer.lane_name, peer.lane, peer.credentials.pid, peer.credentials.uid});
  return out;
}

AttachServer::AttachServer(std::unique_ptr<Core> core) noexcept : core_(std::move(core)) {}
AttachServer::~AttachServer() = default;

std::expected<std::unique_ptr<AttachServer>, Error> AttachServer::listen(AttachSettings settings,
                                                                         LanePort& port) {
  auto core = std::make_unique<Core>(std::move(settings), port);
  if (auto opened = core->open(); !opened) return std::unexpected(std::move(opened.error()));
  return std::unique_ptr<AttachServer>(new AttachServer(std::move(core)));
}

int AttachServer::poll_fd() const noexcept { return core_->poll_fd(); }
std::size_t AttachServer::do_work() { return core_->do_work(); }
void AttachServer::refuse_new() noexcept { core_->refuse_new(); }
std::vector<AttachedPeer> AttachServer::peers() const { return core_->peers(); }

}  // namespace backhand::ingress
