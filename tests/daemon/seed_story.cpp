#include "tests/daemon/seed_story.h"

#include "parsers/digest.h"

#include <sstream>
#include <stdexcept>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

// A Monday morning.
const Timestamp monday = Timestamp(days(20'514)) + 7h;
constexpr Duration between_lines = 400ms;
constexpr Duration tick_every = 30s;

template <class Value, class Error>
Value value_of(Result<Value, Error> result) {
    if (!result) throw std::runtime_error("the story cannot be told");
    return std::move(*result);
}

Route to_the_team() {
    Route route;
    route.receiver = "on-call";
    return route;
}

Place place_of(const std::string& pod, Timestamp created) {
    Place place;
    place.cluster = "prod";
    place.namespace_ = "gitlab-runner";
    place.workload = "Deployment/gitlab-runner";
    place.member = pod;
    place.member_uid = sha256_hex(pod).substr(0, 8);
    place.member_created = created;
    place.container = "gitlab-runner";
    place.node = "node-" + std::to_string(1 + pod.back() % 3);
    place.instance = place.member_uid + "/gitlab-runner/0";
    return place;
}

std::vector<std::string> lines_of(const std::string& recording) {
    const auto text = read_file(SOURCE_DIR "/tests/recordings/" + recording + ".runner.log");
    if (!text) throw std::runtime_error(text.error());
    std::vector<std::string> lines;
    std::istringstream in(*text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

class StoryLog : public LogSource {
public:
    explicit StoryLog(Place place) : place_(std::move(place)) {}
    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink&) override { co_return; }
    PositionRow position(std::size_t) const override {
        PositionRow row;
        row.kind = "story";
        return row;
    }
    void drain() override {}
    asio::awaitable<void> probe_tail() override { co_return; }

private:
    Place place_;
};

}  // namespace

struct SeedStory::Pod {
    Pod(Place place, ReaderContext& context)
        : log(std::move(place)), reader(log, context, SourceReader::Before{}) {}
    StoryLog log;
    SourceReader reader;
    bool readable = true;
};

SeedStory::SeedStory(const std::filesystem::path& database)
    : now_(monday),
      matcher_(value_of(load_rules({}))),
      heads_(*matcher_),
      store_(value_of(Store::open(database))),
      reader_(value_of(Reader::open(database))),
      book_(std::make_unique<IncidentBook>(matcher_->pack(), "the seed story")),
      dispatcher_(to_the_team(), {}),
      clock_(monday),
      context_{*matcher_,
               heads_,
               *book_,
               exceptions_,
               unclassified_,
               clock_,
               metrics_,
               crash_mark_,
               [] {},
               [] { return false; },
               [](const std::string&) {},
               [](const std::string&) {}} {
    dispatcher_.caught_up({}, "", now_);
    first_time();
    pass(days(9) - (now_ - monday));
    second_time();
    pass(days(27) - (now_ - monday));
    third_time();
    pass(days(30) - (now_ - monday));
}

SeedStory::~SeedStory() = default;

// Somebody rolls out a configuration with a token of the wrong kind; it is seen, and rolled back.
void SeedStory::first_time() {
    Pod& one = start("gitlab-runner-5d8f7c9b6d-2xkqp", "5d8f7c9b6d");
    Pod& two = start("gitlab-runner-5d8f7c9b6d-w9rzt", "5d8f7c9b6d");
    lines(one, "seed-403-readonly");
    pass(20s);
    lines(two, "seed-403-readonly-replica-b");
    pass(6min);
    act(Acknowledge{}, "anna", "glpat- token in config.toml, somebody pasted the wrong one");
    pass(19min);
    Pod& next_one = start("gitlab-runner-7b64cf5c88-h4m2s", "7b64cf5c88");
    lines(next_one, "fix-correct");
    pass(15s);
    gone("gitlab-runner-5d8f7c9b6d-2xkqp");
    Pod& next_two = start("gitlab-runner-7b64cf5c88-zt5hn", "7b64cf5c88");
    lines(next_two, "fix-correct");
    pass(10s);
    gone("gitlab-runner-5d8f7c9b6d-w9rzt");
    pass(10min);
}

// The same again at night, from an old ConfigMap; nobody wants to be woken, a pod is deleted in
// the hope that it helps, and the file is corrected in place.
void SeedStory::second_time() {
    pass(16h);
    gone("gitlab-runner-7b64cf5c88-h4m2s");
    gone("gitlab-runner-7b64cf5c88-zt5hn");
    Pod& one = start("gitlab-runner-5d8f7c9b6d-8c7vd", "5d8f7c9b6d");
    lines(one, "seed-403-fixed-by-reload", 1, 23);
    pass(5min);
    act(Snooze{now_ + 6h, {}, false}, "ben", "no jobs at night");
    pass(3h);
    gone("gitlab-runner-5d8f7c9b6d-8c7vd");
    pass(20s);
    Pod& again = start("gitlab-runner-5d8f7c9b6d-lq4wn", "5d8f7c9b6d");
    lines(again, "seed-403-fixed-by-reload", 1, 23);
    pass(4h);
    lines(again, "seed-403-fixed-by-reload", 24);
    pass(30min);
}

// And once more, while the log cannot be read for a while.
void SeedStory::third_time() {
    gone("gitlab-runner-5d8f7c9b6d-lq4wn");
    Pod& one = start("gitlab-runner-66d5b7c4f9-p6t8x", "66d5b7c4f9");
    lines(one, "seed-403-restart-still-wrong");
    pass(4min);
    unread(one, 12min);
    pass(20min);
    act(Assign{"anna"}, "ben", "");
    Pod& fixed = start("gitlab-runner-7b64cf5c88-d2k9c", "7b64cf5c88");
    gone("gitlab-runner-66d5b7c4f9-p6t8x");
    lines(fixed, "fix-correct");
    act(AddNote{}, "anna", "the chart now refuses tokens that do not begin with glrt-");
    pass(10min);
}

SeedStory::Pod& SeedStory::start(const std::string& name, const std::string& revision) {
    const Place place = place_of(name, now_);
    auto& pod = pods_[name] = std::make_unique<Pod>(place, context_);
    book_->lifecycle({LifecycleKind::started, place, now_, revision, {}}, now_);
    return *pod;
}

void SeedStory::gone(const std::string& name) {
    const Place place = pods_.at(name)->log.place();
    pods_.at(name)->reader.on_complete();
    book_->lifecycle({LifecycleKind::gone, place, now_, {}, {}}, now_);
    commit();
    pods_.erase(name);
}

void SeedStory::lines(Pod& pod, const std::string& recording, std::size_t from, std::size_t to) {
    const auto all = lines_of(recording);
    for (std::size_t i = from - 1; i < all.size() && i < to; ++i) {
        pod.reader.on_line(all[i], now_, false, line_hash(all[i]));
        now_ += between_lines;
        clock_ = Clock(now_);
    }
    commit();
}

void SeedStory::unread(Pod& pod, Duration span) {
    SourceGap gap;
    gap.kind = "rotated_while_disconnected";
    gap.certainty = "possibly_lost";
    gap.from = now_;
    pod.readable = false;
    pass(span);
    pod.readable = true;
    gap.to = now_;
    pod.reader.on_gap(gap);
}

void SeedStory::act(IncidentAct what, const std::string& actor, const std::string& note) {
    const IncidentRow* latest = nullptr;
    for (const IncidentRow* row : book_->incidents())
        if (row->rule == "job-request-forbidden" &&
            (!latest || row->first_seen > latest->first_seen))
            latest = row;
    if (!latest) throw std::logic_error("nothing was refused");
    const auto done = book_->act({latest->key, std::move(what), actor, "command", note}, now_);
    if (!done) throw std::runtime_error(done.error().what);
    commit();
}

// Days in which nothing is open go by in larger steps.
void SeedStory::pass(Duration span) {
    const Timestamp until = now_ + span;
    while (now_ < until) {
        const bool quiet = book_->wanted().empty() && !dispatcher_.owes_by(now_ + 1h);
        now_ = std::min(until, now_ + (quiet && until - now_ > 24h ? Duration(1h) : tick_every));
        clock_ = Clock(now_);
        for (auto& [name, pod] : pods_)
            if (pod->readable) pod->reader.on_watermark(now_);
        book_->tick(now_);
        commit();
        tell();
    }
}

void SeedStory::commit() {
    for (const auto& key : book_->take_changed())
        if (const auto row = book_->as_told(key)) dispatcher_.incident_changed(*row, now_);
    ChangeSet changes = book_->take_changes();
    for (auto& [name, pod] : pods_) pod->reader.take_changes(changes);
    const std::uint64_t taken = dispatcher_.take_changes(changes);
    if (changes.empty()) return;
    const CommitResult done = value_of(store_->commit(changes));
    book_->set_numbers(done.numbers);
    dispatcher_.committed(taken);
}

void SeedStory::tell() {
    for (const auto& message : dispatcher_.due(now_)) {
        std::vector<IncidentDetail> details;
        for (const auto& entry : message.entries)
            if (auto detail = value_of(reader_->incident(entry.incident)))
                details.push_back(std::move(*detail));
        const Message composed = compose(message, details, matcher_->pack(), now_);
        std::string line = format_time(now_) + " " + composed.receiver + ":";
        for (const auto& incident : composed.incidents)
            line += " #" + std::to_string(incident.row.number) + " " + to_string(incident.reason);
        told_.push_back(line + " – " + subject_of(composed));
        dispatcher_.finished(message, {200, {}, {}}, Sent{}, now_);
    }
    commit();
}

}  // namespace runnerwatch
