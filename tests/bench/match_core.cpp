// match_core [--only ENGINE/RULES] PATTERNS FILE…: how fast rules find and take apart what stands
// in logs, without any reading of files: the bytes are in memory and come in chunks, on one thread.
// Prints one line of tab-separated values for each engine and file: engine, rules, file, chunk
// bytes, MB per second of processor time (median of the rounds, all engines in turn), hits.
//
//   count_lines    newlines counted: what only looking at each byte takes
//   re2_set        RE2::Set over each line, with the patterns of the file PATTERNS
//   find           the way of scan and of the daemon: lines found, decoded, matched, captures taken
//   count          the same, but only which rule takes the record
//
// `--only find/174` measures that one alone, for a profiler.
#include "parsers/count_lines.h"
#include "parsers/line_sieve.h"
#include "parsers/line_unwrapper.h"
#include "parsers/packed_rules.h"
#include "parsers/record_reader.h"

#include <re2/set.h>

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

constexpr std::size_t bytes_max = 128 * 1024 * 1024;
constexpr int rounds = 5;

std::string read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    if (!file) {
        std::cerr << "match_core: cannot read " << name << "\n";
        std::exit(2);
    }
    std::string bytes(bytes_max, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    return bytes;
}

// The whole way of lines of one process to matches, as scan and the daemon go it.
class Finder : private LineSieve::Reader, private RecordReader::Handler {
public:
    enum class Wants { captures, rule };
    Finder(const Matcher& matcher, Wants wants)
        : matcher_(matcher),
          wants_(wants),
          selection_(matcher.select_detection()),
          sieve_(matcher, *this) {}

    std::uint64_t find(std::string_view bytes, std::size_t chunk) {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(chunk, bytes.size())))
            sieve_.feed(bytes.substr(0, chunk));
        sieve_.end();
        unwrapper_.end([this](const UnwrappedLine& line) { unwrapped(line); });
        records_.end(*this);
        return hits_;
    }

private:
    bool reads_every_line() const override { return records_.held_lines() > 0; }
    RawFilter::Selection& selection() override { return selection_; }
    bool wants(const MessageJudgement& says, std::string_view line, std::size_t) override {
        return matcher_.may_detect(says, line);
    }
    std::uint64_t read_until(std::string_view, std::string_view) const override { return end_; }
    void line(const FramedLine& line, std::uint64_t number, std::uint64_t end) override {
        end_ = end;
        unwrapper_.line(line, number, [this](const UnwrappedLine& one) { unwrapped(one); });
    }
    void line(const FramedLine& line, std::uint64_t number, std::uint64_t end,
              const Told& told) override {
        if (unwrapper_.holds_part() || records_.held_lines() > 0)
            return this->line(line, number, end);
        end_ = end;
        records_.whole_record({line.text.substr(told.text), told.time, number, line.cut},
                              told.known.shape, told.known.head, told.fields - told.text, *this);
    }
    void skipped(std::string_view) override {}

    void unwrapped(const UnwrappedLine& one) {
        records_.line({one.line.text, one.line.time, one.first, one.cut, one.last}, *this);
    }
    void on_head(const RecordHead& head) override {
        if (head.says != nullptr) {
            view_.refer_to(head.raw, *head.says, head.fields);
        } else {
            if (!matcher_.may_match(head.raw)) return;
            decoded_ = decode_record(head.raw);
            view_.refer_to(decoded_);
        }
        const bool hit = wants_ == Wants::captures ? !matcher_.match(view_).detections.empty()
                                                   : matcher_.rule_that_takes(view_) != nullptr;
        if (hit) ++hits_;
    }
    void on_continuation(const SourceLine&) override {}
    void on_record_end() override {}

    const Matcher& matcher_;
    Wants wants_;
    RawFilter::Selection selection_;
    LineSieve sieve_;
    LineUnwrapper unwrapper_;
    RecordReader records_;
    Record decoded_;
    RecordView view_;
    std::uint64_t hits_ = 0, end_ = 0;
};

// As many rules as asked for: some of the built-in pack, or all and copies that say other words.
RulePack pack_of(std::size_t rules) {
    RulePack pack = built_in_pack();
    const std::vector<Rule> all = pack.rules;
    if (rules < all.size()) {
        // Evenly over the pack, which is in the order of names.
        std::vector<Rule> some;
        for (std::size_t i = 0; i < rules; ++i) some.push_back(all[i * all.size() / rules]);
        pack.rules = std::move(some);
    }
    static const char* const parts[] = {"kubelet",     "containerd", "csi-attacher", "coredns",
                                        "vault-agent", "s3-cache",   "git-lfs",      "autoscaler"};
    static const char* const troubles[] = {"failed to attach",
                                           "could not resolve",
                                           "lost lease on",
                                           "rejected token for",
                                           "exhausted retries after",
                                           "unexpected status",
                                           "checksum mismatch on",
                                           "quota exceeded for",
                                           "certificate expired for",
                                           "stale handle on",
                                           "throttled by",
                                           "corrupt index in",
                                           "watch closed for",
                                           "eviction of pod",
                                           "orphaned volume",
                                           "schema mismatch in",
                                           "clock skew of",
                                           "zombie process"};
    for (std::size_t i = 0; pack.rules.size() < rules; ++i) {
        Rule rule;
        rule.id = "made-" + std::to_string(i);
        rule.title = rule.id;
        rule.detect.push_back({std::string(parts[i % std::size(parts)]) + " " +
                               std::to_string(i / std::size(parts) / std::size(troubles)) + ": " +
                               troubles[i / std::size(parts) % std::size(troubles)] +
                               " (?P<what>\\S+)"});
        pack.rules.push_back(std::move(rule));
    }
    return pack;
}

struct Engine {
    std::string name;
    std::size_t rules;
    std::size_t chunk;
    std::function<std::uint64_t(std::string_view)> run;
    std::vector<double> seconds{};
    std::uint64_t hits = 0;
};

std::shared_ptr<re2::RE2::Set> set_of(const std::string& patterns, std::size_t& count) {
    RE2::Options options(RE2::Latin1);
    options.set_never_nl(true);
    options.set_max_mem(256 << 20);
    auto set = std::make_shared<RE2::Set>(options, RE2::UNANCHORED);
    std::istringstream lines(patterns);
    for (std::string line; std::getline(lines, line); ++count) set->Add(line, nullptr);
    set->Compile();
    return set;
}

std::uint64_t match_set(const RE2::Set& set, std::string_view bytes) {
    std::uint64_t hits = 0;
    std::vector<int> which;
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size() - 1);
        if (set.Match(bytes.substr(0, end), &which)) ++hits;
        bytes.remove_prefix(end + 1);
    }
    return hits;
}

double processor_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void measure(std::vector<Engine>& engines, const std::string& file) {
    const std::string bytes = read_file(file);
    for (int round = 0; round <= rounds; ++round)
        for (Engine& engine : engines) {
            const double began = processor_seconds();
            engine.hits = engine.run(bytes);
            const double took = processor_seconds() - began;
            if (round > 0) engine.seconds.push_back(took);  // the first warms up
        }
    for (Engine& engine : engines) {
        std::sort(engine.seconds.begin(), engine.seconds.end());
        std::printf("%s\t%zu\t%s\t%zu\t%.0f\t%llu\n", engine.name.c_str(), engine.rules,
                    file.c_str(), engine.chunk,
                    static_cast<double>(bytes.size()) / 1e6 / engine.seconds[rounds / 2],
                    static_cast<unsigned long long>(engine.hits));
        engine.seconds.clear();
    }
    std::fflush(stdout);
}

}  // namespace
}  // namespace runnerwatch

int main(int argc, char** argv) {
    using namespace runnerwatch;
    std::string only;
    if (argc > 2 && std::string(argv[1]) == "--only") {
        only = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 3) {
        std::cerr << "usage: match_core [--only ENGINE/RULES] PATTERNS FILE…\n";
        return 2;
    }
    std::size_t set_rules = 0;
    const auto set = set_of(read_file(argv[1]), set_rules);
    std::vector<Engine> engines;
    engines.push_back({"count_lines", 0, 0, count_lines});
    engines.push_back(
        {"re2_set", set_rules, 0, [&](std::string_view bytes) { return match_set(*set, bytes); }});
    std::map<std::size_t, std::unique_ptr<Matcher>> matchers;
    const auto add = [&](const char* name, std::size_t rules, std::size_t chunk,
                         Finder::Wants wants) {
        if (!only.empty() && only != std::string(name) + "/" + std::to_string(rules)) return;
        auto& matcher = matchers[rules];
        if (!matcher) matcher = std::make_unique<Matcher>(pack_of(rules));
        engines.push_back({name, rules, chunk, [&matcher, chunk, wants](std::string_view bytes) {
                               return Finder(*matcher, wants).find(bytes, chunk);
                           }});
    };
    const std::size_t all = built_in_pack().rules.size();
    for (const std::size_t rules : {std::size_t{3}, std::size_t{50}, all, std::size_t{500}})
        add("find", rules, 256 * 1024, Finder::Wants::captures);
    add("count", all, 256 * 1024, Finder::Wants::rule);
    for (const std::size_t chunk : {1u, 4u, 16u, 64u})
        add("find", all, chunk * 1024, Finder::Wants::captures);
    if (!only.empty())
        std::erase_if(engines, [](const Engine& engine) { return engine.chunk != 256 * 1024; });
    for (int i = 2; i < argc; ++i) measure(engines, argv[i]);
}
