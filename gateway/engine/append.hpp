// How the engine records: for its own files. Where a record is made on the way to the wire, this is inlined
// there, so that its instructions lie with the others of the way.
#pragma once

#include "gateway/engine/engine.hpp"

namespace backhand::engine {

template <journal::JournalBody Body>
journal::Appended Engine::append(const OpenReversal& r, const Body& body, Ns now) noexcept {
  journal::ReversalKey key = r.key;
  key.lane = r.lane.value;
  const journal::Stamp stamp{now, key, r.intent.product, r.intent.position_side};
  const journal::Appended appended = ports_.journal.append(stamp, body);
  note_appended(appended, now);
  return appended;
}

}  // namespace backhand::engine
