// `rules unclassified`, `rules new` and `rules mute`: from a message that no rule takes to a rule
// or an exception, in one step each.

#include "daemon/commands/rule_draft.h"
#include "daemon/commands/rules.h"
#include "daemon/rule_files.h"
#include "parsers/packed_rules.h"
#include "parsers/visible_text.h"
#include "storage/store.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

constexpr int in_order = 0, refused = 1, unusable = 2;

bool is_template_id(const std::string& text) {
    return text.size() == 12 && text.rfind("t-", 0) == 0 &&
           text.find_first_not_of("0123456789abcdef", 2) == std::string::npos;
}

Result<std::vector<TemplateRow>, std::string> templates_of(const std::string& database) {
    auto reader = Reader::open(database);
    if (!reader) return failure(reader.error().what);
    auto rows = (*reader)->templates();
    if (!rows) return failure(rows.error().what);
    return std::move(*rows);
}

json time_json(const std::optional<Timestamp>& time) {
    return time ? json(format_time_for_people(*time)) : json();
}

// The log text to make a rule of.
Result<std::string, std::string> lines_of(const std::string& from, const std::string& database) {
    if (!is_template_id(from)) return from;
    const auto rows = templates_of(database);
    if (!rows) return failure(rows.error());
    for (const TemplateRow& row : *rows)
        if (row.id == from) return row.example;
    return failure("there is no unclassified message " + from + " in " + database +
                   ". `runnerwatch rules unclassified --database FILE` lists them; a log line in "
                   "quotes is taken as well.");
}

// YAML's single quotes: nothing in them means anything.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : visible_text(text))
        out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
}

std::string write_error(const std::string& path) {
    return path + " cannot be written: " + std::strerror(errno) +
           ". Name a folder for rules that you may write to.";
}

}  // namespace

int list_unclassified(const RulesOptions& options, const std::string& database, std::ostream& out,
                      std::ostream& err) {
    const auto rows = templates_of(database);
    if (!rows) {
        err << "runnerwatch: " << rows.error() << "\n";
        return unusable;
    }
    Listing listing{{{"id", "ID"},
                     {"count", "COUNT"},
                     {"first", "FIRST"},
                     {"last", "LAST"},
                     {"message", "MESSAGE"}},
                    {}};
    for (const TemplateRow& row : *rows)
        listing.rows.push_back({{"id", row.id},
                                {"count", row.count},
                                {"first", time_json(row.first_seen)},
                                {"last", time_json(row.last_seen)},
                                {"message", row.text},
                                {"source", row.source},
                                {"example", visible_text(row.example, Newlines::keep)}});
    out << rendered(listing, options.format);
    return in_order;
}

int draft_rule_file(const RulesOptions& options, const std::string& from,
                    const std::string& database, const std::string& folder, std::ostream& out,
                    std::ostream& err) {
    const auto lines = lines_of(from, database);
    if (!lines) {
        err << "runnerwatch: " << lines.error() << "\n";
        return unusable;
    }
    const auto draft = draft_rule(*lines);
    if (!draft) {
        err << "runnerwatch: " << draft.error() << "\n";
        return unusable;
    }
    auto files = read_rule_files(options.folders);
    if (!files) {
        for (const auto& error : files.error()) err << "runnerwatch: " << error << "\n";
        return unusable;
    }
    const std::string path = folder.empty()
                                 ? draft->id + ".yaml"
                                 : (std::filesystem::path(folder) / (draft->id + ".yaml")).string();
    files->push_back({path, draft->text, static_cast<int>(options.folders.size()) + 1});
    if (const auto pack = load_pack(built_in_pack(), *files); !pack) {
        err << "runnerwatch: no new rule is needed, or none can be made of this line:\n";
        for (const RuleError& error : pack.error())
            err << "  " << visible_text(error.to_string(), Newlines::keep) << "\n";
        return refused;
    }
    if (folder.empty()) {
        out << draft->text;
        return in_order;
    }
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (std::filesystem::exists(path)) {
        err << "runnerwatch: " << path << " is there already and is not written over. Rename it "
            << "or edit it.\n";
        return refused;
    }
    std::ofstream file(path, std::ios::binary);
    file << draft->text << std::flush;
    if (!file) {
        err << "runnerwatch: " << write_error(path) << "\n";
        return unusable;
    }
    out << path << ": it passes as it stands; now say what it is and what to do, then "
        << "`runnerwatch rules test " << folder << "`\n";
    return in_order;
}

int mute(const RulesOptions& options, const Muting& muting, std::ostream& out, std::ostream& err) {
    const std::string path =
        (std::filesystem::path(muting.folder) / Exceptions::file_name).string();
    std::error_code error;
    std::filesystem::create_directories(muting.folder, error);
    std::string text;
    if (std::filesystem::exists(path)) {
        auto before = read_file(path);
        if (!before) {
            err << "runnerwatch: " << before.error() << "\n";
            return unusable;
        }
        text = std::move(*before);
    }
    if (text.find("exceptions:") == std::string::npos) text += "exceptions:\n";
    if (!text.ends_with('\n')) text += '\n';
    const char* key = is_template_id(muting.what) ? "template" : "rule";
    text += std::string("  - ") + key + ": " + quoted(muting.what) +
            "\n    owner: " + quoted(muting.owner) + "\n    reason: " + quoted(muting.reason) +
            "\n    expires: " + quoted(muting.expires) + "\n";
    const auto matcher = rules_or_errors(options.folders, err);
    if (!matcher) return unusable;
    if (const auto all = Exceptions::load({{path, text}}, matcher->pack()); !all) {
        for (const RuleError& wrong : all.error())
            err << "runnerwatch: " << visible_text(wrong.to_string()) << "\n";
        return refused;
    }
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text << std::flush;
    if (!file) {
        err << "runnerwatch: " << write_error(path) << "\n";
        return unusable;
    }
    out << path << ": " << visible_text(muting.what) << " is muted until " << muting.expires
        << "; a daemon that reads this folder follows within seconds\n";
    return in_order;
}

}  // namespace runnerwatch
