// pod_lines [MEGABYTES]: what a line of the log API costs from its bytes to "no rule asks for it",
// without the network: the place in the log, and the reader behind it. In processor time.
#include "daemon/rule_files.h"
#include "daemon/source_reader.h"
#include "daemon/sources/pod_log.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

namespace {

using namespace runnerwatch;

constexpr std::size_t piece_bytes = 16 * 1024;  // as a TLS record brings them

class Source : public LogSource {
public:
    Source() {
        place_.cluster = "bench";
        place_.namespace_ = "gitlab-runner";
        place_.member = "gitlab-runner-1";
        place_.member_uid = "uid-1";
        place_.instance = "uid-1/runner/0";
    }
    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink&) override { co_return; }
    PositionRow position(std::size_t) const override { return {}; }
    void drain() override {}
    asio::awaitable<void> probe_tail() override { co_return; }

private:
    Place place_;
};

struct Nothing : LineSink {
    void on_line(std::string_view, std::optional<Timestamp>, bool, std::uint64_t) override {}
    void on_gap(const SourceGap&) override {}
    void on_opened() override {}
    void on_caught_up() override {}
    void on_watermark(Timestamp) override {}
    void on_complete() override {}
};

// What a busy manager prints most, as the log API gives it.
std::string log_of(std::size_t bytes) {
    std::string log;
    Timestamp at{std::chrono::hours(24 * 20'000)};
    for (int n = 0; log.size() < bytes; ++n) {
        at += std::chrono::microseconds(137);
        log += format_time(at);
        const std::string job = std::to_string(1'000'000 + n);
        char text[400];
        if (n % 2 == 0)
            std::snprintf(text, sizeof text,
                          " %-50s\x1b[0;m  bytesize\x1b[0;m=%d checksum\x1b[0;m=crc32:%08x "
                          "job\x1b[0;m=%s runner\x1b[0;m=abcdefgh\n",
                          "Updating job...", 1000 + n % 5000, n, job.c_str());
        else
            std::snprintf(text, sizeof text,
                          " %-50s\x1b[0;m  builds\x1b[0;m=%d job\x1b[0;m=%s max_builds\x1b[0;m=40 "
                          "project\x1b[0;m=%d repo_url\x1b[0;m=https://gitlab.example.com/tools/"
                          "frontend.git\n",
                          "Removed job from processing list", n % 40, job.c_str(), n % 50);
        log += text;
    }
    return log;
}

double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void measure(const char* what, const std::string& log, LineSink& sink) {
    PodLog pod_log(std::nullopt, std::nullopt, false);
    pod_log.hand_to(sink);
    pod_log.ends_at(std::nullopt);
    pod_log.start_answer(false, false);
    pod_log.answer_begun();
    const double began = processor_seconds();
    for (std::size_t at = 0; at < log.size(); at += piece_bytes) {
        pod_log.bytes(std::string_view(log).substr(at, piece_bytes));
        if (pod_log.aligning()) pod_log.end_alignment();
    }
    const double took = processor_seconds() - began;
    std::printf("%-40s %6.2f s/GB %6.0f ns a line\n", what,
                took * 1e9 / static_cast<double>(log.size()),
                took * 1e9 / static_cast<double>(pod_log.lines()));
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200;
    const std::string log = log_of(megabytes * 1'000'000);
    const auto matcher = std::move(*load_rules({}));
    KnownHeads heads{*matcher};
    IncidentBook book{matcher->pack(), "bench"};
    Clock clock;
    Metrics metrics;
    ExceptionBook exceptions{metrics};
    UnclassifiedBook unclassified;
    CrashMark crash_mark;
    ReaderContext context{*matcher,
                          heads,
                          book,
                          exceptions,
                          unclassified,
                          clock,
                          metrics,
                          crash_mark,
                          [] {},
                          [] { return false; },
                          [](const std::string&) {},
                          [](const std::string&) {}};
    Source source;
    SourceReader reader{source, context, {}};
    Nothing nothing;
    measure("the place of a line in its log", log, nothing);
    measure("that, and whether a rule asks for it", log, reader);
}
