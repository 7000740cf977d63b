#include "alerts/postmortem.h"
#include "daemon/api/history_api.h"
#include "daemon/commands/incident_text.h"
#include "daemon/commands/incidents.h"
#include "daemon/rule_files.h"
#include "tests/daemon/past_incidents.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The history of past_incidents.h in a file, with its writer still there: a daemon that runs.
class HistoryTest : public testing::Test {
protected:
    HistoryTest() {
        std::string name =
            (std::filesystem::temp_directory_path() / "runnerwatch-history-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no folder: " + name);
        folder_ = name;
        auto opened = Store::open(folder_ / "history.db");
        if (!opened) throw std::runtime_error(opened.error().what);
        store_ = std::move(*opened);
        const auto written = store_->commit(PastIncidents().take());
        if (!written) throw std::runtime_error(written.error().what);
    }
    ~HistoryTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    HistoryOptions options(const std::vector<std::string>& ids = {}) const {
        HistoryOptions asked;
        asked.source.database = (folder_ / "history.db").string();
        asked.ids = ids;
        return asked;
    }
    std::string postmortem_of(const std::vector<std::string>& ids, const std::string& form) {
        PostmortemOptions asked;
        asked.source = options().source;
        asked.ids = ids;
        asked.form = form;
        std::ostringstream out;
        EXPECT_EQ(write_postmortem(asked, out, errors_), 0) << errors_.str();
        return out.str();
    }
    std::vector<int> numbers(const std::map<std::string, std::string>& query) {
        HistoryOptions asked = options();
        asked.query = query;
        asked.format = ListFormat::json;
        std::ostringstream out;
        show_incidents(asked, out, errors_);
        std::vector<int> found;
        const auto body = json::parse(out.str());
        for (const json& row : body.at("incidents")) found.push_back(row["number"]);
        return found;
    }

    json page_behind(const std::string& cursor, const std::string& limit) {
        HistoryOptions asked = options();
        asked.query = {{"limit", limit}};
        if (!cursor.empty()) asked.query["cursor"] = cursor;
        asked.format = ListFormat::json;
        std::ostringstream out;
        show_incidents(asked, out, errors_);
        return json::parse(out.str());
    }

    std::string postmortem_over_http(const std::string& id, const std::string& form) {
        auto reader = std::move(*Reader::open(folder_ / "history.db"));
        const auto question = history_question("/api/v1/incidents/" + id + "/postmortem",
                                               {{"format", form}}, history_noon);
        if (!question) return question.error().body;
        const auto rows = read_history(*reader, *question);
        const auto rules = load_rules({});
        return history_reply(*question, **rows, (*rules)->pack()).body;
    }
    // By hand, as an act would; both were told in one message.
    void merge_4_into_2() {
        ChangeSet set = PastIncidents().take();
        IncidentRow &whole = *set.incidents.at(key(2)), &part = *set.incidents.at(key(4));
        part.merged_into = whole.key;
        const Timestamp at = history_noon + std::chrono::hours(2);
        const auto change = [&](IncidentRow& row, const char* kind, const char* text) {
            ++row.changes;
            TimelineRow& made = set.timeline[{row.key, row.changes}].emplace();
            made = {row.key, row.changes, at, ClockKind::ours, kind, "anna", text, "{}", ""};
        };
        change(part, "merge", "merged into #2 by anna");
        change(whole, "merged_here", "#4 was merged into this");
        set.attempts.clear();
        DeliveryAttemptRow both{"on-call", "{}", "delivery-2", 1, at - std::chrono::minutes(30),
                                "sent",    204,  "",           ""};
        both.told =
            "{\"" + whole.key + "\":\"open:critical:0\",\"" + part.key + "\":\"open:error:0\"}";
        set.attempts.push_back(both);
        ASSERT_TRUE(store_->commit(set));
    }
    static std::string key(int number) { return std::string(31, 'a') + std::to_string(number); }

    std::filesystem::path folder_;
    std::unique_ptr<Store> store_;
    std::ostringstream errors_;
};

// Compares with a file of tests/daemon/history; what differs is written beside the build, so that
// it can be looked at and, if it is right, taken over.
void expect_golden(const std::string& name, const std::string& actual) {
    const auto expected = read_file(SOURCE_DIR "/tests/daemon/history/" + name);
    if (expected && *expected == actual) return;
    const auto written = std::filesystem::temp_directory_path() / ("runnerwatch-" + name);
    std::ofstream(written, std::ios::binary) << actual;
    ADD_FAILURE() << name << " differs; what came is " << written;
}

TEST_F(HistoryTest, AnIncidentReadsAsAPersonWouldTellIt) {
    std::ostringstream out;
    EXPECT_EQ(show_incident(options({"#2"}), out, errors_), 0) << errors_.str();
    expect_golden("incident.expected", out.str());
    EXPECT_THAT(out.str(), Not(HasSubstr("\x1b"))) << "log text cannot reach the terminal";
}

TEST_F(HistoryTest, AListShowsTheOneSeenLastFirst) {
    std::ostringstream out;
    EXPECT_EQ(show_incidents(options(), out, errors_), 0);
    expect_golden("incidents.expected", out.str());
}

TEST_F(HistoryTest, FacetsCountThoseThatTheFilterTakes) {
    HistoryOptions asked = options();
    asked.query = {{"severity", "critical"}};
    std::ostringstream out;
    EXPECT_EQ(show_facets(asked, out, errors_), 0) << errors_.str();
    expect_golden("facets.expected", out.str());
    asked.query = {{"facets", "pod"}, {"text", "forbidden"}};
    asked.format = ListFormat::json;
    std::ostringstream document;
    EXPECT_EQ(show_facets(asked, document, errors_), 0) << errors_.str();
    const auto body = json::parse(document.str());
    EXPECT_EQ(body.at("incidents"), 4);
    EXPECT_EQ(body.at("facets").at("pod").at("values").size(), 4u);
    asked.query = {{"facets", "colour"}};
    EXPECT_EQ(show_facets(asked, document, errors_), 2);
    EXPECT_THAT(errors_.str(), HasSubstr("\"colour\" is none."));
    asked.query = {{"rule", "nothing-like-that"}};
    EXPECT_EQ(show_facets(asked, document, errors_), 1);
}

TEST_F(HistoryTest, SimilarIncidentsSayWhatEndedThem) {
    std::ostringstream out;
    EXPECT_EQ(show_history(options({"1"}), out, errors_), 0);
    expect_golden("similar.expected", out.str());
}

TEST_F(HistoryTest, StatisticsComeWithTheNumberTheyAreMadeOf) {
    std::ostringstream out;
    EXPECT_EQ(show_history(options(), out, errors_), 0);
    expect_golden("statistics.expected", out.str());
}

TEST_F(HistoryTest, APostmortemIsTheSameBytesForTheSameData) {
    for (const std::string form : {"md", "html"}) {
        const std::string first = postmortem_of({"2"}, form);
        expect_golden("postmortem." + form, first);
        EXPECT_EQ(first, postmortem_of({"01ARYZ6S41TSV4RRFFQ69G5FA2"}, form));
    }
    expect_golden("two.md", postmortem_of({"1", "2"}, "md"));
}

TEST_F(HistoryTest, APostmortemOfAMergedIncidentTakesInItsParts) {
    merge_4_into_2();
    const std::string whole = postmortem_of({"2"}, "md");
    expect_golden("merged.md", whole);
    EXPECT_EQ(postmortem_of({"2", "4"}, "md"), whole) << "a part that is named too stands once";
    EXPECT_EQ(postmortem_over_http("2", "md"), whole);
    EXPECT_EQ(postmortem_over_http("2", "html"), postmortem_of({"2"}, "html"));
    // The part by itself is its own story.
    EXPECT_THAT(postmortem_of({"4"}, "md"), Not(HasSubstr("Part \\#")));
}

TEST_F(HistoryTest, LogTextCannotBecomeMarkup) {
    const std::string page = postmortem_of({"2"}, "html");
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
    for (const char* loaded : {"http://", "https://", "src=", "url(", "@import"})
        EXPECT_THAT(page.substr(0, page.find("<body>")), Not(HasSubstr(loaded)));
    const std::string text = postmortem_of({"2"}, "md");
    EXPECT_THAT(text, HasSubstr("``ERROR: ")) << "one backtick would end at the text's own";
    EXPECT_THAT(text, HasSubstr("\\| `tick` ")) << "a pipe would end its cell";
    for (const auto& bytes : {page, text})
        for (const char* raw : {"\x1b", "\u202e"}) EXPECT_THAT(bytes, Not(HasSubstr(raw)));
}

TEST_F(HistoryTest, EveryRowOfATimelineHasItsProofAndEachOfItsTimesAClock) {
    const auto document = json::parse(postmortem_of({"2"}, "json"));
    const json* timeline = nullptr;
    for (const json& block : document.at("blocks"))
        if (block.contains("rows") && block.at("rows")[0][0] == "Time (UTC)")
            timeline = &block.at("rows");
    ASSERT_TRUE(timeline);
    EXPECT_EQ(timeline->size(), 1u + 6u + 3u) << "changes and deliveries";
    for (const json& row : *timeline) {
        EXPECT_FALSE(row[1].get<std::string>().empty()) << row;
        EXPECT_FALSE(row[4].get<std::string>().empty()) << row;
    }
}

TEST_F(HistoryTest, FiltersTakeOneConditionEach) {
    struct Case {
        const char* name;
        std::map<std::string, std::string> query;
        std::vector<int> found;
    };
    const Case cases[] = {
        {"all", {}, {4, 3, 2, 1}},
        {"states", {{"state", "open,folded"}}, {4, 3}},
        {"severity", {{"severity", "error"}}, {4}},
        {"rule", {{"rule", "job-request-forbidden"}}, {2, 1}},
        {"namespace", {{"namespace", "elsewhere"}}, {}},
        {"workload by its name", {{"workload", "runner"}}, {4, 3, 2, 1}},
        {"workload with its kind", {{"workload", "StatefulSet/runner"}}, {}},
        {"pod", {{"pod", "runner-5d8f7c9b6d-2"}}, {2}},
        {"what goes on since", {{"since", "2024-10-04T12:29:59Z"}}, {4, 2}},
        {"what ended before", {{"since", "2024-10-04T12:30:01Z"}}, {4}},
        {"what began by", {{"until", "2024-10-04T12:00:00Z"}}, {2, 1}},
        {"a day", {{"until", "2024-10-02"}}, {1}},
        {"words", {{"text", "forbid glpat"}, {"rule", "job-result-lost"}}, {4}},
        {"words that look like a query", {{"text", "\"forbid OR NEAR("}}, {}},
        {"no word", {{"text", "forbidden nowhere"}}, {}},
    };
    for (const auto& [name, query, found] : cases) {
        SCOPED_TRACE(name);
        EXPECT_EQ(numbers(query), found);
    }
}

TEST_F(HistoryTest, PagesShowEachIncidentOnceAlsoOfThoseSeenAtTheSameTime) {
    ChangeSet same = PastIncidents().take();
    for (auto& [unused, row] : same.incidents)
        if (row->rule != "job-result-lost") row->last_seen = history_noon;
    ASSERT_TRUE(store_->commit(same));
    std::vector<int> found;
    std::string cursor;
    for (int page = 0; page < 10; ++page) {
        const json body = page_behind(cursor, "1");
        for (const json& row : body.at("incidents")) found.push_back(row["number"]);
        if (body["next"].is_null()) break;
        cursor = body["next"];
    }
    EXPECT_THAT(found, ElementsAre(4, 3, 2, 1));
}

TEST_F(HistoryTest, PagesShowNoneTwiceWhenOneGrowsMeanwhile) {
    const json first = page_behind("", "2");
    EXPECT_EQ(first["incidents"][0]["number"], 4);
    EXPECT_EQ(first["incidents"][1]["number"], 3);
    ChangeSet grown = PastIncidents().take();
    for (auto& [key, row] : grown.incidents)
        if (key.back() == '3') row->last_seen = history_noon + std::chrono::hours(5);
    ASSERT_TRUE(store_->commit(grown));
    const json second = page_behind(first["next"], "2");
    EXPECT_EQ(second["incidents"][0]["number"], 2);
    EXPECT_EQ(second["incidents"][1]["number"], 1);
    EXPECT_TRUE(second["next"].is_null());
}

TEST(HistoryQuestion, SaysWhatIsWrongWithIt) {
    struct Case {
        const char* path;
        std::map<std::string, std::string> query;
        int status;
        const char* detail;
    };
    const Case cases[] = {
        {"/api/v1/incidents", {{"state", "open,shut"}}, 400, "\\\"shut\\\" is none"},
        {"/api/v1/incidents", {{"severity", "bad"}}, 400, "info, warning, error, critical"},
        {"/api/v1/incidents", {{"since", "yesterday"}}, 400, "how long ago (36h, 7d)"},
        {"/api/v1/incidents", {{"until", "-3h"}}, 400, "until is a time"},
        {"/api/v1/incidents", {{"limit", "0"}}, 400, "from 1 to 1000"},
        {"/api/v1/incidents", {{"limit", "5x"}}, 400, "from 1 to 1000"},
        {"/api/v1/incidents", {{"cursor", "12"}}, 400, "cursor is none"},
        {"/api/v1/incidents", {{"sate", "open"}}, 400, "no parameter sate"},
        {"/api/v1/incidents", {{"text", std::string(1'001, 'x')}}, 400, "1000 bytes"},
        {"/api/v1/incidents/1/nothing", {}, 404, "timeline, evidence"},
        {"/api/v1/incidents/1/fix/2", {}, 404, "timeline, evidence"},
        {"/api/v1/incidents/1,2", {}, 400, "Too many"},
        {"/api/v1/incidents/1/postmortem", {{"format", "pdf"}}, 400, "md, html or json"},
        {"/api/v1/incidents/1/postmortem",
         {{"template", "/etc/passwd"}},
         400,
         "template is sre, pagerduty or gitlab"},
    };
    for (const auto& [path, query, status, detail] : cases) {
        SCOPED_TRACE(std::string(path) + " " + detail);
        const auto question = history_question(path, query, history_noon);
        ASSERT_FALSE(question);
        EXPECT_EQ(question.error().status, status);
        EXPECT_THAT(question.error().body, HasSubstr(detail));
    }
}

TEST(HistoryQuestion, ReadsMomentsAsPeopleSayThem) {
    using namespace std::chrono_literals;
    EXPECT_EQ(moment_from("36h", history_noon), history_noon - 36h);
    EXPECT_EQ(moment_from("7d", history_noon), history_noon - 168h);
    EXPECT_EQ(moment_from("2024-10-04", history_noon), history_noon - 12h);
    EXPECT_EQ(moment_from("2024-10-04T14:00:00+02:00", history_noon), history_noon);
    for (const char* none : {"", "noon", "2024-13-01", "2024-10-04T12:00:00Z later", "5"})
        EXPECT_FALSE(moment_from(none, history_noon)) << none;
}

TEST_F(HistoryTest, AnAnswerThatIsBeingReadSaysSoFromItsBeginning) {
    auto reader = std::move(*Reader::open(folder_ / "history.db"));
    const auto question = history_question("/api/v1/incidents/facets", {}, history_noon);
    ASSERT_TRUE(question);
    const auto rules = load_rules({});
    std::atomic<bool> begun = false;
    std::optional<bool> first_seen;  // at the first of SQLite's looks
    reader->interrupt_when([&] {
        if (!first_seen) first_seen = begun;
        return false;
    });
    const auto reply = answer_history(*reader, *question, (*rules)->pack(), false, begun);
    ASSERT_TRUE(reply && reply->status == 200);
    EXPECT_TRUE(begun);
    EXPECT_TRUE(first_seen.value_or(true));
}

TEST_F(HistoryTest, AnIncidentThatIsNotThereIsSaidSo) {
    std::ostringstream out;
    EXPECT_EQ(show_incident(options({"77"}), out, errors_), 1);
    EXPECT_THAT(errors_.str(), HasSubstr("There is no incident 77"));
    EXPECT_EQ(show_incident(options({"../coverage"}), out, errors_), 2);
    EXPECT_EQ(out.str(), "");
}

// ---- templates ---------------------------------------------------------------------------------

Result<Document, std::string> filled(const std::string& text) {
    json story{{"number", 12},
               {"title", "a *title*"},
               {"state", "open"},
               {"severity", "error"},
               {"first_seen", nullptr}};
    return postmortem({story}, text);
}

TEST(Template, HoldsHeadingsTextsListsAndQuestions) {
    const auto document = filled("# {{title}}\none\ntwo\n\n- {{number}}\n- b\n> why?\n");
    ASSERT_TRUE(document) << document.error();
    EXPECT_EQ(to_markdown(*document),
              "# a \\*title\\*\n\none two\n\n- \\#12\n- b\n\n> **To fill in:** why?\n");
}

TEST(Template, IsRefusedWithLineAndReason) {
    struct Case {
        const char* text;
        const char* error;
    };
    const Case cases[] = {
        {"# a\n\n{{titel}}\n", "line 3: there is no {{titel}}. There are actions"},
        {"see {{timeline}}", "line 1: {{timeline}} must stand alone"},
        {"{{title", "line 1: {{ has no }}"}};
    for (const auto& [text, error] : cases) {
        const auto document = filled(text);
        ASSERT_FALSE(document) << text;
        EXPECT_THAT(document.error(), HasSubstr(error));
    }
}

}  // namespace
}  // namespace runnerwatch
