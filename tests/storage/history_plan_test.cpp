// How questions to the history are answered: by which index, and the same as without any.
#include "storage/incident_pages.h"
#include "storage/store.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <iterator>
#include <random>
#include <utility>

namespace runnerwatch {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;
using testing::Not;

std::string plan_of(Connection& connection, const PageQuery& query) {
    Statement plan(connection, "EXPLAIN QUERY PLAN " + query.sql);
    query.where.bind(plan);
    std::string lines;
    while (plan.step()) lines += plan.text(3) + "\n";
    return lines;
}

TEST(HistoryPlans, PagesComeFromAnIndexInTheirOrder) {
    struct Case {
        const char* name;
        IncidentFilter filter;
        std::vector<std::string> indexes;
    };
    IncidentFilter all, rule, both, name, workload, runner, open, critical, span;
    runner.runner = "d";
    rule.rule = both.rule = "a";
    name.namespace_ = both.namespace_ = "b";
    workload.workload = "Deployment/c";
    open.states = {IncidentState::open};
    critical.severities = {Severity::critical};
    span.since = history_start;
    span.until = history_start + days(30);
    IncidentFilter both_in_span = both, behind = both;
    both_in_span.since = span.since;
    both_in_span.until = span.until;
    behind.after = IncidentCursor{history_start, 5};
    const Case cases[] = {
        {"all", all, {"incident_newest"}},
        {"rule", rule, {"incident_of_rule (rule=?)"}},
        {"rule and namespace", both, {"incident_history (rule=? AND namespace=?)"}},
        {"a page behind", behind, {"incident_history (rule=? AND namespace=? AND last_seen<?)"}},
        {"namespace", name, {"incident_of_namespace (namespace=?)"}},
        {"workload", workload, {"incident_of_workload (workload_name=?)"}},
        {"runner", runner, {"incident_of_runner (runner=?)"}},
        {"one state", open, {"incident_of_state (state=?)"}},
        {"one severity", critical, {"incident_of_severity (severity=?)"}},
        {"a span", span, {"incident_newest (last_seen>? AND last_seen<?)", "incident_lasting"}},
        {"rule and namespace in a span",
         both_in_span,
         {"incident_history (rule=? AND namespace=? AND last_seen>? AND last_seen<?)",
          "incident_lasting"}},
    };
    TestFolder folder;
    const auto store = open_with_history(folder.file(), 10);
    Connection connection(folder.file(), OpenMode::read_only);
    for (const auto& [label, filter, indexes] : cases) {
        SCOPED_TRACE(label);
        const auto queries = page_queries(connection, filter);
        ASSERT_EQ(queries.size(), indexes.size());
        for (std::size_t i = 0; i < queries.size(); ++i) {
            const std::string plan = plan_of(connection, queries[i]);
            EXPECT_THAT(plan, HasSubstr("INDEX " + indexes[i]));
            EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << "read whole and sorted";
        }
    }
}

TEST(HistoryPlans, FewLinesOrMembersAreLookedUpAndManyAreMetOnTheWay) {
    TestFolder folder;
    const auto store = open_with_history(folder.file(), 2'100);
    Connection connection(folder.file(), OpenMode::read_only);
    IncidentFilter few, many, pod;
    few.text = "word7";
    few.rule = "job-request-forbidden";
    few.namespace_ = "gitlab-runner";
    many.text = "forbidden";
    pod.pod = "runner-3";
    const std::string looked_up = plan_of(connection, page_queries(connection, few).front());
    EXPECT_THAT(looked_up, HasSubstr("SEARCH incident USING INDEX sqlite_autoindex_incident_1"));
    EXPECT_THAT(looked_up, Not(HasSubstr("SCAN incident")));
    const std::string walked = plan_of(connection, page_queries(connection, many).front());
    EXPECT_THAT(walked, HasSubstr("SCAN incident USING INDEX incident_newest"));
    EXPECT_THAT(walked, Not(HasSubstr("TEMP B-TREE")));
    EXPECT_THAT(plan_of(connection, page_queries(connection, pod).front()),
                HasSubstr("SEARCH member USING COVERING INDEX member_name (member=?)"));
}

// ---- the same answers as by looking at every incident ----------------------------------------

bool goes_on(const IncidentRow& row) {
    return row.state != IncidentState::resolved && row.state != IncidentState::folded;
}

bool takes(const IncidentFilter& filter, const IncidentRow& row) {
    if (!filter.rule.empty() && row.rule != filter.rule) return false;
    if (!filter.namespace_.empty() && row.namespace_ != filter.namespace_) return false;
    if (filter.since && !goes_on(row) && *row.last_seen < *filter.since &&
        (!row.ended_at || *row.ended_at < *filter.since))
        return false;
    if (filter.until && row.first_seen.value_or(row.noted_at) > *filter.until) return false;
    if (!filter.severities.empty() && row.severity != filter.severities[0]) return false;
    if (!filter.states.empty() && row.state != filter.states[0]) return false;
    if (filter.after && std::tie(*row.last_seen, row.number) >=
                            std::tie(filter.after->last_seen, filter.after->number))
        return false;
    return filter.text.empty() || row.headline.find(filter.text) != std::string::npos;
}

class HistoryAnswers : public testing::Test {
protected:
    HistoryAnswers() : store_(open_with_history(folder_.file(), 0)) {
        ChangeSet set = kept_history(0, 400);
        for (auto& [unused, row] : set.incidents) change(*row);
        // One of the two lines of an incident has its words.
        for (auto& [key, row] : set.evidence)
            if (key.second == std::stoi(key.first) % 2) row->text = "something else";
        const auto written = store_->commit(set);
        if (!written) throw std::runtime_error(written.error().what);
        for (const auto& [key, row] : set.incidents) {
            rows_.push_back(*row);
            rows_.back().number = written->numbers.at(key);
        }
        std::sort(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
            return std::tie(a.last_seen, a.number) > std::tie(b.last_seen, b.number);
        });
        reader_ = std::move(*Reader::open(folder_.file()));
    }

    // Spread over a hundred days; some last for minutes, some for weeks, some end long after they
    // were seen last, and several were seen at the same moment.
    void change(IncidentRow& row) {
        const Timestamp at = history_start + hours(6 * pick(400));
        row.first_seen = at;
        row.noted_at = at + hours(pick(3));
        row.last_seen = at + (pick(4) == 0 ? hours(6 * pick(150)) : hours(6 * pick(2)));
        row.ended_at = *row.last_seen + (pick(5) == 0 ? hours(pick(400)) : hours(pick(2)));
        row.namespace_ = "team-" + std::to_string(pick(3));
        row.rule = "rule-" + std::to_string(pick(3));
        row.severity = pick(2) == 0 ? Severity::error : Severity::warning;
        if (pick(10) > 0) return;
        row.state = pick(2) == 0 ? IncidentState::open : IncidentState::cannot_tell;
        row.ended_at.reset();
    }
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

    IncidentFilter any_filter() {
        IncidentFilter filter;
        if (pick(3) == 0) filter.rule = "rule-" + std::to_string(pick(3));
        if (pick(3) == 0) filter.namespace_ = "team-" + std::to_string(pick(3));
        if (pick(3) > 0) filter.since = history_start + hours(pick(2'600));
        if (pick(3) > 0) filter.until = filter.since.value_or(history_start) + hours(pick(1'000));
        return filter;
    }

    std::mt19937 random_{20'241'004};
    TestFolder folder_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Reader> reader_;
    std::vector<IncidentRow> rows_;  // in the order of pages
};

TEST_F(HistoryAnswers, PagesTogetherAreAllThatTheFilterTakesInOrder) {
    for (int i = 0; i < 150; ++i) {
        IncidentFilter filter = any_filter();
        filter.limit = static_cast<std::size_t>(1 + pick(40));
        std::vector<std::int64_t> expected, found;
        for (const auto& row : rows_)
            if (takes(filter, row)) expected.push_back(row.number);
        for (;;) {
            const auto page = reader_->incidents(filter);
            ASSERT_TRUE(page) << page.error().what;
            for (const auto& row : *page) found.push_back(row.number);
            if (page->size() < filter.limit) break;
            filter.after = IncidentCursor{*page->back().last_seen, page->back().number};
        }
        ASSERT_EQ(found, expected) << "filter " << i;
    }
}

TEST_F(HistoryAnswers, FacetsCountWhatThePagesShow) {
    for (int i = 0; i < 100; ++i) {
        const IncidentFilter filter = any_filter();
        std::map<std::string, std::int64_t> rules;
        std::int64_t expected = 0, going_on = 0;
        for (const auto& row : rows_) {
            if (!takes(filter, row)) continue;
            ++expected;
            ++rules[row.rule];
            going_on += row.state == IncidentState::open;
        }
        const auto facets = reader_->facets(filter, {"rule", "outcome", "pod"});
        ASSERT_TRUE(facets) << facets.error().what;
        ASSERT_EQ(facets->incidents, expected) << "filter " << i;
        const auto& by_rule = facets->facets.at(0).values;
        EXPECT_EQ((std::map<std::string, std::int64_t>(by_rule.begin(), by_rule.end())), rules);
        EXPECT_TRUE(std::is_sorted(by_rule.begin(), by_rule.end(),
                                   [](auto& a, auto& b) { return a.second > b.second; }));
        std::int64_t in_outcome = 0, of_pods = 0;
        for (const auto& [outcome, count] : facets->facets.at(1).values)
            if (outcome == "going_on") in_outcome = count;
        EXPECT_EQ(in_outcome, going_on);
        for (const auto& [pod, count] : facets->facets.at(2).values) of_pods += count;
        EXPECT_EQ(of_pods, expected) << "each has one";
    }
}

// Ways that are cheap in histories of millions, in a small one.
TEST_F(HistoryAnswers, WordsAreFoundOnWhateverWay) {
    constexpr std::int64_t never = 1'000'000;
    const std::pair<const char*, PageCosts> ways[] = {
        {"looked up", {never, 8'000, 1}},
        {"met on a walk", {1, 8'000, 1}},
        {"narrow, or from the newest line on", {40, 8'000, never}},
        {"from the newest line on", {1, 8'000, never}},
    };
    Connection connection(folder_.file(), OpenMode::read_only);
    for (int i = 0; i < 400; ++i) {
        const auto& [way, costs] = ways[static_cast<std::size_t>(i) % std::size(ways)];
        SCOPED_TRACE(way);
        IncidentFilter filter = any_filter();
        filter.text = std::array{"forbidden", "word", "word1", "word39"}.at(
            static_cast<std::size_t>(pick(4)));
        if (pick(4) == 0) filter.workload = pick(2) == 0 ? "runner" : "Deployment/runner";
        if (pick(4) == 0) filter.severities = {Severity::error};
        if (pick(4) == 0) filter.states = {IncidentState::resolved};
        filter.limit = static_cast<std::size_t>(1 + pick(40));
        if (pick(2) == 0) {
            const IncidentRow& row = rows_.at(static_cast<std::size_t>(pick(400)));
            filter.after = IncidentCursor{*row.last_seen, row.number};
        }
        std::vector<std::int64_t> expected, found;
        for (const auto& row : rows_)
            if (takes(filter, row) && expected.size() < filter.limit)
                expected.push_back(row.number);
        for (const auto& row : page_of(connection, filter, costs)) found.push_back(row.number);
        ASSERT_EQ(found, expected) << "filter " << i << ", " << filter.text;
    }
}

TEST_F(HistoryAnswers, WordsAreFoundWhetherTheyAreRareOrNot) {
    for (const char* text : {"word7", "word39", "forbidden", "word"}) {
        IncidentFilter filter;
        filter.text = text;
        filter.limit = 1'000;
        std::size_t expected = 0;
        for (const auto& row : rows_) expected += takes(filter, row);
        EXPECT_EQ(reader_->incidents(filter)->size(), expected) << text;
        EXPECT_EQ(reader_->facets(filter, {"rule"})->incidents,
                  static_cast<std::int64_t>(expected));
        filter.pod = "runner-3";
        EXPECT_LT(reader_->incidents(filter)->size(), expected) << text;
    }
    IncidentFilter filter;
    filter.text = "WORD7 \"of line\" checking";
    EXPECT_EQ(reader_->incidents(filter)->size(), 11u) << "capitals, and quotes in a word";
}

}  // namespace
}  // namespace runnerwatch
