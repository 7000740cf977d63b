#include "daemon/api/incident_json.h"

#include "tests/storage/sample_rows.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

std::string through_a_tree(const IncidentRow& row) {
    return incident_to_json(row).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string written(const IncidentRow& row) {
    std::string text;
    append_incident(row, text);
    return text;
}

TEST(IncidentJson, IsTheSameBytesWrittenAtOnceOrThroughATree) {
    EXPECT_EQ(written(IncidentRow{}), through_a_tree(IncidentRow{}));
    for (const auto texts : {Filler::Texts::plain, Filler::Texts::hostile}) {
        IncidentRow row = filled<IncidentRow>(7, texts);
        row.also = R"(["GLR-A","GLR-B"])";
        row.fields = R"({"runner":"a \"b\" \\ c","host":"ü"})";
        row.causes = R"([{"id":"x","says":"y"}])";
        row.symptoms = R"({"rule":{"count":3}})";
        row.tags = "a b:c d/e=f";
        EXPECT_EQ(written(row), through_a_tree(row));
        row.snoozed_by = "";
        row.snoozed_count = 0;
        row.first_seen.reset();
        row.flapping = false;
        row.tags = "";
        EXPECT_EQ(written(row), through_a_tree(row));
        row.snoozed_by = "ann";
        EXPECT_EQ(written(row), through_a_tree(row));
    }
}

TEST(IncidentJson, EscapesEachByteAsATreeDoes) {
    for (int byte = 0; byte < 256; ++byte) {
        SCOPED_TRACE(byte);
        IncidentRow row;
        row.headline = std::string("a line ") + static_cast<char>(byte);
        EXPECT_EQ(written(row), through_a_tree(row));
    }
}

}  // namespace
}  // namespace runnerwatch
