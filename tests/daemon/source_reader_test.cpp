#include "daemon/source_reader.h"

#include "daemon/rule_files.h"
#include "parsers/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Timestamp noon = Timestamp(std::chrono::hours(24 * 20'000 + 12));

const char* const refused =
    "level=error msg=\"Checking for jobs... forbidden\" runner=glpat-FAK runner_name=k8s "
    "status=\"POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"";
const char* const loaded = "level=info msg=\"Configuration loaded\" builds=0";

// A pod's log that the test hands over line by line.
class StillSource : public LogSource {
public:
    StillSource() {
        place_.cluster = "test";
        place_.namespace_ = "gitlab-runner";
        place_.workload = "Deployment/gitlab-runner";
        place_.member = "gitlab-runner-1";
        place_.member_uid = "uid-1";
        place_.instance = "uid-1/runner/0";
        place_.member_created = noon - 1h;
    }
    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink&) override { co_return; }
    PositionRow position(std::size_t) const override {
        PositionRow row;
        row.kind = "still";
        return row;
    }
    void drain() override {}
    asio::awaitable<void> probe_tail() override { co_return; }

private:
    Place place_;
};

class SourceReaderTest : public testing::Test {
protected:
    SourceReaderTest() {
        book.lifecycle({LifecycleKind::started, source.place(), noon - 1h}, clock.now());
    }

    void line(Duration after_noon, const std::string& text) {
        reader.on_line(text, noon + after_noon, false, line_hash(text));
    }

    ChangeSet take() {
        ChangeSet changes;
        reader.take_changes(changes);
        changes.merge(book.take_changes());
        return changes;
    }

    // The gaps a commit would write.
    static std::vector<CoverageRow> gaps(const ChangeSet& changes) {
        std::vector<CoverageRow> found;
        for (const auto& [unused, row] : changes.coverage)
            if (row->kind != "read") found.push_back(*row);
        return found;
    }

    std::unique_ptr<Matcher> matcher = std::move(*load_rules({}));
    KnownHeads heads{*matcher};
    IncidentBook book{matcher->pack(), "db"};
    Clock clock;
    Metrics metrics;
    ExceptionBook exceptions{metrics};
    UnclassifiedBook unclassified;
    CrashMark crash_mark;
    StillSource source;
    bool dropping = false;
    ReaderContext context{*matcher,
                          heads,
                          book,
                          exceptions,
                          unclassified,
                          clock,
                          metrics,
                          crash_mark,
                          [] {},
                          [this] { return dropping; },
                          [](const std::string&) {},
                          [](const std::string&) {}};
    SourceReader reader{source, context, {}};
};

TEST_F(SourceReaderTest, CountsWhatWarnsAndIsKnownToNoRule) {
    line(0s, "level=error msg=\"drum 1 is bent\"");
    line(1s, "level=info msg=\"drum 1 is round\"");
    line(2s, "level=error msg=\"drum 2 is bent\"");
    line(3s, refused);
    ASSERT_THAT(unclassified.templates(), SizeIs(1));
    EXPECT_EQ(unclassified.templates().begin()->second.count, 2);
}

TEST_F(SourceReaderTest, TakesTheVersionThatTheRunnerNamesWhenItStarts) {
    line(0s, refused);
    line(1s, "level=info msg=\"Runtime platform\" arch=amd64 pid=7 version=19.4.0");
    auto changes = take();
    ASSERT_THAT(changes.members, SizeIs(1));
    EXPECT_EQ(changes.members.begin()->second->place.version, "") << "what it was is not known";
    EXPECT_EQ(changes.sources.at(source.place().instance)->place.version, "19.4.0");
    line(2s, refused);
    line(3s, "level=info msg=\"Runtime platform\" arch=amd64 pid=8 version=\"none of these\"");
    line(4s, refused);
    EXPECT_EQ(take().members.begin()->second->place.version, "19.4.0");

    SourceReader::Before before;
    before.version = "19.4.0";
    SourceReader after_restart{source, context, std::move(before)};
    EXPECT_EQ(after_restart.place().version, "19.4.0");
}

TEST_F(SourceReaderTest, HandsNothingOnThatAnExceptionTakes) {
    const std::string text =
        "exceptions:\n  - {rule: job-request-forbidden, owner: o, reason: r, expires: never}\n"
        "  - {template: " +
        template_id("error: drum ‹n› is bent") + ", owner: o, reason: r, expires: never}\n";
    exceptions.use(Exceptions::load({{"e.yaml", text}}, matcher->pack()).value());
    line(0s, refused);
    line(1s, "level=error msg=\"drum 1 is bent\"");
    EXPECT_THAT(take().incidents, SizeIs(0));
    EXPECT_THAT(unclassified.templates(), SizeIs(0));
    ChangeSet hits;
    exceptions.take_changes(hits);
    EXPECT_EQ(exception_hits_from(hits.meta.at(exception_hits_name)).size(), 2u);
}

TEST_F(SourceReaderTest, GivesThePositionAndWhatItsLinesChangedTogether) {
    line(0s, refused);
    line(1s, loaded);
    const ChangeSet changes = take();
    EXPECT_EQ(changes.positions.at("uid-1/runner/0")->lines, 2u);
    ASSERT_THAT(changes.incidents, SizeIs(1));
    EXPECT_EQ(changes.incidents.begin()->second->count, 1);
    EXPECT_TRUE(take().empty()) << "nothing is dirty twice";
}

// Whatever moment the process ends at: behind a stored position nothing is missing unsaid.
TEST_F(SourceReaderTest, WritesTheGapOfDroppedLinesWithThePositionBehindThem) {
    line(0s, refused);
    take();
    dropping = true;
    line(1s, refused);
    line(2s, refused);
    ChangeSet changes = take();
    EXPECT_EQ(changes.positions.at("uid-1/runner/0")->lines, 3u);
    ASSERT_THAT(gaps(changes), SizeIs(1));
    EXPECT_EQ(gaps(changes)[0].kind, "local_overload");
    EXPECT_EQ(gaps(changes)[0].certainty, "lost");
    EXPECT_EQ(gaps(changes)[0].lines, 2);
    EXPECT_EQ(gaps(changes)[0].from, noon + 1s);
    EXPECT_EQ(gaps(changes)[0].to, noon + 2s);
    const std::int64_t ordinal = gaps(changes)[0].ordinal;

    // It grows as the same gap, also by what came while that commit was under way.
    line(3s, refused);
    reader.end_dropping();
    dropping = false;
    line(4s, refused);
    changes = take();
    EXPECT_EQ(changes.positions.at("uid-1/runner/0")->lines, 5u);
    ASSERT_THAT(gaps(changes), SizeIs(1));
    EXPECT_EQ(gaps(changes)[0].ordinal, ordinal);
    EXPECT_EQ(gaps(changes)[0].lines, 3);
    EXPECT_EQ(gaps(changes)[0].to, noon + 3s);
    EXPECT_EQ(changes.incidents.begin()->second->count, 2) << "read before and after, not between";
    EXPECT_THAT(metrics.text(), HasSubstr("runnerwatch_lines_dropped_total 3"));

    // The next time is the next gap.
    dropping = true;
    line(5s, refused);
    EXPECT_EQ(gaps(take()).at(0).ordinal, ordinal + 1);
}

TEST_F(SourceReaderTest, KeepsTheGapOfASourceThatEndsMeanwhile) {
    line(0s, loaded);
    dropping = true;
    line(1s, refused);
    reader.on_complete();
    const ChangeSet changes = take();
    EXPECT_TRUE(changes.positions.at("uid-1/runner/0")->complete);
    EXPECT_THAT(gaps(changes), SizeIs(1));
}

// Three processes that a fault ended with this line in hand; then the mark as the fourth finds it.
void make_poison(CrashMark& mark, CrashMark::Line line) {
    const std::string file = testing::TempDir() + "runnerwatch-poison";
    for (std::uint32_t crash = 0; crash < CrashMark::crashes_max; ++crash) {
        const pid_t child = ::fork();
        if (child == 0) {
            CrashMark its;
            static_cast<void>(its.open(file));
            const CrashMark::InHand in_hand(its, "uid-1/runner/0", line);
            std::abort();
        }
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    }
    static_cast<void>(mark.open(file));
    std::filesystem::remove(file);
}

TEST_F(SourceReaderTest, PassesOverPoisonAndSaysSo) {
    const std::string sick = std::string(refused) + " sick=1";
    make_poison(crash_mark, {2, line_hash(sick)});
    line(0s, refused);
    line(1s, sick);
    line(2s, sick);  // the same bytes elsewhere have done no harm
    const ChangeSet changes = take();
    EXPECT_EQ(changes.positions.at("uid-1/runner/0")->lines, 3u);
    ASSERT_THAT(gaps(changes), SizeIs(1));
    EXPECT_EQ(gaps(changes)[0].kind, "poison");
    EXPECT_EQ(gaps(changes)[0].certainty, "lost");
    EXPECT_EQ(gaps(changes)[0].lines, 1);
    EXPECT_EQ(gaps(changes)[0].from, noon + 1s);
    std::map<std::string, std::int64_t> counts;
    for (const IncidentRow* row : book.incidents()) counts[row->rule] = row->count;
    EXPECT_EQ(counts["job-request-forbidden"], 2);
    EXPECT_EQ(counts["log-line-passed-over"], 1);
    EXPECT_THAT(metrics.text(), HasSubstr("poison"));
}

// A head of several lines is handed on with its last, or when nothing more comes for a while.
TEST_F(SourceReaderTest, PassesOverTheLinesHeldWithPoison) {
    const std::string first = "\x1b[31;1mERROR: Checking for jobs... forbidden";
    const std::string last = "of the sick";
    for (const bool at_quiet : {false, true}) {
        SCOPED_TRACE(at_quiet);
        CrashMark mark;
        const std::uint64_t hash = line_hash(last);
        make_poison(mark, {2, at_quiet ? ~hash : hash});
        ReaderContext watched{*matcher,
                              heads,
                              book,
                              exceptions,
                              unclassified,
                              clock,
                              metrics,
                              mark,
                              context.changed,
                              context.dropping,
                              context.caught_up,
                              context.completed};
        SourceReader fourth{source, watched, {}};
        fourth.on_line(first, noon, false, line_hash(first));
        fourth.on_line(last, noon + 1ms, false, line_hash(last));
        fourth.on_watermark(noon + 10s);
        ChangeSet changes;
        fourth.take_changes(changes);
        ASSERT_THAT(gaps(changes), SizeIs(1));
        EXPECT_EQ(gaps(changes)[0].lines, 2);
        EXPECT_EQ(changes.positions.at("uid-1/runner/0")->lines, 2u);
        for (const IncidentRow* row : book.incidents()) {
            EXPECT_EQ(row->rule, "log-line-passed-over");
            take();
            for (const auto& [unused, proof] : std::as_const(changes).evidence)
                EXPECT_THAT(proof->context_before, IsEmpty());
        }
    }
}

// A gap whose end is not known would excuse whatever comes.
TEST_F(SourceReaderTest, EndsAGapWithTheNextLine) {
    line(1s, loaded);
    reader.on_gap({"tail_unproven", "possibly_lost", std::nullopt, std::nullopt, "why"});
    ChangeSet changes = take();
    ASSERT_THAT(gaps(changes), SizeIs(1));
    EXPECT_EQ(gaps(changes)[0].from, noon + 1s) << "behind the last line";
    EXPECT_EQ(gaps(changes)[0].to, std::nullopt);
    const std::int64_t ordinal = gaps(changes)[0].ordinal;
    line(9s, loaded);
    line(10s, loaded);
    changes = take();
    ASSERT_THAT(gaps(changes), SizeIs(1));
    EXPECT_EQ(gaps(changes)[0].ordinal, ordinal);
    EXPECT_EQ(gaps(changes)[0].to, noon + 9s);
}

TEST_F(SourceReaderTest, EndsAGapOfBeforeARestart) {
    reader.on_gap({"stalled", "possibly_lost", noon, std::nullopt, ""});
    const CoverageRow open = gaps(take()).at(0);
    SourceReader::Before before;
    before.ordinal = open.ordinal;
    before.coverage = {open};
    SourceReader again{source, context, before};
    again.on_line(loaded, noon + 5s, false, line_hash(loaded));
    ChangeSet changes;
    again.take_changes(changes);
    ASSERT_THAT(gaps(changes), SizeIs(1));
    EXPECT_EQ(gaps(changes)[0].ordinal, open.ordinal);
    EXPECT_EQ(gaps(changes)[0].to, noon + 5s);
}

TEST_F(SourceReaderTest, KeepsSinceWhenItIsReadOverARestart) {
    line(1s, loaded);
    const CoverageRow read = *take().coverage.at({"uid-1/runner/0", 0});
    EXPECT_EQ(read.from, noon + 1s);
    SourceReader::Before before;
    before.coverage = {read};
    SourceReader again{source, context, before};
    again.on_line(loaded, noon + 1h, false, line_hash(loaded));
    ChangeSet changes;
    again.take_changes(changes);
    EXPECT_EQ(changes.coverage.at({"uid-1/runner/0", 0})->from, noon + 1s);
    EXPECT_EQ(changes.coverage.at({"uid-1/runner/0", 0})->to, noon + 1h);
}

TEST_F(SourceReaderTest, IsKnownToBeReadBeforeItsFirstLine) {
    EXPECT_TRUE(take().positions.empty());
    reader.on_opened();
    EXPECT_FALSE(take().positions.empty()) << "where reading begins is written at once";
    reader.on_watermark(noon);
    EXPECT_EQ(take().coverage.at({"uid-1/runner/0", 0})->to, noon);
}

TEST_F(SourceReaderTest, TellsIncidentsOfAGap) {
    line(0s, refused);
    take();
    reader.on_gap({"rotated_while_disconnected", "possibly_lost", noon + 1s, noon + 9s, ""});
    const ChangeSet changes = take();
    ASSERT_THAT(changes.timeline, SizeIs(1));
    EXPECT_THAT(changes.timeline.begin()->second->text,
                HasSubstr("the log was rotated while nobody read it, from "));
}

// What must have lasted proves nothing when nobody looked.
TEST_F(SourceReaderTest, NothingRecoversOverDroppedLines) {
    line(0s, refused);
    line(1s, loaded);
    ASSERT_THAT(book.incidents(), SizeIs(1));
    EXPECT_EQ(book.incidents()[0]->state, IncidentState::recovering);
    dropping = true;
    line(10s, refused);
    line(10min, "level=info msg=\"nothing of interest\"");
    take();
    EXPECT_NE(book.incidents()[0]->state, IncidentState::resolved);
    reader.end_dropping();
    dropping = false;
    line(20min, loaded);
    line(30min, "level=info msg=\"nothing of interest\"");
    take();
    EXPECT_EQ(book.incidents()[0]->state, IncidentState::resolved);
}

}  // namespace
}  // namespace runnerwatch
