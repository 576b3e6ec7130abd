// One strategy process behind one lane: makes intents of all kinds, good and bad, polls its outcomes, dies,
// stalls and comes back.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/simulation/context.hpp"
#include "tests/simulation/lanes.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::simulation {

class SimStrategy {
 public:
  SimStrategy(Context& context, const Plan& plan, std::uint16_t number, SimLanes& lanes, Ledger& ledger,
              venue::Exchange& venue);

  /// Makes and pushes one intent, if it is attached.
  void act();
  void poll();
  /// What is due after a turn of the gateway's: polls, notices its death, attaches again.
  void look_after(bool gateway_serves);

  void die(Ns until);
  void stall(Ns until);
  void reattach_from_start();
  /// Its machine lost power: all that it knew is gone.
  void forget();
  void finish();
  [[nodiscard]] bool at_rest() const;

 private:
  [[nodiscard]] wire::Intent make_intent();
  /// Arms a shot, or fires or drops one that is armed.
  void act_on_shots();
  void choose_position(wire::Intent& intent);
  void spoil(wire::Intent& intent, Ns& deadline);
  void push(wire::Intent intent, Ns deadline);
  void lose_attachment();

  Context& context_;
  const Plan& plan_;
  std::uint16_t number_;
  SimLanes& lanes_;
  Ledger& ledger_;
  venue::Exchange& venue_;
  std::vector<wire::Intent> armed_;  ///< Shots that it was told are armed, by their arms.
  std::uint64_t next_id_ = 1;
  bool died_ = false;  ///< The next attach is a new process's.
  std::uint64_t cursor_ = 0;
  std::uint32_t attachment_ = 0;  ///< 0: none.
  Ns stalled_until_ = 0;
  Ns away_until_ = 0;
  bool poll_planned_ = false;
};

}  // namespace backhand::simulation
