// The commands that change incidents, on the file of a daemon that does not run.
#include "daemon/commands/acts.h"
#include "daemon/commands/incidents.h"
#include "storage/store.h"
#include "tests/daemon/past_incidents.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using testing::HasSubstr;

class ActsTest : public testing::Test {
protected:
    ActsTest() {
        auto store = std::move(*Store::open(folder_.file()));
        if (!store->commit(PastIncidents().take())) throw std::runtime_error("not written");
    }

    int act(const std::string& what, const json& body, const std::vector<std::string>& ids) {
        ActOptions options;
        options.source.database = folder_.file();
        options.act = what;
        options.body = body;
        options.ids = ids;
        options.format = format_;
        out_.str("");
        errors_.str("");
        return act_on_incidents(options, out_, errors_);
    }

    std::string shown(const std::string& id) {
        HistoryOptions options;
        options.source.database = folder_.file();
        options.ids = {id};
        std::ostringstream text;
        show_incident(options, text, errors_);
        return text.str();
    }

    TestFolder folder_;
    ListFormat format_ = ListFormat::table;
    std::ostringstream out_, errors_;
};

TEST_F(ActsTest, SayWhatTheIncidentIsAfterwards) {
    const json snooze{{"actor", "ann"}, {"until", "2040-01-01"}, {"count", 50}};
    // More than a year: nobody comes back to that.
    EXPECT_EQ(act("snooze", snooze, {"#4"}), 2);
    EXPECT_THAT(errors_.str(), HasSubstr("until is more than a year away"));
    EXPECT_EQ(act("snooze", {{"actor", "ann"}, {"count", 50}, {"until_worse", true}}, {"#4"}), 0);
    EXPECT_EQ(act("tag", {{"actor", "ann"}, {"tags", {"vpn", "net"}}}, {"4"}), 0);
    EXPECT_EQ(act("assign", {{"actor", "ann"}, {"to", "bob"}}, {"4"}), 0) << errors_.str();
    EXPECT_EQ(
        out_.str(),
        "#4  assign  A job's result was lost\n    open; snoozed by ann until seen 50 times or "
        "until its severity rises; assigned to bob; tagged net, vpn\n");
    EXPECT_EQ(act("assign", {{"actor", "ann"}, {"to", "bob"}}, {"4"}), 0);
    EXPECT_THAT(out_.str(), HasSubstr("#4  assign (was so already)  A job"));
    EXPECT_THAT(shown("4"), HasSubstr("people      snoozed by ann until seen 50 times"));
    EXPECT_THAT(shown("4"), HasSubstr("assigned to bob by ann"));
}

TEST_F(ActsTest, OfSeveralOneMayBeRefusedAndTheOthersAreDone) {
    format_ = ListFormat::json;
    EXPECT_EQ(act("ack", {{"actor", "ann"}}, {"1", "4", "99"}), 1);
    EXPECT_THAT(errors_.str(), HasSubstr("#1 was not acknowledged: it is over"));
    EXPECT_THAT(errors_.str(), HasSubstr("There is no incident 99"));
    const json body = json::parse(out_.str());
    ASSERT_EQ(body.at("results").size(), 1u);
    EXPECT_EQ(body.at("results")[0].at("incident").at("number"), 4);
    EXPECT_EQ(act("ack", {{"actor", "ann"}}, {"not an id"}), 2);
}

TEST_F(ActsTest, AMergeReadsOnBothSides) {
    EXPECT_EQ(act("merge", {{"actor", "ann"}, {"into", "2"}}, {"4"}), 0) << errors_.str();
    EXPECT_THAT(shown("4"), HasSubstr("merged into #2 GitLab refuses"));
    EXPECT_THAT(shown("2"), HasSubstr("with it     #4 A job's result was lost, open, 1 record"));
}

TEST_F(ActsTest, ARunningDaemonHasTheFileForItself) {
    const auto daemon = Store::open(folder_.file());
    ASSERT_TRUE(daemon);
    EXPECT_EQ(act("ack", {{"actor", "ann"}}, {"4"}), 2);
    EXPECT_THAT(errors_.str(), HasSubstr("While a daemon runs, change incidents through it"));
}

}  // namespace
}  // namespace runnerwatch
