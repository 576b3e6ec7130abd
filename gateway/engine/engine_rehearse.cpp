// The way to the wire walked between two shots, so that the next one finds it in the caches: every step but
// those that leave a trace. What is encoded bears a name and a time that no venue takes, is encrypted into a
// session that has no socket, and is forgotten.
#include <algorithm>

#include "common/on_path.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"
#include "gateway/engine/validate.hpp"

namespace backhand::engine {

namespace {

/// Shots brought into the cache with each rehearsal.
constexpr std::uint32_t kShotsARehearsal = 16;

}  // namespace

/// What is armed may be fired any moment, and its shot is not any other one's.
void Engine::expect_shots() noexcept {
  for (std::uint32_t i = std::min(kShotsARehearsal, shots_.tended()); i > 0; --i) {
    expected_shot_ = expected_shot_ + 1 < shots_.tended() ? expected_shot_ + 1 : 0;
    expect_shot(shots_.tended(expected_shot_));
  }
}

void Engine::rehearse(Ns now) noexcept {
  next_rehearsal_ns_ = now + rehearse_every_ns_;
  if (directory_.positions().empty() || !ready_ || risk_.halted()) return;
  rehearsed_ = rehearsed_ + 1 < directory_.positions().size() ? rehearsed_ + 1 : 0;
  const PositionIndex position{rehearsed_};
  const PositionEntry& entry = directory_[position];
  if (accounts_[entry.account.value].phase != AccountPhase::ready) return;

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
  if (validate(intent, 0, now) != wire::DenyReason::none) return;
  const PositionIndex found = directory_.find(intent).position;
  if (!found.valid()) return;
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
  ports_.journal.warm();

  const wire::ClientOid name{bitget::kRehearsalOid};
  const std::size_t length = dialect_.encode_reversal(request_of(intent, entry.account, found, name),
                                                      bitget::kRehearsalTime_ms, rehearsal_);
  const net::ReplyView* reply = ports_.wire.rehearse({rehearsal_.data(), length});
  if (reply == nullptr) return;
  (void)dialect_.decode_reversal(name, reply->http_status, reply->body, header_lookup(*reply));
  prefetch_path();
  expect_shots();
}

}  // namespace backhand::engine
