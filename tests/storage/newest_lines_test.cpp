// Pages for words of thousands of lines: the same as by looking at every incident.
#include "storage/newest_lines.h"

#include "storage/incident_pages.h"
#include "storage/store.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>

#include <random>

namespace runnerwatch {
namespace {

using std::chrono::hours;
using testing::HasSubstr;
using testing::Not;

constexpr int opened_at_once = 5;

// 300 incidents, opened by five in a commit; a third of them have the word. Some are seen again
// long after, by lines of their own that are written then.
class NewestLines : public testing::Test {
protected:
    NewestLines() : store_(open_with_history(folder_.file(), 0)) {
        for (int first = 0; first < 300; first += opened_at_once) {
            ChangeSet set = kept_history(first, opened_at_once);
            for (auto& [key, row] : set.incidents) {
                // The later a key stands in its commit, the lower its number.
                row->first_seen = row->noted_at =
                    history_start + hours(first + opened_at_once - 1) - hours(std::stoi(key) % 5);
                row->last_seen = history_start + hours(first + pick(20));
                row->rule = pick(2) == 0 ? "one" : "other";
                held_[key] = *row;
            }
            for (auto& [place, line] : set.evidence)
                line->text = std::stoi(place.first) % 3 == 0 ? "a rare word" : "nothing";
            if (pick(3) == 0 && first > 0) see_again(set, pick(first), first);
            commit(set);
        }
    }

    void see_again(ChangeSet& set, int number, int hour) {
        IncidentRow& row = held_.at(history_key(number));
        row.last_seen = history_start + hours(hour);
        set.incidents[row.key] = row;
        EvidenceRow line;
        line.incident = row.key;
        line.slot = 5;
        line.text = pick(2) == 0 ? "a rare word" : "nothing";
        if (line.text != "nothing") late_.insert(row.key);
        set.evidence[{row.key, 5}] = line;
    }
    void commit(const ChangeSet& set) {
        const auto written = store_->commit(set);
        if (!written) throw std::runtime_error(written.error().what);
        for (const auto& [key, number] : written->numbers) held_.at(key).number = number;
    }
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

    bool has_word(const IncidentRow& row) const {
        return std::stoi(row.key) % 3 == 0 || late_.contains(row.key);
    }
    std::vector<std::int64_t> expected(const IncidentFilter& filter) const {
        std::vector<const IncidentRow*> rows;
        for (const auto& [key, row] : held_)
            if (has_word(row) && (filter.rule.empty() || filter.rule == row.rule) &&
                (!filter.after || std::tie(*row.last_seen, row.number) <
                                      std::tie(filter.after->last_seen, filter.after->number)))
                rows.push_back(&row);
        return in_order(rows, filter.limit);
    }
    static std::vector<std::int64_t> in_order(std::vector<const IncidentRow*> rows,
                                              std::size_t limit) {
        std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
            return std::tie(a->last_seen, a->number) > std::tie(b->last_seen, b->number);
        });
        std::vector<std::int64_t> numbers;
        for (const auto* row : rows)
            if (numbers.size() < limit) numbers.push_back(row->number);
        return numbers;
    }

    std::mt19937 random_{7};
    TestFolder folder_;
    std::unique_ptr<Store> store_;
    std::map<std::string, IncidentRow> held_;
    std::set<std::string> late_;  // have the word by a line that came later
};

TEST_F(NewestLines, GiveThePagesThatLookingAtEveryIncidentGives) {
    Connection connection(folder_.file(), OpenMode::read_only);
    std::size_t read = 0;
    for (int i = 0; i < 200; ++i) {
        IncidentFilter filter;
        filter.text = "rare";
        filter.limit = static_cast<std::size_t>(1 + pick(12));
        if (pick(3) == 0) filter.rule = "one";
        if (pick(2) == 0) {
            const IncidentRow& row = held_.at(history_key(pick(300)));
            filter.after = IncidentCursor{*row.last_seen, row.number};
        }
        const auto rares = rares_of(connection, filter);
        const auto rows = newest_by_lines(connection, filter, rares.front(), {}, opened_at_once);
        std::vector<const IncidentRow*> found;
        for (const auto& row : rows) found.push_back(&row);
        ASSERT_EQ(in_order(found, filter.limit), expected(filter)) << "question " << i;
        read += rows.size();
    }
    EXPECT_LT(read, 200u * 40) << "most of the history is left alone";
}

TEST_F(NewestLines, AreFoundInNotesToo) {
    ChangeSet set;
    set.timeline[{history_key(1), 3}] = TimelineRow{
        history_key(1), 3, history_start, ClockKind::ours, "note", "ann", "a rare word", "{}", ""};
    commit(set);
    Connection connection(folder_.file(), OpenMode::read_only);
    IncidentFilter filter;
    filter.text = "rare";
    filter.limit = 300;
    const auto rares = rares_of(connection, filter);
    const auto rows = newest_by_lines(connection, filter, rares.front(), {}, opened_at_once);
    std::set<std::string> keys;
    for (const auto& row : rows) keys.insert(row.key);
    EXPECT_TRUE(keys.contains(history_key(1)));
    EXPECT_EQ(keys.size(), expected(filter).size() + 1);
}

}  // namespace
}  // namespace runnerwatch
