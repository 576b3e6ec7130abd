#include "tests/simulation/ledger.hpp"

#include <algorithm>
#include <charconv>

#include "common/wire/names.hpp"

namespace backhand::simulation {

using wire::EventKind;

namespace {

std::string text_of(Decimal size) { return std::to_string(size.digits) + "e-" + std::to_string(size.scale); }

}  // namespace

std::string Ledger::position_key(std::string_view account, std::string_view symbol) {
  return std::string(account) + "/" + std::string(symbol);
}

std::string Ledger::name(const IntentEntry& entry) const {
  std::string out = "intent " + std::to_string(entry.number) + " (lane " + std::to_string(entry.lane) +
                    " id " + std::to_string(entry.intent.id) + " " +
                    std::string(entry.intent.account.view()) + " " + std::string(entry.intent.symbol.view());
  if (!entry.client_oid.empty()) out += " " + std::string(entry.client_oid.view());
  return out + ")";
}

IntentEntry& Ledger::add(std::uint16_t lane, std::uint32_t attachment, wire::Intent& intent, Ns deadline) {
  const auto number = static_cast<std::uint32_t>(entries_.size());
  intent.user_tag = wire::UserTag{"i" + std::to_string(number)};
  IntentEntry entry;
  entry.number = number;
  entry.lane = lane;
  entry.attachment = attachment;
  entry.power_life = power_life_;
  entry.intent = intent;
  entry.deadline = deadline;
  entries_.push_back(entry);
  return entries_.back();
}

IntentEntry* Ledger::find(const wire::UserTag& tag) {
  const std::string_view text = tag.view();
  std::uint32_t number = 0;
  if (text.size() < 2 || text[0] != 'i') return nullptr;
  const auto parsed = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || number >= entries_.size()) return nullptr;
  return &entries_[number];
}

void Ledger::on_intended(const journal::Intended& body, const wire::ClientOid& oid,
                         std::uint64_t record_number) {
  IntentEntry* entry = find(body.user_tag);
  const std::string text{oid.view()};
  if (context_.trace) {
    context_.tell("intended " + text + " for " + (entry == nullptr ? "nobody" : name(*entry)));
  }
  if (entry == nullptr) {
    context_.violate("an intended record names no intent: " + text);
    return;
  }
  const auto [place, fresh] = by_oid_.emplace(text, entry->number);
  if (!fresh) context_.violate("clientOid " + text + " is given a second time, to " + name(*entry));
  // Neither ahead of the venue nor so far behind that it takes another clock for the venue's.
  const VenueMs venue_ms = context_.clocks.venue() / kMillisecond;
  const config::Venue& venue = plan_.config.venue;
  const VenueMs set_back =
      venue.request_fuse_ms == 0 ? 0 : static_cast<VenueMs>(venue.clock_tolerance_ms - venue.request_fuse_ms);
  constexpr VenueMs kOldest_ms = 30'000;
  if (context_.bug != Bug::bound_exceeded && body.request_venue_ms > venue_ms)
    context_.violate("signed ahead of the venue's clock: " + name(*entry));
  if (body.request_venue_ms < venue_ms - set_back - kOldest_ms)
    context_.violate("signed with a time long past at the venue: " + name(*entry));
  ++entry->intended;
  entry->intended_number = record_number;
  entry->client_oid = oid;
  if (entry->intended > 1) context_.violate("intended twice: " + name(*entry));
  intended_[text] = body;
}

void Ledger::on_shot_taken(const wire::UserTag& tag) {
  if (IntentEntry* entry = find(tag)) entry->shot_taken = true;
}

std::uint64_t Ledger::fired() const noexcept {
  std::uint64_t count = 0;
  for (const IntentEntry& entry : entries_) count += entry.fired;
  return count;
}

void Ledger::on_recorded_end(std::uint16_t lane, const wire::UserTag& tag) {
  const IntentEntry* entry = find(tag);
  if (entry == nullptr || entry->lane != lane || entry->client_oid.empty()) return;
  std::erase_if(open_, [&](const auto& open) { return open.second.client_oid == entry->client_oid; });
}

void Ledger::on_resolved(const wire::ClientOid& client_oid) {
  const auto found = by_oid_.find(std::string(client_oid.view()));
  if (found == by_oid_.end()) return;
  entries_[found->second].resolved = true;
  std::erase_if(open_, [&](const auto& open) { return open.second.client_oid == client_oid; });
}

void Ledger::on_written(std::string_view client_oid, std::uint64_t durable_number) {
  const std::string text{client_oid};
  const auto found = by_oid_.find(text);
  if (found == by_oid_.end()) {
    context_.violate("sent without an intended record: " + text);
    return;
  }
  IntentEntry& entry = entries_[found->second];
  if (entry.intended_number > durable_number)
    context_.violate("sent before its record was durable: " + name(entry));
  check_written(entry, client_oid);
}

void Ledger::check_written(IntentEntry& entry, std::string_view client_oid) {
  ++entry.sent;
  entry.sent_in_life = life_;
  const Ns grace = static_cast<Ns>(plan_.config.venue.execution_grace_ms) * kMillisecond;
  entry.outlived = life_ > 1 && context_.now() - life_began_ < grace + 5 * kSecond;
  entry.sent_venue_ns = context_.clocks.venue();
  if (entry.sent > 1) context_.violate("sent twice: " + name(entry));
  if (context_.now() >= entry.deadline) context_.violate("sent after its deadline: " + name(entry));
  if (halted_) context_.violate("sent while halted: " + name(entry));
  if (halted_accounts_[std::string(entry.intent.account.view())])
    context_.violate("sent while its account was halted: " + name(entry));
  const std::string account{entry.intent.account.view()};
  check_held(entry, account);
  check_uid(entry, account);
  if (entry.intent.kind == wire::IntentKind::fire) check_fired(entry);
  const journal::Intended& body = intended_[std::string(client_oid)];
  const std::string position = position_key(body.account.view(), body.symbol.view());
  const auto open = open_.find(position);
  if (open != open_.end()) {
    const auto fuse = static_cast<VenueMs>(plan_.config.venue.clock_tolerance_ms) +
                      static_cast<VenueMs>(plan_.config.venue.execution_grace_ms);
    const bool burnt = context_.clocks.venue() / kMillisecond > open->second.signed_ms + fuse;
    if (!open->second.forgotten || (!burnt && !open->second.replaced)) {
      context_.violate("sent while " + std::string(open->second.client_oid.view()) +
                       " of the same position had no proven end: " + name(entry));
    }
  }
  open_[position] = {entry.client_oid, body.request_venue_ms, false, false};
  const bool tells_end = std::any_of(entry.ends.begin(), entry.ends.end(), [](const Told&) { return true; });
  if (tells_end) context_.violate("sent after its terminal event: " + name(entry));
}

void Ledger::check_fired(const IntentEntry& entry) {
  for (IntentEntry& arm : entries_) {
    if (arm.lane != entry.lane || arm.intent.kind != wire::IntentKind::arm ||
        arm.intent.id != entry.intent.target_id || arm.attachment != entry.attachment)
      continue;
    if (++arm.fired > 1) context_.violate("a shot was fired twice: " + name(arm));
    if (!arm.ends.empty()) context_.violate("a shot was fired after its end: " + name(arm));
    if (context_.now() >= arm.deadline) context_.violate("a shot was fired after its deadline: " + name(arm));
    return;
  }
  context_.violate("fired what was not armed: " + name(entry));
}

void Ledger::on_told(std::uint16_t lane, const wire::Outcome& outcome) {
  if (outcome.kind == EventKind::notice) return;
  IntentEntry* entry = find(outcome.user_tag);
  if (context_.trace) {
    std::string line =
        "told lane " + std::to_string(lane) + " record " + std::to_string(outcome.record_number) + ": " +
        (entry == nullptr ? "?" : name(*entry)) + " " + std::string(wire::to_string(outcome.kind));
    if (outcome.kind == EventKind::denied) line += " " + std::string(wire::to_string(outcome.deny_reason));
    if (outcome.kind == EventKind::settled) line += " " + std::string(wire::to_string(outcome.result));
    if (!outcome.venue_code.empty()) line += " code " + std::string(outcome.venue_code.view());
    if ((outcome.flags & wire::kReplayed) != 0) line += " (replayed)";
    context_.tell(line);
  }
  if (entry == nullptr || entry->lane != lane || entry->intent.id != outcome.intent_id) {
    context_.violate("an event belongs to no intent of its lane: id " + std::to_string(outcome.intent_id));
    return;
  }
  if (entry->never_taken)
    context_.violate("told of an intent that was said to be never taken: " + name(*entry));
  const bool replayed = (outcome.flags & wire::kReplayed) != 0;
  if (outcome.kind == EventKind::unknown) entry->told_unknown = true;
  if ((outcome.flags & wire::kTerminal) == 0) {
    if (!entry->ends.empty() && !replayed && entry->power_life == power_life_)
      context_.violate("an event follows the terminal one: " + name(*entry));
    return;
  }
  const auto same = [&](const Told& end) {
    return end.record == outcome.record_number && end.record != 0 && end.kind == outcome.kind &&
           end.result == outcome.result && end.deny_reason == outcome.deny_reason;
  };
  if (std::any_of(entry->ends.begin(), entry->ends.end(), same)) {
    if (!replayed && entry->power_life == power_life_)
      context_.violate("the terminal event is told twice: " + name(*entry));
    return;
  }
  if (outcome.kind == EventKind::unresolved) {
    ++unresolved_;
    entry->outlived = entry->outlived || entry->sent_in_life != life_;
  }
  entry->ends.push_back({outcome.kind, outcome.deny_reason, outcome.result, outcome.flags,
                         outcome.record_number, power_life_, outcome});
  if (entry->ends.size() > 1 && entry->power_life == power_life_)
    context_.violate("a second terminal event: " + name(*entry));
}

bool Ledger::has_open(const std::string& account) const {
  return std::ranges::any_of(
      open_, [&](const auto& open) { return open.first.starts_with(position_key(account, "")); });
}

void Ledger::on_account_halted(std::string_view account, bool halted) {
  halted_accounts_[std::string(account)] = halted;
}

void Ledger::on_detached(std::uint16_t lane, std::uint32_t attachment) {
  for (IntentEntry& entry : entries_) {
    if (entry.lane == lane && entry.attachment == attachment && entry.ends.empty()) entry.cut_off = true;
  }
}

void Ledger::on_attached(std::uint16_t lane, std::uint64_t taken_mark) {
  for (IntentEntry& entry : entries_) {
    if (entry.lane != lane || !entry.cut_off || !entry.ends.empty() || entry.power_life != power_life_)
      continue;
    if (entry.intent.id > taken_mark && !entry.told_unknown) entry.never_taken = true;
  }
}

void Ledger::on_journal_replaced() {
  ++power_life_;
  for (IntentEntry& entry : entries_) {
    entry.replaced = true;
    if (entry.ends.empty()) entry.lost = true;
  }
  for (auto& [position, open] : open_) open.forgotten = open.replaced = true;
  holds_.clear();  // What is there now may know better, or not know of an earlier loss.
}

void Ledger::hold(const std::string& account, VenueMs until, std::string_view why) {
  Hold& held = holds_[account];
  if (until > held.until) held = {until, why, !account.empty()};
}

void Ledger::drop_holds_by_names() {
  std::erase_if(holds_, [](const auto& entry) { return entry.second.by_names; });
}

std::unordered_set<std::string> Ledger::oids() const {
  std::unordered_set<std::string> out;
  for (const auto& [oid, number] : by_oid_) out.insert(oid);
  return out;
}

void Ledger::check_held(const IntentEntry& entry, const std::string& account) const {
  for (const auto& [of, held] : holds_) {
    if ((of.empty() || of == account) && context_.clocks.venue() / kMillisecond <= held.until)
      context_.violate("sent within the fuse " + std::string(held.why) + ": " + name(entry));
  }
}

void Ledger::check_uid(const IntentEntry& entry, const std::string& account) {
  for (const venue::AccountSpec& spec : plan_.scenario.accounts) {
    if (spec.name != account || spec.uid.empty()) continue;
    const auto [sender, fresh] = uid_senders_.emplace(spec.uid, account);
    if (!fresh && sender->second != account)
      context_.violate("one UID is traded as " + sender->second + " and as " + account + ": " + name(entry));
  }
}

void Ledger::on_records_lost() {
  ++power_life_;
  const bool power = plan_.config.gateway.durability == config::Durability::power;
  for (IntentEntry& entry : entries_) {
    if (entry.ends.empty() && !(power && entry.sent > 0)) entry.lost = true;
  }
  if (power) return;
  for (auto& [position, open] : open_) open.forgotten = true;
}

void Ledger::check_end(const venue::Exchange& venue) {
  std::unordered_map<std::string, const venue::Reversal*> executed;
  for (const venue::Reversal& reversal : venue.truth().reversals) {
    const std::string oid{reversal.client_oid.view()};
    if (reversal.closed.is_zero() && reversal.opened.is_zero()) continue;
    if (!by_oid_.contains(oid)) context_.violate("the venue executed what was never recorded: " + oid);
    const auto [place, fresh] = executed.emplace(oid, &reversal);
    if (!fresh) context_.violate("the venue executed " + oid + " twice");
  }
  for (const IntentEntry& entry : entries_) {
    const auto found = executed.find(std::string(entry.client_oid.view()));
    check_ends(entry, found == executed.end() ? nullptr : found->second);
    if (entry.sent > 0) check_freshness(entry, venue);
  }
}

/// What was sent was asked of a side that was held at some time since the oldest read that may still count.
void Ledger::check_freshness(const IntentEntry& entry, const venue::Exchange& venue) {
  // A read may be on its way back to the strict side of this, and a record on its way to the disk.
  constexpr Ns kSlack = 3 * kSecond;
  const config::Venue& settings = plan_.config.venue;
  if (context_.bug == Bug::bound_exceeded) return;  // The venue's clock, by which this goes, goes back.
  if (settings.position_max_age_ms == 0 && context_.bug != Bug::stale_is_fresh) return;
  if (plan_.key_strikes > 0 &&
      entry.intent.account.view() == plan_.scenario.accounts[plan_.key_account.value].name)
    return;  // It may have been sent on the other UID.
  const Ns age = static_cast<Ns>(3 * settings.position_refresh_ms) * kMillisecond;
  const Ns since = entry.sent_venue_ns - age - plan_.options.position_lag_ns - kSlack;
  const journal::Intended& body = intended_[std::string(entry.client_oid.view())];
  const auto account = venue.find_account(body.account.view());
  const auto contract = venue.find_contract(body.symbol.view());
  if (!account || !contract) return;
  wire::PositionSide side = entry.intent.position_side;
  for (const IntentEntry& arm : entries_) {
    const bool fires = entry.intent.kind == wire::IntentKind::fire && arm.lane == entry.lane &&
                       arm.intent.kind == wire::IntentKind::arm && arm.intent.id == entry.intent.target_id &&
                       arm.attachment == entry.attachment;
    if (fires) side = arm.intent.position_side;
  }
  const bool is_long = side == wire::PositionSide::long_side;
  bool held = false;
  for (const venue::HeldPosition& position : plan_.scenario.accounts[*account].positions) {
    if (position.symbol == body.symbol.view())
      held = !(is_long ? position.long_size : position.short_size).is_zero();
  }
  for (const venue::Execution& execution : venue.truth().executions) {
    if (execution.account != *account || execution.contract != *contract) continue;
    if (execution.at > entry.sent_venue_ns) break;
    if (execution.at > since && held) return;
    held = !(is_long ? execution.long_after : execution.short_after).is_zero();
  }
  if (!held) context_.violate("sent on a position that had turned long before: " + name(entry));
}

void Ledger::check_ends(const IntentEntry& entry, const venue::Reversal* truth) {
  for (const Told& end : entry.ends) check_result(entry, end, truth);
  if (entry.ends.empty()) check_missing_end(entry, truth != nullptr);
}

void Ledger::check_missing_end(const IntentEntry& entry, bool executed) {
  const bool power = plan_.config.gateway.durability == config::Durability::power;
  if (entry.lost) return;
  if (entry.never_taken) {
    // With durability "power" a record that was not durable yet goes with the process, and nothing was sent
    // on it.
    const bool recorded = !power && entry.intended > 0;
    if (executed || recorded || entry.sent > 0)
      context_.violate("said to be never taken, but recorded: " + name(entry));
    return;
  }
  if (entry.intent.kind == wire::IntentKind::withdraw || entry.intent.kind == wire::IntentKind::disarm) {
    // A withdraw or disarm that worked has no event of its own: the target's says it.
    if (entry.cut_off) return;
    for (const IntentEntry& target : entries_) {
      if (target.lane != entry.lane || target.intent.id != entry.intent.target_id) continue;
      for (const Told& end : target.ends) {
        if (end.deny_reason == wire::DenyReason::withdrawn) return;
      }
    }
    context_.violate("no terminal event: withdraw, " + name(entry));
    return;
  }
  // Taken and cut off before anything was recorded: its strategy knows by the mark that nothing was sent.
  if (entry.shot_taken && !power) {
    context_.violate("no terminal event: shot, " + name(entry));
    return;
  }
  if (entry.cut_off && (entry.intended == 0 || (power && entry.sent == 0))) return;
  context_.violate("no terminal event: " + name(entry) + (executed ? " which was executed" : ""));
}

void Ledger::check_result(const IntentEntry& entry, const Told& end, const venue::Reversal* truth) {
  using wire::SettledResult;
  const bool executed = truth != nullptr;
  // An older journal tells what it knows, which may be less than what was.
  if (entry.replaced && end.power_life > entry.power_life) return;
  // One order is proven by that nobody else traded. After a restart the gateway does not know which orders
  // its reversals before were.
  const bool one_order =
      plan_.options.reversal_orders != venue::ReversalOrders::two || (executed && truth->opened.is_zero());
  needless_ += end.kind == EventKind::unresolved && !(entry.outlived && one_order);
  switch (end.kind) {
    case EventKind::denied:
      if (executed) context_.violate("denied, but executed: " + name(entry));
      if (entry.sent > 0) context_.violate("denied, but sent: " + name(entry));
      return;
    case EventKind::rejected:
      if (executed) context_.violate("rejected, but executed: " + name(entry));
      return;
    case EventKind::settled:
      break;
    default:
      return;
  }
  check_contradiction(entry, end);
  if (end.result == SettledResult::not_executed) {
    if (executed) context_.violate("settled not_executed, but executed: " + name(entry));
    return;
  }
  // That a reply is of the account that asked is an assumption (README.md): what another account did may be
  // taken for this one's.
  if (!executed && !other_account_shown_) {
    context_.violate("settled as executed, but it was not: " + name(entry));
  }
  if (!executed) return;
  const bool nothing_opened = truth->opened.is_zero();
  const bool whole = truth->opened == truth->closed;
  const bool is_true = end.result == SettledResult::reversed          ? whole && !nothing_opened
                       : end.result == SettledResult::partly_reversed ? !whole && !nothing_opened
                                                                      : nothing_opened;
  // How far the clocks may be apart is an assumption (README.md): beyond it a leg may be taken for another's.
  if (!is_true && !plan_.clocks_beyond && !other_account_shown_) {
    context_.violate("settled " + std::string(wire::to_string(end.result)) +
                     " is not what was executed: " + name(entry) + ": closed " + text_of(truth->closed) +
                     ", opened " + text_of(truth->opened));
    return;
  }
  check_positions(entry, end, *truth);
}

void Ledger::check_contradiction(const IntentEntry& entry, const Told& end) {
  using wire::SettledResult;
  if ((end.flags & wire::kHasPositions) == 0) return;
  const wire::Outcome& told = end.outcome;
  const bool is_long = told.position_side == wire::PositionSide::long_side;
  const std::uint64_t held_before = is_long ? told.long_before : told.short_before;
  const std::uint64_t held_after = is_long ? told.long_after : told.short_after;
  const std::uint64_t other_before = is_long ? told.short_before : told.long_before;
  const std::uint64_t other_after = is_long ? told.short_after : told.long_after;
  const bool closed = held_after < held_before;
  const bool opened = other_after > other_before;
  const bool untouched = held_after == held_before && other_after == other_before;
  const bool turned = closed && opened && held_before - held_after == other_after - other_before;
  bool fits = true;
  switch (end.result) {
    case SettledResult::reversed:
      fits = turned;
      break;
    case SettledResult::partly_reversed:
      fits = closed && opened && !turned;
      break;
    case SettledResult::closed_only:
      fits = closed && other_after == other_before;
      break;
    case SettledResult::not_executed:
      fits = untouched;
      break;
    default:
      return;
  }
  const bool foreign = (end.flags & wire::kForeignChange) != 0;
  const bool undisturbed = plan_.other_trades == 0 && plan_.venue_events == 0 && plan_.power_losses == 0 &&
                           plan_.storage_faults == 0 && !plan_.clocks_beyond;
  if (foreign && undisturbed && power_life_ == 0)
    context_.violate("told foreign_change, but nobody else traded: " + name(entry));
  if (!foreign && !fits)
    context_.violate("its result contradicts the positions told with it: " + name(entry) + ": held " +
                     std::to_string(held_before) + " to " + std::to_string(held_after) + ", other side " +
                     std::to_string(other_before) + " to " + std::to_string(other_after));
  // foreign_change must not serve to explain a reversal away.
  const bool executed_less =
      end.result == SettledResult::closed_only || end.result == SettledResult::partly_reversed;
  if (foreign && executed_less && turned && held_after == 0)
    context_.violate("the position turned around, and that is called something less: " + name(entry));
}

void Ledger::check_positions(const IntentEntry& entry, const Told& end, const venue::Reversal& truth) {
  // Where others traded too, or reads lag behind, the sizes told are those of the reads, not the reversal's.
  if (plan_.other_trades > 0 || plan_.options.position_lag_ns > 0 || plan_.clocks_beyond) return;
  if ((end.flags & wire::kHasPositions) == 0) return;
  const std::uint8_t scale = end.outcome.position_scale;
  if (Decimal{end.outcome.long_after, scale} != truth.long_after ||
      Decimal{end.outcome.short_after, scale} != truth.short_after)
    context_.violate("told a position after it that was never held: " + name(entry));
}

}  // namespace backhand::simulation
