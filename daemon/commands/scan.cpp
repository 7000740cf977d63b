#include "daemon/commands/scan.h"

#include "daemon/commands/scan_json.h"
#include "daemon/commands/scan_pipeline.h"
#include "daemon/commands/scan_progress.h"
#include "daemon/commands/scan_summary.h"
#include "daemon/commands/scan_text.h"
#include "parsers/decompressor.h"
#include "parsers/visible_text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <ostream>
#include <set>

namespace runnerwatch {
namespace {

// When a pipe is silent for so long, what is known of a record is told.
constexpr int pause_ms = 200;
constexpr std::size_t blocks_max = 20;

volatile std::sig_atomic_t interrupted = 0;

// While one lives, SIGINT ends the input instead of the program: whoever follows a log stops it
// this way, and the summary is what he waited for.
class InterruptEndsInput {
public:
    InterruptEndsInput() {
        interrupted = 0;
        struct sigaction action {};
        action.sa_handler = [](int) { interrupted = 1; };  // no SA_RESTART: read must return
        ::sigaction(SIGINT, &action, &before_);
    }
    ~InterruptEndsInput() { ::sigaction(SIGINT, &before_, nullptr); }
    InterruptEndsInput(const InterruptEndsInput&) = delete;
    InterruptEndsInput& operator=(const InterruptEndsInput&) = delete;

private:
    struct sigaction before_ {};
};

class InputFile {
public:
    explicit InputFile(const std::string& name)
        : fd_(name == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~InputFile() {
        if (fd_ > STDIN_FILENO) ::close(fd_);
    }
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    int fd() const { return fd_; }
    bool regular() const {
        struct stat status {};
        return ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    }

private:
    int fd_;
};

// Of the regular files together: what progress is measured by.
std::uint64_t bytes_of(const std::vector<std::string>& names) {
    std::uint64_t bytes = 0;
    for (const std::string& name : names)
        if (struct stat status{}; ::stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode))
            bytes += static_cast<std::uint64_t>(status.st_size);
    return bytes;
}

class Scan {
public:
    Scan(const ScanOptions& options, const Matcher& matcher, std::ostream& out, std::ostream& err)
        : options_(options), matcher_(matcher), out_(out), err_(err), report_(matcher) {
        style_.colour = options.colour;
        style_.width = options.width > 0 ? options.width : terminal_width();
        if (options.progress)
            progress_.emplace(err_, bytes_of(options.files), std::chrono::steady_clock::now());
    }

    void read(const std::string& name);
    int finish();

private:
    bool table() const { return options_.output == ScanOptions::Output::table; }
    void on_hit(const ScanHit& hit);
    void count_unclassified(ScanPipeline& pipeline);
    void tell_live(Finding& finding);
    std::string block(const Finding& finding, bool ended);
    void end_count_line();
    void cannot_read(const std::string& name, std::uint64_t lines, int error);
    void cannot_decompress(const std::string& name, std::uint64_t lines,
                           const DecompressError& error);
    void remark(const ScanPipeline& pipeline, const std::string& name);
    void print_findings(int exit_code);
    std::string nothing_found() const;

    const ScanOptions& options_;
    const Matcher& matcher_;
    std::ostream& out_;
    std::ostream& err_;
    TextStyle style_;
    ScanReport report_;
    ScanSummary summary_;
    std::optional<ScanProgress> progress_;  // on a terminal, while files are read
    std::uint64_t lines_ = 0, hits_ = 0;
    std::set<std::string> told_fixes_;  // not printed twice: replicas have the same troubles
    bool live_ = false;                 // the input in hand is told while it comes
    bool told_live_ = false;            // some block has been printed already
    bool count_line_ = false;           // the cursor stands behind a count that may be rewritten
    bool failed_ = false;
};

void Scan::read(const std::string& name) {
    const InputFile file(name);
    if (file.fd() < 0) return cannot_read(name, 0, errno);
    live_ = !file.regular();
    if (live_ && ::isatty(file.fd()) == 1)
        err_ << "runnerwatch scan: reading the terminal; paste the log and end with Ctrl-D\n";
    ScanPipeline pipeline(name, matcher_, report_, [this](const ScanHit& hit) { on_hit(hit); });
    PlainBytes bytes;
    const auto on_part = [&](std::string_view part) {
        pipeline.feed(part);
        return interrupted == 0;
    };
    Result<void, DecompressError> readable;
    pipeline.tell_opened([this](Finding& finding) {
        if (live_ && table()) tell_live(finding);
    });
    if (options_.all && table()) count_unclassified(pipeline);
    ++summary_.files;
    std::string first(LineSieve::room_bytes, '\0');  // and all that is compressed
    while (interrupted == 0) {
        pollfd ready{file.fd(), POLLIN, 0};
        if (pipeline.has_pending() && live_ && ::poll(&ready, 1, pause_ms) == 0) {
            pipeline.flush();
            out_.flush();
        }
        char* const room = bytes.plain() ? pipeline.room() : first.data();
        const ssize_t length = ::read(file.fd(), room, LineSieve::room_bytes);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) {
            cannot_read(name, pipeline.lines(), errno);
            break;
        }
        if (length == 0) break;
        readable = bytes.feed({room, static_cast<std::size_t>(length)}, on_part);
        if (!readable) break;
        if (live_) out_.flush();
        if (progress_ && !live_)
            progress_->read(static_cast<std::uint64_t>(length), name,
                            std::chrono::steady_clock::now());
    }
    if (readable && interrupted == 0) readable = bytes.end(on_part);
    if (progress_) progress_->clear();
    pipeline.end();
    if (!readable) cannot_decompress(name, pipeline.lines(), readable.error());
    lines_ += pipeline.lines();
    remark(pipeline, name);
}

void Scan::count_unclassified(ScanPipeline& pipeline) {
    pipeline.watch_unclassified(
        [this](const Record& record, std::string_view raw, const ScanPosition& at) {
            const std::string where =
                visible_text(at.source) + ":" + std::to_string(at.line) +
                (at.pod.empty() ? std::string() : " of pod " + visible_text(at.pod));
            summary_.unclassified.observe(record, raw, where, at.time, Timestamp{});
        });
}

void Scan::on_hit(const ScanHit& hit) {
    ++hits_;
    const Rule& rule = *hit.detection.rule;
    ++summary_.detections[rule.catalog.empty() ? rule.id : rule.catalog];
    summary_.when.add(hit.at.time);
    if (!table()) out_ << scan_json(hit);
    // No probe is asked here, so for people the line is no trouble.
    if (!hit.detection.rule->open.probe.empty()) return;
    const auto [finding, opened] = report_.add(hit);
    if (finding != nullptr && live_ && table()) tell_live(*finding);
}

// On a pipe: the block when the trouble opens, then how often it was seen.
void Scan::tell_live(Finding& finding) {
    if (!finding.open || report_.cause_of(finding) != nullptr) return;
    if (!finding.told) {
        end_count_line();
        out_ << (told_live_ ? "\n" : "") << block(finding, false);
        finding.told = told_live_ = true;
        return;
    }
    const bool power_of_two = (finding.count & (finding.count - 1)) == 0;
    if (!options_.terminal && !power_of_two) return;
    const std::string text = "  " + finding.rule->catalog + ": " + scan_count(finding);
    if (options_.terminal) {
        out_ << "\r" << shortened(text, style_.width - 1) << "\x1b[K";
        count_line_ = true;
    } else {
        out_ << text << "\n";
    }
}

std::string Scan::block(const Finding& finding, bool ended) {
    const std::string fix = scan_fix(finding, style_);
    const bool fresh = told_fixes_.insert(fix).second;
    return scan_block(finding, report_, fresh ? fix : scan_fix_again(finding, style_), ended,
                      style_);
}

void Scan::end_count_line() {
    if (count_line_) out_ << "\n";
    count_line_ = false;
}

void Scan::cannot_read(const std::string& name, std::uint64_t lines, int error) {
    failed_ = true;
    const std::string input = name == "-" ? "standard input" : visible_text(name);
    err_ << "runnerwatch scan: cannot read " << input << "\n"
         << "  because: " << std::strerror(error) << "\n"
         << "  where:   after " << counted(lines, "line") << " of it\n"
         << "  do:      name a log file that you may read, or pipe the log in:\n"
         << "           kubectl logs deploy/gitlab-runner | runnerwatch scan -\n";
}

void Scan::cannot_decompress(const std::string& name, std::uint64_t lines,
                             const DecompressError& error) {
    failed_ = true;
    const std::string input = name == "-" ? "standard input" : visible_text(name);
    err_ << "runnerwatch scan: cannot read all of " << input << "\n"
         << "  because: it " << error.what << "\n"
         << "  where:   at byte " << error.offset << " of it, after " << counted(lines, "line")
         << " of text\n"
         << "  do:      " << error.what_to_do << "\n";
}

void Scan::remark(const ScanPipeline& pipeline, const std::string& name) {
    const std::string input = name == "-" ? "standard input" : visible_text(name);
    if (pipeline.holds_nul())
        err_ << "runnerwatch scan: " << input << " holds NUL bytes: it may be no log; it was read "
             << "as one\n";
    if (pipeline.cut_lines() > 0)
        err_ << "runnerwatch scan: " << input << ": of " << counted(pipeline.cut_lines(), "line")
             << " longer than " << LineFramer::line_bytes_max / 1024
             << " KiB only the beginning was looked at\n";
}

std::string Scan::nothing_found() const {
    if (lines_ == 0) return "The input is empty: there was nothing to look at.\n";
    return "No known trouble in " + counted(lines_, "line") + ": none of the " +
           counted(matcher_.pack().rules.size(), "rule") + " recognises anything in it.\n";
}

void Scan::print_findings(int exit_code) {
    const auto findings = report_.worst_first();
    std::size_t blocks = 0;
    if (told_live_) out_ << "\nat the end of the input:\n";
    for (const Finding* finding : findings) {
        const bool in_full = !finding->told && (options_.all || blocks < blocks_max);
        if (in_full && (blocks++ > 0 || told_live_)) out_ << "\n";
        out_ << (in_full ? block(*finding, true) : scan_line(*finding, report_, style_));
    }
    if (findings.size() > blocks_max && !options_.all && blocks == blocks_max)
        out_ << "\nThe first " << blocks_max << " are shown in full; --all shows every one so.\n";
    if (report_.beyond() > 0)
        out_ << "\nPast " << ScanReport::findings_max << " troubles "
             << counted(report_.beyond(), "further detection") << " were only counted.\n";
    summary_.lines = lines_;
    out_ << "\n"
         << scan_summary(summary_, style_) << "\n"
         << counted(findings.size(), "kind") << " of trouble in " << counted(lines_, "line")
         << "; exit " << exit_code << "\n";
}

int Scan::finish() {
    const bool reached = hits_ > 0 && report_.worst() >= options_.fail_on;
    const int exit_code = failed_ ? 2 : reached ? 1 : 0;
    end_count_line();
    report_.fold();
    if (!table()) {
        // One object a line and nothing else.
    } else if (hits_ > 0) {
        print_findings(exit_code);
    } else if (!failed_ || lines_ > 0) {
        out_ << nothing_found();
        summary_.lines = lines_;
        if (!summary_.unclassified.templates().empty())
            out_ << "\n" << scan_summary(summary_, style_);
    }
    out_.flush();
    return exit_code;
}

}  // namespace

int run_scan(const ScanOptions& options, const Matcher& matcher, std::ostream& out,
             std::ostream& err) {
    const InterruptEndsInput until_interrupted;
    Scan scan(options, matcher, out, err);
    for (const std::string& name : options.files)
        if (interrupted == 0) scan.read(name);
    return scan.finish();
}

}  // namespace runnerwatch
