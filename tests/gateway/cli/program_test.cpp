// The program itself, as a process, against real lanes: what it prints and with which status it ends.
#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/wait.h>

#include "tests/common/client/echo_gateway.hpp"

namespace backhand::cli {
namespace {

struct Ran {
  int status = -1;
  std::string output;  ///< Standard output and standard error.
};

/// `words` is the rest of a shell's command line.
Ran run(const std::string& words) {
  Ran out;
  std::FILE* pipe = ::popen((BACKHAND_PROGRAM " " + words + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4'096> chunk{};
  for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    out.output.append(chunk.data(), got);
  }
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

class Program : public testing::Test {
 protected:
  std::string file_of(const std::string& text) {
    const std::string path = gateway_.path() + ".jsonl";
    std::ofstream{path} << text;
    return path;
  }
  std::string send(const std::string& strategy, const std::string& file) {
    return "send --strategy " + strategy + " --socket " + gateway_.path() + " --file " + file +
           " --timeout 30";
  }

  client::test::EchoGateway gateway_;
  const std::string line_ =
      R"({"at_ms":1,"account":"main","symbol":"ETHUSDT","product":"USDT-FUTURES","position":"long","tag":"x"})"
      "\n";
};

TEST_F(Program, SendPrintsEveryEventAsJsonAndEndsWith0) {
  const Ran ran = run(send("alpha", file_of(line_ + "# two\n" + line_)) + " --json");
  EXPECT_EQ(ran.status, 0) << ran.output;
  simdjson::dom::parser parser;
  std::vector<std::string> events;
  std::string text = ran.output;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    const std::string line = text.substr(0, end);
    text.erase(0, end + 1);
    if (!line.starts_with('{')) {
      EXPECT_EQ(line, "2 intents: 2 reversed");
      continue;
    }
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(line).get(root), simdjson::SUCCESS) << line;
    events.push_back(std::string{std::string_view{root["event"]}} + "@" +
                     std::to_string(std::int64_t{root["line"]}));
    EXPECT_EQ(std::string_view{root["tag"]}, "x");
    EXPECT_GT(std::int64_t{root["taken_ns"]}, 0);
  }
  EXPECT_EQ(events, (std::vector<std::string>{"queued@1", "settled@1", "queued@3", "settled@3"}));
}

TEST_F(Program, SendReadsStandardInputAndPrintsRows) {
  const Ran ran = run(send("alpha", "-") + " < " + file_of(line_));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("1.5 long/0 short -> 0 long/1.5 short"), std::string::npos) << ran.output;
}

TEST_F(Program, SendPlaysShotsByTheirNames) {
  const auto arm = [&](const std::string& name) {
    return R"({"do":"arm","name":")" + name + "\"," + line_.substr(1);
  };
  const std::string fire = R"({"do":"fire","target":"x","at_ms":2})";
  const Ran fired = run(send("alpha", file_of(arm("x") + fire)));
  EXPECT_EQ(fired.status, 0) << fired.output;
  EXPECT_NE(fired.output.find("2 intents: 1 disarmed, 1 reversed"), std::string::npos) << fired.output;
  const Ran dropped = run(send("alpha", file_of(arm("x") + R"({"do":"disarm","target":"x","at_ms":2})")));
  EXPECT_EQ(dropped.status, 1) << "an arm that was not sent is not good; " << dropped.output;
  EXPECT_NE(dropped.output.find("2 intents: 1 disarmed, 1 granted"), std::string::npos) << dropped.output;
  // The arm's id is not above the lane's last one, so the fire has nothing to name.
  const Ran lost = run(send("alpha", file_of(R"({"id":1,)" + arm("x").substr(1) + fire)) + " --json");
  EXPECT_EQ(lost.status, 1) << lost.output;
  EXPECT_NE(lost.output.find(R"("reason":"its target was not pushed"})"), std::string::npos) << lost.output;
}

TEST_F(Program, SendEndsWith1WhereAnIntentIsDenied) {
  const std::string first = R"({"id":7,)" + line_.substr(1);
  EXPECT_EQ(run(send("alpha", file_of(first))).status, 0);
  // The same id again is not pushed at all: the lane's client refuses it.
  const Ran again = run(send("alpha", file_of(first)));
  EXPECT_EQ(again.status, 1) << again.output;
  EXPECT_NE(again.output.find("not_pushed"), std::string::npos) << again.output;
}

TEST_F(Program, ReverseIsOneIntent) {
  const Ran ran = run("reverse --strategy alpha --socket " + gateway_.path() +
                      " --account main --symbol ETHUSDT --position long --size 1.5");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("1 intent: 1 reversed"), std::string::npos) << ran.output;
}

TEST_F(Program, DoctorEndsWith1OnlyWhereThereIsAProblem) {
  // This machine has no problem without a configuration: those come from what a configuration asks for.
  const Ran machine = run("doctor --json");
  EXPECT_EQ(machine.status, 0) << machine.output;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(machine.output.substr(0, machine.output.find('\n'))).get(root), simdjson::SUCCESS);
  EXPECT_EQ(std::string_view{root["item"]}, "io_cpu");
  const Ran wrong = run("doctor --config " + file_of("nonsense"));
  EXPECT_EQ(wrong.status, 1) << wrong.output;
  EXPECT_TRUE(wrong.output.starts_with("problem  config ")) << wrong.output;
  EXPECT_NE(wrong.output.find("clocksource"), std::string::npos) << "the machine is looked at all the same";
}

TEST_F(Program, EndsWith2WhereItCannotAttachOrTheFileIsWrong) {
  const Ran stranger = run(send("nobody", file_of(line_)));
  EXPECT_EQ(stranger.status, 2);
  EXPECT_NE(stranger.output.find("nobody"), std::string::npos) << stranger.output;
  const Ran wrong = run(send("alpha", file_of("{\"size\":3}")));
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.output.find(".jsonl:1: size: must be a plain decimal in quotes"), std::string::npos)
      << wrong.output;
  gateway_.stop();
  EXPECT_EQ(run(send("alpha", file_of(line_))).status, 2);
  EXPECT_EQ(run("status --socket " + gateway_.path() + ".no").status, 2);
}

}  // namespace
}  // namespace backhand::cli
