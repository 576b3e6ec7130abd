// Every code of the facts has its class, no other has one, and each class has its verdict.
#include "gateway/bitget/codes.hpp"

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "gateway/bitget/verdict.hpp"

namespace backhand::bitget {
namespace {

using domain::Verdict;

/// How doubtful a class is: where a code is listed twice, the more doubtful one holds.
int doubt(char letter) {
  switch (letter) {
    case 'B':
    case 'J':
      return 2;
    case 'C':
    case 'E':
    case 'G':
    case 'H':
    case 'K':
      return 1;
    default:
      return 0;
  }
}

CodeClass class_of_letter(char letter) {
  static const std::map<char, CodeClass> classes = {
      {'A', CodeClass::not_executed}, {'B', CodeClass::ambiguous},    {'C', CodeClass::closed},
      {'D', CodeClass::fatal},        {'E', CodeClass::nothing_held}, {'F', CodeClass::mode},
      {'G', CodeClass::funds},        {'H', CodeClass::market},       {'I', CodeClass::bad_request},
      {'J', CodeClass::duplicate},    {'K', CodeClass::lead_trader}};
  return classes.at(letter);
}

std::map<std::string, char> listed_codes() {
  std::map<std::string, char> out;
  std::ifstream file(BACKHAND_TEST_DATA "/codes.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream columns(line);
    std::string code;
    char letter = 0;
    columns >> code >> letter;
    const auto [at, added] = out.emplace(code, letter);
    if (!added && doubt(letter) > doubt(at->second)) at->second = letter;
  }
  return out;
}

TEST(Codes, EachListedCodeHasItsMostDoubtfulClass) {
  const auto listed = listed_codes();
  EXPECT_GE(listed.size(), 216U) << "tests/data/codes.tsv is not whole";
  for (const auto& [code, letter] : listed) {
    EXPECT_EQ(class_of(code), class_of_letter(letter)) << code << " of class " << letter;
  }
}

TEST(Codes, TheTableHoldsNothingElse) {
  const auto listed = listed_codes();
  for (const CodeEntry& entry : code_table())
    EXPECT_EQ(listed.count(std::to_string(entry.code)), 1U) << entry.code;
  EXPECT_EQ(code_table().size(), listed.size());
}

/// Those with "before" in the third column.
std::set<std::string> listed_before_first_leg() {
  std::set<std::string> out;
  std::ifstream file(BACKHAND_TEST_DATA "/codes.tsv");
  for (std::string line; std::getline(file, line);) {
    std::istringstream columns(line);
    std::string code;
    std::string letter;
    std::string when;
    columns >> code >> letter >> when;
    if (when == "before") out.insert(code);
  }
  return out;
}

TEST(Codes, OnlyTheShortListPrecedesTheFirstLeg) {
  const std::set<std::string> before = listed_before_first_leg();
  EXPECT_GE(before.size(), 20U) << "tests/data/codes.tsv is not whole";
  for (int code = 0; code < 500'000; ++code) {
    const std::string text = std::to_string(code);
    EXPECT_EQ(precedes_first_leg(text), before.contains(text)) << text;
  }
  for (const std::string_view code : {"", "00000", "040009", "40009x", "success"})
    EXPECT_FALSE(precedes_first_leg(code)) << code;
  for (const std::string& code : before) {
    const CodeClass of = class_of(code);
    EXPECT_TRUE(of == CodeClass::not_executed || of == CodeClass::fatal || of == CodeClass::bad_request)
        << code;
  }
}

/// The opening leg may be refused so after the close leg was executed.
TEST(Codes, WhatSpeaksOfOpeningAccountsOrModesIsNoDefiniteNo) {
  for (const std::string_view code :
       {"45107", "22035", "40760", "40000", "45119", "40918", "45108", "40752", "40753", "40916", "40774",
        "40014", "40025", "40017", "40078", "1001",  "70228", "25004", "22010", "70227", "40710"}) {
    EXPECT_FALSE(precedes_first_leg(code)) << code;
  }
}

TEST(Codes, WhateverIsNotListedIsAmbiguous) {
  for (const std::string_view code :
       {"99999", "0", "1", "200", "40109", "000000", "0000", "022002", "22002 ", " 22002", "22002x", "-22002",
        "+429", "4.29", "429e0", "99999999999999999999", "4294967725", "success"}) {
    EXPECT_EQ(class_of(code), CodeClass::ambiguous) << code;
  }
  EXPECT_EQ(class_of(""), CodeClass::none);
  EXPECT_EQ(class_of("00000"), CodeClass::success);
}

TEST(Codes, RateLimitsAreOfTheClassNotExecuted) {
  for (const std::string_view code : {"429", "1001", "30026", "25004", "70228"}) {
    EXPECT_TRUE(is_rate_limit(code)) << code;
    EXPECT_EQ(class_of(code), CodeClass::not_executed) << code;
  }
  for (const std::string_view code : {"22035", "40008", "40918", "", "00000", "0429"})
    EXPECT_FALSE(is_rate_limit(code)) << code;
}

TEST(Codes, NoSuchOrderIsNoVerdictOnAReversal) {
  for (const std::string_view code : {"40109", "40768", "43001", "45057", "31007", "80011"}) {
    EXPECT_TRUE(says_no_such_order(code)) << code;
    EXPECT_EQ(class_of(code), CodeClass::ambiguous) << code;
  }
  EXPECT_FALSE(says_no_such_order("00000"));
  EXPECT_FALSE(says_no_such_order(""));
}

/// A reply from the venue with this class under a plain refusal.
ReplySigns refusal(CodeClass code_class) {
  return {.http_status = 400, .code_class = code_class, .precedes_first_leg = true, .venue_envelope = true};
}

TEST(VerdictOf, EachClassHasItsVerdict) {
  const std::map<CodeClass, Verdict> verdicts = {{CodeClass::none, Verdict::unknown},
                                                 {CodeClass::success, Verdict::unknown},
                                                 {CodeClass::not_executed, Verdict::rejected},
                                                 {CodeClass::ambiguous, Verdict::unknown},
                                                 {CodeClass::closed, Verdict::doubtful_no},
                                                 {CodeClass::fatal, Verdict::rejected},
                                                 {CodeClass::nothing_held, Verdict::doubtful_no},
                                                 {CodeClass::mode, Verdict::rejected},
                                                 {CodeClass::funds, Verdict::doubtful_no},
                                                 {CodeClass::market, Verdict::doubtful_no},
                                                 {CodeClass::bad_request, Verdict::rejected},
                                                 {CodeClass::duplicate, Verdict::unknown},
                                                 {CodeClass::lead_trader, Verdict::doubtful_no}};
  for (const auto& [code_class, verdict] : verdicts) {
    EXPECT_EQ(verdict_of(refusal(code_class)), verdict) << static_cast<int>(code_class);
    ReplySigns accepted_status = refusal(code_class);
    accepted_status.http_status = 200;
    EXPECT_EQ(verdict_of(accepted_status), verdict) << "the status alone must not decide";
  }
  ReplySigns throttle = refusal(CodeClass::not_executed);
  throttle.rate_limit = true;
  EXPECT_EQ(verdict_of(throttle), Verdict::throttled);
}

TEST(VerdictOf, NoClassIsDefiniteWithACodeThatMayFollowALeg) {
  for (int code_class = 0; code_class <= static_cast<int>(CodeClass::lead_trader); ++code_class) {
    for (const bool rate_limit : {false, true}) {
      ReplySigns signs = refusal(static_cast<CodeClass>(code_class));
      signs.precedes_first_leg = false;
      signs.rate_limit = rate_limit;
      const Verdict verdict = verdict_of(signs);
      EXPECT_TRUE(verdict == Verdict::doubtful_no || verdict == Verdict::unknown) << code_class;
    }
  }
}

TEST(VerdictOf, NothingIsDefiniteUnderAStatusThatSpoilsIt) {
  for (int code_class = 0; code_class <= static_cast<int>(CodeClass::lead_trader); ++code_class) {
    for (const int status : {0, 100, 199, 300, 302, 399, 500, 502, 503, 520, 599, -1}) {
      ReplySigns signs = refusal(static_cast<CodeClass>(code_class));
      signs.http_status = status;
      signs.names_us = true;
      signs.has_order_id = signs.code_class == CodeClass::success;
      EXPECT_EQ(verdict_of(signs), Verdict::unknown) << status << " with class " << code_class;
    }
  }
}

TEST(VerdictOf, AYesNeedsOurNameAnOrderAndItsStatus) {
  const ReplySigns yes = {.http_status = 200,
                          .code_class = CodeClass::success,
                          .venue_envelope = true,
                          .has_order_id = true,
                          .names_us = true};
  EXPECT_EQ(verdict_of(yes), Verdict::acked);
  for (const auto spoil :
       {+[](ReplySigns& s) { s.http_status = 400; }, +[](ReplySigns& s) { s.has_order_id = false; },
        +[](ReplySigns& s) { s.names_us = false; }, +[](ReplySigns& s) { s.venue_envelope = false; },
        +[](ReplySigns& s) { s.names_another = true; }}) {
    ReplySigns spoilt = yes;
    spoil(spoilt);
    EXPECT_EQ(verdict_of(spoilt), Verdict::unknown);
  }
}

TEST(VerdictOf, ANoThatContradictsItselfIsUnknown) {
  for (const auto spoil :
       {+[](ReplySigns& s) { s.has_order_id = true; }, +[](ReplySigns& s) { s.names_another = true; },
        +[](ReplySigns& s) { s.venue_envelope = false; }}) {
    ReplySigns spoilt = refusal(CodeClass::bad_request);
    spoil(spoilt);
    EXPECT_EQ(verdict_of(spoilt), Verdict::unknown);
  }
}

}  // namespace
}  // namespace backhand::bitget
