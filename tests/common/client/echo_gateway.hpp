// A gateway without a venue: the real attach server and lanes on two threads, and an engine that settles each
// intent at once, a shot when it is fired. What a journal would keep outlives a stop, so that a restart can
// be played.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "common/client/intent_builder.hpp"
#include "common/clock.hpp"
#include "gateway/ingress/attach_server.hpp"
#include "gateway/ingress/lanes.hpp"

namespace backhand::client::test {

inline IntentBuilder reversal(std::uint64_t id) {
  return make_reversal("main", wire::Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side).id(id);
}

class EchoGateway {
 public:
  explicit EchoGateway(std::uint32_t capacity = 64) : capacity_(capacity) {
    char name[] = "/tmp/backhand-test-XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ + "/attach.sock";
    start();
  }
  ~EchoGateway() {
    stop();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// The I/O thread stands still: nothing is taken, attaches wait.
  void freeze(bool frozen) noexcept { frozen_ = frozen; }
  /// Everything that was ever taken, by id; across restarts. While stopped.
  [[nodiscard]] std::vector<std::uint64_t> taken(const std::string& lane) const {
    const auto at = journal_.find(lane);
    return at == journal_.end() ? std::vector<std::uint64_t>{} : at->second.taken;
  }

  void start() {
    ingress::LaneSettings settings;
    settings.max_lanes = 8;
    settings.geometry = {.intent_capacity = capacity_, .outcome_capacity = capacity_};
    settings.max_lanes_of = {8};
    set_ = std::move(*ingress::LaneSet::create(settings));
    std::uint16_t number = 0;
    for (const auto& [name, lane] : journal_) {
      ingress::RestoredLane old;
      old.strategy = StrategyIndex{0};
      old.name = wire::LaneName(name);
      old.lane = LaneIndex{number++};
      old.taken_mark = lane.taken.empty() ? 0 : lane.taken.back();
      old.last_record = lane.records.size();
      old.noted = lane.noted;
      ASSERT_TRUE(set_->restore(old).has_value());
    }
    ingress::AttachSettings access;
    access.path = path_;
    access.strategies = {{"alpha", {}, 1'000}};
    auto server = ingress::AttachServer::listen(access, set_->port());
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
    stop_ = false;
    service_ = std::thread([this] {
      pollfd events{.fd = server_->poll_fd(), .events = POLLIN, .revents = 0};
      while (!stop_) {
        ::poll(&events, 1, 5);
        server_->do_work();
      }
    });
    io_ = std::thread([this] { run_io(); });
  }

  void stop() {
    if (!io_.joinable()) return;
    stop_ = true;
    service_.join();
    io_.join();
    server_.reset();
    for (std::uint16_t i = 0; i < set_->size(); ++i)
      if (set_->known(LaneIndex{i})) lane_of(LaneIndex{i}).noted = set_->noted(LaneIndex{i});
    set_.reset();
    replays_.clear();
  }

 private:
  struct Lane {
    std::vector<std::uint64_t> taken;
    std::vector<wire::Outcome> records;  ///< Record n lies at n - 1.
    std::uint64_t noted = 0;
  };

  void run_io() {
    while (!stop_) {
      if (frozen_) {
        std::this_thread::yield();
        continue;
      }
      std::size_t work = set_->do_work([this](const ingress::LaneChange& change) { on_change(change); });
      work += set_->drain(
          64, [this](LaneIndex lane, const wire::Intent& intent) noexcept { on_intent(lane, intent); });
      work += replay();
      if (work > 0) continue;
      if (set_->prepare_sleep()) {
        pollfd wake{.fd = set_->wake_fd(), .events = POLLIN, .revents = 0};
        ::poll(&wake, 1, replays_.empty() ? 50 : 1);
      }
      set_->cancel_sleep();
    }
  }

  [[nodiscard]] Lane& lane_of(LaneIndex lane) { return journal_[std::string(set_->name(lane).view())]; }

  void on_change(const ingress::LaneChange& change) {
    if (change.kind == ingress::LaneChange::Kind::detached) {
      replays_.erase(change.lane.value);
    } else if (change.cursor < lane_of(change.lane).records.size()) {
      replays_[change.lane.value] = change.cursor;
    }
  }

  void on_intent(LaneIndex index, const wire::Intent& intent) {
    wire::Outcome outcome = outcome_of(intent.id, intent);
    if (intent.id <= set_->taken_mark(index) || intent.reserved != 0) {
      outcome.kind = wire::EventKind::denied;
      outcome.deny_reason =
          intent.reserved != 0 ? wire::DenyReason::malformed : wire::DenyReason::id_not_increasing;
      outcome.flags = wire::kTerminal;
      (void)set_->publish(index, outcome);
      return;
    }
    lane_of(index).taken.push_back(intent.id);
    switch (intent.kind) {
      case wire::IntentKind::arm:
        outcome.kind = wire::EventKind::armed;
        (void)set_->publish(index, outcome);
        return;
      case wire::IntentKind::reverse:
      case wire::IntentKind::withdraw:
        outcome.kind = wire::EventKind::queued;
        (void)set_->publish(index, outcome);
        break;
      case wire::IntentKind::fire:
        end_shot(index, intent, wire::DenyReason::none);
        break;
      case wire::IntentKind::disarm:
        end_shot(index, intent, wire::DenyReason::withdrawn);
        set_->close_intent(index);  // The shot's event says that it was done.
        return;
    }
    outcome.kind = wire::EventKind::settled;
    outcome.result = wire::SettledResult::reversed;
    outcome.flags = wire::kTerminal | wire::kHasPositions;
    outcome.position_scale = 2;
    outcome.long_before = 150;
    outcome.short_after = 150;
    record(index, outcome);
  }

  /// Whatever target an intent names is taken for a shot that is armed.
  void end_shot(LaneIndex index, const wire::Intent& intent, wire::DenyReason reason) {
    wire::Outcome outcome = outcome_of(intent.target_id, intent);
    outcome.kind = wire::EventKind::disarmed;
    outcome.deny_reason = reason;
    outcome.flags = wire::kTerminal;
    record(index, outcome);
  }

  [[nodiscard]] static wire::Outcome outcome_of(std::uint64_t id, const wire::Intent& intent) {
    wire::Outcome outcome{};
    outcome.intent_id = id;
    outcome.user_tag = intent.user_tag;
    outcome.created_ns = intent.created_ns;
    outcome.taken_ns = monotonic_now();
    outcome.published_ns = outcome.taken_ns;
    return outcome;
  }

  void record(LaneIndex index, wire::Outcome& outcome) {
    Lane& lane = lane_of(index);
    outcome.record_number = lane.records.size() + 1;
    lane.records.push_back(outcome);
    if (replays_.contains(index.value)) {
      set_->close_intent(index);  // Its terminal event is told in the replay's order.
    } else {
      (void)set_->publish(index, outcome);
    }
  }

  std::size_t replay() {
    std::size_t told = 0;
    for (auto at = replays_.begin(); at != replays_.end();) {
      const std::vector<wire::Outcome>& records = lane_of(LaneIndex{at->first}).records;
      bool room = true;
      while (room && at->second < records.size()) {
        wire::Outcome outcome = records[at->second];
        outcome.flags |= wire::kReplayed;
        room = set_->offer(LaneIndex{at->first}, outcome) == ingress::PublishResult::ok;
        if (room) ++at->second, ++told;
      }
      at = at->second == records.size() ? replays_.erase(at) : std::next(at);
    }
    return told;
  }

  const std::uint32_t capacity_;
  std::string directory_;
  std::string path_;
  std::map<std::string, Lane> journal_;  ///< Of the I/O thread while it runs.
  std::map<std::uint16_t, std::uint64_t> replays_;
  std::unique_ptr<ingress::LaneSet> set_;
  std::unique_ptr<ingress::AttachServer> server_;
  std::thread service_;
  std::thread io_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> frozen_{false};
};

}  // namespace backhand::client::test
