// What each command line means, and that a wrong one says so with status 2.
#include "gateway/cli/command_line.hpp"

#include <string>

#include <gtest/gtest.h>

namespace backhand::cli {
namespace {

template <typename T>
T read_as(std::vector<std::string> arguments) {
  Command command = read_command_line(std::move(arguments));
  if (auto* wanted = std::get_if<T>(&command)) return std::move(*wanted);
  if (auto* stop = std::get_if<Stop>(&command)) ADD_FAILURE() << stop->text;
  ADD_FAILURE() << "another command";
  return {};
}

std::string request_of(std::vector<std::string> arguments) {
  return read_as<AdminCommand>(std::move(arguments)).request;
}

TEST(CommandLine, Send) {
  const auto send = read_as<PlayCommand>(
      {"send", "--strategy", "alpha", "--lane", "two", "--socket", "/s", "--file", "i.jsonl", "--json"});
  EXPECT_EQ(send.strategy, "alpha");
  EXPECT_EQ(send.lane, "two");
  EXPECT_EQ(send.at.socket, "/s");
  EXPECT_EQ(send.file, "i.jsonl");
  EXPECT_TRUE(send.json);
  EXPECT_DOUBLE_EQ(send.timeout_s, 180.0);
  EXPECT_TRUE(send.intents.empty());
  EXPECT_EQ(read_as<PlayCommand>({"send", "--strategy", "a", "--file", "-"}).lane, "cli");
}

TEST(CommandLine, ReverseBecomesOneIntent) {
  const auto reverse = read_as<PlayCommand>({"reverse", "--strategy", "a", "--account", "main", "--symbol",
                                             "ETHUSDT", "--position", "short", "--size", "0.5",
                                             "--deadline-ms", "250", "--timeout", "1.5"});
  EXPECT_TRUE(reverse.file.empty());
  ASSERT_EQ(reverse.intents.size(), 1U);
  EXPECT_EQ(reverse.intents[0].deadline_ms, 250);
  EXPECT_EQ(reverse.intents[0].intent.product, wire::Product::usdt_futures);
  EXPECT_EQ(reverse.intents[0].intent.position_side, wire::PositionSide::short_side);
  EXPECT_EQ(reverse.intents[0].intent.size_digits, 5U);
  EXPECT_EQ(reverse.intents[0].intent.size_scale, 1);
  EXPECT_DOUBLE_EQ(reverse.timeout_s, 1.5);
}

TEST(CommandLine, DoctorLooksAtItselfUnlessToldOtherwise) {
  const auto doctor = read_as<DoctorCommand>({"doctor"});
  EXPECT_EQ(doctor.pid, "self");
  EXPECT_EQ(doctor.config, "");
  EXPECT_FALSE(doctor.json);
  EXPECT_EQ(read_as<DoctorCommand>({"doctor", "--pid", "17", "--config", "c.toml", "--json"}).pid, "17");
  EXPECT_EQ(read_as<Stop>({"doctor", "--pid", "../1"}).status, Exit::usage);
}

TEST(CommandLine, AdminCommandsBecomeRequests) {
  EXPECT_EQ(request_of({"status"}), R"({"command":"status"})");
  EXPECT_EQ(request_of({"halt"}), R"({"command":"halt"})");
  EXPECT_EQ(request_of({"halt", "--account", "main", "--reason", "a \"test\""}),
            R"({"command":"halt","account":"main","reason":"a \"test\""})");
  EXPECT_EQ(request_of({"resume", "--account", "main"}), R"({"command":"resume","account":"main"})");
  EXPECT_EQ(request_of({"resolve", "bh-1", "--result", "reversed", "--reason", "seen"}),
            R"({"command":"resolve","client_oid":"bh-1","result":"reversed","reason":"seen"})");
}

TEST(CommandLine, JournalAndExplainReadFiles) {
  const auto journal = read_as<JournalCommand>({"journal", "--state-dir", "/x", "--from", "5", "--json"});
  EXPECT_EQ(journal.state_dir, "/x");
  EXPECT_EQ(journal.hot_dir, "/dev/shm");
  EXPECT_EQ(journal.from_number, 5U);
  EXPECT_TRUE(journal.json);
  EXPECT_EQ(journal.client_oid, "");
  const auto explain = read_as<JournalCommand>({"explain", "bh-1", "--config", "c.toml"});
  EXPECT_EQ(explain.client_oid, "bh-1");
  EXPECT_EQ(explain.config, "c.toml");
  EXPECT_FALSE(explain.json);
}

TEST(CommandLine, WrongOnesAreRefusedWithStatus2AndAWord) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{}, "A subcommand is required"},
      {{"revers"}, "no such command: revers"},
      {{"send", "--file", "x"}, "--strategy is required"},
      {{"send", "--strategy", "a", "--file", "x", "--socket", "/s", "--config", "c"}, "excludes"},
      {{"send", "--strategy", "a", "--file", "x", "--timeout", "soon"}, "--timeout"},
      {{"status", "--account", "main"}, "--account"},
      {{"resolve", "bh-1", "--result", "fine", "--reason", "x"}, "fine not in"},
      {{"resolve", "bh-1", "--result", "reversed"}, "--reason is required"},
      {{"explain"}, "client_oid is required"},
      {{"reverse", "--strategy", "a", "--account", "m", "--symbol", "S", "--position", "up"},
       "backhand: position: must be \"long\" or \"short\"\n"},
      {{"reverse", "--strategy", "a", "--account", "m", "--symbol", "S", "--position", "long",
        "--deadline-ms", "60001"},
       "deadline_ms: must be an integer between 0 and 60000"},
  };
  for (const auto& [arguments, word] : cases) {
    const Command command = read_command_line(arguments);
    const auto* stop = std::get_if<Stop>(&command);
    ASSERT_NE(stop, nullptr) << word;
    EXPECT_EQ(stop->status, Exit::usage) << word;
    EXPECT_NE(stop->text.find(word), std::string::npos) << stop->text;
  }
}

TEST(CommandLine, HelpSaysTheExitStatuses) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, std::vector<std::string>{"send", "--help"}}) {
    const Command command = read_command_line(arguments);
    const auto* stop = std::get_if<Stop>(&command);
    ASSERT_NE(stop, nullptr);
    EXPECT_EQ(stop->status, Exit::ok);
    EXPECT_NE(stop->text.find("Exit status: 0 done"), std::string::npos) << stop->text;
  }
}

}  // namespace
}  // namespace backhand::cli
