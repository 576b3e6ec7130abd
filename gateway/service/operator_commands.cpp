#include "gateway/service/operator_commands.hpp"

#include <algorithm>
#include <atomic>

#include "common/clock.hpp"
#include "common/json_text.hpp"
#include "common/wire/names.hpp"
#include "gateway/service/log.hpp"
#include "gateway/service/status.hpp"

namespace backhand::service {

namespace {

/// How long the reply to a halt waits for the disk to say that the halt will hold.
constexpr Ns kRecordPatience_ns = kSecond;

std::string failure(std::string_view message) {
  return JsonObject{}.flag("ok", false).text("error", message).line();
}

std::string stopping() { return failure("the gateway is stopping"); }

void log_command(std::string_view what, const AdminRequest& request) {
  log(LogLevel::warning, std::string{what} + " by user " + std::to_string(request.uid) +
                             (request.account.empty() ? "" : "; account " + request.account) +
                             (request.reason.empty() ? "" : "; " + request.reason));
}

enum class Marking : int { under_way, done, failed };

}  // namespace

/// A halt whose reply says where it is recorded, once that is known.
struct OperatorCommands::HaltAsked {
  AdminRequest request;
  journal::Appended appended{journal::AppendStatus::failed, 0};  ///< Valid once the command is done.
  Ns in_force_ns = 0;      ///< When it was seen to be in force; 0: not yet.
  Ns marked_ns = 0;        ///< When the markers were begun; 0: the journal may do.
  bool in_memory = false;  ///< The marker in the hot directory is written.
  /// Of the marker on disk. Written by the disk's thread, last of all that it does for it.
  std::shared_ptr<std::atomic<Marking>> on_disk = std::make_shared<std::atomic<Marking>>(Marking::under_way);
};

std::variant<std::string, AdminServer::Later> OperatorCommands::answer(const AdminRequest& request) {
  if (request.command == "status") return status();
  if (request.command == "resolve") return resolve(request);
  if (request.command != "halt" && request.command != "resume")
    return failure("unknown command \"" + request.command + "\"; known are status, halt, resume, resolve");
  const AccountIndex account = parts_.config.account_named(request.account);
  if (!request.account.empty() && !account.valid())
    return failure("no account is called \"" + request.account + "\"");
  return request.command == "halt" ? halt(request, account) : resume(request, account);
}

OperatorCommands::Later OperatorCommands::on_loop(
    std::function<void(engine::Engine&, const net::Pool*, Ns now)> run,
    std::function<std::optional<std::string>()> reply) {
  auto command = std::make_shared<Command>();
  command->run = std::move(run);
  parts_.loop.post(command);
  return [this, command, reply = std::move(reply)]() -> std::optional<std::string> {
    // Looked at in this order: a loop that has ended has carried out what it could.
    const bool ended = parts_.loop.ended();
    if (command->done.load(std::memory_order_acquire)) return reply();
    if (ended) return stopping();
    return std::nullopt;
  };
}

OperatorCommands::Later OperatorCommands::status() {
  auto found = std::make_shared<Status>(make_status(parts_.config));
  return on_loop(
      [found](engine::Engine& engine, const net::Pool* pool, Ns now) { gather(engine, pool, now, *found); },
      [this, found]() -> std::optional<std::string> {
        found->log_lines_dropped = log_lines_dropped();
        return to_json(*found, parts_.config, parts_.loop.engine().directory(), parts_.dialect,
                       parts_.dial_problem);
      });
}

OperatorCommands::Later OperatorCommands::halt(const AdminRequest& request, AccountIndex account) {
  auto asked = std::make_shared<HaltAsked>();
  asked->request = request;
  return on_loop(
      [asked, account](engine::Engine& engine, const net::Pool*, Ns now) {
        const std::string& reason = asked->request.reason;
        asked->appended =
            account.valid() ? engine.halt_account(account, reason, now) : engine.halt(reason, now);
      },
      [this, asked] { return judge_halt(*asked); });
}

/// A halt is in force from the moment the I/O thread has taken it. What takes time is to know that it
/// outlives the process: by its record, or else by a marker.
std::optional<std::string> OperatorCommands::judge_halt(HaltAsked& asked) {
  using journal::AppendStatus;
  const Ns now = monotonic_now();
  if (asked.in_force_ns == 0) {
    asked.in_force_ns = now;
    log_command("halted", asked.request);
  }
  const auto recorded = [](std::string_view where, std::string_view note) {
    return JsonObject{}.flag("ok", true).text("recorded", where).text("note", note).line();
  };
  const bool on_record = asked.appended.status == AppendStatus::durable ||
                         (asked.appended.status == AppendStatus::pending &&
                          parts_.journal.durable_number() >= asked.appended.number);
  if (on_record) return recorded("journal", "halted until it is resumed, after a restart too");
  if (asked.marked_ns == 0) {
    const bool may_come = asked.appended.status == AppendStatus::pending && !parts_.journal.failed();
    if (may_come && now - asked.in_force_ns < kRecordPatience_ns) return std::nullopt;
    asked.marked_ns = now;
    mark(asked);
  }
  const Marking on_disk = asked.on_disk->load(std::memory_order_acquire);
  if (on_disk == Marking::done)
    return recorded("state_dir",
                    "halted until it is resumed, after a restart too; the journal could not record it");
  if (on_disk == Marking::under_way && now - asked.marked_ns < kRecordPatience_ns) return std::nullopt;
  if (asked.in_memory)
    return recorded("hot_dir",
                    "halted, after a restart of the gateway too; after a restart of the machine only if the "
                    "disk answers before");
  return failure("halted now, but nothing could record it, neither the journal nor " +
                 journal::halt_marker_on_disk(parts_.journal_settings) + " nor " +
                 journal::halt_marker_in_memory(parts_.journal_settings) +
                 ": do not restart the gateway, it would trade");
}

void OperatorCommands::mark(HaltAsked& asked) {
  const journal::MarkedHalt halt{asked.request.account, asked.request.reason};
  std::erase_if(marked_, [&halt](const journal::MarkedHalt& one) { return one.account == halt.account; });
  marked_.push_back(halt);
  const auto in_memory = journal::mark_halts_in_memory(parts_.storage, parts_.journal_settings, marked_);
  asked.in_memory = in_memory.has_value();
  if (!in_memory) log(LogLevel::error, in_memory.error().message);
  parts_.disk.post([&storage = parts_.storage, &settings = parts_.journal_settings, halts = marked_,
                    result = asked.on_disk] {
    const auto written = journal::mark_halts_on_disk(storage, settings, halts);
    if (!written) log(LogLevel::error, written.error().message);
    result->store(written ? Marking::done : Marking::failed, std::memory_order_release);
  });
}

void OperatorCommands::unmark(const std::string& account) {
  if (std::erase_if(marked_, [&account](const auto& one) { return one.account == account; }) == 0) return;
  if (const auto done = journal::mark_halts_in_memory(parts_.storage, parts_.journal_settings, marked_);
      !done)
    log(LogLevel::error, done.error().message);
  parts_.disk.post([&storage = parts_.storage, &settings = parts_.journal_settings, halts = marked_] {
    if (const auto done = journal::mark_halts_on_disk(storage, settings, halts); !done)
      log(LogLevel::error, done.error().message);
  });
}

OperatorCommands::Later OperatorCommands::resume(const AdminRequest& request, AccountIndex account) {
  auto recorded = std::make_shared<bool>(false);
  return on_loop(
      [recorded, account, reason = request.reason](engine::Engine& engine, const net::Pool*, Ns now) {
        *recorded =
            account.valid() ? engine.resume_account(account, reason, now) : engine.resume(reason, now);
      },
      [this, recorded, request]() -> std::optional<std::string> {
        if (!*recorded) return failure("not resumed: the journal cannot record it (disk behind, or failed)");
        unmark(request.account);
        log_command("resumed", request);
        return JsonObject{}.flag("ok", true).line();
      });
}

std::variant<std::string, AdminServer::Later> OperatorCommands::resolve(const AdminRequest& request) {
  const auto result = wire::from_string<wire::SettledResult>(request.result);
  if (!result || *result == wire::SettledResult::none) {
    return failure("\"result\" must be reversed, partly_reversed, closed_only or not_executed");
  }
  if (request.client_oid.empty() || !wire::ClientOid::fits(request.client_oid)) {
    return failure("\"client_oid\" must name one reversal");
  }
  auto found = std::make_shared<bool>(false);
  auto journal_failed = std::make_shared<bool>(false);
  return on_loop(
      [found, journal_failed, request, result = *result](engine::Engine& engine, const net::Pool*, Ns now) {
        *found =
            engine.resolve(wire::ClientOid{request.client_oid}, result, request.uid, request.reason, now);
        *journal_failed = engine.journal_failed();
      },
      [found, journal_failed, request]() -> std::optional<std::string> {
        if (!*found && *journal_failed)
          return failure("the journal failed: nothing can be resolved before a restart; see the log");
        if (!*found) return failure("no unresolved reversal is called \"" + request.client_oid + "\"");
        log(LogLevel::warning, "resolved by user " + std::to_string(request.uid) + ": " + request.client_oid +
                                   " " + request.result);
        return JsonObject{}.flag("ok", true).line();
      });
}

std::expected<void, Error> take_over_marked_halts(const config::Config& config,
                                                  const journal::Settings& settings,
                                                  journal::Storage& storage, journal::Journal& journal,
                                                  engine::Engine& engine) {
  std::vector<journal::MarkedHalt> halts =
      journal::read_halt_marker(storage, journal::halt_marker_on_disk(settings));
  for (journal::MarkedHalt& halt :
       journal::read_halt_marker(storage, journal::halt_marker_in_memory(settings))) {
    if (std::ranges::find(halts, halt) == halts.end()) halts.push_back(std::move(halt));
  }
  if (halts.empty()) return {};
  std::vector<journal::MarkedHalt> kept;
  for (const journal::MarkedHalt& halt : halts) {
    const AccountIndex account = config.account_named(halt.account);
    // An account that is not configured cannot trade. It is halted when it comes back.
    if (!halt.account.empty() && !account.valid()) {
      kept.push_back(halt);
      continue;
    }
    const journal::Appended appended = account.valid()
                                           ? engine.halt_account(account, halt.reason, monotonic_now())
                                           : engine.halt(halt.reason, monotonic_now());
    if (appended.status == journal::AppendStatus::full || appended.status == journal::AppendStatus::failed)
      return std::unexpected(Error{"the journal cannot record a halt of the last run"});
    log(LogLevel::warning, "halted, as it was before the restart" +
                               (halt.account.empty() ? "" : "; account " + halt.account) +
                               (halt.reason.empty() ? "" : "; " + halt.reason));
  }
  // The journal has them on disk before the markers go.
  while (journal.do_work() > 0) {
  }
  if (journal.failed()) return std::unexpected(Error{journal.failure()});
  if (auto done = journal::mark_halts_on_disk(storage, settings, kept); !done) return done;
  return journal::mark_halts_in_memory(storage, settings, {});
}

}  // namespace backhand::service
