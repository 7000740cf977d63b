#include "daemon/commands/rule_draft.h"
#include "daemon/commands/rules.h"
#include "daemon/exception_book.h"
#include "daemon/rule_files.h"
#include "storage/store.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/parsers/recordings.h"

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// A folder, and the commands on it.
class RulesWrite : public testing::Test {
protected:
    RulesWrite() {
        char name[] = "/tmp/rules_write_XXXXXX";
        folder = ::mkdtemp(name);
    }
    ~RulesWrite() override { std::filesystem::remove_all(folder); }

    int draft(const std::string& from) {
        said.str("");
        return draft_rule_file({}, from, database(), folder, said, said);
    }
    int test() {
        said.str("");
        return test_rules({}, {folder}, said, said);
    }
    int muted(const std::string& what, const std::string& expires = "2026-03-31") {
        said.str("");
        return mute({}, {what, "ci-team", "it's known", expires, folder}, said, said);
    }
    std::string database() const { return folder + "/runnerwatch.db"; }

    std::string folder;
    std::ostringstream said;
};

TEST_F(RulesWrite, ADraftPassesAsItStands) {
    const char* const lines[] = {
        "ERROR: Drum 17 of 'left' is bent at /var/lib/x (code 0x1f)",
        "\x1b[31;1mERROR: Drum is bent                             \x1b[0;m  "
        "\x1b[31;1mjob\x1b[0;m=12",
        "{\"level\":\"warning\",\"msg\":\"Drum's \\\"quoted\\\": 10.0.0.1:443 \\\\ [x] {y} $z\"}",
        "time=\"2026-11-24T10:00:00Z\" level=error msg=\"12 drums, umlaut: Rädchen\" error=\"x: "
        "y\""};
    for (const char* const line : lines) {
        SCOPED_TRACE(line);
        EXPECT_EQ(draft(line), 0) << said.str();
    }
    EXPECT_EQ(test(), 0) << said.str();
    EXPECT_THAT(said.str(), HasSubstr("4 rules tested, 0 failed"));
}

// Every message of the recordings can be made a rule of, or has one.
TEST_F(RulesWrite, ADraftMatchesEveryRecordedMessage) {
    for (const std::string& name : recording_names())
        for (const ReadRecord& read : records_of(read_recording(name))) {
            const Record record = read.decoded();
            if (record.level < Level::warning || record.message.empty()) continue;
            const RE2 regex(message_pattern(record.message), RE2::Quiet);
            const std::string_view text = record.message;
            ASSERT_TRUE(regex.ok()) << record.message;
            EXPECT_TRUE(regex.Match(text, 0, text.size(), RE2::ANCHOR_START, nullptr, 0))
                << record.message << "\n"
                << regex.pattern();
        }
}

TEST_F(RulesWrite, ADraftTakesTheSameMessageWithOtherNumbers) {
    const RE2 regex(message_pattern("Drum 17 of node-5 is bent: \"left\""));
    EXPECT_TRUE(RE2::FullMatch("Drum 3 of node-7 is bent: \"right\"", regex));
    EXPECT_FALSE(RE2::PartialMatch("Drum 3 of node-7 is torn", regex));
}

TEST_F(RulesWrite, ADraftIsRefusedWhereARuleTakesTheLine) {
    std::string taken;
    for (const std::string& one : lines_of(read_recording("seed-403-readonly.runner.log")))
        if (one.find("forbidden") != std::string::npos) taken = one;
    EXPECT_EQ(draft(taken), 1);
    EXPECT_THAT(said.str(), HasSubstr("job-request-forbidden"));
}

TEST_F(RulesWrite, ADraftIsNeverWrittenOverAFile) {
    EXPECT_EQ(draft("ERROR: Drum 17 is bent"), 0);
    EXPECT_EQ(draft("ERROR: Drum 18 is bent"), 1);
    EXPECT_THAT(said.str(), HasSubstr("new-drum-is-bent.yaml is there already"));
}

TEST_F(RulesWrite, NoDraftIsMadeOfAMessageWithoutAWord) {
    for (const char* const line : {"FATAL: 12", "ERROR: /a/b 1 2", "ERROR: ", ""}) {
        EXPECT_EQ(draft(line), 2) << line;
        EXPECT_THAT(said.str(), HasSubstr("no rule can be made of it")) << line;
    }
}

TEST_F(RulesWrite, ADraftHoldsNoSecret) {
    const auto made = draft_rule("ERROR: Drum of glpat-AbCdEfGhIjKlMnOpQrSt is bent");
    EXPECT_THAT(made.value().text, Not(HasSubstr("AbCdEf")));
}

TEST_F(RulesWrite, MakesARuleOfAMessageThatADaemonCounted) {
    TemplateRow row;
    row.id = "t-0123456789";
    row.text = "error: Drum ‹n› is bent";
    row.level = "error";
    row.example = "ERROR: Drum 17 is bent";
    row.count = 3;
    {
        auto store = Store::open(database()).value();
        ChangeSet changes;
        changes.templates[row.id] = row;
        changes.meta[exception_hits_name] = "{}";
        ASSERT_TRUE(store->commit(changes));
    }
    EXPECT_EQ(list_unclassified({}, database(), said, said), 0);
    EXPECT_THAT(said.str(), HasSubstr("t-0123456789  3"));
    EXPECT_EQ(draft("t-9999999999"), 2);
    EXPECT_THAT(said.str(), HasSubstr("there is no unclassified message t-9999999999"));
    EXPECT_EQ(draft("t-0123456789"), 0) << said.str();
    EXPECT_EQ(test(), 0) << said.str();
}

TEST_F(RulesWrite, MutingIsOneStepAndAddsToWhatIsThere) {
    EXPECT_EQ(muted("t-0123456789"), 0) << said.str();
    EXPECT_EQ(muted("long-polling", "never"), 0) << said.str();
    const auto set = load_rule_set({folder});
    ASSERT_TRUE(set) << set.error().front();
    ASSERT_THAT(set->exceptions.all(), SizeIs(2));
    EXPECT_EQ(set->exceptions.all()[0].template_id, "t-0123456789");
    EXPECT_EQ(set->exceptions.all()[1].rule, "long-polling");
    EXPECT_EQ(set->exceptions.all()[1].reason, "it's known");
    said.str("");
    EXPECT_EQ(list_rules({{folder}, {}, ListFormat::table, {}}, said, said), 0);
    EXPECT_THAT(said.str(), HasSubstr("(expired: it no longer holds)"));
    EXPECT_THAT(said.str(), HasSubstr("long-polling         ci-team  never"));
}

TEST_F(RulesWrite, MutingRefusesWhatItCannotDoAndChangesNothing) {
    EXPECT_EQ(muted("long-poling"), 1);
    EXPECT_THAT(said.str(), HasSubstr("did you mean 'long-polling'?"));
    EXPECT_EQ(muted("long-polling", "soon"), 1);
    EXPECT_FALSE(std::filesystem::exists(folder + "/exceptions.yaml"));
}

TEST(ExceptionBook, CountsWhatItKeepsAwayAndRemembersIt) {
    Metrics metrics;
    RulePack pack;
    pack.rules.emplace_back().id = "slow";
    const RuleFile file{"e.yaml",
                        "exceptions:\n"
                        "  - {rule: slow, match: {x: a}, owner: o, reason: r, expires: never}\n"
                        "  - {template: t-0, owner: o, reason: r, expires: 2026-01-01}\n"};
    ExceptionBook book(metrics);
    book.use(Exceptions::load({file}, pack).value());
    Detection seen;
    seen.rule = &pack.rules.front();
    seen.values = {{"x", "a"}};
    const Timestamp now = parse_time("2026-01-02T12:00:00Z")->time;
    EXPECT_TRUE(book.takes(seen, {}, now));
    EXPECT_TRUE(book.takes(seen, {}, now));
    EXPECT_FALSE(book.takes_template("t-0", now)) << "expired";
    EXPECT_THAT(book.expired_words(now), SizeIs(1));
    EXPECT_THAT(metrics.text(), HasSubstr("runnerwatch_excepted_total{"));
    ChangeSet changes;
    book.take_changes(changes);
    const auto hits = exception_hits_from(changes.meta.at(exception_hits_name));
    ASSERT_THAT(hits, SizeIs(1));
    EXPECT_EQ(hits.begin()->second.count, 2u);
    EXPECT_EQ(hits.begin()->second.last, now);
    ChangeSet none;
    book.take_changes(none);
    EXPECT_TRUE(none.empty());
}

TEST(ExceptionBook, TakesDamagedHitsForNone) {
    for (const char* const text : {"", "[]", "{", "{\"a\": 1}", "null"})
        EXPECT_TRUE(exception_hits_from(text).empty()) << text;
}

}  // namespace
}  // namespace runnerwatch
