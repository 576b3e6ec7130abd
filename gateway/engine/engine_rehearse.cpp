// The way to the wire walked between two shots, so that the next one finds it in the caches: every step but
// those that leave a trace. What is encoded bears a name and a time that no venue takes, is encrypted into a
// session that has no socket, and is forgotten.
#include <algorithm>
#include <type_traits>

#include "common/on_path.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"
#include "gateway/engine/validate.hpp"

namespace backhand::engine {

/// Small things first: what is more than half of the second cache is left out.
void Engine::list_memory() {
  near_.add(path_instructions().data(), path_instructions().size());
  near_.add(*this);
  near_.add(config_);
  near_.add(config_.strategies);
  near_.add(lane_heads_.data(), std::min<std::size_t>(lane_heads_.size(), 1'024) * sizeof lane_heads_[0]);
  near_.add(accounts_);
  lane_book_.add_to(near_);
  shots_.add_to(near_);
  pacer_.add_to(near_);
  risk_.add_to(near_);
  book_.add_to(near_);
  near_.add(contracts_);
  dialect_.add_to(near_);
  directory_.add_to(near_);
}

/// What other cores' work has taken out of the cache comes back between two shots, not under one. A little in
/// each turn, since it is in the way of whoever comes meanwhile.
void Engine::keep_near() noexcept {
  constexpr std::size_t kLines = 8;
  (void)near_.walk(kLines);
  ports_.wire.keep_near();
  const auto step = [](auto& cursor, std::size_t count) {
    cursor = static_cast<std::remove_reference_t<decltype(cursor)>>(cursor + 1U < count ? cursor + 1U : 0);
    return cursor < count;
  };
  // The places that move.
  switch (near_turn_++ % 4) {
    case 0:
      ports_.journal.warm();
      return;
    case 1:
      if (!free_slots_.empty()) prefetch_to_write(slots_[free_slots_.back()]);
      return;
    case 2:
      if (step(near_account_, accounts_.size())) pacer_.budget().expect(AccountIndex{near_account_});
      if (step(near_strategy_, config_.strategies.size())) risk_.expect(StrategyIndex{near_strategy_});
      return;
    default:
      // What is armed may be fired any moment, and its shot is not any other one's.
      if (step(near_shot_, shots_.tended())) expect_shot(shots_.tended(near_shot_));
      return;
  }
}

/// Half of the way at a time: a shot that comes meanwhile waits no longer than that.
void Engine::rehearse(Ns now) noexcept {
  next_rehearsal_ns_ = now + rehearse_every_ns_ / 2;
  if (reply_comes_next_) {
    rehearse_reply();
    reply_comes_next_ = false;
  } else {
    reply_comes_next_ = rehearse_request(now);
  }
}

bool Engine::rehearse_request(Ns now) noexcept {
  if (directory_.positions().empty() || !ready_ || risk_.halted()) return false;
  rehearsed_ = rehearsed_ + 1 < directory_.positions().size() ? rehearsed_ + 1 : 0;
  const PositionIndex position{rehearsed_};
  const PositionEntry& entry = directory_[position];
  if (accounts_[entry.account.value].phase != AccountPhase::ready) return false;

  wire::Intent intent{};
  intent.id = UINT64_MAX;
  intent.created_ns = now;
  intent.deadline_ns = now + kSecond;
  intent.account = wire::AccountName{config_.accounts[entry.account.value].name};
  intent.symbol = entry.id.symbol;
  intent.kind = wire::IntentKind::reverse;
  intent.product = entry.id.product;
  intent.position_side = book_.snapshot(position).held(wire::PositionSide::long_side).is_zero()
                             ? wire::PositionSide::short_side
                             : wire::PositionSide::long_side;
  if (validate(intent, 0) != wire::DenyReason::none) return false;
  if (check_deadline(intent, now) != wire::DenyReason::none) return false;
  const PositionIndex found = directory_.find(intent).position;
  if (!found.valid()) return false;
  expect(found);
  dialect_.expect(found, intent.position_side);
  rehearsal_admitted_ += admit(StrategyIndex{0}, intent, found, now) == wire::DenyReason::none ? 1 : 0;

  const journal::ReversalKey key{epoch_, 0, 1};
  journal::Intended body{};
  body.intent_id = intent.id;
  body.account = intent.account;
  body.symbol = intent.symbol;
  journal::Entry record{journal::Stamp{now, key, intent.product, intent.position_side}, body};
  for (journal::Record& part : record.parts()) part.crc = journal::checksum_of(part);

  const wire::ClientOid name{bitget::kRehearsalOid};
  const std::size_t length = dialect_.encode_reversal(request_of(intent, entry.account, found, name),
                                                      bitget::kRehearsalTime_ms, rehearsal_);
  ports_.wire.rehearse_request({rehearsal_.data(), length});
  return true;
}

void Engine::rehearse_reply() noexcept {
  const net::ReplyView* reply = ports_.wire.rehearse_reply();
  if (reply == nullptr) return;
  const wire::ClientOid name{bitget::kRehearsalOid};
  (void)dialect_.decode_reversal(name, reply->http_status, reply->body, header_lookup(*reply));
}

}  // namespace backhand::engine
