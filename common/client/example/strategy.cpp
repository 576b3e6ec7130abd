// backhand-example: a whole strategy. It reverses one position and prints what became of it.
//   backhand-example ATTACH_SOCKET STRATEGY ACCOUNT SYMBOL long|short [SIZE]
#include <cstdio>
#include <string>
#include <string_view>

#include "common/client/session.hpp"
#include "common/wire/names.hpp"

using namespace backhand;
using namespace std::chrono_literals;

namespace {

/// Tells one event; true where it was the intent's last.
bool tell(const wire::Outcome& outcome, std::uint64_t id) {
  if (outcome.intent_id != id || outcome.kind == wire::EventKind::notice) return false;
  std::string line = "  " + std::string{wire::to_string(outcome.kind)};
  if (outcome.kind == wire::EventKind::denied)
    line += ": " + std::string{wire::to_string(outcome.deny_reason)};
  if (outcome.kind == wire::EventKind::settled) line += ": " + std::string{wire::to_string(outcome.result)};
  if (outcome.replied_ns != 0) {
    line += "   intent → wire " + std::to_string((outcome.written_ns - outcome.created_ns) / 1'000) +
            " µs, wire → reply " + std::to_string((outcome.replied_ns - outcome.written_ns) / 1'000) + " µs";
  }
  std::puts(line.c_str());
  return wire::is_terminal(outcome);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: backhand-example ATTACH_SOCKET STRATEGY ACCOUNT SYMBOL long|short [SIZE]\n");
    return 2;
  }
  auto session = client::Session::attach(argv[1], argv[2], "example");
  if (!session) {
    std::fprintf(stderr, "%s\n", session.error().message.c_str());
    return 2;
  }
  const auto held = wire::from_string<wire::PositionSide>(argv[5]);
  if (!held) {
    std::fprintf(stderr, "the position is long or short, not %s\n", argv[5]);
    return 2;
  }
  const std::uint64_t id = session->next_id();
  auto intent = client::make_reversal(argv[3], wire::Product::usdt_futures, argv[4], *held).id(id).within(2s);
  if (argc > 6) intent.size(argv[6]);
  std::printf("%s: reverse %s %s on %s\n", argv[2], argv[5], argv[4], argv[3]);
  if (session->push(intent) != client::PushResult::ok) return 1;
  bool done = false;
  while (!done) {
    session->poll([&](const wire::Outcome& outcome) { done = tell(outcome, id) || done; });
    if (!done && session->wait(180s) == client::WaitResult::timed_out) return 1;
  }
  return 0;
}
