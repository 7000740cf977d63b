// `rules lint` and `rules coverage`.

#include "daemon/commands/rule_json.h"
#include "daemon/commands/rule_lint.h"
#include "daemon/commands/rules.h"
#include "daemon/rule_files.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <filesystem>
#include <ostream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

constexpr int in_order = 0, found_some = 1, unusable = 2;
constexpr std::size_t formats_min = 2;

Result<std::vector<Recording>, std::string> read_recordings(const std::string& folder) {
    std::vector<Recording> recordings;
    if (folder.empty()) return recordings;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (entry.path().extension() != ".log") continue;
        auto text = read_file(entry.path().string());
        if (!text) return failure(text.error());
        recordings.push_back({entry.path().filename().string(), std::move(*text)});
    }
    if (error)
        return failure(folder + " cannot be read: " + error.message() +
                       ". Name a folder with *.log files.");
    std::sort(recordings.begin(), recordings.end(),
              [](const Recording& a, const Recording& b) { return a.name < b.name; });
    return recordings;
}

}  // namespace

int lint_rules(const RulesOptions& options, std::ostream& out, std::ostream& err) {
    const auto matcher = rules_or_errors(options.folders, err);
    if (!matcher) return unusable;
    const auto warnings = lint(*matcher);
    Listing listing{{{"rule", "RULE"}, {"code", "CODE"}, {"what", "WHAT"}}, {}};
    for (const RuleWarning& warning : warnings)
        listing.rows.push_back({{"rule", warning.rule->id},
                                {"code", warning.code},
                                {"what", visible_text(warning.what)},
                                {"file", warning.rule->file}});
    if (options.format != ListFormat::table || !warnings.empty())
        out << rendered(listing, options.format);
    if (options.format == ListFormat::table)
        out << counted(warnings.size(), "remark") << " on "
            << counted(matcher->pack().rules.size(), "rule") << "\n";
    return warnings.empty() ? in_order : found_some;
}

int rule_coverage(const RulesOptions& options, const std::string& folder, std::ostream& out,
                  std::ostream& err) {
    const auto matcher = rules_or_errors(options.folders, err);
    if (!matcher) return unusable;
    const auto recordings = read_recordings(folder);
    if (!recordings) {
        err << "runnerwatch: " << recordings.error() << "\n";
        return unusable;
    }
    Listing listing{{{"id", "RULE"},
                     {"catalog", "CATALOGUE"},
                     {"formats", "SAMPLES"},
                     {"near_misses", "IGNORED"},
                     {"recovery", "RECOVERY"},
                     {"recordings_met", "RECORDINGS"},
                     {"note", "NOTE"}},
                    {}};
    std::size_t thin = 0;
    std::vector<std::string> derived;
    for (const RuleProof& proof : proofs(*matcher, *recordings)) {
        const Rule& rule = *proof.rule;
        const bool one_format = proof.formats.size() < formats_min;
        const bool only_derived = !recordings->empty() && proof.recordings.empty();
        if (one_format) ++thin;
        if (only_derived) derived.push_back(rule.id);
        std::string note = one_format ? "one format" : "";
        if (only_derived) note += (note.empty() ? "" : ", ") + std::string("no recording");
        listing.rows.push_back({{"id", rule.id},
                                {"catalog", rule.catalog},
                                {"formats", proof.formats},
                                {"near_misses", rule.sample_ignore.size()},
                                {"recovery", rule.sample_recover.size()},
                                {"recordings_met", proof.recordings.size()},
                                {"recordings", proof.recordings},
                                {"note", note}});
    }
    out << rendered(listing, options.format);
    if (options.format == ListFormat::table) {
        out << "\n"
            << counted(listing.rows.size(), "rule") << "; with samples in one format only: " << thin
            << "\n";
        if (!recordings->empty())
            out << counted(recordings->size(), "recording")
                << "; rules met in none of them: " << derived.size() << "\n";
        for (const std::string& id : derived) out << "  " << id << "\n";
    }
    return thin == 0 ? in_order : found_some;
}

}  // namespace runnerwatch
