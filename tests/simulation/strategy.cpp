#include "tests/simulation/strategy.hpp"

#include <algorithm>
#include <utility>

#include "common/wire/attach.hpp"

namespace backhand::simulation {

SimStrategy::SimStrategy(Context& context, const Plan& plan, std::uint16_t number, SimLanes& lanes,
                         Ledger& ledger, venue::Exchange& venue)
    : context_(context), plan_(plan), number_(number), lanes_(lanes), ledger_(ledger), venue_(venue) {}

void SimStrategy::choose_position(wire::Intent& intent) {
  Random& random = context_.random;
  const auto& entitlements = plan_.config.strategies[number_].entitlements;
  const config::Entitlement& entitlement =
      entitlements[static_cast<std::size_t>(random.below(entitlements.size()))];
  const std::uint16_t account = entitlement.account.value;
  const config::Instrument& instrument =
      plan_.config.instruments
          [entitlement.instruments[static_cast<std::size_t>(random.below(entitlement.instruments.size()))]
               .value];
  intent.account = wire::AccountName{plan_.config.accounts[account].name};
  intent.symbol = instrument.id.symbol;
  intent.product = instrument.id.product;
  venue_.advance(context_.clocks.venue());
  const auto sizes = venue_.position(account, *venue_.find_contract(instrument.id.symbol.view()));
  const bool hedge = plan_.config.accounts[account].position_mode == domain::PositionMode::hedge;
  bool is_long = !sizes.long_size.is_zero();
  if (is_long && !sizes.short_size.is_zero()) is_long = random.chance(0.5);
  if (random.chance(0.05)) is_long = !is_long;
  intent.position_side = is_long ? wire::PositionSide::long_side : wire::PositionSide::short_side;
  const Decimal held = (is_long ? sizes.long_size : sizes.short_size).normalized();
  if (hedge && !held.is_zero() && random.chance(0.3) && held.digits % 2 == 0) {
    intent.flags |= wire::kHasSize;
    intent.size_digits = held.digits / 2;
    intent.size_scale = held.scale;
  }
  if (!held.is_zero() && random.chance(0.2)) {
    intent.flags |= wire::kHasExpectedSize;
    intent.expected_digits = held.digits;
    intent.expected_scale = held.scale;
  }
}

wire::Intent SimStrategy::make_intent() {
  Random& random = context_.random;
  wire::Intent intent{};
  intent.id = next_id_++;
  intent.created_ns = context_.clocks.mono();
  intent.kind = wire::IntentKind::reverse;
  choose_position(intent);
  intent.priority = static_cast<std::uint8_t>(random.below(8));
  return intent;
}

void SimStrategy::spoil(wire::Intent& intent, Ns& deadline) {
  Random& random = context_.random;
  switch (random.below(7)) {
    case 0:
      context_.fire("strategy_repeats_id");
      intent.id = intent.id > 1 ? intent.id - 1 : intent.id;
      --next_id_;
      break;
    case 1:
      context_.fire("strategy_malformed_intent");
      if (random.chance(0.5)) {
        intent.kind = static_cast<wire::IntentKind>(random.between(0, 255));
      } else {
        intent.reserved = 1;
      }
      break;
    case 2:
      context_.fire("strategy_deadline_past");
      deadline = context_.now() - random.between(0, 100) * kMillisecond;
      break;
    case 3:
      if (intent.id < 2) break;
      context_.fire("strategy_withdraws");
      intent.kind = wire::IntentKind::withdraw;
      intent.target_id =
          intent.id - static_cast<std::uint64_t>(random.between(
                          1, std::min<std::int64_t>(3, static_cast<std::int64_t>(intent.id) - 1)));
      break;
    case 4:
      context_.fire("strategy_wrong_expectation");
      intent.flags |= wire::kHasExpectedSize;
      intent.expected_digits = 7;
      intent.expected_scale = 3;
      break;
    case 5:
      context_.fire("strategy_floods");
      for (int i = 0; i < 12; ++i) {
        wire::Intent more = make_intent();
        push(more, context_.now() + random.between(5, 500) * kMillisecond);
      }
      intent.id = next_id_++;
      break;
    default:
      break;
  }
}

void SimStrategy::act_on_shots() {
  Random& random = context_.random;
  if (armed_.empty() || random.chance(0.4)) {
    wire::Intent intent = make_intent();
    intent.kind = wire::IntentKind::arm;
    push(intent, context_.now() + random.heavy(3 * kSecond, 20 * kSecond) + 5 * kMillisecond);
    return;
  }
  const wire::Intent arm = armed_[static_cast<std::size_t>(random.below(armed_.size()))];
  wire::Intent intent{};
  intent.id = next_id_++;
  intent.target_id = arm.id;
  intent.created_ns = context_.clocks.mono();
  // Not looked at by the gateway; the ledger wants to know.
  intent.account = arm.account;
  intent.symbol = arm.symbol;
  intent.kind = random.chance(0.15) ? wire::IntentKind::disarm : wire::IntentKind::fire;
  intent.priority = static_cast<std::uint8_t>(random.below(8));
  push(intent, context_.now() + random.heavy(300 * kMillisecond, 5 * kSecond) + 5 * kMillisecond);
  if (context_.faults_on && random.chance(plan_.strategy_fault)) {
    // At once, or while the first waits, or long after it was sent.
    context_.fire("strategy_fires_twice");
    intent.id = next_id_++;
    intent.kind = random.chance(0.3) ? wire::IntentKind::disarm : wire::IntentKind::fire;
    push(intent, context_.now() + random.between(5, 2'000) * kMillisecond);
  }
}

void SimStrategy::act() {
  if (attachment_ == 0 || !lanes_.ring(number_).attached) return;
  if (plan_.shots > 0 && context_.random.chance(plan_.shots)) {
    act_on_shots();
    return;
  }
  wire::Intent intent = make_intent();
  Ns deadline = context_.now() + context_.random.heavy(300 * kMillisecond, 5 * kSecond) + 5 * kMillisecond;
  if (context_.faults_on && context_.random.chance(plan_.strategy_fault)) spoil(intent, deadline);
  push(intent, deadline);
}

void SimStrategy::push(wire::Intent intent, Ns deadline) {
  LaneRing& ring = lanes_.ring(number_);
  if (ring.intents.size() >= lanes_.capacity()) return;  // Full is told at the push; it never was.
  intent.deadline_ns = deadline - context_.clocks.booted;
  ledger_.add(number_, attachment_, intent, deadline);
  ring.intents.push_back(intent);
}

void SimStrategy::poll() {
  LaneRing& ring = lanes_.ring(number_);
  while (!ring.outcomes.empty()) {
    const wire::Outcome outcome = ring.outcomes.front();
    ring.outcomes.pop_front();
    if (outcome.record_number > cursor_) {
      if (outcome.record_number != cursor_ + 1)
        context_.violate("lane " + std::to_string(number_) + " was told record " +
                         std::to_string(outcome.record_number) + " after " + std::to_string(cursor_));
      cursor_ = outcome.record_number;
    }
    if (outcome.kind == wire::EventKind::armed) {
      const IntentEntry* entry = ledger_.find(outcome.user_tag);
      const bool known = std::any_of(armed_.begin(), armed_.end(),
                                     [&](const wire::Intent& arm) { return arm.id == outcome.intent_id; });
      if (entry != nullptr && !known) armed_.push_back(entry->intent);
    }
    if (outcome.kind == wire::EventKind::disarmed && !context_.random.chance(0.1))
      std::erase_if(armed_, [&](const wire::Intent& arm) { return arm.id == outcome.intent_id; });
    ledger_.on_told(number_, outcome);
  }
  // It asks for more, unless it dies first.
  if (context_.random.chance(0.9)) ring.noted = cursor_;
}

void SimStrategy::lose_attachment() {
  ledger_.on_detached(number_, attachment_);
  attachment_ = 0;
  if (!context_.random.chance(0.2)) armed_.clear();  // Some fire what a restart has disarmed.
}

void SimStrategy::look_after(bool gateway_serves) {
  LaneRing& ring = lanes_.ring(number_);
  if (context_.now() < stalled_until_ || context_.now() < away_until_) return;
  if (attachment_ != 0 && !ring.attached) {
    poll();  // What a dead gateway has left in the ring is still told.
    lose_attachment();
    away_until_ = context_.now() + context_.random.between(0, 50) * kMillisecond;
    return;
  }
  if (attachment_ == 0) {
    if (!gateway_serves) return;
    // A new process of the strategy knows no cursor, unless it keeps books of its own.
    const bool asks_what_is_owed = died_ && context_.random.chance(0.5);
    died_ = false;
    // Where the journal knows less than this strategy has been told, the attach is refused. Whoever looks
    // lets it begin anew, with new ids.
    if (cursor_ > lanes_.last_record(number_)) cursor_ = 0;
    const LaneAttach attached = lanes_.attach(number_, asks_what_is_owed ? wire::kCursorOwed : cursor_);
    cursor_ = std::min(cursor_, attached.cursor);
    attachment_ = ring.attachment;
    next_id_ = std::max(next_id_, attached.taken_mark + 1);
    if (context_.trace)
      context_.tell("lane " + std::to_string(number_) + " attaches, cursor " + std::to_string(cursor_) +
                    ", taken mark " + std::to_string(attached.taken_mark));
    ledger_.on_attached(number_, attached.taken_mark);
    return;
  }
  if (ring.outcomes.empty() || poll_planned_) return;
  poll_planned_ = true;
  context_.after(context_.random.between(1, 200) * kMicrosecond, [this] {
    poll_planned_ = false;
    if (context_.now() >= stalled_until_ && attachment_ != 0) poll();
  });
}

void SimStrategy::die(Ns until) {
  if (attachment_ == 0) return;
  lanes_.ring(number_).outcomes.clear();
  lanes_.detach(number_);
  lose_attachment();
  away_until_ = until;
  died_ = true;
}

void SimStrategy::stall(Ns until) { stalled_until_ = std::max(stalled_until_, until); }

void SimStrategy::reattach_from_start() {
  die(context_.now());
  died_ = false;
  cursor_ = 0;
}

void SimStrategy::forget() {
  lanes_.ring(number_).outcomes.clear();
  if (attachment_ != 0) lose_attachment();
  died_ = false;
  cursor_ = 0;
  next_id_ = 1;
  armed_.clear();
  stalled_until_ = 0;
  away_until_ = context_.now() + kSecond;
}

void SimStrategy::finish() { stalled_until_ = away_until_ = 0; }

bool SimStrategy::at_rest() const {
  return attachment_ != 0 && lanes_.ring(number_).attached && lanes_.ring(number_).outcomes.empty() &&
         lanes_.ring(number_).intents.empty();
}

}  // namespace backhand::simulation
