// The state directory is lost, or an older copy of it or of a part of it is put back; and what must then hold
// of what is sent.
#include <algorithm>
#include <cstring>

#include "gateway/journal/segment.hpp"
#include "tests/simulation/world.hpp"

namespace backhand::simulation {

namespace {

bool is_segment(const std::string& path) { return path.starts_with("/state") && path.ends_with(".bhj"); }

bool is_hot(const std::string& path) { return path.starts_with("/hot"); }

/// Up to which record the manifest says that all were there.
std::uint64_t manifest_number(test::MemoryStorage& storage) {
  journal::Manifest manifest{};
  const std::string path = "/state/journal.manifest";
  if (!storage.exists(path) || storage.bytes(path).size() < sizeof manifest) return 0;
  std::memcpy(&manifest, storage.bytes(path).data(), sizeof manifest);
  return manifest.known_number;
}

}  // namespace

void World::copy_state() {
  // Nobody keeps a copy of what is damaged.
  if (!context_.faults_on || process_.storage().paths().empty() || !process_.recoverable()) return;
  copy_ = process_.storage().clone();
  oids_of_copy_ = ledger_.oids();
}

void World::strike_journal() {
  if (!context_.faults_on) return;
  crash_.kill();
  if (process_.running()) on_death();
  Random& random = context_.random;
  const auto before = process_.recoverable();
  if (!before) return;  // Damaged by another fault, which is told where that is.
  undamaged_.reset();
  strike_ = Strike{};
  strike_->next_number = *before;
  strike_->venue_ms = context_.clocks.venue() / kMillisecond;
  const std::uint64_t kind = copy_ ? random.below(3) : 0;
  if (kind == 0) {
    context_.fire("journal_lost");
    process_.storage().erase_all();
    strike_->known.clear();
  } else if (kind == 1) {
    context_.fire("state_rolled_back");
    process_.replace_storage(std::move(copy_));
    strike_->known = oids_of_copy_;
  } else {
    context_.fire("segments_rolled_back");
    // Somebody restores the large files and leaves the small one; tmpfs was in no backup.
    test::MemoryStorage& storage = process_.storage();
    undamaged_ = storage.clone();  // Brought back where the start is refused.
    for (const std::string& path : storage.paths()) {
      if (is_hot(path) || (is_segment(path) && !copy_->exists(path))) storage.erase(path);
    }
    for (const std::string& path : copy_->paths()) {
      if (is_segment(path) && storage.exists(path)) storage.put_back(path, *copy_);
    }
    copy_.reset();
    strike_->only_segments = true;
    strike_->manifest_number = manifest_number(storage);
    strike_->known = oids_of_copy_;
  }
  if (random.chance(0.5)) {
    context_.fire("clock_back_to_an_earlier_start");
    same_second_ = true;
  }
  records_were_lost_ = true;
  journal_was_replaced_ = true;
  ledger_.forget_halts();
  ledger_.on_journal_replaced();
  for (auto& strategy : strategies_) {
    if (random.chance(0.5)) strategy->forget();
  }
}

void World::set_clock_back() {
  if (first_start_second_ == 0) first_start_second_ = context_.clocks.wall_seconds();
  if (!same_second_) return;
  same_second_ = false;
  context_.clocks.wall_offset -= (context_.clocks.wall_seconds() - first_start_second_) * kSecond;
}

/// What the start that follows a strike can tell must keep it from sending.
void World::judge_strike() {
  if (!strike_) return;
  const Strike strike = std::move(*strike_);
  strike_.reset();
  const VenueMs fuse = static_cast<VenueMs>(plan_.config.venue.clock_tolerance_ms) +
                       static_cast<VenueMs>(plan_.config.venue.execution_grace_ms);
  // Of a copy that is younger than the manifest only the lost hot segment tells.
  const bool tells = strike.manifest_number >= process_.recovered_number() ||
                     plan_.journal.durability == journal::Durability::process;
  if (strike.only_segments && tells) {
    if (process_.recovered_number() < strike.next_number)
      ledger_.hold({}, strike.venue_ms + fuse, "although the journal's end is missing");
    return;
  }
  using venue::IdLeg;
  const IdLeg named = plan_.options.client_oid_leg;
  if (named == IdLeg::none) return;  // Then nothing can be seen.
  // Pages in no order cannot be walked to their end.
  if (plan_.options.page_order == venue::PageOrder::none) return;
  if (plan_.clocks_beyond) return;
  const bool is_one = plan_.options.reversal_orders != venue::ReversalOrders::two;
  const venue::Truth& truth = venue_.truth();
  for (const venue::Execution& execution : truth.executions) {
    if (execution.reversal == venue::kNoIndex) continue;
    // Whose history is asked changes with the key.
    const bool of_key_account = execution.account == plan_.key_account.value;
    if (execution.account >= plan_.config.accounts.size() || (key_was_replaced_ && of_key_account)) continue;
    const venue::Reversal& reversal = truth.reversals[execution.reversal];
    // A reversal that is one order is listed when its last leg is executed.
    const bool of_named_leg =
        named == IdLeg::both || (named == IdLeg::close) == (execution.leg == venue::Leg::close);
    const bool shown = is_one ? execution.leg == venue::Leg::open : of_named_leg;
    const bool listed = execution.at + plan_.options.history_lag_ns < context_.clocks.venue();
    if (!shown || !listed || strike.known.contains(std::string(reversal.client_oid.view()))) continue;
    if (context_.trace)
      context_.tell("account " + plan_.config.accounts[execution.account].name + " must be held for " +
                    std::string(reversal.client_oid.view()) + ", accepted at " +
                    std::to_string(reversal.accepted / kMillisecond));
    ledger_.hold(plan_.config.accounts[execution.account].name, reversal.accepted / kMillisecond + fuse,
                 "although the venue showed a reversal that the journal does not know");
  }
}

}  // namespace backhand::simulation
