// Whether the gateway and each account can serve: a state that comes and goes, with what it waits for and
// since when. I/O thread.
#include <cstddef>

#include "gateway/engine/engine.hpp"

namespace backhand::engine {

namespace {

/// What keeps it from serving is told when it has lasted so long.
constexpr Ns kDoubt_ns = kSecond;
/// A venue that owes an answer for so long, and gives no other one meanwhile, does not answer.
constexpr Ns kSilence_ns = kSecond;

}  // namespace

void Engine::check_ready(Ns now) noexcept {
  if (!started_) return;
  const bool clock = clock_.known(now);
  bool all_settled = true;
  bool any_ready = false;
  bool any_used = false;
  bool any_left = false;
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    AccountState& account = accounts_[a];
    if (account.phase == AccountPhase::unused) continue;
    any_used = true;
    const auto modes = static_cast<std::uint8_t>(account.mode_known | account.mode_tried);
    const auto positions = static_cast<std::uint8_t>(account.positions_known | account.positions_tried);
    const auto names = static_cast<std::uint8_t>(account.names_known | account.names_tried);
    const auto contracts = static_cast<std::uint8_t>(contracts_known_ | contracts_tried_);
    const bool settled = account.kind_settled && account.held_until_venue_ms == 0 &&
                         (modes & positions & names & contracts & account.needed) == account.needed;
    const auto proven = static_cast<std::uint8_t>(account.mode_known & account.positions_known &
                                                  account.names_known & contracts_known_);
    if (account.phase == AccountPhase::starting && settled && proven != 0 && clock && accounts_begun_) {
      account.phase = AccountPhase::ready;
      account.proven = proven;
      account.why = "ready";
    }
    if (account.phase == AccountPhase::ready && account.proven != proven) {
      EventDetails details;
      details.account = AccountIndex{a};
      for (unsigned product = 0; product < 8; ++product) {
        if (((proven & ~account.proven) >> product & 1U) == 0) continue;
        details.product = static_cast<wire::Product>(product);
        ports_.events.on_engine_event(EngineEvent::product_ready, details, now);
      }
      account.proven = proven;
    }
    if (account.phase == AccountPhase::starting) all_settled = all_settled && settled;
    const NotReady wait = wait_of(account, now);
    tell_account(AccountIndex{a}, wait, now);
    // An operator's halt is told as such. It must not keep a start from becoming ready.
    any_ready = any_ready || !wait || wait.deny == wire::DenyReason::halted;
    any_left = any_left || account.phase == AccountPhase::ready || account.phase == AccountPhase::starting;
  }
  if (any_used && !any_left && !ready_ && !nobody_told_) {
    nobody_told_ = true;
    ports_.events.on_engine_event(EngineEvent::nobody_ready, {}, now);
  }
  using wire::DenyReason;
  NotReady wait;
  if (journal_failed_) {
    wait = {"the journal failed: nothing can be recorded, so nothing is sent; see the log, then restart",
            DenyReason::journal_unavailable};
  } else if (stopping_) {
    wait = {"the gateway is stopping", DenyReason::stopping};
  } else if (!clock) {
    wait = {"the venue's clock is not known", DenyReason::not_ready};
  } else if (!accounts_begun_) {
    wait = {"after an unclean restart the fuse of earlier requests must burn first", DenyReason::not_ready};
  } else if (((contracts_known_ | contracts_tried_) & contracts_needed_) != contracts_needed_) {
    wait = {"contract rules are not loaded yet", DenyReason::not_ready};
  } else if (held_accounts_ > 0 && !ready_) {
    wait = {kUnknownNamesShown, DenyReason::not_ready};
  } else if (!all_settled && !ready_) {
    wait = {"accounts are not proven ready yet", DenyReason::not_ready};
  } else if (now < recalled_until_ns_ && !ready_) {
    wait = {"what was sent before this start still counts against the venue's limits", DenyReason::not_ready};
  } else if (address_held_) {
    wait = {"the venue answers \"too many requests\" to this address", DenyReason::not_ready};
  } else if (connections_ready_ == 0) {
    wait = {"no connection is warm", DenyReason::no_connection};
  } else if (unheard_since_ns_ != kNever && now - unheard_since_ns_ >= kSilence_ns) {
    wait = {"the venue gives no answer that says anything", DenyReason::not_ready, /*has_lasted=*/true};
  } else if (any_used && !any_ready) {
    wait = {"no account is ready", DenyReason::not_ready};
  }
  tell_ready(wait, now);
}

void Engine::tell_ready(const NotReady& wait, Ns now) noexcept {
  const bool good = !wait;
  if (good == ready_) {
    doubted_ns_ = kNever;
    if (!good) not_ready_because_ = wait.what.data();
    return;
  }
  if (!good && !journal_failed_ && !wait.has_lasted) {
    // What is over in a moment, as a connection that is made anew, is not worth a notice.
    if (doubted_ns_ == kNever) doubted_ns_ = now;
    if (now - doubted_ns_ < kDoubt_ns) return;
  }
  ready_ = good;
  ready_changed_ns_ = good || doubted_ns_ == kNever ? now : doubted_ns_;
  doubted_ns_ = kNever;
  not_ready_because_ = wait.what.data();
  EventDetails details;
  details.text = wait.what;
  ports_.events.on_engine_event(good ? EngineEvent::ready : EngineEvent::not_ready, details, now);
  wire::Outcome about{};
  about.deny_reason = wait.deny;
  notice(good ? wire::NoticeKind::ready : wire::NoticeKind::not_ready, {}, {}, &about, now);
}

Engine::NotReady Engine::wait_of(const AccountState& account, Ns now) const noexcept {
  using wire::DenyReason;
  if (account.phase == AccountPhase::halted || account.phase == AccountPhase::refused)
    return {account.why, DenyReason::account_halted};
  if (account.phase != AccountPhase::ready) return {account.why, DenyReason::not_ready};
  if (account.halted_by_operator) return {"halted by the operator", DenyReason::halted};
  const Ns max_age = static_cast<Ns>(config_.venue.position_max_age_ms) * kMillisecond;
  bool any_fresh = max_age == 0;
  for (std::size_t product = 0; product < account.read_ns.size(); ++product) {
    if ((account.proven >> product & 1U) == 0) continue;
    any_fresh = any_fresh || now - account.read_ns[product] <= max_age;
  }
  if (!any_fresh)
    return {"its positions could not be read for longer than position_max_age_ms",
            DenyReason::position_stale};
  return {};
}

void Engine::tell_account(AccountIndex index, const NotReady& wait, Ns now) noexcept {
  AccountState& account = accounts_[index.value];
  const bool good = !wait;
  if (good != account.serves) {
    const bool told_already = account.phase == AccountPhase::halted ||
                              account.phase == AccountPhase::refused || account.halted_by_operator;
    account.serves = good;
    account.changed_ns = now;
    if (!told_already) {
      EventDetails details;
      details.account = index;
      details.text = wait.what;
      ports_.events.on_engine_event(good ? EngineEvent::account_ready : EngineEvent::account_not_ready,
                                    details, now);
      wire::Outcome about{};
      about.deny_reason = wait.deny;
      notice(good ? wire::NoticeKind::ready : wire::NoticeKind::not_ready, index, {}, &about, now);
    }
  }
  account.waits_for = wait.what;
}

Waits Engine::waits() const noexcept {
  if (ready_) return {};
  return {not_ready_because_, ready_changed_ns_, troubles_.latest({})};
}

}  // namespace backhand::engine
