// The gateway is killed, its disk fails or the machine loses power at every single step of the journal's
// work, and a start must find what had been promised: nothing less, and nothing that was never appended.
#include <optional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/gateway/journal/history.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"
#include "tests/gateway/journal/state_compare.hpp"

namespace backhand::journal {
namespace {

using test::History;
using test::Killed;
using test::MemoryStorage;
using test::Run;

/// Lives of one gateway on one disk, with the model of what each start must find.
class Lives {
 public:
  Lives(std::uint64_t seed, const Settings& settings)
      : settings_{settings}, history_{seed, settings.keep_outcomes}, coin_{seed} {}

  /// One life of `steps` appends with the disk's work in between. False where the plan ended it; where that
  /// was before it could append, what the life before it left is still what counts.
  bool live(int steps, bool stop_cleanly) {
    run_.reset();
    try {
      return live_on(steps, stop_cleanly);
    } catch (const Killed&) {
      return false;
    }
  }

  /// The process ends where it is; returns what a start then finds wrong, empty where all is as promised.
  std::string end(bool power_loss) {
    run_.reset();
    storage_.clear_plan();
    if (power_loss)
      storage_.lose_power([this] { return (coin_() & 1U) != 0; });
    else
      storage_.kill_process();
    rebooted_ = rebooted_ || power_loss;
    const auto found = recover(storage_, settings_, kClock);
    if (!found) return "a lawful end was refused: " + found.error().message;
    std::string wrong;
    const auto demand = [&](bool right, const std::string& what) {
      if (!right) wrong += what + '\n';
    };
    const std::string numbers = " (next " + std::to_string(found->next_number) + ", appended up to " +
                                std::to_string(history_.next_number()) + ", durable up to " +
                                std::to_string(durable_) + ')';
    demand(found->epoch > last_epoch_, "an epoch is used twice");
    if (settings_.durability == Durability::process && !rebooted_) {
      demand(found->next_number >= history_.next_number(), "an appended record did not survive" + numbers);
      demand(found->tail == TailLoss::none, "a loss where none is: " + found->tail_reason);
    }
    demand(found->next_number > durable_, "a durable record is gone" + numbers);
    demand(found->next_number <= history_.next_number() + marks_, "a record that nobody appended" + numbers);
    const std::string state = test::describe(found->state, false);
    const std::string expected = history_.state_at(found->next_number);
    demand(state == expected, test::first_difference(state, expected));
    const bool ran = found->state.epoch != 0;
    if (ran && found->state.clean_stop) {
      demand(stopping_, "a clean stop that was none");
      demand(found->tail == TailLoss::none, "a loss after a clean stop: " + found->tail_reason);
    } else if (ran && power_loss) {
      demand(found->must_block_all(), "a power loss that goes unnoticed");
    }
    history_.cut(found->next_number);
    return wrong;
  }

  MemoryStorage& storage() { return storage_; }

 private:
  static constexpr std::int64_t kClock = test::kUnixSeconds;

  bool live_on(int steps, bool stop_cleanly) {
    ++marks_;
    auto started = Run::start(storage_, settings_, kClock);
    if (!started) return false;
    stopping_ = false;
    rebooted_ = false;
    marks_ = 0;
    run_.emplace(std::move(*started));
    last_epoch_ = run_->open->epoch();
    // The state that it goes on from has its own `started` on top.
    history_.resume(run_->recovered.state, run_->recovered.next_number + 1);
    durable_ = run_->recovered.next_number;
    for (int i = 0; i < steps; ++i) {
      if (!history_.step(*run_->open)) return false;
      if (history_.random()() % 4 == 0) {
        durable_ += run_->open->do_work();
        if (!run_->open->failure().empty()) return false;
      }
      if (settings_.durability == Durability::power) {
        EXPECT_GE(run_->open->durable_number(), durable_);
        durable_ = run_->open->durable_number();
      }
    }
    if (stop_cleanly) {
      stopping_ = true;
      ++marks_;
      if (!run_->open->close(1'000'000, 0)) return false;
      durable_ = history_.next_number();
    }
    return true;
  }

  Settings settings_;
  MemoryStorage storage_;
  History history_;
  std::mt19937_64 coin_;
  std::optional<Run> run_;
  std::uint64_t durable_ = 0;
  std::uint32_t last_epoch_ = 0;
  bool stopping_ = false;
  bool rebooted_ = false;    // Since the last life that could append.
  std::uint64_t marks_ = 0;  // `started` and `stopped` that may follow what the history appended.
};

Settings crash_settings(Durability durability) {
  Settings settings = test::small_settings(durability);
  settings.segment_records = 96;
  return settings;
}

struct Case {
  Durability durability;
  const char* name;
  bool power_loss;
  MemoryStorage::Fault fault;
};

class Crash : public ::testing::TestWithParam<Case> {};

// A first life fills more than a segment, the second meets the fault at operation n, the third goes on. n
// runs until the second life is through without having met it.
TEST_P(Crash, AtEveryStepOfALife) {
  const Case& c = GetParam();
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const bool clean_before = seed % 2 == 0;
    for (std::uint64_t n = 0;; ++n) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(n));
      Lives lives{seed, crash_settings(c.durability)};
      ASSERT_TRUE(lives.live(60, clean_before));
      ASSERT_EQ(lives.end(false), "");
      bool met = false;
      lives.storage().restart_count();
      lives.storage().set_plan([&](std::uint64_t number, MemoryStorage::Operation, const std::string&) {
        if (number != n) return MemoryStorage::Fault{};
        met = true;
        auto fault = c.fault;
        if (fault.torn) fault.torn = (seed * 7919 + n * 131) % 1500;
        return fault;
      });
      lives.live(60, !clean_before);
      ASSERT_EQ(lives.end(c.power_loss), "");
      ASSERT_TRUE(lives.live(30, false)) << "a start after the fault";
      ASSERT_EQ(lives.end(false), "");
      if (!met) {
        EXPECT_GT(n, 30U) << "the life had hardly a step to fail at";
        break;
      }
    }
  }
}

// Two faults in a row: the start that repairs what the first one left meets the second.
TEST_P(Crash, AtEveryStepOfTheRepair) {
  const Case& c = GetParam();
  for (std::uint64_t first = 20; first < 60; first += 6) {
    for (std::uint64_t second = 0;; ++second) {
      SCOPED_TRACE("operation " + std::to_string(first) + ", then " + std::to_string(second));
      Lives lives{first, crash_settings(c.durability)};
      ASSERT_TRUE(lives.live(40, false));
      ASSERT_EQ(lives.end(false), "");
      bool met = false;
      for (const std::uint64_t n : {first, second}) {
        met = false;
        lives.storage().restart_count();
        lives.storage().set_plan([&, n](std::uint64_t number, MemoryStorage::Operation, const std::string&) {
          if (number != n) return MemoryStorage::Fault{};
          met = true;
          auto fault = c.fault;
          if (fault.torn) fault.torn = (first * 7919 + n * 131) % 1500;
          return fault;
        });
        lives.live(5, false);
        ASSERT_EQ(lives.end(c.power_loss), "");
      }
      if (!met) break;
    }
  }
}

constexpr MemoryStorage::Fault kKill{.kill = true};
constexpr MemoryStorage::Fault kTorn{.kill = true, .torn = 1};
constexpr MemoryStorage::Fault kIoError{.fail = EIO};
constexpr MemoryStorage::Fault kNoSpace{.fail = ENOSPC};
constexpr MemoryStorage::Fault kShort{.short_write = true};

INSTANTIATE_TEST_SUITE_P(
    Journal, Crash,
    ::testing::Values(Case{Durability::process, "process_killed", false, kKill},
                      Case{Durability::process, "process_killed_in_a_write", false, kTorn},
                      Case{Durability::process, "process_io_error", false, kIoError},
                      Case{Durability::process, "process_no_space", false, kNoSpace},
                      Case{Durability::process, "process_short_write", false, kShort},
                      Case{Durability::process, "process_power_loss", true, kKill},
                      Case{Durability::process, "process_power_loss_in_a_write", true, kTorn},
                      Case{Durability::power, "power_killed", false, kKill},
                      Case{Durability::power, "power_killed_in_a_write", false, kTorn},
                      Case{Durability::power, "power_io_error", false, kIoError},
                      Case{Durability::power, "power_short_write", false, kShort},
                      Case{Durability::power, "power_power_loss", true, kKill},
                      Case{Durability::power, "power_power_loss_in_a_write", true, kTorn},
                      Case{Durability::power, "power_io_error_then_power_loss", true, kIoError}),
    [](const auto& about) { return std::string{about.param.name}; });

// Long random lives with random ends, both durabilities, against the model.
TEST(Journal, RandomLivesMatchTheModel) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed * 977};
    Lives lives{seed, crash_settings(seed % 2 == 0 ? Durability::process : Durability::power)};
    for (int life = 0; life < 6; ++life) {
      const std::uint64_t fatal = random() % 120;
      const std::uint64_t torn = random() % 2000;
      const bool dies = random() % 2 == 0;
      lives.storage().restart_count();
      if (dies) {
        lives.storage().set_plan([&](std::uint64_t number, MemoryStorage::Operation, const std::string&) {
          if (number == fatal) return MemoryStorage::Fault{.kill = true, .torn = torn};
          return MemoryStorage::Fault{.short_write = number % 5 == 0};
        });
      }
      lives.live(static_cast<int>(random() % 200), random() % 3 == 0);
      ASSERT_EQ(lives.end(random() % 2 == 0), "");
    }
  }
}

// The check itself can fail: a disk that says "synced" and has not must be caught by it, soon.
TEST(Journal, ADiskThatLiesAboutSyncingIsCaught) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    int caught_at = 0;
    for (int seed = 1; seed <= 50 && caught_at == 0; ++seed) {
      Lives lives{static_cast<std::uint64_t>(seed), crash_settings(durability)};
      lives.storage().set_plan([](std::uint64_t, MemoryStorage::Operation, const std::string&) {
        return MemoryStorage::Fault{.lie = true};
      });
      lives.live(100, false);
      if (!lives.end(true).empty()) caught_at = seed;
    }
    EXPECT_NE(caught_at, 0) << "the crash tests would not see a lost record";
  }
}

}  // namespace
}  // namespace backhand::journal
