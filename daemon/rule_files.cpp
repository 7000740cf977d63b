#include "daemon/rule_files.h"

#include "alerts/story_check.h"
#include "parsers/packed_rules.h"
#include "parsers/visible_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

namespace runnerwatch {

namespace {

constexpr std::uintmax_t file_bytes_max = 64 * 1024 * 1024;

}  // namespace

Result<std::string, std::string> read_file(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
        return failure(path + " cannot be read: it is a directory; name a file");
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return failure(path + " cannot be read: " + std::strerror(errno) +
                       "; check the path and its permissions");
    const auto size = std::filesystem::file_size(path, error);
    if (!error && size > file_bytes_max)
        return failure(path +
                       " cannot be read: it is larger than 64 MiB, which no "
                       "configuration or rule is");
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

namespace {

using Names = std::vector<std::string>;

bool holds_exceptions(const std::filesystem::path& path) {
    return path.filename() == Exceptions::file_name;
}

// The files of a folder, in the order of their names; errors are added.
std::vector<RuleFile> files_of(const std::string& folder, int layer, Names& errors) {
    std::vector<RuleFile> files;
    std::error_code error;
    Names paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
    if (error)
        errors.push_back("rules: the folder " + folder + " cannot be read: " + error.message() +
                         "; check the path under `rules:` or behind --rules");
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        auto text = read_file(path);
        if (text)
            files.push_back({path, std::move(*text), layer});
        else
            errors.push_back(text.error());
    }
    return files;
}

// Rules and exceptions of the folders.
struct ReadFiles {
    std::vector<RuleFile> rules, exceptions;
};

Result<ReadFiles, Names> read_all(const Names& folders) {
    ReadFiles read;
    Names errors;
    int layer = 0;
    for (const auto& folder : folders)
        for (RuleFile& file : files_of(folder, ++layer, errors))
            (holds_exceptions(file.name) ? read.exceptions : read.rules).push_back(std::move(file));
    if (!errors.empty()) return failure(std::move(errors));
    return read;
}

Names words(const std::vector<RuleError>& errors) {
    Names lines;
    for (const RuleError& error : errors) lines.push_back(error.to_string());
    return lines;
}

}  // namespace

Result<std::vector<RuleFile>, Names> read_rule_files(const Names& folders) {
    auto read = read_all(folders);
    if (!read) return failure(read.error());
    return std::move(read->rules);
}

Result<RuleSet, Names> load_rule_set(const Names& folders) {
    const auto read = read_all(folders);
    if (!read) return failure(read.error());
    RulePack pack = built_in_pack();
    if (!read->rules.empty()) {  // else it is what was verified when it was built in
        auto laid_over = load_pack(std::move(pack), read->rules);
        if (!laid_over) return failure(words(laid_over.error()));
        pack = std::move(*laid_over);
    }
    auto exceptions = Exceptions::load(read->exceptions, pack);
    if (!exceptions) return failure(words(exceptions.error()));
    RuleSet set{std::make_unique<Matcher>(std::move(pack)), std::move(*exceptions)};
    // The stories of the built-in rules were checked when they were built in.
    if (const auto errors = verify_stories(*set.matcher, 1); !errors.empty())
        return failure(words(errors));
    return set;
}

std::string rules_stamp(const Names& folders) {
    std::string stamp;
    for (const auto& folder : folders) {
        Names lines;
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            if (entry.path().extension() != ".yaml") continue;
            const auto time = entry.last_write_time(error).time_since_epoch().count();
            lines.push_back(entry.path().string() + " " + std::to_string(time) + " " +
                            std::to_string(entry.file_size(error)));
        }
        std::sort(lines.begin(), lines.end());
        for (const auto& line : lines) stamp += line + "\n";
        if (error) stamp += folder + ": " + error.message() + "\n";
    }
    return stamp;
}

Result<std::unique_ptr<Matcher>, Names> load_rules(const Names& folders) {
    auto set = load_rule_set(folders);
    if (!set) return failure(set.error());
    return std::move(set->matcher);
}

std::unique_ptr<Matcher> rules_or_errors(const std::vector<std::string>& folders,
                                         std::ostream& err) {
    auto matcher = load_rules(folders);
    if (matcher) return std::move(*matcher);
    for (const auto& error : matcher.error())
        err << "runnerwatch: " << visible_text(error, Newlines::keep) << "\n";
    return nullptr;
}

}  // namespace runnerwatch
