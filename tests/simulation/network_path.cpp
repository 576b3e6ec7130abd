// What becomes of a request on its way to the venue, and of the reply on its way back.
#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "common/assert.hpp"
#include "tests/simulation/network.hpp"

namespace backhand::simulation {

namespace {

constexpr std::array<std::string_view, 16> kFateNames{
    "",
    "net_reset_before_arrival",
    "net_reset_after_arrival",
    "net_closed_before_arrival",
    "net_closed_after_arrival",
    "net_request_lost",
    "net_reply_lost",
    "net_request_late",
    "net_request_very_late",
    "net_reply_late",
    "net_one_byte_slices",
    "net_truncated_reply",
    "net_duplicated_reply",
    "net_swapped_replies",
    "net_garbage_reply",
    "net_interim_reply",
};

}  // namespace

namespace {

/// How long a reply to be swapped waits for its partner.
constexpr Ns kHold = 200 * kMillisecond;

}  // namespace

Ns Network::path_delay() { return context_.random.heavy(plan_.one_way, plan_.jitter_most); }

Network::Fate Network::draw_fate(Kind kind) {
  if (!context_.faults_on || kind == Kind::ping || kind == Kind::check ||
      !context_.random.chance(plan_.network_fault))
    return Fate::fine;
  const auto fate = static_cast<Fate>(context_.random.between(1, kFateNames.size() - 1));
  // TLS gives a reply to whom it belongs; only what stands before the venue's own servers can mix replies up,
  // and an answer to a look-up names nobody.
  if (fate == Fate::swapped && kind != Kind::reversal) return Fate::reply_late;
  return fate;
}

void Network::write(std::uint16_t place, std::string_view bytes, Kind kind) {
  context_.digest.add(std::as_bytes(std::span{bytes}));
  Connection& connection = connections_[place];
  BH_ASSERT(connection.exchange != nullptr);
  connection.exchange->begin();
  connection.request = bytes;
  connection.kind = kind;
  connection.readable = 0;
  Flight flight;
  flight.connection = place;
  flight.generation = connection.generation;
  flight.bytes = bytes;
  flight.kind = kind;
  flight.fate = draw_fate(kind);
  flight.process = process_;
  if (flight.fate != Fate::fine && flight.fate != Fate::swapped)
    context_.fire(kFateNames[static_cast<std::size_t>(flight.fate)]);
  if (draw_extra()) extra_at_write(flight);
  if (connection.stalled) return;
  Ns delay = path_delay();
  switch (flight.fate) {
    case Fate::reset_before:
      end_stream(flight, delay, true);
      return;
    case Fate::closed_before:
      end_stream(flight, delay, false);
      return;
    case Fate::request_lost:
      connection.stalled = true;
      return;
    case Fate::request_late:
      delay += context_.random.between(100, 3'000) * kMillisecond;
      break;
    case Fate::request_very_late:
      delay += context_.random.between(3'000, 70'000) * kMillisecond;
      break;
    default:
      break;
  }
  delay = std::max(delay, connection.last_arrival - context_.now());
  connection.last_arrival = context_.now() + delay;
  last_arrival_ = std::max(last_arrival_, context_.now() + delay);
  context_.after(delay, [this, flight] { arrive(flight); });
}

void Network::note_arrival(const Flight& flight) {
  // Pacing assumes that a request arrives, if at all, by the end of the hold that follows its loss.
  const Ns hold = static_cast<Ns>(plan_.config.pacing.no_reply_hold_ms) * kMillisecond;
  const auto ended = ended_at_.find({flight.connection, flight.generation});
  if (ended != ended_at_.end() && context_.now() > ended->second + hold) beyond_assumption_ = true;
  if (flight.process != process_ && context_.now() > process_began_ + hold) beyond_assumption_ = true;
}

void Network::arrive(const Flight& flight) {
  if (context_.now() < outage_until_) return;
  note_arrival(flight);
  venue::HttpRequest request;
  std::size_t used = 0;
  const venue::ParseStatus parsed = venue::parse_request(flight.bytes, request, used);
  BH_ASSERT(parsed == venue::ParseStatus::complete && used == flight.bytes.size());
  venue::HttpResponse response = venue_.handle(request, context_.clocks.venue(), "10.0.0.1");
  if (context_.now() < blind_until_ && request.target.find("all-position") != std::string::npos) {
    response.status = 502;
    response.json = false;
    response.body = "<html>Bad gateway</html>";
  }
  const bool is_reversal = flight.kind == Kind::reversal;
  if (context_.trace) {
    context_.tell("venue got " + flight.bytes.substr(0, is_reversal ? 0 : flight.bytes.find('\r')) +
                  std::string(client_oid_in(flight.bytes)) + ", says " + std::to_string(response.status) +
                  " " + response.body.substr(0, is_reversal ? 160 : 60));
  }
  answer(flight, response);
}

void Network::answer(const Flight& flight, const venue::HttpResponse& response) {
  Ns delay = response.delay + path_delay();
  std::string bytes = venue::to_http(response);
  note_reply(flight, bytes);
  if (flight.kind == Kind::ping && draw_extra()) spoil_time_of_probe(bytes);
  switch (response.delivery) {
    case venue::Delivery::normal:
      break;
    case venue::Delivery::slices:
      deliver(flight, std::move(bytes), delay, false, true);
      return;
    case venue::Delivery::truncate:
      bytes.resize(bytes.size() / 2);
      deliver(flight, std::move(bytes), delay, true, false);
      return;
    case venue::Delivery::close:
      end_stream(flight, delay, false);
      return;
    case venue::Delivery::reset:
      end_stream(flight, delay, true);
      return;
    case venue::Delivery::stall:
      stall(flight);
      return;
  }
  const bool names_order =
      flight.kind == Kind::reversal && bytes.find("clientOid") != std::string::npos && response.status == 200;
  if (names_order && held_ && held_->connection != flight.connection) {
    context_.fire("net_swapped_replies");
    const Flight other = *std::exchange(held_, std::nullopt);
    deliver(other, std::move(bytes), delay, false, false);
    deliver(flight, std::exchange(held_reply_, {}), delay, false, false);
    return;
  }
  switch (flight.fate) {
    case Fate::reset_after:
      end_stream(flight, delay, true);
      return;
    case Fate::closed_after:
      end_stream(flight, delay, false);
      return;
    case Fate::reply_lost:
      stall(flight);
      return;
    case Fate::reply_late:
      delay += context_.random.between(100, 6'000) * kMillisecond;
      break;
    case Fate::slices:
      deliver(flight, std::move(bytes), delay, false, true);
      return;
    case Fate::truncated:
      bytes.resize(static_cast<std::size_t>(context_.random.below(bytes.size())));
      deliver(flight, std::move(bytes), delay, true, false);
      return;
    case Fate::duplicated:
      // The second copy may meet the next request on that connection. Where it names its order it can be told
      // from that one's answer; a stream that goes on after that, one answer behind for ever, nobody could
      // tell.
      if (names_order && context_.random.chance(0.5)) {
        deliver(flight, bytes, delay + context_.random.between(1, 50) * kMillisecond, true, false);
      } else {
        bytes += std::string{bytes};
      }
      break;
    case Fate::garbage:
      // Bytes that were changed TLS refuses; what it cannot see is a body cut off where the framing still
      // holds.
      bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"code\":\"";
      break;
    case Fate::interim:
      bytes.insert(0, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
      break;
    case Fate::swapped:
      if (!held_ && names_order) {
        held_ = flight;
        held_reply_ = std::move(bytes);
        context_.after(kHold, [this] { release_held(); });
        // What is written behind it on its connection is answered behind it.
        Connection& sender = connections_[flight.connection];
        if (sender.generation == flight.generation)
          sender.last_reply = std::max(sender.last_reply, context_.now() + kHold);
        return;
      }
      break;
    default:
      break;
  }
  if (flight.kind != Kind::ping && flight.kind != Kind::check && draw_extra())
    extra_at_answer(flight, bytes, delay);
  deliver(flight, std::move(bytes), delay, false, false);
}

/// Whatever else is written on its connection has no reply either: a stream has no gaps.
void Network::stall(const Flight& flight) {
  Connection& connection = connections_[flight.connection];
  if (connection.generation == flight.generation) connection.stalled = true;
}

void Network::release_held() {
  if (!held_) return;
  const Flight flight = *std::exchange(held_, std::nullopt);
  deliver(flight, std::exchange(held_reply_, {}), 0, false, false);
}

void Network::deliver(const Flight& flight, std::string bytes, Ns delay, bool ends, bool one_by_one) {
  Connection& sender = connections_[flight.connection];
  if (sender.generation == flight.generation) {
    if (sender.stalled) return;
    delay = std::max(delay, sender.last_reply - context_.now());
    sender.last_reply = context_.now() + delay;
    sender.stalled = ends;
  }
  context_.after(delay, [this, place = flight.connection, generation = flight.generation,
                         text = std::move(bytes), ends, one_by_one] {
    Connection& connection = connections_[place];
    if (connection.generation != generation || connection.state == State::closed) return;
    connection.inbox += text;
    connection.one_by_one = connection.one_by_one || one_by_one;
    connection.ended = connection.ended || ends;
  });
}

void Network::end_stream(const Flight& flight, Ns delay, bool reset) {
  stall(flight);  // Whoever ends a connection answers nothing more on it.
  context_.after(delay, [this, place = flight.connection, generation = flight.generation, reset] {
    Connection& connection = connections_[place];
    if (connection.generation != generation) return;
    (reset ? connection.reset : connection.ended) = true;
  });
}

void Network::begin_outage(Ns until) { outage_until_ = std::max(outage_until_, until); }

void Network::end_idle_connection() {
  for (Connection& connection : connections_) {
    if (connection.state != State::ready) continue;
    if (context_.random.chance(0.5)) {
      context_.fire("net_idle_close");
      connection.ended = true;
    } else {
      context_.fire("net_unsolicited_bytes");
      connection.inbox += "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    }
    return;
  }
}

void Network::plan_venue_fault(std::string_view client_oid) {
  if (!context_.faults_on || !context_.random.chance(plan_.venue_fault)) return;
  const std::vector<std::string_view> names = venue::fault_names();
  std::string_view name = names[static_cast<std::size_t>(context_.random.below(names.size()))];
  // Ten megabytes are no quick reply to make.
  if (name == "oversize_after" && context_.random.chance(0.95)) name = "truncated_after";
  venue::Fault fault = *venue::named_fault(name);
  fault.name = "venue_" + std::string(name);
  fault.client_oid = client_oid;
  // All delays together stay within the grace.
  const Ns longest = static_cast<Ns>(plan_.config.venue.execution_grace_ms) * kMillisecond / 5;
  fault.created_delay_ns = std::min(fault.created_delay_ns, longest);
  fault.filled_delay_ns = std::min(fault.filled_delay_ns, longest);
  fault.leg_gap_ns = std::min(fault.leg_gap_ns, longest);
  if (name == "partial_margin") fault.open_limit = Decimal{1, 1};
  venue_.add_fault(std::move(fault));
}

void Network::plan_lookup_fault() {
  if (!context_.faults_on || !context_.random.chance(plan_.lookup_fault)) return;
  venue::Fault fault;
  fault.path = "*";
  switch (context_.random.below(7)) {
    case 0:
      fault.name = "lookup_server_error";
      fault.answer = venue::Answer::server_error;
      break;
    case 1:
      fault.name = "lookup_not_json";
      fault.answer = venue::Answer::not_json;
      break;
    case 2:
      fault.name = "lookup_bare_429";
      fault.answer = venue::Answer::server_error;
      fault.status = 429;
      break;
    case 3:
      fault.name = "lookup_stalled";
      fault.delivery = venue::Delivery::stall;
      break;
    case 4:
      fault.name = "lookup_truncated";
      fault.delivery = venue::Delivery::truncate;
      break;
    case 5:
      // A page of positions of another account would be believed: nothing in it says whose it is.
      fault.name = "lookup_of_other_account";
      fault.answer = venue::Answer::other_account;
      showed_other_account_ = true;
      ledger_.note_other_account_shown();
      fault.path =
          context_.random.chance(0.6) ? "/api/v2/mix/order/orders-history" : "/api/v2/mix/order/detail";
      venue_.add_fault(std::move(fault));
      return;
    default:
      fault.name = "lookup_late";
      fault.reply_delay_ns = context_.random.between(100, 4'000) * kMillisecond;
      break;
  }
  static constexpr std::array<std::string_view, 4> kPaths{
      "/api/v2/mix/position/all-position", "/api/v2/mix/order/orders-history", "/api/v2/mix/order/detail",
      "/api/v2/mix/account/account"};
  fault.path = kPaths[static_cast<std::size_t>(context_.random.below(kPaths.size()))];
  venue_.add_fault(std::move(fault));
}

}  // namespace backhand::simulation
