// What one seed's world is like: who trades what with which settings, how the venue answers the questions
// that its pages leave open, and how often which faults strike. Drawn once, from the seed.
#pragma once

#include <cstdint>

#include "gateway/config/config.hpp"
#include "gateway/journal/settings.hpp"
#include "tests/simulation/context.hpp"
#include "tests/venue/model.hpp"
#include "tests/venue/options.hpp"

namespace backhand::simulation {

struct Plan {
  config::Config config;
  journal::Settings journal;
  venue::Options options;
  venue::Scenario scenario;

  Ns span = 0;         ///< Intents come within this time.
  Ns one_way = 0;      ///< Typical delay of the network, one way.
  Ns jitter_most = 0;  ///< No ordinary packet is later than this.

  // Chances, each of one occasion.
  double network_fault = 0;   ///< A request or its reply.
  double venue_fault = 0;     ///< A reversal.
  double lookup_fault = 0;    ///< A look-up.
  double extra_reply = 0;     ///< A request: one reply too many comes on its connection.
  double strategy_fault = 0;  ///< An intent.
  double dial_fault = 0;
  double shots = 0;  ///< An intent arms, fires or disarms a shot.

  // How often in the whole span.
  unsigned kills = 0;
  unsigned pauses = 0;
  unsigned stops = 0;
  unsigned power_losses = 0;
  unsigned storage_faults = 0;
  unsigned journal_strikes = 0;  ///< The state directory is lost, or an older copy comes back.
  unsigned venue_events = 0;     ///< Clock steps, refused keys, closed contracts, short margin.
  unsigned other_trades = 0;
  unsigned strategy_events = 0;  ///< Deaths, stalls, re-attaches.
  unsigned halts = 0;
  unsigned disk_stalls = 0;
  unsigned freezes = 0;
  unsigned outages = 0;
  unsigned blind_spells = 0;  ///< Positions cannot be read for a while.
  unsigned key_strikes = 0;   ///< For a while the key of `key_account` belongs to another UID, the last
                              ///< account of the scenario, which holds the same.
  AccountIndex key_account;

  std::size_t lane_places = 32;  ///< Of each ring.

  /// Evidence may be missing: `unresolved` is a true answer then.
  bool hides_evidence = false;
  bool clocks_apart = false;
  /// The venue's clocks are further apart than the gateway believes.
  bool clocks_beyond = false;
  /// No fault of any kind.
  bool calm = false;
};

[[nodiscard]] Plan draw_plan(Context& context);

}  // namespace backhand::simulation
