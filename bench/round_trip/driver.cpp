#include "bench/round_trip/driver.hpp"

#include <algorithm>
#include <utility>

#include "bench/round_trip/on_top.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"
#include "common/wire/names.hpp"

namespace backhand::bench {

namespace {

constexpr Ns kPauses_ns[] = {20 * kMicrosecond, kMillisecond, 100 * kMillisecond};
/// A shot without an outcome by then has failed.
constexpr Ns kShotLimit_ns = 2 * kSecond;
constexpr Ns kSettleLimit_ns = 60 * kSecond;
/// Half of the age at which the gateway forgets the venue's clock.
constexpr Ns kLongSleep_ns = 60 * kSecond;
/// Questions are answered only where so much is left before the next shot.
constexpr Ns kRoomToServe_ns = 300 * kMicrosecond;
/// Before a cold shot: its subject has had the core to itself for a while, as it would have in life.
constexpr Ns kOnTopBefore_ns = 30 * kMillisecond;
/// Most shots with pauses in one burst: 0.3 s.
constexpr std::size_t kMostPaused = 300;

}  // namespace

Driver::Driver(venue::Exchange& exchange, SpinVenue& venue, std::size_t cache_bytes)
    : exchange_(exchange), venue_(venue), cache_(cache_bytes, 1) {}

Driver::Lane& Driver::lane_of(int group, const std::vector<BenchAccount>& accounts) {
  const auto [found, fresh] = lanes_.try_emplace(group);
  Lane& lane = found->second;
  if (!fresh) return lane;
  lane.accounts = &accounts;
  for (std::size_t a = 0; a < accounts.size(); ++a) {
    for (const std::string& symbol : accounts[a].symbols) {
      Position position;
      position.account = a;
      position.venue_account = exchange_.find_account(accounts[a].name).value();
      position.contract = exchange_.find_contract(symbol).value();
      position.symbol = wire::SymbolName{symbol};
      lane.positions.push_back(position);
    }
  }
  // Neighbours in time are neither of one account nor of one symbol.
  const std::size_t each = accounts.front().symbols.size();
  for (std::size_t s = 0; s < each; ++s)
    for (std::size_t a = 0; a < accounts.size(); ++a)
      lane.free.push_back(static_cast<std::uint32_t>(a * each + s));
  return lane;
}

void Driver::begin(Subject& subject, int group, const std::vector<BenchAccount>& accounts) {
  subject_ = &subject;
  lane_ = &lane_of(group, accounts);
  venue_.use_group(group);
  venue_.keep_books(subject.settles());
  subject.activate();
  // What has piled up while it slept (questions due, mostly) is worked off first. After a long sleep the
  // gateway does not know the venue's clock any more, and takes nothing before it has asked.
  const bool slept_long = monotonic_now() - lane_->ended > kLongSleep_ns;
  const Ns work_off = !subject.settles() ? kMillisecond : slept_long ? 3 * kSecond : 100 * kMillisecond;
  const Ns until = monotonic_now() + work_off;
  while (monotonic_now() < until) collect();
}

void Driver::end() {
  wait_for_free(lane_->positions.size());
  const Ns until = monotonic_now() + 2 * kMillisecond;
  while (monotonic_now() < until) collect();
  subject_->deactivate();
  lane_->ended = monotonic_now();
  subject_ = nullptr;
}

void Driver::prove() {
  wait_for_free(1);
  if (subject_->arms()) arm(lane_->free.front());
  venue_.check_everything(true);
  (void)shoot(monotonic_now());
  venue_.check_everything(false);
  check_trouble();
}

void Driver::check_trouble() const {
  if (!venue_.trouble().empty()) throw BadShot(std::string{subject_->name()} + ": " + venue_.trouble());
}

wire::Intent Driver::intent_for(std::uint32_t index) {
  Position& position = lane_->positions[index];
  wire::Intent intent{};
  intent.id = lane_->next_id++;
  intent.account = wire::AccountName{(*lane_->accounts)[position.account].name};
  intent.symbol = position.symbol;
  intent.kind = wire::IntentKind::reverse;
  intent.product = wire::Product::usdt_futures;
  const bool is_long =
      subject_->settles() ? exchange_.position(position.venue_account, position.contract).short_size.is_zero()
                          : position.is_long;
  intent.position_side = is_long ? wire::PositionSide::long_side : wire::PositionSide::short_side;
  intent.deadline_ns = monotonic_now() + 30 * kSecond;
  return intent;
}

void Driver::arm(std::uint32_t index) {
  wire::Intent intent = intent_for(index);
  intent.kind = wire::IntentKind::arm;
  lane_->positions[index].arm_id = intent.id;
  if (!subject_->lane().push(intent)) throw BadShot("the lane is full");
  const Ns until = monotonic_now() + kShotLimit_ns;
  wire::Outcome outcome;
  for (;;) {
    if (monotonic_now() > until) throw BadShot("no answer to arm");
    (void)venue_.serve_rest();
    if (!subject_->lane().poll(outcome)) continue;
    if (outcome.intent_id == intent.id && outcome.kind == wire::EventKind::armed) return;
    if (outcome.intent_id == intent.id && outcome.kind == wire::EventKind::denied)
      throw BadShot("arm was denied: " + std::string{wire::to_string(outcome.deny_reason)});
    on_event(outcome);
  }
}

Shot Driver::shoot(Ns due) {
  if (lane_->free.empty()) throw BadShot("no position is free");
  const std::uint32_t index = lane_->free.front();
  lane_->free.pop_front();
  Position& position = lane_->positions[index];
  wire::Intent intent = intent_for(index);
  if (subject_->arms() && position.arm_id != 0) {
    intent.kind = wire::IntentKind::fire;
    intent.target_id = std::exchange(position.arm_id, 0);
  }
  lane_->open[intent.id] = index;
  StrategyEnd& lane = subject_->lane();
  Shot shot;
  shot.due = due;
  Ns now = monotonic_now();
  while (now < due) {
    cpu_pause();
    now = monotonic_now();
  }
  intent.created_ns = now;
  shot.pushed = now;
  if (!lane.push(intent)) throw BadShot("the lane is full");

  VenueTimes times;
  wire::Outcome outcome;
  const auto is_mine = [&] { return outcome.intent_id == intent.id; };
  const auto failed = [&](const std::string& why) {
    return BadShot(std::string{subject_->name()} + ": " + why);
  };
  unsigned turns = 0;
  while (!venue_.look(times)) {
    if ((++turns & 0xfff) != 0) continue;
    if (monotonic_now() - due > kShotLimit_ns) throw failed("no request came");
    while (lane.poll(outcome)) {
      if (is_mine() && outcome.kind == wire::EventKind::denied)
        throw failed("denied: " + std::string{wire::to_string(outcome.deny_reason)});
      if (is_mine() && outcome.kind == wire::EventKind::sent) shot.write_returned = outcome.published_ns;
      if (!is_mine()) on_event(outcome);
    }
  }
  shot.request_seen = times.request_seen;
  shot.reply_entered = times.reply_entered;
  turns = 0;
  for (;;) {
    if (!lane.poll(outcome)) {
      if ((++turns & 0xffff) == 0 && monotonic_now() - due > kShotLimit_ns) throw failed("no outcome came");
      continue;
    }
    if (!is_mine()) {
      on_event(outcome);
      continue;
    }
    if (outcome.kind == wire::EventKind::sent) {
      shot.write_returned = outcome.published_ns;
      continue;
    }
    if (outcome.kind == wire::EventKind::queued) throw failed("queued: the rules are not raised far enough");
    break;
  }
  shot.visible = monotonic_now();
  if (outcome.kind != wire::EventKind::acked)
    throw failed("its event is " + std::string{wire::to_string(outcome.kind)});
  shot.taken = outcome.taken_ns;
  shot.encoded = outcome.encoded_ns;
  shot.write_entered = outcome.written_ns;
  shot.replied = outcome.replied_ns;
  if (!subject_->settles()) shot.readable = static_cast<Ns>(outcome.long_before);
  if (shot.write_returned == 0) shot.write_returned = outcome.slot_ns;
  if (!subject_->settles()) {
    lane_->open.erase(intent.id);
    position.is_long = !position.is_long;
    lane_->free.push_back(index);
  }
  return shot;
}

void Driver::on_event(const wire::Outcome& outcome) {
  if (!wire::is_terminal(outcome) || !subject_->settles()) return;
  const auto found = lane_->open.find(outcome.intent_id);
  if (found == lane_->open.end()) return;
  if (outcome.kind != wire::EventKind::settled || outcome.result != wire::SettledResult::reversed) {
    throw BadShot("a reversal ended " + std::string{wire::to_string(outcome.kind)} + " " +
                  std::string{wire::to_string(outcome.result)});
  }
  const std::uint32_t index = found->second;
  std::erase_if(lane_->open, [&](const auto& entry) { return entry.second == index; });
  lane_->free.push_back(index);
}

/// What strategy and venue do between shots.
void Driver::collect() {
  wire::Outcome outcome;
  (void)venue_.serve_rest();
  while (subject_->lane().poll(outcome)) on_event(outcome);
}

void Driver::wait_for_free(std::size_t wanted) {
  const Ns until = monotonic_now() + kSettleLimit_ns;
  while (lane_->free.size() < wanted) {
    collect();
    check_trouble();
    if (monotonic_now() > until)
      throw BadShot(std::string{subject_->name()} + ": " + std::to_string(lane_->open.size()) +
                    " reversals do not settle");
  }
}

void Driver::walk_cache(Ns until) {
  constexpr std::size_t kLines = 4'096;
  for (std::size_t i = 0; i < kLines && monotonic_now() < until; i += 64) {
    for (std::size_t line = 0; line < 64; ++line) {
      walked_ += static_cast<unsigned char>(++cache_[walk_at_]);
      walk_at_ = walk_at_ + 64 < cache_.size() ? walk_at_ + 64 : 0;
    }
  }
}

void Driver::wait_until(Ns due, Pace pace) {
  const std::size_t lines = pace == Pace::cold ? cache_.size() / 64 : 0;
  std::size_t walked = 0;
  while (due - monotonic_now() > kRoomToServe_ns) {
    collect();
    if (walked < lines) {
      walk_cache(due - kRoomToServe_ns);
      walked += 4'096;
    }
  }
}

void Driver::play(Pace pace, std::size_t count, Samples& out) {
  const std::size_t most = lane_->positions.size();
  while (count > 0) {
    const std::size_t burst = std::min(count, pace == Pace::hot ? most : std::min(most, kMostPaused));
    wait_for_free(burst);
    if (subject_->arms())
      for (std::size_t i = 0; i < burst; ++i) arm(lane_->free[i]);
    play_burst(pace, burst, out);
    check_trouble();
    count -= burst;
  }
}

void Driver::play_burst(Pace pace, std::size_t count, Samples& out) {
  // In the shots' own time: a period is the pause and a usual round trip, and a shot that comes late because
  // the one before took long is late.
  const Ns period = kPauses_ns[static_cast<std::size_t>(pace)] + lane_->round_trip;
  Samples burst;
  Ns due = monotonic_now() + std::max(2 * kRoomToServe_ns, kPauses_ns[static_cast<std::size_t>(pace)]);
  OnTop on_top(subject_->thread());
  // The kernel keeps a part of each second for others, so nobody may be on top for long.
  const bool keeps_on_top = pace != Pace::cold;
  for (std::size_t i = 0; i < count; ++i, due += period) {
    if (!keeps_on_top) {
      on_top.off();
      wait_until(due - kOnTopBefore_ns, pace);
    }
    on_top.on();
    wait_until(due, pace);
    burst.add(shoot(due));
  }
  on_top.off();
  if (pace == Pace::hot) lane_->round_trip = burst.of(Stage::outcome).p50;
  out.add(burst);
}

}  // namespace backhand::bench
