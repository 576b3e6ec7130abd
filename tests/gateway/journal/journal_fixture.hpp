// What the journal's tests share: small settings, a run that opens, appends and ends as told, sample entries.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "gateway/journal/journal.hpp"
#include "gateway/journal/recovery.hpp"
#include "gateway/journal/sink.hpp"
#include "tests/gateway/journal/memory_storage.hpp"

namespace backhand::test {

using journal::Durability;
using journal::Recovered;
using journal::Settings;

inline constexpr std::int64_t kUnixSeconds = 1'700'000'000;
inline constexpr std::int64_t kRealOffset_ns = kUnixSeconds * kSecond;

/// What sample outcomes' names begin with.
inline const journal::OidStart kOidStart{FixedString<8>{"bh"}, 7, 123'456};

inline Settings small_settings(Durability durability = Durability::process) {
  Settings settings;
  settings.state_dir = "/state";
  settings.hot_dir = "/hot";
  settings.durability = durability;
  settings.hot_records = 64;
  settings.segment_records = 64;
  settings.keep_segments = 3;
  settings.keep_outcomes = 4;
  settings.program_version = FixedString<16>{"test"};
  return settings;
}

inline journal::LaneOpened lane_opened(std::string_view name = "main") {
  return {journal::StrategyName{"momentum"}, journal::LaneName{name}};
}

inline journal::Intended intended(std::uint64_t intent_id) {
  journal::Intended body{};
  body.intent_id = intent_id;
  body.created_ns = 10;
  body.deadline_ns = 1'000'000'000;
  body.size_digits = 25;
  body.size_scale = 1;
  body.has_size = 1;
  body.request_venue_ms = 1'700'000'000'123;
  body.account = wire::AccountName{"alpha"};
  body.symbol = wire::SymbolName{"ETHUSDT"};
  body.margin_coin = wire::CoinName{"USDT"};
  body.user_tag = wire::UserTag{"tag-0123456789ab"};
  body.position_mode = 2;
  body.intent_kind = wire::IntentKind::reverse;
  return body;
}

inline journal::Taken taken(std::uint64_t intent_id) {
  return {intent_id, 10, wire::AccountName{"alpha"}, wire::SymbolName{"ETHUSDT"}, wire::UserTag{"tag"}};
}

inline wire::Outcome outcome(std::uint64_t record_number, std::uint64_t intent_id, wire::EventKind kind,
                             journal::ReversalKey key) {
  wire::Outcome out{};
  out.record_number = record_number;
  out.intent_id = intent_id;
  out.kind = kind;
  out.position_side = wire::PositionSide::long_side;
  out.flags = kind == wire::EventKind::unknown ? 0 : wire::kTerminal;
  out.result = kind == wire::EventKind::settled ? wire::SettledResult::reversed : wire::SettledResult::none;
  out.written_ns = 1234;
  out.long_before = 30;
  out.order_id = wire::OrderId{"1098394344925597696"};
  if (key.valid()) out.client_oid = journal::render_client_oid(kOidStart, key);
  out.user_tag = wire::UserTag{"tag-0123456789ab"};
  out.account = wire::AccountName{"alpha"};
  out.symbol = wire::SymbolName{"ETHUSDT"};
  return out;
}

/// One life of the gateway, as far as the journal sees it.
struct Run {
  MemoryStorage& storage;
  Settings settings;
  Recovered recovered;
  std::unique_ptr<journal::Journal> open;
  Ns now_ns = 1'000;
  std::uint64_t sequence = 0;

  static std::expected<Run, Error> start(MemoryStorage& storage, const Settings& settings,
                                         std::int64_t unix_seconds = kUnixSeconds) {
    auto recovered = journal::recover(storage, settings, unix_seconds);
    if (!recovered) return std::unexpected(recovered.error());
    auto opened = journal::open_journal(storage, settings, *recovered, 500, kRealOffset_ns);
    if (!opened) return std::unexpected(opened.error());
    return Run{storage, settings, std::move(*recovered), std::move(*opened)};
  }

  journal::Stamp stamp(std::uint16_t lane, std::uint64_t key_sequence = 0) {
    now_ns += 1'000;
    const std::uint32_t epoch = key_sequence == 0 ? 0 : open->epoch();
    return {now_ns, {epoch, lane, key_sequence}, wire::Product::usdt_futures, wire::PositionSide::long_side};
  }
  template <class Body>
  journal::Appended append(const journal::Stamp& at, const Body& body) {
    return open->append(at, body);
  }
  /// Everything that has been appended, on disk.
  void flush() {
    while (open->do_work() != 0) {
    }
  }
};

}  // namespace backhand::test
