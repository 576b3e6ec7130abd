// Reserved connections: one request encrypted ahead, and then that record or nothing.
#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "gateway/net/connection.hpp"
#include "gateway/net/pool.hpp"

namespace backhand::net {

std::optional<Reservation> Pool::reserve(Ns now) noexcept {
  const auto reserved = std::ranges::count_if(connections_, [](const auto& connection) {
    return connection->established() && connection->notes.reserve != ReserveState::none;
  });
  // The lookup's rule, that the last free one stays, but the trade's choice: a shot should have the best. One
  // more than there may be sealed shots, so that a seal is renewed before the old one goes.
  if (settings_.connections < 2 || !can_send(RequestClass::lookup, now) ||
      reserved > static_cast<std::ptrdiff_t>(settings_.connections)) {
    return std::nullopt;
  }
  Connection* connection = pick(RequestClass::trade, now);
  connection->notes.reserve = ReserveState::reserved;
  count_ready();
  tell_later("a connection was reserved", now);
  return Reservation{connection->place(), connection->notes.generation};
}

BH_ON_PATH Connection* Pool::find(Reservation reservation) const noexcept {
  if (reservation.connection >= connections_.size()) return nullptr;
  Connection* connection = connections_[reservation.connection].get();
  const bool held = connection->established() && connection->notes.generation == reservation.generation &&
                    connection->notes.reserve != ReserveState::none;
  return held ? connection : nullptr;
}

bool Pool::holds(Reservation reservation) const noexcept { return find(reservation) != nullptr; }

bool Pool::seal(Reservation reservation, std::span<const char> bytes) noexcept {
  BH_ASSERT(!bytes.empty() && bytes.size() <= kMaxRequestBytes);
  Connection* connection = find(reservation);
  if (connection == nullptr) return false;
  BH_ASSERT(connection->notes.reserve == ReserveState::reserved);
  if (!connection->encrypt(bytes)) {
    abandon(*connection);
    return false;
  }
  connection->notes.reserve = ReserveState::sealed;
  return true;
}

BH_ON_PATH WriteResult Pool::fire(Reservation reservation, RequestToken token, Ns deadline_ns, Ns) noexcept {
  Connection* connection = find(reservation);
  if (connection == nullptr) return {};
  BH_ASSERT(connection->notes.reserve == ReserveState::sealed);
  const WriteResult result = push(*connection, token, RequestClass::trade, deadline_ns);
  count_ready();
  if (result.status == WriteStatus::written) tell_later("a reserved connection was fired", result.written_ns);
  return result;
}

void Pool::expect(Reservation reservation) const noexcept {
  if (const Connection* connection = find(reservation); connection != nullptr) connection->expect();
}

void Pool::spoil(Reservation reservation, Ns) noexcept {
  if (Connection* connection = find(reservation); connection != nullptr) abandon(*connection);
}

}  // namespace backhand::net
