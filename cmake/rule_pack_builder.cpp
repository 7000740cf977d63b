// Verifies rule files and writes them as a C++ source that defines built_in_rules(). Run by the
// build: rule_pack_builder OUTPUT ROOT FILE…, where ROOT is taken off the files' names.

#include "alerts/story_check.h"
#include "parsers/rule_loader.h"

#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

using runnerwatch::RuleFile;

// A C++ string literal, a line of the text on each line.
std::string literal(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            quoted += "\\n\"\n\"";
        } else if (c == '"' || c == '\\') {
            quoted += std::string("\\") + c;
        } else if (byte < 0x20 || byte >= 0x7f || c == '?') {
            char octal[5];
            std::snprintf(octal, sizeof octal, "\\%03o", byte);
            quoted += octal;
        } else {
            quoted += c;
        }
    }
    return quoted + "\"";
}

std::string source_of(const std::vector<RuleFile>& files) {
    std::string source =
        "#include \"parsers/rule_loader.h\"\n\nnamespace runnerwatch {\n\n"
        "const std::vector<RuleFile>& built_in_rules() {\n"
        "    static const std::vector<RuleFile> files{\n";
    for (const RuleFile& file : files)
        source += "{" + literal(file.name) + ",\n" + literal(file.text) + "},\n";
    return source + "    };\n    return files;\n}\n\n}  // namespace runnerwatch\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: rule_pack_builder OUTPUT ROOT FILE...\n", stderr);
        return 2;
    }
    const std::string root = argv[2];
    std::vector<RuleFile> files;
    for (int i = 3; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        std::string name = argv[i];
        if (name.rfind(root, 0) == 0) name.erase(0, root.size());
        files.push_back({name, {std::istreambuf_iterator<char>(in), {}}});
        if (!in) {
            std::fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 2;
        }
    }
    const auto pack = runnerwatch::load_pack("gitlab-runner", files);
    if (!pack) {
        for (const auto& error : pack.error())
            std::fprintf(stderr, "%s\n", error.to_string().c_str());
        return 1;
    }
    const auto failed = runnerwatch::verify_stories(runnerwatch::Matcher(*pack));
    for (const auto& error : failed) std::fprintf(stderr, "%s\n", error.to_string().c_str());
    if (!failed.empty()) return 1;
    std::ofstream out(argv[1], std::ios::binary | std::ios::trunc);
    out << source_of(files) << std::flush;
    if (out) return 0;
    std::fprintf(stderr, "%s: cannot be written\n", argv[1]);
    return 2;
}
