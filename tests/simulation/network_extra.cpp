// One reply too many: well-formed, at a time and with a time of its own choice, from nobody knows where.
// Whatever stands between a gateway and its venue may send one; the next reply is then taken for the next
// request's.
#include <algorithm>
#include <array>
#include <cctype>

#include "tests/simulation/network.hpp"

namespace backhand::simulation {

namespace {

/// The digits behind `name` in `bytes`: where they begin and how many there are.
std::pair<std::size_t, std::size_t> digits_behind(std::string_view bytes, std::string_view name) {
  const std::size_t at = bytes.find(name);
  if (at == std::string_view::npos) return {at, 0};
  const std::size_t begin = at + name.size();
  std::size_t end = begin;
  while (end < bytes.size() && std::isdigit(static_cast<unsigned char>(bytes[end])) != 0) ++end;
  return {begin, end - begin};
}

/// Writes another time of as many digits, so that the framing holds.
void set_time(std::string& bytes, std::string_view name, Ns venue_ns) {
  const auto [begin, count] = digits_behind(bytes, name);
  const std::string text = std::to_string(venue_ns / kMillisecond);
  if (count == text.size()) bytes.replace(begin, count, text);
}

std::string value_of(std::string_view request, std::string_view header) {
  const std::size_t at = request.find(header);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + header.size();
  return std::string(request.substr(begin, request.find('\r', begin) - begin));
}

/// "GET /path" of a request, without the question mark and what follows.
std::string path_of(std::string_view request) {
  return std::string(request.substr(0, std::min(request.find('?'), request.find(" HTTP/"))));
}

constexpr std::string_view kRequestTime = R"("requestTime":)";
constexpr std::string_view kServerTime = R"("serverTime":")";
constexpr std::string_view kKey = "ACCESS-KEY: ";

}  // namespace

bool Network::draw_extra() const { return context_.faults_on && context_.random.chance(plan_.extra_reply); }

void Network::note_reply(const Flight& flight, const std::string& bytes) {
  if (flight.kind == Kind::reversal && bytes.find("orderId") != std::string::npos) last_ack_ = bytes;
  if (flight.kind != Kind::lookup) return;
  const std::string path = path_of(flight.bytes);
  last_lookup_[path] = bytes;
  last_asker_[path] = value_of(flight.bytes, kKey);
}

std::string Network::extra_reply(const Flight& flight, bool may_be_lookup) {
  Random& random = context_.random;
  const Ns venue = context_.clocks.venue();
  // Definite, doubtful, ambiguous and unlisted ones.
  static constexpr std::array<std::string_view, 10> kCodes{"40037", "40009", "40008", "40020", "429",
                                                           "45107", "40774", "22002", "45001", "99999"};
  const std::string path = path_of(flight.bytes);
  const auto lookup = last_lookup_.find(path);
  const bool of_another = lookup != last_lookup_.end() && last_asker_[path] != value_of(flight.bytes, kKey);
  std::string bytes;
  if (may_be_lookup && of_another && random.chance(0.7)) {
    context_.fire("net_extra_lookup_of_another");
    bytes = lookup->second;
  } else if (!last_ack_.empty() && random.chance(0.2)) {
    context_.fire("net_extra_yes");
    bytes = last_ack_;
  } else {
    context_.fire("net_extra_no");
    const std::string_view code = kCodes[static_cast<std::size_t>(random.below(kCodes.size()))];
    venue::HttpResponse no;
    no.status = random.chance(0.8) ? 400 : 200;
    no.chunked = random.chance(0.5);
    no.body = "{\"code\":\"" + std::string(code) + R"(","msg":"no","requestTime":)" +
              std::to_string(venue / kMillisecond) + R"(,"data":null})";
    bytes = venue::to_http(no);
  }
  Ns time = venue;
  if (random.chance(0.3)) {
    context_.fire("net_extra_wrong_time");
    const Ns off = random.between(1, 600) * kSecond;
    time += random.chance(0.5) ? off : -off;
  }
  set_time(bytes, kRequestTime, time);
  return bytes;
}

void Network::put(std::uint16_t place, std::uint32_t generation, Ns delay, std::string bytes) {
  context_.after(delay, [this, place, generation, text = std::move(bytes)] {
    Connection& connection = connections_[place];
    if (connection.generation == generation && connection.state != State::closed) connection.inbox += text;
  });
}

/// Lies unread in the socket when the request is written, or comes a little later.
void Network::extra_at_write(const Flight& flight) {
  if (flight.kind == Kind::ping || flight.kind == Kind::check) return;
  Random& random = context_.random;
  if (random.chance(0.5)) {
    context_.fire("net_extra_lies_there");
    // A process that is stopped just then reads it too late to see that it lay there.
    const bool may_be_lookup = flight.kind == Kind::lookup && plan_.pauses == 0;
    connections_[flight.connection].inbox += extra_reply(flight, may_be_lookup);
    return;
  }
  context_.fire("net_extra_ahead");
  put(flight.connection, flight.generation, random.between(0, 20'000) * kMicrosecond,
      extra_reply(flight, false));
}

void Network::extra_at_answer(const Flight& flight, std::string& bytes, Ns delay) {
  Random& random = context_.random;
  switch (random.below(4)) {
    case 0:
      context_.fire("net_extra_in_front");
      bytes.insert(0, extra_reply(flight, flight.kind == Kind::lookup));
      return;
    case 1:
      context_.fire("net_extra_behind");
      bytes += extra_reply(flight, flight.kind == Kind::lookup);
      return;
    case 2: {
      // Of a look-up's, by less than the pool holds its reply: what comes earlier nobody could tell.
      context_.fire("net_extra_ahead");
      const Ns ahead = flight.kind == Kind::lookup ? 1'900 * kMicrosecond : delay;
      put(flight.connection, flight.generation, std::max<Ns>(0, delay - random.between(0, ahead)),
          extra_reply(flight, flight.kind == Kind::lookup));
      return;
    }
    default:
      // Meets an idle connection, or the next request on it.
      context_.fire("net_extra_late");
      put(flight.connection, flight.generation, delay + random.between(1, 50) * kMillisecond,
          extra_reply(flight, false));
      return;
  }
}

/// A probe's reply names itself, but its time may be anybody's.
void Network::spoil_time_of_probe(std::string& bytes) {
  context_.fire("net_probe_wrong_time");
  const Ns off = context_.random.between(1, 600) * kSecond;
  set_time(bytes, kServerTime, context_.clocks.venue() + (context_.random.chance(0.5) ? off : -off));
}

}  // namespace backhand::simulation
