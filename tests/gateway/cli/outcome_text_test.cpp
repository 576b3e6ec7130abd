// An event's line says everything that is set, and is valid JSON whatever its bytes are.
#include "gateway/cli/outcome_text.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <simdjson.h>

namespace backhand::cli {
namespace {

wire::Outcome settled() {
  wire::Outcome out{};
  out.event_number = 5;
  out.record_number = 2;
  out.intent_id = 9;
  out.kind = wire::EventKind::settled;
  out.result = wire::SettledResult::reversed;
  out.position_side = wire::PositionSide::long_side;
  out.flags = wire::kTerminal | wire::kHasPositions | wire::kForeignChange;
  out.position_scale = 1;
  out.connection = 3;
  out.created_ns = 1'000'000;
  out.taken_ns = 1'000'500;
  out.encoded_ns = 1'001'500;
  out.written_ns = 1'001'600;
  out.replied_ns = 15'001'600;
  out.published_ns = 15'002'600;
  out.long_before = 200;
  out.short_after = 200;
  out.order_id = wire::OrderId{"77"};
  out.client_oid = wire::ClientOid{"bh-1"};
  out.account = wire::AccountName{"main"};
  out.symbol = wire::SymbolName{"ETHUSDT"};
  return out;
}

TEST(OutcomeText, JsonLineHasAllThatIsSet) {
  EXPECT_EQ(
      outcome_json(settled(), 4),
      R"({"event":"settled","intent_id":9,"line":4,"terminal":true,"event_number":5,"record_number":2,)"
      R"("result":"reversed","account":"main","symbol":"ETHUSDT","position":"long","client_oid":"bh-1",)"
      R"("order_id":"77","connection":3,"long_before":"20","short_before":"0","long_after":"0",)"
      R"("short_after":"20","foreign_change":true,"created_ns":1000000,"taken_ns":1000500,)"
      R"("encoded_ns":1001500,"written_ns":1001600,"replied_ns":15001600,"published_ns":15002600,)"
      R"("slot_ns":0})");
}

TEST(OutcomeText, JsonLineNamesDenialsAndNotices) {
  wire::Outcome denied{};
  denied.kind = wire::EventKind::denied;
  denied.deny_reason = wire::DenyReason::wrong_side;
  denied.flags = wire::kTerminal;
  EXPECT_NE(outcome_json(denied, 0).find(R"("deny_reason":"wrong_side")"), std::string::npos);
  EXPECT_EQ(outcome_json(denied, 0).find("\"line\""), std::string::npos);
  wire::Outcome notice{};
  notice.kind = wire::EventKind::notice;
  notice.notice = wire::NoticeKind::halted;
  EXPECT_NE(outcome_json(notice, 0).find(R"("notice":"halted")"), std::string::npos);
}

TEST(OutcomeText, JsonLineIsValidForAnyBytes) {
  simdjson::dom::parser parser;
  wire::Outcome out = settled();
  for (int byte = 1; byte < 256; ++byte) {
    out.user_tag = wire::UserTag{};
    out.user_tag.bytes[0] = static_cast<char>(byte);
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(outcome_json(out, 0)).get(root), simdjson::SUCCESS) << byte;
    EXPECT_FALSE(root["tag"].error()) << byte;
  }
  // Numbers from outside that are no enumerators or scales must not upset it either.
  out.kind = static_cast<wire::EventKind>(99);
  out.result = static_cast<wire::SettledResult>(99);
  out.position_scale = 255;
  EXPECT_EQ(parser.parse(outcome_json(out, 0)).error(), simdjson::SUCCESS);
  EXPECT_NE(outcome_row(out, 0), "");
}

TEST(OutcomeText, RowShowsStagesInMicroseconds) {
  const std::string row = outcome_row(settled(), 0);
  for (const char* part : {"15.003", "settled", "reversed", "main", "ETHUSDT", " 0.5", " 1.0", " 0.1",
                           "14000.0", "20 long/0 short -> 0 long/20 short, bh-1, 77, others traded"}) {
    EXPECT_NE(row.find(part), std::string::npos) << part << " in " << row;
  }
}

}  // namespace
}  // namespace backhand::cli
