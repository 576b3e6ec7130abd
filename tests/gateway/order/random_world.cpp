#include "tests/gateway/order/random_world.hpp"

#include <algorithm>

namespace backhand::order::test {

using domain::PositionMode;
using domain::PositionSide;
using wire::SettledResult;

namespace {
constexpr std::size_t kPositions = 3;
/// How far the lower bound of the venue's clock may lie behind it.
constexpr VenueMs kBoundError_ms = 100;
const std::array<const char*, kPositions> kSymbols{"AUSDT", "BUSDT", "CUSDT"};
}  // namespace

RandomWorld::RandomWorld(std::uint64_t seed, const Planted& planted)
    : random_(seed),
      planted_(planted),
      rounds_left_(kPositions),
      quiet_from_(kPositions),
      others_at_(kPositions),
      truths_(kPositions) {
  draw_venue();
}

std::int64_t RandomWorld::any(std::int64_t from, std::int64_t to) {
  return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
}
bool RandomWorld::chance(int percent) { return any(0, 99) < percent; }
/// The venue's numbers grow with time.
std::string RandomWorld::number_at(VenueMs created) {
  return std::to_string(static_cast<std::uint64_t>(created) * 1'000'000 + ++next_number_);
}

void RandomWorld::draw_venue() {
  tolerance_ms_ = chance(50) ? 30'000 : any(500, 30'000);
  grace_ms_ = chance(50) ? 10'000 : any(300, 10'000);
  believed_.clock_tolerance_ms = static_cast<std::uint32_t>(tolerance_ms_);
  believed_.execution_grace_ms = static_cast<std::uint32_t>(grace_ms_);
  believed_.settle_recheck_ms = static_cast<std::uint32_t>(any(50, 2'000));
  if (chance(70)) believed_.client_oid_prefix = FixedString<8>{"bh"};
  believed_.clock_skew_ms = static_cast<std::uint32_t>(chance(30) ? 0 : any(1, 100));
  VenueMs apart = believed_.clock_skew_ms;
  clocks_beyond_ = chance(10);
  if (clocks_beyond_) apart = any(apart, std::max<VenueMs>(apart, std::min<VenueMs>(1'000, grace_ms_ / 4)));
  clock_error_ms_ = apart / 4;
  if (planted_.forgets_clocks) believed_.clock_skew_ms = 0;
  if (planted_.believes_absence_at_once || planted_.forgets_fuse) believed_.clock_tolerance_ms = 0;
  if (planted_.believes_absence_at_once || planted_.forgets_grace) believed_.execution_grace_ms = 0;
  if (planted_.believes_absence_at_once) believed_.settle_recheck_ms = 0;
  lag_ms_ = chance(30) ? 0 : any(0, chance(50) ? grace_ms_ / 2 : 20'000);
  believed_.lookup_lag_ms = static_cast<std::uint32_t>(lag_ms_);
  if (planted_.believes_absence_at_once || planted_.forgets_lag) believed_.lookup_lag_ms = 0;
  rig_ = Rig(believed_, 1, kPositions, kPositions);
  FakeVenue& venue = rig_.venue;
  const VenueMs shown_lag = planted_.venue_lags_beyond_bound ? grace_ms_ * 4 + 2 * lag_ms_ : lag_ms_;
  venue.history_lag_ms = chance(70) ? shown_lag : 0;
  venue.order_lag_ms = chance(70) ? shown_lag : 0;
  venue.position_lag_ms = chance(70) ? shown_lag : 0;
  venue.random = &random_;
  if (chance(30)) venue.page_rows = static_cast<std::size_t>(any(PageWalk::kLeastPage, 12));
  if (chance(20)) venue.page_order = FakeVenue::PageOrder::oldest_first;
  if (chance(5)) venue.page_order = FakeVenue::PageOrder::none;
  venue.reply_clock_ms = any(-clock_error_ms_, clock_error_ms_);
  venue.position_clock_ms = any(-clock_error_ms_, clock_error_ms_);
  order_clock_ms_ = any(-clock_error_ms_, clock_error_ms_);
  venue.clock_jitter_ms = chance(50) ? clock_error_ms_ : 0;
  mode_ = chance(50) ? PositionMode::one_way : PositionMode::hedge;
  name_on_ = static_cast<Carrier>(any(0, 3));
  number_on_ = static_cast<Carrier>(chance(50) ? 0 : chance(50) ? 1 : 3);
  draw_listing();
  venue_names_rows_ = chance(50);
  canceled_rows_ = chance(50);
  named_lookup_ = chance(80);
  foreign_ = chance(60);
  // Without that page only assumption 7 is left, which others can break.
  if (!foreign_) venue.lists_fills = chance(85);
  lose_percent_ = chance(50) ? 0 : static_cast<int>(any(1, 40));
  spoil_percent_ = chance(50) ? 0 : static_cast<int>(any(1, 30));
  slow_percent_ = chance(50) ? 0 : static_cast<int>(any(1, 20));
  rig_.draw_way = [this] {
    return chance(slow_percent_) ? any(1, 3'000) * kMillisecond : any(200, 20'000) * kMicrosecond;
  };
  rig_.lose = [this](const domain::Lookup&) { return chance(lose_percent_); };
  rig_.spoil = [this](const domain::Lookup&, VenueMs) -> std::optional<domain::LookupStatus> {
    if (!chance(spoil_percent_)) return std::nullopt;
    return chance(50) ? domain::LookupStatus::throttled : domain::LookupStatus::unavailable;
  };
}

void RandomWorld::draw_listing() {
  one_order_ = chance(50);
  both_sizes_ = chance(50);
  roles_echoed_ = chance(30);
  roles_stated_ = !roles_echoed_ && chance(50);
}

void RandomWorld::change(const Draft& draft, VenueMs at, std::int64_t long_by, std::int64_t short_by,
                         bool by_others) {
  if (by_others) others_at_[draft.number] = std::max(others_at_[draft.number], at);
  const std::uint64_t listed_as = by_others && !planted_.others_unlisted ? next_trade_++ : 0;
  rig_.venue.changes.push_back({draft.instrument, at, long_by, short_by, listed_as});
}

/// The position at the moment of sending; something on the side that will be reversed.
void RandomWorld::hold_something(Draft& draft) {
  const auto held = rig_.venue.holding(draft.instrument, draft.sent);
  draft.longs = static_cast<std::int64_t>(held.long_size.digits);
  draft.shorts = static_cast<std::int64_t>(held.short_size.digits);
  draft.is_long = draft.longs > 0 && (draft.shorts == 0 || chance(50));
  if (draft.longs > 0 || draft.shorts > 0) return;
  draft.is_long = chance(50);
  const std::int64_t size = any(1, 6);
  (draft.is_long ? draft.longs : draft.shorts) += size;
  const bool other_too = mode_ == PositionMode::hedge && chance(40);
  if (other_too) (draft.is_long ? draft.shorts : draft.longs) += any(1, 6);
  // Long enough ago for every read to show it.
  change(draft, draft.sent - 5'000 - lag_ms_, draft.longs, draft.shorts);
}

void RandomWorld::begin_round(std::uint32_t position) {
  Draft draft;
  draft.number = position;
  draft.instrument = instrument(kSymbols[position]);
  draft.sent = std::max(rig_.venue_now(), quiet_from_[position]) + any(0, 3'000);
  hold_something(draft);
  CaseFacts& facts = draft.facts;
  facts.case_id = position;
  facts.account = AccountIndex{0};
  facts.position = PositionIndex{position};
  facts.instrument = draft.instrument;
  facts.mode = mode_;
  facts.held_side = draft.is_long ? PositionSide::long_side : PositionSide::short_side;
  facts.client_oid = wire::ClientOid{"bh-" + std::to_string(next_name_++)};
  facts.has_size = mode_ == PositionMode::hedge && chance(50);
  if (facts.has_size) facts.size = units(any(1, 7));
  facts.before = {units(draft.longs), units(draft.shorts),
                  draft.sent - any(1, 2'000) + rig_.venue.position_clock_ms};
  if (clocks_beyond_) draft.truth.hide("clocks further apart than believed");
  if (others_at_[position] + 2 * grace_ms_ + lag_ms_ + 5'000 > draft.sent)
    draft.truth.hide("others traded shortly before");
  draw_times(draft);
  draw_foreign(draft);
  if (foreign_ && chance(15)) {
    facts.before = rig_.venue.holding(draft.instrument, draft.sent - any(1, 2'000));
    draft.truth.hide("others traded");
    draft.truth.others = true;
  }
  walk(draft);
  for (const Event& event : draft.events)
    quiet_from_[position] = std::max(quiet_from_[position], event.at + kBoundError_ms + 1);
  const VenueMs open_at = tell_engine(draft);
  if (draft.truth.closed > 0 && draft.truth.opened < draft.truth.closed && !rig_.venue.lists_fills)
    draft.truth.hide("no list of executions");
  draft.truth.story = "fate " + std::to_string(static_cast<int>(draft.fate)) + " sent " +
                      std::to_string(draft.sent - Rig::kEpoch_ms) + " closed " +
                      std::to_string(draft.truth.closed) + " opened " + std::to_string(draft.truth.opened);
  // Without a better bound of the write its window begins with the timestamp.
  const VenueMs window =
      std::min(draft.sent - 20'000, facts.signed_venue_ms - 2 * VenueMs{believed_.clock_skew_ms});
  if (others_at_[position] > window) draft.truth.others = true;
  truths_[position] = draft.truth;
  openings_.push_back({Rig::from_venue(open_at), facts});
}

void RandomWorld::draw_times(Draft& draft) {
  CaseFacts& facts = draft.facts;
  // The timestamp is never ahead of the venue's clock; how far behind is a matter of clock error and
  // set-back.
  facts.signed_venue_ms = draft.sent - (chance(50) ? any(0, 50) : any(0, tolerance_ms_ * 9 / 10));
  const bool bounded = chance(80);
  facts.written_venue_ms = bounded ? std::max(facts.signed_venue_ms, draft.sent - any(0, kBoundError_ms)) : 0;
  // With an early timestamp and no better bound, older rows lie in this one's window: those of others, and
  // our own where names cannot be told for ours.
  const bool wide = !bounded && facts.signed_venue_ms < draft.sent - kBoundError_ms;
  if (wide && (foreign_ || believed_.client_oid_prefix.empty())) draft.truth.hide("older rows in its window");
  draft.fate = static_cast<Fate>(any(0, 5));
  VenueMs arrives = draft.sent + any(0, 30);
  if (draft.fate == Fate::executed_ack_lost && chance(40))
    arrives = draft.sent + any(0, tolerance_ms_ * 11 / 10);
  const bool in_time = arrives <= facts.signed_venue_ms + tolerance_ms_;
  draft.executes = in_time && (draft.fate == Fate::executed_ack_lost || draft.fate == Fate::acked ||
                               draft.fate == Fate::doubtful_after_close);
  if (!in_time) arrives = draft.sent + 1;
  // All legs are done within the grace; the slowest read shows them later by the lag.
  // Clocks further apart than is believed use up what executions leave of the grace.
  const VenueMs budget = clocks_beyond_ ? grace_ms_ * 3 / 4 : grace_ms_;
  draft.close_created = arrives + any(0, std::min<VenueMs>(budget / 4, chance(70) ? 20 : budget));
  draft.close_done = draft.close_created + any(0, std::min<VenueMs>(budget / 4, chance(70) ? 100 : budget));
  draft.open_created = draft.close_done + any(0, std::min<VenueMs>(budget / 4, chance(70) ? 5 : budget));
  draft.open_done = draft.open_created + any(0, std::min<VenueMs>(budget / 4, chance(70) ? 50 : budget));
  draft.margin = chance(60) ? 1'000 : any(0, 5);
  if (draft.fate == Fate::doubtful_after_close) draft.margin = 0;
  draft.facts.answered_venue_ms =
      chance(80) ? (draft.fate == Fate::doubtful_after_close ? draft.close_created : arrives + 1) : 0;
  draft.close_number = number_at(draft.close_created);
  draft.open_number = number_at(draft.open_created);
}

void RandomWorld::draw_foreign(Draft& draft) {
  if (draft.executes) {
    draft.events.push_back({Event::Kind::close_done, draft.close_done, 0, 0, false});
    draft.events.push_back({Event::Kind::open_done, draft.open_done, 0, 0, false});
  }
  const std::int64_t count = foreign_ && chance(60) ? any(1, 3) : 0;
  if (count > 0) draft.truth.hide("others traded");
  if (count > 0) draft.truth.others = true;
  for (std::int64_t i = 0; i < count; ++i) {
    Event event;
    const VenueMs until = chance(50) ? 300 : tolerance_ms_ + 2 * grace_ms_;
    event.at = draft.sent + any(1, until);
    event.kind = chance(60) ? Event::Kind::trade : Event::Kind::reversal;
    event.long_by = any(-6, 4);
    event.short_by = any(-6, 4);
    event.from_api = chance(50);
    draft.events.push_back(event);
  }
  // At one moment a close comes before its open.
  std::sort(draft.events.begin(), draft.events.end(),
            [](const Event& a, const Event& b) { return a.at != b.at ? a.at < b.at : a.kind < b.kind; });
}

void RandomWorld::walk(Draft& draft) {
  for (const Event& event : draft.events) {
    switch (event.kind) {
      case Event::Kind::close_done:
        execute_close(draft, event);
        break;
      case Event::Kind::open_done:
        execute_open(draft, event);
        break;
      case Event::Kind::reversal:
        reverse_foreign(draft, event);
        break;
      case Event::Kind::trade: {
        std::int64_t long_by = std::max(event.long_by, -draft.longs);
        std::int64_t short_by = std::max(event.short_by, -draft.shorts);
        if (mode_ == PositionMode::one_way) {
          // One net position: only reduce or add to what is held, or open one side.
          if (draft.longs > 0 || draft.shorts == 0) short_by = 0;
          if (draft.shorts > 0) long_by = 0;
        }
        change(draft, event.at, long_by, short_by, true);
        draft.longs += long_by;
        draft.shorts += short_by;
        break;
      }
    }
  }
}

void RandomWorld::execute_close(Draft& draft, const Event& event) {
  std::int64_t held = draft.is_long ? draft.longs : draft.shorts;
  // In one-way mode the venue reverses whatever is held.
  if (mode_ == PositionMode::one_way && held == 0) {
    draft.is_long = !draft.is_long;
    held = draft.is_long ? draft.longs : draft.shorts;
  }
  std::int64_t size = held;
  if (draft.facts.has_size) size = std::min(held, static_cast<std::int64_t>(draft.facts.size.digits));
  if (size == 0) {
    if (canceled_rows_) {
      FakeOrder& order = add_row(draft, true, draft.is_long, draft.close_created, event.at, 1, 0);
      if (one_order_) state_role(order.row, true, draft.is_long, true);
    }
    draft.margin = 0;
    draft.open_done = 0;
    return;
  }
  if (!one_order_) add_row(draft, true, draft.is_long, draft.close_created, event.at, size, size);
  const std::int64_t long_by = draft.is_long ? -size : 0;
  const std::int64_t short_by = draft.is_long ? 0 : -size;
  change(draft, event.at, long_by, short_by);
  draft.longs += long_by;
  draft.shorts += short_by;
  draft.truth.closed = size;
}

void RandomWorld::execute_open(Draft& draft, const Event& event) {
  if (draft.truth.closed == 0) return;
  // Another trader may hold the side that was closed by now: in one-way mode opening would net with it.
  const bool netted = mode_ == PositionMode::one_way && (draft.is_long ? draft.longs : draft.shorts) > 0;
  const std::int64_t size = netted ? 0 : std::min(draft.truth.closed, draft.margin);
  draft.truth.opened = size;
  if (one_order_) {
    list_whole(draft, event.at);
  } else if (size > 0 || canceled_rows_) {
    add_row(draft, false, draft.is_long, draft.open_created, event.at,
            canceled_rows_ ? draft.truth.closed : size, size);
  }
  if (size == 0) return;
  const std::int64_t long_by = draft.is_long ? 0 : size;
  const std::int64_t short_by = draft.is_long ? size : 0;
  change(draft, event.at, long_by, short_by);
  draft.longs += long_by;
  draft.shorts += short_by;
}

/// The whole reversal as one order.
void RandomWorld::list_whole(Draft& draft, VenueMs done) {
  const std::int64_t closed = draft.truth.closed;
  const std::int64_t opened = draft.truth.opened;
  const std::int64_t size = both_sizes_ ? 2 * closed : closed;
  const std::int64_t filled = both_sizes_ ? closed + opened : closed;
  FakeOrder& order = add_row(draft, true, draft.is_long, draft.close_created, done, size, filled);
  state_role(order.row, true, draft.is_long, true);
  if (opened < closed && chance(50)) order.row.state = domain::OrderState::canceled;
}

/// What a row says of its leg.
void RandomWorld::state_role(domain::OrderRow& row, bool closes, bool is_long, bool whole) {
  const bool hedge = mode_ == PositionMode::hedge;
  const bool of_long = roles_echoed_ || whole ? is_long : closes == is_long;
  row.has_position_side = hedge && (!whole || chance(50));
  row.position_side = of_long ? PositionSide::long_side : PositionSide::short_side;
  row.role = domain::LegRole::unstated;
  if (roles_echoed_)
    row.role = hedge || chance(50) ? domain::LegRole::open : domain::LegRole::unstated;
  else if (!whole && (roles_stated_ || hedge))
    row.role = closes ? domain::LegRole::close : domain::LegRole::open;
}

void RandomWorld::reverse_foreign(Draft& draft, const Event& event) {
  // A program that names nothing is outside what settlement can tell apart, unless it is planted.
  const bool named = name_on_ != Carrier::none;
  if (event.from_api && !named && !planted_.nameless_program) return;
  const bool is_long = draft.longs > 0 && (draft.shorts == 0 || chance(50));
  const std::int64_t size = is_long ? draft.longs : draft.shorts;
  if (size == 0) return;
  const std::string name = "x-" + std::to_string(next_name_++);
  const bool anonymous = planted_.nameless_program;
  for (const bool closes : {true, false}) {
    if (one_order_ && !closes) continue;
    FakeOrder& order = add_row(draft, closes, is_long, event.at, event.at, size, size);
    if (one_order_) state_role(order.row, true, is_long, true);
    order.row.order_id = wire::OrderId{number_at(event.at)};
    order.row.from_api = event.from_api;
    const bool carries = one_order_ || name_on_ == Carrier::both || (name_on_ == Carrier::close) == closes;
    name_row(order, event.from_api && carries && !anonymous, name);
  }
  others_at_[draft.number] = std::max(others_at_[draft.number], event.at);
  change(draft, event.at, is_long ? -size : size, is_long ? size : -size);
  draft.longs += is_long ? -size : size;
  draft.shorts += is_long ? size : -size;
}

FakeOrder& RandomWorld::add_row(const Draft& draft, bool closes, bool is_long, VenueMs created, VenueMs done,
                                std::int64_t size, std::int64_t filled) {
  FakeOrder order;
  domain::OrderRow& row = order.row;
  row.order_id = wire::OrderId{closes ? draft.close_number : draft.open_number};
  row.instrument = draft.instrument;
  row.state = size == filled ? domain::OrderState::filled : domain::OrderState::canceled;
  row.from_reversal = true;
  row.size = units(size);
  row.filled = units(filled);
  row.created_venue_ms = created;
  row.updated_venue_ms = done;
  state_role(row, closes, is_long, false);
  order.clock_ms = order_clock_ms_ + (chance(50) ? any(-clock_error_ms_, clock_error_ms_) : 0);
  const bool carries = name_on_ == Carrier::both || name_on_ == (closes ? Carrier::close : Carrier::open) ||
                       (one_order_ && name_on_ != Carrier::none);
  name_row(order, carries, std::string(draft.facts.client_oid.view()));
  order.named = named_lookup_;
  rig_.venue.orders.push_back(order);
  return rig_.venue.orders.back();
}

void RandomWorld::name_row(FakeOrder& order, bool carries, const std::string& name) {
  const std::string own_number(order.row.order_id.view());
  order.row.client_oid = wire::ClientOid{carries ? name : venue_names_rows_ ? own_number : ""};
}

/// What the gateway comes to know of its own request, and when (venue time).
VenueMs RandomWorld::tell_engine(Draft& draft) {
  CaseFacts& facts = draft.facts;
  const bool refused_late = draft.fate == Fate::executed_ack_lost && !draft.executes;
  VenueMs known_at = draft.sent + any(10, 5'000);
  switch (draft.fate) {
    case Fate::lost_before:
    case Fate::executed_ack_lost:
      facts.answered_venue_ms = 0;
      break;
    case Fate::acked:
    case Fate::acked_but_dropped:
      facts.answer = Answer::acked;
      if (draft.fate == Fate::acked && !draft.executes) facts.answer = Answer::none;
      facts.order_id = wire::OrderId{
          number_on_ == Carrier::close || (one_order_ && number_on_ == Carrier::open) ? draft.close_number
          : number_on_ == Carrier::open                                               ? draft.open_number
                                        : number_at(draft.sent)};
      known_at = draft.sent + any(31, 60);
      break;
    case Fate::doubtful:
    case Fate::doubtful_after_close:
      facts.answer = Answer::doubtful_no;
      if (draft.fate == Fate::doubtful_after_close && !draft.executes) facts.answer = Answer::none;
      known_at = std::max(draft.sent + 31, draft.close_created) + any(1, 60);
      break;
  }
  if (refused_late) facts.answer = Answer::none;
  if (chance(10)) {
    facts.recovered = true;
    if (chance(50)) facts.before = {};
    // Where no row carries our name only the position before can tell, and it may not be known to be from
    // before; an accepted order that is nowhere needs it as well. And without a bound of the write the legs
    // of reversals before the restart lie in this one's window.
    const bool named = name_on_ == Carrier::close || name_on_ == Carrier::both;
    // A single row needs it too.
    const bool alone = one_order_ || (draft.truth.opened == 0 && !canceled_rows_);
    if (!named || facts.written_venue_ms == 0 || draft.fate == Fate::acked_but_dropped || alone)
      draft.truth.hide("position before not known after a restart");
    // As the journal's record gives it.
    if (facts.written_venue_ms != 0)
      facts.written_venue_ms = std::max(facts.written_venue_ms, facts.before.read_venue_ms);
    known_at += any(0, 60'000);
  }
  return known_at;
}

std::string RandomWorld::judge(const Told& told, Tally& tally) {
  Decision decision = told.decision;
  if (planted_.swaps_positions) std::swap(decision.before, decision.after);
  Truth& truth = truths_[decision.case_id];
  ++tally.cases;
  if (truth.closed > 0)
    ++tally.listings[std::string(mode_ == PositionMode::hedge ? "hedge, " : "one-way, ") +
                     (!one_order_   ? "two orders"
                      : both_sizes_ ? "one order, both sizes"
                                    : "one order, one size") +
                     (roles_echoed_   ? ", words of the request"
                      : roles_stated_ ? ", legs stated"
                                      : "") +
                     (decision.unresolved ? ": unresolved" : ": settled")];
  // Pages without any order show what is on them only.
  const bool listed = rig_.venue.page_order != FakeVenue::PageOrder::none;
  if (truth.benign && listed) ++tally.benign;
  ++tally.grounds[(decision.unresolved ? "unresolved " : "") + std::string(to_string(decision.ground))];
  if (truth.over) return "told twice";
  truth.over = true;
  const std::string what =
      truth.story + "; told " + (decision.unresolved ? "unresolved " : "") +
      std::to_string(static_cast<int>(decision.result)) + " by " + std::string(to_string(decision.ground)) +
      " closed " + std::to_string(decision.closed.digits) + " opened " +
      std::to_string(decision.opened.digits) + " at " + std::to_string(told.at / kMillisecond);
  if (decision.unresolved) {
    ++tally.unresolved;
    ++tally.causes[std::string(to_string(decision.ground)) + ": " +
                   (truth.benign ? listed ? "NOTHING" : "pages in no order" : truth.why)];
    if (truth.benign && listed) return "nobody else traded, yet it was given up: " + what;
    return {};
  }
  ++tally.results[static_cast<std::size_t>(decision.result)];
  SettledResult expected = SettledResult::reversed;
  if (truth.closed == 0)
    expected = SettledResult::not_executed;
  else if (truth.opened == 0)
    expected = SettledResult::closed_only;
  else if (truth.opened < truth.closed)
    expected = SettledResult::partly_reversed;
  if (decision.result != expected) return "false result: " + what;
  if (decision.closed != units(truth.closed) || decision.opened != units(truth.opened))
    return "false sizes: " + what;
  const std::string wrong = contradiction(decision, truth);
  return wrong.empty() ? wrong : "false, " + wrong + ": " + what;
}

/// What is told beside the result must fit it: reckoned from the event alone.
std::string RandomWorld::contradiction(const Decision& decision, const Truth& truth) const {
  if (decision.foreign_change && !truth.others && !clocks_beyond_)
    return "foreign_change, but nobody else traded";
  if (!decision.has_before || !decision.has_after) return {};
  const auto digits = [](Decimal size) { return static_cast<std::int64_t>(size.digits); };
  const std::int64_t longs = digits(decision.after.long_size) - digits(decision.before.long_size);
  const std::int64_t shorts = digits(decision.after.short_size) - digits(decision.before.short_size);
  const std::int64_t closed = digits(decision.closed);
  const std::int64_t opened = digits(decision.opened);
  const bool fits = (longs == -closed && shorts == opened) || (longs == opened && shorts == -closed);
  if (!decision.foreign_change && !fits) return "its positions show something else";
  return {};
}

std::string RandomWorld::play(Tally& tally) {
  ++tally.worlds;
  std::string wrong;
  rig_.now = 100 * kSecond;
  rig_.on_told = [&](const Told& told) {
    if (wrong.empty()) wrong = judge(told, tally);
    const std::uint32_t position = told.decision.case_id;
    if (told.decision.unresolved) {
      // Blocked for good as far as this world goes.
      rounds_left_[position] = 0;
    } else if (rounds_left_[position] > 0) {
      --rounds_left_[position];
      begin_round(position);
    }
  };
  const std::int64_t positions = any(1, kPositions);
  for (std::uint32_t position = 0; position < positions; ++position) {
    rounds_left_[position] = static_cast<int>(any(0, 2));
    begin_round(position);
  }
  const Ns end = rig_.now + 7'200 * kSecond;
  while (rig_.now < end && wrong.empty() && (rig_.settlement.open_cases() > 0 || !openings_.empty())) {
    const auto next = std::min_element(openings_.begin(), openings_.end(),
                                       [](const Opening& a, const Opening& b) { return a.at < b.at; });
    if (rig_.turn(next == openings_.end() ? end : next->at)) continue;
    if (next == openings_.end()) break;
    rig_.now = std::max(rig_.now, next->at);
    const CaseFacts facts = next->facts;
    openings_.erase(next);
    rig_.open(facts);
  }
  for (const int count : rig_.asked) tally.lookups += static_cast<std::uint64_t>(count);
  if (wrong.empty() && rig_.settlement.open_cases() > 0) wrong = "never decided";
  return wrong;
}

}  // namespace backhand::order::test
