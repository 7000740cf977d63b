#include "daemon/rule_files.h"

#include "alerts/story_check.h"
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

Result<std::vector<RuleFile>, std::vector<std::string>> read_rule_files(
    const std::vector<std::string>& folders) {
    std::vector<RuleFile> files = built_in_rules();
    std::vector<std::string> errors;
    int layer = 0;
    for (const auto& folder : folders) {
        ++layer;
        std::error_code error;
        std::vector<std::string> paths;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error))
            if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
        if (error) {
            errors.push_back("rules: the folder " + folder + " cannot be read: " + error.message() +
                             "; check the path under `rules:` or behind --rules");
            continue;
        }
        std::sort(paths.begin(), paths.end());
        for (const auto& path : paths) {
            auto text = read_file(path);
            if (text)
                files.push_back({path, std::move(*text), layer});
            else
                errors.push_back(text.error());
        }
    }
    if (!errors.empty()) return failure(std::move(errors));
    return files;
}

Result<std::unique_ptr<Matcher>, std::vector<std::string>> load_rules(
    const std::vector<std::string>& folders) {
    const auto files = read_rule_files(folders);
    if (!files) return failure(files.error());
    auto pack = load_pack("gitlab-runner", *files);
    std::vector<std::string> errors;
    if (!pack) {
        for (const auto& error : pack.error()) errors.push_back(error.to_string());
        return failure(std::move(errors));
    }
    auto matcher = std::make_unique<Matcher>(std::move(*pack));
    // The stories of the built-in rules were checked when they were built in.
    for (const auto& error : verify_stories(*matcher, 1)) errors.push_back(error.to_string());
    if (!errors.empty()) return failure(std::move(errors));
    return matcher;
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
