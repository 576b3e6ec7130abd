#include "common/client/session.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include "common/client/session_core.hpp"
#include "common/clock.hpp"

namespace backhand::client {

namespace {

/// How often polling looks whether the gateway's socket is still open: one system call.
constexpr Ns kLookEvery_ns = 5 * kMillisecond;
/// How long `wait` sleeps at most without such a look.
constexpr Ns kSleepSlice_ns = 50 * kMillisecond;

/// Waits until the call's socket or the `other` descriptor is readable or `span` (> 0) has passed, rounded up
/// to milliseconds.
void poll_for(const AttachCall* call, Ns span, int other = -1) noexcept {
  std::array<pollfd, 2> what{pollfd{.fd = call != nullptr ? call->fd() : -1, .events = POLLIN, .revents = 0},
                             pollfd{.fd = other, .events = POLLIN, .revents = 0}};
  ::poll(what.data(), what.size(), static_cast<int>(std::min(span, 3600 * kSecond) / kMillisecond + 1));
}

[[nodiscard]] bool is_readable(int fd) noexcept {
  pollfd what{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&what, 1, 0) == 1;
}

[[nodiscard]] Ns later(Ns now, Ns span) noexcept { return span > kNever - now ? kNever : now + span; }

}  // namespace

PushEnd::PushEnd(std::shared_ptr<const Mapping> lane, const Attachment& attachment)
    : mapping(std::move(lane)),
      ring(mapping->view.intents, mapping->geometry.intent_capacity, &mapping->view.header->intent_head),
      bell(&mapping->view.header->gateway_wants, mapping->word, mapping->bit, mapping->event.get()),
      generation(attachment.generation),
      taken_mark(attachment.taken_mark) {}

Session::Core::Core(const std::string& path, std::string_view strategy, std::string_view lane,
                    SessionOptions options)
    : path_(path),
      strategy_(strategy),
      lane_(lane),
      options_(std::move(options)),
      backoff_ns_(options_.backoff_min.count()) {}

Session::Core::~Core() {
  note();
  delete offered_.load(std::memory_order_acquire);
  free_spent();
}

// Pushing thread.

PushResult Session::Core::push(const wire::Intent& intent) noexcept {
  // Pairs with the release in adopt: the generation is served, and its PushEnd lies ready.
  const std::uint64_t live = live_.load(std::memory_order_acquire);
  if (live == 0 || push_end_->generation != live) [[unlikely]] {
    if (live == 0 || !take_offered()) return PushResult::detached;
  }
  PushEnd& end = *push_end_;
  end.bell.prefetch();
  if (intent.id <= last_id_) [[unlikely]]
    return PushResult::bad_id;
  wire::Intent copy = intent;
  if (copy.created_ns == 0) copy.created_ns = monotonic_now();
  switch (end.ring.try_push(copy)) {
    case shm::PushStatus::ok:
      break;
    case shm::PushStatus::full:
      return PushResult::full;
    case shm::PushStatus::broken:
      push_found_broken_.store(true, std::memory_order_release);
      return PushResult::broken;
  }
  last_id_ = copy.id;
  end.bell.pushed();
  return PushResult::ok;
}

bool Session::Core::take_offered() noexcept {
  PushEnd* fresh = offered_.exchange(nullptr, std::memory_order_acq_rel);
  if (fresh == nullptr) return false;
  PushEnd* old = push_end_.release();
  push_end_.reset(fresh);
  last_id_ = std::max(last_id_, fresh->taken_mark);
  old->next_spent = spent_.load(std::memory_order_relaxed);
  while (!spent_.compare_exchange_weak(old->next_spent, old, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
  return true;
}

std::uint64_t Session::Core::next_id() const noexcept { return std::max(last_id_, taken_mark()) + 1; }

// Polling thread.

void Session::Core::free_spent() {
  std::uint64_t left = 0;  // The pushing thread is in no ring up to this generation.
  PushEnd* end = spent_.exchange(nullptr, std::memory_order_acquire);
  while (end != nullptr) {
    left = std::max(left, end->generation);
    delete std::exchange(end, end->next_spent);
  }
  if (left_.empty()) [[likely]]
    return;
  if (gateway_.valid() && is_readable(gateway_.get())) {
    // Its process is gone, all of its threads included.
    for (LeftRing& ring : left_) ring.close();
    gateway_.reset();
  }
  for (LeftRing& ring : left_)
    if (ring.closed()) ring.collect([this](const wire::Intent& intent) { say_never_taken(intent); });
  std::erase_if(left_, [left](const LeftRing& ring) { return ring.generation() <= left; });
}

void Session::Core::say_never_taken(const wire::Intent& intent) {
  wire::Outcome out{};
  out.intent_id = intent.id;
  out.kind = wire::EventKind::denied;
  out.deny_reason = wire::DenyReason::never_taken;
  out.position_side = intent.position_side;
  out.flags = wire::kTerminal;
  out.created_ns = intent.created_ns;
  out.published_ns = monotonic_now();
  out.user_tag = intent.user_tag;
  out.account = intent.account;
  out.symbol = intent.symbol;
  own_.push_back(out);
}

bool Session::Core::next_own(wire::Outcome& out) noexcept {
  out = own_[own_next_];
  if (++own_next_ == own_.size()) {
    own_.clear();
    own_next_ = 0;
  }
  return true;
}

bool Session::Core::socket_ended() const noexcept {
  char byte = 0;
  const auto got = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Session::Core::look_after() {
  free_spent();
  if (mapping_ != nullptr) {
    if (outcomes_.broken() || push_found_broken_.load(std::memory_order_acquire)) notice_death();
    if (!dying_) {
      const Ns now = coarse_monotonic_now();
      // Who waits on the descriptor polls seldom, and must learn why the socket is readable.
      if (events_ == nullptr && now - last_look_ns_ < kLookEvery_ns) return;
      last_look_ns_ = now;
      if (socket_ended()) notice_death();
      // What the gateway published before it died may have come since the last pop: one more poll first.
      return;
    }
    if (outcomes_.ready()) return;
    detach();
  }
  if (options_.reattach) advance_attach(monotonic_now());
}

void Session::Core::notice_death() noexcept {
  dying_ = true;
  live_.store(0, std::memory_order_release);
}

void Session::Core::detach() {
  live_.store(0, std::memory_order_release);
  note();
  if (mapping_ != nullptr) left_.emplace_back(mapping_, generation_);
  if (events_ != nullptr) {
    events_->disarm();
    if (gateway_.valid()) events_->watch(gateway_.get());
  }
  outcomes_ = {};
  mapping_.reset();
  socket_.reset();
  call_.reset();
  dying_ = false;
  next_try_ns_ = 0;
  backoff_ns_ = options_.backoff_min.count();
}

wire::AttachRequest Session::Core::request() const noexcept {
  return {.magic = wire::kAttachMagic,
          .abi_version = wire::kAbiVersion,
          .layout_version = wire::kLayoutVersion,
          .strategy = strategy_,
          .lane = lane_,
          .cursor = generation_ == 0 ? options_.cursor : cursor_};
}

void Session::Core::advance_attach(Ns now) {
  if (!call_) {
    if (now < next_try_ns_) return;
    auto call = AttachCall::begin(path_, request());
    if (!call) return attach_failed(std::move(call.error()), now);
    call_.emplace(std::move(*call));
    if (events_ != nullptr) events_->watch(call_->fd());
    call_deadline_ns_ = later(now, options_.timeout.count());
  }
  auto answer = call_->advance();
  if (!answer) return attach_failed(std::move(answer.error()), now);
  if (answer->has_value()) return adopt(std::move(**answer));
  if (now >= call_deadline_ns_)
    attach_failed(Error{"the gateway at " + path_ + " did not answer the attach in time"}, now);
}

void Session::Core::attach_failed(Error error, Ns now) {
  call_.reset();
  last_error_ = std::move(error.message);
  next_try_ns_ = now + backoff_ns_;
  backoff_ns_ = std::min<Ns>(2 * backoff_ns_, options_.backoff_max.count());
}

void Session::Core::adopt(AttachedLane&& lane) {
  call_.reset();
  last_error_.clear();
  backoff_ns_ = options_.backoff_min.count();
  // A journal that was lost says nothing about what the gateway before it took.
  const bool continues = lane.reply.taken_mark >= attachment_.taken_mark && lane.reply.last_record >= cursor_;
  attachment_ = {.generation = ++generation_,
                 .lane = lane.reply.lane,
                 .taken_mark = lane.reply.taken_mark,
                 .last_record = lane.reply.last_record,
                 .intent_capacity = lane.reply.intent_capacity,
                 .outcome_capacity = lane.reply.outcome_capacity};
  // A record number, also where "what is owed" or "nothing old" was asked for.
  cursor_ = noted_ = lane.reply.cursor;
  mapping_ = std::move(lane.mapping);
  socket_ = std::move(lane.socket);
  outcomes_ = OutcomeEnd(mapping_->view, mapping_->geometry.outcome_capacity, mapping_->event.get());
  push_found_broken_.store(false, std::memory_order_relaxed);
  taken_mark_.store(attachment_.taken_mark, std::memory_order_release);
  auto end = std::make_unique<PushEnd>(mapping_, attachment_);
  if (generation_ == 1) {
    // Nobody pushes before the first attach is done.
    last_id_ = attachment_.taken_mark;
    push_end_ = std::move(end);
  } else {
    // One that the pushing thread never came to take is ours again: nothing was pushed there.
    const std::unique_ptr<PushEnd> unused(offered_.exchange(end.release(), std::memory_order_acq_rel));
    if (unused != nullptr)
      std::erase_if(left_, [&](const LeftRing& ring) { return ring.generation() == unused->generation; });
    const auto say = [this](const wire::Intent& intent) { say_never_taken(intent); };
    for (LeftRing& ring : left_) {
      ring.close();
      if (continues && ring.generation() == generation_ - 1)
        ring.collect_copied(std::max(attachment_.taken_mark, heard_of_), say);
      ring.collect(say);
    }
  }
  gateway_ = std::move(lane.gateway);
  live_.store(generation_, std::memory_order_release);
  if (generation_ > 1 && options_.on_reattached) options_.on_reattached(attachment_);
}

std::expected<void, Error> Session::Core::attach_now() {
  const Ns until = later(monotonic_now(), options_.timeout.count());
  auto call = AttachCall::begin(path_, request());
  if (!call) return std::unexpected(std::move(call.error()));
  for (Ns now = monotonic_now();; now = monotonic_now()) {
    auto answer = call->advance();
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (answer->has_value()) {
      adopt(std::move(**answer));
      return {};
    }
    if (now >= until)
      return std::unexpected(Error{"the gateway at " + path_ + " did not answer the attach in time"});
    poll_for(&*call, until - now);
  }
}

std::expected<void, Error> Session::Core::reattach() {
  const Ns until = later(monotonic_now(), options_.timeout.count());
  detach();
  for (Ns now = monotonic_now();; now = monotonic_now()) {
    advance_attach(now);
    if (mapping_ != nullptr) {
      if (events_ != nullptr) set_event();
      return {};
    }
    if (now >= until) return std::unexpected(Error{last_error_.empty() ? "no attach in time" : last_error_});
    sleep_detached(until, now);
  }
}

void Session::Core::sleep_detached(Ns until, Ns now) const noexcept {
  const Ns next = std::min(until, call_ ? call_deadline_ns_ : next_try_ns_);
  if (next > now) poll_for(call_ ? &*call_ : nullptr, next - now, left_.empty() ? -1 : gateway_.get());
}

WaitResult Session::Core::wait(Ns timeout_ns) {
  const Ns until = later(monotonic_now(), timeout_ns);
  for (Ns now = monotonic_now();; now = monotonic_now()) {
    if (ready()) return WaitResult::ready;
    if (mapping_ == nullptr || dying_) {
      look_after();
      if (mapping_ != nullptr || ready()) continue;
      if (now >= until) return WaitResult::detached;
      if (!options_.reattach) next_try_ns_ = kNever;
      sleep_detached(until, now);
      continue;
    }
    if (now >= until) return WaitResult::timed_out;
    const Ns span = std::min(until - now, kSleepSlice_ns);
    if (events_ == nullptr) {
      if (outcomes_.sleep(span)) return WaitResult::ready;
    } else {
      set_event();
      events_->sleep(span);
    }
    look_after();
  }
}

std::expected<int, Error> Session::Core::event_fd() {
  if (events_ == nullptr) {
    auto made = EventDescriptor::create();
    if (!made) return std::unexpected(std::move(made.error()));
    events_ = std::move(*made);
    if (socket_.valid()) events_->watch(socket_.get());
    if (call_) events_->watch(call_->fd());
  }
  set_event();
  return events_->fd();
}

void Session::Core::set_event() {
  events_->clear();
  constexpr Ns kAtOnce = 0;
  Ns when = kNever;
  if (!own_.empty() || dying_) {
    when = kAtOnce;
  } else if (mapping_ != nullptr) {
    events_->arm(mapping_);
    if (outcomes_.ready() || outcomes_.broken()) when = kAtOnce;
  } else if (options_.reattach) {
    when = call_ ? call_deadline_ns_ : next_try_ns_;
  }
  events_->ring_at(when);
}

Session::Session(std::unique_ptr<Core> core) noexcept : core_(std::move(core)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

std::expected<Session, Error> Session::attach(const std::string& path, std::string_view strategy,
                                              std::string_view lane, SessionOptions options) {
  if (strategy.empty() || !wire::StrategyName::fits(strategy) || lane.empty() || !wire::LaneName::fits(lane))
    return std::unexpected(Error{"strategy and lane need a name of 1 to 24 bytes each"});
  auto core = std::make_unique<Core>(path, strategy, lane, std::move(options));
  if (auto attached = core->attach_now(); !attached) return std::unexpected(std::move(attached.error()));
  return Session(std::move(core));
}

PushResult Session::push(const wire::Intent& intent) noexcept { return core_->push(intent); }
std::uint64_t Session::next_id() noexcept { return core_->next_id(); }
bool Session::next(wire::Outcome& out) noexcept { return core_->next(out); }
void Session::seen(const wire::Outcome& outcome) noexcept { core_->seen(outcome); }
void Session::note() noexcept { core_->note(); }
void Session::finish_poll(std::size_t count) { core_->finish_poll(count); }
WaitResult Session::wait(std::chrono::nanoseconds timeout) {
  core_->note();
  return core_->wait(timeout.count());
}
std::expected<int, Error> Session::event_fd() { return core_->event_fd(); }
std::expected<void, Error> Session::reattach() { return core_->reattach(); }
const Attachment& Session::attachment() const noexcept { return core_->attachment(); }
std::uint64_t Session::cursor() const noexcept { return core_->cursor(); }
const std::string& Session::last_error() const noexcept { return core_->last_error(); }
std::uint64_t Session::taken_mark() const noexcept { return core_->taken_mark(); }
std::uint64_t Session::generation() const noexcept { return core_->generation(); }

}  // namespace backhand::client
