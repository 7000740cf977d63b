// Verifies rule files and writes them, packed, as a C++ source that defines built_in_pack(). Run by
// the build: rule_pack_builder OUTPUT ROOT FILE…, where ROOT is taken off the files' names.

#include "alerts/story_check.h"
#include "parsers/packed_rules.h"
#include "parsers/rule_loader.h"

#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

using runnerwatch::RuleFile;

std::string source_of(const std::string& bytes) {
    constexpr std::size_t bytes_of_a_line = 32;
    std::string source =
        "#include \"parsers/packed_rules.h\"\n\nnamespace runnerwatch {\n\n"
        "static const unsigned char bytes[] = {\n";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        source += std::to_string(static_cast<unsigned char>(bytes[i]));
        source += (i + 1) % bytes_of_a_line == 0 ? ",\n" : ",";
    }
    return source +
           "};\n\nRulePack built_in_pack() {\n"
           "    return unpacked({reinterpret_cast<const char*>(bytes), sizeof bytes}).value();\n"
           "}\n\n}  // namespace runnerwatch\n";
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
        files.push_back({name, std::string(std::istreambuf_iterator<char>(in), {})});
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
    const runnerwatch::Matcher matcher(*pack);
    const auto failed = runnerwatch::verify_stories(matcher);
    for (const auto& error : failed) std::fprintf(stderr, "%s\n", error.to_string().c_str());
    if (!failed.empty()) return 1;
    // The matcher's, as that has the literals of the patterns.
    const std::string bytes = runnerwatch::packed(matcher.pack());
    const auto again = runnerwatch::unpacked(bytes);
    if (!again || *again != matcher.pack()) {
        std::fputs("the packed rules are not those of the files\n", stderr);
        return 1;
    }
    std::ofstream out(argv[1], std::ios::binary | std::ios::trunc);
    out << source_of(bytes) << std::flush;
    if (out) return 0;
    std::fprintf(stderr, "%s: cannot be written\n", argv[1]);
    return 2;
}
