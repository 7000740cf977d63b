#include "alerts/story_check.h"

#include "alerts/incident_book.h"
#include "parsers/record_reader.h"

#include <algorithm>

namespace runnerwatch {
namespace {

// Any time does: only differences decide.
const Timestamp beginning = Timestamp(std::chrono::hours(24 * 365 * 50));

const char* yes_or_no(bool value) { return value ? "yes" : "no"; }

// One log, read into a book of its own.
class Teller : public RecordReader::Handler {
public:
    explicit Teller(const Matcher& matcher) : matcher_(matcher), book_(matcher.pack(), "story") {
        place_.cluster = place_.namespace_ = place_.workload = place_.member = "story";
        place_.container = place_.instance = "story";
        book_.lifecycle({LifecycleKind::started, place_, beginning}, beginning);
    }

    void tell(const Story& story) {
        SourceLine line;
        for (const Story::Line& told : story.lines) {
            now_ = beginning + told.at;
            line.time = now_;
            std::string_view text = told.text;
            while (!text.empty()) {
                const std::size_t end = std::min(text.find('\n'), text.size());
                line.text = text.substr(0, end);
                ++line.number;
                reader_.line(line, *this);
                text.remove_prefix(std::min(end + 1, text.size()));
            }
        }
        reader_.end(*this);
        book_.watermark(place_.instance, now_, now_);
    }

    const IncidentBook& book() const { return book_; }

    void on_head(const RecordHead& head) override {
        const Record record = decode_record(head.raw);
        const Match match = matcher_.match(record);
        book_.watermark(place_.instance, *head.time, now_);
        for (const RecoveryHit& hit : match.recoveries)
            book_.recover({hit.line, place_, head.time, head.last_line, hit.values, record.message},
                          now_);
        Observation seen;
        seen.place = place_;
        seen.at = head.time;
        seen.first_line = head.first_line;
        seen.last_line = head.last_line;
        seen.headline = seen.text = record.message;
        for (const FollowUp& follow_up : match.follow_ups) {
            seen.rule = follow_up.rule;
            seen.step = follow_up.step;
            seen.values = follow_up.values;
            seen.identity = follow_up.identity;
            book_.observe(seen, now_);
        }
        for (const Detection& detection : match.detections) {
            seen.rule = detection.rule;
            seen.step = Observation::detected;
            seen.absent = detection.absent;
            seen.values = detection.values;
            seen.identity = detection.identity;
            seen.causes = detection.causes;
            seen.also = detection.also;
            book_.observe(seen, now_);
        }
    }
    void on_continuation(const SourceLine&) override {}
    void on_record_end() override {}

private:
    const Matcher& matcher_;
    IncidentBook book_;
    RecordReader reader_;
    Place place_;
    Timestamp now_ = beginning;
};

}  // namespace

std::vector<RuleError> check_stories(const Matcher& matcher, const Rule& rule) {
    std::vector<RuleError> errors;
    for (const Story& story : rule.stories) {
        Teller teller(matcher);
        teller.tell(story);
        bool open = false, resolved = false;
        std::int64_t count = 0, latest = 0;
        for (const IncidentRow* row : teller.book().incidents()) {
            if (row->rule != rule.id) continue;
            const bool over = is_over(row->state);
            open = open || !over;
            resolved = resolved || row->state == IncidentState::resolved;
            if (row->occurrence < latest) continue;
            latest = row->occurrence;
            count = row->count;
        }
        const auto fail = [&](const std::string& what) {
            errors.push_back({rule.file, story.line, "the story '" + story.name + "' " + what});
        };
        if (story.open && *story.open != open)
            fail(std::string("expects open: ") + yes_or_no(*story.open) + ", but at its end " +
                 (open ? "an incident is open" : "none is open"));
        if (story.resolved && *story.resolved != resolved)
            fail(std::string("expects resolved: ") + yes_or_no(*story.resolved) + ", but " +
                 (resolved ? "an incident has ended" : "none has ended"));
        if (story.count && *story.count != count)
            fail("expects count: " + std::to_string(*story.count) + ", but the incident counts " +
                 std::to_string(count));
    }
    return errors;
}

std::vector<RuleError> verify_stories(const Matcher& matcher, int layer_min) {
    std::vector<RuleError> errors;
    for (const Rule& rule : matcher.pack().rules) {
        if (rule.layer < layer_min) continue;
        std::vector<RuleError> failed = check_stories(matcher, rule);
        std::move(failed.begin(), failed.end(), std::back_inserter(errors));
    }
    return errors;
}

}  // namespace runnerwatch
